"""Li Hantao, "Project I: CelebAMask Face Parsing" (AI6126), course report, Nanyang Technological University, 2022.

A large network, ConvNeXt-XL with UPerNet, for the 19 classes of CelebAMask-HQ, trained on 5,000 faces and their mirror
images. This file holds the printed scores, mIoU on the course's test set in per cent, each row with the options of
train.py or evaluate.py that it corresponds to, and makes tables I to III from trained runs; the trainings are run by
tests/benchmarks/li2022_tables.py. The networks are in models/deeplabv3plus.py (`deeplabv3plus_aux`), models/upernet.py
and models/segformer.py, the class weights in losses/weights.py, the settings in recipes.py: "li2022-ablation" of tables
I and II, "li2022" of the final network.
"""
from dataclasses import dataclass

from faceparse import drawing
from faceparse.training.run_folder import history_of
from faceparse.training.run_log import validations_of


@dataclass(frozen=True)
class Row:
    """A row of tables I to III."""
    title: str
    arch: str
    options: dict      # of train.py
    miou: float        # as printed, in per cent
    accuracy: float | None = None   # as printed, "Accuracy (Decoder)" in per cent; None: not stated
    overfitted: bool | None = None  # as printed, see last_or_best; None: not stated


def _augmented(title, augment, *printed):
    return Row(title, "deeplabv3plus_aux", {"augment": augment}, *printed)


def _lost(title, loss, weights, aux_weight, *printed):
    options = {"augment": "distort-half", "loss": loss, "class_weights": weights, "aux_weight": aux_weight}
    return Row(title, "deeplabv3plus_aux", options, *printed)


def _network(title, arch, encoder, augment, *printed):
    options = {"recipe": "li2022", "encoder": encoder, "augment": augment, "split": "train", "loss": "ce"}
    return Row(title, arch, options, *printed)


# Augmentation. Rows 1 to 8: ResNet-50 with DeepLabV3+ and an FCN auxiliary head, 20,000 steps of 4, weighted cross
# entropy; rows 9 to 11: Swin-B with UPerNet.
TABLE_1 = {
    "aug-none": _augmented("none", "none", 77.15, 97.2, True),
    "aug-distort-half": _augmented("colour jitter at half range", "distort-half", 77.33, 97.4, False),
    "aug-distort": _augmented("colour jitter", "distort", 77.20, 97.2, False),
    "aug-rotate15": _augmented("half, rotation by 15 degrees", "distort-half+rotate15", 77.77, 97.1, False),
    "aug-rotate25": _augmented("half, rotation by 25 degrees", "distort-half+rotate25", 77.88, 96.9, False),
    "aug-rotate35": _augmented("half, rotation by 35 degrees", "distort-half+rotate35", 77.47, 96.7, False),
    "aug-cutout-small": _augmented("half, 25 degrees, small cutout", "distort-half+rotate25+cutout-small", 77.31, 96.8,
                                   False),
    "aug-cutout-big": _augmented("half, 25 degrees, big cutout", "distort-half+rotate25+cutout-big", 77.85, 96.7,
                                 False),
    "swin-5k": _network("Swin-B, 5,000 faces", "upernet", "swin_b", "none", 79.26, 97.9, True),
    "swin-10k": _network("Swin-B, and their mirror images", "upernet", "swin_b", "mirror-copies", 79.53, 97.6, True),
    "swin-crop": _network("Swin-B, and crops", "upernet", "swin_b", "mirror-copies+crop", 79.59, 97.6, True),
}
# Loss, on top of the second row of table I. "ce" is cross entropy.
TABLE_2 = {
    "loss-ce": _lost("weighted CE", "ce", "li2022", 0.4, 77.33, 97.4, False),
    "loss-focal": _lost("weighted CE + focal", "ce+focal", "li2022", 0.4, 77.10, 97.4, False),
    "loss-focal-dice": _lost("weighted CE + focal + Dice", "ce+focal+dice", "li2022", 0.4, 77.08, 97.2, False),
    "loss-unweighted": _lost("CE", "ce", "none", 0.4, 76.88, 97.3, False),
    "loss-high": _lost("high weighted CE", "ce", "li2022-high", 0.4, 77.27, 97.3, False),
    "loss-aux1": _lost("weighted CE, auxiliary 1", "ce", "li2022", 1.0, 76.83, 97.2, True),
    "loss-lovasz-half": _lost("weighted CE + Lovász 2:1", "ce:2+lovasz", "li2022", 0.4, 78.22, 97.5, False),
    "loss-lovasz": _lost("weighted CE + Lovász 1:1", "ce+lovasz", "li2022", 0.4, 77.92, 97.5, False),
    "loss-lovasz2": _lost("weighted CE + Lovász 1:2", "ce+lovasz:2", "li2022", 0.4, 78.40, 97.5, False),
}
# Networks, with no augmentation but the mirror images.
TABLE_3 = {
    "swin_b": _network("Swin-B + UPerNet + FCN", "upernet", "swin_b", "mirror-copies", 79.53),
    "swin_l": _network("Swin-L + UPerNet + FCN", "upernet", "swin_l", "mirror-copies", 79.60),
    "convnext_xlarge": _network("ConvNeXt-XL + UPerNet + FCN", "upernet", "convnext_xlarge", "mirror-copies", 79.63),
    "mit_b5": _network("MiT-b5 + SegFormer", "segformer", "mit_b5", "mirror-copies", 79.50),
}
ROWS = {**TABLE_1, **TABLE_2, **TABLE_3}
# Table IV: of ConvNeXt-XL with UPerNet and its auxiliary head at 512 x 512. The GFLOPs are the multiply-adds of the
# convolutions of encoder and decoder (223.19 of our network) without ConvNeXt's linear layers, which have 309.24 more.
PARAMETERS, GFLOPS = 391.04e6, 223.34
# Table V: (--tta, mIoU), the checkpoint of 72,000 steps. The fifth row is the report's best result.
TABLE_5 = (
    ("1.0", 79.480),
    ("1.0,1.25", 79.550),
    ("0.75,1.0", 79.533),
    ("0.75,1.0,1.25", 79.679),
    ("0.5,0.75,1.0,1.25,1.5", 79.754),
    ("1.0,1.25,1.5", 79.442),
    ("0.5,0.75,1.0,1.25", 79.612),
)
# The final network, as rows of zhou2025.celebamask_table
RESULTS = tuple((f"upernet over convnext_xlarge, --tta {scales} (li2022)", "391.04 M", None, miou)
                for scales, miou in (TABLE_5[0], TABLE_5[4]))


def last_or_best(history):
    """(scores, whether the network is overfitted), as the report has it ("Overfitting" below table I): it is overfitted
    where the mIoU falls before the end of the training while the accuracy still rises; then the scores are those of the
    highest mIoU, else the last. history: the lines of a run's log."""
    scored = [line for line in validations_of(history) if "miou" in line]
    best = max(scored, key=lambda line: line["miou"])
    overfitted = scored[-1]["miou"] < best["miou"] and scored[-1]["accuracy"] > best["accuracy"]
    return best if overfitted else scored[-1], overfitted


def table(folders, style=drawing.table):
    """Tables I to III, our scores beside the printed. folders: {name in ROWS: the folder of its run}"""
    words, rows = {True: "yes", False: "no", None: "-"}, []
    for name, folder in folders.items():
        (scores, overfitted), printed = last_or_best(history_of(folder)), ROWS[name]
        rows.append([printed.title, f"{100 * scores['miou']:.2f}", f"{100 * scores['accuracy']:.1f}", words[overfitted],
                     f"{printed.miou:.2f}", "-" if printed.accuracy is None else f"{printed.accuracy:.1f}",
                     words[printed.overfitted]])
    return style(["", "mIoU", "accuracy", "overfitted", "li2022: mIoU", "accuracy (decoder)", "overfitted"], rows)
