"""States of Optax that are something else than the options say, and those in wrappers."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from rmsprop import frameworks

pytestmark = [
    pytest.mark.standard_promotion("Optax counts in integers and corrects its bias"),
    pytest.mark.usefixtures("compiled_quickly"),
]
port = frameworks.optax
PARAMS = {"w": jnp.ones(2), "b": jnp.zeros(1)}
GRADIENTS = {"w": jnp.array([1.0, -2.0]), "b": jnp.ones(1)}


def trained(optimizer, steps=3):
    """The state after some steps."""
    state = optimizer.init(PARAMS)
    for _ in range(steps):
        _, state = optimizer.update(GRADIENTS, state, PARAMS)
    return state


def assert_goes_on(theirs, saved, optimizer, state):
    """Both make the same step, to the rounding of float32: about ten operations."""
    expected, _ = theirs.update(GRADIENTS, saved, PARAMS)
    updates, _ = optimizer.update(GRADIENTS, state, PARAMS)
    for one, two in zip(jax.tree.leaves(updates), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, two, rtol=2e-6)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (optax.adagrad(0.1), port.rmsprop(0.1)),
        (optax.rmsprop(0.1), port.adagrad(0.1)),
        (optax.rmsprop(0.1, bias_correction=True), port.rmsprop(0.1)),
        (optax.rmsprop(0.1), port.rmsprop(0.1, bias_correction=True)),
        (optax.rmsprop(0.1, centered=True), port.rmsprop(0.1)),
        (optax.rmsprop(0.1), port.rmsprop(0.1, centered=True)),
        (optax.rmsprop(0.1, momentum=0.9), port.rmsprop(0.1)),
        (optax.rmsprop(0.1), port.rmsprop(0.1, momentum=0.9)),
        (
            optax.chain(optax.trace(0.9), optax.scale_by_rms(), optax.scale(-0.1)),
            port.rmsprop(0.1, momentum=0.9),
        ),
        (optax.adam(0.1), port.rmsprop(0.1)),
        (optax.chain(optax.rmsprop(0.1), optax.ema(0.9)), port.rmsprop(0.1)),
        (optax.apply_if_finite(optax.rmsprop(0.1), 3), port.rmsprop(0.1)),
    ],
)
def test_a_state_of_other_parts_is_refused_with_both(theirs, ours):
    with pytest.raises(ValueError, match=r"^saved has .*, and optax\.\w+ has .* with the options"):
        port.import_state(ours, trained(theirs), PARAMS)


def test_momentum_before_the_rate_is_refused():
    for rate in (optax.scale(-0.1), optax.scale_by_schedule(lambda k: -0.1)):
        theirs = optax.chain(optax.scale_by_rms(), optax.trace(0.9), rate)
        with pytest.raises(ValueError, match="so that the rate was applied after it"):
            port.import_state(port.rmsprop(0.1, momentum=0.9), trained(theirs), PARAMS)


def test_a_state_in_a_larger_chain_without_other_content_is_read():
    theirs = optax.chain(optax.clip(10.0), optax.rmsprop(0.1, momentum=0.9))
    saved = trained(theirs)
    ours = port.rmsprop(0.1, momentum=0.9)
    assert_goes_on(theirs, saved, ours, port.import_state(ours, saved, PARAMS))


def test_injected_values_are_compared_and_their_count_is_used():
    schedule = optax.linear_schedule(0.1, 0.0, 10)
    theirs = optax.inject_hyperparams(optax.rmsprop)(schedule, momentum=0.9, eps=1e-3)
    saved = trained(theirs)
    ours = port.rmsprop(schedule, momentum=0.9, eps=1e-3)
    assert_goes_on(theirs, saved, ours, port.import_state(ours, saved, PARAMS))
    for wrong, words in (
        ({"momentum": 0.5}, r"momentum is .*0\.9.* in saved\.hyperparams and 0\.5"),
        ({"eps": 1e-2}, r"eps is .*0\.001"),
        ({"decay": 0.99}, r"decay is .*0\.9.* and 0\.99 in optax\.rmsprop"),
    ):
        other = port.rmsprop(schedule, **({"momentum": 0.9, "eps": 1e-3} | wrong))
        with pytest.raises(ValueError, match=words):
            port.import_state(other, saved, PARAMS)
        port.import_state(other, saved, PARAMS, check=False)
    theirs = optax.inject_hyperparams(optax.adagrad)(0.1, initial_accumulator_value=0.2)
    saved = trained(theirs)
    ours = port.adagrad(0.1, 0.2)
    assert_goes_on(theirs, saved, ours, port.import_state(ours, saved, PARAMS))
    with pytest.raises(ValueError, match="initial_accumulator_value is"):
        port.import_state(port.adagrad(0.1), saved, PARAMS)
    with pytest.raises(ValueError, match="step is 5, but the saved state counts 3"):
        port.import_state(ours, saved, PARAMS, step=5)


def test_accumulated_gradients_go_on_between_two_steps_alone():
    schedule = optax.linear_schedule(0.1, 0.0, 10)
    theirs = optax.MultiSteps(optax.rmsprop(schedule), 2)
    ours = port.rmsprop(schedule)
    state = port.import_state(ours, trained(theirs, 4), PARAMS)
    assert [int(x) for x in jax.tree.leaves(state) if x.dtype == jnp.int32] == [2]
    saved = trained(theirs, 5)
    with pytest.raises(ValueError, match="gradients of 1 calls since its last step"):
        port.import_state(ours, saved, PARAMS)
    # As the error says.
    inner = port.import_state(ours, saved.inner_opt_state, PARAMS)
    wrapped = optax.MultiSteps(ours, 2)
    assert_goes_on(theirs, saved, wrapped, saved._replace(inner_opt_state=inner))


def test_a_masked_state_is_read():
    theirs = optax.masked(optax.rmsprop(0.1), {"w": True, "b": False})
    saved = trained(theirs)
    ours = port.rmsprop(0.1)
    part = {"w": PARAMS["w"], "b": optax.MaskedNode()}
    state = port.import_state(ours, saved, part)
    assert float(jax.tree.leaves(state)[0][0]) == float(jax.tree.leaves(saved)[0][0])
