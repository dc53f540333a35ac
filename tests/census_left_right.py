"""Which real masks have left and right reversed? Prints each file whose pair of parts lies the wrong way round.

    python tests/census_left_right.py [ROOT]

For every face and every pair of parts (eyes, brows, ears) of which both are labelled, the part on the image's left, by
its name and its publisher's habit, must have the smaller mean x. An ear labelled alone must lie on its side of the
nose. Who fails is either labelled wrongly or shows two parts in one line (a profile); the picture tells which.
"""
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2] / "shared" / "data"
# (class on the image's left, class on its right) by the label sets' names: CelebAMask-HQ's l_ is the subject's left.
PAIRS = {
    "celebamask": {"eyes": ("r_eye", "l_eye"), "brows": ("r_brow", "l_brow"), "ears": ("r_ear", "l_ear")},
    "facesynthetics": {"eyes": ("left_eye", "right_eye"), "brows": ("left_brow", "right_brow"),
                       "ears": ("left_ear", "right_ear")},
}


def mean_x(mask, index):
    """Mean column of a class in a mask (H, W), in pixels; None where the class is not there."""
    counts = (mask == index).sum(0)  # (W,)
    return float(counts @ np.arange(len(counts)) / counts.sum()) if counts.any() else None


def reversed_pairs(mask, labels, pairs):
    """[(pair, mean x of its left part, of its right part)] of the pairs of a mask that lie the wrong way round."""
    wrong = []
    for pair, (left, right) in pairs.items():
        left_x, right_x = mean_x(mask, labels.names.index(left)), mean_x(mask, labels.names.index(right))
        if left_x is not None and right_x is not None and left_x >= right_x:
            wrong.append((pair, left_x, right_x))
    return wrong


def lone_ear_on_wrong_side(mask, labels, pairs):
    """[(name, mean x of the ear, of the nose)] where only one ear is labelled, on the other one's side of the nose."""
    index = labels.names.index
    left_x, right_x = (mean_x(mask, index(ear)) for ear in pairs["ears"])
    nose_x = mean_x(mask, index("nose"))
    if nose_x is None or (left_x is None) == (right_x is None):
        return []
    ear_x = right_x if left_x is None else left_x
    on_left = ear_x < nose_x
    return [] if on_left == (right_x is None) else [(pairs["ears"][left_x is None], ear_x, nose_x)]


def main():
    from faceparse.data.parsing import load
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT
    for name, pairs in PAIRS.items():
        records = load(name, "all", root).records
        reversed_, ears = 0, 0
        for record in records:
            mask = record.mask()
            for pair, left_x, right_x in reversed_pairs(mask, record.labels, pairs):
                reversed_ += 1
                print(f"{name} {record.name}: {pair}, left at x = {left_x:.0f}, right at {right_x:.0f}")
            for ear, ear_x, nose_x in lone_ear_on_wrong_side(mask, record.labels, pairs):
                ears += 1
                print(f"{name} {record.name}: {ear} alone at x = {ear_x:.0f}, beside the nose at {nose_x:.0f}")
        print(f"{name}: {reversed_} reversed pairs and {ears} lone ears on the wrong side in {len(records)} faces")


if __name__ == "__main__":
    main()
