"""Several networks on one data set: an entry of report.json for each, and the evaluations for tables and pictures."""
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from faceparse.errors import FaceparseError
from faceparse.evaluation import landmark_report, landmark_scores, parser_report, parser_scores
from faceparse.evaluation.face_sets import was_trained_on
from faceparse.evaluation.predicted_landmarks import with_predicted_landmarks
from faceparse.geometry.alignment import BY_LANDMARKS
from faceparse.inference.finder import FaceFinder
from faceparse.training.run_folder import run_name


@dataclass
class ScoringOptions:
    """How networks are scored; see the options of evaluate.py."""
    frame: str = "crop"                # one of parser_scores.FRAMES
    protocol: str = "pooled"           # one of parser_scores.PROTOCOLS
    align: str | None = None           # one of geometry.ALIGNMENTS, "predicted", or None: as in the network's training
    workers: int = 2                   # threads that read ahead
    skip_bad: bool = False             # leave unreadable files out instead of raising
    predictions: Path | None = None    # folder for the masks of the last parser
    by: str | None = None              # one of metrics.NORMALISATIONS, for landmark networks; None: the usual one


def compare_parsers(parsers, face_set, options, landmarkers=()):
    """Score parsers on a FaceSet of data.parsing.

    parsers      Parsers, AdaptedParsers and MultiViewParsers, of one run where `options.predictions` is set
    options      ScoringOptions
    landmarkers  of options.align "predicted": the Landmarkers that find the faces

    Returns the entries of report.json and {parser: ParserEvaluation}; both are empty where no face has a mask and
    `options.predictions` is set. Prints the files that are left out. Raises FaceparseError.
    """
    titles = run_titles(parsers)
    count = len(set(titles.values()))
    if options.predictions and count > 1:
        raise FaceparseError(f"--predictions holds those of one parser, and --model names {count}: name one")
    keywords = {"align": options.align, "workers": options.workers, "skip_bad": options.skip_bad}
    finder, annotated = None, None
    if options.align == "predicted":
        refuse_unaligned(parsers)
        finder, keywords["align"] = FaceFinder(landmarkers), None
        annotated = face_set if all(record.landmarks for record in face_set.records) else None
        face_set, lost = with_predicted_landmarks(face_set, finder)
        if lost:
            print(f"in {lost} of {len(face_set.records)} pictures no face was found with enough confidence; the most "
                  "probable place was taken")
    entries, evaluations = [], {}
    if options.predictions:
        without = replace(face_set, records=[record for record in face_set.records if not record.mask])
        left_out(parser_scores.write_predictions(parsers[-1], without, options.predictions, **keywords).values())
        if len(without.records) == len(face_set.records):
            return entries, evaluations
    keywords["frame"] = options.frame
    for parser in parsers:
        title = f"{titles[parser]} + {run_name(parser.adapter.path)}" if parser.adapter else titles[parser]
        predictions = options.predictions if parser is parsers[-1] else None
        evaluation = parser_scores.evaluate(parser, face_set, label=title, predictions=predictions, **keywords)
        entry = parser_report.summary(titles[parser], parser, face_set, evaluation, options.protocol)
        entry["trained_on_these"] = was_trained_on(parser, face_set)
        wanted = keywords["align"] or parser.align
        if evaluation.align != wanted:
            print(f"{title}: some faces of {face_set.name} have no landmarks, so none is aligned by --align {wanted}")
        if finder:
            entry |= {"landmarks": "predicted", "landmarks_lost": lost, "finding": finder.cost()}
        if annotated:
            by_annotated = parser_scores.evaluate(parser, annotated, label=f"{title}, annotated landmarks", **keywords)
            entry["mean_f1_by_given_landmarks"] = by_annotated.scores(options.protocol).mean_f1
        left_out(evaluation.bad.values())
        entries.append(entry)
        evaluations[parser] = evaluation
    return entries, evaluations


def compare_landmarkers(landmarkers, face_set, options):
    """Score Landmarkers on a FaceSet of data.landmarks.

    options  ScoringOptions; where its `align` is "predicted", each network finds the faces itself

    Returns the entries of report.json and {run: LandmarkEvaluation}. Prints the files that are left out. Raises
    FaceparseError.
    """
    entries, evaluations = [], {}
    for landmarker in landmarkers:
        run = run_name(landmarker.path)
        run = str(landmarker.path) if run in evaluations else run
        finder = FaceFinder([landmarker]) if options.align == "predicted" else None
        if finder:
            evaluation = landmark_scores.evaluate_finder(finder, face_set, by=options.by, skip_bad=options.skip_bad,
                                                         label=run)
        else:
            evaluation = landmark_scores.evaluate(landmarker, face_set, align=options.align, by=options.by,
                                                  workers=options.workers, skip_bad=options.skip_bad, label=run)
        entry = landmark_report.summary(run, landmarker, face_set, evaluation, finder)
        entries.append({**entry, "trained_on_these": was_trained_on(landmarker, face_set)})
        evaluations[run] = evaluation
        left_out(evaluation.bad.values())
    return entries, evaluations


def run_titles(parsers):
    """{parser: title of its run in the tables}: the run's name, or the path where several runs share the name."""
    paths = list(dict.fromkeys(parser.path for parser in parsers))
    names = [run_name(path) for path in paths]
    return {parser: name if names.count(name) == 1 else str(parser.path)
            for parser in parsers for name in [run_name(parser.path)]}


def refuse_unaligned(parsers):
    """Raises FaceparseError for a parser that was trained on pictures that were not aligned by landmarks."""
    for parser in parsers:
        if parser.align not in BY_LANDMARKS:
            raise FaceparseError(f"{parser.path}: was trained on pictures that were not aligned by landmarks, which "
                                 "--align predicted does: leave it out, or name another parser")


def left_out(reasons):
    """Print a line on standard error for each network or file that is left out. reasons: an iterable of messages"""
    for reason in reasons:
        print(f"left out: {reason}", file=sys.stderr)
