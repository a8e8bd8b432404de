"""Against an adversary: the periodic counter-example T6 and the regret bound T9."""

import formulas
import jax.numpy as jnp
import measurements
import numpy as np
import pytest

import rmsprop

PERIODS = (3, 5, 8, 12, 16, 24, 32)
RATES = (0.1, 2**0.5, 5.0)  # the middle one, D / sqrt(2), makes the bound smallest
ADAGRAD = {rate: rmsprop.adagrad(rate, 0.0, 0.0) for rate in RATES}


def test_t6_the_thresholds():
    """T6: where the drift of the periodic steady state vanishes, about 4 / C^2 from above."""
    found = np.array([formulas.reddi_threshold(period) for period in PERIODS])
    published = [0.5277, 0.1893, 0.07098, 0.03049, 0.01681, 0.00731, 0.00406]
    np.testing.assert_allclose(found, published, rtol=1e-3)  # four digits are printed
    scaled = found * np.square(PERIODS)
    assert np.all(np.diff(scaled) < 0)
    assert np.all((scaled > 4) & (scaled < 4.8))
    np.testing.assert_allclose(formulas.reddi_threshold(400) * 400**2, 4, rtol=0.02)


@pytest.mark.parametrize("period", PERIODS)
def test_t6_there_is_one_threshold(period):
    """T6: the drift changes its sign once in `1 - decay`, and is positive for slow averages."""
    drifts = [formulas.reddi_drift(period, 1 - u) for u in np.geomspace(1e-5, 0.999, 500)]
    assert drifts[0] > 0 > drifts[-1]
    assert np.sum(np.diff(np.sign(drifts)) != 0) == 1


@pytest.mark.parametrize("period", [3, 8, 32])
def test_t6_the_drift_is_that_of_our_steps(period, x64):
    """T6: the sum of our steps over one period, once the average has forgotten its start.

    After m steps decay^m is left of it: 40 memories are e^-40. The drift is the difference of sums
    of about 4 that cancel to 0.02.
    """
    decay = 1 - 0.9 * formulas.reddi_threshold(period)
    periods = int(np.ceil(40 / (1 - decay) / period)) + 1
    gradients = formulas.reddi_gradients(period, periods * period)[:, None]
    ours = measurements.steps(rmsprop.scale_by_rms(decay, 0.0), gradients)[-period:]
    np.testing.assert_allclose(np.sum(ours), formulas.reddi_drift(period, decay), rtol=1e-10)


@pytest.mark.parametrize(("relative", "end"), [(0.9, -1.0), (1.1, 1.0), (None, -1.0)])
def test_t6_diverges_below_the_threshold_of_decay(relative, end, x64):
    """T6: 10 % either side, and AdaGrad (None), for C = 3, 8, 16, 32; the minimum is at -1.

    The last period saws up and down by C / sqrt(v_1) < 6 rates of 4 / sqrt(200000) = 0.009.
    """
    ends = measurements.reddi_ends(relative)
    assert sorted(ends) == [3, 8, 16, 32]
    np.testing.assert_allclose(list(ends.values()), end, atol=6 * 0.009)


@pytest.mark.parametrize(
    "stream", ["random", "sparse, in many scales", "turning once", "periodic (T6)", "adversary"]
)
def test_t9_the_regret_bound(stream, rng, x64):
    """T9: for linear losses on a box of diameter D, from zero sums and without eps, at every T.

    R_T <= (D^2 / (2 lr) + lr) sum_i ||g_{1:T,i}|| (Duchi, Hazan and Singer, 2011, theorem 5).
    """
    losses = measurements.losses_in_a_box(rng, count=2_000)[stream]
    largest = 0.0
    for rate, optimizer in ADAGRAD.items():
        played, gradients = measurements.played(losses, optimizer)
        regret = formulas.regret(played, gradients, measurements.BOX)
        bound = formulas.regret_bound(gradients, rate, 2 * measurements.BOX)
        # The loss is a sum of 16,000 terms, and rounds: 1e-10 of the largest bound.
        assert np.all(regret <= bound + 1e-10 * bound[-1])
        largest = max(largest, regret[-1] / bound[-1])
        if rate == RATES[1]:
            loop = formulas.adagrad_in_box(gradients, rate, measurements.BOX)
            # A position of size 1 remembers its roundings until it is clipped.
            np.testing.assert_allclose(played, loop, rtol=0, atol=1e-11)
    # Nor is there much to spare: who has seen x, or guesses well, comes within a quarter of it.
    if stream in ("adversary", "periodic (T6)"):
        assert largest > 0.75


def test_t9_convex_losses(rng, x64):
    """T9: it holds for convex losses as for their tangents: |x - z_t|, best at the median."""
    targets = rng.normal(size=4_000) * 0.5 + 0.3
    z = jnp.asarray(targets)[:, None]
    positions, gradients = measurements.descent(
        ADAGRAD[RATES[1]], lambda x, k: jnp.sign(x - z[k]), np.zeros(1), 4_000, measurements.BOX
    )
    best = np.clip(np.median(targets), -measurements.BOX, measurements.BOX)
    regret = np.sum(np.abs(positions[:-1, 0] - targets)) - np.sum(np.abs(best - targets))
    bound = formulas.regret_bound(gradients, RATES[1], 2 * measurements.BOX)[-1]
    assert 0 < regret <= bound


def test_t9_rmsprop_breaks_it(rng, x64):
    """T9: it is AdaGrad's. On the periodic stream RMSprop's regret grows like T and passes it."""
    losses = measurements.losses_in_a_box(rng)["periodic (T6)"]
    optimizer = rmsprop.rmsprop(measurements.one_over_root(RATES[1]), 0.9, eps=0.0)
    played, gradients = measurements.played(losses, optimizer)
    regret = formulas.regret(played, gradients, measurements.BOX)
    bound = formulas.regret_bound(gradients, RATES[1], 2 * measurements.BOX)
    assert regret[-1] > 2 * bound[-1]
    # At the wrong end, 2 from the best, the mean gradient 1 / 10 costs that in each coordinate.
    # A saw of C / sqrt(v_1) = 2.5 rates of 1.4 / sqrt(5000) meets the large gradient at its top
    # and the other nine half way down: 9 / 2 of it a period more, 0.22 beside 2.
    half = len(regret) // 2
    growth = (regret[-1] - regret[half - 1]) / half / gradients.shape[1]
    assert 1 <= growth / 0.2 <= 1.12
