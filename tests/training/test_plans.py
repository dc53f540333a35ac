"""Plans: the defaults of recipes and data sets, the names of runs, and the values that are refused."""
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from faceparse import models
from faceparse.errors import FaceparseError
from faceparse.recipes import LANDMARK_RECIPES, RECIPE_OF, RECIPES, default_recipe, paper_recipe, recipe
from faceparse.training import optimization, plans

parser_of_toys = partial(plans.make_plan, "unet", "toy", "lapa", True)
parser_of_lapa = partial(plans.make_plan, "unet", "lapa", "lapa", True)


def parser_of_celebamask(arch, options, **more):
    return plans.make_plan(arch, "celebamask", "celebamask", False, options, **more)


# --- defaults of parsers ----------------------------------------------------------------------------

def test_the_plan_of_a_data_set_without_landmarks_is_not_aligned():
    assert parser_of_celebamask("unet", {}).align == "none"
    assert parser_of_lapa({}).align == "box"
    with pytest.raises(FaceparseError, match="no landmarks"):
        parser_of_celebamask("unet", {"align": "box"})


def test_bass_is_aligned_on_helen_and_not_on_lapa():
    options = {"recipe": "liu2020"}
    assert plans.make_plan("bass", "helen", "helen", True, options).align == "landmarks"
    plan = plans.make_plan("bass", "lapa", "lapa", True, options)
    assert (plan.align, plan.size, plan.batch, plan.lr, plan.optimizer, plan.alpha) == (
        "none", 473, 64, 0.001, "sgd", 10)
    assert plans.make_plan("bass_c", "lapa", "lapa", True, options).alpha == 0


@pytest.mark.parametrize("arch", [arch for arch in models.MODELS if models.has_own_loss(arch)])
def test_bass_has_the_probabilities_of_the_softmax_by_any_recipe_and_no_other_loss(arch):
    plan = plans.make_plan(arch, "lapa", "lapa", True, {})  # of baker2023's recipe, whose loss is sigmoid
    assert (plan.loss, plan.class_weights) == ("ce", "none")
    assert parser_of_celebamask(arch, {"recipe": "zhou2025"}).loss == "ce"
    for options in ({"loss": "sigmoid"}, {"loss": "ce+lovasz"}, {"class_weights": "baker2023"}):
        with pytest.raises(FaceparseError, match="change nothing for bass"):
            plans.make_plan(arch, "lapa", "lapa", True, options)


@pytest.mark.parametrize("arch, paper", [
    ("unet", "baker2023"), ("mobilenetv2", "baker2023"), ("fcn", "baker2023"), ("bass", "liu2020"),
    ("bass_dm", "liu2020"), ("fastscnn", "zhou2025"), ("lraspp", "zhou2025"), ("bisenetv2", "zhou2025"),
    ("bisenetv2_xs", "zhou2025"), ("upernet", "li2022"), ("segformer", "li2022")])
def test_an_architecture_is_trained_by_its_paper_unless_faces_are_drawn(arch, paper):
    plan = parser_of_celebamask(arch, {})
    assert plan.recipe == paper and plan.name == f"celebamask-{arch}"
    assert plans.departures(plan, partial(parser_of_celebamask, arch), RECIPES, paper) == (
        ["align none, not box"] if paper == "baker2023" else [])  # without landmarks
    assert plans.make_plan(arch, "toy", "lapa", True, {}).recipe == "toy"


def test_bass_by_default_is_trained_as_its_paper_states():
    plan = plans.make_plan("bass", "lapa", "lapa", True, {})
    assert (plan.size, plan.batch, plan.optimizer, plan.lr, plan.schedule) == (473, 64, "sgd", 0.001, "poly")


def test_the_best_epoch_is_chosen_by_the_papers_score():
    chosen = {arch: parser_of_celebamask(arch, {}).best_by for arch in ("unet", "upernet", "lraspp")}
    assert chosen == {"unet": "mean_f1", "upernet": "miou", "lraspp": "mfscore"}
    assert parser_of_celebamask("lraspp", {}).validate_every == 500 and parser_of_lapa({}).validate_every == 0


def test_what_trains_is_what_trained_in_the_paper():
    """liu2020: Helen's training and exemplar images, 2,230; li2022: 5,000 and 1,000 faces of CelebAMask-HQ."""
    helen = plans.make_plan("bass", "helen", "helen", True, {})
    assert helen.split == parser_of_celebamask("upernet", {}).split == "train+val"
    lapa = plans.make_plan("bass", "lapa", "lapa", True, {})
    assert lapa.split == parser_of_celebamask("lraspp", {}).split == "train"
    plan = parser_of_lapa({"split": "train+val"})
    assert plan.name == "lapa-unet-split_train+val" and plan.training_set == "lapa-split_train+val"


def test_a_plan_lists_what_departs_from_the_papers():
    plan_of = partial(plans.make_plan, "bass", "lapa", "lapa", True)
    plan = plan_of({"batch": 8, "limit": 100, "seed": 3})
    assert plans.departures(plan, plan_of, RECIPES, "liu2020") == ["limit 100, not all", "batch 8, not 64"]
    plan = plan_of({"recipe": "scratch", "size": 473})
    assert plans.departures(plan, plan_of, RECIPES, "liu2020")[0] == (
        "recipe scratch with its augmentation and weight decay, not liu2020")
    assert "size 473, not 473" not in plans.departures(plan, plan_of, RECIPES, "liu2020")
    assert plans.departures(parser_of_toys({"batch": 3}), parser_of_toys, RECIPES, "baker2023") == []


@pytest.mark.parametrize("arch, encoder, paper, expected", [
    ("bass", "resnet18", "liu2020", ["encoder resnet18, not resnet101"]), ("upernet", "swin_b", "li2022", []),
    ("upernet", "convnext_tiny", "li2022", ["encoder convnext_tiny, not convnext_xlarge"]),
    ("segformer", "mit_b0", "li2022", ["encoder mit_b0, not mit_b5"]),
    ("lraspp", "mobilenet_v3_large", "zhou2025", ["encoder mobilenet_v3_large, not mobilenet_v3_small"])])
def test_an_encoder_that_the_paper_does_not_train_is_a_departure(arch, encoder, paper, expected):
    plan_of = partial(parser_of_celebamask, arch)
    assert plans.departures(plan_of({"encoder": encoder}), plan_of, RECIPES, paper) == expected


def test_an_adapter_departs_from_baker2023s():
    parser = SimpleNamespace(size=128, about={"training_set": "lapa"}, path=Path("runs/lapa-unet"), fingerprint="0")
    plan_of = partial(plans.make_adapter_plan, "unet", "ibugmask", "ibugmask", [parser], "box")
    assert plans.departures(plan_of({}), plan_of, RECIPES, "baker2023") == []
    parser.size = 64
    plan = plan_of({"input": "probabilities", "epochs": 1, "encoder": "resnet18"})
    assert set(plans.departures(plan, plan_of, RECIPES, "baker2023")) == {
        "encoder resnet18, not resnet101", "epochs 1, not 30", "size 64, not 128", "input probabilities, not labels"}


def test_pipnet_by_mountain2022s_recipe_departs_from_mountain2022():
    plan_of = partial(plans.make_landmark_plan, "pipnet", "facesynthetics", "70")
    plan = plan_of({"recipe": "mountain2022", "limit": 1000, "augment": "none"})
    paper = paper_recipe("pipnet", plan.recipe)
    assert plans.departures(plan, plan_of, LANDMARK_RECIPES, paper) == [
        "limit 1000, not all", "augment none, not the recipe's"]
    assert paper == "mountain2022" and paper_recipe("pipnet", "scratch") == paper_recipe("pipnet") == "pipnet"


def test_a_departure_from_steps_is_stated_in_steps():
    plan_of = partial(parser_of_celebamask, "fastscnn", faces=800)
    assert plans.departures(plan_of({"epochs": 4}), plan_of, RECIPES, "zhou2025") == ["epochs 4, not 24000 steps"]


def test_the_encoders_of_pipnets_paper_are_no_departure():
    plan_of = partial(plans.make_landmark_plan, "pipnet", "300w", "68")
    for encoder in ("resnet18", "resnet101", "mobilenet_v2"):
        assert plans.departures(plan_of({"encoder": encoder}), plan_of, LANDMARK_RECIPES, "pipnet") == []


def test_the_class_weights_of_a_recipe_are_left_out_for_other_labels_and_for_losses_without_weights():
    zhou2025 = {"recipe": "zhou2025"}
    assert parser_of_celebamask("fastscnn", {**zhou2025, "labels": "lapa"}).class_weights == "none"
    assert parser_of_celebamask("fastscnn", {**zhou2025, "loss": "dice"}).class_weights == "none"
    assert parser_of_lapa({}).class_weights == "baker2023"


def test_iterations_are_rounded_up_to_epochs():
    """2,000 faces in batches of 8 are 250 steps an epoch: zhou2025's 24,000 steps are 96 epochs. 12 faces in batches of
    4 are 3 steps an epoch: 7 steps are 3 epochs."""
    plan = parser_of_celebamask("bisenetv2_xs", {"recipe": "zhou2025"}, faces=2000)
    assert plan.epochs == 96 and plan.name == "celebamask-bisenetv2_xs"
    assert plan.loss == "ce:0.5+lovasz:0.3+dice" and plan.class_weights == "li2022" and plan.warmup == 500
    plan = plans.make_plan("mobilenetv2", "toy", "lapa", True, {"iterations": 7, "batch": 4}, faces=12)
    assert plan.epochs == 3 and "epochs3" in plan.name
    for options, message in (({"iterations": 7, "epochs": 2}, "both"), ({"iterations": 0}, "1 or more")):
        with pytest.raises(FaceparseError, match=message):
            plans.make_plan("mobilenetv2", "toy", "lapa", True, options, faces=12)


# --- defaults of landmark networks ------------------------------------------------------------------

def test_pipnets_recipe_is_the_published_one():
    plan = plans.make_landmark_plan("pipnet", "300w", "68", {})
    assert (plan.epochs, plan.batch, plan.lr, plan.size, plan.optimizer, plan.align) == (
        60, 16, 1e-4, 256, "adam", "crop")
    factors = [optimization.SCHEDULES["steps"]((epoch + 0.5) / 60) for epoch in (0, 29, 30, 49, 50, 59)]
    assert factors == [1, 1, 0.1, 0.1, 0.01, 0.01]


def test_the_regressors_recipes_are_mountain2022s():
    for arch, encoder, batch in (("regressor", "resnet50", 8), ("regressor_frozen", "mobilenet_v3_large", 32)):
        plan = plans.make_landmark_plan(arch, "facesynthetics", "70", {})
        assert (plan.recipe, plan.encoder, plan.epochs, plan.batch, plan.lr) == (
            RECIPE_OF[arch], encoder, 70, batch, 0.001)
        assert (plan.size, plan.align, plan.encoder_weights) == (244, "none", "imagenet")
        chosen = LANDMARK_RECIPES[RECIPE_OF[arch]]
        assert chosen.loss is None and len(chosen.photometry) == 2 and chosen.jitter.mirror == 0
        assert (chosen.jitter.degrees, chosen.jitter.shift) == (30, 30 / 256)


@pytest.mark.parametrize("arch, encoder, expected", [
    ("regressor", None, ("resnet50", 70, 8, 0.001, 244)),
    ("regressor_frozen", "resnet50", ("resnet50", 70, 8, 0.001, 244)),
    ("regressor", "mobilenet_v3_large", ("mobilenet_v3_large", 70, 32, 0.001, 244)),
    ("regressor_frozen", None, ("mobilenet_v3_large", 70, 32, 0.001, 244)),
    ("pipnet", None, ("resnet18", 60, 16, 0.0001, 256))])
def test_mountain2022s_recipe_has_the_values_of_each_of_its_networks(arch, encoder, expected):
    plan = plans.make_landmark_plan(arch, "facesynthetics", "70", {"recipe": "mountain2022", "encoder": encoder})
    assert (plan.encoder, plan.epochs, plan.batch, plan.lr, plan.size) == expected
    assert (plan.align, plan.points, plan.stride, plan.neighbors) == ("none", "68", 32, 10)
    assert plan.schedule == "constant"
    chosen = recipe("mountain2022", LANDMARK_RECIPES, (plan.encoder, arch))
    assert chosen.nme_by == "inter-pupil" and chosen.photometry == LANDMARK_RECIPES["mountain2022"].photometry


def test_a_network_departs_from_its_own_values_of_a_recipe():
    plan_of = partial(plans.make_landmark_plan, "regressor", "facesynthetics", "70")
    assert plans.departures(plan_of({}), plan_of, LANDMARK_RECIPES, "mountain2022") == []
    plan = plan_of({"encoder": "mobilenet_v3_large"})  # the report trains it frozen alone
    assert plans.departures(plan, plan_of, LANDMARK_RECIPES, "mountain2022") == [
        "encoder mobilenet_v3_large, not resnet50"]
    assert plan.name == "facesynthetics-regressor-mobilenet_v3_large"


def test_pipnet_crops_lapa_wider_than_300w():
    assert plans.make_landmark_plan("pipnet", "lapa", "106", {}).align == "crop-wide"
    assert plans.make_landmark_plan("pipnet", "lapa", "106", {}).name == "lapa-pipnet"
    assert plans.make_landmark_plan("pipnet", "300w", "68", {}).align == "crop"


def test_every_landmark_network_has_a_recipe_and_drawn_faces_have_their_own():
    assert {RECIPE_OF.get(arch, arch) for arch in models.LANDMARKERS} <= LANDMARK_RECIPES.keys()
    for arch in models.LANDMARKERS:
        assert default_recipe("300w", arch) == RECIPE_OF.get(arch, arch) and default_recipe("toywild", arch) == "toy"
        plan = plans.make_landmark_plan(arch, "toy", "106", {})
        assert (plan.recipe, plan.limit, plan.size, plan.align, plan.name) == (
            "toy", 1500, 128, "none", f"toy-{arch}")
        encoders = {"pipnet": "resnet18", "regressor": "mobilenet_v3_large", "regressor_frozen": "mobilenet_v3_large"}
        assert plan.encoder == encoders.get(arch)  # hourglasses have no choice of encoders


# --- names ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("options, name", [
    ({}, "lapa-unet"), ({"encoder": "resnet18", "seed": 1}, "lapa-unet-resnet18-seed1"),
    ({"align": "none", "recipe": "scratch", "lr": 0.5}, "lapa-unet-scratch-lr0.5-align_none"),
])
def test_a_runs_name_has_the_options_that_differ_from_the_recipe(options, name):
    assert parser_of_lapa(options).name == name


def test_a_mixed_runs_name_has_the_ratio():
    plan = plans.make_plan("unet", "mixed", "lapa", True, {"mix": "8:2", "encoder": "resnet18", "seed": 1})
    assert plan.name == "mixed-8:2-unet-resnet18-seed1"


def test_runs_that_start_from_different_public_files_have_different_names():
    names = [parser_of_toys({"init": f"weights/{file}.pt"}).name for file in ("smp", "ours")]
    assert names == ["toy-unet-init_smp", "toy-unet-init_ours"]


def test_a_runs_name_has_the_stem_of_its_landmark_sets_file():
    plan = plans.make_landmark_plan("pipnet", "toy", "106", {"points": "sets/mine.json"})
    assert (plan.name, plan.training_set) == ("toy-pipnet-mine", "toy-mine") and plan.points == "sets/mine.json"


def test_no_landmark_network_has_the_name_of_a_parser():
    assert not models.MODELS.keys() & models.LANDMARKERS.keys()


# --- values that are refused ------------------------------------------------------------------------

@pytest.mark.parametrize("options, message", [
    ({"size": 4}, "--size 4: .*8 to 8192"), ({"size": 9000}, "--size 9000"),
    ({"seed": 10**23}, "--seed"), ({"seed": -2**63}, "--seed")])
def test_a_size_or_seed_out_of_range_is_refused(options, message):
    """Mirrored borders need 8 pixels, load_any accepts no crop above 8192, and PyTorch's seeds have 64 bits."""
    for make in (parser_of_toys, partial(plans.make_landmark_plan, "pipnet", "toy", "68")):
        with pytest.raises(FaceparseError, match=message):
            make(options)


@pytest.mark.parametrize("options, message", [
    ({"loss": "sigmoid"}, "--loss is for parsers"), ({"labels": "lapa"}, "--labels"),
    ({"mix_real": "lapa"}, "--mix-real"), ({"lr": -1.0}, "--lr"),
    ({"augment": "all+turn"}, "'turn' is no augmentation"),
    ({"recipe": "baker2023"}, "is for parsers")])
def test_a_landmark_plan_refuses_options_of_parsers_and_values_out_of_range(options, message):
    with pytest.raises(FaceparseError, match=message):
        plans.make_landmark_plan("pipnet", "300w", "68", options)


@pytest.mark.parametrize("arch, options, what", [
    ("unet", {"aux_weight": 0.2}, "auxiliary heads"), ("segformer", {"aux_weight": 0.4}, "auxiliary heads"),
    ("unet", {"alpha": 1.0}, "boundary attention"), ("bass_a", {"alpha": 1.0}, "boundary attention"),
    ("bass_b", {"alpha": 1.0}, "boundary attention"),
    ("fastscnn", {"encoder_weights": "imagenet"}, "no encoder"),
    ("unet", {"encoder_weights": "imagenet", "init": "runs/one"}, "--init, which has all weights")])
def test_an_option_without_an_effect_on_the_network_is_refused(arch, options, what):
    with pytest.raises(FaceparseError, match=f"changes nothing .*{what}.*: leave it out"):
        plans.make_plan(arch, "lapa", "lapa", True, options)


def test_an_option_of_a_network_is_accepted_where_it_has_an_effect():
    assert parser_of_celebamask("bisenetv2_xs", {"aux_weight": 0.8}).aux_weight == 0.8
    assert plans.make_plan("bass_c", "lapa", "lapa", True, {"alpha": 1.0}).alpha == 1
    assert parser_of_celebamask("fastscnn", {"encoder_weights": "none"}).encoder is None
    with pytest.raises(FaceparseError, match="--mean-face changes nothing for regressor"):
        plans.make_landmark_plan("regressor", "toy", "68", {"mean_face": "meanface.txt"})


@pytest.mark.parametrize("arch", models.MODELS)
def test_the_weight_of_auxiliary_heads_is_an_option_of_the_networks_that_have_them(arch):
    with torch.device("meta"):
        model = models.build(arch)
    has_heads = any(name.startswith("aux_heads.") for name, _ in model.named_parameters())
    assert models.has_option(arch, "aux_weight") == has_heads


def test_a_parsers_plan_refuses_options_of_landmark_networks():
    for options in ({"points": "68"}, {"recipe": "pipnet"}, {"mean_face": "meanface.txt"}):
        with pytest.raises(FaceparseError, match="for landmarks"):
            parser_of_toys(options)
