"""The adapted parser: a parser followed by a label adapter."""
import torch

from faceparse import models
from faceparse.adaptation.encoding import encode
from faceparse.errors import FaceparseError
from faceparse.inference.face_parser import Parser, Trained
from faceparse.labels import label_set_from_dict


class AdaptedParser(Parser):
    """A parser and, behind it, a label adapter (see adaptation.py): a parser in the adapter's labels.

    adapter  the Adapter; raises FaceparseError where it was not made for such predictions
    force    take it although it was learnt from other parsers' predictions
    """

    def __init__(self, parser, adapter, force=False):
        if not force and not adapter.fits(parser):
            raise FaceparseError(f"{adapter.path}: was learnt from the predictions of "
                                 f"{', '.join(fit['run'] for fit in adapter.about['fits'])}, not of {parser.path} as "
                                 "it is now: train one for it with adapt.py, or give --force")
        if parser.labels.names != adapter.source.names:
            raise FaceparseError(f"{adapter.path}: adapts predictions in the labels of '{adapter.source.name}', and "
                                 f"{parser.path} predicts '{parser.labels.name}': train one for it with adapt.py")
        if parser.size != adapter.about["size"]:
            raise FaceparseError(f"{adapter.path}: adapts predictions of {adapter.about['size']} pixels, and "
                                 f"{parser.path} predicts {parser.size}: train one for it with adapt.py")
        self.parser, self.adapter, self.path = parser, adapter, parser.path
        self.model = torch.nn.ModuleList([parser.model, adapter.model])
        self.about = {**parser.about, "activation": adapter.about["activation"]}
        self.device, self.bfloat16 = parser.device, parser.bfloat16
        self.labels, self.size, self.align = adapter.labels, parser.size, parser.align

    def logits(self, images):
        """images (B, 3, S, S) uint8 crops -> logits (B, C, S, S) float32 in the adapter's labels."""
        return self.adapter.logits(self.parser.probabilities(images))


class Adapter(Trained):
    """A trained label adapter. `load_any` makes one."""

    def __init__(self, model, about, path, device, bfloat16=False):
        super().__init__(model, about, path, device, bfloat16)
        self.labels, self.source = label_set_from_dict(about["labels"]), label_set_from_dict(about["source"])

    def fits(self, parser):
        """Whether it was learnt from this very parser's predictions."""
        return parser.fingerprint in [fit["weights"] for fit in self.about["fits"]]

    def logits(self, probabilities):
        """probabilities (B, C', S, S) in the parser's labels -> logits (B, C, S, S) float32 in the adapter's."""
        return self.run(encode(probabilities, self.about["input"]))["out"].float()


def pair(models, force=False):
    """Parsers and Adapters in any order -> each parser, followed by an AdaptedParser for every adapter that it fits.

    force: an adapter that fits none of the parsers is put behind all of them.
    Raises FaceparseError where there is no parser, or an adapter fits none.
    """
    parsers = [model for model in models if isinstance(model, Parser)]
    adapters = [model for model in models if isinstance(model, Adapter)]
    if not parsers:
        raise FaceparseError("--model names no parser; " + (f"an adapter needs one that it fits: name "
                             f"{adapters[0].about['fits'][0]['run']} too" if adapters else "train one with train.py"))
    behind = {parser: [] for parser in parsers}
    for adapter in adapters:
        fitting = [parser for parser in parsers if adapter.fits(parser)]
        for parser in fitting or parsers:  # with none fitting, AdaptedParser says why not
            behind[parser].append(AdaptedParser(parser, adapter, force))
    return [one for parser in parsers for one in (parser, *behind[parser])]
