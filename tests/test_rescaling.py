"""States, dtypes and trees of the transformations."""

from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import reference
import rmsprop
from rmsprop import _moments


class Layer(NamedTuple):
    kernel: jax.Array
    bias: jax.Array | None


@pytest.mark.parametrize(
    ("transformation", "fields"),
    [
        (rmsprop.scale_by_rms(), ("nu",)),
        (rmsprop.scale_by_rms(bias_correction=True), ("count", "nu")),
        (rmsprop.scale_by_rms(lambda k: 0.9), ("count", "nu")),
        (rmsprop.scale_by_stddev(), ("mu", "var")),
        (rmsprop.scale_by_stddev(lambda k: 0.9), ("count", "mu", "var")),
        (rmsprop.scale_by_rss(), ("sum_of_squares",)),
    ],
)
def test_state_fields(transformation, fields):
    """Optax's names; a count only where it is needed; the variance never under the name `nu`."""
    assert transformation.init(jnp.ones(2))._fields == fields


@pytest.mark.parametrize(
    ("parameter", "accumulator"),
    [
        (jnp.float16, jnp.float32),
        (jnp.bfloat16, jnp.float32),
        (jnp.float32, jnp.float32),
        (jnp.float64, jnp.float64),
        (jnp.complex64, jnp.float32),
        (jnp.complex128, jnp.float64),
    ],
)
@pytest.mark.parametrize(
    "gradient", [jnp.float16, jnp.bfloat16, jnp.float32, jnp.float64, jnp.complex64]
)
def test_dtypes(parameter, accumulator, gradient, x64):
    """State at least float32 and real, float64 stays; updates in the gradient's dtype."""
    params, gradients = jnp.ones(3, parameter), jnp.ones(3, gradient)
    if jnp.iscomplexobj(gradients) and not jnp.iscomplexobj(params):
        pytest.skip("a real parameter has no complex gradient")
    for make in (rmsprop.scale_by_rms, rmsprop.scale_by_rss, rmsprop.scale_by_stddev):
        state = make().init(params)
        assert state[-1].dtype == accumulator
    for optimizer in (
        rmsprop.rmsprop(0.1, momentum=0.9),
        rmsprop.rmsprop(0.1, momentum=0.9, centered=True, nesterov=True),
        rmsprop.adagrad(0.1),
    ):
        state = optimizer.init(params)
        updates, after = optimizer.update(gradients, state)
        assert updates.dtype == gradient
        chex.assert_trees_all_equal_shapes_and_dtypes(after, state)


def test_accumulator_dtype(x64):
    params = jnp.ones(3, jnp.float32)
    optimizer = rmsprop.rmsprop(0.1, momentum=0.9, accumulator_dtype=jnp.float64)
    updates, state = optimizer.update(params, optimizer.init(params))
    assert state[0].nu.dtype == state[2].trace.dtype == jnp.float64
    assert updates.dtype == jnp.float32
    # 0.1 in double precision, which float32 could not hold.
    np.testing.assert_allclose(state[0].nu, 1 - 0.9, rtol=1e-15)


def test_bfloat16_average_does_not_stall():
    """In a bfloat16 accumulator 8,000 ones with decay 0.999 average to 0.5, and sum to 256."""
    ones = jnp.ones(8_000, jnp.bfloat16)

    def last(transformation):
        def step(state, g):
            return transformation.update(g, state)[1], None

        return jax.lax.scan(step, transformation.init(ones[0]), ones)[0][0]

    # The rounding of every store is 2^-25 of the value and remembered for 1 / (1 - decay) steps.
    np.testing.assert_allclose(
        last(rmsprop.scale_by_rms(0.999)), 1 - 0.999**8_000, rtol=2**-24 / 0.001
    )
    assert last(rmsprop.scale_by_rss(0.0)) == 8_000


def test_complex_parameters_use_the_absolute_square(rng):
    gradients = rng.normal(size=(5, 3)) + 1j * rng.normal(size=(5, 3))
    expected = reference.rmsprop(np.zeros(3, complex), gradients, lambda k: 1.0, lambda k: 0.9)
    transformation = rmsprop.scale_by_rms(0.9)
    state = transformation.init(jnp.zeros(3, jnp.complex64))
    for gradient, update in zip(gradients, expected.updates, strict=True):
        updates, state = transformation.update(jnp.asarray(gradient, jnp.complex64), state)
        np.testing.assert_allclose(-np.asarray(updates), update, rtol=2**-24 * 30)


def test_none_and_empty_and_scalar_leaves_pass_through():
    params = {"none": None, "empty": jnp.ones((0, 3)), "scalar": jnp.array(1.0), "python": 2.0}
    for make in (rmsprop.rmsprop, rmsprop.adagrad):
        optimizer = make(0.1)
        state = optimizer.init(params)
        updates, after = optimizer.update(params, state, params)
        assert updates["none"] is None
        assert updates["empty"].shape == (0, 3)
        assert updates["scalar"].shape == ()
        assert updates["scalar"] < 0
        chex.assert_trees_all_equal_shapes_and_dtypes(after, state)


def test_a_none_gradient_leaves_its_state_alone():
    params = {"a": jnp.ones(2), "b": {"c": jnp.ones(3)}}
    for optimizer in (
        rmsprop.rmsprop(0.1, momentum=0.9),
        rmsprop.rmsprop(0.1, centered=True),
        rmsprop.adagrad(0.1),
    ):
        _, state = optimizer.update(params, optimizer.init(params))
        updates, after = optimizer.update({"a": None, "b": {"c": jnp.ones(3)}}, state)
        assert updates["a"] is None
        for before_tree, after_tree in zip(state[0], after[0], strict=True):
            chex.assert_trees_all_equal(before_tree["a"], after_tree["a"])
            assert not np.array_equal(before_tree["b"]["c"], after_tree["b"]["c"])


def test_masked_leaves():
    params = {"w": jnp.ones(2), "step": jnp.array(3)}
    mask = jax.tree.map(lambda x: jnp.issubdtype(x.dtype, jnp.inexact), params)
    optimizer = optax.masked(rmsprop.rmsprop(0.1), mask)
    updates, _ = optimizer.update(params, optimizer.init(params))
    assert updates["step"] == 3
    np.testing.assert_allclose(updates["w"], -0.1 / np.sqrt(0.1), rtol=1e-6)


def test_a_tree_that_does_not_match_the_state_is_refused():
    optimizer = rmsprop.rmsprop(0.1)
    state = optimizer.init({"a": jnp.ones(2), "b": Layer(jnp.ones(3), None)})
    with pytest.raises(ValueError, match=r"gradients alone is \['c'\], .* state alone is \['b'\]"):
        optimizer.update({"a": jnp.ones(2), "c": jnp.ones(3)}, state)
    wrong = {"a": jnp.ones(2), "b": Layer(jnp.ones((3, 1)), None)}
    with pytest.raises(ValueError, match=r"gradient\['b'\].kernel has shape \(3, 1\), .* \(3,\)"):
        optimizer.update(wrong, state)
    unknown = {"a": jnp.ones(2), "b": Layer(jnp.ones(3), jnp.ones(1))}
    with pytest.raises(ValueError, match=r"\.bias .* has shape \(1,\), .* holds nothing there"):
        optimizer.update(unknown, state)


def test_a_thousand_leaves_of_one_shape_are_traced_once():
    _moments.rescale.clear_cache()
    transformation = rmsprop.scale_by_rms()
    params = {str(i): jnp.ones((3, 5)) for i in range(1000)}
    state = transformation.init(params)
    before = _moments.rescale._cache_size()
    jaxpr = jax.make_jaxpr(transformation.update)(params, state)
    inner = {id(e.params["jaxpr"].jaxpr) for e in jaxpr.eqns if e.params.get("name") == "rescale"}
    assert len(inner) == 1
    assert before == 0


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
@pytest.mark.parametrize(
    "options",
    [{}, {"momentum": 0.9}, {"momentum": 0.99, "lr_in_momentum": False}, {"centered": True}],
    ids=str,
)
def test_half_precision_is_rounded_once(dtype, options):
    """Quotient, rate and momentum are float32 between: at float16's end too, and at small rates."""
    gradients = np.asarray(np.tile([20.0, 40.0, 1.0], (400, 1)), dtype)
    expected = reference.rmsprop(
        np.zeros(3), gradients.astype(np.float64), lambda k: 3e-6, lambda k: 0.9, **options
    ).updates[-1]
    optimizer = rmsprop.rmsprop(3e-6, 0.9, **options)
    state = optimizer.init(jnp.zeros(3, dtype))
    for g in gradients:
        updates, state = optimizer.update(jnp.asarray(g), state)
    # Half a unit in the last place of the gradient's dtype, or of its smallest (subnormal) number;
    # centered, the variance that rounding leaves stands beside eps (see the test of the constant
    # gradient): 4 % where g = 40.
    deviation = 40.0 * 1.5 * 2**-23 / (1 - 0.9)
    tolerance = 0.5 * 0.9 * deviation**2 / 1e-8 if "centered" in options else 1e-5
    finest = float(jnp.finfo(dtype).smallest_subnormal)
    np.testing.assert_allclose(
        np.asarray(updates, np.float64),
        expected,
        rtol=float(jnp.finfo(dtype).eps) / 2 + tolerance,
        atol=finest / 2,
    )


@pytest.mark.parametrize(
    "options",
    [{"centered": True}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}],
    ids=str,
)
def test_complex_mean_and_momentum(options, rng, x64):
    gradients = rng.normal(size=(8, 3)) + 1j * rng.normal(size=(8, 3))
    expected = reference.rmsprop(
        np.zeros(3, complex), gradients, lambda k: 0.1, lambda k: 0.9, 1e-3, **options
    )
    optimizer = rmsprop.rmsprop(0.1, 0.9, 1e-3, **options)
    state = optimizer.init(jnp.zeros(3, jnp.complex128))
    for gradient, update in zip(gradients, expected.updates, strict=True):
        updates, state = optimizer.update(jnp.asarray(gradient), state)
        np.testing.assert_allclose(updates, update, rtol=1e-12)  # 8 steps of 30 times 2^-53


def test_state_keeps_the_sharding_of_the_parameters():
    mesh = jax.make_mesh((1,), ("rows",))
    sharding = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("rows"))
    params = jax.device_put(jnp.ones(4), sharding)
    for optimizer in (rmsprop.rmsprop(0.1, momentum=0.9, centered=True), rmsprop.adagrad(0.1)):
        for leaf in jax.tree.leaves(optimizer.init(params)):
            assert leaf.sharding == sharding


@pytest.mark.parametrize("options", [{}, {"momentum": 0.9}, {"bias_correction": True}], ids=str)
def test_a_state_that_optax_made_goes_on_in_a_scan(options):
    params = jnp.ones(3)
    optimizer = rmsprop.rmsprop(0.1, **options)
    state = optax.rmsprop(0.1, **options).init(params)

    def step(state, gradient):
        updates, state = optimizer.update(gradient, state)
        return state, updates

    after, _ = jax.lax.scan(step, state, jnp.ones((3, 3)))
    chex.assert_trees_all_equal_structs(after, state)


def test_states_of_other_transformations_are_refused():
    params = jnp.ones(3)
    theirs = optax.scale_by_stddev().init(params)
    with pytest.raises(ValueError, match=r"fields mu, nu .*, but this .* keeps mu, var"):
        rmsprop.scale_by_stddev().update(params, theirs)
    uncounted = rmsprop.scale_by_rms().init(params)
    with pytest.raises(ValueError, match=r"keeps count, nu"):
        rmsprop.scale_by_rms(bias_correction=True).update(params, uncounted)
    narrow = optax.rmsprop(0.1).init(params.astype(jnp.bfloat16))
    with pytest.raises(TypeError, match=r"is bfloat16, in which a running average stalls"):
        rmsprop.rmsprop(0.1).update(params, narrow)


def test_another_container_and_what_is_no_array():
    optimizer = rmsprop.rmsprop(0.1)
    state = optimizer.init([jnp.ones(2)])
    with pytest.raises(ValueError, match=r"same containers"):
        optimizer.update((jnp.ones(2),), state)
    with pytest.raises(TypeError, match=r"parameter\['f'\] is of type .* only arrays of numbers"):
        optimizer.init({"f": jax.nn.relu})


def test_the_count_saturates():
    transformation = rmsprop.scale_by_rms(bias_correction=True)
    last = np.iinfo(np.int32).max
    state = transformation.init(jnp.ones(1))._replace(count=jnp.asarray(last, jnp.int32))
    updates, after = transformation.update(jnp.ones(1), state)
    assert after.count == last
    assert np.isfinite(updates)


def test_strict_dtype_promotion():
    params = {"h": jnp.ones(2, jnp.bfloat16), "f": jnp.ones(2), "c": jnp.ones(2, jnp.complex64)}
    with jax.numpy_dtype_promotion("strict"):
        for optimizer in (
            rmsprop.rmsprop(0.1, momentum=0.9),
            rmsprop.rmsprop(0.1, centered=True),
            rmsprop.rmsprop(0.1, bias_correction=True),
            rmsprop.adagrad(lambda k: 0.1),
        ):
            updates, _ = optimizer.update(params, optimizer.init(params))
            chex.assert_trees_all_equal_dtypes(updates, params)


@pytest.mark.parametrize("given", [jnp.bfloat16, None])
def test_a_state_of_the_other_accumulator_dtype_is_refused(given):
    """In every link: one that went through would change its structure at the first step."""
    g = jnp.ones(3)
    for options in ({}, {"momentum": 0.9}, {"momentum": 0.9, "bias_correction": True}):
        narrow, single = (
            rmsprop.rmsprop(0.1, accumulator_dtype=dtype, **options)
            for dtype in (jnp.bfloat16, None)
        )
        made, used = (narrow, single) if given is not None else (single, narrow)
        if options == {}:
            with pytest.raises(ValueError, match="but this transformation keeps"):
                used.update(g, made.init(g))
            continue
        state = (used.init(g)[0], *made.init(g)[1:])
        with pytest.raises(ValueError, match=r"with the fields .*trace .*, but this"):
            used.update(g, state)


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float32])
def test_an_accumulator_narrower_than_the_gradient_saturates(dtype, x64):
    """A float64 gradient of 1e300 is beyond a float32 mean or buffer, which stay finite."""
    g = jnp.asarray([1e300, -1e300, 1.0])
    for optimizer in (
        rmsprop.rmsprop(0.1, eps=0.01, centered=True, accumulator_dtype=dtype),
        rmsprop.rmsprop(1e300, momentum=0.9, accumulator_dtype=dtype),
        rmsprop.adagrad(0.1, accumulator_dtype=dtype),
    ):
        state = optimizer.init(g)
        for gradient in (g, jnp.ones(3), jnp.ones(3)):
            updates, state = optimizer.update(gradient, state)
            assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((updates, state)))
