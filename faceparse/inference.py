"""Checkpoints -> parsers of pictures: align, run the network, adapt its labels, choose the class, undo the alignment.

    parser = faceparse.load("runs/lapa-unet")
    face = parser.parse("photo.jpg")          # a path, a Pillow picture or a (H, W, 3) uint8 array
    face.mask                                 # (H, W) uint8, indices of face.labels
    face.overlay().save("overlay.png")
"""
import reprlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from faceparse import geometry, models, report
from faceparse.adaptation import INPUTS, channels_of, encode
from faceparse.checkpoints import fingerprint, read_checkpoint, weights_in
from faceparse.data.augment import normalise
from faceparse.data.records import open_image
from faceparse.errors import FaceparseError
from faceparse.labels import LABEL_SETS, LabelSet, label_set_from_dict, landmark_set, landmark_set_from_dict
from faceparse.models.folded import folded
from faceparse.training import FORMAT, choose_device, mixed_precision

STRIP = 1 << 20  # pixels that are taken back to the original picture at a time


@dataclass
class ParsedFace:
    """image (H, W, 3) uint8; mask (H, W) uint8 in `labels`; confidence (H, W) float32, that class's probability."""
    image: np.ndarray
    mask: np.ndarray
    confidence: np.ndarray
    labels: LabelSet
    homography: np.ndarray  # 3x3: picture -> the crop that the network saw

    def overlay(self, opacity=0.5):
        """The parts painted over the picture, as a Pillow picture."""
        return Image.fromarray(report.overlay(self.image, self.mask, self.labels, opacity))


class Trained:
    """A trained network. `about` is what its checkpoint says of itself, `path` where that lies."""

    def __init__(self, model, about, path, device, bfloat16=False):
        self.model = model.to(device, memory_format=torch.channels_last).eval()
        self.about, self.path, self.device, self.bfloat16 = about, path, device, bfloat16

    @cached_property
    def fast(self):
        """The model as it is run; made when first asked for."""
        return folded(self.model, self.bfloat16)

    def run(self, inputs):
        """inputs (B, C, S, S), on the device -> what the model says."""
        with torch.inference_mode(), torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            return self.fast(inputs.contiguous(memory_format=torch.channels_last))


class Parser(Trained):
    """A trained parser. `load` makes one."""
    adapter = None  # an AdaptedParser has one

    def __init__(self, model, about, path, device, bfloat16=False):
        super().__init__(model, about, path, device, bfloat16)
        self.labels = label_set_from_dict(about["labels"])
        self.size, self.align = about["size"], about["align"]

    @cached_property
    def fingerprint(self):
        """What tells these weights from all others (checkpoints.fingerprint): adapters know their parsers by it."""
        return fingerprint(self.model.state_dict())

    def logits(self, images):
        """images (B, 3, S, S) uint8 crops -> logits (B, C, S, S) float32, on the parser's device."""
        return self.run(normalise(images.to(self.device), self.about["mean"], self.about["std"]))["out"].float()

    def probabilities(self, images):
        """images (B, 3, S, S) uint8 -> (B, C, S, S) in 0..1. A sigmoid's classes are independent: no sum of 1."""
        logits = self.logits(images)
        return logits.sigmoid() if self.about["activation"] == "sigmoid" else logits.softmax(1)

    def parse(self, image, points=None, points_name=None, box=None):
        """Parse one picture; returns a ParsedFace at the picture's own size.

        image        a path, a Pillow picture, or (H, W, 3) uint8 RGB
        points       (K, 2) landmarks in the picture's pixels, of the LandmarkSet or its name `points_name` ("68",
                     "106", ...), by which it is aligned as in training
        box          (x0, y0, x1, y1) of the face where there are no points, from the brows to the chin

        Without either the whole picture is taken for the face's crop: stretched where the parser was trained on
        stretched boxes, else padded.
        """
        image = as_picture(image)
        if isinstance(points_name, str):
            points_name = landmark_set(points_name)
        if points is not None and (points_name is None or np.shape(points) != (points_name.count, 2)):
            raise FaceparseError(f"points of shape {np.shape(points)} are not those of " + (
                f"the {points_name.name} landmarks, ({points_name.count}, 2)" if points_name else
                "a landmark set: name it by points_name"))
        if points is not None or box is None:
            align = self.align
            if points is None and align in geometry.BY_LANDMARKS:
                align = "stretch" if align in ("box", "crop") else "none"
            aligned = geometry.alignment(align, *image.size, self.size, points, points_name)
        else:
            aligned = geometry.align_by_box(self.align, box, self.size)
        probabilities = self.probabilities(crops(image, [aligned], self.size))[0]
        mask, confidence = restore(probabilities.cpu(), aligned, image.size)
        return ParsedFace(np.asarray(image), mask, confidence, self.labels, aligned)


def as_picture(image):
    """A path, a Pillow picture or a (H, W, 3) uint8 array -> a Pillow picture in RGB. Raises FaceparseError."""
    if isinstance(image, (str, Path)):
        return open_image(Path(image))
    if isinstance(image, np.ndarray) and (image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3):
        raise FaceparseError(f"a picture of shape {image.shape}, {image.dtype}: it should be (H, W, 3) uint8 RGB")
    return Image.fromarray(image) if isinstance(image, np.ndarray) else image.convert("RGB")


def crops(image, homographies, size):
    """Crops of a Pillow picture, as a network takes them: (N, 3, size, size) uint8 for N homographies."""
    return torch.from_numpy(np.stack([geometry.warp_image(image, h, (size, size)) for h in homographies]))


def restore(probabilities, homography, size):
    """Take maps of a crop back to the picture and choose the class there.

    probabilities  (C, S, S) float32;  homography  picture -> crop;  size  (width, height) of the picture
    Returns mask (H, W) uint8 and confidence (H, W) float32. Outside the crop: background, confidence 0.
    """
    mask, confidence = np.zeros(size[::-1], np.uint8), np.zeros(size[::-1], np.float32)
    left, first, right, last = geometry.seen_box(homography, probabilities.shape[:0:-1], size)
    rows = max(1, STRIP // max(1, right - left))
    for top in range(first, last, rows):
        bottom = min(top + rows, last)
        back = geometry.compose(np.linalg.inv(homography), geometry.translation(-left, -top))
        best, label = geometry.warp_tensor(probabilities, back, (right - left, bottom - top)).max(0)
        mask[top:bottom, left:right], confidence[top:bottom, left:right] = label.numpy(), best.numpy()
    return mask, confidence


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


class Averaged(Parser):
    """Test-time augmentation: a parser whose probabilities are the mean over rescaled and mirrored views of the crop.

    parser  a Parser or an AdaptedParser
    scales  sizes of the views over the crop's; each but 1 is made a multiple of 32 pixels (seed 001: 0.5, 0.75, 1, 1.25,
            1.5)
    flip    every view mirrored too, its classes swapped back by the label set's mirror pairs: seed 001's future work
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


class Landmarker(Trained):
    """A trained landmark network. `load_any` makes one."""

    def __init__(self, model, about, path, device, bfloat16=False):
        super().__init__(model, about, path, device, bfloat16)
        self.points, self.size, self.align = landmark_set_from_dict(about["points"]), about["size"], about["align"]

    def locate(self, images):
        """images (B, 3, S, S) uint8 crops -> points (B, K, 2) float32 in pixels of the crops, on the device."""
        return self.locate_surely(images)[0]

    def locate_surely(self, images):
        """The same, and beside the points how sure the network is of each, (B, K) in 0..1; None where it cannot say."""
        outputs = self.run(normalise(images.to(self.device), self.about["mean"], self.about["std"]))
        with torch.inference_mode():
            return self.model.decode(outputs).float(), self.model.confidence(outputs)


WORD = (str, type(None))
ABOUT = {"arch": str, "size": int, "align": str, "encoder": WORD, "data": WORD, "training_set": WORD, "recipe": WORD,
         "augment": WORD, "mix": WORD, "split": (dict, type(None)), "seed": (int, type(None))}
OF_PICTURES, OF_LABELS = {"mean": (list, tuple), "std": (list, tuple)}, {"labels": dict, "activation": str}
ABOUT_KIND = {  # what a checkpoint of each kind says of itself as well
    "parser": {**OF_PICTURES, **OF_LABELS},
    "adapter": {**OF_LABELS, "source": dict, "input": str, "fits": list, "target": str, "seen": list},
    "landmarker": {**OF_PICTURES, "points": dict},
}


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


def load(path, device="auto", amp="off"):
    """The Parser of a checkpoint, or of a run folder (its best.pt). Raises FaceparseError."""
    loaded = load_any(path, device, amp)
    if not isinstance(loaded, Parser):
        raise FaceparseError(f"{loaded.path}: is not a parser but {loaded.about['kind']!r}; name a parser")
    return loaded


def load_any(path, device="auto", amp="off"):
    """The Parser, Adapter or Landmarker of a checkpoint, or of a run folder (its best.pt). Raises FaceparseError."""
    given, path = Path(path), Path(path)
    path = path / "best.pt" if path.is_dir() else path
    saved = read_checkpoint(path)
    published = models.describe_published(saved, path)  # a file of PIPNet's authors
    saved = {"format": FORMAT, **published} if published else saved
    kind = saved.get("kind")
    if not (isinstance(kind, str) and kind in ABOUT_KIND):
        kind = "no checkpoint of faceparse; start a training from it with --init" if kind is None else kind
        kind = kind[:80] if isinstance(kind, str) else type(kind).__name__
        raise FaceparseError(f"{path}: is not a parser but {kind!r}")
    if not (isinstance(saved.get("format"), int) and saved["format"] == FORMAT):
        raise FaceparseError(f"{path}: has format {reprlib.repr(saved.get('format'))[:60]}, this version reads "
                             f"{FORMAT}: update faceparse")
    for key, sort in {**ABOUT, **ABOUT_KIND[kind]}.items():
        if not isinstance(saved.get(key), sort) or isinstance(saved.get(key), str) and len(saved[key]) > 200:
            raise FaceparseError(f"{path}: says {reprlib.repr(saved.get(key))[:60]} for '{key}'; save or download it "
                                 "again")
    if not 1 <= saved["size"] <= geometry.SIZES[1] or saved["align"] not in geometry.ALIGNMENTS:
        raise FaceparseError(f"{path}: asks for crops of {saved['size']} by --align "
                             f"{reprlib.repr(saved['align'])[:60]}; it is damaged")
    if kind != "adapter" and not all(len(saved[key]) == 3 and all(isinstance(v, float) and low < v < 1e3
                                                                 for v in saved[key])
                                     for key, low in (("mean", -1e3), ("std", 0.0))):
        raise FaceparseError(f"{path}: its mean and std are not three numbers each; it is damaged")
    if kind == "adapter" and not (saved["input"] in INPUTS and saved["fits"] and all(
            isinstance(fit, dict) and isinstance(fit.get("run"), str) and isinstance(fit.get("weights"), str)
            for fit in saved["fits"]) and all(isinstance(split, str) for split in saved["seen"])):
        raise FaceparseError(f"{path}: does not say whose predictions it adapts; it is damaged")
    try:
        if kind == "landmarker":
            model = models.build_landmarker(saved["arch"], saved.get("encoder"),
                                            landmark_set_from_dict(saved["points"]).count)
        else:
            channels = (channels_of(saved["input"], len(label_set_from_dict(saved["source"]))) if kind == "adapter"
                        else 3)
            model = models.build(saved["arch"], saved.get("encoder"), len(label_set_from_dict(saved["labels"])), channels)
    except FaceparseError as error:
        raise FaceparseError(f"{path}: {' '.join(str(error).split())}") from None
    models.load_weights(model, weights_in(saved, path), path)
    device = choose_device(device)
    about = {key: value for key, value in saved.items() if key not in ("weights", "optimizer")}
    made = {"parser": Parser, "adapter": Adapter, "landmarker": Landmarker}
    return made[kind](model, about, given, device, mixed_precision(device, amp))
