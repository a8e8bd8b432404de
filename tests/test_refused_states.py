"""A state that does not fit is refused by the first step, with what it has and what to do."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import rmsprop
from rmsprop import frameworks, rows

X = {"x": jnp.ones(2)}
RATE = optax.constant_schedule(0.1)
REMEDY = r" or convert .*: rmsprop\.convert_state\(state, params, old, new\)\."


def refusal(old, new):
    """The message of `new` for the state of `old`, which is the same in a compiled step."""
    state = old.init(X)
    with pytest.raises((ValueError, TypeError)) as plain:
        new.update(X, state, X)
    with pytest.raises((ValueError, TypeError)) as compiled:
        jax.jit(new.update)(X, state, X)
    assert str(plain.value) == str(compiled.value)
    return plain


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            rmsprop.rmsprop(0.1),
            rmsprop.rmsprop(RATE),
            "a part EmptyState without content, but this transformation keeps count",
        ),
        (
            rmsprop.rmsprop(RATE),
            rmsprop.rmsprop(0.1),
            "a part ScaleByScheduleState with the fields count .* keeps nothing",
        ),
        (
            rmsprop.rmsprop(0.1),
            rmsprop.rmsprop(0.1, momentum=0.9),
            "a part EmptyState without content, but this transformation keeps trace",
        ),
        (
            rmsprop.rmsprop(0.1, momentum=0.9),
            rmsprop.rmsprop(0.1),
            "a part TraceState with the fields trace .* keeps nothing",
        ),
        (
            rmsprop.rmsprop(0.1, momentum=0.9),
            rmsprop.rmsprop(0.1, momentum=0.9, lr_in_momentum=False),
            "a part EmptyState without content, .* keeps trace",
        ),
        (
            rmsprop.rmsprop(0.1),
            rmsprop.rmsprop(0.1, bias_correction=True),
            "a part ScaleByRmsState with the fields nu .* keeps count, nu",
        ),
        (
            optax.rmsprop(0.1, centered=True),
            rmsprop.rmsprop(0.1, centered=True),
            "a part ScaleByRStdDevState with the fields mu, nu .* keeps mu, var",
        ),
        (
            rmsprop.rmsprop(0.1),
            rmsprop.adagrad(0.1),
            "a tuple of ScaleByRmsState, EmptyState, EmptyState, .* a tuple of 2 parts",
        ),
        (
            rmsprop.adagrad(0.1),
            rmsprop.rmsprop(0.1),
            "a tuple of ScaleByRssState, EmptyState, but this optimizer keeps a tuple of 3 parts",
        ),
        (
            rmsprop.rmsprop(0.1, bias_correction=True),
            rmsprop.rmsprop(0.1, accumulator_dtype=jnp.bfloat16),
            "field nu of the optimizer state has dtype float32, but accumulator_dtype is bfloat16",
        ),
        (
            rmsprop.rmsprop(0.1, accumulator_dtype=jnp.bfloat16),
            rmsprop.rmsprop(0.1, bias_correction=True),
            "is bfloat16, in which a running average stalls .* of accumulator_dtype=",
        ),
    ],
)
def test_the_state_of_other_options_is_refused(old, new, message):
    assert refusal(old, new).match(message)
    assert refusal(old, new).match(r"rmsprop\.convert_state\(state, params, old, new\)\.$")
    state = old.init(X)
    optimizer = new
    converted = rmsprop.convert_state(state, X, old, new, **_step(state))
    optimizer.update(X, converted, X)


def _step(state):
    """The argument that a state needs which has no count."""
    counts = optax.tree_utils.tree_get_all_with_path(state, "count")
    return {} if counts else {"step": 0}


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"0": {"nu": X}, "1": {}, "2": {}}, "the optimizer state is a dict, .* tuple of 3 parts"),
        ([{"nu": X}, {}, {}], "the optimizer state is a list, but"),
        (({"nu": X}, {}, {}), "a part dict without named fields, .* keeps nu"),
        ((optax.ScaleByRmsState(X), {}, optax.EmptyState()), "a part dict .* keeps nothing"),
    ],
)
def test_a_checkpoint_without_its_containers_is_refused(state, message):
    """It was restored without a target."""
    with pytest.raises(ValueError, match=message) as error:
        rmsprop.rmsprop(0.1).update(X, state, X)
    assert error.match(r"restored without a target; restore it with optimizer\.init\(params\) as")


def test_a_checkpoint_without_its_containers_is_refused_in_a_chain_of_optax():
    """Which goes through the dictionary as through a tuple, and hands over its keys."""
    optimizer = optax.chain(optax.clip(1.0), rmsprop.rmsprop(0.1))
    with pytest.raises(ValueError, match="restored without a target"):
        optimizer.update(X, {"0": {}, "1": {"0": {"nu": X}, "1": {}, "2": {}}}, X)


@pytest.mark.parametrize(
    ("on", "off"),
    [
        (frameworks.torch.rmsprop(0.1, weight_decay=0.01), frameworks.torch.rmsprop(0.1)),
        (frameworks.keras.rmsprop(0.1, clipnorm=1.0), frameworks.keras.rmsprop(0.1)),
    ],
)
def test_what_holds_nothing_fits_where_nothing_is_kept(on, off):
    """An option is switched off, whose transformations keep no state; or on, by a conversion."""
    expected, _ = off.update(X, off.init(X), X)
    updates, state = off.update(X, on.init(X), X)
    jax.tree.map(np.testing.assert_array_equal, updates, expected)
    off.update(X, state, X)
    converted = rmsprop.convert_state(off.init(X), X, off, on)
    assert jax.tree.structure(converted) == jax.tree.structure(on.init(X))


def test_a_checkpoint_of_orbax_is_read_with_its_target(tmp_path):
    """And is a dictionary without."""
    checkpoint = pytest.importorskip("orbax.checkpoint")
    optimizer = rmsprop.rmsprop(RATE, momentum=0.9)
    _, state = optimizer.update(X, optimizer.init(X), X)
    with checkpoint.StandardCheckpointer() as saver:
        saver.save(tmp_path / "state", state)
        saver.wait_until_finished()
        plain = saver.restore(tmp_path / "state")
        restored = saver.restore(tmp_path / "state", target=optimizer.init(X))
    with pytest.raises(ValueError, match="restored without a target"):
        optimizer.update(X, plain, X)
    with pytest.raises(ValueError, match="restored without a target"):
        rmsprop.convert_state(plain, X, optimizer, optimizer)
    jax.tree.map(np.testing.assert_array_equal, restored, state)
    assert jax.tree.structure(restored) == jax.tree.structure(state)


def test_rows_refuse_states_of_other_options():
    table, ids, gradients = jnp.ones((5, 2)), jnp.array([1]), jnp.ones((1, 2))
    lazy = rows.rmsprop(0.1, semantics="lazy", momentum=0.9)
    plain = rows.rmsprop(0.1, semantics="lazy")
    with pytest.raises(ValueError, match=r"a part TraceState .* keeps nothing.*" + REMEDY):
        plain.step(table, lazy.init(table), ids, gradients)
    with pytest.raises(ValueError, match=r"a part EmptyState .* keeps trace.*" + REMEDY):
        lazy.from_dense(plain.init(table).dense)
    scheduled = rows.rmsprop(RATE, semantics="lazy")
    with pytest.raises(ValueError, match=r"a part ScaleByScheduleState .* keeps nothing"):
        plain.flush(scheduled.init(table))
    with pytest.raises(
        ValueError, match=r"a part dict .* keeps dense, count, seen.*without a target"
    ):
        plain.step(table, plain.init(table)._asdict(), ids, gradients)
    with pytest.raises(ValueError, match=r"is a dict, .*restored without a target"):
        plain.from_dense({"0": {"nu": table}})


@pytest.mark.parametrize(
    "optimizer", [rmsprop.rmsprop(0.1), rmsprop.rmsprop(0.1, momentum=0.9), rmsprop.adagrad(0.1)]
)
def test_the_state_of_optax_is_taken(optimizer):
    function = optax.adagrad if len(optimizer.init(X)) == 2 else optax.rmsprop
    has_momentum = isinstance(optimizer.init(X)[-1], optax.TraceState)
    theirs = function(0.1, **({"momentum": 0.9} if has_momentum else {}))
    _, state = theirs.update(X, theirs.init(X))
    _, after = optimizer.update(X, state)
    assert jax.tree.structure(after) == jax.tree.structure(state)


def test_complex_means_stay_wide_beside_narrow_squares():
    optimizer = rmsprop.rmsprop(0.1, centered=True, accumulator_dtype=jnp.bfloat16)
    params = {"z": jnp.ones(2, jnp.complex64)}
    optimizer.update(params, optimizer.init(params), params)
