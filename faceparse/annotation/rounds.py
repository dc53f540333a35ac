"""The loop that labels a new data set: pictures -> landmarks and label maps for people to correct, the doubtful first.

Liu et al., "A New Dataset and Boundary-Attention Semantic Segmentation for Face Parsing", AAAI 2020, section "Dense
Landmark Annotation module": an auxiliary network places the landmarks, people move those that are wrong, the network is
trained on what they corrected, and so on. The work behind evaluate.py --images ... --annotate OUT, which writes

    OUT/images/NAME.jpg      the picture, as it is
    OUT/landmarks/NAME.txt   LaPa's 106 points
    OUT/labels/NAME.png      the label map that annotate.py makes of them, in LaPa's classes
    OUT/labelme/NAME.json    the points again, for people to move with labelme
    OUT/worst_first.csv      the faces, those first that the network is least sure of

What is there already stays. Files of labelme among the pictures keep their points as people left them: so a corrected
folder becomes a data set.
"""
import csv
import io
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from faceparse import drawing
from faceparse.annotation.labelme import write as write_labelme
from faceparse.data import labelme_json
from faceparse.data.images import PICTURE_SUFFIXES, open_image
from faceparse.data.masks import read_mask
from faceparse.data.records import Record, check_landmarks, near
from faceparse.data.sets import labelme
from faceparse.drawing import face_parts, raster
from faceparse.drawing.face_parts import HAIR, SKIN
from faceparse.errors import CannotWrite, FaceparseError
from faceparse.files import write_file
from faceparse.geometry.alignment import BY_LANDMARKS
from faceparse.inference.coarse_to_fine import skin_and_hair
from faceparse.inference.face_parser import ParsedFace
from faceparse.inference.predict import find_files, parse_found, read_boxes
from faceparse.labels import LABEL_SETS, LAPA_NAMES, table
from faceparse.landmark_sets import LandmarkSet, landmark_set
from faceparse.progress import Progress

LIST = "worst_first.csv"
LAPA, HAIR_SKIN = LABEL_SETS["lapa"], LABEL_SETS["hair_skin"]
DOUBTFUL = 5  # points of a face that the list names


@dataclass
class Seen:
    """One face: its picture's file and size (width, height); landmarks (K, 2) of the set `points`, NaN where there is
    none; confidence (K,) in 0..1, None where people placed them or the network cannot say; what a parser made of it, or
    None; polygons that people drew, [(class index of LaPa's, (N, 2))]."""
    picture: Path
    size: tuple[int, int]
    points: LandmarkSet
    landmarks: np.ndarray
    confidence: np.ndarray | None
    is_face: bool
    parsed: ParsedFace | None
    polygons: list

    @property
    def skin_and_hair(self):
        """(H, W) bool each, what the parser saw, the facial parts counting as skin; None, None without one."""
        return skin_and_hair(self.parsed) if self.parsed else (None, None)

    @property
    def looked_at(self):
        """What the network said: the mean confidence, whether it is a face, the points that it is least sure of; {} where
        people placed the points or it cannot say."""
        if self.confidence is None:
            return {}
        doubtful = np.argsort(self.confidence, kind="stable")[:DOUBTFUL].tolist()
        return {"confidence": float(self.confidence.mean()), "is_face": self.is_face, "doubtful": doubtful}


@dataclass
class Row:
    """A face of the list; confidence NaN where the network has not said."""
    name: str
    picture: Path
    confidence: float = float("nan")
    is_face: bool = True
    doubtful: list = field(default_factory=list)


def label_pictures(paths, out, finder=None, parser=None, boxes=None):
    """Annotate pictures, folders of them, and files of labelme.

    finder  of the landmarks; None: of labelme's files alone
    parser  of hair and skin, hair_skin.py's two passes or any whose labels merge to these; None: no hair, and skin
            between jaw and brows alone
    boxes   file of pictures.read_boxes: the faces of its pictures, in place of a search
    A face that `out` holds already, from a run that broke off or had fewer pictures, stays as it is, corrected or not.
    Returns (rows of the list, see `ranked`; what there is to say; the errors of what could not be read).
    """
    out = Path(out)
    if parser:
        table(parser.labels, HAIR_SKIN)  # raises where it cannot be told
    pictures, given, errors = _sorted_out(find_files(paths, out, PICTURE_SUFFIXES | {".json"}))
    if pictures and not finder:
        raise FaceparseError(f"{pictures[0][0]}: nobody has placed its landmarks, and --model names no landmark "
                             "network; train one with train.py --arch hourglass")
    boxes = {} if boxes is None else read_boxes(boxes, pictures)
    rows, notes, names, kept = [], {}, set(), 0
    try:
        with Progress(len(pictures) + len(given), "annotating") as progress:
            for file, stem, face in [*((*pair, None) for pair in pictures), *given]:
                progress.update()
                its = boxes.get(file, (None,))
                for number, box in enumerate(its, 1):
                    name = _name(stem, number if len(its) > 1 else None, names)
                    try:
                        row = _kept(out, name, face["image"] if face else file)
                        kept += row is not None
                        if row is None:
                            one = _corrected(file, face, parser) if face else _predicted(file, box, finder, parser)
                            notes |= dict.fromkeys(_write(one, out, name))
                            row = Row(name, one.picture, **one.looked_at)
                        rows.append(row)
                    except CannotWrite:
                        raise
                    except FaceparseError as error:
                        errors.append(error)
    finally:  # after Ctrl-C too
        rows = ranked(rows)
        if rows:
            write_file(as_csv(rows), out / LIST)
    said = [f"{kept} faces are in {out} already, and stay as they are; name another folder to look at them again"]
    return rows, [*said * (kept > 0), *notes], errors


def _kept(out, name, picture):
    """The Row of a face that is there already, or None. Raises FaceparseError where it is another picture's."""
    path = out / "labelme" / f"{name}.json"  # the last file of a face that is written
    if not path.exists():
        return None
    face = labelme_json.read(path)
    if not (face["image"].exists() and open_image(face["image"]) == open_image(picture)):
        raise FaceparseError(f"{path}: is there already, of another picture than {picture}; name another folder by "
                             "--annotate")
    said = face["looked_at"]
    try:
        return Row(name, picture, float(said["confidence"]), bool(said["is_face"]), list(map(int, said["doubtful"])))
    except (TypeError, KeyError, ValueError):
        return Row(name, picture)


def _sorted_out(files):
    """[(file, stem)] -> pictures [(file, stem)], [(file of labelme, stem, what it says)] and errors. A picture that
    such a file names is no longer one whose landmarks are to be found."""
    given, errors = [], []
    for file, stem in files:
        if file.suffix.lower() == ".json" and file.name not in labelme.SETS:
            try:
                own = stem.with_name(stem.name.removesuffix(".json"))  # a.json beside a.jpg: a, for that is no other face
                given.append((file, own, labelme_json.read(file)))
            except FaceparseError as error:
                errors.append(error)
    named = {face["image"].resolve() for _, _, face in given}
    return [(file, stem) for file, stem in files
            if file.suffix.lower() != ".json" and file.resolve() not in named], given, errors


def _predicted(file, box, finder, parser):
    """The Seen of a picture, by the landmark network."""
    image = open_image(file)
    found = finder.find(image, box)
    parsed = parser and parse_found(image, parser, finder, found, box)
    landmarks = near(found.points, image.size)
    return Seen(file, image.size, finder.points, landmarks, found.confidence, found.is_face, parsed, [])


def _corrected(file, face, parser):
    """The Seen of a file of labelme, as people left it."""
    points = labelme.points_of(file, face)
    if points is None:
        raise FaceparseError(f"{file}: holds no landmark; place some, or take it out of --images")
    record = Record(file.stem, face["image"], None, partial(labelme_json.read_landmarks, file, points), None, None, points,
                    landmarks_file=file)
    landmarks, polygons, image = record.landmarks(), labelme_json.outlines(face, LAPA, file), open_image(record.image)
    check_landmarks(record, landmarks, image.size)
    known = (landmarks, points) if parser and parser.align in BY_LANDMARKS else ()
    parsed = parser and parser.parse(image, *known)
    return Seen(face["image"], image.size, points, landmarks, None, True, parsed, polygons)


def label_map(seen):
    """(H, W) uint8 of LaPa's classes: the parts by the landmarks, hair and skin by the parser where there is one; in
    place of each what people drew of it. Raises FaceparseError for landmarks that make no parts."""
    if seen.points not in labelme.OUTLINING:
        raise FaceparseError(f"which parts the {seen.points.name} landmarks outline is not known here")
    parts = face_parts.label_map(seen.landmarks, *seen.size[::-1])
    if not seen.parsed and not seen.polygons:
        return parts
    return labelme.merged(seen.polygons, parts, *seen.skin_and_hair)


def regions(seen):
    """Hair and skin as polygons [(class index, (N, 2))], for people to correct: those that they drew themselves, else
    the outlines of what the parser saw, the facial parts counting as skin."""
    drawn, (width, height) = {index for index, _ in seen.polygons}, seen.size
    traced = [(label, polygon) for label, inside in zip((SKIN, HAIR), seen.skin_and_hair)
              if inside is not None and label not in drawn
              for polygon in raster.trace(inside, max(width, height) / 300, least=width * height // 1000)]
    return [*traced, *seen.polygons]


def _write(seen, out, name):
    """The files of a face; returns what there is to say of what was left out. Raises FaceparseError where one of them
    is there and says something else."""
    notes, content, mask = [], seen.picture.read_bytes(), None
    picture, label = out / "images" / f"{name}{seen.picture.suffix.lower()}", out / "labels" / f"{name}.png"
    files = {picture: content}
    if seen.points == landmark_set("106"):
        lines = "".join(f"{x:.3f} {y:.3f}\n" for x, y in seen.landmarks)
        files[out / "landmarks" / f"{name}.txt"] = f"106\n{lines}".encode()
    else:
        notes.append(f"landmarks/ is left out: LaPa's points are 106, these are {seen.points.name}; train on --data "
                     "labelme")
    try:
        mask = label_map(seen)
    except FaceparseError as error:
        notes.append(f"labels/ is left out: {error}")
    differing = [path for path, data in files.items() if path.exists() and path.read_bytes() != data]
    if mask is not None and label.exists() and not np.array_equal(read_mask(label, LAPA), mask):
        differing.append(label)
    if differing:
        raise FaceparseError(f"{differing[0]}: is there already; remove it, or name another folder by --annotate")
    for path, data in files.items():
        write_file(data, path)
    if mask is not None:
        drawing.save_mask(mask, LAPA, label)
    polygons = [(LAPA_NAMES[index], contour) for index, contour in regions(seen)]
    write_labelme(out / "labelme" / f"{name}.json", picture, seen.size, seen.landmarks, seen.points, polygons,
                  seen.looked_at or None)
    return notes


def _name(stem, number, names):
    """A name of its own for a face: its picture's, with its folders, and its number where there are several."""
    name = "-".join(stem.parts) + (f"_{number}" if number else "")
    while name in names:
        name += "_"
    names.add(name)
    return name


def ranked(rows):
    """Rows, the least sure face first: what is taken for none, then by the mean confidence over the points; last those
    of which the network has said nothing."""
    return sorted(rows, key=lambda row: (row.is_face, np.nan_to_num(row.confidence, nan=2.0), row.name))


def as_csv(rows):
    """The text of worst_first.csv."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["name", "confidence", "is_face", "doubtful_points", "picture"])
    for row in rows:
        confidence = "" if np.isnan(row.confidence) else f"{row.confidence:.4f}"
        lines.writerow([row.name, confidence, int(row.is_face), " ".join(map(str, row.doubtful)), row.picture])
    return text.getvalue()


def as_table(rows, most=20):
    """The first rows of faces that were looked at, as a table for a terminal; "" where there are none."""
    looked_at = [[row.name, row.confidence, "yes" if row.is_face else "not sure", ", ".join(map(str, row.doubtful))]
                 for row in rows if row.doubtful][:most]
    header = ["worst first", "confidence", "a face", "doubtful points"]
    return drawing.table(header, looked_at) + "\n" if looked_at else ""
