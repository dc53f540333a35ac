"""faceparse: face parsing and facial landmarks in plain PyTorch, to run and to read.

    import faceparse
    face = faceparse.load("runs/toy-mobilenetv2").parse("photo.jpg")
    face.mask                                                        # (H, W) uint8 class indices
"""
from faceparse.errors import FaceparseError
from faceparse.inference.checkpoint import load
from faceparse.inference.face_parser import ParsedFace, Parser

__all__ = ["FaceparseError", "ParsedFace", "Parser", "load"]
__version__ = "0.1.0"
