"""Inside of Optax's wrappers: each does what it says, and the optimizer within is the same."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from runs import STEPS, assert_same, at, expected, problem, reference, steps
from table import TABLE, every_entry, every_entry_compiled, over

multiplies_by_counts = pytest.mark.standard_promotion(
    "Optax multiplies by counts and booleans here"
)


@every_entry_compiled
def test_chain(entry):
    optimizer = optax.chain(optax.scale(1.0), entry.make(), optax.identity())
    assert_same(steps(optimizer, *problem()).params[-1], expected(entry))


@every_entry
def test_extra_arguments_reach_the_links_that_want_them(entry):
    """A chain hands what it is called with to every link: ours let it pass."""
    seen = []

    def update_fn(updates, state, params=None, *, value, **others):
        seen.append((value, sorted(others)))
        return updates, state

    reader = optax.GradientTransformationExtraArgs(lambda params: optax.EmptyState(), update_fn)
    params, gradients = problem()
    optimizer = optax.chain(reader, entry.function(**entry.arguments), reader)
    optimizer.update(at(gradients, 0), optimizer.init(params), params, value=3.0, batch=None)
    assert seen == [(3.0, ["batch"])] * 2


def _injected(entry, **options):
    """What is neither a number nor a schedule decides the formula, and is not injected."""
    decide = [
        name
        for name, value in entry.arguments.items()
        if name not in entry.numbers and (isinstance(value, type) or not callable(value))
    ]
    wrapper = optax.inject_hyperparams(
        entry.function, static_args=(*decide, *entry.static), **options
    )
    return wrapper(**entry.arguments)


@over([entry for entry in TABLE if entry.numbers], compiled=True)
def test_inject_hyperparams(entry):
    """The same optimizer, and its numbers may be changed in the state."""
    optimizer = _injected(entry, hyperparam_dtype=jnp.float32)
    after, state, traces = steps(optimizer, *problem())
    assert traces == 1
    # Hyper-parameters are float32 then, and 1 - decay is off by 2^-24 / (1 - decay), at most 0.99.
    assert_same(after[-1], expected(entry), 2**-24 * STEPS / (1 - 0.99))
    for name in entry.numbers:
        assert state.hyperparams[name].dtype == jnp.float32


@over([entry for entry in TABLE if entry.numbers])
def test_inject_hyperparams_in_half_precision_is_refused_with_the_remedy(entry):
    params, _ = problem(jnp.bfloat16)
    with pytest.raises(TypeError, match=r"arrived in bfloat16.*hyperparam_dtype=jnp\.float32"):
        _injected(entry).init(params)


@multiplies_by_counts
@every_entry_compiled
def test_multi_steps(entry):
    """Two calls make one step, of the mean of their gradients."""
    params, gradients = problem()
    around = jax.tree.map(lambda g: jnp.stack([1.25 * g, 0.75 * g], axis=1), gradients)
    stream = jax.tree.map(lambda g: g.reshape(2 * STEPS, *g.shape[2:]), around)
    run = steps(optax.MultiSteps(entry.make(), 2), params, stream, last=2 * STEPS)
    assert run.traces == 1
    assert_same(run.params[0], params)
    for k in range(STEPS):
        assert_same(run.params[2 * k + 1], reference(entry).params[k])


@every_entry_compiled
def test_partition(entry):
    """One leaf frozen, the others trained."""
    params, gradients = problem()
    labels = {"w": "train", "b": "train", "s": "freeze"}
    optimizer = optax.partition({"train": entry.make(), "freeze": optax.set_to_zero()}, labels)
    after, _, traces = steps(optimizer, params, gradients)
    assert traces == 1
    assert_same(after[-1], expected(entry) | {"s": params["s"]})


@every_entry_compiled
def test_apply_if_finite(entry):
    """A gradient with a NaN or an infinity is skipped, and no state has seen it."""
    params, gradients = problem()
    bad = jax.tree.map(lambda g: jnp.full_like(g[:1], jnp.nan), gradients)
    bad["b"] = jnp.full_like(bad["b"], jnp.inf)
    stream = jax.tree.map(lambda g, b: jnp.concatenate([g[:2], b, g[2:]]), gradients, bad)
    run = steps(optax.apply_if_finite(entry.make(), 3), params, stream, last=STEPS + 1)
    assert run.traces == 1
    assert run.state.total_notfinite == 1
    assert_same(run.params[-1], expected(entry))


@every_entry
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_seen_in_the_update(entry, bad):
    params, gradients = problem()
    gradient = at(gradients, 0)
    gradient["b"] = gradient["b"].at[1].set(bad)
    optimizer = entry.make()
    state = optimizer.init(params)
    for _ in range(entry.arguments.get("gradient_accumulation_steps", 1)):
        updates, state = optimizer.update(gradient, state, params)
    if {"clipvalue", "clip_gradient"} & set(entry.arguments) and np.isinf(bad):
        assert np.isfinite(updates["b"]).all()  # an infinity is clipped to the limit
    else:
        assert not np.isfinite(updates["b"][1])


@multiplies_by_counts
@every_entry_compiled
def test_lookahead(entry):
    """Fast weights make two steps, and go back half of the way to the slow ones."""
    params, gradients = problem()
    pair = optax.LookaheadParams.init_synced(params)
    run = steps(optax.lookahead(entry.make(), 2, 0.5), pair, gradients, last=2)
    assert run.traces == 1
    assert_same(run.params[0].fast, reference(entry).params[0])
    middle = jax.tree.map(lambda p, q: (p + q) / 2, params, reference(entry).params[1])
    assert_same(run.params[1].fast, middle)
    assert_same(run.params[1].slow, middle)


@every_entry_compiled
def test_schedule_free(entry):
    """Its `z` takes the steps of the optimizer within."""
    params, gradients = problem()
    optimizer = optax.contrib.schedule_free(entry.make(), learning_rate=0.1, b1=0.9)
    run = steps(optimizer, params, gradients)
    assert run.traces == 1
    averaged = optax.contrib.schedule_free_eval_params(run.state, run.params[-1])
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(averaged))
    # With b1 = 0.9 the parameters are 0.9 x + 0.1 z of the average x, and z is the plain run;
    # the first step knows no average yet. Weight decay sees other parameters from then on.
    first = steps(optimizer, params, gradients, last=1)
    assert_same(first.state.z, reference(entry).params[0])


@multiplies_by_counts
@every_entry_compiled
def test_sam(entry):
    """Every other gradient is that of a perturbed point; the steps are those of the rest."""
    params, gradients = problem()
    perturb = optax.chain(optax.contrib.normalize(), optax.sgd(0.1))
    stream = jax.tree.map(lambda g: jnp.repeat(g, 2, axis=0), gradients)
    run = steps(optax.contrib.sam(entry.make(), perturb), params, stream, last=2 * STEPS)
    assert run.traces == 1
    for k in range(STEPS):
        # The way there and back through the perturbed point is rounded once more.
        assert_same(run.params[2 * k + 1], reference(entry).params[k])
