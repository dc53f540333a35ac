"""Masks in another class order than the declared one: the audit names the order, and proposes no swap of sides."""
import itertools
from functools import cache

import numpy as np
import pytest
from drawn_masks import face_set

from faceparse.data.audit import audit, text
from faceparse.data.audit.assignment import assignment
from faceparse.data.audit.order import OTHER_ORDERS, parts_of
from faceparse.data.parsing import load
from faceparse.labels import CELEBAMASK_TO_LAPA, LABEL_SETS

LAPA, CELEBA = LABEL_SETS["lapa"], LABEL_SETS["celebamask"]


@cache
def toy_masks(name="toy", count=12):
    return [record.mask() for record in load(name, "train", "nowhere", limit=count, toy_size=96).records]


def in_order(masks, labels, names):
    """The masks of `labels` with the value of each class its position in `names`."""
    values = np.arange(256, dtype=np.uint8)
    values[:len(labels)] = [names.index(name) for name in labels.names]
    return [values[mask] for mask in masks]


def as_celebamask(masks):
    """LaPa's classes of drawn faces as CelebAMask-HQ's."""
    values = np.full(256, 255, np.uint8)
    for k in (*range(8), *range(10, 14)):  # ears are LaPa's skin too
        if CELEBAMASK_TO_LAPA[k]:
            values[LAPA.names.index(CELEBAMASK_TO_LAPA[k])] = k
    return [values[mask] for mask in masks]


def order_of(masks, labels):
    result = audit(face_set({str(k): mask for k, mask in enumerate(masks)}, labels))
    return result["order"].get(labels.name), result


@pytest.mark.parametrize("order", OTHER_ORDERS)
def test_the_other_orders_of_celebamask_are_named_and_no_pair_is_called_reversed(order):
    names = order.split()
    found, result = order_of(in_order(as_celebamask(toy_masks()), CELEBA, names), CELEBA)
    assert found == names
    assert result["reversed"] == [] == result["doubtful"] and result["judged"] == 0
    note, = result["notes"]
    assert ", ".join(names) in note and "\n" not in note and note in text(result)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", ["toy", "toywild"])
def test_any_order_of_lapas_classes_is_named(name, seed):
    names = ["background", *np.random.default_rng(seed).permutation(LAPA.names[1:]).tolist()]
    found, _ = order_of(in_order(toy_masks(name), LAPA, names), LAPA)
    assert found == names


@pytest.mark.parametrize("one, other", [("nose", "hair"), ("skin", "hair"), ("upper_lip", "lower_lip")])
def test_two_classes_exchanged_in_the_whole_set_are_named(one, other):
    names = list(LAPA.names)
    a, b = names.index(one), names.index(other)
    names[a], names[b] = other, one
    assert order_of(in_order(toy_masks(count=80), LAPA, names), LAPA)[0] == names


def test_left_and_right_exchanged_in_the_whole_set_are_reversed_pairs_and_no_other_order():
    found, result = order_of([LAPA.mirror[mask] for mask in toy_masks()], LAPA)
    assert found is None and len(result["reversed"]) > 10


@pytest.mark.parametrize("name", ["toy", "toywild"])
@pytest.mark.parametrize("first, last", [(0, 12), (0, 3), (3, 8)])
def test_drawn_sets_fit_their_own_order(name, first, last):
    assert order_of(toy_masks(name)[first:last], LAPA)[0] is None


def test_classes_of_people_and_masks_without_faces_are_not_judged():
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 11, (64, 64), np.uint8) for _ in range(6)]
    for labels in (LABEL_SETS["cihp"], LABEL_SETS["hair_skin"]):
        assert order_of([mask % len(labels) for mask in noise], labels)[0] is None
    assert order_of(noise, LAPA)[0] is None
    assert order_of([np.zeros((64, 64), np.uint8)] * 6, LAPA)[0] is None


def test_parts_are_known_by_the_names_of_every_face_label_set():
    assert parts_of(CELEBA)[14:] == ["hat", "earring", "necklace", "neck", "cloth"]
    for name, unknown in (("lapa", []), ("celebamask", []), ("facesynthetics", ["facewear"])):
        labels = LABEL_SETS[name]
        assert [labels.names[k] for k, part in enumerate(parts_of(labels)) if part is None] == ["background", *unknown]


def test_the_assignment_of_least_cost_agrees_with_all_permutations():
    rng = np.random.default_rng(0)
    for _ in range(20):
        costs = rng.integers(0, 20, (5, 5)).astype(float)
        least = min(sum(costs[i, p[i]] for i in range(5)) for p in itertools.permutations(range(5)))
        chosen = assignment(costs)
        assert costs[np.arange(5), chosen].sum() == least and sorted(chosen) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("name, split", [("celebamask", "val"), ("facesynthetics", "all")])
def test_real_sets_fit_their_own_order_and_any_other_one_is_named(data_root, name, split):
    faces = load(name, split, data_root)
    labels = faces.labels
    masks = [record.mask() for record in faces.records]
    assert order_of(masks, labels)[0] is None
    names = ["background", *np.random.default_rng(0).permutation(labels.names[1:]).tolist()]
    assert order_of(in_order(masks, labels, names), labels)[0] == names
