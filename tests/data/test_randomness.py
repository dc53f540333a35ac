"""Keyed random numbers: the published generator, independent of batching, uniform."""
import numpy as np
import pytest

from faceparse.data.randomness import GOLDEN, mix, uniforms


def test_mix_is_splitmix64():
    # The first outputs of the published generator for seed 1234567.
    outputs = mix(np.uint64(1234567) + np.arange(1, 4, dtype=np.uint64) * GOLDEN)
    assert outputs.tolist() == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_uniforms_of_one_record_are_those_of_a_batch():
    together = uniforms(3, 2, np.arange(5), "photometry", 7)
    assert together.shape == (5, 7)
    for index in range(5):
        np.testing.assert_array_equal(together[index], uniforms(3, 2, index, "photometry", 7))


@pytest.mark.parametrize("other", [(1, 0, 0, "a"), (0, 1, 0, "a"), (0, 0, 1, "a"), (0, 0, 0, "b"), (-1, 0, 0, "a")])
def test_uniforms_depend_on_every_part_of_their_key(other):
    assert not np.isin(uniforms(*other, 100), uniforms(0, 0, 0, "a", 100)).any()


def test_uniforms_are_uniform_and_independent():
    draws = uniforms(0, 0, np.arange(20000), "geometry", 4)
    assert draws.min() >= 0 and draws.max() < 1
    np.testing.assert_allclose(draws.mean(0), 0.5, atol=0.01)
    np.testing.assert_allclose(12 * draws.var(0), 1, atol=0.03)
    np.testing.assert_allclose(np.corrcoef(draws.T), np.eye(4), atol=0.03)
    assert abs(np.corrcoef(draws[1:, 0], draws[:-1, 0])[0, 1]) < 0.03  # one record and the next


def test_a_single_index_has_the_numbers_that_it_has_in_an_array():
    for seed, epoch, index in ((0, 1, 5), (-3, 0, 0), (2**40, 77, 123456), (1, 2, -2)):
        in_array = uniforms(seed, epoch, np.array([index]), "geometry", 4)[0]
        assert all(np.array_equal(in_array, uniforms(seed, epoch, alone, "geometry", 4))
                   for alone in (index, np.int64(index)))
