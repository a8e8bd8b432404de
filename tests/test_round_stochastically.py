"""The link that rounds what others add: the bits of `apply_updates` with a key, step by step."""

import pickle
import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import rmsprop

SEED = 7
NARROW = pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
pytestmark = pytest.mark.standard_promotion("optax adds float32 to bfloat16")


def _key(step):
    return jax.random.fold_in(jax.random.key(SEED), step)


def _bits(array):
    """The bits of numbers in half precision; those of every NaN are the same."""
    array = np.asarray(array)
    return np.where(np.isnan(_wide(array)), 0x7FFF, array.view(np.uint16))


def _wide(array):
    with np.errstate(invalid="ignore"):
        return np.asarray(array).astype(np.float64)


def _all_numbers(dtype):
    return jnp.asarray(np.arange(2**16, dtype=np.uint16)).view(dtype)


def _random_bits(p, rng):
    return rng.integers(0, 2**32, len(p), np.uint32).view(np.float32)


def _cancellations(p, rng):
    """Updates that leave of the parameter one part of up to 2^30."""
    return -p * (1 + rng.normal(size=len(p)) * np.exp2(-rng.integers(0, 30, len(p)).astype(float)))


def _ratios(p, rng):
    """From far smaller than the parameter to far larger, of both signs."""
    return p * rng.normal(size=len(p)) * np.exp2(rng.integers(-30, 30, len(p)).astype(float))


def _special(p, rng):
    largest = [float(jnp.finfo(kind).max) for kind in (jnp.float32, jnp.bfloat16, jnp.float16)]
    sizes = [0.0, np.inf, np.nan, 1.0, *largest, 65520.0, 2.0**-24, 2.0**-25, 2.0**-126, 2.0**-149]
    return rng.choice([*sizes, *(-x for x in sizes)], len(p))


def _other_parameters(p, rng):
    return rng.permutation(p)


def _has_no_float32(p, after):
    """Whether the difference to the rounded sum is beyond float32, or is flushed to zero."""
    with np.errstate(invalid="ignore"):
        difference = np.abs(_wide(after) - p)
    beyond = (difference > float(jnp.finfo(jnp.float32).max)) & np.isfinite(difference)
    return beyond | ((difference > 0) & (difference < 2.0**-126))


@NARROW
@pytest.mark.parametrize(
    "draw", [_random_bits, _cancellations, _ratios, _special, _other_parameters]
)
def test_every_number_becomes_what_apply_updates_makes_of_it(dtype, draw, rng):
    """All 65,536 of a dtype, eight updates each: zeros with their sign, subnormals, no numbers."""
    params = jnp.tile(_all_numbers(dtype), 8)
    p = _wide(params)
    with np.errstate(invalid="ignore", over="ignore"):
        updates = jnp.asarray(draw(p, rng).astype(np.float32))
    link = rmsprop.round_stochastically(SEED)
    changes, _ = jax.jit(link.update)(updates, link.init(params), params)
    assert changes.dtype == jnp.float32
    found = jax.jit(optax.apply_updates)(params, changes)
    wanted = jax.jit(lambda p, u: rmsprop.apply_updates(p, u, key=_key(0)))(params, updates)
    different = _bits(found) != _bits(wanted)
    allowed = _has_no_float32(p, wanted)
    assert not (different & ~allowed).any()
    # What is left is rounded too, to a neighbour or not at all.
    assert np.isfinite(_wide(found)[different]).all()
    assert np.mean(different) < 1e-3


# The second multiplies last, which compilers contract with the sum where they see both.
OPTIMIZERS = {
    "rmsprop": rmsprop.rmsprop(0.01, momentum=0.9),
    "sgd": optax.scale(-0.3),
}


def _problem(gradients, leaves=3, steps=4):
    rng = np.random.default_rng(3)
    params, stream = {}, {}
    for number, dtype in zip(range(leaves), (jnp.bfloat16, jnp.float16, jnp.float32), strict=True):
        p = rng.normal(size=(40, 50))
        params[f"leaf {number}"] = jnp.asarray(p, dtype)
        # The first of SGD's steps cancel most of the parameter.
        factor = np.exp2(-rng.integers(0, 26, (steps, 40, 50)).astype(float))
        stream[f"leaf {number}"] = jnp.asarray(p / 0.3 * (1 + factor), gradients or dtype)
    return params, stream


def _at(stream, k):
    return jax.tree.map(lambda g: g[k], stream)


def _assert_same_bits(found, wanted):
    for ours, theirs in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        assert ours.dtype == theirs.dtype
        if ours.dtype == jnp.float32:
            np.testing.assert_array_equal(ours, theirs)
        else:
            np.testing.assert_array_equal(_bits(ours), _bits(theirs))


def _with_link(optimizer):
    chain = optax.chain(optimizer, rmsprop.round_stochastically(SEED))

    def step(params, state, gradient, k):
        del k
        changes, state = chain.update(gradient, state, params)
        return optax.apply_updates(params, changes), state

    return step, chain.init


def _with_key(optimizer):
    def step(params, state, gradient, k):
        changes, state = optimizer.update(gradient, state, params)
        return rmsprop.apply_updates(params, changes, key=_key(k)), state

    return step, optimizer.init


@pytest.mark.every_case("each is another program, which the compiler contracts as it likes")
@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("gradients", [None, jnp.float32], ids=["same dtype", "float32"])
@pytest.mark.parametrize("way", [_with_link, _with_key])
def test_every_step_is_that_of_apply_updates(name, gradients, way):
    """In one program with the update and the sum, as in programs of their own."""
    optimizer = OPTIMIZERS[name]
    step, init = way(optimizer)
    step = jax.jit(step)
    update = jax.jit(optimizer.update)
    apply = jax.jit(lambda p, u, k: rmsprop.apply_updates(p, u, key=_key(k)))
    start, stream = _problem(gradients)
    params, state = start, init(start)
    wanted, own = start, optimizer.init(start)
    for k in range(4):
        params, state = step(params, state, _at(stream, k), k)
        updates, own = update(_at(stream, k), own, wanted)
        wanted = apply(wanted, updates, k)
        _assert_same_bits(_narrow(params), _narrow(wanted))
        # float32 is left to the sum that each program makes in its own way.
        np.testing.assert_allclose(params["leaf 2"], wanted["leaf 2"], rtol=1e-6, atol=1e-6)


def _narrow(tree):
    return {name: leaf for name, leaf in tree.items() if leaf.dtype != jnp.float32}


def test_a_scan_with_donated_buffers_and_seeds_that_are_mapped():
    start, stream = _problem(jnp.float32)

    def train(seed, params):
        chain = optax.chain(optax.scale(-0.3), rmsprop.round_stochastically(seed))

        def step(carry, gradient):
            params, state = carry
            changes, state = chain.update(gradient, state, params)
            return (optax.apply_updates(params, changes), state), None

        return jax.lax.scan(step, (params, chain.init(params)), stream)[0][0]

    alone = jax.jit(train)(SEED, start)
    both = jax.jit(jax.vmap(train, in_axes=(0, None)))(jnp.asarray([SEED, 8]), start)
    _assert_same_bits(jax.tree.map(lambda x: x[0], both), alone)
    assert (both["leaf 0"][0] != both["leaf 0"][1]).any()
    given = jax.tree.map(jnp.copy, start)
    _assert_same_bits(jax.jit(train, donate_argnums=1)(SEED, given), alone)
    assert all(leaf.is_deleted() for leaf in jax.tree.leaves(given))


def test_other_leaves_pass_through():
    params = {
        "none": None,
        "masked": optax.MaskedNode(),
        "count": jnp.asarray(3),
        "wide": jnp.ones(2),
        "complex": jnp.ones(2, jnp.complex64),
        "empty": jnp.ones((0, 3), jnp.bfloat16),
        "scalar": jnp.ones((), jnp.bfloat16),
    }
    updates = params | {"count": np.zeros((), jax.dtypes.float0)}
    link = rmsprop.round_stochastically(0)
    changes, _ = link.update(updates, link.init(params), params)
    for name in ("none", "count", "wide", "complex"):
        assert changes[name] is updates[name]
    assert (changes["empty"].shape, changes["empty"].dtype) == ((0, 3), jnp.float32)
    assert changes["scalar"] == 1
    assert changes["masked"] == optax.MaskedNode()


@pytest.mark.parametrize("gradients", [jnp.bfloat16, jnp.float32])
def test_beside_wrappers_with_conditionals(gradients):
    """`MultiSteps` and `apply_if_finite` stand before it, and a step of zero moves nothing."""
    p, g = jnp.full(1000, 1.0, jnp.bfloat16), jnp.ones(1000, gradients)
    steps = optax.MultiSteps(optax.sgd(0.003), 2)
    _, summed = jax.eval_shape(steps.update, g, steps.init(p), p)
    if summed.acc_grads.dtype != steps.init(p).acc_grads.dtype:
        pytest.skip("MultiSteps of this Optax changes the dtype of its sum, which no branch may do")
    chain = optax.chain(optax.apply_if_finite(steps, 3), rmsprop.round_stochastically(SEED))
    state = chain.init(p)
    for k, gradient in enumerate([g, g, jnp.nan * g]):
        changes, state = jax.jit(chain.update)(gradient, state, p)
        after = optax.apply_updates(p, changes)
        assert (after != p).any() == (k == 1)
    assert state[1].count == 3


def test_the_seed_may_be_injected_and_the_state_is_pickled():
    p = jnp.full(1000, 1.0, jnp.bfloat16)
    u = jnp.full(1000, 0.003)
    plain = rmsprop.round_stochastically(SEED)
    wanted = plain.update(u, plain.init(p), p)[0]
    injected = optax.inject_hyperparams(rmsprop.round_stochastically)(SEED)
    state = pickle.loads(pickle.dumps(injected.init(p)))
    np.testing.assert_array_equal(injected.update(u, state, p)[0], wanted)


def test_update_needs_the_parameters():
    link = rmsprop.round_stochastically(0)
    with pytest.raises(ValueError, match=r"needs the parameters.*update\(gradients, state, params"):
        link.update(jnp.ones(2), link.init(jnp.ones(2)))


def test_updates_and_states_that_do_not_belong_to_it_are_refused():
    p = {"a": jnp.ones(2, jnp.bfloat16)}
    link = rmsprop.round_stochastically(0)
    for updates, words in (
        ({"b": jnp.ones(2)}, r"updates alone is \['b'\]"),
        ({"a": jnp.ones(3)}, r"parameter\['a'\] has shape \(2,\)"),
    ):
        with pytest.raises(ValueError, match=words):
            link.update(updates, link.init(p), p)
    with pytest.raises(ValueError, match="this transformation keeps count"):
        link.update(p, rmsprop.scale_by_rms().init(p), p)


@pytest.mark.parametrize(
    ("seed", "shown"),
    [
        (1.0, "seed is 1.0; it must be an integer"),
        (True, "seed is True; it must be an integer"),
        (None, "seed is None; it must be an integer"),
        (jnp.ones(2, jnp.int32), "seed is an array int32[2]; it must be an integer"),
        (jnp.ones(()), "seed is an array float32[]; it must be an integer"),
        (2**63, "seed is 9223372036854775808; it must be an integer from -2**63"),
    ],
)
def test_what_is_no_seed_is_refused_when_it_is_built(seed, shown):
    with pytest.raises((TypeError, ValueError), match=re.escape(shown)):
        rmsprop.round_stochastically(seed)


def _chain_and_problem():
    chain = optax.chain(rmsprop.rmsprop(0.01), rmsprop.round_stochastically(SEED))
    params, stream = _problem(None)
    return chain, params, _at(stream, 0)


def test_in_the_train_state_of_flax():
    train_state = pytest.importorskip("flax.training.train_state")
    chain, params, gradients = _chain_and_problem()
    state = train_state.TrainState.create(apply_fn=None, params=params, tx=chain)
    wanted, own = params, rmsprop.rmsprop(0.01).init(params)
    for k in range(3):
        state = state.apply_gradients(grads=gradients)
        updates, own = rmsprop.rmsprop(0.01).update(gradients, own, wanted)
        wanted = rmsprop.apply_updates(wanted, updates, key=_key(k))
        _assert_same_bits(state.params, wanted)


def test_in_a_module_of_equinox():
    """Whose own sum is float32, unlike that of `apply_updates`."""
    eqx = pytest.importorskip("equinox")
    chain, params, gradients = _chain_and_problem()

    class Model(eqx.Module):
        weights: dict
        name: str = "model"

    model, gradients = Model(params), Model(gradients, None)
    wanted = arrays = eqx.filter(model, eqx.is_inexact_array)
    state, own = chain.init(arrays), rmsprop.rmsprop(0.01).init(arrays)
    for k in range(2):
        updates, state = chain.update(gradients, state, eqx.filter(model, eqx.is_inexact_array))
        assert eqx.apply_updates(model, updates).weights["leaf 0"].dtype == jnp.float32
        model = rmsprop.apply_updates(model, updates)
        changes, own = rmsprop.rmsprop(0.01).update(gradients, own, wanted)
        wanted = rmsprop.apply_updates(wanted, changes, key=_key(k))
        _assert_same_bits(model.weights, wanted.weights)


def test_in_the_optimizer_of_nnx():
    nnx = pytest.importorskip("flax.nnx")
    chain, params, gradients = _chain_and_problem()
    params, gradients = (
        {n.replace(" ", "_"): x for n, x in t.items()} for t in (params, gradients)
    )

    class Model(nnx.Module):
        def __init__(self):
            for name, p in params.items():
                setattr(self, name, nnx.Param(p))

    def loss(model):
        """Of which the gradients are those of the problem."""
        return sum(
            jnp.sum(getattr(model, name)[...].astype(jnp.float32) * g.astype(jnp.float32))
            for name, g in gradients.items()
        )

    model = Model()
    optimizer = nnx.Optimizer(model, chain, wrt=nnx.Param)
    wanted, own = params, rmsprop.rmsprop(0.01).init(params)
    for k in range(3):
        optimizer.update(model, nnx.grad(loss)(model))
        updates, own = rmsprop.rmsprop(0.01).update(gradients, own, wanted)
        wanted = rmsprop.apply_updates(wanted, updates, key=_key(k))
        _assert_same_bits(dict(nnx.as_pure(nnx.state(model, nnx.Param))), wanted)
