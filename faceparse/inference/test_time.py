"""Test-time augmentation: the mean over rescaled and mirrored views."""
import numpy as np
import torch
import torch.nn.functional as F

from faceparse.errors import FaceparseError
from faceparse.inference.face_parser import Parser
from faceparse.labels import LABEL_SETS


class Averaged(Parser):
    """Test-time augmentation: a parser whose probabilities are the mean over rescaled and mirrored views of the crop.

    parser  a Parser or an AdaptedParser
    scales  sizes of the views over the crop's; each but 1 is made a multiple of 32 pixels (li2022: 0.5, 0.75, 1, 1.25,
            1.5)
    flip    every view mirrored too, its classes swapped back by the label set's mirror pairs: li2022's future work
    Raises FaceparseError where a mirrored view's classes could not be swapped back.
    """

    def __init__(self, parser, scales=(1.0,), flip=False):
        if flip and not parser.labels.mirror_pairs and LABEL_SETS.get(parser.labels.name) != parser.labels:
            raise FaceparseError(f"{parser.path}: nobody has told which of its classes change places in a mirror: leave "
                                 "out --tta-flip, or add 'pairs' to its labels")
        self.of, self.scales, self.flip = parser, scales, flip
        self.sizes = list(dict.fromkeys(parser.size if scale == 1 else max(32, 32 * round(parser.size * scale / 32))
                                        for scale in scales))
        self.looks = self.sizes * (1 + flip)  # the side of each view
        self.swap = torch.from_numpy(parser.labels.mirror[:len(parser.labels)].astype(np.int64))
        self.model, self.about, self.path = parser.model, parser.about, parser.path
        self.device, self.bfloat16, self.adapter = parser.device, parser.bfloat16, parser.adapter
        self.labels, self.size, self.align = parser.labels, parser.size, parser.align
        self.parser = getattr(parser, "parser", None)  # an AdaptedParser's

    def probabilities(self, images):
        """images (B, 3, S, S) uint8 -> (B, C, S, S) in 0..1."""
        views = []
        for size in self.sizes:
            view = images if size == images.shape[-1] else F.interpolate(
                images.float(), (size, size), mode="bilinear", antialias=True).round().to(torch.uint8)
            found = [self.of.probabilities(view)]
            if self.flip:
                found.append(self.of.probabilities(view.flip(-1)).flip(-1)[:, self.swap])
            views += [F.interpolate(one, images.shape[-2:], mode="bilinear") for one in found]
        return torch.stack(views).mean(0)

    def logits(self, images):
        """The logarithms of the mean probabilities: the same order of the classes."""
        return self.probabilities(images).clamp(min=torch.finfo(torch.float32).tiny).log()
