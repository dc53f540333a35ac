"""mountain2022's tables and figures: ours beside the printed numbers."""
import shutil

import numpy as np
import pytest
from PIL import Image

from faceparse.data import landmarks
from faceparse.evaluation.landmark_scores import LandmarkEvaluation
from faceparse.inference.video_writer import VideoWriter
from faceparse.landmark_sets import landmark_set
from faceparse.metrics import point_errors
from faceparse.papers import mountain2022_figures
from faceparse.papers.mountain2022 import (NETWORKS, TABLE_2, TABLE_3, nme_tables, published_line, settings_table,
                                           tables, time_table)

RESNET, PIPNET, MOBILENET = NETWORKS.values()


def entry(network, augment, nme, count=1000, data="toy", **more):
    return {"run": f"{'-'.join(network)}-{augment}-{count}", "arch": network[0], "encoder": network[1], "set": data,
            "split": "test", "training_set": f"facesynthetics-limit{count}", "trained_on": count, "augment": augment,
            "nme": nme, "milliseconds": 4.0, **more}


def rows(header, cells):
    return [header, *cells]


def test_nme_is_averaged_by_training_set_network_and_augmentation():
    entries = [entry(PIPNET, "all", 0.131), entry(PIPNET, "none", 0.144), entry(RESNET, "none", 0.79),
               entry(PIPNET, None, 0.2), entry(PIPNET, "all", 0.133), entry(PIPNET, "all", 0.139, 10000)]
    small, small_table, large, large_table = nme_tables(entries, rows)
    assert "facesynthetics-limit1000, 1,000 faces" in small and "limit10000, 10,000 faces" in large
    assert small_table == [["augmentation", "pipnet over resnet18", "regressor over resnet50"],
                           ["none", "14.40", "79.00"], ["all", "13.20", "-"], ["the recipe's", "20.00", "-"]]
    assert large_table == [["augmentation", "pipnet over resnet18"], ["all", "13.90"]]
    assert tables(entries[:1] + entries[4:], rows) == []


def test_runs_of_the_papers_recipe_without_an_option_are_augmented_by_all():
    entries = [entry(PIPNET, None, 0.1, recipe="mountain2022"), entry(PIPNET, "all", 0.2)]
    assert nme_tables(entries, rows)[1][1:] == [["all", "15.00"]]


def test_scores_on_300w_stand_beside_the_printed_numbers():
    entries = [entry(PIPNET, "all", 0.1, data="300w"), entry(MOBILENET, "none", 0.2, 10000, "300w"),
               entry(("regressor_frozen", "resnet50"), "all", 0.3, data="300w")]
    _, small, _, large, *others = tables(entries, rows)
    assert small[1] == ["all", "10.00 (13.1)", "30.00"]  # the report has no frozen ResNet-50
    assert large[1] == ["none", "20.00 (23.9)"]
    assert [title.split(":")[0].strip() for title in others[::2]] == ["Table 1", "Table 4"]


def test_published_errors_stand_below_scores_of_the_same_protocol():
    one = entry(PIPNET, "all", 0.1, data="300w", by="inter-ocular")
    assert "PIPNet-R18 (Jin et al.) 3.36" in published_line([one])
    assert published_line([{**one, "split": "test-private"}]) == published_line([{**one, "by": "inter-pupil"}]) == ""


def test_the_recipe_has_the_settings_that_table_1_prints():
    header, *lines = settings_table(rows)
    assert header[1:] == ["ResNet50", "PIPNet", "MobileNetv3"] and len(lines) == 7
    for name, *cells in lines:
        for cell in cells:
            ours, printed = cell.rstrip(")").split(" (")
            assert ours == printed, (name, cell)


def test_times_are_averaged_over_the_runs_of_a_network():
    entries = [entry(PIPNET, "all", 0.1), {**entry(PIPNET, "none", 0.1), "milliseconds": 5.0}]
    assert time_table(entries, rows)[1] == ["pipnet over resnet18", "4.5 (11.2)"]


def test_pipnet_gains_from_every_augmentation_in_both_printed_tables():
    for table in (TABLE_2, TABLE_3):
        none, some, all_of_them = (row[list(NETWORKS).index("PIPNet")] for row in table)
        assert none > some > all_of_them


# --- figures ----------------------------------------------------------------------------------------

@pytest.fixture
def evaluations():
    """{run: LandmarkEvaluation} of five drawn faces whose predictions are off by 1, 2, ... pixels, by one network more
    than by the other."""
    records = landmarks.load("toy", "test", ".", limit=5, toy_size=64, points="68").records
    points, truth = landmark_set("68"), np.stack([record.landmarks() for record in records])
    off = np.arange(1, 6, dtype=float)[:, None, None]
    return {run: LandmarkEvaluation(point_errors(truth + factor * off, truth, points, "inter-pupil"),
                                    truth + factor * off, truth, list(range(5)), records, points, "none", "inter-pupil",
                                    {})
            for run, factor in ((entry(PIPNET, "all", 0)["run"], 1), (entry(RESNET, "none", 0)["run"], 2))}


def test_every_figure_is_drawn_from_entries_logs_and_evaluations(evaluations):
    entries = [entry(PIPNET, "all", 0.1), entry(RESNET, "none", 0.2)]
    log = [{"epoch": k, "loss": 1 / k, "val_loss": 2 / k, "nme": 0.3 / k, "seconds": 1.0} for k in (1, 2, 3)]
    drawn = mountain2022_figures.figures(entries, {one["run"]: log for one in entries}, evaluations)
    assert set(drawn) == {"figure-7-regressor-resnet50.png", "figure-9-pipnet-resnet18.png", "figure-10-low-nme.png",
                          "figure-11-high-nme.png", "figure-12-facesynthetics-limit1000.png",
                          "figure-18-comparison.png"}
    assert all(isinstance(picture, Image.Image) for picture in drawn.values())
    assert mountain2022_figures.figures(entries[:1], {}, evaluations) == {}


def test_figure_13_is_of_the_larger_training_set(evaluations):
    entries = [entry(PIPNET, "all", 0.1, 20), entry(PIPNET, "none", 0.2, 20), entry(PIPNET, "all", 0.1, 60)]
    evaluations = {one["run"]: next(iter(evaluations.values())) for one in entries}
    drawn = mountain2022_figures.figures(entries, {}, evaluations)
    assert {"figure-12-facesynthetics-limit20.png", "figure-13-facesynthetics-limit60.png"} < set(drawn)
    large = [entry(PIPNET, augment, 0.1, 10000) for augment in ("all", "none")]
    evaluations |= {one["run"]: next(iter(evaluations.values())) for one in large}
    assert "figure-13-facesynthetics-limit10000.png" in mountain2022_figures.figures(large, {}, evaluations)


def test_in_figure_9_the_larger_training_set_is_dashed_in_the_colour_of_the_smaller(monkeypatch):
    calls = []
    monkeypatch.setattr(mountain2022_figures.drawing, "line_chart", lambda lines, *_, dashed: calls.append(
        (list(lines), dashed)) or Image.new("RGB", (9, 9)))
    entries = [entry(PIPNET, augment, 0.1, count) for count in (10000, 1000) for augment in ("all", "none")]
    mountain2022_figures.progress_charts(entries, {})
    assert calls[0] == (["no augmentation, 1,000 faces", "no augmentation, 10,000 faces", "all, 1,000 faces",
                         "all, 10,000 faces"],
                        ["no augmentation, 10,000 faces", "all, 10,000 faces"])
    mountain2022_figures.progress_charts(entries[1:], {})
    assert calls[3] == (["no augmentation, 1,000 faces", "no augmentation, 10,000 faces", "all, 1,000 faces"], ())


def test_the_faces_of_figure_10_are_those_of_the_lowest_nme(evaluations, monkeypatch):
    titles = []
    monkeypatch.setattr(mountain2022_figures.drawing, "contact_sheet", lambda rows, columns, names, **_: titles.append(
        [name.split()[0] for name in names]))
    best = mountain2022_figures.best_runs([entry(PIPNET, "all", 0.1), entry(RESNET, "none", 0.2)])
    for lowest in (True, False):
        mountain2022_figures.face_sheet(best, evaluations, lowest)
    first = [record.name for record in next(iter(evaluations.values())).records]
    nmes = sum(evaluation.nmes for evaluation in evaluations.values())
    assert titles[0] == [first[k] for k in np.argsort(nmes)[:3]]
    assert titles[1] == [first[k] for k in np.argsort(-nmes)[:3]]


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="no ffmpeg on the PATH")
def test_figure_14_has_six_frames_of_a_video(tmp_path):
    with VideoWriter(tmp_path / "a_overlay.mp4", (64, 48), 10) as writer:
        for brightness in range(0, 200, 10):
            writer.write(np.full((48, 64, 3), brightness, np.uint8))
    assert mountain2022_figures.figure_14(tmp_path / "a_overlay.mp4").width >= 3 * 320
