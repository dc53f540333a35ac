"""The files of --out: report.json, report.md and pictures."""
from faceparse import drawing, files
from faceparse.evaluation import landmark_report, sheets


def write_report(out, entries, text, pictures):
    """Write report.json and report.md, then the pictures, into a folder.

    entries   of report.json's list `models`
    text      of report.md
    pictures  an iterable of (file name, Pillow image)
    """
    files.write_json({"models": entries}, out / "report.json")
    files.write_file(text, out / "report.md")
    for name, picture in pictures:
        drawing.save_picture(picture, out / name)


def parser_pictures(face_set, baseline, evaluations):
    """chart.png of the F1 of the entries of `baseline`, and a sheet of faces for each of {Parser: ParserEvaluation}."""
    bars = {entry["run"]: dict(list(entry["f1"].items())[1:]) for entry in baseline}
    yield "chart.png", drawing.bar_chart(bars, f"F1 on {face_set.name} {face_set.split}", "F1")
    for number, (parser, evaluation) in enumerate(evaluations.items(), 1):
        if parser.adapter:
            sheet = sheets.adaptation_sheet(parser.parser, parser, evaluations[parser.parser], evaluation)
        else:
            sheet = sheets.parser_sheet(parser, evaluation)
        yield _numbered("adapted" if parser.adapter else "examples", number, evaluations), sheet


def landmark_pictures(evaluations):
    """curve.png of all of {run: LandmarkEvaluation}, and a sheet of faces for each."""
    yield "curve.png", landmark_report.error_curves(evaluations)
    for number, evaluation in enumerate(evaluations.values(), 1):
        yield _numbered("examples", number, evaluations), sheets.landmark_sheet(evaluation)


def _numbered(name, number, evaluations):
    """The name of a sheet: numbered where there are several."""
    return f"{name}.png" if len(evaluations) == 1 else f"{name}-{number}.png"
