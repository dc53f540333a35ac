"""Pictures -> files, in stages that work at the same time (pipeline.py): reading, finding, parsing, writing."""
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path

from faceparse.data.images import open_image
from faceparse.errors import CannotWrite, FaceparseError
from faceparse.inference.face_parser import Parser
from faceparse.inference.faces import find_faces
from faceparse.inference.pipeline import Work, ahead, batched


@dataclass
class PictureWork(Work):
    """A picture file on its way through the stages.

    file, base   the picture; the results' names begin with this path
    fingerprint  see Outputs.fingerprint
    result       [] until it has one: notes for the user, a FaceparseError, or None for results that are there already
    """
    file: Path | None = None
    base: Path | None = None
    fingerprint: str = ""
    result: list | FaceparseError | None = field(default_factory=list)


def unless_ended(stage):
    """A stage that leaves a Work alone whose result is known, and that makes an error with a picture its result."""
    @wraps(stage)
    def careful(self, work):
        if work.result == []:
            try:
                stage(self, work)
            except CannotWrite:
                raise
            except FaceparseError as error:
                work.picture = None
                work.result = error if str(work.file) in str(error) else FaceparseError(f"{work.file}: {error}")
        return work
    return careful


class PictureStages:
    """The stages for pictures: by a Parser, a FaceFinder or both (the other is None).

    outputs  the Outputs;  boxes: {file: [(x0, y0, x1, y1)]} of the pictures whose faces are not searched for
    """

    def __init__(self, parser, finder, outputs, boxes):
        self.parser, self.finder, self.outputs, self.boxes = parser, finder, outputs, boxes

    def run(self, pictures, batch, threads):
        """Yields the result of each picture, see Work; pictures: (file, base). Raises CannotWrite."""
        works = ahead(self.read, (PictureWork(file=file, base=base) for file, base in pictures), threads)
        # one thread: a network counts its crops, and keeps its weights in the layout for the shape of its last input
        works = ahead(self.find, works, min(1, threads))
        if isinstance(self.parser, Parser):
            works = batched(works, self.parser.probabilities, batch)
        for work in ahead(self.write, works, threads):
            yield work.result

    @unless_ended
    def read(self, work):
        """Decode the picture, unless its results are complete."""
        work.fingerprint = self.outputs.fingerprint(work.file, self.parser, self.finder, self.boxes.get(work.file))
        if self.outputs.are_complete(work.base, work.fingerprint):
            work.result = None
        else:
            work.picture = open_image(work.file)

    @unless_ended
    def find(self, work):
        """Find the faces and cut out their crops."""
        work.faces = find_faces(work.picture, self.finder, self.boxes.get(work.file))
        if self.parser:
            work.cut_out(self.parser, self.finder)

    @unless_ended
    def write(self, work):
        """Take the probabilities back to the picture, draw, and write."""
        # several faces are merged by their confidence
        work.restore(self.parser, with_confidence=self.outputs.confidence or len(work.faces) > 1,
                     with_sums=not self.outputs.mask_only)
        self.outputs.write(work.base, work.file, work.picture, work.faces, work.fingerprint, self.parser, self.finder)
        work.picture = None
        work.result = notes_on(work)


def notes_on(work):
    """Notes for the user on a picture whose faces are not certain."""
    if not work.faces:
        return [f"{work.file}: no face was found; if it shows one, give its box by --boxes, or lower --face-confidence"]
    return [f"{work.file}: no face was found with enough confidence ({face.detection.mean_confidence:.2f}); give its "
            "box by --boxes" for face in work.faces if face.detection and not face.detection.is_face]
