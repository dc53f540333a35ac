"""Learning rate schedules, worked by hand."""
import numpy as np

from faceparse.training import optimization


def test_the_cosine_schedule_rises_to_one_and_ends_near_zero():
    cosine = optimization.SCHEDULES["cosine"]
    assert cosine(0.0) == 0 and cosine(optimization.WARM_UP) == 1 and cosine(1.0) < 1e-9 and 0.4 < cosine(0.525) < 0.6


def test_the_rate_rises_in_the_warm_up_and_falls_by_its_schedule():
    """Poly at a third of the steps is (2/3)^0.9; the first step of a warm-up of three has a quarter of the rate."""
    assert np.isclose(optimization.rate_at(1, 4.5, "poly"), (2 / 3) ** 0.9)
    assert np.isclose(optimization.rate_at(0, 100, "constant", warmup=3), 1 / 4)
    assert [optimization.rate_at(step, 100, "constant", warmup=3) for step in (3, 50)] == [1, 1]
    rates = [optimization.rate_at(step, 50, "poly", warmup=10) for step in range(50)]
    assert np.argmax(rates) in (9, 10)
    assert rates[-1] < 0.02
