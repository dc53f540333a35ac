"""A data set with predicted landmarks in place of its own: as in practice, where no landmarks are annotated."""
from dataclasses import replace
from functools import partial

from faceparse.data.images import open_image
from faceparse.data.records import near
from faceparse.errors import FaceparseError
from faceparse.progress import Progress


def with_predicted_landmarks(face_set, finder):
    """Replace the landmarks of a FaceSet by those that a FaceFinder finds in its pictures.

    Records whose picture cannot be read keep their landmarks: the error is raised when the picture is read again.
    Returns the FaceSet, and the number of pictures in which no face is found with enough confidence.
    """
    records, lost = [], 0
    with Progress(len(face_set.records), "finding faces") as progress:
        for record in face_set.records:
            progress.update()
            try:
                image = open_image(record.image)
            except FaceparseError:
                records.append(record)
                continue
            detection = finder.find(image)
            lost += not detection.is_face
            landmarks = partial(_points, near(detection.points, image.size))
            records.append(replace(record, points=finder.points, landmarks=landmarks, landmarks_file=None))
    return replace(face_set, records=records, points=finder.points), lost


def _points(points):
    """A record's `landmarks`: a function of this module, so that the record can be pickled."""
    return points
