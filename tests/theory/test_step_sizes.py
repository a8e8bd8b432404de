"""How long the steps are: T3, T4, T5, T7, T13, T14."""

import formulas
import jax.numpy as jnp
import measurements
import numpy as np
import pytest

import rmsprop

MAGNITUDES = 10.0 ** np.arange(-12, 3)


@pytest.mark.parametrize("decay", [0.5, 0.9, 0.999])
def test_t3_the_longest_step(decay, rng):
    """T3: |step| <= lr / sqrt(1 - decay), attained at the first; AdaGrad from 0: |step| <= lr."""
    # From 1e-15, for at 1e-19 the average is subnormal and its root imprecise: steps are shorter.
    gradients = jnp.asarray(rng.normal(size=(500, 64)) * 10.0 ** rng.uniform(-15, 20, (500, 64)))
    gradients = gradients.astype(jnp.float32)
    bound = 0.1 * formulas.longest_step(decay)
    ours = np.abs(measurements.steps(rmsprop.rmsprop(0.1, decay, eps=0.0), gradients))
    # Roundings: the floor, its product with |g|, the quotient, the rate.
    assert np.max(ours) <= bound * (1 + 4 * 2**-24)
    np.testing.assert_allclose(ours[0], bound, rtol=4 * 2**-24)
    ada = np.abs(measurements.steps(rmsprop.adagrad(0.1, 0.0, 0.0), gradients))
    assert np.max(ada) <= 0.1 * (1 + 3 * 2**-24)
    np.testing.assert_allclose(ada[0], 0.1, rtol=3 * 2**-24)


@pytest.mark.parametrize("decay", [0.9, 0.99, 0.999])
def test_t3_an_outlier_comes_close(decay, x64):
    """T3: a gradient s times the usual ones steps s / sqrt(decay + (1 - decay) s^2).

    After 40,000 of them the average is full: 0.999^40000 = 4e-18.
    """
    sizes = np.array([0.1, 1.0, 3.0, 10.0, 1e3, 1e6])
    ours = measurements.outlier_steps(sizes, decay, before=40_000)
    # The average keeps the roundings of its memory, 1 / (1 - decay) steps of up to 3 * 2^-53.
    np.testing.assert_allclose(ours, formulas.outlier_step(sizes, decay), rtol=1e-12)
    # At s = 1e6 all but decay / ((1 - decay) s^2) / 2 of the bound: 5e-10.
    np.testing.assert_allclose(ours[-1], formulas.longest_step(decay), rtol=1e-9)


def test_t3_an_outlier_under_adagrad(x64):
    """T3: s / sqrt(n + s^2) after n gradients of size 1, never above 1."""
    sizes = np.array([0.1, 1.0, 3.0, 10.0, 1e3, 1e6])
    ours = measurements.outlier_steps(sizes, None, before=2_000)
    np.testing.assert_allclose(ours, formulas.adagrad_outlier_step(sizes, 2_000), rtol=1e-13)


@pytest.mark.parametrize(
    "optimizer",
    [
        rmsprop.rmsprop(0.1, eps=0.0),
        rmsprop.rmsprop(0.1, eps=0.0, eps_in_sqrt=False, momentum=0.9),
        rmsprop.rmsprop(0.1, eps=0.0, bias_correction=True),
        rmsprop.rmsprop(0.1, eps=0.0, centered=True),
        rmsprop.adagrad(0.1, 0.0, 0.0),
    ],
    ids=["rmsprop", "momentum", "corrected", "centered", "adagrad"],
)
def test_t4_a_power_of_two_changes_no_bit(optimizer, rng):
    """T4: without eps the unit of the gradients is nothing: scaled by 2^k, the same bits.

    2^k multiplies all squares by 4^k and the root by 2^k without a rounding, and 2^-50 and 2^50
    are far inside the range of float32.
    """
    scales = 2.0 ** np.array([0, -25, -3, 4, 25])
    gradients = np.float32(rng.normal(size=(100, 1, 16))) * np.float32(scales)[:, None]
    plain, *scaled = np.moveaxis(measurements.steps(optimizer, gradients), 1, 0)
    assert np.all(plain != 0)
    for updates in scaled:
        np.testing.assert_array_equal(updates, plain)


@pytest.mark.parametrize("name", ["rmsprop", "adagrad"])
def test_t4_any_scale_changes_little(name, rng, x64):
    """T4: 3.7 is no power of two, and rounds: the gradients, their squares, the average."""
    gradients = rng.normal(size=(100, 16))
    optimizer = (
        rmsprop.rmsprop(0.1, eps=0.0) if name == "rmsprop" else rmsprop.adagrad(0.1, 0.0, 0.0)
    )
    plain = measurements.steps(optimizer, gradients)
    np.testing.assert_allclose(measurements.steps(optimizer, gradients * 3.7), plain, rtol=1e-14)


@pytest.mark.parametrize("eps_in_sqrt", [True, False])
def test_t4_where_eps_bites_rmsprop(eps_in_sqrt, x64):
    """T4: constant gradients of 15 magnitudes, with a full average: 0.9^400 = 5e-19.

    eps = 1e-8 inside the root halves the step at |g| = 5.8e-5 and outside at 1e-8.
    """
    sizes = np.append(MAGNITUDES, formulas.halving_root(1e-8, eps_in_sqrt))
    ours = measurements.damped_steps(sizes, 1e-8, eps_in_sqrt, 400)
    np.testing.assert_allclose(ours, formulas.damping(sizes, 1e-8, eps_in_sqrt), rtol=1e-13)
    np.testing.assert_allclose(ours[-1], 0.5, rtol=1e-13)
    # Two decades above where it bites eps is nothing; two below, the step is |g| / sqrt(eps), or
    # |g| / eps: 0.01 of a step. Both but for 1e-4 / 2 inside and 1e-2 outside.
    bites, off = (1e-4, 1e-4) if eps_in_sqrt else (1e-8, 1e-2)
    far = np.searchsorted(MAGNITUDES, [99 * bites, 0.0099 * bites])
    np.testing.assert_allclose(ours[far], [1, 0.01], rtol=off)


@pytest.mark.parametrize("eps_in_sqrt", [True, False])
def test_t4_where_eps_bites_adagrad(eps_in_sqrt, x64):
    """T4: the same with sqrt(t) |g| in the place of |g|: in t steps eps loses its weight."""
    t = 400
    sizes = np.append(MAGNITUDES, formulas.halving_root(1e-8, eps_in_sqrt) / np.sqrt(t))
    ours = np.sqrt(t) * measurements.damped_steps(sizes, 1e-8, eps_in_sqrt, t, total=True)
    expected = formulas.damping(np.sqrt(t) * sizes, 1e-8, eps_in_sqrt)
    # A sum of 400 equal terms rounds at each of them, by at most 2^-53 of it: half in the root.
    np.testing.assert_allclose(ours, expected, rtol=200 * 2**-53)
    np.testing.assert_allclose(ours[-1], 0.5, rtol=200 * 2**-53)


@pytest.mark.parametrize("decay", [0.5, 0.9, 0.999])
def test_t5_constant_gradient(decay, x64):
    """T5: RMSprop's step is lr / sqrt(1 - decay^t).

    At t = 1, 1 - 0.999 has lost 3 of 16 digits: 1e-13 / 2.
    """
    t = np.arange(1, 501)
    gradients = np.full((500, 1), 3.7)
    rms = measurements.steps(rmsprop.rmsprop(0.1, decay, eps=0.0), gradients)[:, 0]
    np.testing.assert_allclose(rms, -0.1 * formulas.constant_gradient_step(t, decay), rtol=1e-12)


def test_t5_constant_gradient_under_adagrad(x64):
    """T5: lr / sqrt(t); a sum of 500 equal terms rounds at each of them, by 2^-53 of it."""
    ada = measurements.steps(rmsprop.adagrad(0.1, 0.0, 0.0), np.full((500, 1), 3.7))[:, 0]
    np.testing.assert_allclose(ada, -0.1 / np.sqrt(np.arange(1, 501)), rtol=500 / 2 * 2**-53)


@pytest.mark.parametrize("decay", [0.9, 0.99])
@pytest.mark.parametrize("gap", [1, 7, 100])
def test_t7_a_feature_seen_every_kth_step(decay, gap, x64):
    """T7: at every sight, and the limit lr sqrt((1 - decay^k) / (1 - decay)).

    decay^k rounds 100 times in our product and once in the power: 100 * 2^-53 / 2.
    """
    sights = np.arange(1, 61)
    ours = measurements.sight_steps(gap, 60, decay)
    np.testing.assert_allclose(ours, formulas.sight_step(sights, gap, decay), rtol=1e-13)
    # After 5 / ((1 - decay) k) sights decay^(k n) is below e^-5, which adds e^-5 / 2 = 0.35 %.
    settled = max(1, int(np.ceil(5 / ((1 - decay) * gap))))
    limit = np.sqrt((1 - decay**gap) / (1 - decay))
    assert np.all(ours >= limit * (1 - 1e-13))
    assert np.all(ours[settled - 1 :] <= limit * 1.0035)


def test_t7_adagrad_counts_sights_only(x64):
    """T7: lr / sqrt(n) at the n-th sight, whatever lies between."""
    for gap in (1, 7):
        ours = measurements.sight_steps(gap, 60, None)
        np.testing.assert_allclose(ours, 1 / np.sqrt(np.arange(1, 61)), rtol=1e-14)


def test_t13_the_worked_example(x64):
    """T13: f(x) = x^2 from 4 with lr 0.1 and decay 0.9: E[g^2]_1 = 6.4 and x_1 = 3.6838."""
    optimizer = rmsprop.rmsprop(0.1, 0.9, 1e-8)
    x = jnp.array(4.0)
    updates, state = optimizer.update(2 * x, optimizer.init(x))
    np.testing.assert_allclose(state[0].nu, 6.4, rtol=1e-14)
    assert f"{x + updates:.4f}" == "3.6838"
    # What multiplies by the gradient twice arrives elsewhere.
    assert f"{x + updates * 2 * x:.2f}" == "1.47"


def test_t13_goes_on_as_the_loop(x64):
    """T13: 30 steps, while it goes down; the quotient is of size 1 to 3, the rate 0.1."""
    expected, _ = formulas.worked_example(30)
    ours, _ = measurements.descent(rmsprop.rmsprop(0.1, 0.9, 1e-8), lambda x, k: 2 * x, 4.0, 30)
    np.testing.assert_allclose(ours, expected, rtol=1e-13)
    assert np.all(np.diff(ours) < 0)


@pytest.mark.parametrize("name", ["RMSprop", "AdaGrad"])
def test_t14_two_weights_move_alike(name, rng, x64):
    """T14: gradients of magnitude 0.1 and 10 get effective rates a hundred times apart."""
    gradients = measurements.two_magnitudes(rng)
    effective = measurements.effective_rates(gradients, name)
    np.testing.assert_allclose(effective[:, 0] / effective[:, 1], 100.0, rtol=1e-13)
    moved = np.abs(effective * gradients)
    np.testing.assert_allclose(moved[:, 0], moved[:, 1], rtol=1e-13)
    if name == "RMSprop":  # the average is full but for 0.9^200 = 7e-10: lr / 0.1 and lr / 10
        np.testing.assert_allclose(effective[-1], [1.0, 0.01], rtol=1e-9)
    else:  # and AdaGrad's have come down by sqrt(200) meanwhile
        np.testing.assert_allclose(effective[-1] * np.sqrt(200), [1.0, 0.01], rtol=1e-13)
