"""Merging label sets to hair and skin, and to foreground."""
import json

import pytest

from faceparse.errors import FaceparseError
from faceparse.labels import LABEL_SETS, common_set, label_set, table

HAIR_SKIN, FOREGROUND, CIHP, LAPA = (LABEL_SETS[name] for name in ("hair_skin", "foreground", "cihp", "lapa"))


@pytest.mark.parametrize("source, part, merged", [
    ("lapa", "left_eye", "skin"), ("lapa", "inner_mouth", "skin"), ("lapa", "skin", "skin"), ("lapa", "hair", "hair"),
    ("celebamask", "l_ear", "skin"), ("celebamask", "neck", "background"), ("celebamask", "hat", "background"),
    ("celebamask", "eye_g", None), ("facesynthetics", "beard", "skin"), ("facesynthetics", "neck", "background"),
    ("facesynthetics", "facewear", None), ("cihp", "face", "skin"), ("cihp", "hair", "hair"),
    ("cihp", "hat", "background"), ("cihp", "sunglasses", "background"), ("cihp", "torso_skin", "background"),
    ("cihp", "left_arm", "background"),
])
def test_a_part_becomes_hair_or_skin_by_name(source, part, merged):
    labels = LABEL_SETS[source]
    index = table(labels, HAIR_SKIN)[labels.names.index(part)]
    assert (None if index == 255 else HAIR_SKIN.names[index]) == merged
    foreground = table(labels, FOREGROUND)[labels.names.index(part)]
    assert foreground == (255 if merged is None else int(merged != "background"))


def test_cihp_as_its_authors_number_it():
    """The published order of Category_ids: 2 hair, 10 torso-skin, 13 face, the pairs 14 15, 16 17 and 18 19."""
    assert [CIHP.names.index(name) for name in ("hat", "hair", "torso_skin", "face", "left_arm", "right_shoe")] == [
        1, 2, 10, 13, 14, 19]
    assert len(CIHP) == len(CIHP.palette) == 20 and CIHP.mirror_pairs == ((14, 15), (16, 17), (18, 19))


@pytest.mark.parametrize("a, b, common", [("lapa", "hair_skin", "hair_skin"), ("cihp", "celebamask", "hair_skin"),
                                          ("hair_skin", "foreground", "foreground"), ("cihp", "cihp", "cihp"),
                                          ("celebamask", "facesynthetics", "lapa")])
def test_two_sets_are_compared_in_the_first_common_one(a, b, common):
    assert common_set(LABEL_SETS[a], LABEL_SETS[b]).name == common_set(LABEL_SETS[b], LABEL_SETS[a]).name == common


def test_hair_and_skin_do_not_become_parts():
    for source, target in ((HAIR_SKIN, LAPA), (CIHP, LAPA), (FOREGROUND, HAIR_SKIN)):
        with pytest.raises(FaceparseError, match="cannot be converted"):
            table(source, target)


def test_a_users_set_may_map_its_names_to_hair_and_skin(tmp_path):
    file = tmp_path / "own.json"
    file.write_text(json.dumps({"names": ["background", "head", "hair", "shirt"],
                                "to_hair_skin": {"head": "skin", "shirt": "background"}}))
    assert table(label_set(str(file)), HAIR_SKIN)[:4].tolist() == [0, 1, 2, 0]
    file.write_text(json.dumps({"names": ["background", "head"], "to_hair_skin": {"head": "nose"}}))
    with pytest.raises(FaceparseError, match="'to_hair_skin' should map its names to background, skin, hair or null"):
        label_set(str(file))
