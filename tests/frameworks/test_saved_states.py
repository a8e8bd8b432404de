"""What is refused when a run moves, what is overruled, and which entry belongs to which leaf."""

import ast
import functools
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import rmsprop
from rmsprop import frameworks
from rmsprop.frameworks import keras, stable_baselines3, tensorflow, torch
from rmsprop.frameworks import optax as optax_port

PARAMS = {"dense": {"bias": jnp.zeros(2), "kernel": jnp.zeros((3, 2))}, "out": jnp.zeros(3)}
NAMES = {"dense": {"bias": 1, "kernel": 0}, "out": 2}
GROUP = {"lr": 0.1, "alpha": 0.99, "eps": 1e-8, "momentum": 0, "centered": False}


def entry(*shape, step=3, **slots):
    values = {name: np.full(shape, value, np.float32) for name, value in slots.items()}
    return {"step": np.float32(step)} | values


def torch_saved(**changes):
    """A state of `torch.optim.RMSprop` with the kernel first, transposed."""
    state = {
        0: entry(2, 3, square_avg=1.0),
        1: entry(2, square_avg=2.0),
        2: entry(3, square_avg=3.0),
    }
    return {"state": state, "param_groups": [GROUP | {"params": [0, 1, 2]} | changes]}


def transposed(name, array):
    return array.T if name == 0 else array


def nu(state):
    return next(part for part in state if hasattr(part, "nu")).nu


def counts(state):
    return [int(part.count) for part in state if "count" in part._fields]


def inner(state):
    """The state without the split into real and imaginary parts."""
    return state.inner_state


def test_names_say_which_entry_belongs_to_which_leaf():
    for names in (NAMES, [1, 0, 2], {"dense": {"kernel": 0, "bias": 1}, "out": 2}):
        state = torch.import_state(
            torch.rmsprop(0.1), torch_saved(), PARAMS, names=names, to_ours=transposed
        )
        averages = nu(inner(state))
        assert float(averages["dense"]["kernel"][2, 1]) == 1
        assert float(averages["dense"]["bias"][0]) == 2
        assert float(averages["out"][0]) == 3


def test_torch_names_are_used_where_the_optimizer_has_them():
    saved = torch_saved(param_names=["0.weight", "0.bias", "1"])
    names = {"dense": {"bias": "0.bias", "kernel": "0.weight"}, "out": "1"}
    state = torch.import_state(
        torch.rmsprop(0.1),
        saved,
        PARAMS,
        names=names,
        to_ours=lambda name, x: x.T if name == "0.weight" else x,
    )
    assert float(nu(inner(state))["dense"]["bias"][0]) == 2


def test_one_error_prints_both_sides():
    saved = torch_saved()
    del saved["state"][2]["square_avg"]
    saved["state"][0]["grad_avg"] = np.zeros((2, 3), np.float32)
    with pytest.raises(ValueError, match="does not fit") as error:
        torch.import_state(torch.rmsprop(0.1), saved, PARAMS, names=NAMES)
    text = str(error.value)
    assert "['out'] (3,): 2 has no square_avg" in text
    assert "0: grad_avg, which the optimizer does not have with these options" in text
    assert "['dense']['kernel'] (3, 2) and 0: square_avg (2, 3)" in text
    assert "Pass names" in text


def test_what_is_superfluous_is_listed_and_at_most_ten_of_a_kind():
    params = [jnp.zeros(1)] * 2
    states = {number: entry(1, square_avg=1.0) for number in range(20)}
    saved = {"state": states, "param_groups": [GROUP | {"params": [*range(20)]}]}
    with pytest.raises(ValueError, match="entries without a parameter") as error:
        torch.import_state(torch.rmsprop(0.1), saved, params)
    assert str(error.value).count("square_avg (1,)") == 10
    assert "and 8 more" in str(error.value)
    with pytest.raises(ValueError, match="parameters without an entry") as error:
        torch.import_state(torch.rmsprop(0.1), torch_saved(), [jnp.zeros(1)] * 15)
    assert "[14] (1,)" in str(error.value) or "and 2 more" in str(error.value)


@pytest.mark.parametrize("names", [[0, 1], "abc", {"dense": 1}, [0, 1, 2.5]])
def test_names_that_do_not_belong_to_the_leaves_are_refused(names):
    with pytest.raises(ValueError, match="it must be a tree with the structure"):
        torch.import_state(torch.rmsprop(0.1), torch_saved(), PARAMS, names=names)


def test_a_name_for_two_leaves_and_one_that_is_not_there_are_refused():
    params = [jnp.zeros(1), jnp.zeros(1)]
    states = {number: entry(1, square_avg=1.0) for number in range(2)}
    saved = {"state": states, "param_groups": [GROUP | {"params": [0, 1]}]}
    with pytest.raises(ValueError, match="0 for two leaves"):
        torch.import_state(torch.rmsprop(0.1), saved, params, names=[0, 0])
    with pytest.raises(ValueError, match="for which names has 7"):
        torch.import_state(torch.rmsprop(0.1), saved, params, names=[0, 7])
    state = torch.rmsprop(0.1).init(params)
    with pytest.raises(ValueError, match="names has 0 for two leaves"):
        torch.export_state(torch.rmsprop(0.1), state, params, names=[0, 0], step=1)
    with pytest.raises(ValueError, match="Pass order="):
        torch.export_state(torch.rmsprop(0.1), state, params, names=["a", "b"], step=1)


@pytest.mark.parametrize(
    ("option", "theirs", "ours"),
    [
        ("alpha", 0.9, 0.99),
        ("momentum", 0.5, 0),
        ("centered", True, False),
        ("eps", 1e-3, 1e-8),
        ("maximize", True, False),
        ("weight_decay", 0.1, 0.0),
    ],
)
def test_options_that_differ_are_refused_with_both_values(option, theirs, ours):
    saved = torch_saved(**{option: theirs})
    with pytest.raises(ValueError, match=f"{option} is {theirs} in param_groups") as error:
        torch.import_state(torch.rmsprop(0.1), saved, PARAMS, names=NAMES, to_ours=transposed)
    assert f"{ours} in torch.rmsprop" in str(error.value)
    state = torch.import_state(
        torch.rmsprop(0.1), saved, PARAMS, names=NAMES, to_ours=transposed, check=False
    )
    assert float(nu(inner(state))["out"][0]) == 3


def test_the_rate_is_not_compared_but_several_rates_are_refused():
    saved = torch_saved(lr=0.7)
    optimizer = torch.rmsprop(0.1)
    torch.import_state(optimizer, saved, PARAMS, names=NAMES, to_ours=transposed)
    saved["param_groups"][0]["params"] = [0, 1]
    saved["param_groups"].append(GROUP | {"params": [2]})
    with pytest.raises(ValueError, match=r"lr is 0\.7 in param_groups\[0\] and 0\.1 in"):
        torch.import_state(optimizer, saved, PARAMS, names=NAMES, to_ours=transposed)


def test_groups_move_by_themselves_and_are_joined_by_partition():
    saved = torch_saved(lr=0.7)
    saved["param_groups"][0]["params"] = [0, 1]
    saved["param_groups"].append(GROUP | {"params": [2]})
    labels = {"dense": "fast", "out": "slow"}
    ports = {"fast": torch.rmsprop(0.7), "slow": torch.rmsprop(0.1)}
    states, back = {}, []
    for number, (label, port) in enumerate(ports.items()):
        part = {k: v if labels[k] == label else optax.MaskedNode() for k, v in PARAMS.items()}
        names = {k: v if labels[k] == label else optax.MaskedNode() for k, v in NAMES.items()}
        group = saved["param_groups"][number]
        entries = {k: v for k, v in saved["state"].items() if k in group["params"]}
        group = {"state": entries, "param_groups": [group]}
        state = torch.import_state(port, group, part, names=names, to_ours=transposed)
        states[label] = optax.MaskedState(state)
        back.append(
            torch.export_state(port, state, part, names=names, to_theirs=transposed, step=3)
        )
    joined = optax.partition(ports, labels)
    template = joined.init(PARAMS)
    state = template._replace(inner_states=states)
    assert jax.tree.structure(state) == jax.tree.structure(template)
    gradients = jax.tree.map(jnp.ones_like, PARAMS)
    updates, _ = joined.update(gradients, state, PARAMS)
    assert float(updates["out"][0]) == pytest.approx(-0.1 / np.sqrt(0.99 * 3 + 0.01))
    assert float(updates["dense"]["bias"][0]) == pytest.approx(-0.7 / np.sqrt(0.99 * 2 + 0.01))
    assert [group["params"] for own in back for group in own["param_groups"]] == [[0, 1], [2]]
    assert [own["state"].keys() for own in back] == [{0, 1}, {2}]


def test_a_parameter_without_a_gradient_has_the_starting_values():
    saved = torch_saved()
    del saved["state"][2]
    state = torch.import_state(torch.rmsprop(0.1), saved, PARAMS, names=NAMES, to_ours=transposed)
    assert float(nu(inner(state))["out"][0]) == 0
    group = GROUP | {"params": [0], "momentum": 0}
    port = stable_baselines3.rmsprop_tf_like(0.1)
    never = stable_baselines3.import_state(
        port, {"state": {}, "param_groups": [group]}, [jnp.zeros(2)]
    )
    assert float(nu(never)[0][0]) == 1


def test_what_is_not_trained_has_no_entry():
    params = {"count": jnp.zeros([], jnp.int32), "w": jnp.zeros(1)}
    saved = {"state": {0: entry(1, square_avg=4.0)}, "param_groups": [GROUP | {"params": [0]}]}
    optimizer = torch.rmsprop(0.1)
    state = torch.import_state(optimizer, saved, params)
    averages = nu(inner(state))
    assert averages["count"] is None
    assert float(averages["w"][0]) == 4
    back = torch.export_state(optimizer, state, params, step=3)
    assert [*back["state"]] == [0]


def test_steps_that_differ_matter_where_the_rate_falls_with_them():
    saved = {
        "state": {0: entry(1, sum=1.0), 1: entry(1, sum=1.0, step=5)},
        "param_groups": [{"lr": 0.1, "lr_decay": 0.1, "params": [0, 1]}],
    }
    params = [jnp.zeros(1)] * 2
    falling = torch.adagrad(0.1, lr_decay=0.1)
    with pytest.raises(ValueError, match="entry 0 has taken 3 steps and entry 1 5"):
        torch.import_state(falling, saved, params)
    state = torch.import_state(falling, saved, params, check=False)
    assert torch.export_state(falling, state, params)["state"][0]["step"] == 5
    saved["param_groups"][0]["lr_decay"] = 0
    # A scheduler of PyTorch counts for all of them, whatever gradients they had.
    scheduled = torch.adagrad(optax.linear_schedule(0.1, 0.0, 10))
    state = torch.import_state(scheduled, saved, params)
    assert torch.export_state(scheduled, state, params)["param_groups"][0]["lr"] == pytest.approx(
        0.05
    )


def test_the_number_of_steps_is_asked_for_where_nobody_counts_it():
    optimizer, params = torch.rmsprop(0.1), [jnp.zeros(1)]
    with pytest.raises(ValueError, match="step is missing"):
        torch.export_state(optimizer, optimizer.init(params), params)
    scheduled = torch.rmsprop(optax.linear_schedule(0.1, 0.0, 10))
    with pytest.raises(ValueError, match="step is 4, but the state counts 0"):
        torch.export_state(scheduled, scheduled.init(params), params, step=4)
    port = tensorflow.rmsprop(optax.linear_schedule(0.1, 0.0, 10))
    saved = {"w/RMSProp": np.ones(1), "w/RMSProp_1": np.zeros(1)}
    with pytest.raises(ValueError, match="step is missing"):
        tensorflow.import_state(port, saved, params, names=["w"])
    state = tensorflow.import_state(port, saved, params, names=["w"], step=4)
    assert counts(state) == [4]


def test_an_option_changes_while_the_run_moves():
    saved = torch_saved(momentum=0.9)
    for own in saved["state"].values():
        own["momentum_buffer"] = np.ones_like(own["square_avg"])
    old = torch.rmsprop(0.1, momentum=0.9)
    new = rmsprop.rmsprop(optax.constant_schedule(0.1), momentum=0.9, eps_in_sqrt=False)
    arguments = {"names": NAMES, "to_ours": transposed}
    state = torch.import_state(old, saved, PARAMS, new=new, **arguments)
    assert jax.tree.structure(state) == jax.tree.structure(new.init(PARAMS))
    trace = next(part for part in state if hasattr(part, "trace")).trace
    assert float(trace["out"][0]) == pytest.approx(-0.1)  # the rate is inside it now
    assert counts(state) == [3]
    plain = torch.import_state(old, saved, PARAMS, **arguments)
    expected = rmsprop.convert_state(plain, PARAMS, old, new, step=3)
    assert jax.tree.all(jax.tree.map(lambda a, b: bool((a == b).all()), state, expected))


def test_neither_pickle_nor_a_framework_is_imported():
    """By any module of the ports, wherever the import stands."""
    roots = set()
    for path in Path(frameworks.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                roots |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                roots.add(node.module.partition(".")[0])
    assert roots - sys.stdlib_module_names == {"jax", "numpy", "optax", "rmsprop"}
    assert not roots & {"pickle", "marshal", "shelve", "dill", "subprocess"}


def test_what_is_no_saved_state_is_refused():
    optimizer = torch.rmsprop(0.1)
    with pytest.raises(ValueError, match="keys \\['model', 'optimizer'\\]"):
        torch.import_state(optimizer, {"model": {}, "optimizer": torch_saved()}, PARAMS)
    with pytest.raises(TypeError, match=r"it must be frameworks\.torch\.rmsprop"):
        torch.import_state(keras.rmsprop(0.1), torch_saved(), PARAMS)
    with pytest.raises(TypeError, match="passed to import_state as new="):
        torch.import_state(rmsprop.rmsprop(0.1), torch_saved(), PARAMS)
    with pytest.raises(ValueError, match=r"the state is not one of torch\.rmsprop"):
        torch.export_state(optimizer, rmsprop.rmsprop(0.1).init(PARAMS), PARAMS, step=1)
    with pytest.raises(TypeError, match="load_checkpoint"):
        tensorflow.import_state(tensorflow.rmsprop(0.1), "model.ckpt", [jnp.zeros(1)], names=["w"])
    with pytest.raises(TypeError, match="must map names to arrays"):
        tensorflow.import_state(tensorflow.rmsprop(0.1), [1], [jnp.zeros(1)], names=["w"])


def test_half_precision_is_widened_and_comes_back():
    params = [jnp.zeros(4, jnp.float16)]
    values = np.array([1e-5, 0.1, 3.0, 6e4], np.float16)
    saved = {
        "state": {0: {"step": np.float32(1), "square_avg": values}},
        "param_groups": [GROUP | {"params": [0]}],
    }
    optimizer = torch.rmsprop(0.1)
    state = torch.import_state(optimizer, saved, params)
    assert nu(inner(state))[0].dtype == jnp.float32
    back = torch.export_state(optimizer, state, params, step=1)["state"][0]["square_avg"]
    np.testing.assert_array_equal(back.astype(np.float16), values)


def test_optax_states_in_other_parameters_are_refused():
    port = optax_port.rmsprop(0.1)
    saved = optax.rmsprop(0.1).init({"other": jnp.zeros(2)})
    with pytest.raises(ValueError, match="do not have the structure"):
        optax_port.import_state(port, saved, PARAMS)
    with pytest.raises(ValueError, match=r"momentum \(trace\) with the options"):
        optax_port.import_state(
            optax_port.rmsprop(0.1, momentum=0.9), optax.rmsprop(0.1).init(PARAMS), PARAMS
        )


def test_slots_that_are_something_else_are_refused():
    """By their names where Keras and TensorFlow have them, and otherwise by their signs."""
    params = [jnp.ones(2)]

    class Variable(np.ndarray):
        path = ""

    def named(path, values):
        variable = np.asarray(values, np.float32).view(Variable)
        variable.path = f"optimizer/{path}"
        return variable

    first = [named("iteration", 3), named("learning_rate", 0.1)]
    sums, squares = (named(f"w_{x}", [0.5, 1]) for x in ("gradient_accumulator", "velocity"))
    with pytest.raises(ValueError, match=r"gradient_accumulator where keras\.rmsprop .* velocity"):
        keras.import_state(keras.rmsprop(momentum=0.9), [*first, sums, squares], params)
    with pytest.raises(
        ValueError, match=r"gradient_accumulator where keras\.adagrad .* accumulator"
    ):
        keras.import_state(keras.adagrad(0.1), [*first, sums], params)
    with pytest.raises(ValueError, match=r"squares of \[0\] has negative values"):
        keras.import_state(keras.rmsprop(0.1), [np.int32(3), np.float32(0.1), -np.ones(2)], params)
    saved = {"w/RMSProp": np.ones(2), "w/RMSProp_1": np.zeros(2), "w/RMSProp_2": np.zeros(2)}
    with pytest.raises(ValueError, match="saved has w/RMSProp_2"):
        tensorflow.import_state(tensorflow.rmsprop(0.1, momentum=0.9), saved, params, names=["w"])


def test_a_state_of_other_parameters_is_not_lost_in_silence():
    optimizer = torch.rmsprop(lr=0.1)
    group = {"lr": 0.1, "params": [0]}
    entry = {"step": 5.0, "square_avg": np.ones(2, np.float32)}
    saved = {"state": {"w": entry}, "param_groups": [group]}
    with pytest.raises(ValueError, match="entries without a parameter are 'w'"):
        torch.import_state(optimizer, saved, [jnp.ones(2)])
    falling = torch.adagrad(lr=0.1, lr_decay=0.1)
    entry = {"step": 100.0, "sum": np.ones(2, np.float32)}
    saved = {"state": {0: entry}, "param_groups": [{"lr": 0.1, "params": [0, 1]}]}
    with pytest.raises(ValueError, match="entry 1 has taken 0 steps and entry 0 100"):
        torch.import_state(falling, saved, [jnp.ones(2)] * 2)
    state = optimizer.init([jnp.ones(5)])
    with pytest.raises(ValueError, match=r"shape \(5,\) for \[0\], whose shape is \(2,\)"):
        torch.export_state(optimizer, state, [jnp.ones(2)], step=1)


@pytest.mark.parametrize(
    ("step", "error"), [(-5, ValueError), (2.7, TypeError), (2**31, ValueError)]
)
def test_a_number_of_steps_is_checked(step, error):
    optimizer = torch.rmsprop(lr=0.1)
    params = [jnp.ones(2)]
    with pytest.raises(error, match=r"step is .*; it must be the number of steps taken so far"):
        torch.export_state(optimizer, optimizer.init(params), params, step=step)
    scheduled = tensorflow.rmsprop(lambda count: 0.1 / (1 + count))
    saved = {"w/RMSProp": np.ones(2), "w/RMSProp_1": np.zeros(2)}
    with pytest.raises(error, match=r"step is .*; it must be the number of steps taken so far"):
        tensorflow.import_state(scheduled, saved, params, names=["w"], step=step)


def test_a_layout_that_does_not_fit_is_the_error_of_both_sides():
    """A bias in the place of a kernel, and names in the place of the numbers of a layout."""
    shapes = {"out": {"kernel": jnp.zeros((3, 3)), "bias": jnp.zeros(3)}}
    layout = torch.flax_layout(shapes, ["out.weight", "out.bias"])
    optimizer = torch.rmsprop(lr=0.1)
    entries = [{"step": 1.0, "square_avg": np.ones(s, np.float32)} for s in (3, (3, 3))]
    group = {"lr": 0.1, "params": [0, 1], "param_names": ["out.bias", "out.weight"]}
    saved = {"state": dict(enumerate(entries)), "param_groups": [group]}
    bring = functools.partial(torch.import_state, optimizer, saved, shapes)
    with pytest.raises(ValueError, match=r"'kernel'.*and 0: square_avg \(3,\).*to_ours fails"):
        bring(names=layout.names, to_ours=layout.to_ours)
    words = {"out": {"kernel": "out.weight", "bias": "out.bias"}}
    with pytest.raises(ValueError, match="a layout knows parameters by number"):
        bring(names=words, to_ours=layout.to_ours)
    with pytest.raises(ValueError, match="arrays has 3 arrays; it must have the 2"):
        layout.params([np.ones((3, 3)), np.ones(3), np.ones(3)])


def test_a_schedule_comes_after_accumulation():
    """Seven calls are three steps and a half, and the schedule counts the steps."""
    params = [jnp.ones(2)]
    old = keras.rmsprop(0.1, gradient_accumulation_steps=2)
    saved = keras.export_state(old, old.init(params), params, step=7)
    new = keras.rmsprop(lambda count: 0.1 / (1 + count), gradient_accumulation_steps=2)
    state = keras.import_state(old, saved, params, new=new)
    counts = [x for x in jax.tree.leaves(state) if jnp.issubdtype(x.dtype, jnp.integer)]
    assert sorted(map(int, counts)) == [1, 3]
