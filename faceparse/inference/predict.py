"""Pictures and videos without annotations -> landmarks, masks, overlays, JSON: the work behind evaluate.py --images."""
import contextlib
import sys
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from faceparse.errors import CannotWrite, FaceparseError
from faceparse.inference.input_files import find_files, read_boxes, unopened_notes
from faceparse.inference.outputs import Outputs
from faceparse.inference.pictures import PictureStages
from faceparse.inference.video import is_video
from faceparse.inference.videos import predict_video
from faceparse.progress import Progress

BATCH = 8     # crops that the parser takes at a time
THREADS = 2   # that read, and as many that write


@dataclass
class Summary:
    """What `predict` did: the number of files done now, of files that were done before, notes for the user, and the
    errors of files that could not be read."""
    done: int = 0
    kept: int = 0
    notes: list = field(default_factory=list)
    errors: list = field(default_factory=list)


def predict(paths, out, parser=None, finder=None, boxes=None, outputs=Outputs(), batch=BATCH, threads=THREADS):
    """Parse pictures and videos, or find their landmarks, or both, and write the results into the folder `out`.

    paths    pictures, videos, cameras and folders, see input_files.find_files
    parser   a Parser or None
    finder   a FaceFinder or None; at least one of both is needed
    boxes    file of input_files.read_boxes; its boxes replace the search for faces
    outputs  Outputs: which files are written of a picture. Of a video: see videos.predict_video
    batch    number of crops, of one or several pictures, that the parser takes at a time. Masks of different batches
             differ by float32's rounding at most
    threads  number of threads that read pictures, and of threads that draw and write; 0: all steps one after the other

    Written of a picture: NAME.json and NAME_overlay; with a parser also NAME_mask.png, a palette image of all faces,
    and where there are several faces NAME_mask_1.png, ... of each one. Returns a Summary. Raises FaceparseError where
    the paths or the boxes are wrong, or the results cannot be written. A picture that cannot be read does not stop the
    others: its error is in the Summary.
    """
    inputs, out = find_files(paths, out), Path(out)
    boxes = {} if boxes is None else read_boxes(boxes, inputs)
    stages = PictureStages(parser, finder, outputs, boxes)
    summary = Summary(notes=unopened_notes(paths))
    try:
        with Progress(len(inputs), "parsing" if parser else "finding landmarks") as progress:
            for are_videos, group in groupby(((file, out / stem) for file, stem in inputs),
                                             lambda pair: is_video(pair[0])):
                if are_videos:
                    results = (_video(*pair, parser, finder, batch) for pair in group)
                else:
                    results = stages.run(group, batch, threads)
                with contextlib.closing(results):
                    for result in results:
                        _add(summary, result)
                        progress.update()
    except KeyboardInterrupt:
        print(f"stopped: {summary.done + summary.kept} of {len(inputs)} files are done; the same command does the rest")
        print(*summary.errors, sep="\n", end="\n" * bool(summary.errors), file=sys.stderr)
        raise
    return summary


def _video(file, base, parser, finder, batch):
    """The notes on a video, or the FaceparseError that kept it from being read. Raises CannotWrite."""
    try:
        return predict_video(file, base, parser, finder, batch)
    except CannotWrite:
        raise
    except FaceparseError as error:
        return error


def _add(summary, result):
    """Adds to a Summary a file's notes, its FaceparseError, or None for results that are kept."""
    if isinstance(result, FaceparseError):
        summary.errors.append(result)
    elif result is None:
        summary.kept += 1
    else:
        summary.done += 1
        summary.notes += result
