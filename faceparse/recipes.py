"""Every published hyperparameter with its source, in two tables. The scripts' defaults come from here.

A value that no paper states is marked as ours.
"""
from dataclasses import dataclass, field, replace

from faceparse.data.augment import BAKER2023, COLOUR, PHOTOMETRY, augmentation, brightness, hue
from faceparse.errors import FaceparseError
from faceparse.geometry.jitter import Jitter

TOYS = ("toy", "toywild", "toymixed", "portrait")  # the data sets of faces drawn by code
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of RGB in 0..1


@dataclass(frozen=True)
class Recipe:
    """The hyperparameters of a training. A field that has the name of an option is that option's default."""
    source: str              # the paper, and which values are ours
    epochs: int
    batch: int               # faces a step
    lr: float                # learning rate at its highest
    size: int                # side of the crop in pixels
    optimizer: str           # a name in training.optimization.OPTIMIZERS
    loss: str | None = None  # as losses.loss_terms reads it; None: a landmark network has its own loss
    schedule: str = "constant"     # a name in training.optimization.SCHEDULES
    class_weights: str = "none"    # as losses.choose_weights reads it
    alpha: float = 10.0            # weight of the boundary attention, for a network with a boundary branch
    weight_decay: float = 0.0
    decay_all: bool = False        # vectors (biases, norms) have weight decay too
    layer_decay: float = 1.0       # of the rate of an encoder's earlier stages, see optimization.make_optimizer
    warmup: int = 0                # steps over which the learning rate rises linearly first
    iterations: int | None = None  # steps of the whole training, where the paper counts them instead of epochs
    statistics: str = "imagenet"   # mean and deviation for normalising: ImageNet's, or "data": the data set's
    photometry: tuple = ()         # rows of data.augment
    jitter: Jitter = field(default_factory=Jitter)
    align: str = "none"            # for data sets with landmarks; others are not aligned
    align_of: dict = field(default_factory=dict)  # {data set: another alignment}
    encoders: tuple = ()           # the first one that the architecture accepts, else the architecture's own default
    other_encoders: tuple = ()     # that the paper trains beside an architecture's default one
    encoder_weights: str = "imagenet"
    limit: int | None = None       # faces to train on; None: all
    split_of: dict = field(default_factory=dict)  # {data set: the splits to train on}; others: train
    best_by: str = "mean_f1"       # the score on val that chooses the best epoch of a parser
    reads: dict = field(default_factory=dict)  # {data set: the one read in its place, its labels as LaPa's}
    helen_rule: str = "maximum"    # how Helen's confidences become labels, see data/sets/helen.py
    input: str = "probabilities"   # what a label adapter is shown, see adaptation/encoding.py
    nme_by: str | None = None      # the length that a landmark network's errors are divided by; None: the usual one
    validate_every: int = 0        # steps between two scorings of val; 0: after every epoch
    without_face: float = 0.0      # landmarks: drawn pictures without a face for each face
    points_of: dict = field(default_factory=dict)  # {data set: landmark set}; others: the data set's own
    networks: dict = field(default_factory=dict)   # {architecture or encoder: {field: another value}}


SMALL_JITTER, SMALL_PHOTOMETRY = augmentation("mirror+rotate25+crop-mixed+distort-half")
LARGE_JITTER, LARGE_PHOTOMETRY = augmentation("mirror-copies+rotate25+crop+distort-half")

RECIPES = {
    # No mirrored pictures: baker2023's pipeline has none.
    "baker2023": Recipe(
        source="Baker, In the Wild Face Parsing in Synthetic-Data Trained Models, sections 3.1.1 to 3.1.3",
        epochs=30, batch=24, lr=0.001, size=128, optimizer="nadam", loss="sigmoid", class_weights="baker2023",
        photometry=BAKER2023, jitter=Jitter(degrees=18, perspective=0.5), align="box", helen_rule="threshold",
        input="labels", reads={"facesynthetics": "facesynthetics-baker2023", "mixed": "mixed-baker2023"}),
    "scratch": Recipe(
        source="ours: from random initialisation, at the cost of baker2023's 30 epochs",
        epochs=30, batch=12, lr=0.002, size=128, optimizer="adamw", loss="softmax", schedule="cosine",
        weight_decay=0.05, photometry=COLOUR, jitter=Jitter(degrees=15, scale=(0.85, 1.2), shift=0.06, mirror=0.5),
        align="box", encoders=("vgg16_bn",), encoder_weights="none"),  # VGG-16 learns from scratch with batch norm only
    "toy": Recipe(
        source="ours: toy faces on a laptop's CPU in minutes",
        epochs=8, batch=8, lr=0.002, size=128, optimizer="adamw", loss="softmax", schedule="cosine",
        weight_decay=0.05, jitter=Jitter(degrees=8, scale=(0.95, 1.05), mirror=0.5), align="none",
        encoders=("resnet18", "vgg16_bn"), encoder_weights="none", limit=1500),
    "portrait": Recipe(
        source="ours: portraits, drawn faces from which real ones are learnt",
        epochs=10, batch=24, lr=0.002, size=160, optimizer="adamw", loss="ce+dice", schedule="cosine",
        weight_decay=0.05, photometry=COLOUR, jitter=Jitter(degrees=15, scale=(0.85, 1.2), shift=0.06, mirror=0.5),
        align="celebahq", encoders=("resnet18", "vgg16_bn"), encoder_weights="none", limit=20000),
    "liu2020": Recipe(
        source="Liu et al., A New Dataset and Boundary-Attention Semantic Segmentation for Face Parsing, AAAI 2020; "
               "ours, as the paper does not state them: the number of epochs, no augmentation",
        epochs=60, batch=64, lr=0.001, size=473, optimizer="sgd", loss="ce", schedule="poly", weight_decay=0.0005,
        decay_all=True, align_of={"helen": "landmarks"}, split_of={"helen": "train+val"}),
    "zhou2025": Recipe(
        source="Zhou, CelebAMask Face Parsing (zhou2025), section IV and the final list of section II, the rotation of "
               "+-25 degrees is the text's (the list: --augment mirror+rotate0to25+crop-mixed+distort-half, the "
               "text: mirror+rotate25+crop-mixed640+distort-half); ours, as the paper does not state them: AdamW at "
               "0.001 with decay 0.01, the poly schedule, 500 steps of warm-up, li2022's class weights, random initial "
               "weights",
        epochs=96, iterations=24000, batch=8, lr=0.001, size=512, optimizer="adamw", loss="ce:0.5+lovasz:0.3+dice",
        schedule="poly", weight_decay=0.01, class_weights="li2022", warmup=500, photometry=SMALL_PHOTOMETRY,
        jitter=SMALL_JITTER, encoder_weights="none", statistics="data", best_by="mfscore", validate_every=500),
    "li2022": Recipe(
        source="Li, CelebAMask Face Parsing (li2022), final list of section II and section IV: steps, batch, warm-up, "
               "AdamW, poly, loss, weights; the rate of 0.00008, its decay of 0.9 by stages, the power 1 of poly and "
               "the weight decay are mmsegmentation's for UPerNet over ConvNeXt-XL, whose defaults the report keeps; "
               "ours: the loss weight, which it lowers by an unknown factor after 144,000 steps, is kept",
        epochs=54, iterations=160000, batch=4, lr=0.00008, size=512, optimizer="adamw", loss="ce+lovasz:2",
        schedule="linear", weight_decay=0.05, layer_decay=0.9, class_weights="li2022", warmup=1500,
        photometry=LARGE_PHOTOMETRY, jitter=LARGE_JITTER, encoders=("convnext_xlarge", "mit_b5", "resnet50"),
        other_encoders=("swin_b", "swin_l"), statistics="data", best_by="miou", split_of={"celebamask": "train+val"}),
    "li2022-ablation": Recipe(
        source="Li, CelebAMask Face Parsing (li2022), section II: ResNet-50, steps, batch, no augmentation, weighted "
               "cross entropy; SGD at 0.01 with decay 0.0005 and poly are mmsegmentation's for 20,000 steps, whose "
               "defaults the report keeps; normalised by ImageNet's statistics: ours",
        epochs=16, iterations=20000, batch=4, lr=0.01, size=512, optimizer="sgd", loss="ce", schedule="poly",
        weight_decay=0.0005, decay_all=True, class_weights="li2022", encoders=("resnet50",), best_by="miou"),
}

PIPNET_JITTER, PIPNET_PHOTOMETRY = augmentation("all+mirror+grey")
FINDER_JITTER, FINDER_PHOTOMETRY = augmentation("rotate+windows+framed+mirror+occlude+grey+distort-half")
MOUNTAIN2022_JITTER, MOUNTAIN2022_PHOTOMETRY = augmentation("all")
FAN = Recipe(
    source="Bulat and Tzimiropoulos, How Far Are We from Solving the 2D & 3D Face Alignment Problem, ICCV 2017, and "
           "its training details; the probability of each augmentation is ours",
    epochs=40, batch=10, lr=0.0001, size=256, optimizer="rmsprop", schedule="thirds",
    photometry=(PHOTOMETRY["occlude"], (0.5, (brightness, hue))),
    jitter=Jitter(degrees=50, scale=(0.8, 1.2), mirror=0.5), align="crop", encoder_weights="none")

LANDMARK_RECIPES = {
    "pipnet": Recipe(
        source="Jin et al., Pixel-in-Pixel Net, IJCV 2021, section 4.1, and its published code",
        epochs=60, batch=16, lr=0.0001, size=256, optimizer="adam", schedule="steps", photometry=PIPNET_PHOTOMETRY,
        jitter=PIPNET_JITTER, align="crop", align_of={"lapa": "crop-wide"}, split_of={"300w": "trainval"},
        other_encoders=("resnet50", "resnet101", "mobilenet_v2", "mobilenet_v3_large")),
    # The whole picture, 68 points, errors by the pupils; the regressor's values, then those of other networks.
    "mountain2022": Recipe(
        source="Mountain et al., Bridging the Domain Gap (mountain2022), table 1 and its four augmentations; the whole "
               "picture; a constant rate: a decay is \"future scope\"; ours: Adam, which it does not state",
        epochs=70, batch=8, lr=0.001, size=244, optimizer="adam", photometry=MOUNTAIN2022_PHOTOMETRY,
        jitter=MOUNTAIN2022_JITTER, nme_by="inter-pupil", points_of={"facesynthetics": "68"},
        networks={"mobilenet_v3_large": {"batch": 32},
                  "pipnet": {"epochs": 60, "batch": 16, "lr": 0.0001, "size": 256}}),
    "hourglass": FAN,
    "scratch": Recipe(
        source="ours: from random initialisation",
        epochs=30, batch=16, lr=0.001, size=256, optimizer="adamw", schedule="cosine", weight_decay=0.05,
        photometry=PIPNET_PHOTOMETRY, jitter=PIPNET_JITTER, align="crop", encoder_weights="none"),
    "finder": Recipe(
        source="ours: networks that search pictures for faces and locate their landmarks, from random initialisation",
        epochs=26, batch=16, lr=0.001, size=192, optimizer="adamw", schedule="cosine", weight_decay=0.05,
        photometry=FINDER_PHOTOMETRY, jitter=FINDER_JITTER, align="crop", encoders=("mobilenet_v2",),
        encoder_weights="none", limit=12000, without_face=0.25),
    "toy": Recipe(
        source="ours: toy faces on a laptop's CPU in minutes",
        epochs=8, batch=16, lr=0.001, size=128, optimizer="adamw", schedule="cosine", weight_decay=0.05,
        jitter=Jitter(degrees=8, scale=(0.95, 1.05), mirror=0.5), encoders=("resnet18", "mobilenet_v3_large"),
        encoder_weights="none", limit=1500),
}


def recipe(name, table=RECIPES, network=()):
    """The Recipe of a name in `table`: RECIPES, of parsers and adapters, or LANDMARK_RECIPES. Raises FaceparseError.

    network  names of an encoder and of an architecture, for which the recipe may have values of their own
    """
    if name not in table:
        why = ("is for landmarks" if name in LANDMARK_RECIPES else "is for parsers" if name in RECIPES else
               "is no recipe")
        raise FaceparseError(f"--recipe {name} {why}: use one of {', '.join(table)}")
    chosen = table[name]
    own = [chosen.networks[part] for part in network if part in chosen.networks]
    return replace(chosen, **{key: value for values in own for key, value in values.items()}) if own else chosen


# The recipe of the paper that an architecture is from, or is trained in; of all other parsers it is baker2023's.
RECIPE_OF = {
    **dict.fromkeys(("bass", "bass_a", "bass_b", "bass_c", "bass_cp", "bass_cm", "bass_d", "bass_dp", "bass_dm"),
                    "liu2020"),
    **dict.fromkeys(("fastscnn", "lraspp", "bisenetv2", "bisenetv2_xs"), "zhou2025"),
    **dict.fromkeys(("upernet", "segformer"), "li2022"), "deeplabv3plus_aux": "li2022-ablation",
    "pipnet": "pipnet", "regressor": "mountain2022", "regressor_frozen": "mountain2022",
    **dict.fromkeys(("hourglass", "hourglass2", "hourglass1"), "hourglass")}


def paper_recipe(arch, chosen=None):
    """The name of the recipe of an architecture's paper: `chosen` itself where that paper trains the architecture too,
    as mountain2022 does PIPNet."""
    return chosen if chosen in LANDMARK_RECIPES and arch in LANDMARK_RECIPES[chosen].networks else (
        RECIPE_OF.get(arch, "baker2023"))


def default_recipe(data, arch=None):
    """The name of the recipe by which an architecture is trained on a data set unless another is chosen.

    arch  None: a label adapter, which baker2023 trains as its parsers, whatever the architecture
    """
    if data == "portrait" and arch:
        return "finder" if paper_recipe(arch) in LANDMARK_RECIPES else "portrait"
    return "toy" if data in TOYS else paper_recipe(arch)


def augmented(chosen, augment, mirror=True):
    """The Recipe `chosen` with the augmentations of a text such as "rotate+blur", or its own where that is None.

    mirror  whether pictures may be mirrored: not where the landmark set has no mirror pairs
    """
    jitter, photometry = augmentation(augment) if augment is not None else (chosen.jitter, chosen.photometry)
    jitter = jitter if mirror else replace(jitter, mirror=0.0, copies=False)
    return replace(chosen, jitter=jitter, photometry=photometry)
