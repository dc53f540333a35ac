"""baker2023's figures are drawn where there is something to compare."""
from baker2023_entries import all_entries, entry

from faceparse.papers.baker2023 import figures


def test_figures_are_drawn_where_there_is_something_to_compare():
    logs = {e["run"]: [{"epoch": k, "miou": k / 10, "train_miou": k / 9} for k in range(1, 4)] for e in all_entries()}
    assert set(figures(all_entries(), logs)) == {
        "figure-8-adaptation.png", "figure-12-adaptation.png", "figure-10-averages.png",
        *(f"figure-7-{name}.png" for name in ("helen", "lapa", "facesynthetics", "mixed", "ibugmask"))}
    assert figures([entry("a")], {}) == {} and figures([entry("a")], {"a": [{"epoch": 1, "loss": 2.0}]}) == {}


def test_iou_charts_hold_at_most_eight_lines():
    entries = [entry(f"run-seed{k}", seed=k) for k in range(5)]
    val = {e["run"]: [{"epoch": 1, "miou": 0.5}, {"epoch": 2, "miou": 0.6}] for e in entries}
    both = {run: [{**line, "train_miou": 0.7} for line in log] for run, log in val.items()}
    assert list(figures(entries, val)) == ["figure-7-helen.png"]
    assert list(figures(entries, both)) == ["figure-7-helen-1.png", "figure-7-helen-2.png"]
