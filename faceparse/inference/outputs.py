"""The files of a parsed picture: which are written, how, and whether they are there already."""
import hashlib
import os
from dataclasses import dataclass

import numpy as np
from PIL import Image

from faceparse import drawing, files
from faceparse.errors import FaceparseError
from faceparse.inference.faces import describe, draw, merge

OVERLAYS = ("jpg", "png", "none")
JPEG_QUALITY = 90
JPEG_SIDE = 65_500  # pixels, the longest side that libjpeg encodes
FINGERPRINT = "fingerprint"


@dataclass
class Outputs:
    """What is written of a picture.

    overlay     the format of NAME_overlay, one of OVERLAYS
    mask_only   write NAME_mask.png and nothing else
    confidence  also write NAME_confidence.png
    overwrite   write pictures again whose results are there already, of the same file, networks and options
    """
    overlay: str = "jpg"
    mask_only: bool = False
    confidence: bool = False
    overwrite: bool = False

    def fingerprint(self, file, parser, finder, boxes):
        """A hash of what the results of a picture depend on: its file, by size and time, networks, boxes and outputs.
        Raises FaceparseError."""
        try:
            status = os.stat(file)
        except OSError as error:
            raise FaceparseError(f"{file}: cannot be read ({error.strerror}); put the picture there, or take it off "
                                 "the list") from None
        about = (status.st_size, status.st_mtime_ns, parser and parser.identity, finder and finder.identity, boxes,
                 self.overlay, self.mask_only, self.confidence)
        return hashlib.sha256(repr(about).encode()).hexdigest()[:16]

    def are_complete(self, base, fingerprint):
        """Whether all files of a picture, whose names begin with `base`, are there, written with this fingerprint, and
        not to be overwritten."""
        if self.overwrite:
            return False
        try:
            if self.mask_only:
                with Image.open(_named(base, "_mask.png")) as mask:
                    return mask.info.get(FINGERPRINT) == fingerprint
            about = files.read_json(_named(base, ".json"))
            if about.get(FINGERPRINT) != fingerprint:
                return False
            names = [one.get(kind) for one in (about, *about["faces"])
                     for kind in ("mask", "overlay", "confidence_map")]
            return all(base.with_name(name).exists() for name in names if name)
        except (FaceparseError, OSError, ValueError, SyntaxError, KeyError, TypeError, AttributeError):
            return False  # missing, damaged, or another program's

    def write(self, base, file, picture, faces, fingerprint, parser=None, finder=None):
        """Write the files of a picture, NAME.json last, so that where it is there all are.

        base           the results' names begin with this path
        file, picture  the file and the Pillow image in it, which the overlay is drawn into
        faces          [Face], parsed where there is a parser
        Raises CannotWrite.
        """
        width, height = picture.size
        about = {"image": file, "width": width, "height": height}
        entries, mask, labels = [describe(face) for face in faces] if not self.mask_only else [], None, None
        if parser:
            labels = parser.labels
            mask, confidence = merge([face.parsed for face in faces], (width, height))
            about |= {"mask": f"{base.name}_mask.png", "labels": labels.name}
            drawing.save_mask(mask, labels, _named(base, "_mask.png"), {FINGERPRINT: fingerprint})
            if self.mask_only:
                return
            for number, (face, entry) in enumerate(zip(faces, entries), 1) if len(faces) > 1 else ():
                entry["mask"] = f"{base.name}_mask_{number}.png"
                drawing.save_mask(face.parsed.mask, labels, base.with_name(entry["mask"]))
            if self.confidence:
                about["confidence_map"] = f"{base.name}_confidence.png"
                grey = (255 * confidence).round().clip(0, 255).astype(np.uint8)
                drawing.save_picture(grey, base.with_name(about["confidence_map"]), compress_level=1)
        if finder:
            about["landmarks"] = finder.points.name
        if self.overlay != "none":
            suffix = self.overlay if max(width, height) <= JPEG_SIDE else "png"
            how = {"quality": JPEG_QUALITY} if suffix == "jpg" else {"compress_level": 1}
            about["overlay"] = f"{base.name}_overlay.{suffix}"
            draw(picture, faces, mask, labels)
            drawing.save_picture(picture, base.with_name(about["overlay"]), **how)
        files.write_json({**about, FINGERPRINT: fingerprint, "faces": entries}, _named(base, ".json"), indent=None)


def _named(base, suffix):
    return base.with_name(base.name + suffix)
