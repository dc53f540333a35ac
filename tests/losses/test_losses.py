"""The losses against values worked by hand, the plain formula, other libraries' and numerical gradients."""
import math

import pytest
import torch
import torch.nn.functional as F

from faceparse import metrics
from faceparse.errors import FaceparseError
from faceparse.labels import CELEBAMASK_NAMES, LABEL_SETS
from faceparse.losses.cross_entropy import softmax_cross_entropy
from faceparse.losses.dice import dice
from faceparse.losses.focal import focal
from faceparse.losses.lovasz import lovasz_softmax
from faceparse.losses.named import LOSSES, WEIGHTED, activation, loss_terms, sum_of_losses
from faceparse.losses.over_classes_fast import _all_at_once, _class_by_class, _lovasz_by_counting, _lovasz_by_sorting
from faceparse.losses.sigmoid import sigmoid_cross_entropy
from faceparse.losses.weights import choose_weights, class_weights
from faceparse.models.auxiliary import with_auxiliary
from faceparse.training.tasks import Adapting, Parsing

LAPA, CELEBAMASK = LABEL_SETS["lapa"], LABEL_SETS["celebamask"]
OF_SOFTMAX = [softmax_cross_entropy, lovasz_softmax, dice, focal]


def plain_sigmoid_cross_entropy(logits, target, weights):
    valid = (target != 255)[:, None]  # (B, 1, H, W)
    one_hot = F.one_hot(target.long().where(target != 255, 0), logits.shape[1]).permute(0, 3, 1, 2).to(logits.dtype)
    loss = F.binary_cross_entropy_with_logits(logits, one_hot, reduction="none")
    return (loss * weights[:, None, None] * valid).sum() / (valid.sum() * logits.shape[1])


def example(classes=5, scale=4.0, dtype=torch.float32):
    torch.manual_seed(0)
    logits = torch.randn(3, classes, 7, 9, dtype=dtype) * scale
    target = torch.randint(0, classes, (3, 7, 9), dtype=torch.uint8)
    target[torch.rand(3, 7, 9) < 0.2] = 255
    return logits, target, torch.rand(classes) + 0.1


def gradient(loss, logits, *args):
    logits = logits.detach().clone().requires_grad_()
    value = loss(logits, *args)
    value.backward()
    return value.detach(), logits.grad


def test_class_weights_are_one_less_the_pixel_share():
    assert class_weights([70, 20, 10]).tolist() == pytest.approx([0.3, 0.8, 0.9])
    assert class_weights(torch.tensor([70, 20, 10])).dtype == torch.float32


def test_class_weights_of_masks_without_a_valid_pixel_are_ones():
    assert class_weights([0, 0]).tolist() == [1, 1]


def test_sigmoid_cross_entropy_by_hand():
    # Two pixels, two classes; the second pixel is ignored. Pixel 1 has logits 0 and ln 3, class 1.
    # Class 0: weight 0.5 x -log(1 - 1/2) = 0.5 ln 2. Class 1: weight 2 x -log(3/4) = 2 ln(4/3). Mean of the two.
    logits = torch.tensor([0.0, math.log(3)]).view(1, 2, 1, 1).repeat(1, 1, 1, 2)
    target = torch.tensor([[[1, 255]]], dtype=torch.uint8)
    expected = (0.5 * math.log(2) + 2 * math.log(4 / 3)) / 2
    assert sigmoid_cross_entropy(logits, target, torch.tensor([0.5, 2.0])).item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_sigmoid_cross_entropy_equals_the_one_hot_formula(memory_format):
    logits, target, weights = example()
    logits = logits.contiguous(memory_format=memory_format)
    for target in (target, target.long()):
        loss, slope = gradient(sigmoid_cross_entropy, logits, target, weights)
        expected, expected_slope = gradient(plain_sigmoid_cross_entropy, logits.double(), target, weights.double())
        torch.testing.assert_close(loss.double(), expected, rtol=1e-6, atol=0)
        torch.testing.assert_close(slope.double(), expected_slope, rtol=1e-5, atol=1e-9)
        assert slope.is_contiguous(memory_format=memory_format)


def test_sigmoid_cross_entropy_gradient_equals_differences():
    logits, target, weights = example(classes=3, scale=1.0)
    _, slope = gradient(lambda z, *rest: 7 * sigmoid_cross_entropy(z, *rest), logits, target, weights)
    step = 0.3 * slope / slope.norm()
    rise = 7 * (sigmoid_cross_entropy(logits + step, target, weights)
                - sigmoid_cross_entropy(logits - step, target, weights))
    assert (slope * 2 * step).sum().item() == pytest.approx(rise.item(), rel=1e-3)


def test_sigmoid_cross_entropy_is_finite_for_huge_logits():
    logits = torch.tensor([1e4, -1e4, -1e4, 1e4]).view(1, 2, 1, 2)  # pixel 1: right by far, pixel 2: wrong by far
    target = torch.tensor([[[0, 0]]])
    loss, slope = gradient(sigmoid_cross_entropy, logits, target)
    assert loss.item() == pytest.approx((0 + 0 + 1e4 + 1e4) / 4)
    assert slope.flatten().tolist() == [0.0, -0.25, 0.0, 0.25]


@pytest.mark.parametrize("weighted", [False, True])
def test_softmax_cross_entropy_equals_torch(weighted):
    logits, target, weights = example()
    weights = weights if weighted else None
    loss, slope = gradient(softmax_cross_entropy, logits, target, weights)
    expected, expected_slope = gradient(
        lambda z: F.cross_entropy(z, target.long(), weights, ignore_index=255), logits)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(slope, expected_slope)


def test_weighted_softmax_cross_entropy_divides_by_the_targets_weights():
    # One pixel of weight 3 and one of weight 1, both with loss ln 2: the mean is ln 2 whatever the weights are.
    loss = softmax_cross_entropy(torch.zeros(1, 2, 1, 2), torch.tensor([[[0, 1]]]), torch.tensor([3.0, 1.0]))
    assert loss.item() == pytest.approx(math.log(2))


def by_hand():
    """Four pixels of two classes; class 1 has probability 0.6, 0.7, 0.1, and the last pixel is ignored."""
    p = torch.tensor([0.6, 0.7, 0.1, 0.99])
    return torch.stack([1 - p, p]).log()[None, :, None], torch.tensor([[[1, 0, 0, 255]]], dtype=torch.uint8)


def test_lovasz_by_hand():
    # Class 1 has one pixel; errors 0.7 (other), 0.4 (own), 0.1 (other). The Jaccard loss of the first, the first two
    # and all three is 1/2, 1, 1: 0.7 / 2 + 0.4 / 2 = 0.55. Class 0 has two; errors 0.7 (own), 0.4 (other), 0.1 (own),
    # Jaccard losses 1/2, 2/3, 1: 0.7 / 2 + 0.4 / 6 + 0.1 / 3 = 0.45.
    assert lovasz_softmax(*by_hand()).item() == pytest.approx((0.55 + 0.45) / 2, rel=1e-6)


def test_dice_by_hand():
    # Class 1: 1 - 2 x 0.6 / (0.6 + 0.7 + 0.1 + 1) = 1/2. Class 0: 1 - 2 x (0.3 + 0.9) / (0.4 + 0.3 + 0.9 + 2) = 1/3.
    assert dice(*by_hand()).item() == pytest.approx((1 / 2 + 1 / 3) / 2, rel=1e-6)


def test_focal_by_hand():
    # True classes have 0.6, 0.3 and 0.9.
    expected = -(0.4 ** 2 * math.log(0.6) + 0.7 ** 2 * math.log(0.3) + 0.1 ** 2 * math.log(0.9)) / 3
    assert focal(*by_hand()).item() == pytest.approx(expected, rel=1e-6)


def test_lovasz_takes_the_batch_together():
    logits, target = by_hand()
    assert lovasz_softmax(logits.permute(3, 1, 2, 0), target.permute(2, 1, 0)).item() == pytest.approx(0.5, rel=1e-6)


def plain_lovasz(logits, target):
    """The definition: of each class the errors, from the largest, times what they add to the Jaccard loss."""
    p, target = logits.softmax(1).movedim(1, 0)[:, target != 255], target[target != 255]
    losses = []
    for c in target.unique():
        truth = target == c
        errors, order = torch.where(truth, 1 - p[c], p[c]).sort(descending=True)
        wrong = truth[order].to(p.dtype).cumsum(0), (~truth[order]).to(p.dtype).cumsum(0)  # of the class, of others
        jaccard = 1 - (truth.sum() - wrong[0]) / (truth.sum() + wrong[1])
        losses.append((errors * jaccard.diff(prepend=jaccard.new_zeros(1))).sum())
    return torch.stack(losses).mean()


def larger_example(scale):
    """Predictions that are often right, of a label map that lacks a class and has ignored pixels."""
    torch.manual_seed(0)
    logits = scale * torch.randn(2, 6, 40, 50)
    target = logits.argmax(1).where(torch.rand(2, 40, 50) < 0.5, torch.randint(0, 5, (2, 40, 50)))
    target[target == 2] = 1
    target[torch.rand(2, 40, 50) < 0.2] = 255
    return logits, target


@pytest.mark.parametrize("scale", [0.1, 4.0, 20.0])  # the last one saturates float32's softmax
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_lovasz_equals_the_definition_in_float64(scale, memory_format):
    logits, target = larger_example(scale)
    logits = logits.contiguous(memory_format=memory_format)
    loss, slope = gradient(lovasz_softmax, logits, target.to(torch.uint8))
    expected, expected_slope = gradient(plain_lovasz, logits.double(), target)
    torch.testing.assert_close(loss.double(), expected, rtol=1e-6, atol=0)
    torch.testing.assert_close(slope.double(), expected_slope, rtol=1e-4, atol=1e-4 * expected_slope.abs().max().item())
    assert slope.is_contiguous(memory_format=memory_format)


@pytest.mark.parametrize("scale", [0.1, 4.0])
def test_lovasz_equals_segmentation_models_pytorch(scale):
    smp = pytest.importorskip("segmentation_models_pytorch")
    logits, target = larger_example(scale)
    loss, slope = gradient(lovasz_softmax, logits, target)
    expected, expected_slope = gradient(smp.losses.LovaszLoss("multiclass", ignore_index=255), logits, target)
    torch.testing.assert_close(loss, expected, rtol=1e-5, atol=0)  # their differences of neighbours are rounded
    torch.testing.assert_close(slope, expected_slope, rtol=1e-2, atol=1e-3 * expected_slope.abs().max().item())


def test_dice_equals_segmentation_models_pytorch():
    smp = pytest.importorskip("segmentation_models_pytorch")
    theirs = smp.losses.DiceLoss("multiclass", ignore_index=255)
    logits, target, _ = example(dtype=torch.float64)
    for target in (target, target.where(target != 3, 1)):
        present = len(target.unique()) - 1
        loss, slope = gradient(dice, logits, target)
        expected, expected_slope = gradient(  # an absent class counts 0 in their mean
            lambda z: theirs(z, target.long()) * 5 / present, logits)
        torch.testing.assert_close(loss, expected)
        torch.testing.assert_close(slope, expected_slope)


def test_focal_of_two_classes_equals_torchvisions_of_one_logit():
    from torchvision.ops import sigmoid_focal_loss
    logits, target, _ = example(classes=2, dtype=torch.float64)
    valid = target != 255
    loss, slope = gradient(focal, logits, target)
    expected, expected_slope = gradient(lambda z: sigmoid_focal_loss(
        (z[:, 1] - z[:, 0])[valid], target[valid].double(), alpha=-1, gamma=2, reduction="mean"), logits)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(slope, expected_slope)


def test_focal_without_focus_is_cross_entropy():
    logits, target, _ = example()
    torch.testing.assert_close(focal(logits, target, gamma=0.0), softmax_cross_entropy(logits, target))


@pytest.mark.parametrize("loss", OF_SOFTMAX)
def test_gradients_equal_differences(loss):
    torch.manual_seed(0)
    logits = torch.randn(2, 3, 3, 4, dtype=torch.float64, requires_grad=True)
    target = torch.randint(0, 3, (2, 3, 4))
    target[0, 0, 0] = 255
    assert torch.autograd.gradcheck(lambda z: 3 * loss(z, target), [logits])


def hard_prediction():
    """Logits that leave no doubt, right at about half of the pixels."""
    logits, target, _ = example()
    predicted = logits.argmax(1).where(torch.rand(target.shape) < 0.5, target.long().clamp(max=4))
    return 200 * F.one_hot(predicted, 5).permute(0, 3, 1, 2).float(), target, predicted


def test_lovasz_and_dice_of_hard_predictions_are_what_mean_iou_and_mean_f1_leave():
    logits, target, predicted = hard_prediction()
    found = metrics.scores(metrics.confusion(target, predicted.to(torch.uint8), 5).sum(0))
    assert lovasz_softmax(logits, target).item() == pytest.approx(1 - found.iou.mean(), rel=1e-5)
    assert dice(logits, target).item() == pytest.approx(1 - found.f1.mean(), rel=1e-5)


def test_lovasz_of_a_hard_prediction_equals_torchmetrics_jaccard_index():
    torchmetrics = pytest.importorskip("torchmetrics")
    logits, target, predicted = hard_prediction()
    jaccard = torchmetrics.functional.jaccard_index(predicted, target.long(), "multiclass", num_classes=5,
                                                    ignore_index=255)
    assert lovasz_softmax(logits, target).item() == pytest.approx(1 - jaccard.item(), rel=1e-5)


@pytest.mark.parametrize("loss", OF_SOFTMAX)
@pytest.mark.parametrize("margin", [50, 1e4])
def test_a_perfect_prediction_costs_nothing(loss, margin):
    _, target, _ = example()
    logits = margin * F.one_hot(target.long().clamp(max=4), 5).permute(0, 3, 1, 2).float()
    value, slope = gradient(loss, logits, target)
    assert value.item() == pytest.approx(0, abs=1e-6) and slope.abs().max() < 1e-6


@pytest.mark.parametrize("loss", [lovasz_softmax, dice])
def test_a_prediction_without_one_right_pixel_costs_one(loss):
    _, target, _ = example()
    logits = 50 * F.one_hot((target.long() + 1) % 5, 5).permute(0, 3, 1, 2).float()
    value, slope = gradient(loss, logits, target)
    assert value.item() == pytest.approx(1) and torch.isfinite(slope).all()


@pytest.mark.parametrize("loss", OF_SOFTMAX)
def test_the_order_of_pixels_and_of_classes_does_not_matter(loss):
    logits, target, _ = example()
    value, slope = gradient(loss, logits, target)
    order = torch.randperm(63)
    moved = gradient(loss, logits.flatten(2)[..., order].view_as(logits), target.flatten(1)[:, order].view_as(target))
    torch.testing.assert_close(moved, (value, slope.flatten(2)[..., order].view_as(slope)))
    order = torch.tensor([3, 0, 4, 1, 2])  # class c becomes order.argsort()[c]
    renamed = torch.cat([order.argsort(), torch.full((251,), 255)])[target.long()]
    torch.testing.assert_close(gradient(loss, logits[:, order], renamed), (value, slope[:, order]))


@pytest.mark.parametrize("loss", [lovasz_softmax, dice])
def test_classes_that_the_batch_lacks_are_left_out_of_the_mean(loss):
    logits, target = by_hand()
    logits = torch.cat([logits, torch.full((1, 3, 1, 4), -100.0)], 1)
    assert loss(logits, target).item() == pytest.approx(loss(*by_hand()).item(), rel=1e-6)


def test_lovasz_of_logits_that_are_not_numbers_is_not_a_number():
    logits, target, _ = example()
    logits[1, 2, 3, 4], target[1, 3, 4] = math.nan, 0
    assert math.isnan(lovasz_softmax(logits, target).item())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("loss", [*OF_SOFTMAX, sigmoid_cross_entropy])
def test_a_gpu_computes_the_same(loss):
    logits, target, _ = example()
    there = gradient(loss, logits.cuda(), target.cuda())
    tolerance = dict(rtol=1e-3, atol=1e-5) if loss is lovasz_softmax else {}  # counted in intervals there
    torch.testing.assert_close([part.cpu() for part in there], list(gradient(loss, logits, target)), **tolerance)


@pytest.mark.parametrize("word", LOSSES)
@pytest.mark.parametrize("weighted", [False, True])
def test_a_batch_of_ignored_pixels_has_no_loss_and_no_gradient(word, weighted):
    logits, target, weights = example()
    rest = (weights,) if weighted and word in WEIGHTED else ()
    value, slope = gradient(LOSSES[word], logits, torch.full_like(target, 255), *rest)
    assert value.item() == 0
    assert slope.abs().max().item() == 0


@pytest.mark.parametrize("loss", LOSSES.values())
def test_ignored_pixels_take_no_part(loss):
    logits, target, _ = example()
    value, slope = gradient(loss, logits, target)
    ignored = (target == 255)[:, None].expand_as(slope)
    assert slope[ignored].abs().max() == 0 and slope[~ignored].abs().min() > 0
    assert loss(logits.where(~ignored, 20 * torch.randn_like(logits)), target).item() == pytest.approx(value.item())


@pytest.mark.parametrize("loss", LOSSES.values())
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_every_memory_format_and_type_of_target_gives_the_same(loss, memory_format):
    logits, target, _ = example()
    expected = gradient(loss, logits, target)
    for kind in (torch.uint8, torch.int32, torch.int64):
        found = gradient(loss, logits.contiguous(memory_format=memory_format), target.to(kind))
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("loss", LOSSES.values())
def test_bfloat16_logits_are_computed_in_float32(loss):
    logits, target, _ = example()
    logits = logits.bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        value, slope = gradient(loss, logits, target)
    assert value.dtype == torch.float32 and slope.dtype == torch.bfloat16
    torch.testing.assert_close(value, loss(logits.float(), target), rtol=1e-6, atol=0)


@pytest.mark.parametrize("loss", [dice, lovasz_softmax])
def test_a_scaled_loss_keeps_the_gradient_of_float16_logits(loss):
    # A million pixels' slopes of some 1e-8 are nothing in float16; a scale of 65,536, as GradScaler's, lifts them.
    torch.manual_seed(0)
    target = torch.randint(0, 3, (1, 1000, 1000))
    logits = torch.randn(1, 3, 1000, 1000).half()
    slopes = [torch.autograd.grad(65536 * loss(z, target), z)[0]
              for z in (logits.requires_grad_(), logits.detach().float().requires_grad_())]
    assert slopes[0].dtype == torch.float16
    torch.testing.assert_close(slopes[0].float(), slopes[1], rtol=2e-3, atol=1e-6)


@pytest.mark.parametrize("name, terms", [
    ("softmax", {"ce": 1}), ("ce", {"ce": 1}), ("sigmoid", {"sigmoid": 1}), ("sigmoid:2", {"sigmoid": 2}),
    ("ce:1+lovasz:2", {"ce": 1, "lovasz": 2}), ("ce+lovasz:2+dice:0.5", {"ce": 1, "lovasz": 2, "dice": 0.5}),
    ("softmax:.5+lovasz:0.3+dice", {"ce": 0.5, "lovasz": 0.3, "dice": 1}), ("ce+focal", {"ce": 1, "focal": 1})])
def test_names_of_losses(name, terms):
    assert loss_terms(name) == terms
    assert activation(name) == ("sigmoid" if "sigmoid" in name else "softmax")


@pytest.mark.parametrize("name, said", [
    ("lovas", "'lovas' is none of ce, lovasz, dice, focal, sigmoid"), ("", "'' is none of"), ("ce+", "'' is none of"),
    ("ce,dice", "'ce,dice' is none of"), ("ce + dice", "'ce ' is none of"), ("ce+softmax", "names ce twice"),
    ("dice:1+dice:2", "names dice twice"), ("ce:0", "'0' should be a factor above 0"), ("ce:-1", "'-1' should be"),
    ("ce:", "'' should be"), ("ce:nan", "'nan' should be"), ("ce:inf", "'inf' should be"), ("ce:two", "'two' should"),
    ("sigmoid+lovasz", "sigmoid cannot be summed"), ("ce+dice+sigmoid:2", "sigmoid cannot be summed")])
def test_names_of_no_loss_are_refused_in_one_line(name, said):
    with pytest.raises(FaceparseError) as error:
        loss_terms(name)
    assert said in str(error.value) and f"--loss {name}" in str(error.value) and "\n" not in str(error.value)


def test_a_sum_weighs_its_terms_and_class_weights_weigh_cross_entropy_alone():
    logits, target, weights = example()
    found = sum_of_losses(loss_terms("ce:0.5+lovasz:0.3+dice+focal:2"), logits, target, weights)
    expected = (0.5 * softmax_cross_entropy(logits, target, weights) + 0.3 * lovasz_softmax(logits, target)
                + dice(logits, target) + 2 * focal(logits, target))
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(sum_of_losses({"sigmoid": 2.0}, logits, target, weights),
                               2 * sigmoid_cross_entropy(logits, target, weights))


def test_auxiliary_logits_are_upsampled_without_aligned_corners():
    # From 2 pixels to 4 the values 0 and 1 become 0, 1/4, 3/4, 1.
    seen = []
    outputs = {"out": torch.zeros(1, 1, 2, 4), "aux": [torch.tensor([0.0, 1.0]).view(1, 1, 1, 2).bfloat16()]}
    with_auxiliary(lambda z, t: seen.append(z) or z.sum(), outputs, torch.zeros(1, 2, 4))
    assert seen[1].dtype == torch.float32 and seen[1].tolist() == [[[[0, 0.25, 0.75, 1]] * 2]]


def test_auxiliary_heads_of_weight_zero_are_not_scored_and_have_gradients_of_zero():
    # Zeros and not None: DistributedDataParallel waits for the gradient of every parameter.
    scored = []
    outputs = {"out": torch.ones(1, 2, 4, 4, requires_grad=True), "aux": [torch.ones(1, 2, 2, 2, requires_grad=True)] * 2}
    total = with_auxiliary(lambda z, t: scored.append(z) or z.sum(), outputs, torch.zeros(1, 4, 4), weight=0.0)
    total.backward()
    assert total == 32 and len(scored) == 1
    assert outputs["aux"][0].grad.tolist() == torch.zeros(1, 2, 2, 2).tolist() and outputs["out"].grad.min() == 1


@pytest.mark.parametrize("name", ["sigmoid", "ce+lovasz:2"])
def test_parsing_adds_the_weighted_loss_of_every_auxiliary_head(name):
    logits, target, weights = example(classes=11)
    torch.manual_seed(1)
    aux = [torch.randn(3, 11, 4, 5, requires_grad=True), torch.randn(3, 11, 2, 3, requires_grad=True)]
    task = Parsing(LAPA, name, None, None, weights, aux_weight=0.7)
    alone = task.loss({"out": logits}, {"mask": target})
    torch.testing.assert_close(alone, sum_of_losses(loss_terms(name), logits, target, weights))
    value = task.loss({"out": logits, "aux": aux}, {"mask": target})
    heads = [task.loss({"out": F.interpolate(z, (7, 9), mode="bilinear")}, {"mask": target}) for z in aux]
    torch.testing.assert_close(value, alone + 0.7 * sum(heads))
    value.backward()
    assert all(z.grad.abs().max() > 0 for z in aux)


def test_an_auxiliary_head_weighs_0_4_unless_told_otherwise():
    logits, target, _ = example(classes=11)
    task = Parsing(LAPA, "ce+dice", None, None)
    value, alone = (task.loss(outputs, {"mask": target}).item() for outputs in (
        {"out": logits, "aux": [logits]}, {"out": logits}))
    assert value == pytest.approx(1.4 * alone)


@pytest.mark.parametrize("name, expected", [("sigmoid", "sigmoid"), ("softmax", "softmax"), ("ce+lovasz:2", "softmax")])
def test_tasks_tell_the_activation_of_their_loss(name, expected):
    assert Parsing(LAPA, name, None, None).activation == Adapting(LAPA, name, [], "onehot").activation == expected


def test_class_weights_by_name():
    counts = [90] + [1] * 10
    assert choose_weights("none", LAPA, "ce") is None
    assert choose_weights("baker2023", LAPA, "sigmoid", lambda: counts).tolist() == pytest.approx([0.1] + [0.99] * 10)
    assert choose_weights("baker2023", LAPA, "sigmoid") is None  # checked, not counted
    listed = choose_weights("0,0.5,1,1,1,1,1,1,1,1,2", LAPA, "ce+dice")
    assert listed.tolist() == [0, 0.5, 1, 1, 1, 1, 1, 1, 1, 1, 2] and listed.dtype == torch.float32
    some = choose_weights("hair:2,nose:1.5", LAPA, "softmax")
    assert dict(zip(LAPA.names, some.tolist())) == {**dict.fromkeys(LAPA.names, 1), "hair": 2, "nose": 1.5}


def test_class_weights_of_seed_001():
    weights, high = (dict(zip(CELEBAMASK_NAMES, choose_weights(f"li2022{kind}", CELEBAMASK, "ce+lovasz:2").tolist()))
                     for kind in ("", "-high"))
    assert (weights["skin"], weights["l_ear"], weights["ear_r"], weights["neck_l"], weights["neck"]) == pytest.approx(
        (0.95, 1.05, 1.5, 2, 1))
    assert (high["skin"], high["l_ear"], high["ear_r"], high["neck_l"], high["neck"]) == pytest.approx(
        (0.9, 1.1, 2, 3, 1))


@pytest.mark.parametrize("given, loss, said", [
    ("1,2,3", "ce", "11 numbers for the classes of lapa"), ("balanced", "ce", "should be none, baker2023, li2022"),
    ("", "ce", "should be none"), ("1" + ",x" * 10, "ce", "numbers from 0"), ("1" + ",-1" * 10, "ce", "numbers from 0"),
    ("1" + ",inf" * 10, "ce", "numbers from 0"), ("0" + ",0" * 10, "ce", "not all of them 0"),
    ("hair:2,hat:3", "ce", "'hat' is no class of lapa"), ("hair:2,3", "ce", "'3' is no class"),
    ("hair:", "ce", "numbers from 0"), ("hair:much", "ce", "numbers from 0"), ("hair:-1", "ce", "numbers from 0"),
    ("li2022", "ce", "is for the classes of celebamask, not of lapa"),
    ("baker2023", "lovasz+dice", "--loss lovasz+dice has neither: give none, or add ce")])
def test_class_weights_that_cannot_be_are_refused_in_one_line(given, loss, said):
    with pytest.raises(FaceparseError) as error:
        choose_weights(given, LAPA, loss)
    assert said in str(error.value) and f"--class-weights {given}" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("scale", [0.1, 1, 4])
def test_lovasz_by_counting_is_lovasz_by_sorting(scale):
    """As on a GPU: errors in 4096 intervals, equal within one."""
    logits, target = larger_example(scale)
    for c in range(logits.shape[1]):
        truth = target.flatten()[None] == c
        if not truth.any():
            continue  # an absent class has no loss
        p = (logits.softmax(1)[:, c].flatten()).masked_fill(target.flatten() == 255, 0)[None]
        loss, slope = _lovasz_by_counting(p, truth, truth.sum(1, keepdim=True))
        expected, expected_slope = _lovasz_by_sorting(p, truth, truth.sum(1, keepdim=True))
        assert loss.item() == pytest.approx(expected.item(), abs=1e-5)
        assert (slope - expected_slope).mul(p * (1 - p)).norm() < 2e-3 * expected_slope.mul(p * (1 - p)).norm()


def test_lovasz_by_counting_is_exact_where_each_interval_holds_one_error():
    p = torch.tensor([[0.9, 0.6, 0.3, 0.75, 0.1]])
    truth = torch.tensor([[True, False, True, True, False]])  # errors 0.1, 0.6, 0.7, 0.25, 0.1: the last two tie
    loss, slope = _lovasz_by_counting(p, truth, torch.tensor([[3]]))
    # largest first: 0.7 own 1/3; 0.6 other (3 - 1) / (4 * 3); 0.25 own 1/4; then 0.1 own and 0.1 other share an interval
    # that adds 1/4: own (1/4 + 1/5) / 2, the other (1 + 0) / (2 * 4 * 5)
    assert slope[0].tolist() == pytest.approx([-0.225, 2 / 12, -1 / 3, -0.25, 0.025])
    assert loss.item() == pytest.approx(0.7 / 3 + 0.6 * 2 / 12 + 0.25 / 4 + 0.1 * 0.25)


@pytest.mark.parametrize("factors", [{"dice": 1.0}, {"lovasz": 2.0}, {"dice": 1.0, "lovasz": 0.3}])
@pytest.mark.parametrize("case", ["all classes", "one is absent", "nothing is labelled"])
def test_all_classes_at_once_is_a_class_after_the_other(factors, case):
    """As on a GPU, and as on a CPU."""
    logits, target = larger_example(1)
    target = target.flatten()
    if case == "one is absent":
        target[target == 2] = 255
    if case == "nothing is labelled":
        target[:] = 255
    p = logits.movedim(1, 0).flatten(1).softmax(0).masked_fill(target == 255, 0)
    for found, expected in zip(_all_at_once(p, target, factors), _class_by_class(p, target, factors)):
        assert found.shape == expected.shape and (found - expected).norm() <= 2e-3 * expected.norm()
