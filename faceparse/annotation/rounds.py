"""One round of annotating a new data set: pictures -> landmarks and label maps for people to correct.

liu2020, section "Dense Landmark Annotation module": an auxiliary network places the landmarks, people correct those
that are wrong, the network is trained on what they corrected, and so on. This is the work behind evaluate.py --images
... --annotate OUT, which writes

    OUT/images/NAME.jpg      a copy of the picture
    OUT/landmarks/NAME.txt   LaPa's 106 landmarks
    OUT/labels/NAME.png      the label map made of them, in LaPa's classes
    OUT/labelme/NAME.json    the landmarks again, for people to move with labelme
    OUT/worst_first.csv      the faces, those of lowest confidence first

Existing files are never overwritten. Files of labelme among the pictures keep the points that people placed, so that a
corrected folder becomes a data set.
"""
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from faceparse import drawing
from faceparse.annotation.annotated_face import AnnotatedFace, label_map, regions
from faceparse.annotation.labelme import write as write_labelme
from faceparse.annotation.worst_first import LIST, Row, as_csv, ranked
from faceparse.data import labelme_json
from faceparse.data.images import PICTURE_SUFFIXES, open_image
from faceparse.data.masks import read_mask
from faceparse.data.records import Record, check_landmarks, near
from faceparse.data.sets.labelme import SETS, points_of
from faceparse.errors import CannotWrite, FaceparseError
from faceparse.files import write_file
from faceparse.geometry.alignment import BY_LANDMARKS
from faceparse.inference.faces import parse_aligned
from faceparse.inference.input_files import find_files, read_boxes, unopened_notes
from faceparse.labels import IGNORE, LABEL_SETS, LAPA_NAMES, table
from faceparse.landmark_sets import landmark_set
from faceparse.progress import Progress

LAPA, HAIR_SKIN = LABEL_SETS["lapa"], LABEL_SETS["hair_skin"]


@dataclass
class Source:
    """A file to annotate: a picture, or a file of labelme, whose content is `labelled` (else None)."""
    file: Path
    labelled: dict | None
    faces: list  # [(name of the face's files, box (x0, y0, x1, y1) in pixels or None)]

    @property
    def picture(self):
        """The file of the image."""
        return self.labelled["image"] if self.labelled else self.file


def label_pictures(paths, out, finder=None, parser=None, boxes=None):
    """Annotate pictures, folders of pictures, and files of labelme.

    finder  a FaceFinder of the landmarks; None: only files of labelme can be annotated
    parser  of hair and skin, inference.coarse_to_fine or any whose classes merge to these; None: no hair, and skin only
            between jaw and brows
    boxes   a file for input_files.read_boxes with the faces of some pictures, instead of a search
    A face that `out` already holds, corrected or not, is not changed, so that an interrupted run can be continued.
    Returns (rows of the list as in `ranked`, [note], [FaceparseError of a face that could not be annotated]).
    """
    out = Path(out)
    if parser:
        table(parser.labels, HAIR_SKIN)  # raises where the parser's classes cannot be merged to hair and skin
    sources, errors = _sources(find_files(paths, out, PICTURE_SUFFIXES | {".json"}), finder, boxes)
    rows, notes, kept = [], dict.fromkeys(unopened_notes(paths)), 0
    try:
        with Progress(len(sources), "annotating") as progress:
            for source in sources:
                progress.update()
                for name, box in source.faces:
                    try:
                        row = _kept(out, name, source.picture)
                        kept += row is not None
                        if row is None:
                            face = (_corrected(source, parser) if source.labelled
                                    else _predicted(source.file, box, finder, parser))
                            notes |= dict.fromkeys(_write(face, out, name))
                            row = Row(name, face.picture, **face.doubt)
                        rows.append(row)
                    except CannotWrite:
                        raise
                    except FaceparseError as error:
                        errors.append(error)
    finally:  # the list is written after Ctrl-C too
        rows = ranked(rows)
        if rows:
            write_file(as_csv(rows), out / LIST)
    if kept:
        notes = {f"{kept} faces are in {out} already, and stay as they are; name another folder to annotate them again":
                 None, **notes}
    return rows, list(notes), errors


def _sources(files, finder, boxes):
    """[(file, stem)] -> [Source], pictures first, and [FaceparseError]. A picture that a file of labelme names is not
    annotated by the network."""
    labelled, errors = [], []
    for file, stem in files:
        if file.suffix.lower() == ".json" and file.name not in SETS:
            try:
                stem = stem.with_name(stem.name.removesuffix(".json"))  # a.json beside a.jpg is the same face: a
                labelled.append((file, stem, labelme_json.read(file)))
            except FaceparseError as error:
                errors.append(error)
    named = {content["image"].resolve() for _, _, content in labelled}
    pictures = [(file, stem) for file, stem in files
                if file.suffix.lower() != ".json" and file.resolve() not in named]
    if pictures and not finder:
        raise FaceparseError(f"{pictures[0][0]}: has no landmarks, and --model names no landmark network; train one "
                             "with train.py --arch hourglass")
    boxes = {} if boxes is None else read_boxes(boxes, pictures)
    sources, names = [], set()
    for file, stem, content in [*((*pair, None) for pair in pictures), *labelled]:
        own = boxes.get(file, (None,))
        sources.append(Source(file, content, [(_name(stem, number if len(own) > 1 else None, names), box)
                                              for number, box in enumerate(own, 1)]))
    return sources, errors


def _name(stem, number, names):
    """A unique name for the files of a face, which is added to `names`: its picture's with its folders, and the face's
    number where the picture has several."""
    name = "-".join(stem.parts) + (f"_{number}" if number else "")
    while name in names:
        name += "_"
    names.add(name)
    return name


def _kept(out, name, picture):
    """The Row of a face that `out` already holds, or None. Raises FaceparseError where it is of another picture."""
    path = out / "labelme" / f"{name}.json"  # the last of a face's files that is written
    if not path.exists():
        return None
    face = labelme_json.read(path)
    if not (face["image"].exists() and open_image(face["image"]) == open_image(picture)):
        raise FaceparseError(f"{path}: is there already, of another picture than {picture}; name another folder by "
                             "--annotate")
    doubt = face["looked_at"]
    try:
        return Row(name, picture, float(doubt["confidence"]), bool(doubt["is_face"]), list(map(int, doubt["doubtful"])))
    except (TypeError, KeyError, ValueError):
        return Row(name, picture)


def _predicted(file, box, finder, parser):
    """The AnnotatedFace of a picture, by the landmark network."""
    image = open_image(file)
    detection = finder.find(image, box)
    parsed = parser and parse_aligned(image, parser, finder, detection, box)
    landmarks = near(detection.points, image.size)
    return AnnotatedFace(file, image.size, finder.points, landmarks, detection.confidence,
                         detection.is_face, parsed, [])


def _corrected(source, parser):
    """The AnnotatedFace of a file of labelme, as people left it."""
    file, face = source.file, source.labelled
    points = points_of(file, face)
    if points is None:
        raise FaceparseError(f"{file}: holds no landmark; place some, or remove it from --images")
    record = Record(file.stem, face["image"], None, partial(labelme_json.read_landmarks, file, points), None, None,
                    points, landmarks_file=file)
    landmarks, polygons, image = record.landmarks(), labelme_json.outlines(face, LAPA, file), open_image(record.image)
    check_landmarks(record, landmarks, image.size)
    aligned_by = (landmarks, points) if parser and parser.align in BY_LANDMARKS else ()
    parsed = parser and parser.parse(image, *aligned_by)
    return AnnotatedFace(face["image"], image.size, points, landmarks, None, True, parsed, polygons)


def _write(face, out, name):
    """Write the files of a face; returns notes on what was left out. Raises FaceparseError, before anything is written,
    where one of the files exists with other content."""
    notes, content, mask = [], face.picture.read_bytes(), None
    picture, label = out / "images" / f"{name}{face.picture.suffix.lower()}", out / "labels" / f"{name}.png"
    files = {picture: content}
    if face.points == landmark_set("106"):
        lines = "".join(f"{x:.3f} {y:.3f}\n" for x, y in face.landmarks)
        files[out / "landmarks" / f"{name}.txt"] = f"106\n{lines}".encode()
    else:
        notes.append(f"landmarks/ is left out: LaPa's points are 106, these are {face.points.name}; train on --data "
                     "labelme")
    try:
        mask = label_map(face)
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
    polygons = [(labelme_json.IGNORE_LABEL if index == IGNORE else LAPA_NAMES[index], contour)
                for index, contour in regions(face)]
    write_labelme(out / "labelme" / f"{name}.json", picture, face.size, face.landmarks, face.points, polygons,
                  face.doubt or None)
    return notes
