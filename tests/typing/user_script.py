"""What a user writes, as strict type checkers see it: every line of it has to pass.

It is not run by pytest, but `check.py` gives it to pyright and mypy.
"""

from pathlib import Path
from typing import Any, assert_type

import jax
import jax.numpy as jnp
import numpy as np
import optax

import rmsprop
from rmsprop import frameworks, rows, study, telemetry

Weights = dict[str, jax.Array]
NumPyArray = np.ndarray[tuple[Any, ...], np.dtype[Any]]

params: Weights = {"w": jnp.ones((2, 3)), "b": jnp.zeros(3)}
gradients: Weights = {"w": jnp.ones((2, 3)), "b": jnp.ones(3)}

# The optimizers, and what chains with them.
optimizer = rmsprop.rmsprop(1e-2, momentum=0.9)
assert_type(optimizer, optax.GradientTransformationExtraArgs)
assert_type(rmsprop.adagrad(learning_rate=0.1), optax.GradientTransformationExtraArgs)
scheduled = rmsprop.rmsprop(optax.cosine_decay_schedule(1e-2, 100), decay=lambda k: 0.9)
annealed = rmsprop.adagrad(optax.linear_schedule(1e-2, 0.0, 100), accumulator_dtype=jnp.bfloat16)
rescaling = rmsprop.scale_by_rms(decay=0.99, eps=1e-6, eps_in_sqrt=False)
assert_type(rescaling, optax.GradientTransformation)
chain = optax.chain(optax.clip_by_global_norm(1.0), rescaling, optax.scale(-1e-3))


def first_step(rate: jax.Array) -> jax.Array:
    """With a rate that is traced, for a sweep in one `vmap`."""
    traced = rmsprop.rmsprop(rate)
    step, _ = traced.update(jnp.ones(2), traced.init(jnp.ones(2)))
    return rmsprop.apply_updates(jnp.ones(2), step)


swept = jax.vmap(first_step)(jnp.array([0.1, 0.01]))

# A step; the parameters keep their type.
state = optimizer.init(params)
updates, state = optimizer.update(gradients, state, params)
after = rmsprop.apply_updates(params, updates)
assert_type(after, Weights)
assert_type(rmsprop.apply_updates(params, updates, key=jax.random.key(0)), Weights)
assert_type(rmsprop.apply_updates(jnp.ones(2), jnp.ones(2)), jax.Array)

# A view into a run, and the link that rounds.
watched = telemetry.watch(optax.chain(optimizer, rmsprop.round_stochastically(0)), every=10)
assert_type(watched, optax.GradientTransformationExtraArgs)
assert_type(telemetry.read(watched.init(params)), dict[str, float])
seen = telemetry.observe(gradients, updates, params, state, eps=1e-8)
assert_type(seen["all/gradient_norm"], jax.Array)

# The states have the fields that their names say.
counted = rmsprop.ScaleByRmsWithCountState(count=jnp.zeros((), jnp.int32), nu=params)
assert_type(counted.count, jax.Array)

# The frameworks, as attributes and as imports.
port = rmsprop.frameworks.torch.rmsprop(1e-3, alpha=0.99, momentum=0.9)
assert_type(port, frameworks.FrameworkOptimizer)
assert_type(frameworks.keras.adagrad(), frameworks.FrameworkOptimizer)
assert_type(port.convention, frameworks.Convention)
assert_type(port.convention.eps_in_sqrt, bool)
as_transformation: optax.GradientTransformationExtraArgs = port
also: optax.GradientTransformationExtraArgs = frameworks.optimizer("torch.rmsprop(lr=1e-2)")
drift = frameworks.compare_conventions("torch.rmsprop(1e-2)", port, steps=(10,))
assert_type(drift, frameworks.Drift)
for difference in drift.differences or ():
    assert_type(difference, frameworks.Difference)
    assert_type(difference.axis, str)

# Runs that move.
order = ["out.weight", "out.bias"]
layout = frameworks.torch.flax_layout(params, order, renamed={"out": "0"})
checkpoint: dict[str, Any] = {"state": {}, "param_groups": [{"lr": 1e-3, "params": [0, 1]}]}
moved = frameworks.torch.import_state(
    port, checkpoint, params, names=layout.names, to_ours=layout.to_ours, new=optimizer, check=False
)
updates, moved = optimizer.update(gradients, moved, params)
saved = frameworks.torch.export_state(
    port, port.init(params), params, names=["w", "b"], step=40, order=["w", "b"]
)
assert_type(saved["param_groups"], Any)
keras_port = frameworks.keras.rmsprop(1e-3)
moved = frameworks.keras.import_state(
    keras_port, Path("model.keras"), params, to_ours=lambda name, array: array.T
)
assert_type(frameworks.keras.export_state(keras_port, moved, params, step=3), list[NumPyArray])
assert_type(
    frameworks.mlx.export_state(frameworks.mlx.adagrad(0.1), moved, params, names=["w"], step=3),
    dict[str, NumPyArray],
)
moved = frameworks.optax.import_state(frameworks.optax.adagrad(0.1), state, params, step=3)

# Tables.
sparse = rows.rmsprop(0.1, semantics="lazy")
assert_type(sparse, rows.RowOptimizer)
assert_type(rmsprop.rows.adagrad(0.1), rows.RowOptimizer)
table = jnp.ones((100, 4))
row_state = sparse.init(table)
assert_type(row_state, rows.RowState)
ids = jnp.array([1, 7])
table, row_state = sparse.step(table, row_state, ids, rows.gather(table, ids))
assert_type(table, jax.Array)

# The comparison.
digits = study.task("digits")
assert_type(digits, study.Problem)
result = study.compare(digits, {"RMSprop": rmsprop.rmsprop, "AdaGrad": rmsprop.adagrad}, seeds=3)
assert_type(result, study.Comparison)
assert_type(study.named("rmsprop"), study.Optimizer)
assert_type(rmsprop.__version__, str)
