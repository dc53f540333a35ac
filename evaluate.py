"""Score parsers and landmark networks on a data set, or use them on pictures and videos that nobody annotated.

    python evaluate.py                                      the newest run under runs/, on its own data set
    python evaluate.py --set ibugmask --model runs/*        a table, a line a run, and baker2023's tables
    python evaluate.py --set lapa --out report/             report.json, report.md, charts, examples of faces
    python evaluate.py --set 300w --model runs/300w-pipnet  landmarks: NME, AUC, failure rate
    python evaluate.py --images photo.jpg folder/           masks, overlays and JSON in parsed/
    python evaluate.py --images clip.mp4 /dev/video0 --model runs/lapa-unet runs/300w-pipnet
                                                            the same of every frame, aligned by landmarks found there
    python evaluate.py --images folder/ --annotate mine/ --model runs/lapa-hourglass runs/lapa-bass
                                                            a data set for people to correct, the doubtful faces first

--model takes parsers, label adapters and landmark networks in any order: an adapter is tried behind every parser that
it was learnt from, landmark networks find the face for the parsers (--images, --align predicted), and a parser of
`foreground` finds the crop around hair and skin for the first of the others (--images; see hair_skin.py).
"""
import argparse
import sys
from pathlib import Path

from faceparse import drawing, files
from faceparse.adaptation import adapted_parser
from faceparse.annotation import rounds, worst_first
from faceparse.data import landmarks, parsing
from faceparse.errors import FaceparseError, NoSuchSplit
from faceparse.evaluation import landmark_scores, parser_scores
from faceparse.geometry.alignment import ALIGNMENTS, BY_LANDMARKS
from faceparse.inference import checkpoint, coarse_to_fine, predict
from faceparse.inference.coarse_to_fine import CoarseToFine
from faceparse.inference.finder import Finder, by_predicted_points
from faceparse.inference.landmark_network import Landmarker
from faceparse.inference.test_time import Averaged
from faceparse.landmark_sets import landmark_set
from faceparse.papers import baker2023, mountain2022
from faceparse.scripts import exits
from faceparse.scripts.options import WIDE, add_helen_rule, add_machine_options, add_root
from faceparse.training import distributed
from faceparse.training import run_folder


def get_args_parser():
    parser = argparse.ArgumentParser(usage="python evaluate.py [option ...]", description=__doc__, formatter_class=WIDE)
    group = parser.add_argument_group("which networks")
    group.add_argument("--model", nargs="+", type=Path, metavar="RUN",
                       help="run folders or checkpoints, of parsers, label adapters and landmark networks (default: the "
                            "newest finished run of either)")
    group.add_argument("--force", action="store_true",
                       help="use adapters on parsers that they were not learnt from (default: refused, the scores would "
                            "say little)")
    group.add_argument("--runs", type=Path, default="runs", metavar="DIR", help="where run folders are (default: runs/)")

    group = parser.add_argument_group("score them")
    group.add_argument("--set", choices=list(dict.fromkeys([*parsing.READERS, *landmarks.READERS])), metavar="SET",
                       help=f"{', '.join(parsing.READERS)} (default: what the first model was trained on); landmarks: "
                            f"{', '.join(landmarks.READERS)}")
    group.add_argument("--split", metavar="NAME",
                       help="train, val, test, or all of them; 300w also has test-common, test-challenging and "
                            "test-private (default: test, or val where the set has no test split)")
    add_root(group)
    group.add_argument("--limit", type=int, metavar="N",
                       help="a reproducible sample of N faces, for a trial (default: all)")
    add_helen_rule(group, "maximum")
    group.add_argument("--frame", choices=parser_scores.FRAMES, default="crop",
                       help="crop: on the network's crop (default, as baker2023); original: the alignment is undone, and "
                            "what it cut off counts")
    group.add_argument("--protocol", choices=parser_scores.PROTOCOLS, default="pooled",
                       help="pooled: one confusion matrix for all faces (default, as LaPa's and Helen's papers); "
                            "per-image: F1 of each face, averaged, as baker2023")
    group.add_argument("--predictions", type=Path, metavar="DIR",
                       help="write every face's mask there, a palette PNG of the picture's size; with one parser of "
                            "--model, its adapter and --tta where they are given (default: none are written)")
    group.add_argument("--align", choices=[*ALIGNMENTS, "predicted"], metavar="HOW",
                       help=f"{', '.join(ALIGNMENTS)} (default: as the network was trained); predicted: so too, but by "
                            "the landmarks that the landmark networks of --model find in the whole picture")

    group = parser.add_argument_group("or use them on pictures")
    group.add_argument("--images", nargs="+", metavar="PATH",
                       help="pictures, videos, folders of them, cameras (/dev/video0): by the first parser, with its "
                            "adapter where --model has one, aligned by the landmark network where it has one")
    group.add_argument("--boxes", type=Path, metavar="FILE",
                       help="CSV file of the faces, instead of a search: picture,x0,y0,x1,y1 in pixels, brows to chin; "
                            "several lines a picture for several faces (default: a landmark network finds one)")
    group.add_argument("--confidence", action="store_true",
                       help="write a confidence map beside each mask (default: none)")
    group.add_argument("--annotate", type=Path, metavar="OUT",
                       help="write the pictures' landmarks and label maps as a data set, LaPa's tree and labelme's JSON, "
                            "to be corrected; files of labelme among --images keep their points")

    group = parser.add_argument_group("both")
    group.add_argument("--tta", metavar="SCALES",
                       help="test-time augmentation: mean over rescaled views, such as 0.5,0.75,1.0,1.25,1.5, for "
                            "slower, steadier masks (default: 1.0 alone)")
    group.add_argument("--tta-flip", action="store_true",
                       help="and over mirrored ones, their classes swapped back (default: not)")
    group.add_argument("--out", type=Path, metavar="DIR",
                       help="folder of the results (default: parsed/ with --images, else none)")
    group.add_argument("--skip-bad", action="store_true",
                       help="leave out unreadable files and list them (default: stop at the first)")
    add_machine_options(parser, amp={"default": "off", "help": "compute in bfloat16, which is faster (default: off, so that "
                        "scores do not depend on the processor)"}, workers={"default": 2, "help": "threads that read ahead "
                        "(default: 2)"}, device={"default": "auto"})
    return parser


def main(args):
    if distributed.started():
        raise FaceparseError("works in one process: start it by python evaluate.py, without torchrun")
    if args.images:
        refuse_options(args, ("set", "split", "limit", "predictions"), "scores a data set: leave it out, or --images")
    else:
        refuse_options(args, ("boxes", "confidence", "annotate"), "is for pictures: name them by --images")
    paths = args.model or run_folder.finished_runs(args.runs, *(("landmarker",) if args.annotate else
                                                          ("parser", "landmarker")))[-1:]
    models = []
    for path in paths:
        if path.is_dir() and not (path / "best.pt").exists() and len(paths) > 1:
            print(f"left out: {path}: holds no best.pt, so no finished epoch", file=sys.stderr)
            continue
        models.append(checkpoint.load_any(path, args.device, args.amp))
    if not models:
        raise FaceparseError("none of --model holds a best.pt: name runs of train.py")
    landmarkers = [model for model in models if isinstance(model, Landmarker)]
    others = [model for model in models if model not in landmarkers]
    if args.images:
        return use(args, others, landmarkers)
    if not landmarkers and (args.align == "predicted" or args.set and args.set not in parsing.READERS):
        asked = "--align predicted" if args.align == "predicted" else f"--set {args.set}"
        raise FaceparseError(f"{asked} needs a landmark network: name its run by --model too, or train one with "
                             "train.py --arch pipnet")
    if landmarkers and (not others or args.set and args.set not in parsing.READERS):
        for model in others:
            print(f"left out: {model.path}: finds no landmarks", file=sys.stderr)
        refuse_options(args, ("predictions", "tta", "tta_flip"), "is for parsers, and these are landmarks: leave it out")
        return score_landmarks(args, landmarkers)
    for model in landmarkers if args.align != "predicted" else ():
        print(f"left out: {model.path}: finds landmarks; score it by itself, or let it align faces by --align predicted",
              file=sys.stderr)
    score(args, averaged(args, adapted_parser.pair(others, args.force)),
          Finder(landmarkers) if args.align == "predicted" else None)


def refuse_options(args, options, why):
    """Raises FaceparseError for the first of some options that was given where it would have no effect."""
    for option in options:
        if getattr(args, option) not in (None, False):
            raise FaceparseError(f"--{option.replace('_', '-')} {why}")


def averaged(args, parsers):
    """The parsers; with --tta or --tta-flip each followed by its averaged self, so that the gain shows."""
    try:
        scales = tuple(float(scale) for scale in (args.tta or "1").split(","))
    except ValueError:
        scales = (0.0,)
    if not all(0.1 <= scale <= 8 for scale in scales):
        raise FaceparseError(f"--tta {args.tta}: should be scales of the crop from 0.1 to 8, such as 0.5,1.0,1.5")
    if scales == (1.0,) and not args.tta_flip:
        return parsers
    return [one for parser in parsers for one in (parser, Averaged(parser, scales, args.tta_flip))]


def use(args, others, landmarkers):
    """--images: the first parser, with its adapter where there is one; a Finder where there are landmark networks."""
    if args.align and not (args.align == "predicted" and landmarkers):
        raise FaceparseError(f"--align {args.align} is for --set: pictures are aligned as the parser was trained, by the "
                             "landmark network of --model, or by --boxes")
    coarse, others = coarse_to_fine.take_coarse(others)
    parsers = adapted_parser.pair(others, args.force) if others or not landmarkers else []
    parser = next((one for one in parsers if one.adapter and one.parser is parsers[0]), parsers[0] if parsers else None)
    if not parser:
        refuse_options(args, ("confidence", "tta", "tta_flip"), "is for parsers, and --model names none: leave it out")
    parser = parser and averaged(args, [parser])[-1]
    parser = CoarseToFine(coarse, parser) if coarse else parser
    finder = Finder(landmarkers) if landmarkers else None
    if args.annotate:
        return label(args, parser, finder)
    out = args.out or Path("parsed")
    if parser and parser.align in BY_LANDMARKS and not finder and not args.boxes:
        print(f"{parser.path} was trained on crops aligned by landmarks: each picture is taken for such a crop; name a "
              "landmark network by --model too, and it is aligned")
    done, notes, errors = predict.predict(args.images, out, parser, finder, args.boxes, args.confidence)
    for note in notes:
        print(note)
    if done:
        print(f"what was found in {done} file{'s' * (done > 1)} is in {out}")
    refuse(args, errors)


def label(args, parser, finder):
    """--images and --annotate."""
    refuse_options(args, ("out", "confidence"), "has no effect beside --annotate: leave it out")
    rows, notes, errors = rounds.label_pictures(args.images, args.annotate, finder, parser, args.boxes)
    for note in notes:
        print(note)
    if rows:
        print(f"{worst_first.as_table(rows)}faces in {args.annotate}: {len(rows)}, listed in {worst_first.LIST}; correct "
              f"them: labelme {args.annotate / 'images'} --output {args.annotate / 'labelme'}")
    refuse(args, errors)


def refuse(args, errors):
    """What could not be read stops at the end, or is listed with --skip-bad."""
    if errors and not args.skip_bad:
        raise FaceparseError("\nevaluate.py: ".join(map(str, errors)))
    for error in errors:
        print(f"left out: {error}", file=sys.stderr)


def score(args, parsers, finder=None):
    name, path = args.set or parsers[0].about.get("data", "toy"), parsers[0].path
    asked = {} if args.set else run_folder.read_arguments(path if path.is_dir() else path.parent)
    face_set = load_split(parsing.load, name, args.split, args.root, limit=args.limit, helen_rule=args.helen_rule,
                          mix=str(asked.get("mix", "5:5")), mix_real=str(asked.get("mix_real", "lapa")),
                          toy_size=max(parser.size for parser in parsers))
    for parser in parsers:
        parser_scores.refuse_seen(parser, face_set)
    if face_set.note:
        print(face_set.note)
    align, given = args.align, None
    paths = list(dict.fromkeys(parser.path for parser in parsers))
    if args.predictions and len(paths) > 1:
        raise FaceparseError(f"--predictions holds those of one parser, and --model names {len(paths)}: name one")
    if finder:
        for parser in parsers:
            if parser.align not in BY_LANDMARKS:
                raise FaceparseError(f"{parser.path}: was trained on pictures that were not aligned by landmarks, which "
                                     "--align predicted does: leave it out, or name another parser")
        given = face_set if all(record.landmarks for record in face_set.records) else None
        align, (face_set, lost) = None, by_predicted_points(face_set, finder)
        if lost:
            print(f"in {lost} of {len(face_set.records)} pictures the network is sure of no face; the likeliest was taken")
    runs_named = [parser_scores.run_of(path) for path in paths]
    entries, results = [], {}
    for parser in parsers:
        run = parser_scores.run_of(parser.path)
        run = run if runs_named.count(run) == 1 else str(parser.path)
        label = f"{run} + {parser_scores.run_of(parser.adapter.path)}" if parser.adapter else run
        how = dict(frame=args.frame, align=align, workers=args.workers, skip_bad=args.skip_bad)
        result = parser_scores.evaluate(parser, face_set, label=label, **how,
                                     predictions=args.predictions if parser is parsers[-1] else None)
        results[parser] = result
        entries.append(parser_scores.summary(run, parser, face_set, result, args.frame, args.protocol))
        if finder:
            entries[-1] |= {"landmarks": "predicted", "landmarks_lost": lost, "finding": finder.cost()}
        if given:
            by_given = parser_scores.evaluate(parser, given, label=f"{label}, given landmarks", **how)
            entries[-1]["mean_f1_by_given_landmarks"] = by_given.scores(args.protocol).mean_f1
        for error in result.bad.values():
            print(f"left out: {error}", file=sys.stderr)
    print(tables(entries, drawing.table))
    if args.out:
        write(args.out, face_set, entries, results)


def tables(entries, style):
    """The F1 table of all entries; baker2023's tables and criteria, where these say something beyond it."""
    parts = [parser_scores.tables(entries, style)]
    entries = [entry for entry in entries if not parser_scores.averaged(entry)]
    parts.append(baker2023.tables(entries, style))
    if any(entry["adapter"] for entry in entries) or entries[0]["set"] in ("helen", "lapa", "ibugmask") and parts[1]:
        parts.append(baker2023.criteria(entries, style))
    return "\n\n".join(filter(None, parts))


def score_landmarks(args, landmarkers):
    name = args.set or landmarkers[0].about.get("data", "toy")
    face_set = load_split(landmarks.load, name, args.split, args.root, limit=args.limit)
    common = {landmark_scores.common_points(landmarker.points, face_set.points) for landmarker in landmarkers}
    face_set = landmarks.remap(face_set, common.pop() if len(common) == 1 else landmark_set("68"))
    if face_set.note:
        print(face_set.note)
    entries, results = [], {}
    for landmarker in landmarkers:
        run = parser_scores.run_of(landmarker.path)
        run = str(landmarker.path) if run in results else run
        finder = Finder([landmarker]) if args.align == "predicted" else None
        if finder:
            results[run] = landmark_scores.evaluate_found(finder, face_set, skip_bad=args.skip_bad, label=run)
        else:
            results[run] = landmark_scores.evaluate(landmarker, face_set, align=args.align, workers=args.workers,
                                                        skip_bad=args.skip_bad, label=run)
        entries.append(landmark_scores.summary(run, landmarker, face_set, results[run], finder))
        for error in results[run].bad.values():
            print(f"left out: {error}", file=sys.stderr)
    print(landmark_tables(entries, drawing.table))
    if args.out:
        files.write_json({"models": entries}, args.out / "report.json")
        files.write_file(landmark_tables(entries, drawing.markdown), args.out / "report.md")
        drawing.save_picture(landmark_scores.curve(results), args.out / "curve.png")
        for number, located in enumerate(results.values(), 1):
            picture = f"examples{'' if len(results) == 1 else f'-{number}'}.png"
            drawing.save_picture(landmark_scores.examples(located), args.out / picture)
        print(f"\nreport.json, report.md, curve.png and examples of faces are in {args.out}")


def landmark_tables(entries, style):
    """The tables of all landmark networks; mountain2022's tables 2 and 3 where the runs differ in augmentation."""
    return "\n".join([landmark_scores.tables(entries, style), *mountain2022.by_augmentation(entries, style)])


def write(out, face_set, entries, results):
    """report.json, report.md, the charts and the sheets of faces."""
    files.write_json({"models": entries}, out / "report.json")
    files.write_file(tables(entries, drawing.markdown), out / "report.md")
    baseline = [entry for entry in entries if not entry["adapter"] and not parser_scores.averaged(entry)]
    bars = {entry["run"]: dict(list(entry["f1"].items())[1:]) for entry in baseline}
    drawing.save_picture(drawing.bar_chart(bars, f"F1 on {face_set.name} {face_set.split}", "F1"), out / "chart.png")
    histories = {entry["run"]: run_folder.history_of(parser.path) for parser, entry in zip(results, entries)
                 if entry in baseline}
    plain = [entry for entry in entries if not parser_scores.averaged(entry)]
    for file, picture in baker2023.figures(plain, histories).items() if len(plain) > 1 else ():
        drawing.save_picture(picture, out / file)
    for number, (parser, result) in enumerate(results.items(), 1):
        if parser.adapter:
            picture = parser_scores.adaptation_sheet(parser.parser, parser, results[parser.parser], result)
        else:
            picture = parser_scores.examples(parser, result)
        drawing.save_picture(picture, out / f"{'adapted' if parser.adapter else 'examples'}"
                                           f"{'' if len(results) == 1 else f'-{number}'}.png")
    print(f"\nreport.json, report.md, charts and examples of faces are in {out}")


def load_split(load, name, split, root, **options):
    if split:
        return load(name, split, root, **options)
    try:
        return load(name, "test", root, **options)
    except NoSuchSplit:
        return load(name, "val", root, **options)


if __name__ == "__main__":
    sys.exit(exits.exit_status("evaluate.py", lambda: main(get_args_parser().parse_args())))
