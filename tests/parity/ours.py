"""The same trajectories, as this library computes them."""

import dataclasses
import importlib
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import optax
from trajectories import gradients, joined, start

from rmsprop import frameworks
from rmsprop.frameworks._calls import definitions


def optimizer(framework, case, **changes):
    """The port, called as the case says; a rate that changes is a schedule."""
    module = importlib.import_module(f"rmsprop.frameworks.{framework}")
    rates = jnp.asarray(np.asarray(case.rates()))
    rate = (lambda count: rates[count]) if case.changing else case.learning_rate
    record = importlib.import_module(f"record_{framework}")
    more = record.ours(case) if hasattr(record, "ours") else {}
    return getattr(module, case.function)(rate, **(case.arguments | more | changes))


def trajectory(framework, case, **changes):
    """The parameters after each step."""
    return follow(optimizer(framework, case, **changes), case)


def turned(framework, case, **fields):
    """The trajectory of the case's convention with some of its values changed."""
    convention = optimizer(framework, case).convention
    return follow(frameworks.build(dataclasses.replace(convention, **fields)), case)


def follow(transformation, case):
    params = jax.tree.map(jnp.asarray, start(case.dtype))
    state = transformation.init(params)
    after = []
    for gradient in gradients(case.dtype):
        updates, state = transformation.update(jax.tree.map(jnp.asarray, gradient), state, params)
        params = optax.apply_updates(params, updates)
        after.append(joined(params))
    return np.stack(after)


def scanned(framework, case):
    """The trajectory as one compiled loop."""
    transformation = optimizer(framework, case)
    stream = jax.tree.map(lambda *g: jnp.stack(g), *gradients(case.dtype))

    def step(carry, gradient):
        params, state = carry
        updates, state = transformation.update(gradient, state, params)
        params = optax.apply_updates(params, updates)
        return (params, state), params

    params = jax.tree.map(jnp.asarray, start(case.dtype))
    _, after = jax.lax.scan(step, (params, transformation.init(params)), stream)
    after = jax.tree.map(np.asarray, after)
    return np.stack(
        [joined({n: x[k] for n, x in after.items()}) for k in range(len(after["bias"]))]
    )


def functions(module):
    """The optimizers of a framework's module, by name."""
    return definitions(module, inspect.isfunction)
