"""Tables line up, pictures of masks are exact, charts are to scale (measured in pixels), files are written whole."""
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from faceparse import drawing, files
from faceparse.drawing import sheets
from faceparse.drawing.charts import SERIES_COLOURS, bar_chart, line_chart
from faceparse.errors import FaceparseError
from faceparse.labels import IGNORE, LABEL_SETS
from faceparse.progress import Progress, clock_text

LAPA = LABEL_SETS["lapa"]
BLUE, ORANGE = SERIES_COLOURS[:2]


def random_face(seed=0, size=48):
    generator = np.random.default_rng(seed)
    image = generator.integers(0, 256, (size, size, 3), np.uint8)
    mask = generator.integers(0, len(LAPA), (size // 8, size // 8), np.uint8).repeat(8, 0).repeat(8, 1)
    return image, mask


def where(image, colour):
    """Rows and columns of the pixels of exactly this colour."""
    return np.nonzero((np.asarray(image) == colour).all(-1))


# ---- tables

def test_table_columns_line_up():
    text = drawing.table(["model", "parameters", "skin", "mean"],
                        [["unet", 14329659, 0.9, 0.82349], ["中文", 4, drawing.score(0, True), None]])
    assert text.splitlines() == ["model  parameters    skin     mean",
                                 "-----  ----------  -------  ------",
                                 "unet   14,329,659  0.9000   0.8235",
                                 "中文            4  0.0000*       -",
                                 drawing.NEVER_PREDICTED]


def test_note_on_never_predicted_appears_only_where_it_applies():
    assert drawing.table(["a"], [[0.5]], ["pooled"]).splitlines()[-2:] == ["0.5000", "pooled"]
    assert drawing.NEVER_PREDICTED not in drawing.table(["a"], [[0.5]])


def test_table_without_rows_is_its_header():
    assert drawing.table(["model", "F1"], []).splitlines() == ["model  F1", "-----  --"]


def test_markdown_escapes_what_would_break_the_table():
    text = drawing.markdown(["a|b", "F1"], [["x", drawing.score(0, True)]], ["pooled"])
    assert text == ("| a\\|b | F1 |\n|---|---:|\n| x | 0.0000\\* |\n"
                    "\n\\* in the truth but never predicted: counts 0\n\npooled\n")


def test_score_of_an_absent_class_is_a_dash():
    assert [drawing.score(value) for value in (None, float("nan"), 0.82349, 0.0)] == ["-", "-", "0.8235", "0.0000"]


# ---- masks and landmarks

def test_colourise_equals_the_palette():
    mask = np.array([[0, 1, 10, IGNORE]], np.uint8)
    assert drawing.colourise(mask, LAPA).tolist() == [[[0, 0, 0], [0, 153, 255], [255, 0, 102], [128, 128, 128]]]


def test_overlay_leaves_the_background_untouched():
    image, mask = random_face()
    painted = drawing.overlay(image, mask, LAPA)
    assert (painted[mask == 0] == image[mask == 0]).all()
    assert (painted[mask != 0] != image[mask != 0]).any(1).mean() > 0.95


def test_overlay_mixes_inside_and_draws_one_line_of_full_colour():
    image = np.full((20, 20, 3), 100, np.uint8)
    mask = np.zeros((20, 20), np.uint8)
    mask[5:15, 5:15] = 4  # (255, 255, 102)
    painted = drawing.overlay(image, mask, LAPA, opacity=0.4)
    contour = (painted == LAPA.palette[4]).all(-1)
    assert contour[5:15, 5:15].sum() == contour.sum() == 36
    assert np.abs(painted[6:14, 6:14].astype(int) - (162, 162, 101)).max() <= 1  # 0.6 x 100 + 0.4 x colour


def test_overlay_contour_is_thicker_on_a_large_picture():
    mask = np.zeros((800, 800), np.uint8)
    mask[:, 400:] = 1
    painted = drawing.overlay(np.zeros((800, 800, 3), np.uint8), mask, LAPA)
    assert np.unique(where(painted, LAPA.palette[1])[1]).tolist() == [400, 401]


def test_saved_mask_is_a_palette_png_with_the_same_indices(tmp_path):
    mask = np.array([[0, 1, 2], [9, 10, IGNORE]], np.uint8)
    drawing.save_mask(mask, LAPA, tmp_path / "mask.png")
    with Image.open(tmp_path / "mask.png") as image:
        assert image.mode == "P" and image.format == "PNG"
        assert (np.asarray(image) == mask).all()
        assert (np.asarray(image.convert("RGB")) == drawing.colourise(mask, LAPA)).all()


def test_dots_are_centred_on_their_points():
    image = np.full((40, 60, 3), 90, np.uint8)
    point = np.array([[30.25, 12.5]], np.float32)
    drawn = drawing.draw_points(image, point, colour=(255, 90, 90), radius=3)
    weight = np.clip(drawn[..., 0].astype(float) - 90, 0, None)  # the dot without its rim
    y, x = np.mgrid[:40, :60]
    assert abs((x * weight).sum() / weight.sum() - 30.25) < 0.05
    assert abs((y * weight).sum() / weight.sum() - 12.5) < 0.05
    assert (drawn[:, 40:] == image[:, 40:]).all()


def test_points_that_are_nan_or_outside_are_skipped():
    image, _ = random_face()
    points = np.array([[np.nan, 3], [3, np.inf], [-1e30, 5], [500, 5]], np.float32)
    assert (drawing.draw_points(image, points) == image).all()
    assert (drawing.draw_points(image, np.array([[0, 0], [47, 47]], np.float32)) != image).any()


# ---- sheets

def test_contact_sheet_holds_each_picture_in_its_cell():
    rows = [[np.full((30, 30, 3), 10 * k, np.uint8), Image.new("RGB", (90, 45), BLUE), None] for k in (1, 2)]
    sheet = np.asarray(drawing.contact_sheet(rows, ["image", "truth", "prediction"], ["a  F1 0.71", "b  F1 0.50"],
                                            cell=60, title="toy", legend=LAPA))
    assert sheet.shape[1] == 3 * 64 - 4 + 20
    for k in (1, 2):
        y, x = where(sheet, 10 * k)
        assert (np.ptp(y), np.ptp(x)) == (59, 59) and x.min() == 10
    y, x = where(sheet[:, 74:134], BLUE)
    assert np.ptp(x) == 59 and len(y) == 2 * 60 * 30  # the wide picture keeps its shape


def test_label_key_shows_each_part_in_its_own_tile_only():
    mask = np.zeros((64, 64), np.uint8)
    mask[10:20, 10:30] = 6  # nose
    key = np.asarray(drawing.label_key(np.zeros((64, 64, 3), np.uint8), mask, LAPA, columns=4, cell=64))
    nose = tuple(int(0.75 * c) for c in LAPA.palette[6])
    y, x = where(key, nose)
    assert len(y) == 10 * 20
    assert (y.min(), x.min()) == (10 + 92 + 10, 10 + 2 * 72 + 10)  # margin + second row or third column + part


@pytest.mark.parametrize("freetype", [True, False])
def test_text_stays_in_its_limit_with_and_without_freetype(freetype, monkeypatch):
    monkeypatch.setattr(features, "check", lambda name: freetype)
    sheets._font.cache_clear()
    image = Image.new("RGB", (200, 20), "white")
    drawing.draw_text(image, (0, 0), "a very long name of a run — Zoë 中文 2.png", limit=80)
    sheets._font.cache_clear()
    _, x = np.nonzero(np.asarray(image)[..., 0] < 250)
    assert 50 < x.max() <= 80


# ---- charts

def zero_and_ends(chart, colour):
    """Of every bar of this colour, from the left: (first row, last row)."""
    y, x = where(chart, colour)
    below = y < 290  # not the legend's swatch
    y, x = y[below], x[below]
    columns = np.unique(x)
    bars = np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1)
    return [(y[np.isin(x, bar[2:-2])].min(), y[np.isin(x, bar[2:-2])].max()) for bar in bars if len(bar) > 6]


def test_bars_are_as_high_as_their_values():
    chart = bar_chart({"naked": {"skin": 0.8, "nose": 0.4, "hair": 0.2}}, "F1", "F1")
    heights = np.array([last - first + 1 for first, last in zero_and_ends(chart, BLUE)])
    assert len(heights) == 3
    assert np.abs(heights / heights[0] - [1, 0.5, 0.25]).max() < 0.01


def test_negative_bars_hang_from_the_zero_line():
    chart = bar_chart({"difference": {"skin": 0.03, "nose": -0.06}}, "F1 after - before", "F1")
    (up_first, up_last), (down_first, down_last) = zero_and_ends(chart, BLUE)
    assert up_last < down_first <= up_last + 4
    assert abs((down_last - down_first) / (up_last - up_first) - 2) < 0.05


def test_missing_bars_leave_a_gap():
    full = {"skin": 0.5, "nose": 0.5, "hair": 0.5}
    chart = bar_chart({"a": full, "b": {"skin": 0.5, "nose": float("nan"), "hair": None}}, "F1", "F1")
    assert len(zero_and_ends(chart, BLUE)) == 3 and len(zero_and_ends(chart, ORANGE)) == 1


def test_line_passes_through_its_values():
    xs = np.arange(1, 31)
    chart = np.asarray(line_chart({"a": (xs, np.full(30, 0.25)), "b": (xs, xs / 30)}, "F1", "epoch", "F1", (0, 1)))
    y, x = where(chart[:255], BLUE)
    left, right, top, bottom = 80, 616, 36, 250  # of the data: 8 pixels inside the frame
    assert np.abs(y + 0.5 - (bottom - 0.25 * (bottom - top))).max() <= 1
    assert (x.min(), x.max()) == (left, right - 1)
    y, x = where(chart[:255], ORANGE)
    expected = (1 + 29 * (x + 0.5 - left) / (right - left)) / 30
    assert len(y) > 100 and np.abs(y + 0.5 - (bottom - expected * (bottom - top))).max() <= 1.5


def test_line_breaks_where_a_value_is_missing():
    chart = line_chart({"a": (range(5), [0.5, 0.5, None, 0.5, float("nan")])}, "F1", "epoch", "F1", (0, 1))
    _, x = where(chart, BLUE)
    assert x.max() < 80 + 536 * 3 / 4 + 5  # nothing after the last known value
    assert not ((x > 80 + 536 / 4 + 5) & (x < 80 + 536 * 3 / 4 - 5)).any()


@pytest.mark.parametrize("ys", [[0.5], [float("nan")], [0.0, 0.0], [1e9, 1e9], [float("inf"), 1.0], [-3.0, -1.0]])
def test_charts_of_few_or_strange_values_are_drawn(ys):
    assert line_chart({"a": (range(len(ys)), ys)}, "loss", "epoch", "loss").size == (640, 300)
    assert bar_chart({"a": dict(zip("ab", ys))}, "F1", "F1").width == 480


def test_ninth_line_is_dashed_in_the_first_colour():
    unknown, known = (range(2), [None, None]), (range(2), [0.5, 0.5])
    for before, share in ((0, 1.0), (8, 0.6)):
        series = {str(k): unknown for k in range(before)} | {"last": known}
        _, x = where(np.asarray(line_chart(series, "IoU", "epoch", "IoU", (0, 1)))[:255, 90:600], BLUE)
        assert abs(len(np.unique(x)) / 510 - share) < 0.03


def test_lines_named_dashed_take_the_colour_of_the_line_before():
    series = {"a, val": (range(2), [0.8, 0.8]), "a, train": (range(2), [0.6, 0.6]), "b, val": (range(2), [0.4, 0.4])}
    chart = np.asarray(line_chart(series, "IoU", "epoch", "IoU", (0, 1), dashed=["a, train"]))[:255, 90:600]
    for height, colour, share in ((0.8, BLUE, 1.0), (0.6, BLUE, 0.6), (0.4, ORANGE, 1.0)):
        y, x = where(chart, colour)
        row = np.abs(y + 0.5 - (250 - height * 214)) <= 1  # the data's rectangle: 214 pixels down to 250
        assert abs(len(np.unique(x[row])) / 510 - share) < 0.03


# ---- files

def test_json_writes_nan_as_null_and_arrays_as_lists(tmp_path):
    value = {"f1": np.array([0.5, np.nan]), "n": np.int64(3), "loss": float("inf"), 7: (Path("a"), None, True)}
    files.write_json(value, tmp_path / "new" / "report.json")
    text = (tmp_path / "new" / "report.json").read_text()
    assert json.loads(text) == {"f1": [0.5, None], "n": 3, "loss": None, "7": ["a", None, True]}


def test_file_names_that_are_not_utf8_reach_the_json(tmp_path):
    name = os.fsdecode(b"caf\xe9.png")
    files.write_json([name], tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text()) == [name]


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "report.json"
    files.write_json({"f1": 1}, path)

    def full_disk(self, data):
        with open(self, "wb") as file:
            file.write(data[:3])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(FaceparseError, match=r"report\.json: cannot be written \(No space left on device\)"):
        files.write_json({"f1": 2}, path)
    assert json.loads(path.read_text()) == {"f1": 1} and os.listdir(tmp_path) == ["report.json"]


def test_unwritable_places_are_named(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(FaceparseError, match="report.json"):
        files.write_json({}, tmp_path / "file" / "report.json")
    with pytest.raises(FaceparseError, match="folder.png"):
        drawing.save_picture(np.zeros((4, 4, 3), np.uint8), tmp_path / "folder.png")


def test_saved_picture_is_in_the_format_of_its_suffix(tmp_path):
    image, _ = random_face()
    drawing.save_picture(image, tmp_path / "a.png")
    drawing.save_picture(Image.fromarray(image), tmp_path / "a.JPG")
    with Image.open(tmp_path / "a.png") as png, Image.open(tmp_path / "a.JPG") as jpeg:
        assert (np.asarray(png) == image).all() and jpeg.format == "JPEG"


# ---- progress

class Terminal(io.StringIO):
    def isatty(self):
        return True


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_progress_line_away_from_a_terminal_comes_every_ten_seconds():
    stream, clock = io.StringIO(), Clock()
    with Progress(80, "epoch 3/30", stream, clock) as progress:
        for _ in range(42):
            clock.now += 0.5
            progress.update(loss=0.43211)
    assert stream.getvalue().splitlines() == ["epoch 3/30  20/80  2.0/s  0:30 left  loss 0.4321",
                                              "epoch 3/30  40/80  2.0/s  0:20 left  loss 0.4321"]


def test_progress_on_a_terminal_rewrites_one_line_and_wipes_it(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    stream, clock = Terminal(), Clock()
    with Progress(3, "evaluate", stream, clock) as progress:
        for loss in (100.0, 1.0):
            clock.now += 4
            progress.update(loss=loss)
    first, second, blank, end = stream.getvalue().split("\r")[1:]
    assert first == "evaluate  1/3  4.0 s each  0:08 left  l"  # 39 characters: never wraps
    assert second.startswith("evaluate  2/3") and "\n" not in stream.getvalue()
    assert len(blank) >= len(second.rstrip()) and not blank.strip() and end == ""


def test_progress_reads_figures_only_when_a_line_is_due():
    class Tensor:
        reads = 0

        def __float__(self):
            self.reads += 1
            return 1.0

    clock, loss = Clock(), Tensor()
    with Progress(None, "video", io.StringIO(), clock) as progress:
        for _ in range(100):
            clock.now += 0.15
            progress.update(loss=loss)
        assert "left" not in progress.line(15, {})
    assert loss.reads == 1


def test_durations_are_written_as_on_a_clock():
    assert [clock_text(s) for s in (7.4, 59.6, 754, 3723)] == ["0:07", "1:00", "12:34", "1:02:03"]
