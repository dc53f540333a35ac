"""Recipes: the papers' numbers, and names that are no recipe."""
import pytest

from faceparse.errors import FaceparseError
from faceparse.geometry.jitter import Jitter
from faceparse.recipes import LANDMARK_RECIPES, RECIPES, recipe
from faceparse.training.optimization import rate_at


def test_the_default_recipe_is_baker2023s():
    baker2023 = RECIPES["baker2023"]
    assert (baker2023.epochs, baker2023.batch, baker2023.lr, baker2023.size, baker2023.optimizer) == (
        30, 24, 0.001, 128, "nadam")
    assert baker2023.loss == "sigmoid" and baker2023.class_weights == "baker2023"
    assert (baker2023.jitter.degrees, baker2023.jitter.mirror, baker2023.jitter.perspective) == (18, 0, 0.5)
    assert [row[0] for row in baker2023.photometry] == [0.2, 0.9, 0.9, 0.9]


def test_liu2020s_settings():
    """"Experimental Settings": momentum of 0.9 (OPTIMIZERS), 473 x 473, alpha chosen on LaPa's val set."""
    one = RECIPES["liu2020"]
    assert (one.size, one.batch, one.lr, one.weight_decay, one.schedule, one.optimizer, one.alpha) == (
        473, 64, 0.001, 0.0005, "poly", "sgd", 10)
    assert one.decay_all and not one.photometry and one.jitter == Jitter()
    assert one.align_of == {"helen": "landmarks"} and one.align == "none"


def test_zhou2025s_settings():
    """Section IV; loss of table 2's last row; final list of section II: resize by 1 to 1.2, half of the distortion."""
    one = RECIPES["zhou2025"]
    assert (one.batch, one.iterations, one.validate_every, one.size, one.best_by) == (8, 24000, 500, 512, "mfscore")
    assert one.loss == "ce:0.5+lovasz:0.3+dice" and one.statistics == "data"
    jitter = one.jitter
    assert (jitter.degrees, jitter.turned, jitter.scale, jitter.most, jitter.mirror) == (25, 0.5, (1, 1.2), 0.75, 0.5)


def test_li2022s_settings():
    """Sections II to IV: 512, 160,000 steps of 4, warm-up of 1,500, CE and Lovász 1:2, resize from 512 to 640."""
    one = RECIPES["li2022"]
    assert (one.size, one.batch, one.iterations, one.warmup, one.optimizer) == (512, 4, 160000, 1500, "adamw")
    assert (one.loss, one.class_weights, one.statistics, one.encoders[0]) == (
        "ce+lovasz:2", "li2022", "data", "convnext_xlarge")
    assert (one.jitter.degrees, one.jitter.turned, one.jitter.scale) == (25, 0.5, (1, 640 / 512))
    assert one.jitter.copies and one.jitter.mirror == 0 and one.split_of == {"celebamask": "train+val"}
    assert (RECIPES["li2022-ablation"].iterations, RECIPES["li2022-ablation"].batch) == (20000, 4)


@pytest.mark.parametrize("network, epochs, lr, batch, size", [
    (("resnet50", "regressor"), 70, 0.001, 8, 244), (("resnet18", "pipnet"), 60, 0.0001, 16, 256),
    (("mobilenet_v3_large", "regressor_frozen"), 70, 0.001, 32, 244)])
def test_mountain2022s_table_1(network, epochs, lr, batch, size):
    one = recipe("mountain2022", LANDMARK_RECIPES, network)
    assert (one.epochs, one.lr, one.batch, one.size, one.align) == (epochs, lr, batch, size, "none")


def test_pipnets_settings():
    """Jin et al. 2021, section 4.1: Adam, 60 epochs, a tenth of the rate from epochs 31 and 51 on; its published code:
    shift by 30 of 256 pixels, rotation by 30 degrees and the mirror with p 0.5."""
    one = LANDMARK_RECIPES["pipnet"]
    assert (one.epochs, one.batch, one.lr, one.size, one.optimizer) == (60, 16, 0.0001, 256, "adam")
    rates = [rate_at(epoch, 60, one.schedule) for epoch in range(60)]
    assert rates == [1] * 30 + [0.1] * 20 + [0.01] * 10
    jitter = one.jitter
    assert (jitter.degrees, jitter.turned, jitter.shift, jitter.shifted, jitter.mirror) == (30, 0.5, 30 / 256, 0.5, 0.5)
    assert [row[0] for row in one.photometry] == [0.5, 0.3, 0.2]  # occlusion, blur, grey
    assert one.align == "crop" and one.align_of == {"lapa": "crop-wide"} and one.split_of == {"300w": "trainval"}


def test_the_hourglasss_settings():
    """FAN's training details: RMSprop, 40 epochs of batches of 10, a tenth of the rate from epochs 16 and 31 on,
    rotation by 50 degrees, scale 0.8 to 1.2."""
    one = LANDMARK_RECIPES["hourglass"]
    assert (one.epochs, one.batch, one.lr, one.size, one.optimizer) == (40, 10, 0.0001, 256, "rmsprop")
    assert [rate_at(epoch, 40, one.schedule) for epoch in range(40)] == [1] * 15 + [0.1] * 15 + [0.01] * 10
    assert (one.jitter.degrees, one.jitter.scale) == (50, (0.8, 1.2))


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
