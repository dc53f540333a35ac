"""Mix Transformer (MiT), SegFormer's encoder: four maps, at strides 4, 8, 16 and 32.

Xie et al., "SegFormer: Simple and Efficient Design for Semantic Segmentation with Transformers", NeurIPS 2021, section
3.1 and table 6, https://arxiv.org/abs/2105.15203. Where the paper gives no value, as in the authors' published network:
a norm after the reduction of keys and values and after each stage, whose epsilons differ (1e-5 in patch embeddings and
reductions, 1e-6 elsewhere), stochastic depth up to 0.1, and the initialisation. The keys of the state dict are those of
the authors' backbones and of segmentation_models_pytorch.

Inside, maps are (B, H, W, C), as norms and linear layers take them.
"""
import math

from torch import nn
from torch.nn import functional as F
from torchvision.ops import StochasticDepth

# table 6, the same for all sizes: stride and kernel of the patch embeddings, attention heads, and the factor by which
# keys and values are reduced along each side (equation 2's R is its square)
STRIDES, KERNELS, HEADS, REDUCTIONS = (4, 2, 2, 2), (7, 3, 3, 3), (1, 2, 5, 8), (8, 4, 2, 1)
EXPANSION = 4           # of the feed-forward layers; table 6 has 8 in stages 1 and 2, but table 1's counts need 4
STOCHASTIC_DEPTH = 0.1  # at the last block; it grows linearly from 0 at the first


def convolve(convolution, x):
    """A convolution of a map (B, H, W, C); without a copy where the map is contiguous in that order."""
    return convolution(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


class PatchEmbedding(nn.Module):
    """Overlapped patch merging: patches are larger than their stride, so that neighbours stay continuous."""

    def __init__(self, in_channels, width, kernel, stride):
        super().__init__()
        self.proj = nn.Conv2d(in_channels, width, kernel, stride, padding=kernel // 2)
        self.norm = nn.LayerNorm(width)

    def forward(self, x):
        return self.norm(convolve(self.proj, x))  # (B, H, W, C) -> (B, H / stride, W / stride, width)


class Attention(nn.Module):
    """Efficient self-attention (equation 2): a query for every cell, one key and value for each square of cells."""

    def __init__(self, width, heads, reduction):
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(width, width)
        self.kv = nn.Linear(width, 2 * width)
        self.proj = nn.Linear(width, width)
        self.sr = self.norm = None
        if reduction > 1:
            self.sr = nn.Conv2d(width, width, reduction, stride=reduction)
            self.norm = nn.LayerNorm(width)

    def forward(self, x):
        batch, height, width, channels = x.shape
        q = self.q(x).flatten(1, 2).unflatten(2, (self.heads, -1)).transpose(1, 2)  # (B, heads, H W, C / heads)
        if self.sr is not None:
            x = self.norm(convolve(self.sr, x))  # (B, H / reduction, W / reduction, C)
        k, v = self.kv(x).flatten(1, 2).unflatten(2, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v)                                   # (B, heads, H W, C / heads)
        return self.proj(y.transpose(1, 2).reshape(batch, height, width, channels))


class Depthwise(nn.Module):
    """3x3 depthwise convolution: (B, H, W, C) -> the same shape."""

    def __init__(self, channels):
        super().__init__()
        self.dwconv = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)

    def forward(self, x):
        return convolve(self.dwconv, x)


class MixFFN(nn.Module):
    """Equation 3. The zero padding of its 3x3 convolution carries the position, in place of a positional encoding."""

    def __init__(self, width):
        super().__init__()
        self.fc1 = nn.Linear(width, EXPANSION * width)
        self.dwconv = Depthwise(EXPANSION * width)
        self.fc2 = nn.Linear(EXPANSION * width, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.dwconv(self.fc1(x))))  # (B, H, W, C) -> 4 C -> C


class Block(nn.Module):
    """A transformer block with residual connections: (B, H, W, C) -> the same shape."""

    def __init__(self, width, heads, reduction, stochastic_depth):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, heads, reduction)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = MixFFN(width)
        self.drop_path = StochasticDepth(stochastic_depth, "row")

    def forward(self, x):
        x = x + self.drop_path(self.attn(self.norm1(x)))
        return x + self.drop_path(self.mlp(self.norm2(x)))


class MiT(nn.Module):
    """(B, in_channels, H, W), H and W multiples of 32 -> four maps (B, channels, H/s, W/s), s = 4, 8, 16, 32.

    widths, depths  channels and blocks of the four stages
    """

    def __init__(self, widths, depths, in_channels=3):
        super().__init__()
        self.channels = tuple(widths)
        last = sum(depths) - 1
        done = 0
        for stage, (width, depth) in enumerate(zip(widths, depths)):
            heads, reduction = HEADS[stage], REDUCTIONS[stage]
            blocks = [Block(width, heads, reduction, STOCHASTIC_DEPTH * (done + i) / last) for i in range(depth)]
            self.add_module(f"patch_embed{stage + 1}",
                            PatchEmbedding(in_channels, width, KERNELS[stage], STRIDES[stage]))
            self.add_module(f"block{stage + 1}", nn.Sequential(*blocks))
            self.add_module(f"norm{stage + 1}", nn.LayerNorm(width, eps=1e-6))
            in_channels = width
            done += depth
        for module in self.modules():  # norms are 1 and 0 by default
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Conv2d):
                fan_out = math.prod(module.kernel_size) * module.out_channels // module.groups
                nn.init.normal_(module.weight, 0, math.sqrt(2 / fan_out))
                nn.init.zeros_(module.bias)

    def forward(self, images):
        maps, x = [], images.permute(0, 2, 3, 1)  # (B, H, W, in_channels)
        for stage in range(1, 5):
            x = self.get_submodule(f"patch_embed{stage}")(x)
            x = self.get_submodule(f"block{stage}")(x)
            x = self.get_submodule(f"norm{stage}")(x)  # (B, H / 2^(stage + 1), W / 2^(stage + 1), widths[stage - 1])
            maps.append(x.permute(0, 3, 1, 2))
        return maps
