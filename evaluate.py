"""Score parsers on a data set, or parse pictures.

    python evaluate.py                                      the newest run under runs/, on its own data set
    python evaluate.py --set ibugmask --model runs/*        a table, a line a run
    python evaluate.py --set lapa --out report/             report.json, report.md, chart.png, examples of faces
    python evaluate.py --images photo.jpg folder/           masks, overlays and JSON in parsed/
"""
import argparse
import os
import sys
from pathlib import Path

from faceparse import charts, evaluation, inference, report, runs
from faceparse.data import parsing
from faceparse.errors import FaceparseError
from faceparse.geometry import ALIGNMENTS, BY_LANDMARKS


def get_args_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    group = parser.add_argument_group("which parsers")
    group.add_argument("--model", nargs="+", type=Path, help="run folders or checkpoints (default: the newest run)")
    group.add_argument("--runs", type=Path, default="runs", help="where run folders are (default: runs/)")

    group = parser.add_argument_group("score them")
    group.add_argument("--set", choices=list(parsing.READERS), metavar="SET",
                       help=f"{', '.join(parsing.READERS)} (default: what the first parser was trained on)")
    group.add_argument("--split", choices=parsing.SPLITS, help="default: test, or val where the set has no test split")
    group.add_argument("--root", type=Path, default=os.environ.get("FACEPARSE_DATA", "data"),
                       help="folder that holds a folder a data set (default: $FACEPARSE_DATA, or data/)")
    group.add_argument("--limit", type=int, help="score a reproducible sample of so many faces")
    group.add_argument("--helen-rule", choices=["maximum", "threshold"], default="maximum",
                       help="how Helen's confidences become one label (default: maximum; threshold is seed 000's)")
    group.add_argument("--frame", choices=evaluation.FRAMES, default="crop",
                       help="crop: on the aligned crop; original: undo the alignment, on the untouched annotation")
    group.add_argument("--protocol", choices=evaluation.PROTOCOLS, default="pooled",
                       help="pooled: one confusion matrix for all faces; per-image: F1 of each face, averaged")
    group.add_argument("--align", choices=ALIGNMENTS, help="default: as the parser was trained")

    group = parser.add_argument_group("or parse pictures")
    group.add_argument("--images", nargs="+", metavar="PATH", help="pictures and folders of pictures")
    group.add_argument("--confidence", action="store_true", help="write a confidence map beside each mask")

    group = parser.add_argument_group("both")
    group.add_argument("--out", type=Path, help="folder of the results (default: parsed/ with --images, else none)")
    group.add_argument("--device", default="auto", help="cpu, cuda, cuda:1, mps (default: the fastest there is)")
    group.add_argument("--amp", choices=["auto", "on", "off"], default="off",
                       help="bfloat16; auto: where the processor has it (default: off)")
    group.add_argument("--workers", type=int, default=2, help="threads that read ahead; 0 for none")
    group.add_argument("--skip-bad", action="store_true", help="leave out unreadable files and list them")
    return parser


def main(args):
    paths = args.model or [runs.newest(args.runs)]
    parsers = {path: inference.load(path, args.device, args.amp) for path in paths}
    if args.images:
        parse(args, *next(iter(parsers.items())))
    else:
        score(args, parsers)


def parse(args, path, parser):
    out = args.out or Path("parsed")
    if parser.align in BY_LANDMARKS:
        print(f"{path} was trained on crops aligned by landmarks: each picture is taken for such a crop")
    parsed, errors = evaluation.parse_pictures(parser, args.images, out, args.confidence)
    if parsed:
        print(f"masks and overlays of {parsed} pictures are in {out}")
    if errors and not args.skip_bad:
        raise FaceparseError("\nevaluate.py: ".join(map(str, errors)))
    for error in errors:
        print(f"left out: {error}", file=sys.stderr)


def score(args, parsers):
    name = args.set or next(iter(parsers.values())).about.get("data", "toy")
    face_set = load_split(name, args.split, args.root, limit=args.limit, helen_rule=args.helen_rule,
                          toy_size=max(parser.size for parser in parsers.values()))
    if face_set.note:
        print(face_set.note)
    names = [path.name for path in parsers]
    entries = []
    for path, parser in parsers.items():
        run = path.name if names.count(path.name) == 1 else str(path)
        result = evaluation.evaluate(parser, face_set, frame=args.frame, align=args.align, workers=args.workers,
                                     skip_bad=args.skip_bad, label=run)
        entries.append(evaluation.summary(run, parser, face_set, result, args.frame, args.protocol))
        for error in result.bad.values():
            print(f"left out: {error}", file=sys.stderr)
        if args.out:
            picture = f"examples{'' if len(parsers) == 1 else f'-{len(entries)}'}.png"
            report.save_picture(evaluation.examples(parser, result), args.out / picture)
    print(evaluation.tables(entries))
    if args.out:
        report.write_json({"models": entries}, args.out / "report.json")
        report.write_file(evaluation.tables(entries, report.markdown), args.out / "report.md")
        bars = {entry["run"]: dict(list(entry["f1"].items())[1:]) for entry in entries}
        report.save_picture(charts.bar_chart(bars, f"F1 on {name} {face_set.split}", "F1"), args.out / "chart.png")
        print(f"\nreport.json, report.md, chart.png and examples of faces are in {args.out}")


def load_split(name, split, root, **options):
    if split:
        return parsing.load(name, split, root, **options)
    try:
        return parsing.load(name, "test", root, **options)
    except parsing.NoSuchSplit:
        return parsing.load(name, "val", root, **options)


if __name__ == "__main__":
    try:
        main(get_args_parser().parse_args())
    except FaceparseError as error:
        print(f"evaluate.py: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
