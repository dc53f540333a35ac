"""faceparse: face parsing and facial landmarks in plain PyTorch, to run and to read.

    import faceparse
    for face in faceparse.load().parse_all("photo.jpg"):                # the included networks, the largest face first
        face.mask                                                       # (H, W) uint8, indices of face.labels.names
    face = faceparse.load("runs/toy-mobilenetv2").parse("photo.jpg")    # a run of your own, on the whole picture
"""
from faceparse.errors import FaceparseError
from faceparse.inference.checkpoint import load
from faceparse.inference.face_parser import ParsedFace, Parser

__all__ = ["FaceparseError", "ParsedFace", "Parser", "load"]
__version__ = "0.1.0"
