"""Tables have aligned columns, and valid Markdown."""
from faceparse import drawing


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
