"""The same trajectories, as this library computes them."""

import dataclasses
import functools
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
    rate = (lambda count: _entry(rates, count)) if case.changing else case.learning_rate
    record = importlib.import_module(f"record_{framework}")
    more = record.ours(case) if hasattr(record, "ours") else {}
    return getattr(module, case.function)(rate, **(case.arguments | more | changes))


@jax.jit
def _entry(rates, count):
    """One of the rates, compiled once: to index an array eagerly takes longer than a step."""
    return rates[count]


def trajectory(framework, case, **changes):
    """The parameters after each step."""
    return follow(optimizer(framework, case, **changes), case)


def turned(framework, case, **fields):
    """The trajectory of the case's convention with some of its values changed."""
    convention = optimizer(framework, case).convention
    return follow(frameworks.build(dataclasses.replace(convention, **fields)), case)


def follow(transformation, case):
    params, stream = _arrays(case.dtype, bool(jax.config.jax_enable_x64))
    state = transformation.init(params)
    after = []
    for gradient in stream:
        updates, state = transformation.update(gradient, state, params)
        params = optax.apply_updates(params, updates)
        after.append(joined(params))
    return np.stack(after)


@functools.cache
def _arrays(dtype, x64):
    """The parameters before the first step and the gradients of every step, as JAX's arrays."""
    return jax.tree.map(jnp.asarray, (start(dtype), gradients(dtype)))


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
