"""Pictures and videos without annotations -> landmarks, masks, overlays, JSON: the work behind evaluate.py --images."""
import numpy as np

from faceparse import drawing, files
from faceparse.data.images import open_image
from faceparse.errors import CannotWrite, FaceparseError
from faceparse.inference.faces import describe, draw, find_faces, merge, predict_face
from faceparse.inference.input_files import find_files, read_boxes, unopened_notes
from faceparse.inference.video import is_video
from faceparse.inference.videos import predict_video
from faceparse.progress import Progress


def predict(paths, out, parser=None, finder=None, boxes=None, confidence=False):
    """Parse pictures and videos, or find their landmarks, or both, and write the results into the folder `out`.

    paths       pictures, videos, cameras and folders, see input_files.find_files
    parser      a Parser or None
    finder      a FaceFinder or None; at least one of both is needed
    boxes       file of input_files.read_boxes; its boxes replace the search for faces
    confidence  also write each pixel's confidence

    Of a picture: NAME_overlay.png and NAME.json; with a parser NAME_mask.png, a palette image (of several faces merged,
    and NAME_mask_1.png, ... of each one), and NAME_confidence.png on request. Of a video: see videos.predict_video.
    Returns (number of files done, notes for the user, errors of files that could not be read). Raises FaceparseError
    where the paths or the boxes are wrong, or the results cannot be written.
    """
    inputs = find_files(paths, out)
    boxes = {} if boxes is None else read_boxes(boxes, inputs)
    done, notes, errors = 0, unopened_notes(paths), []
    with Progress(len(inputs), "annotating" if finder else "parsing") as progress:
        for file, stem in inputs:
            try:
                if is_video(file):
                    notes += predict_video(file, out / stem, parser, finder)
                else:
                    notes += _predict_picture(file, out / stem, parser, finder, boxes.get(file), confidence)
                done += 1
            except CannotWrite:
                raise
            except FaceparseError as error:
                errors.append(error)
            progress.update()
    return done, notes, errors


def _predict_picture(file, base, parser, finder, boxes, confidence):
    """Predict the faces of a picture and write the results, whose names begin with `base`.

    boxes  of the faces, or None: those that the finder finds
    Returns notes for the user.
    """
    picture = open_image(file)
    image = np.asarray(picture)
    try:
        faces = ([predict_face(picture, parser, finder, box) for box in boxes] if boxes else
                 find_faces(picture, parser, finder))
    except FaceparseError as error:
        raise FaceparseError(f"{file}: {error}") from None

    def result(suffix):
        return base.with_name(base.name + suffix)

    about = {"image": file, "width": image.shape[1], "height": image.shape[0]}
    mask = labels = None
    if parser:
        labels = parser.labels
        mask, pixel_confidence = merge([face.parsed for face in faces], picture.size)
        about |= {"mask": f"{base.name}_mask.png", "labels": labels.name}
        drawing.save_mask(mask, labels, result("_mask.png"))
        for number, face in enumerate(faces, 1) if len(faces) > 1 else ():
            drawing.save_mask(face.parsed.mask, labels, result(f"_mask_{number}.png"))
        if confidence:
            grey = (255 * pixel_confidence).round().clip(0, 255).astype(np.uint8)
            drawing.save_picture(grey, result("_confidence.png"))
    if finder:
        about["landmarks"] = finder.points.name
    drawing.save_picture(draw(image, faces, mask, labels), result("_overlay.png"))
    files.write_json({**about, "faces": [describe(face) for face in faces]}, result(".json"))
    if not faces:
        return [f"{file}: no face was found; give its box by --boxes if there is one"]
    return [f"{file}: no face was found with enough confidence ({face.detection.mean_confidence:.2f}); give its box by "
            "--boxes" for face in faces if face.detection and not face.detection.is_face]
