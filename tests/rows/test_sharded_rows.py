"""The compiled step: one trace, in place, and on several devices."""

import re
import textwrap
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest
from row_runs import EVERY, every_kind

import several_devices
from rmsprop import rows

pytestmark = pytest.mark.optimized("reads the program")


@pytest.mark.compiled_anew("reads the program")
@pytest.mark.parametrize(
    ("name", "dtype", "batch"),
    [(name, jnp.float32, 8) for name in ("exact", "centered", "lazy with momentum", "row-wise")]
    + [("exact", jnp.bfloat16, 8), ("exact", jnp.float32, 4), ("AdaGrad", jnp.bfloat16, 4)],
)
def test_the_table_is_updated_in_place(name, dtype, batch, small_chunks, for_use):
    """No copy of what has as many rows as the table, though the batch is worked on in parts."""
    optimizer = EVERY[name]
    table = jax.ShapeDtypeStruct((1003, 5), dtype)
    state = jax.eval_shape(optimizer.init, table)
    ids = jax.ShapeDtypeStruct((batch,), jnp.int32)
    gradients = jax.ShapeDtypeStruct((batch, 5), dtype)
    step = jax.jit(optimizer.step, donate_argnums=(0, 1))
    compiled = step.lower(table, state, ids, gradients).compile(compiler_options=for_use).as_text()
    assert "[1003" in compiled
    assert re.findall(r"= \S*\[1003\S* copy(?:-start)?\(", compiled) == []


@every_kind
def test_one_trace(name):
    """One trace for every step; with strict promotion of dtypes and ranks."""
    optimizer, table = EVERY[name], jnp.ones((6, 2), jnp.bfloat16)
    ids, gradients = jnp.array([0, 5, 0]), jnp.ones((3, 2), jnp.bfloat16)
    traces = []

    @jax.jit
    def step(*arguments):
        traces.append(arguments)
        return optimizer.step(*arguments)

    with jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        state = optimizer.init(table)
        for _ in range(3):
            table, state = step(table, state, ids, gradients)
        optimizer.flush(state)
        rows.gather(table, ids)
    assert len(traces) == 1


SHARDED = """
    import jax, jax.numpy as jnp, numpy as np, re
    from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec as P
    from rmsprop import rows
    from rmsprop.rows import _updates

    _updates.IN_FLIGHT = 16 * 4
    rng = np.random.default_rng(0)
    start = rng.normal(size=(808, 4)).astype(np.float32)
    ids = rng.integers(-3, 811, (4, 50)).astype(np.int32)
    gradients = rng.normal(size=(4, 50, 4)).astype(np.float32)
    meshes = {"automatic": Mesh(np.array(jax.devices()), ("rows",))}
    if hasattr(jax.sharding, "auto_axes"):
        explicit = (AxisType.Explicit,)
        meshes["explicit"] = jax.make_mesh((8,), ("rows",), axis_types=explicit)
    optimizers = {
        ("exact", "automatic"): rows.rmsprop(0.1),
        ("centered", "explicit"): rows.rmsprop(lambda k: 0.1, centered=True),
        ("row-wise AdaGrad", "explicit"): rows.adagrad(0.1, row_wise=True),
    }
    for kind, mesh in meshes.items():
        for name, optimizer in ((k[0], o) for k, o in optimizers.items() if k[1] == kind):
            step = jax.jit(optimizer.step, donate_argnums=(0, 1))
            sharding = NamedSharding(mesh, P("rows", None))
            table, sharded = jnp.asarray(start), jax.device_put(start, sharding)
            state, sharded_state = optimizer.init(table), optimizer.init(sharded)
            lowered = step.lower(sharded, sharded_state, ids[0], gradients[0])
            program = lowered.compile().as_text()
            moved = re.findall(r"= (.*?) (?:all-\\w+|collective-\\w+|reduce-scatter)[(]", program)
            for shape in re.findall(r"\\[([\\d,]*)\\]", " ".join(moved)):
                assert 101 not in map(int, filter(None, shape.split(","))), (kind, name, shape)
                assert np.prod([int(n) for n in shape.split(",") if n]) <= 50 * 4, shape
            for k in range(4):
                table, state = step(table, state, ids[k], gradients[k])
                sharded, sharded_state = step(sharded, sharded_state, ids[k], gradients[k])
            assert sharded.sharding.spec == P("rows", None)
            for leaf in jax.tree.leaves(optimizer.flush(sharded_state)):
                assert leaf.ndim == 0 or leaf.sharding.spec[0] == "rows"
                assert leaf.ndim == 0 or leaf.addressable_shards[0].data.shape[0] == 101
            found, expected = jax.tree.map(np.asarray, ((sharded, sharded_state), (table, state)))
            for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)
            rows_of = rows.gather(sharded, jnp.asarray(ids[0]))
            alone = rows.gather(jnp.asarray(np.asarray(sharded)), ids[0])
            np.testing.assert_array_equal(rows_of, alone)
    print("equal on", len(jax.devices()), "devices")
"""


@pytest.mark.slow
def test_sharded_by_rows():
    """The same on eight devices as on one; no more than the batch goes from one to another."""
    out = several_devices.run(["-c", textwrap.dedent(SHARDED)], several_devices.environment(8))
    assert out.stdout == "equal on 8 devices\n", out.stderr


NEW_STATES = """
    import jax, jax.numpy as jnp, numpy as np, re
    from jax.sharding import Mesh, NamedSharding, PartitionSpec as P
    from row_runs import EVERY

    mesh = Mesh(np.array(jax.devices()).reshape(4, 2), ("rows", "columns"))
    elsewhere = []
    for dtype in (jnp.float32, jnp.bfloat16, jnp.complex64):
        table = jax.device_put(jnp.ones((8, 4), dtype), NamedSharding(mesh, P("rows", "columns")))
        for name, optimizer in EVERY.items():
            compiled = jax.jit(optimizer.init).lower(table).compile()
            if re.search(r"all-|collective|reduce-scatter", compiled.as_text()):
                elsewhere.append((name, "something is sent from one device to another"))
            states = {
                "not traced": optimizer.init(table),
                "an argument": compiled(table),
                "closed over": jax.jit(lambda: optimizer.init(table))(),
            }
            for way, state in states.items():
                for x in filter(jnp.ndim, jax.tree.leaves(state)):
                    spec = P("rows", "columns")[: x.ndim]
                    if not x.sharding.is_equivalent_to(NamedSharding(mesh, P(*spec)), x.ndim):
                        elsewhere.append((name, dtype.__name__, way, x.shape, str(x.sharding)))
    print(elsewhere)
"""


@pytest.mark.slow
def test_a_new_state_is_where_its_rows_are():
    """With its averages of rows and its counts, also where `init` is compiled."""
    environment = several_devices.environment(8, folder=Path(__file__).parent)
    out = several_devices.run(["-c", textwrap.dedent(NEW_STATES)], environment)
    assert out.stdout == "[]\n", out.stderr
