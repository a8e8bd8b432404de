"""What the library's optimizers do on the streams and problems of the statements T1 to T14.

The tests compare these with `formulas`, and the figures of `docs/theory.md` show them.  Everything
is meant for double precision: the `x64` fixture in a test, the configuration in a script.
"""

import functools

import formulas
import jax
import jax.numpy as jnp
import numpy as np
import optax

import rmsprop

REDDI_PERIODS = (3, 8, 16, 32)
BOX = 1.0  # T9 plays on [-1, 1] in every coordinate, a box of diameter 2
MOMENTUM = 0.9  # T11, T12
NOT_ADAPTIVE, ADAPTIVE = ("gradient descent", "momentum"), ("AdaGrad", "RMSprop", "Adam")  # T10


def steps(transformation, gradients):
    """The updates along a stream of gradients."""

    def step(state, gradient):
        updates, state = transformation.update(gradient, state)
        return state, updates

    gradients = jnp.asarray(gradients)
    return np.asarray(jax.lax.scan(step, transformation.init(gradients[0]), gradients)[1])


def optax_promotion():
    """For Optax's own optimizers: Adam takes a float to the power of an integer count."""
    return jax.numpy_dtype_promotion("standard")


def descent(optimizer, gradient, start, count, limit=None):
    """Positions, the start first, and the gradients `gradient(x, k)` at all but the last.

    With a limit, positions are clipped to [-limit, limit] after every step.
    """

    @jax.jit
    def run(gradient, start):
        def step(carry, k):
            x, state = carry
            g = gradient(x, k)
            updates, state = optimizer.update(g, state, x)
            moved = optax.apply_updates(x, updates)
            moved = moved if limit is None else jnp.clip(moved, -limit, limit)
            return (moved, state), (moved, g)

        return jax.lax.scan(step, (start, optimizer.init(start)), jnp.arange(count))[1]

    start = jnp.asarray(start)
    # What a Partial holds is an argument of the program; a constant would be folded for seconds.
    moved, gradients = run(jax.tree_util.Partial(gradient), start)
    return np.concatenate([start[None], moved]), np.asarray(gradients)


def one_over_root(learning_rate, dtype=float):
    """The schedule lr / sqrt(t), with t counted from 1."""
    return lambda count: learning_rate / jnp.sqrt(count.astype(dtype) + 1)


def distances_from_adagrad(gradients):
    """T1: largest relative difference from AdaGrad's step, by name of the decay, at every step."""
    expected = 0.1 * formulas.adagrad_steps(gradients)
    candidates = {
        "1 − 1/t": (lambda k: 1 - 1 / (k.astype(float) + 1), float),
        "1 − 1/t in float32": (lambda k: 1 - 1 / (k.astype(jnp.float32) + 1), jnp.float32),
        "0.99": (0.99, float),
        "0.9": (0.9, float),
    }
    distances = {}
    for name, (decay, dtype) in candidates.items():
        optimizer = rmsprop.rmsprop(one_over_root(0.1, dtype), decay, eps=0.0)
        difference = steps(optimizer, gradients) / expected - 1
        distances[name] = np.max(np.abs(difference), axis=1)
    return distances


def outlier_steps(sizes, decay, before=2_000):
    """T3: step lengths on a gradient of each size, after `before` of size 1; None is AdaGrad."""
    ours = rmsprop.adagrad(1.0, 0.0, 0.0) if decay is None else rmsprop.rmsprop(1.0, decay, 0.0)
    gradients = np.ones((before + 1, len(sizes)))
    gradients[-1] = sizes
    return -steps(ours, gradients)[-1]


def damped_steps(sizes, eps, eps_in_sqrt, count, decay=0.9, total=False):
    """T4: the last of `count` step lengths on constant gradients; `total` is AdaGrad."""
    if total:
        ours = rmsprop.scale_by_rss(0.0, eps, eps_in_sqrt=eps_in_sqrt)
    else:
        ours = rmsprop.scale_by_rms(decay, eps, eps_in_sqrt=eps_in_sqrt)
    return steps(ours, np.tile(sizes, (count, 1)))[-1]


@functools.cache
def reddi_ends(relative, learning_rate=4.0, count=200_000):
    """T6: mean position in the last period, by period; None for AdaGrad.

    The minimum is at -1. `1 - decay` is the threshold times `relative`, and the rate
    lr / sqrt(t). From the middle, 10 % from the threshold, it takes lr * sqrt(steps) of about
    C / |drift| = 32 / 0.017 learning rates to arrive, which is the reason for 200,000 steps.
    """
    periods = np.array(REDDI_PERIODS)
    decays = [1 - (relative or 0) * formulas.reddi_threshold(c) for c in REDDI_PERIODS]

    def end(period, decay):
        if relative is None:
            ours = rmsprop.adagrad(learning_rate, 0.0, 0.0)
        else:
            ours = rmsprop.rmsprop(one_over_root(learning_rate), decay, eps=0.0)

        def step(carry, k):
            x, state, late = carry
            g = jnp.where(k % period == 0, period.astype(float), -1.0)
            update, state = ours.update(g, state)
            x = jnp.clip(x + update, -BOX, BOX)
            return (x, state, late + jnp.where(k >= count - period, x, 0.0)), None

        zero = jnp.zeros(())
        (_, _, late), _ = jax.lax.scan(step, (zero, ours.init(zero), zero), jnp.arange(count))
        return late / period.astype(float)

    ends = jax.jit(jax.vmap(end))(jnp.asarray(periods), jnp.asarray(decays))
    return dict(zip(REDDI_PERIODS, np.asarray(ends).tolist(), strict=True))


def sight_steps(gap, sights, decay):
    """T7: step lengths at each sight of a feature seen every `gap` steps; None is AdaGrad."""
    ours = rmsprop.adagrad(1.0, 0.0, 0.0) if decay is None else rmsprop.rmsprop(1.0, decay, 0.0)
    gradients = np.zeros((gap * sights, 1))
    gradients[::gap] = 3.0
    return -steps(ours, gradients)[::gap, 0]


def touched_row_steps(gradients, touched, decay, eps, catch_up):
    """T8: steps where the average of a row moves only when the row is touched.

    With `catch_up`, it is first multiplied by decay^(steps missed).
    """
    ours = rmsprop.scale_by_rms(decay, eps)

    def step(carry, now):
        state, last = carry
        g, rows, k = now
        nu = state.nu
        if catch_up:
            nu = nu * (decay ** (k - last - 1).astype(float))[:, None]
        updates, new = ours.update(g, state._replace(nu=nu))
        state = state._replace(nu=jnp.where(rows[:, None], new.nu, state.nu))
        return (state, jnp.where(rows, k, last)), jnp.where(rows[:, None], updates, 0.0)

    gradients, touched = jnp.asarray(gradients), jnp.asarray(touched)
    count, rows = touched.shape
    start = (ours.init(gradients[0]), jnp.full(rows, -1))
    return np.asarray(jax.lax.scan(step, start, (gradients, touched, jnp.arange(count)))[1])


def losses_in_a_box(rng, count=10_000, width=8):
    """T9: gradients of linear losses by name; a function of x is an adversary that has seen x."""
    normal = rng.normal(size=(count, width))
    seen = rng.random((count, width)) < 0.02 * np.arange(1, width + 1)
    scale = 10.0 ** rng.uniform(-2, 2, width)
    turn = np.arange(count)[:, None] < rng.integers(count // 4, count, width)
    return {
        "random": normal,
        "sparse, in many scales": normal * seen * scale,
        "turning once": np.where(turn, 1.0, -1.0),
        "periodic (T6)": np.tile(formulas.reddi_gradients(10, count)[:, None], (1, width)),
        "adversary": lambda x, k: jnp.where(x >= 0, 1.0, -1.0),
    }


def played(losses, optimizer, count=10_000, width=8):
    """T9: the points that an optimizer plays from 0 in the box, and the gradients it meets."""
    gradient = losses
    if not callable(losses):
        count, width = losses.shape
        gradient = jax.tree_util.Partial(lambda stream, x, k: stream[k], jnp.asarray(losses))
    positions, gradients = descent(optimizer, gradient, np.zeros(width), count, BOX)
    return positions[:-1], gradients


def separable_run(name, features, labels, count=600):
    """T10: the weights before and after every step of least squares from zero.

    Without eps: with one, the steps are proportional to a sign only as far as gradients exceed it.
    """
    rate = 1 / np.linalg.norm(features @ features.T, 2)  # one over the largest curvature
    optimizer = {
        "gradient descent": optax.sgd(rate),
        "momentum": optax.sgd(rate, momentum=0.9),
        "AdaGrad": rmsprop.adagrad(0.05, 0.0, 0.0),
        "RMSprop": rmsprop.rmsprop(one_over_root(0.05), 0.9, eps=0.0),
        "Adam": optax.adam(one_over_root(0.05), b2=0.9, eps=1e-30),  # without, 0 / 0
    }[name]
    gradient = jax.tree_util.Partial(
        lambda x, y, w, k: (x @ w - y) @ x, jnp.asarray(features), jnp.asarray(labels)
    )
    with optax_promotion():
        return descent(optimizer, gradient, np.zeros(features.shape[1]), count)[0]


CURVATURES = np.array([1.0, 0.3, 0.1])


def distances_from_heavy_ball(epsilons, eps_in_sqrt, count=100):
    """T11: largest difference of a position from heavy-ball's, for every eps.

    The rate is that of heavy-ball times what eps makes of the denominator.
    """
    start = np.array([1.0, -2.0, 3.0])

    @jax.jit
    @jax.vmap
    def positions(eps):
        scale = jnp.sqrt(eps) if eps_in_sqrt else eps
        ours = rmsprop.rmsprop(0.1 * scale, eps=eps, eps_in_sqrt=eps_in_sqrt, momentum=MOMENTUM)

        def step(carry, _):
            x, state = carry
            updates, state = ours.update(jnp.asarray(CURVATURES) * x, state)
            return (x + updates, state), x + updates

        x = jnp.asarray(start)
        return jax.lax.scan(step, (x, ours.init(x)), length=count)[1]

    expected = formulas.heavy_ball(CURVATURES, start, 0.1, MOMENTUM, count)[1:]
    found = np.asarray(positions(jnp.asarray(epsilons)))
    return np.max(np.abs(found - expected), axis=(1, 2))


def slope(x, y):
    """The exponent p of y ~ x^p."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def steps_across_a_drop(gradients, drop_at, lr_in_momentum, initial_scale=0.0, rates=(1.0, 0.1)):
    """T12: the steps with momentum, the rate falling after `drop_at` steps."""
    ours = rmsprop.rmsprop(
        lambda k: jnp.where(k < drop_at, *rates),
        eps=0.0,
        initial_scale=initial_scale,
        momentum=MOMENTUM,
        lr_in_momentum=lr_in_momentum,
    )
    return -steps(ours, gradients)


def effective_rates(gradients, name):
    """T14: step over gradient at every step, for a learning rate of 0.1."""
    ours = rmsprop.rmsprop(0.1, eps=0.0) if name == "RMSprop" else rmsprop.adagrad(0.1, 0.0, 0.0)
    return -steps(ours, gradients) / gradients


def two_magnitudes(rng, count=200):
    """T14: gradients of magnitude 0.1 and 10 with random signs."""
    return np.where(rng.random((count, 2)) < 0.5, -1.0, 1.0) * [0.1, 10.0]
