"""Label sets, their JSON files, and the tables between them, part by part."""
import json

import numpy as np
import pytest

from faceparse.errors import FaceparseError
from faceparse.labels import LABEL_SETS, common_set, label_set, label_set_from_dict, label_set_to_dict, table

LAPA = LABEL_SETS["lapa"]


def lapa_class(source, part):
    """The LaPa part that a part of another set becomes, or None for ignored."""
    index = table(LABEL_SETS[source], LAPA)[LABEL_SETS[source].names.index(part)]
    return None if index == 255 else LAPA.names[index]


@pytest.mark.parametrize("source, part, lapa", [
    ("celebamask", "l_eye", "right_eye"), ("celebamask", "r_eye", "left_eye"), ("celebamask", "l_brow", "right_brow"),
    ("celebamask", "r_brow", "left_brow"), ("celebamask", "l_ear", "skin"), ("celebamask", "eye_g", None),
    ("celebamask", "mouth", "inner_mouth"), ("celebamask", "u_lip", "upper_lip"), ("celebamask", "l_lip", "lower_lip"),
    ("celebamask", "ear_r", "background"), ("celebamask", "neck", "background"), ("celebamask", "hat", "background"),
    ("facesynthetics", "left_eye", "left_eye"), ("facesynthetics", "right_brow", "right_brow"),
    ("facesynthetics", "beard", "skin"), ("facesynthetics", "neck", "background"), ("facesynthetics", "glasses", None),
    ("facesynthetics", "facewear", None), ("facesynthetics", "mouth_interior", "inner_mouth"),
    ("facesynthetics-baker2023", "neck", None), ("facesynthetics-baker2023", "beard", None),
    ("facesynthetics-baker2023", "right_ear", None), ("facesynthetics-baker2023", "hair", "hair"),
])
def test_a_part_is_mapped_to_lapas_part_by_name(source, part, lapa):
    assert lapa_class(source, part) == lapa


def test_published_orders():
    """Some indices that are stored in the publishers' files."""
    assert [LAPA.names.index(n) for n in ("skin", "left_brow", "right_eye", "nose", "hair")] == [1, 2, 5, 6, 10]
    celeba, synthetic = LABEL_SETS["celebamask"].names, LABEL_SETS["facesynthetics"].names
    assert [celeba.index(n) for n in ("nose", "eye_g", "l_eye", "mouth", "u_lip", "hair", "neck", "cloth")] == [
        2, 3, 4, 10, 11, 13, 17, 18]
    assert [synthetic.index(n) for n in ("right_eye", "left_eye", "mouth_interior", "neck", "hair", "facewear")] == [
        3, 4, 9, 12, 13, 18]


def test_baker2023_ignores_the_classes_that_lapa_lacks():
    to = table(LABEL_SETS["facesynthetics-baker2023"], LAPA)
    assert (to[:19] == 255).sum() == 8  # 255 itself is the ninth
    assert to[255] == 255


@pytest.mark.parametrize("name", LABEL_SETS)
def test_ignored_stays_ignored_and_unknown_indices_become_ignored(name):
    labels = LABEL_SETS[name]
    for to in [table(labels, target) for target in (LAPA,) * bool(labels.to_lapa) + (LABEL_SETS["foreground"],)]:
        assert to[255] == 255 and (to[len(labels):] == 255).all()


@pytest.mark.parametrize("name", LABEL_SETS)
def test_mirroring_twice_changes_nothing_and_pairs_are_left_and_right(name):
    labels = LABEL_SETS[name]
    assert (labels.mirror[labels.mirror] == np.arange(256)).all()
    for a, b in labels.mirror_pairs:
        first, second = labels.names[a], labels.names[b]
        assert {first[0], second[0]} == {"l", "r"} and first.split("_")[-1] == second.split("_")[-1]
    sided = [n for n in labels.names if n.startswith(("left_", "right_")) or n in ("l_ear", "r_ear", "l_eye", "r_eye")]
    assert set(sided) <= {labels.names[i] for pair in labels.mirror_pairs for i in pair}


def test_a_table_to_classes_without_counterpart_is_refused():
    with pytest.raises(FaceparseError, match="cannot be converted"):
        table(LAPA, LABEL_SETS["celebamask"])


def test_the_common_set_of_two_sets():
    assert common_set(LABEL_SETS["celebamask"], LABEL_SETS["facesynthetics"]) == LAPA
    assert common_set(LABEL_SETS["celebamask"], LABEL_SETS["celebamask"]).name == "celebamask"


@pytest.mark.parametrize("name", LABEL_SETS)
def test_a_label_set_survives_json(name):
    assert label_set_from_dict(json.loads(json.dumps(label_set_to_dict(LABEL_SETS[name])))) == LABEL_SETS[name]


def test_a_users_own_set(tmp_path):
    file = tmp_path / "own.json"
    file.write_text(json.dumps({"names": ["background", "skin", "left_eye", "right_eye", "beard"],
                                "pairs": [["left_eye", "right_eye"]], "to_lapa": {"beard": "skin"}}))
    own = label_set(str(file))
    assert own.mirror_pairs == ((2, 3),) and len(set(own.palette)) == 5
    assert table(own, LAPA)[:5].tolist() == [0, 1, 4, 5, 1]


def test_a_set_without_pairs_is_mirrored_by_lapas_names(tmp_path):
    """Otherwise training on mirrored images would teach that either eye can be the left one."""
    names = ["background", "right_eye", "left_eye", "left_brow", "scar"]
    (tmp_path / "own.json").write_text(json.dumps({"names": names}))
    assert label_set(tmp_path / "own.json").mirror[:5].tolist() == [0, 2, 1, 3, 4]
    (tmp_path / "own.json").write_text(json.dumps({"names": names, "pairs": []}))
    assert not label_set(tmp_path / "own.json").mirror_pairs


@pytest.mark.parametrize("text, expected", [
    ("{", "cannot be read"), ("[1]", "cannot be read"), ('{"names": ["a", "a"]}', "'names'"),
    ('{"names": ["a", "b"], "colours": [[0, 0, 0]]}', "'colours'"),
    ('{"names": ["a", "b"], "pairs": [["a", "c"]]}', "'pairs'"),
    ('{"names": ["a", "b"], "to_lapa": {"a": "x"}}', "to_lapa"),
])
def test_a_wrong_label_set_file_is_an_error_of_one_line_with_its_name(tmp_path, text, expected):
    file = tmp_path / "own.json"
    file.write_text(text)
    with pytest.raises(FaceparseError, match=expected) as error:
        label_set(str(file))
    assert str(file) in str(error.value) and "\n" not in str(error.value)
