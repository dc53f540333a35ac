"""Boundary maps against drawings and a slow reference; equations (3) and (4) of BASS by hand and against PyTorch's."""
import math

import pytest
import torch
from torch.nn import functional as F

from faceparse.losses.boundary import boundary_attention_loss, boundary_loss, boundary_map
from faceparse.losses.cross_entropy import softmax_cross_entropy

SIDES = ((-1, 0), (1, 0), (0, -1), (0, 1))
AROUND = tuple((y, x) for y in (-1, 0, 1) for x in (-1, 0, 1))


def slow_boundary_map(labels):
    """Pixel by pixel: the four neighbours, then the nine around."""
    count, height, width = labels.shape
    labels = labels.tolist()

    def edge(picture, y, x):
        inside = [(y + dy, x + dx) for dy, dx in SIDES if 0 <= y + dy < height and 0 <= x + dx < width]
        return picture[y][x] != 255 and any(picture[v][u] not in (255, picture[y][x]) for v, u in inside)

    return torch.tensor([[[255 if picture[y][x] == 255 else
                           int(any(edge(picture, y + dy, x + dx) for dy, dx in AROUND
                                   if 0 <= y + dy < height and 0 <= x + dx < width))
                           for x in range(width)] for y in range(height)] for picture in labels], dtype=torch.uint8)


def random_labels(*size, ignored=0.3):
    labels = torch.randint(0, 3, size, dtype=torch.uint8)
    labels[torch.rand(size) < ignored] = 255
    return labels


def gradient(loss, logits, *args):
    logits = logits.detach().clone().requires_grad_()
    value = loss(logits, *args)
    value.backward()
    return value.detach(), logits.grad


# ---- the map

def test_a_straight_edge_is_two_pixels_wide_on_either_side():
    labels = torch.tensor([[[0] * 5 + [4] * 4] * 3])
    assert boundary_map(labels).tolist() == [[[0, 0, 0, 1, 1, 1, 1, 0, 0]] * 3]


def test_a_single_pixel_is_a_disc_of_its_neighbours_dilated():
    labels = torch.zeros(1, 7, 7, dtype=torch.uint8)
    labels[0, 3, 3] = 1
    assert boundary_map(labels)[0].tolist() == [
        [0, 0, 0, 0, 0, 0, 0],
        [0, 0, 1, 1, 1, 0, 0],
        [0, 1, 1, 1, 1, 1, 0],
        [0, 1, 1, 1, 1, 1, 0],
        [0, 1, 1, 1, 1, 1, 0],
        [0, 0, 1, 1, 1, 0, 0],
        [0, 0, 0, 0, 0, 0, 0]]


def test_ignored_pixels_do_not_count_as_neighbours_and_stay_ignored():
    row = [0, 0, 0, 255, 1, 1, 1]  # parted by a pixel that nobody labelled
    assert boundary_map(torch.tensor([[row]])).tolist() == [[[0, 0, 0, 255, 0, 0, 0]]]
    corners = torch.tensor([[[0, 255], [255, 1]]])  # diagonal neighbours do not touch
    assert boundary_map(corners).tolist() == [[[0, 255], [255, 0]]]


def test_one_class_has_no_boundary_and_the_pictures_border_is_none():
    for label in (0, 7):
        assert not boundary_map(torch.full((2, 5, 6), label)).any()
    assert (boundary_map(torch.full((2, 5, 6), 255)) == 255).all()


def test_pictures_of_a_batch_do_not_touch():
    labels = torch.stack([torch.full((3, 3), label) for label in (0, 1, 2)])
    assert not boundary_map(labels).any()


@pytest.mark.parametrize("size", [(3, 9, 11), (2, 1, 8), (2, 8, 1), (4, 1, 1), (2, 2, 2), (0, 4, 4)])
@pytest.mark.parametrize("ignored", [0.0, 0.3, 0.9])
def test_the_map_equals_the_slow_reference(size, ignored):
    torch.manual_seed(0)
    labels = random_labels(*size, ignored=ignored)
    expected = slow_boundary_map(labels).view(size)
    before = labels.clone()
    for kind in (torch.uint8, torch.int64, torch.int32):
        actual = boundary_map(labels.to(kind))
        assert actual.dtype == torch.uint8 and torch.equal(actual, expected)
    assert torch.equal(labels, before)


def test_the_map_takes_any_memory_layout():
    torch.manual_seed(0)
    labels = random_labels(2, 9, 11)
    turned = labels.transpose(1, 2).contiguous().transpose(1, 2)
    assert torch.equal(boundary_map(turned), boundary_map(labels))
    assert torch.equal(boundary_map(labels.flip(2)), boundary_map(labels).flip(2))
    assert torch.equal(boundary_map(labels.transpose(1, 2)), boundary_map(labels).transpose(1, 2))


# ---- equation (3)

def test_boundary_loss_by_hand():
    # One pixel on the boundary, p = 3/4, weighs 2/3; two off it, p = 1/2 and 1/4, weigh 1/3; the last one is ignored.
    # (2/3 ln(4/3) + 1/3 ln 2 + 1/3 ln(4/3)) / (2/3 + 1/3 + 1/3)
    logits = torch.tensor([math.log(3), 0.0, -math.log(3), 9.0]).view(1, 1, 1, 4)
    boundary = torch.tensor([[[1, 0, 0, 255]]], dtype=torch.uint8)
    expected = (2 / 3 * math.log(4 / 3) + 1 / 3 * math.log(2) + 1 / 3 * math.log(4 / 3)) / (4 / 3)
    assert boundary_loss(logits, boundary).item() == pytest.approx(expected, rel=1e-6)


def example(dtype=torch.float32):
    torch.manual_seed(0)
    boundary = (torch.rand(3, 7, 9) < 0.2).to(torch.uint8)
    boundary[torch.rand(3, 7, 9) < 0.2] = 255
    return 3 * torch.randn(3, 1, 7, 9, dtype=dtype), boundary


def test_boundary_loss_is_half_the_mean_on_and_half_the_mean_off_the_boundary():
    logits, boundary = example()
    on, off = (-F.logsigmoid(sign * logits[:, 0][boundary == kind]).mean() for sign, kind in ((1, 1), (-1, 0)))
    torch.testing.assert_close(boundary_loss(logits, boundary), (on + off) / 2)


def test_boundary_loss_equals_torchs_weighted_cross_entropy_of_two_classes():
    """CE2P's form: two logits, of which ours is the difference, each class weighted by the other's share."""
    logits, boundary = example()
    share = (boundary == 1).sum() / (boundary != 255).sum()
    value, slope = gradient(boundary_loss, logits, boundary)
    expected, expected_slope = gradient(lambda z: F.cross_entropy(
        torch.cat([torch.zeros_like(z), z], dim=1), boundary.long(), torch.stack([share, 1 - share]),
        ignore_index=255), logits)
    torch.testing.assert_close(value, expected)
    torch.testing.assert_close(slope, expected_slope)
    assert not slope[(boundary == 255)[:, None]].any()


def test_the_balance_is_the_batchs_not_the_pictures():
    logits, boundary = example()
    alone = torch.stack([boundary_loss(z[None], b[None]) for z, b in zip(logits, boundary)]).mean()
    assert abs(boundary_loss(logits, boundary) - alone) > 1e-3
    stacked = boundary_loss(logits.view(1, 1, 21, 9), boundary.view(1, 21, 9))  # one picture of the three
    torch.testing.assert_close(boundary_loss(logits, boundary), stacked)


@pytest.mark.parametrize("kind", [0, 1, 255])
def test_a_batch_of_one_kind_has_no_boundary_loss_and_no_gradient(kind):
    logits, boundary = example()
    value, slope = gradient(boundary_loss, logits, torch.full_like(boundary, kind))
    assert value.item() == 0 and not slope.any()


def test_boundary_loss_is_finite_for_huge_logits():
    logits = torch.tensor([1e4, -1e4, -1e4, 1e4]).view(1, 1, 1, 4)
    value, slope = gradient(boundary_loss, logits, torch.tensor([[[1, 1, 0, 0]]]))
    assert value.item() == pytest.approx(5000)
    assert slope.flatten().tolist() == [0.0, -0.25, 0.0, 0.25]


# ---- equation (4)

def test_boundary_attention_loss_by_hand():
    # Classes 1, 0 and an ignored one. Pixel 1: p = 3/4, on the boundary, weighs 1 + 10; pixel 2: p = 1/2, weighs 1.
    logits = torch.tensor([[0.0, 0.0, 5.0], [math.log(3), 0.0, 1.0]]).view(1, 2, 1, 3)
    mask, boundary = torch.tensor([[[1, 0, 255]]]), torch.tensor([[[1, 0, 255]]])
    expected = (11 * math.log(4 / 3) + math.log(2)) / 2
    assert boundary_attention_loss(logits, mask, boundary, 10).item() == pytest.approx(expected, rel=1e-6)


def parsing_example(size=(2, 5, 16, 32)):
    torch.manual_seed(0)
    return torch.randn(size) * 3, random_labels(size[0], *size[2:], ignored=0.1)


def test_without_alpha_boundary_attention_is_cross_entropy():
    logits, mask = parsing_example()
    value, slope = gradient(boundary_attention_loss, logits, mask, boundary_map(mask), 0.0)
    expected, expected_slope = gradient(softmax_cross_entropy, logits, mask)
    torch.testing.assert_close(value, expected)
    torch.testing.assert_close(slope, expected_slope)


def test_alpha_enlarges_the_slope_on_the_boundary_alone():
    logits, _ = parsing_example()
    mask = torch.arange(32).expand(2, 16, 32) // 16
    mask[:, :, 4] = 255
    boundary = boundary_map(mask)
    plain, enlarged = (gradient(boundary_attention_loss, logits, mask, boundary, alpha)[1] for alpha in (0, 10))
    factor = torch.where(boundary == 1, 11.0, 1.0)[:, None]
    torch.testing.assert_close(enlarged, plain * factor)
    assert not enlarged[:, :, :, 4].any() and (factor == 11).sum() == 2 * 16 * 4
