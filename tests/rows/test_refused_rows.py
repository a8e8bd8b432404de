"""What is refused, and what the message says."""

import copy

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import rmsprop
from rmsprop import rows

REFUSED = [
    ({"momentum": 0.9}, r"momentum is 0.9, .* every row read after such a step would be stale"),
    ({"decay": lambda k: 0.9}, r"decay is a schedule, .* decay\*\*missed, which needs one decay"),
    ({"semantics": "sparse"}, r"semantics is 'sparse'; it must be \"exact\" .* or \"lazy\""),
    ({"semantics": "lazy", "bias_correction": True}, r"only those that touched it"),
    ({"row_wise": True, "centered": True}, r"row_wise=True keeps one number a row, and centered"),
    ({"row_wise": True, "semantics": "lazy", "momentum": 0.9}, r"one number a row, and momentum"),
    ({"centered": True, "bias_correction": True}, r"corrected variance"),
    ({"decay": 1.0}, r"decay is 1.0"),
    ({"eps": -1.0}, r"eps is -1.0"),
    ({"initial_scale": -1.0}, r"initial_scale is -1.0"),
    ({"accumulator_dtype": jnp.bfloat16}, r"accumulator_dtype is bfloat16; .*at least float32"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED, ids=[str(k) for k in range(len(REFUSED))])
def test_options_that_cannot_be_right(options, message):
    with pytest.raises(ValueError, match=message):
        rows.rmsprop(0.1, **options)


def test_options_of_the_wrong_type():
    with pytest.raises(TypeError, match="row_wise is 1"):
        rows.rmsprop(0.1, row_wise=1)
    with pytest.raises(TypeError, match="row_wise is 'yes'"):
        rows.adagrad(0.1, row_wise="yes")
    with pytest.raises(TypeError, match="float16"):
        rows.rmsprop(0.1, decay=np.float16(0.9))
    with pytest.raises(TypeError, match="nesterov"):
        rows.rmsprop(0.1, nesterov=True)


def test_batches_and_states_that_do_not_fit():
    optimizer, table = rows.rmsprop(0.1), jnp.ones((5, 2))
    state, ids, gradients = optimizer.init(table), jnp.array([1, 2]), jnp.ones((2, 2))
    step = jax.jit(optimizer.step)
    with pytest.raises(ValueError, match=r"shape \(2,\).* must be \(2, 2\): one row for each id"):
        step(table, state, ids, jnp.ones(2))
    with pytest.raises(ValueError, match=r"row_gradients has shape \(5, 2\)"):
        step(table, state, ids, table)
    with pytest.raises(TypeError, match=r"ids has dtype float32; rows are chosen by integers"):
        step(table, state, ids.astype(float), gradients)
    with pytest.raises(TypeError, match=r"ids has dtype bool"):
        rows.gather(table, jnp.array([True]))
    with pytest.raises(TypeError, match=r"row_gradients has dtype int32"):
        step(table, state, ids, gradients.astype(int))
    with pytest.raises(TypeError, match=r"row_gradients has dtype complex64, .* float32 table"):
        step(table, state, ids, gradients.astype(jnp.complex64))
    with pytest.raises(TypeError, match=r"the table has dtype int32; .* the dense optimizer"):
        optimizer.init(jnp.arange(4))
    with pytest.raises(TypeError, match=r"the table is a dict; .* one state for each table"):
        optimizer.init({"a": table})
    with pytest.raises(ValueError, match=r"the table has shape \(\)"):
        optimizer.init(jnp.ones(()))
    with pytest.raises(ValueError, match=r"the table has shape \(0, 2\); .* one at least"):
        optimizer.init(jnp.ones((0, 2)))
    with pytest.raises(ValueError, match=r"dense\[0\].nu of the state has shape \(5, 2\), but"):
        step(jnp.ones((6, 2)), state, ids, gradients)
    with pytest.raises(ValueError, match=r"seen of the state has shape \(6,\), but .* \(5,\)"):
        step(table, state._replace(seen=jnp.zeros(6, jnp.int32)), ids, gradients)
    lazy = rows.rmsprop(0.1, semantics="lazy")
    with pytest.raises(ValueError, match=r"the state counts no steps, .* exact RMSprop counts"):
        step(table, lazy.init(table), ids, gradients)
    with pytest.raises(ValueError, match=r"the state counts steps, .* has no use for that"):
        lazy.step(table, state, ids, gradients)
    with pytest.raises(ValueError, match=r"keeps sum_of_squares"):
        rows.adagrad(0.1).step(table, lazy.init(table), ids, gradients)
    with pytest.raises(ValueError, match=r"keeps dense, count, seen"):
        step(table, optax.rmsprop(0.1).init(table)[0], ids, gradients)
    with pytest.raises(ValueError, match=r"keeps nu"):
        optimizer.from_dense(rmsprop.adagrad(0.1).init(table))
    narrow = optax.rmsprop(0.1).init(table.astype(jnp.bfloat16))
    with pytest.raises(TypeError, match=r"bfloat16, in which a running average stalls"):
        step(table, optimizer.from_dense(narrow), ids, gradients)


# What holds gradient transformations, each made of one. The last three read nothing from it before
# a state is asked for.
HOLDERS = {
    "chain": lambda make: optax.chain(optax.clip(1.0), make()),
    "named_chain": lambda make: optax.named_chain(("rows", make())),
    "masked": lambda make: optax.masked(make(), mask=True),
    "partition": lambda make: optax.partition({"rows": make()}, "rows"),
    "MultiSteps": lambda make: optax.MultiSteps(make(), 2),
    "apply_if_finite": lambda make: optax.apply_if_finite(make(), 3),
    "conditionally_transform": lambda make: optax.conditionally_transform(make(), lambda k: True),
    "flatten": lambda make: optax.flatten(make()),
    "schedule_free": lambda make: optax.contrib.schedule_free(make(), 0.1),
    "lookahead": lambda make: optax.lookahead(make(), 2, 0.5),
    "sam": lambda make: optax.contrib.sam(make(), optax.sgd(0.1)),
    "split_real_and_imaginary": lambda make: optax.contrib.split_real_and_imaginary(make()),
}
REMEDY = (
    r"a RowOptimizer is not a gradient transformation.* cannot be inside of .*optimizer\.step\("
    r"table, state, ids, row_gradients\)\. Clip or scale row_gradients before"
)


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("make", [rows.rmsprop, rows.adagrad])
def test_what_holds_gradient_transformations_is_refused_before_the_first_step(make, holder):
    with pytest.raises(TypeError, match=REMEDY):
        HOLDERS[holder](lambda: make(0.1)).init(jnp.ones((5, 2)))


@pytest.mark.parametrize("holder", [*HOLDERS][:-3])
def test_most_of_it_is_refused_when_it_is_built(holder):
    with pytest.raises(TypeError, match=REMEDY):
        HOLDERS[holder](lambda: rows.rmsprop(0.1))


def test_injected_hyperparameters_are_refused_when_their_state_is_made():
    with pytest.raises(TypeError, match=REMEDY):
        optax.inject_hyperparams(rows.rmsprop)(0.1).init(jnp.ones((5, 2)))


def test_what_is_said_to_be_done_instead_of_injecting_works():
    table, ids = jnp.ones((5, 2)), jnp.array([1, 2])
    state = rows.rmsprop(0.1).init(table)
    step = jax.jit(lambda rate: rows.rmsprop(rate).step(table, state, ids, jnp.ones((2, 2))))
    expected = rows.rmsprop(0.1).step(table, state, ids, jnp.ones((2, 2)))
    for ours, theirs in zip(jax.tree.leaves(step(0.1)), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2**-22)


def test_a_training_state_is_refused_when_it_is_created():
    train_state = pytest.importorskip("flax.training.train_state")
    with pytest.raises(TypeError, match=REMEDY):
        train_state.TrainState.create(
            apply_fn=None, params={"table": jnp.ones((5, 2))}, tx=rows.rmsprop(0.1)
        )


def test_any_other_loop_is_told_at_its_first_update():
    optimizer, table = rows.rmsprop(0.1), jnp.ones((5, 2))
    with pytest.raises(AttributeError, match=REMEDY):
        optimizer.update(table, optimizer.init(table))
    assert not hasattr(optimizer, "update")
    with pytest.raises(AttributeError, match="has no attribute 'lr'"):
        _ = optimizer.lr


def test_its_functions_are_read_and_copied_as_those_of_a_tuple():
    optimizer = rows.rmsprop(0.1)
    init, step, *_ = optimizer
    assert (init, step) == (optimizer.init, optimizer.step)
    assert optimizer._replace(init=step).init is step
    assert copy.copy(optimizer) == optimizer
