"""The order of worst_first.csv and its table."""
from pathlib import Path

from faceparse.annotation.worst_first import Row, as_csv, as_table, ranked

ROWS = [Row("corrected", Path("a.jpg")), Row("good", Path("b.jpg"), 0.9, True, [7, 3]),
        Row("no face", Path("c.jpg"), 0.95, False, [1]), Row("poor", Path("d.jpg"), 0.2, True, [0])]


def test_what_is_no_face_comes_first_then_low_confidence_last_what_has_none():
    assert [row.name for row in ranked(ROWS)] == ["no face", "poor", "good", "corrected"]


def test_csv_leaves_an_unknown_confidence_empty():
    lines = as_csv(ROWS[:2]).splitlines()
    assert lines == ["name,confidence,is_face,doubtful_points,picture", "corrected,,1,,a.jpg",
                     "good,0.9000,1,7 3,b.jpg"]


def test_table_holds_only_faces_with_a_confidence():
    text = as_table(ranked(ROWS), most=2)
    assert "no face" in text and "uncertain" in text and "good" not in text and "corrected" not in text
    assert as_table(ROWS[:1]) == ""
