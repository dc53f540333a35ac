"""Recipes: the papers' numbers, and names that are no recipe."""
import pytest

from faceparse.errors import FaceparseError
from faceparse.recipes import LANDMARK_RECIPES, RECIPES, recipe


def test_the_default_recipe_is_baker2023s():
    baker2023 = RECIPES["baker2023"]
    assert (baker2023.epochs, baker2023.batch, baker2023.lr, baker2023.size, baker2023.optimizer) == (
        30, 24, 0.001, 128, "nadam")
    assert baker2023.loss == "sigmoid" and baker2023.class_weights == "baker2023"
    assert (baker2023.jitter.degrees, baker2023.jitter.mirror, baker2023.jitter.perspective) == (18, 0, 0.5)
    assert [row[0] for row in baker2023.photometry] == [0.2, 0.9, 0.9, 0.9]


def test_a_recipe_of_the_other_kind_is_refused_with_the_possible_names():
    with pytest.raises(FaceparseError, match="--recipe baker2023 is for parsers: use one of pipnet, mountain2022, "
                                             ".*toy$"):
        recipe("baker2023", LANDMARK_RECIPES)
    with pytest.raises(FaceparseError, match="--recipe pipnet is for landmarks: use one of baker2023, scratch, toy, "
                                             "portrait, liu2020, zhou2025, li2022, li2022-ablation$"):
        recipe("pipnet")
    with pytest.raises(FaceparseError, match="--recipe foo is no recipe"):
        recipe("foo")
    assert recipe("toy") is RECIPES["toy"] and recipe("toy", LANDMARK_RECIPES) is LANDMARK_RECIPES["toy"]
