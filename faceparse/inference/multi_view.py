"""Test-time augmentation: predictions of rescaled and mirrored views of a crop, averaged."""
import numpy as np
import torch
import torch.nn.functional as F

from faceparse.errors import FaceparseError
from faceparse.inference.face_parser import Parser
from faceparse.labels import LABEL_SETS

STRIDE = 32  # the sides of rescaled views are multiples of it, in pixels


class MultiViewParser(Parser):
    """A Parser whose probabilities are the mean over several views of the crop.

    base    a Parser or an AdaptedParser
    scales  sizes of the views relative to the crop; li2022 uses 0.5, 0.75, 1.0, 1.25 and 1.5
    flip    also mirror every view, and swap its classes back by the label set's mirror pairs (li2022's future work)
    Raises FaceparseError where the mirrored classes are not known.
    """

    def __init__(self, base, scales=(1.0,), flip=False):
        unknown = not base.labels.mirror_pairs and LABEL_SETS.get(base.labels.name) != base.labels
        if flip and (unknown or base.labels.unpaired):
            some = f" with {', '.join(base.labels.unpaired)}" if base.labels.unpaired else ""
            raise FaceparseError(f"{base.path}: its labels do not list which classes a mirror swaps{some}: leave out "
                                 "--tta-flip, or add 'pairs' to its labels")
        self.base, self.scales, self.flip = base, scales, flip
        self.sizes = list(dict.fromkeys(
            base.size if scale == 1 else max(STRIDE, STRIDE * round(base.size * scale / STRIDE)) for scale in scales))
        self.view_sizes = self.sizes * (1 + flip)  # the side of each view, which the cost depends on
        self.mirrored_class = torch.from_numpy(base.labels.mirror[:len(base.labels)].astype(np.int64))  # (C,)
        self.model, self.about, self.path = base.model, base.about, base.path
        self.device, self.bfloat16, self.adapter = base.device, base.bfloat16, base.adapter
        self.labels, self.size, self.align = base.labels, base.size, base.align
        self.parser = getattr(base, "parser", None)  # an AdaptedParser's

    @property
    def identity(self):
        """See TrainedNetwork.identity."""
        return self.base.identity, self.sizes, self.flip

    def probabilities(self, images):
        """images (B, 3, S, S) uint8 -> (B, C, S, S) in 0..1."""
        views = []
        for size in self.sizes:
            view = images if size == images.shape[-1] else F.interpolate(
                images.float(), (size, size), mode="bilinear", antialias=True).round().to(torch.uint8)
            predictions = [self.base.probabilities(view)]  # (B, C, size, size)
            if self.flip:
                predictions.append(self.base.probabilities(view.flip(-1)).flip(-1)[:, self.mirrored_class])
            views += [F.interpolate(one, images.shape[-2:], mode="bilinear") for one in predictions]
        return torch.stack(views).mean(0)

    def logits(self, images):
        """The logarithms of the mean probabilities, (B, C, S, S): their softmax is the mean, up to its sum."""
        return self.probabilities(images).clamp(min=torch.finfo(torch.float32).tiny).log()


def add_views(parsers, scales=None, flip=False):
    """The parsers, each followed by its MultiViewParser, so that the gain shows; without scales and `flip`, the parsers
    alone.

    scales  text of --tta, such as "0.5,1.0,1.5", or None
    Raises FaceparseError.
    """
    scales = parse_scales(scales or "1")
    if scales == (1.0,) and not flip:
        return parsers
    return [one for parser in parsers for one in (parser, MultiViewParser(parser, scales, flip))]


def parse_scales(text):
    """The scales of --tta, such as "0.5,1.0,1.5" -> (0.5, 1.0, 1.5). Raises FaceparseError."""
    try:
        scales = tuple(float(scale) for scale in text.split(","))
    except ValueError:
        scales = (0.0,)
    if not all(0.1 <= scale <= 8 for scale in scales):
        raise FaceparseError(f"--tta {text}: should be scales of the crop from 0.1 to 8, such as 0.5,1.0,1.5")
    return scales
