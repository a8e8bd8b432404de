"""Training on 8 devices in each of the ways of `docs/sharding.md`; one JSON object of what failed.

Each function below is a test. The object has its name and a traceback, or None where it holds.
"""

import json
import math
import traceback
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from spread_runs import bits, bytes_by_device, collectives, distance

import rmsprop
from rmsprop import rows, sharding, telemetry

STEPS = 4
OPTIMIZERS = {
    "rmsprop": rmsprop.rmsprop(0.01, momentum=0.9),
    "norms": optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(0.01)),
}


def mesh_of(axes):
    """A mesh with automatic axes of these names and sizes, of the first devices."""
    sizes = tuple(axes.values())
    devices = jax.devices()[: math.prod(sizes)]
    types = (AxisType.Auto,) * len(sizes)
    return jax.make_mesh(sizes, tuple(axes), axis_types=types, devices=devices)


def network():
    rng = np.random.default_rng(5)
    params = {
        "first": {"kernel": rng.normal(size=(16, 32)), "bias": np.zeros(32)},
        "second": {"kernel": rng.normal(size=(32, 8)), "bias": np.zeros(8)},
    }
    batches = [(rng.normal(size=(64, 16)), rng.normal(size=(64, 8))) for _ in range(STEPS)]
    return jax.tree.map(lambda x: x.astype(np.float32), (params, batches))


def loss(params, batch):
    hidden = jnp.tanh(batch[0] @ params["first"]["kernel"] + params["first"]["bias"])
    predicted = hidden @ params["second"]["kernel"] + params["second"]["bias"]
    return jnp.mean((predicted - batch[1]) ** 2)


def trained(optimizer, params, state, batches, **options):
    """Parameters and state after all steps, and the program of a step."""

    def step(params, state, batch):
        gradients = jax.grad(loss)(params, batch)
        updates, state = optimizer.update(gradients, state, params)
        return optax.apply_updates(params, updates), state

    compiled = jax.jit(step, **options).lower(params, state, batches[0]).compile()
    for batch in batches:
        params, state = compiled(params, state, batch)
    return params, state, compiled


def spread(optimizer, params, mesh, batches):
    """The same with a spread state."""
    state = sharding.init(optimizer, params, mesh=mesh)
    places = jax.tree.map(lambda x: x.sharding, (params, state))
    assert places[1] == sharding.shardings(optimizer, params, mesh=mesh)
    results = trained(optimizer, params, state, batches, out_shardings=places)
    assert jax.tree.map(lambda x: x.sharding, results[:2]) == places
    return results


def assert_close_to_one_device(optimizer, params):
    """Sums over a batch in another order: each gradient is off by at most 64 + 32 roundings.

    The optimizer divides by the size of a gradient; where that is small beside the terms of its
    sum, the relative error of the step is larger, here by less than 100.
    """
    alone, batches = network()
    alone, _, _ = trained(optimizer, alone, optimizer.init(alone), batches)
    assert distance(params, alone) < 96 * 100 * 2**-24


def check_data(name):
    """Every bit is that of data parallelism with whole states; an eighth of the bytes."""
    optimizer, mesh = OPTIMIZERS[name], mesh_of({"data": 8})
    params, batches = network()
    params = jax.device_put(params, NamedSharding(mesh, PartitionSpec()))
    batches = jax.device_put(batches, NamedSharding(mesh, PartitionSpec("data")))
    new, state, compiled = spread(optimizer, params, mesh, batches)
    whole_state = jax.device_put(optimizer.init(params), NamedSharding(mesh, PartitionSpec()))
    places = jax.tree.map(lambda x: x.sharding, (params, whole_state))
    whole, whole_state, other = trained(
        optimizer, params, whole_state, batches, out_shardings=places
    )
    if name == "norms":  # a sum of squares over all parts
        assert distance(new, whole) < 1000 * 2**-24 * STEPS
    else:
        assert bits((new, state)) == bits((whole, whole_state))
    assert_close_to_one_device(optimizer, new)
    numbers = sum(x.nbytes for x in jax.tree.leaves(state) if not x.ndim)
    arrays = sum(x.nbytes for x in jax.tree.leaves(state) if x.ndim)
    assert bytes_by_device(state) == [arrays // 8 + numbers] * 8
    sizes = sorted(x.size for x in jax.tree.leaves(params))
    sent = collectives(compiled.as_text())
    assert sorted(size for kind, size in sent if kind == "all-gather") == sizes, sent
    assert not any(kind == "all-gather" for kind, _ in collectives(other.as_text()))
    # What the step is given on each device: whole parameters, its parts of state and batch.
    given = sum(x.nbytes for x in jax.tree.leaves(params)) + bytes_by_device(state)[0]
    given += bytes_by_device(batches[0])[0]
    assert compiled.memory_analysis().argument_size_in_bytes == given


def test_data():
    check_data("rmsprop")


def test_data_with_a_norm_of_all_gradients():
    check_data("norms")


def test_tensor():
    """Parameters in two parts, the state in eight; the other axis is gathered over alone."""
    optimizer, mesh = OPTIMIZERS["rmsprop"], mesh_of({"data": 4, "model": 2})
    params, batches = network()
    specs = {
        "first": {"kernel": (None, "model"), "bias": ("model",)},
        "second": {"kernel": ("model", None), "bias": ()},
    }
    places = jax.tree.map(
        lambda spec: NamedSharding(mesh, PartitionSpec(*spec)),
        specs,
        is_leaf=lambda x: isinstance(x, tuple),
    )
    params = jax.device_put(params, places)
    batches = jax.device_put(batches, NamedSharding(mesh, PartitionSpec("data")))
    new, state, compiled = spread(optimizer, params, mesh, batches)
    assert_close_to_one_device(optimizer, new)
    kept = 2 * 4 * (16 * 32 // 8 + 32 // 8 + 32 * 8 // 8 + 8 // 4)
    assert bytes_by_device(state) == [kept] * 8
    parts = sorted(x.addressable_shards[0].data.size for x in jax.tree.leaves(params))
    sent = collectives(compiled.as_text())
    assert sorted(size for kind, size in sent if kind == "all-gather") == parts, sent


def test_fully_sharded():
    """The state lies as the parameters do, and nothing is divided any further."""
    optimizer, mesh = OPTIMIZERS["rmsprop"], mesh_of({"data": 8})
    params, batches = network()
    params = jax.device_put(params, NamedSharding(mesh, PartitionSpec("data")))
    batches = jax.device_put(batches, NamedSharding(mesh, PartitionSpec("data")))
    new, state, _ = spread(optimizer, params, mesh, batches)
    assert_close_to_one_device(optimizer, new)
    assert bytes_by_device(state) == [2 * x for x in bytes_by_device(params)]
    assert jax.tree.map(lambda x: x.sharding, state[0].nu) == jax.tree.map(
        lambda x: x.sharding, params
    )


def test_watched():
    """On both kinds of axes, with whole and with divided parameters: what is seen is whole.

    Of `"five"` a sample has twelve rows, which eight devices cannot share.
    """
    rng = np.random.default_rng(3)
    start = {"w": rng.normal(size=(16, 24)), "five": rng.normal(size=(48, 40)), "b": np.ones(16)}
    start = jax.tree.map(lambda x: x.astype(np.float32), start)
    optimizer = telemetry.watch(rmsprop.rmsprop(0.01, momentum=0.9))

    def step(params, state):
        updates, state = optimizer.update(jax.tree.map(jnp.sin, params), state, params)
        return optax.apply_updates(params, updates), state

    def seen(params, state, **options):
        compiled = jax.jit(step, **options)
        for _ in range(STEPS):
            params, state = compiled(params, state)
        return telemetry.read(state), state

    wanted, _ = seen(start, optimizer.init(start))
    for axis_type in (AxisType.Auto, AxisType.Explicit):
        mesh = jax.make_mesh((8,), ("data",), axis_types=(axis_type,))
        for spec in ((), ("data",)):
            params = jax.device_put(start, NamedSharding(mesh, PartitionSpec(*spec)))
            state = sharding.init(optimizer, params, mesh=mesh)
            places = jax.tree.map(lambda x: x.sharding, (params, state))
            found, state = seen(params, state, out_shardings=places)
            assert all(x.sharding.is_fully_replicated for x in jax.tree.leaves(state.records))
            # Parameters of up to 3, each rounded, and steps of 0.01, beside those of one device.
            assert found == pytest.approx(wanted, rel=16 * 2**-24 * 3 / 0.01)
            if spec:  # without a plan of where things are to lie
                found, _ = seen(params, optimizer.init(params))
                assert found == pytest.approx(wanted, rel=16 * 2**-24 * 3 / 0.01)
            update = jax.tree.map(jnp.sin, params)
            observed = jax.jit(telemetry.observe)(update, update, params)
            norm = np.sqrt(sum((np.sin(x, dtype=np.float64) ** 2).sum() for x in start.values()))
            assert float(observed["all/gradient_norm"]) > 0.5 * norm


def test_of_a_table():
    """Rows are exchanged as far as a batch touches them, and every bit is that of one device."""
    rng = np.random.default_rng(0)
    start = rng.normal(size=(808, 4)).astype(np.float32)
    ids = rng.integers(-3, 811, (STEPS, 50)).astype(np.int32)
    gradients = rng.normal(size=(STEPS, 50, 4)).astype(np.float32)
    optimizers = {
        AxisType.Auto: [rows.rmsprop(0.1), rows.adagrad(0.1, row_wise=True)],
        AxisType.Explicit: [rows.rmsprop(0.1, centered=True)],
    }
    for axis_type, of_these in optimizers.items():
        mesh = jax.make_mesh((8,), ("data",), axis_types=(axis_type,))
        for optimizer in of_these:
            alone, alone_state = jnp.asarray(start), optimizer.init(jnp.asarray(start))
            table = jax.device_put(start, NamedSharding(mesh, PartitionSpec()))
            state = sharding.init(optimizer, table, mesh=mesh)
            places = (table.sharding, sharding.shardings(optimizer, table, mesh=mesh))
            step, spread_step = (
                jax.jit(optimizer.step),
                jax.jit(optimizer.step, out_shardings=places),
            )
            program = spread_step.lower(table, state, ids[0], gradients[0]).compile().as_text()
            # Each device has changed the rows whose state it keeps, and sends the others these.
            assert all(size <= 50 * 4 for _, size in collectives(program)), collectives(program)
            for k in range(STEPS):
                alone, alone_state = step(alone, alone_state, ids[k], gradients[k])
                table, state = spread_step(table, state, ids[k], gradients[k])
            assert bits((table, state)) == bits((alone, alone_state))
            arrays = [x for x in jax.tree.leaves(state) if x.ndim]
            assert bytes_by_device(arrays) == [sum(x.nbytes for x in arrays) // 8] * 8


def test_a_state_is_made_in_its_parts():
    """The program that makes it needs no memory but for the parts of each device."""
    optimizer, mesh = OPTIMIZERS["rmsprop"], mesh_of({"data": 8})
    params = jax.device_put({"w": jnp.ones((256, 64))}, NamedSharding(mesh, PartitionSpec()))
    places = sharding.shardings(optimizer, params, mesh=mesh)
    compiled = jax.jit(optimizer.init, out_shardings=places).lower(params).compile()
    parts, pointers = 2 * 4 * 256 * 64 // 8, 64
    assert parts <= compiled.memory_analysis().output_size_in_bytes <= parts + pointers
    assert compiled.memory_analysis().temp_size_in_bytes == 0


def test_whole_arrays_are_named():
    """Once, the largest first, and with what they cost."""
    mesh = mesh_of({"data": 8})
    params = {"a": np.ones((7, 10), np.float32), "b": np.ones(12, np.float32), "c": np.ones(16)}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sharding.init(rmsprop.rmsprop(0.1), params, mesh=mesh)
        sharding.shardings(rmsprop.rmsprop(0.1), params, mesh=mesh)
    (warning,) = caught
    assert warning.filename == __file__
    assert str(warning.message) == (
        "2 of 3 arrays of the optimizer state stay whole on every device, 328 of 392 bytes, because"
        " none of their axes can be divided into 8 parts: state[0].nu['a'] of shape (7, 10) (280"
        " bytes), state[0].nu['b'] of shape (12,) (48 bytes)."
    )


def test_a_parameter_on_other_devices_is_refused_by_its_path():
    devices = jax.devices()
    half = Mesh(np.array(devices[:4]), ("data",))
    for place, words in {
        devices[5]: "lies on cpu:5, and the mesh has cpu:0, cpu:1, cpu:2, cpu:3. Put",
        NamedSharding(mesh_of({"data": 8}), PartitionSpec()): "... (8 devices), and the mesh has",
    }.items():
        params = {"a": [jnp.ones(8), jax.device_put(jnp.ones(8), place)]}
        with pytest.raises(ValueError, match=r"^parameter\['a'\]\[1\] lies on") as refused:
            sharding.init(rmsprop.rmsprop(0.1), params, mesh=half)
        assert words in str(refused.value)
    # What was put nowhere goes where it is needed.
    state = sharding.init(rmsprop.rmsprop(0.1), {"a": jnp.ones(8)}, mesh=half)
    assert state[0].nu["a"].sharding.mesh == half


def tests():
    return {name: value for name, value in globals().items() if name.startswith("test_")}


def main():
    warnings.simplefilter("error")
    failed = {}
    for name, test in tests().items():
        failed[name] = None
        try:
            test()
        except Exception:
            failed[name] = traceback.format_exc()
    print(json.dumps(failed))


if __name__ == "__main__":
    main()
