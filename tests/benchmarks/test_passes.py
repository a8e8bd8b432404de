"""How often a step passes over memory on a CPU, and whether a loop over blocks passes less often.

A step of AdaGrad has to read a gradient, a parameter and an accumulator and to write two of them:
five passes.  XLA makes a loop for each result on a CPU, so that the new accumulator and the new
parameter each read the gradient and the old accumulator.  The blocks here are small enough for the
cache, so that the second loop over one of them does not go to memory; `torch.optim` with
`fused=True` is one hand-written loop.  A copy, which reads an array and writes it, is two passes.
"""

import jax
import jax.numpy as jnp
import pytest
import trees
from jax import lax
from test_update_step import _torch_steps

import rmsprop
from rmsprop._ordering import in_order

_BLOCK = 8192


def _update(optimizer, params, state, gradients):
    updates, state = optimizer.update(gradients, state, params)
    return jax.tree.map(jnp.add, params, updates), state


def _by_fori_loop(optimizer, block):
    """Blocks are cut out, updated and written back, in place.

    Without the order XLA cuts a block out twice, and copies whole arrays in every turn.
    """

    def step(params, state, gradients):
        def one(number, carry):
            def cut(x):
                return lax.dynamic_slice_in_dim(x, number * block, block)

            def put(x, new):
                return lax.dynamic_update_slice_in_dim(x, new, number * block, 0)

            leaves, structure = jax.tree.flatten(jax.tree.map(cut, (*carry, gradients)))
            new = _update(optimizer, *structure.unflatten(in_order(*leaves)))
            leaves, structure = jax.tree.flatten(new)
            return jax.tree.map(put, carry, structure.unflatten(in_order(*leaves)))

        (length,) = {x.size for x in jax.tree.leaves(params)}
        return lax.fori_loop(0, length // block, one, (params, state))

    return jax.jit(step, donate_argnums=(0, 1))


def _by_scan(optimizer, block):
    """Blocks are the elements of a scan, whose outputs are new arrays."""

    def step(params, state, gradients):
        def one(_, blocks):
            return None, _update(optimizer, *blocks)

        parts = jax.tree.map(lambda x: x.reshape(-1, block), (params, state, gradients))
        _, new = lax.scan(one, None, parts)
        return jax.tree.map(jnp.ravel, new)

    return jax.jit(step, donate_argnums=(0, 1))


@pytest.mark.skipif(
    jax.default_backend() != "cpu", reason="an accelerator makes one loop of a step"
)
def test_passes(race, size):
    length = 2**23 if size != "small" else 2**17
    optimizer = rmsprop.scale_by_rss()
    params, gradients = jnp.ones(length), jnp.full(length, 0.1)

    programs = {
        "this library": jax.jit(lambda *x: _update(optimizer, *x), donate_argnums=(0, 1)),
        "fori_loop over blocks": _by_fori_loop(optimizer, _BLOCK),
        "scan over blocks": _by_scan(optimizer, _BLOCK),
    }
    contenders = {"copy": trees.copy_of(8 * length)} | {
        name: trees.Step(program, (params + 0, optimizer.init(params)), gradients)
        for name, program in programs.items()
    }
    steps, left_out = _torch_steps("adagrad", [(length,)])
    fused = "torch, fused"
    contenders |= {name: step for name, step in steps.items() if name == fused}
    race(
        f"passes, adagrad, one array of {length / 2**20:g} * 2^20",
        contenders,
        rounds=9,
        unit="step",
        left_out={name: why for name, why in left_out.items() if name == fused},
    )
