"""Published layouts, built small with known pixels, for the tests of their readers."""
import numpy as np
import pytest
from PIL import Image

from faceparse.errors import FaceparseError


def write(path, content):
    """content: an array or a PIL image to save, a text, or None for an empty file (listing opens none)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if content is None:
        path.touch()
    elif isinstance(content, str):
        path.write_text(content, encoding="utf-8")
    else:
        Image.fromarray(content).save(path)


def grey(value, size=(6, 8)):
    return np.full(size, value, np.uint8)


def names(faces):
    return [record.name for record in faces.records]


def error_of(function, *arguments, **options):
    with pytest.raises(FaceparseError) as caught:
        function(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def points_text(count, heading=""):
    return heading + "".join(f"{i} {i + 0.5}\n" for i in range(count))


def lapa_tree(home, split="train", stems=("b_0", "a_1")):
    for stem in stems:
        write(home / split / "images" / f"{stem}.jpg", grey(50))
        write(home / split / "labels" / f"{stem}.png", grey(4))
        write(home / split / "landmarks" / f"{stem}.txt", points_text(106, "106\n"))


def synthetic_tree(home, count):
    home.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        (home / f"{i:06d}.png").touch()
        if i % 10 == 0:  # listing must skip masks, and need not have them all
            (home / f"{i:06d}_seg.png").touch()


def mixed_root(tmp_path, synthetic, real):
    synthetic_tree(tmp_path / "facesynthetics", synthetic)
    for split in ("train", "val", "test"):
        (tmp_path / "lapa" / split / "images").mkdir(parents=True)
        for i in range(real):
            (tmp_path / "lapa" / split / "images" / f"{i}.jpg").touch()
    return tmp_path


def picture(path):
    """A grey image file of 8 x 6 pixels."""
    write(path, grey(50))
