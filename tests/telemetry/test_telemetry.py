"""What is seen of a run: the numbers against NumPy's, the sample, and where it is found."""

import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import rmsprop
from rmsprop import frameworks, telemetry
from rmsprop.telemetry._sample import lattice, sample

SHAPES = {"dense": {"kernel": (6, 5), "bias": (5,)}, "scale": ()}
KERNEL = "['dense']['kernel']"
# A number of the record is float32, and the update is a difference of two parameters of the size of
# one: each is rounded by 2^-24, relative to updates of 0.01.
TOLERANCE = 4 * 2**-24 / 0.01


def _normal(rng):
    """A tree of the shapes above."""
    return jax.tree.map(
        lambda shape: rng.normal(size=shape).astype(np.float32),
        SHAPES,
        is_leaf=lambda shape: isinstance(shape, tuple),
    )


def _problem(rng, steps):
    params, stream = _normal(rng), []
    for _ in range(steps):
        gradient = _normal(rng)
        gradient["dense"]["kernel"][rng.uniform(size=(6, 5)) < 0.3] = 0
        gradient["dense"]["bias"] *= 1e-4
        stream.append(gradient)
    return jax.tree.map(jnp.asarray, params), stream


def _run(optimizer, params, stream):
    """The state after each step, and what the step started from."""
    step = jax.jit(lambda g, s, p: optimizer.update(g, s, p))
    state, history = optimizer.init(params), []
    for gradient in stream:
        updates, state = step(gradient, state, params)
        after = rmsprop.apply_updates(params, updates)
        history.append((state, params, after, gradient, updates))
        params = after
    return history


def _leaves(tree):
    found = jax.tree_util.tree_flatten_with_path(tree)[0]
    return {jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in found}


def _quantile(values, percent):
    """The smallest value that so many percent do not exceed."""
    values = sorted(values)
    return values[max(math.ceil(percent / 100 * len(values)) - 1, 0)]


def _by_hand(params, after, gradient, squares=None, limit=None):
    """All numbers, one leaf after the other, in float64."""
    pieces = {}
    for name, g in _leaves(gradient).items():
        p, q = (_leaves(tree)[name].astype(np.float64) for tree in (params, after))
        below = None if squares is None else (_leaves(squares)[name] < limit).ravel()
        pieces[name] = (
            np.abs(g.astype(np.float64)).ravel(),
            np.abs(p).ravel(),
            np.abs(q - p).ravel(),
            below,
        )
    pieces["all"] = tuple(
        None if squares is None and k == 3 else np.concatenate([x[k] for x in pieces.values()])
        for k in range(4)
    )
    values = {}
    for name, (g, p, u, below) in pieces.items():
        rates = [x / y for x, y in zip(u, g, strict=True) if y > 0]
        for percent in (5, 50, 95):
            values[f"{name}/effective_learning_rate_{percent}"] = _quantile(rates, percent)
        values[f"{name}/update_to_weight"] = np.linalg.norm(u) / np.linalg.norm(p)
        values[f"{name}/gradient_norm"] = np.linalg.norm(g)
        values[f"{name}/zero_gradients"] = np.mean(g == 0)
        if below is not None:
            values[f"{name}/eps_dominates"] = np.mean(below)
    return values


def _assert_close(found, wanted):
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        assert float(found[name]) == pytest.approx(float(value), rel=TOLERANCE, abs=1e-9), name


# The optimizer; where its second moment is; from which moment on eps is the smaller one.
KINDS = {
    "rmsprop": (rmsprop.rmsprop(0.01, eps=1e-2), {}, lambda s: s[0].nu, 1e-2),
    "eps outside": (
        rmsprop.rmsprop(0.01, eps=0.5, eps_in_sqrt=False),
        {},
        lambda s: s[0].nu,
        0.25,
    ),
    "adagrad": (rmsprop.adagrad(0.01, 0.0, eps=0.3), {}, lambda s: s[0].sum_of_squares, 0.3),
    "centered": (
        rmsprop.rmsprop(0.01, eps=0.02, centered=True, momentum=0.9),
        {},
        lambda s: s[0].var,
        0.02,
    ),
    "torch": (frameworks.torch.rmsprop(0.01, eps=0.05), {}, lambda s: s.inner_state[1].nu, 0.05**2),
    "optax": (
        optax.rmsprop(0.01, eps=1e-2),
        {"eps": 1e-2},
        lambda s: s[0].nu,
        1e-2,
    ),
    "unknown eps": (optax.rmsprop(0.01), {}, None, None),
    "no second moment": (optax.sgd(0.01, momentum=0.9), {"eps": 1.0}, None, None),
}


@pytest.mark.standard_promotion("optax's own")
@pytest.mark.parametrize("kind", KINDS)
def test_the_numbers_are_those_of_the_step_before(kind, rng):
    optimizer, options, squares, limit = KINDS[kind]
    params, stream = _problem(rng, 4)
    history = _run(telemetry.watch(optimizer, **options), params, stream)
    assert telemetry.read(history[0][0]) == {}
    for k in range(1, 4):
        found = telemetry.read(history[k][0])
        assert found.pop("step") == k - 1
        state, *step = history[k - 1][:4]
        moments = () if squares is None else (squares(state.inner_state), limit)
        _assert_close(found, _by_hand(*step, *moments))


@pytest.mark.parametrize("every", [1, 3])
def test_every_so_manieth_step_is_kept_until_the_next(every, rng):
    params, stream = _problem(rng, 8)
    history = _run(telemetry.watch(rmsprop.rmsprop(0.01), every), params, stream)
    seen = [telemetry.read(state).get("step") for state, *_ in history]
    assert seen == [None, *((k - 1) // every * every for k in range(1, 8))]
    kept = [telemetry.read(state) for state, *_ in history]
    assert (kept[1] == kept[2]) == (every == 3)


def test_observe_says_of_a_step_what_read_says_after_the_next(rng):
    params, stream = _problem(rng, 2)
    params = jax.tree.map(jnp.zeros_like, params)  # from which a difference is the update itself
    optimizer = rmsprop.rmsprop(0.01, eps=1e-2)
    history = _run(telemetry.watch(optimizer), params, stream)
    state, start, _, gradient, updates = history[0]
    observed = jax.jit(lambda *x: telemetry.observe(*x, eps=1e-2))(
        gradient, updates, start, state.inner_state
    )
    seen = telemetry.read(history[1][0])
    del seen["step"]
    _assert_close(observed, seen)
    bare = telemetry.observe(gradient, updates, start)
    assert bare.keys() == {name for name in seen if "eps" not in name}


def test_the_update_is_what_becomes_of_a_parameter_in_half_precision():
    """An update that rounds away has not moved anything."""
    params = {"w": jnp.ones(4, jnp.bfloat16)}
    gradient = {"w": jnp.ones(4, jnp.bfloat16)}
    for rate, moved in ((1e-4, 0.0), (0.25, 0.25)):
        history = _run(telemetry.watch(optax.scale(-rate)), params, [gradient] * 2)
        assert telemetry.read(history[1][0])["['w']/effective_learning_rate_50"] == moved


def test_complex_parameters_by_their_magnitudes():
    params = {"z": jnp.asarray([3 + 4j, 1j], jnp.complex64)}
    gradient = {"z": jnp.asarray([0.6 - 0.8j, 0], jnp.complex64)}
    history = _run(telemetry.watch(rmsprop.rmsprop(0.5, 0.0, eps=0.0)), params, [gradient] * 2)
    seen = telemetry.read(history[1][0])
    assert seen["['z']/effective_learning_rate_50"] == pytest.approx(0.5, rel=1e-6)
    assert seen["['z']/update_to_weight"] == pytest.approx(0.5 / math.sqrt(26), rel=1e-6)
    assert seen["['z']/gradient_norm"] == pytest.approx(1.0, rel=1e-6)
    assert seen["['z']/zero_gradients"] == 0.5


def test_leaves_without_a_gradient_are_left_out_and_no_numbers_are_seen():
    params = {
        "frozen": jnp.ones(3),
        "count": jnp.asarray(2),
        "none": None,
        "empty": jnp.zeros((0, 2)),
        "w": jnp.ones(3),
    }
    w = jnp.asarray([jnp.nan, 1.0, 2.0])
    gradient = {"frozen": None, "count": None, "none": None, "empty": jnp.zeros((0, 2)), "w": w}
    history = _run(telemetry.watch(rmsprop.adagrad(0.1)), params, [gradient] * 2)
    seen = telemetry.read(history[1][0])
    assert {name.partition("/")[0] for name in seen} == {"step", "['w']", "all"}
    assert math.isnan(seen["['w']/gradient_norm"])
    assert math.isnan(seen["all/gradient_norm"])
    assert math.isfinite(seen["['w']/effective_learning_rate_50"])


SIZES = [(), (1,), (255,), (257,), (10_000,), (3, 3, 64, 128), (50_257, 8), (1, 4096), (17, 19, 23)]


@pytest.mark.parametrize("shape", SIZES, ids=str)
@pytest.mark.parametrize("coordinates", [1, 16, 256])
def test_the_sample_is_a_lattice_of_at_most_so_many_places(shape, coordinates):
    array = np.arange(math.prod(shape)).reshape(shape)
    counts = lattice(shape, coordinates)
    found = np.asarray(sample(jnp.asarray(array), coordinates))
    assert found.size == math.prod(counts) == len(set(found.tolist())) <= coordinates
    assert found.size > min(array.size, coordinates) / 2
    if len(shape) > 1 and coordinates > 1:
        # Along every long axis there are several places.
        axes = np.unravel_index(found, shape)
        assert all(
            len(set(axis.tolist())) > 1 for axis, n in zip(axes, shape, strict=True) if n > 64
        )


def test_all_leaves_count_by_their_sizes():
    """A small leaf with large steps beside a large one that is sampled."""
    params = {"large": jnp.ones((400, 500)), "small": jnp.ones(100)}
    gradient = {"large": jnp.full((400, 500), 2.0), "small": jnp.zeros(100)}
    history = _run(telemetry.watch(optax.scale(-0.125)), params, [gradient] * 2)
    seen = telemetry.read(history[1][0])
    assert seen["all/gradient_norm"] == pytest.approx(2 * math.sqrt(200_000), rel=1e-5)
    assert seen["all/zero_gradients"] == pytest.approx(100 / 200_100, rel=1e-5)
    assert seen["all/effective_learning_rate_5"] == 0.125


@pytest.mark.parametrize("size", [1e-30, 1e-23, 1e22, 1e37])
def test_norms_of_gradients_whose_squares_are_no_float32(size):
    """Ten roundings of 2^-24 at most, each of a number and not of a difference of parameters."""
    params = {"a": jnp.asarray([3.0, 4.0]), "b": jnp.asarray([12.0])}
    gradient = jax.tree.map(lambda p: size * p, params)
    update = jax.tree.map(lambda p: 0.5 * p, params)
    for found, step in (
        (telemetry.observe(gradient, update, params), 0.5),
        (telemetry.observe(gradient, gradient, params), size),
    ):
        assert float(found["['a']/gradient_norm"]) == pytest.approx(
            5 * size, rel=10 * 2**-24, abs=0
        )
        assert float(found["all/gradient_norm"]) == pytest.approx(13 * size, rel=10 * 2**-24, abs=0)
        assert float(found["all/update_to_weight"]) == pytest.approx(step, rel=10 * 2**-24, abs=0)
    history = _run(telemetry.watch(optax.scale(0.5 / size)), params, [gradient] * 2)
    seen = telemetry.read(history[1][0])
    assert seen["all/gradient_norm"] == pytest.approx(13 * size, rel=10 * 2**-24, abs=0)


def test_double_precision_is_kept(x64):
    """A gradient of 1e-60 is none that is zero."""
    params, gradient = {"w": jnp.asarray([3.0, 4.0])}, {"w": jnp.asarray([3e-60, 4e-60])}
    seen = telemetry.observe(gradient, gradient, params)
    history = _run(telemetry.watch(optax.sgd(1.0)), params, [gradient] * 2)
    for found in (seen, telemetry.read(history[1][0])):
        assert float(found["all/gradient_norm"]) == pytest.approx(5e-60, rel=1e-12, abs=0)
        assert found["all/zero_gradients"] == 0
    assert float(seen["all/update_to_weight"]) == pytest.approx(1e-60, rel=1e-12, abs=0)


def test_no_large_array_is_copied_and_one_program_does_for_all_steps(for_use):
    """What XLA overwrites in place without a watch, it overwrites with it."""
    params = {f"leaf{k}": jnp.ones((200 + k, 300)) for k in range(4)}
    for inner in (rmsprop.rmsprop(0.1, momentum=0.9), optax.scale(-0.1)):
        optimizer = telemetry.watch(inner, every=10)
        state = optimizer.init(params)

        def step(params, state, gradients, optimizer=optimizer):
            updates, state = optimizer.update(gradients, state, params)
            return optax.apply_updates(params, updates), state

        lowered = jax.jit(step, donate_argnums=(0, 1)).lower(params, state, params)
        compiled = lowered.compile(compiler_options=for_use)
        assert not re.findall(r"= \w+\[20\d,300\]\S* copy\(", compiled.as_text())
        held = compiled.memory_analysis()
        if held is not None:  # beside what comes in and is returned in its place
            assert held.temp_size_in_bytes < params["leaf0"].nbytes


class TestWhereItIsFound:
    def test_in_chains_and_wrappers(self):
        params = {"w": jnp.ones(3)}

        def factory(rate):
            return telemetry.watch(rmsprop.rmsprop(rate))

        for optimizer in (
            optax.chain(optax.clip(1.0), optax.chain(telemetry.watch(rmsprop.rmsprop(0.1)))),
            optax.inject_hyperparams(factory)(0.1),
            optax.masked(factory(0.1), {"w": True}),
        ):
            history = _run(optimizer, params, [params] * 2)
            assert telemetry.read(history[1][0])["step"] == 0

    def test_of_several_all_leaves_are_one_table(self):
        params = {"a": jnp.ones(3), "b": jnp.ones(3)}
        rates = {"slow": 0.125, "fast": 0.5}
        optimizer = optax.partition(
            {name: telemetry.watch(optax.scale(-rate)) for name, rate in rates.items()},
            {"a": "slow", "b": "fast"},
        )
        seen = telemetry.read(_run(optimizer, params, [params] * 2)[1][0])
        rates = [seen[f"{name}/effective_learning_rate_50"] for name in ("['a']", "['b']", "all")]
        assert rates == [0.125, 0.5, 0.125]
        assert seen["all/effective_learning_rate_95"] == 0.5

    def test_of_several_the_step_is_the_last_that_is_recorded(self):
        params = {"a": jnp.ones(3), "b": jnp.ones(3)}
        kinds = {
            "rare": telemetry.watch(optax.sgd(0.1), 10),
            "steady": telemetry.watch(optax.sgd(1)),
        }
        optimizer = optax.partition(kinds, {"a": "rare", "b": "steady"})
        assert telemetry.read(_run(optimizer, params, [params] * 4)[-1][0])["step"] == 2

    def test_two_of_one_leaf_are_refused(self):
        """In each other, and of two models whose leaves have the same names."""
        params = {"w": jnp.ones(3)}
        once = telemetry.watch(rmsprop.rmsprop(0.1))
        state = _run(once, params, [params] * 2)[1][0]
        twice = _run(telemetry.watch(once), params, [params] * 2)[1][0]
        for both in (twice, {"generator": state, "critic": state}):
            with pytest.raises(
                ValueError, match=r"two watches in the state have seen a parameter\['w'\]"
            ):
                telemetry.read(both)

    @pytest.mark.standard_promotion("Flax's own")
    def test_in_flax(self):
        train_state = pytest.importorskip("flax.training.train_state")
        nnx = pytest.importorskip("flax.nnx")
        params = {"w": jnp.ones(3)}
        optimizer = telemetry.watch(rmsprop.rmsprop(0.1))
        state = train_state.TrainState.create(apply_fn=None, params=params, tx=optimizer)
        model = nnx.Linear(2, 3, rngs=nnx.Rngs(0))
        own = nnx.Optimizer(model, optimizer, wrt=nnx.Param)
        for _ in range(2):
            state = state.apply_gradients(grads=params)
            own.update(model, nnx.grad(lambda m: m(jnp.ones((1, 2))).sum())(model))
        assert telemetry.read(state)["['w']/gradient_norm"] == pytest.approx(math.sqrt(3))
        seen = telemetry.read(own)
        assert seen["['kernel']/gradient_norm"] == pytest.approx(math.sqrt(6))
        assert seen == telemetry.read(nnx.as_pure(own.opt_state))

    def test_nowhere_of_mapped_models_and_traced(self):
        params = {"w": jnp.ones(3)}
        with pytest.raises(ValueError, match="there is no watch in the state, which is a tuple"):
            telemetry.read(rmsprop.rmsprop(0.1).init(params))
        optimizer = telemetry.watch(rmsprop.rmsprop(0.1))
        both = jax.vmap(optimizer.init)({"w": jnp.ones((2, 3))})
        with pytest.raises(ValueError, match="that of 2 models that are mapped"):
            telemetry.read(both)
        with pytest.raises(TypeError, match="the state is traced"):
            jax.jit(telemetry.read)(optimizer.init(params))


class TestRefusals:
    @pytest.mark.parametrize("name", ["every", "coordinates"])
    @pytest.mark.parametrize(
        ("value", "error"), [(0, ValueError), (1.5, TypeError), (True, TypeError)]
    )
    def test_numbers_of_steps_and_places(self, name, value, error):
        with pytest.raises(error, match=rf"{name} is {value}; it must be"):
            telemetry.watch(rmsprop.rmsprop(0.1), **{name: value})

    @pytest.mark.parametrize("optimizer", [rmsprop.rmsprop, None, 0.1])
    def test_what_is_no_optimizer(self, optimizer):
        name = type(optimizer).__name__
        with pytest.raises(TypeError, match=rf"optimizer is a {name}; it must have the functions"):
            telemetry.watch(optimizer)

    def test_more_steps_than_are_counted(self):
        params = {"w": jnp.ones(3)}
        history = _run(telemetry.watch(optax.sgd(0.1), every=2**40), params, [params] * 3)
        assert [telemetry.read(state).get("step") for state, *_ in history] == [None, 0, 0]

    def test_eps(self):
        with pytest.raises(ValueError, match=r"eps is -1.0; it must be"):
            telemetry.watch(optax.sgd(0.1), eps=-1.0)

    def test_update_needs_the_parameters(self):
        optimizer = telemetry.watch(rmsprop.rmsprop(0.1))
        with pytest.raises(ValueError, match=r"watch needs the parameters.*state, params\)"):
            optimizer.update(jnp.ones(2), optimizer.init(jnp.ones(2)))

    def test_observe_names_the_leaf(self):
        params = {"a": {"w": jnp.ones(3)}}
        with pytest.raises(ValueError, match=r"^gradient\['a'\]\['w'\] has shape \(2,\), and its"):
            telemetry.observe({"a": {"w": jnp.ones(2)}}, params, params)
        with pytest.raises(ValueError, match=r"^the update of parameter\['a'\]\['w'\] has shape"):
            telemetry.observe(params, {"a": {"w": jnp.ones(2)}}, params)
        with pytest.raises(ValueError, match=r"the updates do not match the parameters"):
            telemetry.observe(params, {"b": jnp.ones(2)}, params)
        with pytest.raises(ValueError, match=r"^parameter\['a'\]\['w'\] has a gradient and no upd"):
            telemetry.observe(params, {"a": {"w": None}}, params)
        with pytest.raises(
            ValueError, match=r"^params is None; they must be the parameters before"
        ):
            telemetry.observe(params, params, None)


class TestShown:
    @pytest.fixture
    def history(self, rng):
        params, stream = _problem(rng, 6)
        return [
            telemetry.read(s)
            for s, *_ in _run(telemetry.watch(rmsprop.rmsprop(0.01)), params, stream)
        ]

    def test_the_table_fits_into_80_columns(self, history):
        from rich.console import Console

        console = Console(width=80, record=True, file=None, force_terminal=False)
        with console.capture() as capture:
            console.print(telemetry.table(history[-1]))
        lines = capture.get().splitlines()
        assert max(map(len, lines)) <= 80
        (kernel,) = [line for line in lines if KERNEL in line]
        assert f"{history[-1][f'{KERNEL}/update_to_weight']:.2g}" in kernel.split()
        assert f"{history[-1][f'{KERNEL}/zero_gradients']:.0%}" in kernel.split()
        assert "step 4" in lines[0]
        assert lines[-2].split()[0] == "all"

    def test_a_table_of_what_was_observed_without_eps(self):
        params = {"w": jnp.ones(2)}
        table = telemetry.table(telemetry.observe(params, params, params))
        assert len(table.columns) == 7
        assert table.title is None

    def test_the_plot_has_the_numbers_of_the_leaf(self, history):
        for leaf in ("all", KERNEL):
            axes = telemetry.plot(history, leaf).axes
            assert len(axes) == 4
            (line,) = axes[1].lines
            assert list(line.get_xdata()) == [0, 1, 2, 3, 4]
            assert list(line.get_ydata()) == [
                row[f"{leaf}/update_to_weight"] for row in history[1:]
            ]

    def test_what_cannot_be_drawn_is_refused(self, history):
        with pytest.raises(ValueError, match="history has no numbers"):
            telemetry.plot(history[:1])
        with pytest.raises(
            ValueError, match=r"leaf is 'x'; it must be one of \['dense'\]\['bias'\]"
        ):
            telemetry.plot(history, "x")
