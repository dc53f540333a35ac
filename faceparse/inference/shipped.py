"""The networks that come with faceparse, ready to use: any photograph can be parsed right after the install."""
from functools import lru_cache

from faceparse import weights
from faceparse.inference.checkpoint import load_any
from faceparse.inference.finder import FaceFinder


def shipped_networks(device="auto", amp="off"):
    """[the Parser, the Landmarker]. Raises FaceparseError where this copy of faceparse comes without its weights."""
    return [load_any(weights.shipped(kind), device, amp) for kind in weights.FILES]


def shipped_finder(device="auto"):
    """A FaceFinder of the landmark network; the same one for the same device. Raises FaceparseError."""
    return _finder(weights.shipped("landmarker"), str(device))


@lru_cache
def _finder(path, device):
    return FaceFinder([load_any(path, device)])
