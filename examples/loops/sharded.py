"""Data parallel on all devices, with the state of the optimizer spread over them (ZeRO-1).

On a machine with one CPU it makes eight devices of it.  `docs/sharding.md` is the guide.
"""

import os

os.environ.setdefault("XLA_FLAGS", "--xla_force_host_platform_device_count=8")

import jax
import jax.numpy as jnp
import optax
from jax.sharding import NamedSharding, PartitionSpec
from moons import STEPS, batch, cross_entropy, optimizer, report

from rmsprop import sharding

# Devices that are made of one CPU share its threads. Where a step begins before the last one has
# ended, the two may wait for each other's threads for ever; on real devices none of this matters.
jax.config.update("jax_cpu_enable_async_dispatch", False)


def network(params, points):
    return jnp.tanh(points @ params["w1"] + params["b1"]) @ params["w2"]


def loss(params, points, labels):
    return cross_entropy(network(params, points), labels)


def train_step(params, state, points, labels):
    gradients = jax.grad(loss)(params, points, labels)
    updates, state = optimizer.update(gradients, state, params)
    return optax.apply_updates(params, updates), state


def bytes_on_each(tree):
    """What the first device holds of a tree."""
    return sum(leaf.addressable_shards[0].data.nbytes for leaf in jax.tree.leaves(tree))


def main():
    mesh = jax.make_mesh((jax.device_count(),), ("data",))
    whole, divided = (NamedSharding(mesh, PartitionSpec(*spec)) for spec in ((), ("data",)))
    params = {
        "w1": jax.random.normal(jax.random.key(0), (2, 32)),
        "b1": jnp.zeros(32),
        "w2": jnp.zeros((32, 2)),
    }
    params = jax.device_put(params, whole)
    state = sharding.init(optimizer, params, mesh=mesh)
    places = jax.tree.map(lambda x: x.sharding, (params, state))
    step = jax.jit(train_step, out_shardings=places, donate_argnums=(0, 1))
    for k in range(STEPS):
        params, state = step(params, state, *jax.device_put(batch(k), divided))
    all_bytes = sum(leaf.nbytes for leaf in jax.tree.leaves(state))
    print(
        f"{len(jax.devices())} devices, each with {bytes_on_each(params):,} bytes of parameters"
        f" and {bytes_on_each(state):,} of {all_bytes:,} bytes of state"
    )
    report("sharded", lambda points: network(jax.device_get(params), points))


if __name__ == "__main__":
    main()
