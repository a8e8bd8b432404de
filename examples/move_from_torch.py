"""A run of PyTorch goes on in JAX, and comes back: `python examples/move_from_torch.py`."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch

from rmsprop.frameworks import torch as port

# A small network and its data in PyTorch.
torch.manual_seed(0)
x = torch.randn(64, 8)
y = torch.sin(x.sum(1, keepdim=True))
model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
theirs = torch.optim.RMSprop(model.parameters(), lr=1e-3, alpha=0.9, momentum=0.9, centered=True)


def train_there(steps):
    for _ in range(steps):
        theirs.zero_grad()
        ((model(x) - y) ** 2).mean().backward()
        theirs.step()


train_there(20)
torch.save({"model": model.state_dict(), "optimizer": theirs.state_dict()}, "checkpoint.pt")

# The same network in JAX: kernels are transposed, and the keys of dictionaries are sorted.
checkpoint = torch.load("checkpoint.pt", weights_only=True)
shapes = {
    "hidden": {"kernel": jnp.zeros((8, 16)), "bias": jnp.zeros(16)},
    "out": {"kernel": jnp.zeros((16, 1)), "bias": jnp.zeros(1)},
}
order = [name for name, _ in model.named_parameters()]  # 0.weight, 0.bias, 2.weight, 2.bias
layout = port.flax_layout(shapes, order, renamed={"hidden": "0", "out": "2"})
params = jax.tree.map(jnp.asarray, layout.params(checkpoint["model"][name] for name in order))

# The port takes the options of the run, and the state goes on.
optimizer = port.rmsprop(lr=1e-3, alpha=0.9, momentum=0.9, centered=True)
state = port.import_state(
    optimizer, checkpoint["optimizer"], params, names=layout.names, to_ours=layout.to_ours
)
inputs, targets = jnp.asarray(x.numpy()), jnp.asarray(y.numpy())


def loss(params):
    hidden = jnp.tanh(inputs @ params["hidden"]["kernel"] + params["hidden"]["bias"])
    return jnp.mean((hidden @ params["out"]["kernel"] + params["out"]["bias"] - targets) ** 2)


@jax.jit
def train_here(params, state):
    updates, state = optimizer.update(jax.grad(loss)(params), state, params)
    return optax.apply_updates(params, updates), state


for _ in range(20):
    params, state = train_here(params, state)

# Trained on in both, the parameters are the same up to rounding.
train_there(20)
expected = layout.params(model.state_dict()[name] for name in order)
for here, there in zip(jax.tree.leaves(params), jax.tree.leaves(expected), strict=True):
    np.testing.assert_allclose(here, there, rtol=1e-4, atol=1e-6)
print(f"loss after 40 steps: {loss(expected):.4f} there, {loss(params):.4f} here")

# And back: arrays become tensors, and PyTorch goes on from 40 steps.
saved = port.export_state(
    optimizer, state, params, names=layout.names, to_theirs=layout.to_theirs, step=40
)
tensors = jax.tree.map(lambda x: torch.tensor(x) if isinstance(x, np.ndarray) else x, saved)
weights = dict(zip(order, map(torch.tensor, layout.arrays(params)), strict=True))
model.load_state_dict(weights)
theirs.load_state_dict(tensors)
train_there(1)
