from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sketchrnn.training.configuration import TrainingConfiguration, kl_weight, learning_rate

MAGENTA = TrainingConfiguration(learning_rate=1e-3, learning_rate_schedule="exponential", warmup_steps=0)


@pytest.mark.parametrize("step", [0, 1, 777, 50_000])
def test_magentas_formulas(step):
    assert learning_rate(step, MAGENTA) == pytest.approx((1e-3 - 1e-5) * 0.9999**step + 1e-5, rel=1e-12)
    assert kl_weight(step, MAGENTA) == pytest.approx(0.5 - 0.49 * 0.99995**step, rel=1e-12)


def test_limits():
    assert learning_rate(0, MAGENTA) == pytest.approx(1e-3)
    assert learning_rate(10**7, MAGENTA) == pytest.approx(1e-5)
    assert kl_weight(0, MAGENTA) == pytest.approx(0.01)
    assert kl_weight(10**7, MAGENTA) == pytest.approx(0.5)


def test_warm_up_rises_in_equal_steps_to_the_full_rate():
    for schedule in ("cosine", "exponential"):
        training = TrainingConfiguration(
            learning_rate=1e-3, learning_rate_schedule=schedule, warmup_steps=10, max_steps=100
        )
        rates = [learning_rate(step, training) for step in range(10)]
        assert rates == pytest.approx([1e-4 * (step + 1) for step in range(10)])


def test_cosine_falls_from_the_full_rate_to_the_least():
    training = TrainingConfiguration(
        learning_rate=1e-3, learning_rate_schedule="cosine", warmup_steps=10, max_steps=110
    )
    rates = [learning_rate(step, training) for step in range(10, 111)]
    assert rates[0] == pytest.approx(1e-3)
    assert rates[50] == pytest.approx((1e-3 + 1e-5) / 2)
    assert rates[-1] == pytest.approx(1e-5)
    assert all(later < earlier for earlier, later in pairwise(rates))
    assert learning_rate(500, training) == pytest.approx(1e-5)


@given(
    st.integers(0, 10**6),
    st.sampled_from(["cosine", "exponential"]),
    st.integers(0, 50),
    st.integers(1, 40),
)
def test_rates_are_positive_and_never_above_the_top(step, schedule, warmup, max_steps):
    training = TrainingConfiguration(
        learning_rate=1e-3, learning_rate_schedule=schedule, warmup_steps=warmup, max_steps=max_steps
    )
    assert 0 < learning_rate(step, training) <= 1e-3 * (1 + 1e-12)
    assert 0.01 <= kl_weight(step, training) <= 0.5
