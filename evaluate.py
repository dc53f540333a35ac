"""Score parsers and landmark networks on a data set, or run them on pictures and videos without annotations.

    python evaluate.py                                      the newest run under runs/, on its own data set
    python evaluate.py --set ibugmask --model runs/*        a table with a line for each run, and baker2023's tables
    python evaluate.py --set lapa --out report/             also report.json, report.md, charts, example faces
    python evaluate.py --set 300w --model runs/300w-pipnet  landmarks: NME, AUC, failure rate
    python evaluate.py --images photo.jpg folder/           every face: masks, overlays and JSON in parsed/
    python evaluate.py --images clip.mp4 /dev/video0 --model runs/lapa-unet shipped
                                                            every frame, by a parser of your own on the faces that the
                                                            landmark network that comes with faceparse finds
    python evaluate.py --images folder/ --annotate mine/ --model runs/lapa-hourglass runs/lapa-bass
                                                            a data set for people to correct, lowest confidence first

Without --model, the newest finished run under runs/ is used; where there is none, pictures are parsed by the parser and
the landmark network that come with faceparse, which are `--model shipped`.

--model takes parsers, label adapters and landmark networks in any order. An adapter runs behind every parser that it
was trained for. Landmark networks find the face for the parsers (--images, --align predicted). A parser of `foreground`
labels finds the crop around hair and skin for the first of the other parsers (--images; inference/coarse_to_fine.py).
"""
import argparse
import sys
from pathlib import Path

from faceparse import drawing, metrics, weights
from faceparse.adaptation.adapted_parser import pair
from faceparse.adaptation.loading import load_any
from faceparse.annotation import rounds, worst_first
from faceparse.data import landmarks, parsing
from faceparse.errors import FaceparseError
from faceparse.evaluation import landmark_report, landmark_scores, parser_report, parser_scores
from faceparse.evaluation.compare import ScoringOptions, compare_landmarkers, compare_parsers, left_out
from faceparse.evaluation.face_sets import load_split, reading_for, refuse_trained, training_mix
from faceparse.evaluation.report_files import landmark_pictures, parser_pictures, write_report
from faceparse.geometry.alignment import ALIGNMENTS, BY_LANDMARKS
from faceparse.inference.coarse_to_fine import CoarseToFine, take_coarse
from faceparse.inference.finder import FACE_CONFIDENCE, SURE_CONFIDENCE, FaceFinder
from faceparse.inference.landmark_network import Landmarker
from faceparse.inference.multi_view import add_views
from faceparse.inference.outputs import OVERLAYS, Outputs
from faceparse.inference.predict import BATCH, predict
from faceparse.landmark_sets import landmark_set
from faceparse.papers import baker2023, li2022, liu2020, mountain2022, mountain2022_figures, zhou2025
from faceparse.scripts import exits
from faceparse.scripts.command_line import WIDE, add_helen_rule, add_machine_options, add_root, refuse_unused
from faceparse.training import distributed
from faceparse.training.run_folder import finished_runs, has_finished_run, history_of


def get_args_parser():
    parser = argparse.ArgumentParser(usage="python evaluate.py [option ...]", description=__doc__, formatter_class=WIDE)

    group = parser.add_argument_group("the networks")
    group.add_argument("--model", nargs="+", type=Path, metavar="RUN",
                       help="run folders or checkpoints of parsers, label adapters and landmark networks; shipped: the "
                            "parser and the landmark network that come with faceparse (default: the newest finished "
                            "run of a parser or landmark network; for --images, where there is none, shipped)")
    group.add_argument("--force", action="store_true",
                       help="use adapters behind parsers that they were not trained for (default: an error, since the "
                            "scores would mean little)")
    group.add_argument("--runs", type=Path, default="runs", metavar="DIR",
                       help="folder that holds the run folders (default: runs/)")

    group = parser.add_argument_group("scores on a data set")
    group.add_argument("--set", choices=list(dict.fromkeys([*parsing.READERS, *landmarks.READERS])), metavar="SET",
                       help=f"for parsers {', '.join(parsing.READERS)}; for landmark networks "
                            f"{', '.join(landmarks.READERS)} (default: the set that the first network was trained on)")
    group.add_argument("--split", metavar="NAME",
                       help="train, val, test, several (train+val), or all; 300w also has test-common, "
                            "test-challenging and test-private (default: test, or val where the set has no test split "
                            "with masks); a network that was trained on the faces is marked")
    add_root(group)
    group.add_argument("--limit", type=int, metavar="N",
                       help="score a reproducible sample of N faces, for a trial (default: all)")
    add_helen_rule(group)
    group.add_argument("--frame", choices=parser_scores.FRAMES,
                       help="crop: compare on the network's crop (default, as baker2023); original: compare on the "
                            "original picture, where everything outside the crop counts as background (default for "
                            "networks trained by liu2020's recipe, as in its paper)")
    group.add_argument("--protocol", choices=parser_scores.PROTOCOLS, default="pooled",
                       help="pooled: one confusion matrix for all faces (default, as the papers on LaPa and Helen); "
                            "per-image: the mean of each face's F1, as baker2023")
    group.add_argument("--nme-by", choices=metrics.NORMALISATIONS,
                       help="the length that errors of landmarks are divided by (default: inter-ocular, between the "
                            "outer corners of the eyes; inter-pupil for networks trained by mountain2022's recipes)")
    group.add_argument("--points", metavar="SET",
                       help="landmark set in which landmarks are compared, such as 68 (default: the set's own "
                            "where the networks have it, else 68)")
    group.add_argument("--predictions", type=Path, metavar="DIR",
                       help="write every face's mask into this folder, a palette PNG of the picture's size; for one "
                            "parser, with its adapter and --tta where they are set (default: no masks are written)")
    group.add_argument("--align", choices=[*ALIGNMENTS, "predicted"], metavar="HOW",
                       help=f"{', '.join(ALIGNMENTS)} (default: as in the network's training); predicted: as in its "
                            "training, but by landmarks that the landmark networks of --model find in the picture")

    group = parser.add_argument_group("results for pictures and videos")
    group.add_argument("--images", nargs="+", metavar="PATH",
                       help="pictures, videos, folders of them, cameras (/dev/video0, until Ctrl-C); the first parser "
                            "of --model parses them, with its adapter and aligned by the landmark network where "
                            "--model has these")
    group.add_argument("--boxes", type=Path, metavar="FILE",
                       help="CSV file of the faces, with lines picture,x0,y0,x1,y1 in pixels, from brows to chin; "
                            "several lines of a picture for several faces (default: the landmark network finds them)")
    group.add_argument("--face-confidence", type=float, metavar="X",
                       help="least mean confidence of the landmarks, in 0..1, from which on it is a face: less finds "
                            f"more faces and more that are none (default: {SURE_CONFIDENCE} for a landmark network "
                            f"that learnt from pictures without a face too, as the shipped one; {FACE_CONFIDENCE} for "
                            "others)")
    group.add_argument("--confidence", action="store_true",
                       help="also write a confidence map for each mask (default: none)")
    group.add_argument("--overlay", choices=OVERLAYS,
                       help="format of the drawn results: jpg (default), png, which takes 20 times as long and 6 times "
                            "the space, or none")
    group.add_argument("--mask-only", action="store_true",
                       help="write the masks alone (default: also overlays and JSON)")
    group.add_argument("--batch", type=int, metavar="N",
                       help=f"crops that the parser takes at a time (default: {BATCH}; a GPU gains by more)")
    group.add_argument("--overwrite", action="store_true",
                       help="parse pictures again whose results are there already, from the same file, networks and "
                            "options (default: skip these, so that a second start does the rest)")
    group.add_argument("--annotate", type=Path, metavar="OUT",
                       help="write the pictures' landmarks and label maps as a data set to be corrected, in LaPa's "
                            "layout and as labelme's JSON; labelme files among --images keep their points")

    group = parser.add_argument_group("both")
    group.add_argument("--tta", metavar="SCALES",
                       help="test-time augmentation: average the predictions of rescaled crops, such as "
                            "0.5,0.75,1.0,1.25,1.5, for slower, more stable masks (default: 1.0 alone)")
    group.add_argument("--tta-flip", action="store_true",
                       help="also average the predictions of mirrored crops, with their classes swapped back (default: "
                            "no mirrored crops)")
    group.add_argument("--out", type=Path, metavar="DIR",
                       help="folder of the results (default: parsed/ with --images, else none are written)")
    group.add_argument("--skip-bad", action="store_true",
                       help="leave unreadable files out and list them (default: scores stop at the first; of pictures "
                            "the others are parsed, and the exit status is 2)")
    add_machine_options(
        parser, device={"default": "auto"},
        workers={"default": 2, "help": "threads that read, and as many that write (default: 2)"},
        amp={"default": "off", "help": "compute in bfloat16, which is faster (default: off, so that scores do not "
                                       "depend on the processor)"})
    return parser


def main(args):
    if distributed.started():
        raise FaceparseError("works in one process: start it by python evaluate.py, without torchrun")
    if args.images:
        refuse_options(args, ("set", "split", "limit", "nme_by", "points", "predictions"),
                       "scores a data set: leave it out, or --images")
    else:
        refuse_options(args, ("boxes", "face_confidence", "confidence", "overlay", "mask_only", "overwrite", "batch",
                              "annotate"), "is for pictures: name them by --images")
    networks = load_networks(args)
    landmarkers = [network for network in networks if isinstance(network, Landmarker)]
    others = [network for network in networks if network not in landmarkers]
    if args.images:
        return predict_images(args, others, landmarkers)

    is_landmark_set = bool(args.set) and args.set not in parsing.READERS
    if not landmarkers and (args.align == "predicted" or is_landmark_set):
        option = "--align predicted" if args.align == "predicted" else f"--set {args.set}"
        raise FaceparseError(f"{option} needs a landmark network: name its run by --model too, or train one with "
                             "train.py --arch pipnet")
    if landmarkers and (not others or is_landmark_set):
        left_out(f"{network.path}: predicts no landmarks" for network in others)
        refuse_options(args, ("predictions", "tta", "tta_flip"),
                       "is for parsers, and these are landmarks: leave it out")
        return score_landmarkers(args, landmarkers)
    if args.align != "predicted":
        left_out(f"{network.path}: is a landmark network; score it by itself, or let it align faces by --align "
                 "predicted" for network in landmarkers)
    parsers = add_views(pair(others, args.force), args.tta, args.tta_flip)
    score_parsers(args, parsers, landmarkers)


def load_networks(args):
    """The networks of --model, without run folders that hold no best.pt; without --model the newest run or, where there
    is none to parse pictures with, the networks that come with faceparse."""
    kinds = ("landmarker",) if args.annotate else ("parser", "landmarker")
    paths = args.model
    if not paths and args.images and weights.are_there() and not has_finished_run(args.runs, *kinds):
        paths = [Path(weights.SHIPPED)]
    paths = paths or finished_runs(args.runs, *kinds)[-1:]
    if args.images:
        print_networks(args, paths)
    paths = [path for name in paths for path in (
        map(weights.shipped, weights.FILES) if weights.is_shipped(name) else [name])]
    unfinished = [path for path in paths if len(paths) > 1 and path.is_dir() and not (path / "best.pt").exists()]
    left_out(f"{path}: holds no best.pt, so no finished epoch" for path in unfinished)
    networks = [load_any(path, args.device, args.amp) for path in paths if path not in unfinished]
    if not networks:
        raise FaceparseError("none of --model holds a best.pt: name runs of train.py")
    return networks


def print_networks(args, paths):
    """The first line for pictures: which networks are used, and why where the user named none."""
    names = ", ".join(f"those that come with faceparse, in {weights.FOLDER}" if weights.is_shipped(path) else str(path)
                      for path in paths)
    why = "" if args.model else (f" (no finished run in {args.runs})" if weights.is_shipped(paths[0]) else
                                 f" (the newest run in {args.runs}; --model shipped: those that come with faceparse)")
    print(f"networks: {names}{why}")


def score_parsers(args, parsers, landmarkers):
    """--set, for parsers; landmarkers: the networks of --align predicted."""
    refuse_options(args, ("nme_by", "points"), "is for landmark networks, and these are parsers: leave it out")
    name, path = args.set or parsers[0].about.get("data", "toy"), parsers[0].path
    refuse_unused(args, [name])
    mix = {} if args.set else training_mix(path)
    reading = reading_for(parsers, name)
    if reading != name:
        print(f"{name}: the classes that LaPa lacks, such as ears and clothes, are not scored, since a network was "
              "trained by baker2023's recipe, which ignores them")
    face_set = load_split(parsing.load, reading, args.split, args.root, limit=args.limit,
                          helen_rule=args.helen_rule or parser_scores.default_helen_rule(parsers),
                          toy_size=max(parser.size for parser in parsers), needs_masks=not args.predictions, **mix)
    for parser in parsers:
        parser_scores.refuse_training_faces(parser, face_set)
        if not args.split:
            refuse_trained(parser, face_set)
    if face_set.note:
        print(face_set.note)
    args.frame = args.frame or parser_scores.default_frame(parsers)
    entries, evaluations = compare_parsers(parsers, face_set, scoring_options(args), landmarkers)
    if args.predictions:
        print(f"the predicted masks of {len(face_set.records)} faces of {face_set.name} {face_set.split} are in "
              f"{args.predictions}{'' if entries else '; without masks to compare with, there are no scores'}")
    if not entries:
        return
    print(parser_tables(entries, drawing.table))
    if args.out:
        single_view = [entry for entry in entries if not parser_report.is_multi_view(entry)]
        baseline = [entry for entry in single_view if not entry["adapter"]]
        histories = {entry["run"]: history_of(parser.path) for parser, entry in zip(parsers, entries)
                     if entry in baseline}
        figures = baker2023.figures(single_view, histories) if len(single_view) > 1 else {}
        pictures = [*figures.items(), *parser_pictures(face_set, baseline, evaluations)]
        write_report(args.out, entries, parser_tables(entries, drawing.markdown), pictures)
        print(f"\nreport.json, report.md, charts and examples of faces are in {args.out}")


def parser_tables(entries, style):
    """The tables of all entries; liu2020's table 2 on Helen, zhou2025's table 4 on CelebAMask-HQ; baker2023's tables,
    and its criteria where it has that set or an adapter is scored."""
    parts = [parser_report.tables(entries, style),
             liu2020.helen_table(entries, parser_report.row_title, style, baker2023.TABLE_1),
             zhou2025.celebamask_table(entries, parser_report.row_title, style, li2022.RESULTS)]
    entries = [entry for entry in entries if not parser_report.is_multi_view(entry)]
    parts.append(baker2023.tables(entries, style))
    if any(entry["adapter"] for entry in entries) or entries[0]["set"] in ("helen", "lapa", "ibugmask") and parts[-1]:
        parts.append(baker2023.criteria(entries, style))
    return "\n\n".join(filter(None, parts))


def score_landmarkers(args, landmarkers):
    """--set, for landmark networks."""
    if args.frame or args.protocol != "pooled":
        raise FaceparseError("--frame and --protocol are for parsers, and these are landmarks: leave them out")
    name = args.set or landmarkers[0].about.get("data", "toy")
    face_set = load_split(landmarks.load, name, args.split, args.root, limit=args.limit)
    common = {landmark_scores.common_points(landmarker.points, face_set.points) for landmarker in landmarkers}
    points = landmark_set(args.points) if args.points else common.pop() if len(common) == 1 else landmark_set("68")
    face_set = landmarks.remap(face_set, points)
    args.nme_by = args.nme_by or landmark_scores.default_by(landmarkers, points)
    for landmarker in landmarkers if not args.split else ():
        refuse_trained(landmarker, face_set)
    if face_set.note:
        print(face_set.note)
    entries, evaluations = compare_landmarkers(landmarkers, face_set, scoring_options(args))
    print(landmark_tables(entries, drawing.table))
    if args.out:
        histories = {entry["run"]: history_of(landmarker.path) for landmarker, entry in zip(landmarkers, entries)}
        pictures = [*mountain2022_figures.figures(entries, histories, evaluations).items(),
                    *landmark_pictures(evaluations)]
        write_report(args.out, entries, landmark_tables(entries, drawing.markdown), pictures)
        print(f"\nreport.json, report.md, curve.png and examples of faces are in {args.out}")


def landmark_tables(entries, style):
    """The tables of all entries, published errors on 300-W, mountain2022's tables where augmentations differ."""
    return "\n".join(filter(None, [landmark_report.tables(entries, style), mountain2022.published_line(entries),
                                   *mountain2022.tables(entries, style)]))


def scoring_options(args):
    return ScoringOptions(args.frame, args.protocol, args.align, args.workers, args.skip_bad, args.predictions,
                          args.nme_by)


def predict_images(args, others, landmarkers):
    """--images: by the first parser, with its adapter where there is one, and a FaceFinder of the landmark networks."""
    if args.align and not (args.align == "predicted" and landmarkers):
        raise FaceparseError(f"--align {args.align} is for --set: pictures are aligned as the parser was trained, by "
                             "the landmark network of --model, or by --boxes")
    coarse, others = take_coarse(others)
    parsers = pair(others, args.force) if others or not landmarkers else []
    parser = next((one for one in parsers if one.adapter and one.parser is parsers[0]), parsers[0] if parsers else None)
    if parser:
        parser = add_views([parser], args.tta, args.tta_flip)[-1]
    else:
        refuse_options(args, ("confidence", "mask_only", "tta", "tta_flip"),
                       "is for parsers, and --model names none: leave it out")
    if args.mask_only:
        refuse_options(args, ("confidence", "overlay"), "has no effect beside --mask-only: leave it out")
    if coarse:
        parser = CoarseToFine(coarse, parser)
    if not landmarkers:
        refuse_options(args, ("face_confidence",), "is for landmark networks, and --model names none: leave it out")
    if args.face_confidence is not None and not 0 <= args.face_confidence <= 1:
        raise FaceparseError(f"--face-confidence {args.face_confidence}: should be in 0..1")
    finder = FaceFinder(landmarkers, args.face_confidence) if landmarkers else None
    if args.annotate:
        return annotate(args, parser, finder)
    if parser and parser.align in BY_LANDMARKS and not finder and not args.boxes:
        print(f"{parser.path} was trained on crops aligned by landmarks: each picture is parsed unaligned; to align "
              "it, name a landmark network by --model too, such as shipped")
    if args.batch is not None and args.batch < 1:
        raise FaceparseError(f"--batch {args.batch}: should be 1 or more")
    out, batch = args.out or Path("parsed"), args.batch or BATCH
    outputs = Outputs(args.overlay or OVERLAYS[0], args.mask_only, args.confidence, args.overwrite)
    summary = predict(args.images, out, parser, finder, args.boxes, outputs, batch, args.workers)
    for note in summary.notes:
        print(note)
    if summary.done or summary.kept:
        count = summary.done + summary.kept
        were = "was" if summary.kept == 1 else "were"
        kept = f"; {summary.kept} {were} there already, --overwrite makes results again" if summary.kept else ""
        print(f"the results of {count} file{'s' * (count > 1)} are in {out}{kept}")
    raise_or_leave_out(summary.errors, args.skip_bad)


def annotate(args, parser, finder):
    """--images with --annotate."""
    refuse_options(args, ("out", "confidence", "overlay", "mask_only", "overwrite", "batch"),
                   "has no effect beside --annotate: leave it out")
    rows, notes, errors = rounds.label_pictures(args.images, args.annotate, finder, parser, args.boxes)
    for note in notes:
        print(note)
    if rows:
        print(f"{worst_first.as_table(rows)}faces in {args.annotate}: {len(rows)}, listed in {worst_first.LIST}; "
              f"correct them: labelme {args.annotate / 'images'} --output {args.annotate / 'labelme'}")
    raise_or_leave_out(errors, args.skip_bad)


def refuse_options(args, options, why):
    """Raises FaceparseError for the first of some options that is set although it has no effect."""
    for option in options:
        if getattr(args, option) not in (None, False):
            raise FaceparseError(f"--{option.replace('_', '-')} {why}")


def raise_or_leave_out(errors, skip_bad):
    """Raises the FaceparseErrors of unreadable files as one; lists them where `skip_bad`."""
    if errors and not skip_bad:
        raise FaceparseError("\nevaluate.py: ".join(map(str, errors)))
    left_out(errors)


if __name__ == "__main__":
    sys.exit(exits.exit_status("evaluate.py", lambda: main(get_args_parser().parse_args())))
