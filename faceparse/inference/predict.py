"""Pictures and videos without annotations -> landmarks, masks, overlays, JSON: the work behind evaluate.py --images."""
import sys
from dataclasses import dataclass, field

import numpy as np

from faceparse.data.images import open_image
from faceparse.errors import CannotWrite, FaceparseError
from faceparse.inference.faces import find_faces, predict_face
from faceparse.inference.input_files import find_files, read_boxes, unopened_notes
from faceparse.inference.outputs import Outputs
from faceparse.inference.video import is_video
from faceparse.inference.videos import predict_video
from faceparse.progress import Progress


@dataclass
class Summary:
    """What `predict` did: the number of files done now, of files that were done before, notes for the user, and the
    errors of files that could not be read."""
    done: int = 0
    kept: int = 0
    notes: list = field(default_factory=list)
    errors: list = field(default_factory=list)


def predict(paths, out, parser=None, finder=None, boxes=None, outputs=Outputs(), overwrite=False):
    """Parse pictures and videos, or find their landmarks, or both, and write the results into the folder `out`.

    paths      pictures, videos, cameras and folders, see input_files.find_files
    parser     a Parser or None
    finder     a FaceFinder or None; at least one of both is needed
    boxes      file of input_files.read_boxes; its boxes replace the search for faces
    outputs    Outputs: which files are written of a picture. Of a video: see videos.predict_video
    overwrite  do pictures again whose results are there already, of the same file, networks and options

    Of a picture: NAME.json and NAME_overlay; with a parser NAME_mask.png, a palette image (of several faces merged, and
    NAME_mask_1.png, ... of each one). Returns a Summary. Raises FaceparseError where the paths or the boxes are wrong,
    or the results cannot be written.
    """
    inputs = find_files(paths, out)
    boxes = {} if boxes is None else read_boxes(boxes, inputs)
    summary = Summary(notes=unopened_notes(paths))
    try:
        with Progress(len(inputs), "annotating" if finder else "parsing") as progress:
            for file, stem in inputs:
                try:
                    if is_video(file):
                        summary.notes += predict_video(file, out / stem, parser, finder)
                        summary.done += 1
                    else:
                        notes = _predict_picture(file, out / stem, parser, finder, boxes.get(file), outputs, overwrite)
                        summary.kept += notes is None
                        summary.done += notes is not None
                        summary.notes += notes or []
                except CannotWrite:
                    raise
                except FaceparseError as error:
                    summary.errors.append(error)
                progress.update()
    except KeyboardInterrupt:
        print(f"stopped: {summary.done + summary.kept} of {len(inputs)} files are done; the same command does the rest")
        print(*summary.errors, sep="\n", end="\n" * bool(summary.errors), file=sys.stderr)
        raise
    return summary


def _predict_picture(file, base, parser, finder, boxes, outputs, overwrite):
    """Predict the faces of a picture and write the results, whose names begin with `base`.

    boxes  of the faces, or None: those that the finder finds
    Returns notes for the user; None where the results are there already.
    """
    fingerprint = outputs.fingerprint(file, parser, finder, boxes)
    if not overwrite and outputs.are_complete(base, fingerprint):
        return None
    picture = open_image(file)
    try:
        faces = ([predict_face(picture, parser, finder, box) for box in boxes] if boxes else
                 find_faces(picture, parser, finder))
    except FaceparseError as error:
        raise FaceparseError(f"{file}: {error}") from None
    outputs.write(base, file, np.asarray(picture), faces, fingerprint, parser, finder)
    if not faces:
        return [f"{file}: no face was found; give its box by --boxes if there is one"]
    return [f"{file}: no face was found with enough confidence ({face.detection.mean_confidence:.2f}); give its box by "
            "--boxes" for face in faces if face.detection and not face.detection.is_face]
