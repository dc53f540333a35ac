"""A drawn face with its labelme file, for the tests of these files."""
import json

from PIL import Image

from faceparse.annotation.labelme import write
from faceparse.data.drawn import toy
from faceparse.labels import LABEL_SETS
from faceparse.landmark_sets import landmark_set

LAPA, POINTS = LABEL_SETS["lapa"], landmark_set("106")
NAN = float("nan")


def face(folder, name="a", index=0, size=64, polygons=(), points=None):
    """A toy face: its picture in pictures/, its JSON in labelme/; its landmarks."""
    image, _, truth = toy.draw(0, index, size)
    truth = truth if points is None else points
    (folder / "pictures").mkdir(exist_ok=True), (folder / "labelme").mkdir(exist_ok=True)
    Image.fromarray(image).save(folder / f"pictures/{name}.png")
    write(folder / f"labelme/{name}.json", folder / f"pictures/{name}.png", (size, size), truth, POINTS,
                  polygons)
    return truth


def edit(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
