"""The adapted parser: a parser followed by a label adapter, which encoding.py explains."""
import torch

from faceparse.adaptation.encoding import encode
from faceparse.errors import FaceparseError
from faceparse.inference.face_parser import Parser
from faceparse.inference.trained_network import TrainedNetwork
from faceparse.labels import label_set_from_dict


class Adapter(TrainedNetwork):
    """A trained label adapter, as `adaptation.loading.load_any` returns it.

    source  the LabelSet of its inputs, a parser's predictions
    labels  the LabelSet of its outputs
    """

    def __init__(self, model, about, path, device, bfloat16=False):
        super().__init__(model, about, path, device, bfloat16)
        self.labels, self.source = label_set_from_dict(about["labels"]), label_set_from_dict(about["source"])

    def fits(self, parser):
        """Whether the adapter was trained on the predictions of this parser, with the weights that it has now."""
        return parser.fingerprint in [fit["weights"] for fit in self.about["fits"]]

    def logits(self, probabilities):
        """probabilities (B, C', S, S) in `source` -> logits (B, C, S, S) float32 in `labels`."""
        return self.run(encode(probabilities, self.about["input"]))["out"].float()


class AdaptedParser(Parser):
    """A parser and the label adapter behind it: together a Parser in the adapter's labels.

    force  use the adapter although it was trained on other parsers' predictions
    Raises FaceparseError where the adapter does not fit the parser.
    """

    def __init__(self, parser, adapter, force=False):
        if not force and not adapter.fits(parser):
            raise FaceparseError(f"{adapter.path}: was trained on the predictions of "
                                 f"{', '.join(fit['run'] for fit in adapter.about['fits'])}, not of {parser.path} with "
                                 "its present weights: train one for it with adapt.py, or use --force")
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


def pair(networks, force=False):
    """Parsers and Adapters in any order -> [each Parser, followed by an AdaptedParser for every Adapter that fits it].

    force  an adapter that fits none of the parsers is put behind all of them
    Raises FaceparseError where there is no parser, or where an adapter fits none.
    """
    parsers = [network for network in networks if isinstance(network, Parser)]
    adapters = [network for network in networks if isinstance(network, Adapter)]
    if not parsers:
        raise FaceparseError("--model names no parser; " + (
            f"an adapter needs one that it fits: name {adapters[0].about['fits'][0]['run']} too" if adapters else
            "train one with train.py"))
    adapted = {parser: [] for parser in parsers}
    for adapter in adapters:
        fitting = [parser for parser in parsers if adapter.fits(parser)]
        for parser in fitting or parsers:  # where none fits, AdaptedParser raises the error that says why
            adapted[parser].append(AdaptedParser(parser, adapter, force))
    return [network for parser in parsers for network in (parser, *adapted[parser])]
