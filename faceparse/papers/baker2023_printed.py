"""The numbers that baker2023 prints, as constants with their table; its citation is in baker2023.py.

Its F1 is the mean over the images on the 128 x 128 crop, with values under 0.1 clamped or dropped; "mean" is over the
ten classes other than the background, with NaN counted as 0. "baseline" is the parser's prediction before label
adaptation, which the paper calls "naked". A dagger (†) after a name marks a row that contradicts another row of the
paper; the SUSPECT note of its table explains how.
"""
from faceparse.papers import liu2020

# Networks of segmentation_models_pytorch, the library of section 3.1.1, at 11 classes: counted, the paper prints none.
PARAMETERS = {
    "unet": {"resnet18": 14_329_659, "resnet34": 24_437_819, "resnet50": 32_522_555, "resnet101": 51_514_683,
             "mobilenet_v2": 6_630_395},
    "fpn": {"resnet18": 13_048_523, "resnet34": 23_156_683, "resnet50": 26_117_323, "resnet101": 45_109_451,
            "mobilenet_v2": 4_216_715},
    "deeplabv3plus": {"resnet18": 12_331_867, "resnet34": 22_440_027, "resnet50": 26_680_155, "resnet101": 45_672_283,
                      "mobilenet_v2": 4_381_083},
    "mobilenetv2": {"mobilenet_v2": 6_630_395},
}
# Parameters that each class adds to the head: 3x3 convolution of 16 channels, 1x1 of 128, 1x1 of 256; and a bias.
PARAMETERS_A_CLASS = {"unet": 145, "fpn": 129, "deeplabv3plus": 257, "mobilenetv2": 145}

# Table 1, Helen's test set, from Wood et al. 2021: (name, F1 in per cent of the columns in liu2020.HELEN_COLUMNS; mouth
# as one class is not printed). Its row of Guo et al. is that of liu2020's table 2.
TABLE_1 = (("Wood et al. 2021, real (baker2023)", (95.1, 94.7, 81.6, 87.0, 88.9, 81.5, 87.6, None, 91.6)),
           ("Wood et al. 2021, synthetic (baker2023)", (95.1, 94.5, 82.3, 89.1, 89.9, 83.5, 87.3, None, 92.0)))

# The parts of tables 3 and 5, in the order of table 5.
HELEN = ("skin", "brows", "eyes", "nose", "upper_lip", "inner_mouth", "lower_lip")
MOUTH = "mouth (all)"  # the mean of the last three of HELEN

# Table 3, Helen's test set: (model, F1 of the parts in HELEN, mouth (all), average).
TABLE_3 = (
    ("DeepLabV3+, baker2023", (0.944, 0.679, 0.733, 0.922, 0.692, 0.706, 0.776), 0.724, 0.779),
    ("FPN, baker2023", (0.943, 0.711, 0.356, 0.897, 0.701, 0.676, 0.795), 0.724, 0.726),
    ("UNet, baker2023", (0.945, 0.708, 0.747, 0.897, 0.714, 0.662, 0.797), 0.724, 0.781),
    ("MobileNetV2, baker2023", (0.944, 0.709, 0.750, 0.896, 0.720, 0.673, 0.798), 0.730, 0.785),
    ("Average, baker2023", (0.946, 0.702, 0.646, 0.903, 0.707, 0.679, 0.792), 0.726, 0.768),
    ("Zhu et al.", (None, None, 0.533, None, 0.472, 0.425, 0.455), 0.687, None),
    ("Saragih et al.", (None, 0.598, 0.679, 0.890, 0.579, 0.600, 0.579), 0.769, 0.733),
    ("Liu et al.", (0.886, 0.640, 0.770, 0.843, 0.650, 0.601, 0.618), 0.742, 0.738),
    ("Gu et al.", (None, 0.681, 0.743, 0.889, 0.568, 0.545, 0.599), 0.789, 0.746),
)
NOTE_3 = "the earlier works' mouth (all) and average are not the means of these columns (Liu et al.'s: 0.623 and 0.715)"

# Table 5, Helen's test set: (trained on, F1 of the parts in HELEN, their mean). Its Helen row is DeepLabV3+.
WOOD_REAL, WOOD_SYNTHETIC = 0.881, 0.888
TABLE_5 = (
    ("Synthetic, baker2023", (0.930, 0.589, 0.706, 0.903, 0.655, 0.703, 0.773), 0.751),
    ("Mixed 5:5, baker2023", (0.939, 0.693, 0.742, 0.924, 0.692, 0.621, 0.798), 0.773),
    ("Helen, baker2023", (0.944, 0.679, 0.733, 0.922, 0.692, 0.706, 0.776), 0.779),
    ("Wood et al., real", (0.951, 0.815, 0.876, 0.947, 0.816, 0.870, 0.889), WOOD_REAL),
    ("Wood et al., synthetic", (0.951, 0.835, 0.873, 0.945, 0.823, 0.891, 0.899), WOOD_SYNTHETIC),
)
NOTE_5 = "Wood et al.: the means of table 1's parts; by its protocol, which is not baker2023's, overall 0.916 and 0.920"

# LaPa's test set, mean F1. The paper makes no comparison there; these two are ours.
LAPA = {"BASS (liu2020)": liu2020.LAPA_TEST_MEAN, "FaRL (Zheng et al. 2022)": 0.9388}
LAPA_PROTOCOL = "BASS, FaRL: pooled over LaPa's test set, from larger pictures than 128 x 128"
# Table 4, LaPa's test set: (model, F1 of LaPa's ten classes other than the background, mean).
TABLE_4 = (
    ("DeepLabV3+, baker2023", (0.960, 0.679, 0.713, 0.680, 0.698, 0.922, 0.771, 0.692, 0.804, 0.730), 0.765),
    ("FPN, baker2023", (0.963, 0.696, 0.724, 0.654, 0.210, 0.897, 0.784, 0.715, 0.825, 0.761), 0.723),
    ("UNet, baker2023", (0.967, 0.705, 0.729, 0.710, 0.717, 0.933, 0.795, 0.727, 0.836, 0.759), 0.788),
    ("MobileNetV2, baker2023", (0.967, 0.702, 0.730, 0.710, 0.716, 0.896, 0.795, 0.727, 0.829, 0.755), 0.783),
    ("Average, baker2023", (0.964, 0.695, 0.724, 0.688, 0.585, 0.912, 0.786, 0.715, 0.823, 0.751), 0.765),
)

# Table 6, iBugMask's test set: (trained on, baseline or adapted, F1 of the ten classes, mean). The text of section 4.2
# prints LaPa's 0.598 as 0.698.
TABLE_6 = (
    ("Helen†", "baseline", (0.907, 0.440, 0.464, 0.498, 0.410, 0.855, 0.598, 0.542, 0.655, 0.475), 0.585),
    ("LaPa", "baseline", (0.912, 0.444, 0.470, 0.504, 0.415, 0.855, 0.613, 0.554, 0.665, 0.554), 0.598),
    ("Synthetic", "adapted", (0.896, 0.449, 0.435, 0.470, 0.418, 0.862, 0.582, 0.652, 0.676, 0.537), 0.598),
    ("Mixed 5:5", "adapted", (0.896, 0.462, 0.464, 0.533, 0.524, 0.876, 0.440, 0.665, 0.697, 0.556), 0.611),
    ("iBugMask (upper bound)", "baseline", (0.912, 0.531, 0.531, 0.499, 0.534, 0.833, 0.607, 0.503, 0.633, 0.522),
     0.610),
)
SUSPECT_6 = "† suspect in print: averages over baseline FPN and MobileNetV2 rows that equal LaPa's"

# Table 7, iBugMask's test set: (trained on, model, baseline or adapted, F1 of the ten classes, mean, net adaptation).
# None: printed as NaN.
TABLE_7 = (
    ("Helen", "DeepLabV3+", "baseline", (0.895, 0.421, 0.436, 0.479, 0.482, 0.850, 0.555, 0.510, 0.626, 0.393),
     0.565, None),
    ("Helen", "DeepLabV3+", "adapted", (0.901, 0.114, 0.245, 0.493, 0.460, 0.875, 0.592, 0.206, 0.576, 0.581),
     0.504, -0.060),
    ("Helen", "FPN†", "baseline", (0.912, 0.452, 0.476, 0.486, 0.117, 0.856, 0.614, 0.558, 0.670, 0.548), 0.569, None),
    ("Helen", "FPN", "adapted", (0.903, 0.131, 0.277, 0.488, 0.188, 0.876, 0.626, 0.215, 0.578, 0.546), 0.483, -0.086),
    ("Helen", "UNet", "baseline", (0.906, 0.442, 0.471, 0.510, 0.521, 0.855, 0.606, 0.549, 0.651, 0.398), 0.591, None),
    ("Helen", "UNet", "adapted", (0.904, 0.126, 0.234, 0.480, 0.450, 0.875, 0.627, 0.201, 0.571, 0.598), 0.507, -0.084),
    ("Helen", "MobileNetV2†", "baseline", (0.914, 0.447, 0.474, 0.518, 0.519, 0.858, 0.619, 0.552, 0.675, 0.561),
     0.614, None),
    ("Helen", "MobileNetV2", "adapted", (0.904, 0.122, 0.237, 0.468, 0.488, 0.883, 0.629, 0.204, 0.578, 0.554),
     0.507, -0.107),
    ("Helen", "Average†", "baseline", (0.907, 0.440, 0.464, 0.498, 0.410, 0.855, 0.598, 0.542, 0.655, 0.475),
     0.585, None),
    ("Helen", "Average", "adapted", (0.903, 0.123, 0.248, 0.482, 0.396, 0.877, 0.618, 0.207, 0.576, 0.570),
     0.500, -0.084),
    ("LaPa", "DeepLabV3+", "baseline", (0.908, 0.427, 0.460, 0.500, 0.509, 0.847, 0.606, 0.540, 0.643, 0.548),
     0.599, None),
    ("LaPa", "DeepLabV3+†", "adapted", (0.918, 0.250, 0.353, None, 0.562, 0.875, 0.624, 0.666, 0.702, 0.666),
     0.561, 0.025),
    ("LaPa", "FPN", "baseline", (0.912, 0.452, 0.476, 0.486, 0.117, 0.856, 0.614, 0.558, 0.670, 0.548), 0.569, None),
    ("LaPa", "FPN†", "adapted", (0.917, 0.245, 0.405, None, 0.322, 0.877, 0.623, 0.673, 0.725, 0.674), 0.546, 0.038),
    ("LaPa", "UNet", "baseline", (0.913, 0.450, 0.470, 0.511, 0.515, 0.859, 0.613, 0.565, 0.673, 0.558), 0.613, None),
    ("LaPa", "UNet†", "adapted", (0.920, 0.231, 0.364, None, 0.567, 0.877, 0.622, 0.678, 0.731, 0.676), 0.567, 0.017),
    ("LaPa", "MobileNetV2", "baseline", (0.914, 0.447, 0.474, 0.518, 0.519, 0.858, 0.619, 0.552, 0.675, 0.561),
     0.614, None),
    ("LaPa", "MobileNetV2†", "adapted", (0.920, 0.227, 0.389, None, 0.565, 0.878, 0.627, 0.670, 0.723, 0.678),
     0.568, 0.017),
    ("LaPa", "Average", "baseline", (0.912, 0.444, 0.470, 0.504, 0.415, 0.855, 0.613, 0.554, 0.665, 0.554),
     0.598, None),
    ("LaPa", "Average†", "adapted", (0.919, 0.238, 0.378, None, 0.504, 0.877, 0.624, 0.672, 0.720, 0.673),
     0.560, 0.024),
    ("Synthetic", "DeepLabV3+", "baseline", (0.865, 0.351, 0.364, 0.370, 0.366, 0.793, 0.457, 0.506, 0.595, 0.445),
     0.511, None),
    ("Synthetic", "DeepLabV3+", "adapted", (0.901, 0.475, 0.488, 0.522, 0.470, 0.863, 0.592, 0.659, 0.679, 0.536),
     0.618, 0.107),
    ("Synthetic", "FPN", "baseline", (0.868, 0.229, 0.266, 0.440, 0.436, 0.814, 0.469, 0.529, 0.620, 0.438),
     0.511, None),
    ("Synthetic", "FPN", "adapted", (0.899, 0.452, 0.493, 0.523, 0.500, 0.859, 0.594, 0.649, 0.662, 0.529),
     0.616, 0.105),
    ("Synthetic", "UNet", "baseline", (0.875, 0.117, 0.100, 0.410, 0.376, 0.823, 0.386, 0.103, 0.604, 0.429),
     0.422, None),
    ("Synthetic", "UNet", "adapted", (0.893, 0.384, 0.258, 0.533, 0.486, 0.859, 0.558, 0.627, 0.650, 0.540),
     0.579, 0.157),
    ("Synthetic", "MobileNetV2", "baseline", (0.866, 0.431, 0.463, 0.100, 0.100, 0.804, 0.500, 0.516, 0.647, 0.461),
     0.489, None),
    ("Synthetic", "MobileNetV2", "adapted", (0.892, 0.484, 0.500, 0.302, 0.216, 0.866, 0.584, 0.671, 0.714, 0.544),
     0.577, 0.089),
    ("Synthetic", "Average", "baseline", (0.868, 0.282, 0.298, 0.330, 0.319, 0.808, 0.453, 0.413, 0.616, 0.443),
     0.483, None),
    ("Synthetic", "Average", "adapted", (0.896, 0.449, 0.435, 0.470, 0.418, 0.862, 0.582, 0.652, 0.676, 0.537),
     0.598, 0.114),
    ("Mixed 5:5", "DeepLabV3+", "baseline", (0.897, 0.436, 0.449, 0.494, 0.498, 0.837, 0.587, 0.535, 0.648, 0.506),
     0.589, None),
    ("Mixed 5:5", "DeepLabV3+", "adapted", (0.895, 0.464, 0.455, 0.534, 0.532, 0.875, 0.413, 0.665, 0.696, 0.539),
     0.607, 0.018),
    ("Mixed 5:5", "FPN", "baseline", (0.900, 0.433, 0.465, 0.496, 0.496, 0.856, 0.588, 0.541, 0.661, 0.514),
     0.595, None),
    ("Mixed 5:5", "FPN", "adapted", (0.894, 0.475, 0.463, 0.533, 0.520, 0.874, 0.437, 0.654, 0.687, 0.565),
     0.610, 0.015),
    ("Mixed 5:5", "UNet", "baseline", (0.896, 0.430, 0.454, 0.496, 0.507, 0.841, 0.585, 0.552, 0.661, 0.512),
     0.593, None),
    ("Mixed 5:5", "UNet", "adapted", (0.896, 0.438, 0.457, 0.536, 0.528, 0.878, 0.474, 0.667, 0.700, 0.564),
     0.614, 0.020),
    ("Mixed 5:5", "MobileNetV2", "baseline", (0.906, 0.449, 0.477, 0.487, 0.511, 0.852, 0.587, 0.532, 0.669, 0.510),
     0.598, None),
    ("Mixed 5:5", "MobileNetV2", "adapted", (0.899, 0.473, 0.478, 0.529, 0.517, 0.877, 0.436, 0.672, 0.707, 0.556),
     0.614, 0.017),
    ("Mixed 5:5", "Average", "baseline", (0.900, 0.437, 0.461, 0.493, 0.503, 0.847, 0.587, 0.540, 0.660, 0.510),
     0.594, None),
    ("Mixed 5:5", "Average", "adapted", (0.896, 0.462, 0.464, 0.533, 0.524, 0.876, 0.440, 0.665, 0.697, 0.556),
     0.611, 0.018),
    # A MobileNetV2 UNet trained on 2,000 faces of iBugMask's train split.
    ("iBugMask (upper bound)", "MobileNetV2", "baseline",
     (0.912, 0.531, 0.531, 0.499, 0.534, 0.833, 0.607, 0.503, 0.633, 0.522), 0.610, None),
)
SUSPECT_7 = (
    "† suspect in print: Helen's baseline FPN and MobileNetV2 equal LaPa's, and its average holds them; LaPa's net "
    "adaptation leaves the forgotten left eye out where its mean counts it 0: treated alike, -0.023 to -0.046")

# Table 8, iBugMask's test set: (trained on, model, baseline or adapted, F1 of skin, brows, eyes, nose, upper lip, inner
# mouth, lower lip and hair, mean).
TABLE_8 = (
    ("Helen†", "MobileNetV2", "baseline", (0.914, 0.461, 0.519, 0.858, 0.619, 0.552, 0.675, 0.561), 0.614),
    ("LaPa†", "MobileNetV2", "baseline", (0.920, 0.461, 0.519, 0.878, 0.627, 0.670, 0.723, 0.678), 0.631),
    ("Synthetic†", "MobileNetV2", "adapted", (0.901, 0.482, 0.496, 0.863, 0.592, 0.659, 0.679, 0.536), 0.618),
    ("Mixed 5:5", "MobileNetV2", "adapted", (0.899, 0.475, 0.523, 0.877, 0.436, 0.672, 0.707, 0.556), 0.614),
)
SUSPECT_8 = (
    "† suspect in print: Helen's row equals LaPa's baseline MobileNetV2; LaPa's has that one's brows and eyes, the "
    "adapted one's other parts and a mean without the left eye; Synthetic's is DeepLabV3+'s")
PROTOCOL = ("baker2023: F1 of each image, values under 0.1 clamped or dropped, averaged over the images, on its "
            "128 x 128 crop")
