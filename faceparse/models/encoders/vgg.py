"""VGG-16 made fully convolutional: the encoder of FCN.

Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015, table 1, column
D, https://arxiv.org/abs/1409.1556, its first two fully connected layers turned into convolutions (Long et al., CVPR
2015, section 3.1). The keys of the features are torchvision's; fc6 and fc7 are its classifier.0 and classifier.3.
"""
from torch import nn
from torch.nn import functional as F

STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # width and number of 3x3 convolutions; a pool ends each


class VGG16(nn.Module):
    """(B, in_channels, H, W), H and W multiples of 32 -> the maps pool3 (B, 256, H/8, W/8), pool4 (B, 512, H/16, W/16)
    and fc7 (B, 4096, H/32, W/32). batch_norm: torchvision's vgg16_bn."""

    channels = (256, 512, 4096)

    def __init__(self, batch_norm=False, in_channels=3):
        super().__init__()
        features = []
        for width, depth in STAGES:
            for _ in range(depth):
                features.append(nn.Conv2d(in_channels, width, 3, padding=1))
                if batch_norm:
                    features.append(nn.BatchNorm2d(width))
                features.append(nn.ReLU(inplace=True))
                in_channels = width
            features.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*features)
        self.fc6 = nn.Conv2d(512, 4096, 7, padding=3)
        self.fc7 = nn.Conv2d(4096, 4096, 1)
        self.dropout = nn.Dropout(0.5)
        for module in self.features:  # torchvision's initialisation; norms are 1 and 0 by default
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(module.bias)
        for layer in (self.fc6, self.fc7):
            nn.init.normal_(layer.weight, 0, 0.01)
            nn.init.zeros_(layer.bias)

    def from_classifier(self, weights):
        """The state dict of torchvision's classifier with its first two linear layers renamed and reshaped to fc6, fc7.

        Linear weights (4096, 512 x 7 x 7) hold channel, row and column in that order, as convolutions do.
        """
        weights = dict(weights)
        for theirs, ours, layer in (("classifier.0", "fc6", self.fc6), ("classifier.3", "fc7", self.fc7)):
            weight = weights.get(f"{theirs}.weight")
            if weight is not None and weight.shape == layer.weight.flatten(1).shape:
                weights[f"{ours}.weight"] = weight.view_as(layer.weight)
                weights[f"{ours}.bias"] = weights[f"{theirs}.bias"]
        return weights

    def forward(self, images):
        pools = []
        for feature in self.features:
            images = feature(images)
            if isinstance(feature, nn.MaxPool2d):
                pools.append(images)
        _, _, pool3, pool4, pool5 = pools
        fc6 = self.dropout(F.relu(self.fc6(pool5)))  # (B, 4096, H/32, W/32)
        fc7 = self.dropout(F.relu(self.fc7(fc6)))
        return [pool3, pool4, fc7]
