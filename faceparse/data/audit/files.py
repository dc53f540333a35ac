"""The files of `train.py --check`."""
from pathlib import Path

from faceparse import drawing, files
from faceparse.data.audit.collect import audit
from faceparse.data.audit.report import suspects_sheet, text


def write_report(faces, folder):
    """Audit a FaceSet, print the text, and write NAME.json and, where left and right are reversed, the sheet NAME.png."""
    found, folder = audit(faces), Path(folder)
    print(text(found))
    files.write_json(found, folder / f"{faces.name}.json")
    sheet = suspects_sheet(faces, found)
    if sheet is not None:
        drawing.save_picture(sheet, folder / f"{faces.name}.png")
    print(f"{faces.name}.json{'' if sheet is None else f' and a sheet of the suspects, {faces.name}.png,'} in {folder}")
