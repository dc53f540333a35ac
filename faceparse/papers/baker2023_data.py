"""baker2023's table and pictures of the data sets: table 2 (yaw of the faces), figure 5 (Helen's confidences) and the
left of figure 9 (test images before and after alignment). tests/benchmarks/baker2023_data.py makes them.

Table 2 is quoted from Lin et al., "Face Parsing with RoI Tanh-Warping"; how the yaw was measured is not stated. Ours: a
rigid head of six points is fitted to the landmarks by a scaled orthographic projection.
"""
import numpy as np

from faceparse import drawing, geometry
from faceparse.data.images import image_size, open_image
from faceparse.data.masks import read_part
from faceparse.data.sets.helen import read_confidences
from faceparse.labels import LABEL_SETS

# Table 2 as printed: {data set: (images, in the wild, of a yaw of 30 degrees or more, of 60 or more)}
TABLE_2 = {"helen": (2000, "yes", 120, 4), "lapa": (18176, "no", 3961, 194), "ibugmask": (21866, "yes", 14692, 6880)}
# Millimetres from the base of the nose to the right, down and towards the viewer, in ordinary proportions (ours): the
# outer eye corners, the base of the nose, the corners of the mouth, the chin.
HEAD = np.array([[-45, -44, -32], [45, -44, -32], [0, 0, 0], [-29, 22, -23], [29, 22, -23], [0, 70, -25]], float)
NOSE_BASE = {"68": 33, "70": 33, "106": 60, "194": 49}  # points by the landmark set's name


def head_points(points, landmark_set):
    """The six points of HEAD, (6, 2), of landmarks (K, 2) of a LandmarkSet named in NOSE_BASE. Where the set names no
    corners, those of an eye and of the mouth are the points farthest along the line through the eyes."""
    left, right, mouth, jaw = (points[list(some)] for some in (
        landmark_set.left_eye, landmark_set.right_eye, *map(dict(landmark_set.regions).get, ("mouth", "jaw"))))
    across = right.mean(0) - left.mean(0)
    eyes, corners = points[list(landmark_set.eye_corners)], points[list(landmark_set.mouth)]
    if not landmark_set.mouth:
        eyes = left[(left @ across).argmin()], right[(right @ across).argmax()]
        corners = mouth[(mouth @ across).argmin()], mouth[(mouth @ across).argmax()]
    return np.stack([*eyes, points[NOSE_BASE[landmark_set.name]], *corners, jaw[len(jaw) // 2]])


def yaw(points, landmark_set):
    """The angle in degrees, -90 to 90, by which a head is turned to the image's right; NaN where one of the six
    points is not annotated. Arguments as of head_points."""
    seen = head_points(points, landmark_set)
    if not np.isfinite(seen).all():
        return np.nan
    projection = np.linalg.lstsq(HEAD - HEAD.mean(0), seen - seen.mean(0), rcond=None)[0].T  # (2, 3)
    u, _, v = np.linalg.svd(projection, full_matrices=False)
    x, y = u @ v  # the first two rows of the nearest rotation: pitch, then yaw, then roll in the picture
    return float(np.degrees(np.arctan2(-np.cross(x, y)[0], np.hypot(x[0], y[0]))))


def table_2(yaws, style=drawing.table):
    """Table 2, the printed rows below ours. yaws: {data set: (N,) degrees, NaN where unknown}"""
    rows = [[name, f"{len(angles):,}", "", *(f"{(np.abs(angles) >= least).sum():,}" for least in (30, 60))]
            for name, angles in yaws.items()]
    rows += [[f"{name}, baker2023", f"{images:,}", wild, f"{some:,}", f"{more:,}"]
             for name, (images, wild, some, more) in TABLE_2.items()]
    return ("baker2023's table 2: faces by their yaw in degrees\n\n"
            + style(["data set", "images", "in the wild", "30 or more", "60 or more"], rows,
                    ["ours: yaw from six landmarks"]))


def figure_5(record, helen_rule="threshold"):
    """Figure 5: a Helen record's picture, its eleven confidences and the label map that they become: a Pillow image."""
    labels = LABEL_SETS["helen"]
    confidences = [read_part(f"{record.mask_file}_lbl{part:02d}.png") for part in range(len(labels))]
    combined = drawing.colourise(read_confidences(record.mask_file, helen_rule), labels)
    tiles = [np.asarray(open_image(record.image)), *((c / np.iinfo(c.dtype).max * 255).astype(np.uint8)
                                                     for c in confidences), combined]
    titles = ["image", *labels.names, "combined"]
    return drawing.stack([drawing.contact_sheet([tiles[start:start + 7]], titles[start:start + 7], [""])
                          for start in (0, 7)])


def figure_9(records, align="box", size=128):
    """Figure 9, left: pictures before and after alignment: a Pillow image. records: with landmarks"""
    rows = []
    for record in records:
        width, height = image_size(record.image)
        picture = open_image(record.image)
        homography = geometry.alignment(align, width, height, size, record.landmarks(), record.points)
        rows.append([picture, geometry.warp_image(picture, homography, (size, size)).transpose(1, 2, 0)])
    return drawing.contact_sheet(rows, ["before", "after"], [record.name for record in records], cell=2 * size)
