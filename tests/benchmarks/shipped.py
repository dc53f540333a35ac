"""The scores of the weights that come with faceparse, for their model card (faceparse/weights/README.md).

    python tests/benchmarks/shipped.py --root DATA [--model PARSER LANDMARKS]

Prints Markdown tables: the F1 of each part on real photographs, by the luminance of the skin too; and on drawn faces
that no network was trained on, by skin tone, pose, light and what hides the face, which are known exactly there. All
are pooled, on the network's crop. The landmark network is measured by finder.py.
"""
import argparse

import numpy as np

from faceparse import drawing, metrics
from faceparse.data import parsing
from faceparse.data.drawn.portrait.scene import Scene
from faceparse.data.loading import Faces
from faceparse.evaluation import parser_scores
from faceparse.evaluation.predicted_landmarks import with_predicted_landmarks
from faceparse.inference.checkpoint import load_any
from faceparse.inference.finder import FaceFinder
from faceparse.inference.shipped import shipped_networks

DRAWN, SEED = 1000, 1_000_003  # drawn faces, of a set that no network was trained on
SKIN = 1                       # LaPa's class


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", default="data")
    parser.add_argument("--model", nargs=2, metavar=("PARSER", "LANDMARKS"), help="networks (default: the shipped ones)")
    parser.add_argument("--limit", type=int, help="faces of each set, for a trial")
    args = parser.parse_args()
    network, landmarker = map(load_any, args.model) if args.model else shipped_networks()
    rows = []
    for title, data, split, find in (("CelebAMask-HQ val, whole picture", "celebamask", "val", False),
                                     ("CelebAMask-HQ val, by the finder", "celebamask", "val", True),
                                     ("FaceSynthetics, by its landmarks", "facesynthetics", "all", False),
                                     ("FaceSynthetics, by the finder", "facesynthetics", "all", True)):
        faces, lost = parsing.load(data, split, args.root, limit=args.limit), 0
        if find:
            faces, lost = with_predicted_landmarks(faces, FaceFinder([landmarker]))
        evaluation = parser_scores.evaluate(network, faces, skip_bad=True, label=title)
        rows.append([title, len(evaluation.faces), lost, *row(evaluation.matrices)])
    names = evaluation.labels.names[1:]
    print(drawing.markdown(["real faces", "faces", "no face found", *names, "mean"], rows), "\n")
    print(by_luminance(network, parsing.load("celebamask", "val", args.root, limit=args.limit), names), "\n")
    print(by_properties(network, args.limit or DRAWN, names))


def row(matrices):
    """F1 of each part but the background, and their mean, of confusion matrices (N, C, C + 1): strings. A part that no
    face has is "-", and not in the mean."""
    total = matrices.sum(0)
    f1 = np.where(total.sum(1) > 0, metrics.scores(total).f1, np.nan)[1:]
    return ["-" if np.isnan(value) else f"{value:.3f}" for value in (*f1, np.nanmean(f1))]


def by_luminance(network, faces, names):
    """The table of real faces in thirds of their skin's luminance."""
    evaluation = parser_scores.evaluate(network, faces, label="by luminance")
    crops = Faces(evaluation.records, evaluation.labels, network.size, evaluation.align, cache_bytes=0)
    luminance = []
    for index in evaluation.faces:
        face = crops[index]
        skin = face["mask"] == SKIN
        luminance.append(face["image"].mean(0)[skin].mean() if skin.any() else np.nan)
    rows = [[f"{title}: {np.nanmean(np.array(luminance)[third]):.0f} of 255", len(third),
             *row(evaluation.matrices[third.tolist()])]
            for title, third in zip(("darkest", "middle", "lightest"), np.array_split(np.argsort(luminance), 3))]
    return drawing.markdown(["skin of CelebAMask-HQ val", "faces", *names, "mean"], rows)


def by_properties(network, count, names):
    """The table of drawn faces by their parameters."""
    faces = parsing.load("portrait", "test", ".", seed=SEED, limit=count, toy_size=network.size)
    evaluation = parser_scores.evaluate(network, faces, label="drawn faces")
    indices = [int(evaluation.records[k].name.split("/")[1]) for k in evaluation.faces]
    scenes = [Scene(SEED, index, 16) for index in indices]
    yaw = np.abs([scene.head.yaw for scene in scenes])
    tone = np.array([scene.p.skin_tone for scene in scenes])
    has = lambda name: np.array([bool(getattr(scene.p, name)) for scene in scenes])
    groups = {"all": yaw >= 0,
              "skin tone: light third": tone < 1 / 3, "middle third": (tone >= 1 / 3) & (tone < 2 / 3),
              "dark third": tone >= 2 / 3,
              "turned by 0 to 20 degrees": yaw < 20, "20 to 45 degrees": (yaw >= 20) & (yaw < 45),
              "more than 45 degrees": yaw >= 45,
              "cast shadow": has("cast_shadow"), "second light": has("second_light"), "rim light": has("rim_light"),
              "light from one side": has("side_light"), "against the light": has("backlit"),
              "overexposed": has("burnt_out"), "black and white": has("black_white"),
              "glasses": has("glasses"), "sunglasses": has("sunglasses"), "hat": has("hat"), "hand": has("hand"),
              "object": has("object"), "beard": has("beard"), "bald": has("bald"), "child": has("child")}
    rows = [[title, int(group.sum()), *row(evaluation.matrices[np.flatnonzero(group).tolist()])]
            for title, group in groups.items() if group.any()]
    return drawing.markdown(["drawn faces", "faces", *names, "mean"], rows)


if __name__ == "__main__":
    main()
