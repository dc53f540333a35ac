"""ResNet as an encoder: five maps, at strides 2, 4, 8, 16 and 32.

He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, https://arxiv.org/abs/1512.03385. torchvision's
network, whose bottlenecks stride in the 3x3 convolution, without its classifier; the keys of the state dict are
torchvision's.
"""
from torch import nn
from torchvision.models import resnet


class ResNetEncoder(resnet.ResNet):
    """(B, in_channels, H, W), H and W multiples of 32 -> five maps (B, channels, H/s, W/s), s = 2, 4, 8, 16, 32.

    block, layers  "BasicBlock" or "Bottleneck", and the number of blocks of the four stages
    """

    def __init__(self, block, layers, in_channels=3):
        block = getattr(resnet, block)
        super().__init__(block, layers)
        del self.avgpool, self.fc
        if in_channels != 3:  # torchvision takes RGB alone; its initialisation
            self.conv1 = nn.Conv2d(in_channels, 64, 7, stride=2, padding=3, bias=False)
            nn.init.kaiming_normal_(self.conv1.weight, mode="fan_out", nonlinearity="relu")
        self.channels = (64, *(width * block.expansion for width in (64, 128, 256, 512)))

    def last_stage(self):
        """The layers from stride 16 to stride 32."""
        return self.layer4

    def forward(self, images):
        c1 = self.relu(self.bn1(self.conv1(images)))  # (B, 64, H/2, W/2)
        c2 = self.layer1(self.maxpool(c1))            # (B, 64 or 256, H/4, W/4)
        c3 = self.layer2(c2)                          # (B, 128 or 512, H/8, W/8)
        c4 = self.layer3(c3)                          # (B, 256 or 1024, H/16, W/16)
        c5 = self.layer4(c4)                          # (B, 512 or 2048, H/32, W/32)
        return [c1, c2, c3, c4, c5]
