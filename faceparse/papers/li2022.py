"""Li Hantao, "Project I: CelebAMask Face Parsing" (AI6126), course report, Nanyang Technological University, 2022.

A large network, ConvNeXt-XL with UPerNet, for the 19 classes of CelebAMask-HQ, trained on 5,000 faces and their mirror
images. This file holds the printed scores, mIoU on the course's test set in per cent, each row with the options of
train.py or evaluate.py that it corresponds to. The networks are in models/upernet.py and models/segformer.py, the class
weights in losses/weights.py, the final settings in recipes.py, "li2022".
"""
# Table I: (augmentation, --augment, mIoU). ResNet-50 with DeepLabV3+, 20,000 steps of 4, weighted cross entropy.
TABLE_1 = (
    ("none", "none", 77.15),
    ("colour jitter at half range", "distort-half", 77.33),
    ("colour jitter", "distort", 77.20),
    ("half colour jitter, rotation by 15 degrees", "distort-half+rotate15", 77.77),
    ("half colour jitter, rotation by 25 degrees", "distort-half+rotate25", 77.88),
    ("half colour jitter, rotation by 35 degrees", "distort-half+rotate35", 77.47),
    ("half colour jitter, rotation by 25 degrees, small cutout", "distort-half+rotate25+cutout-small", 77.31),
    ("half colour jitter, rotation by 25 degrees, big cutout", "distort-half+rotate25+cutout-big", 77.85),
    # Swin-B with UPerNet:
    ("5,000 faces", "none", 79.26),
    ("and their mirror images, labels swapped", "mirror", 79.53),
    ("and crops of 512 pixels from 512 to 640", "mirror+crop", 79.59),
)
# Table II: (--loss, --class-weights, --aux-weight, mIoU), on top of the second row of table I. "ce" is cross entropy.
TABLE_2 = (
    ("ce", "li2022", 0.4, 77.33),
    ("ce+focal", "li2022", 0.4, 77.10),
    ("ce+focal+dice", "li2022", 0.4, 77.08),
    ("ce", "none", 0.4, 76.88),
    ("ce", "li2022-high", 0.4, 77.27),
    ("ce", "li2022", 1.0, 76.83),
    ("ce:2+lovasz", "li2022", 0.4, 78.22),
    ("ce+lovasz", "li2022", 0.4, 77.92),
    ("ce+lovasz:2", "li2022", 0.4, 78.40),
)
# Table III: (--arch, --encoder, mIoU), with no augmentation but the mirror.
TABLE_3 = (
    ("upernet", "swin_b", 79.53),
    ("upernet", "swin_l", 79.60),
    ("upernet", "convnext_xlarge", 79.63),
    ("segformer", "mit_b5", 79.50),
)
# Table IV: of ConvNeXt-XL with UPerNet and its auxiliary head at 512 x 512.
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
