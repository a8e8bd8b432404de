"""A2C learns to balance a pole, with the two RMSprops that Stable-Baselines3 offers for it.

    python examples/loops/a2c_cartpole.py           # 40 seeds, 200 updates
    python examples/loops/a2c_cartpole.py 8 1000    # 8 seeds, 1000 updates

Both are called RMSprop with decay 0.99 and eps 1e-5. PyTorch's average of squares starts at 0 and
its eps is added to the root; `RMSpropTFLike`, which imitates TensorFlow, starts at 1 and has eps
under the root.  Other optimizers have one of these differences each, so that it is seen alone.  The
start decides: after 200 updates an average that began at 1 still has 13 % of it, far more than the
squares of the gradients.  The same eps in the other place is another size: 1e-5 under the root is
0.003 beside it, which is seen where nothing larger hides it; 1e-10 under the root is not seen.

Everything else is A2C with the defaults of Stable-Baselines3 and eight environments, as one
compiled program: CartPole-v1 in a few lines, `scan` over the updates, `vmap` over the seeds.
"""

import sys
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

import rmsprop
from rmsprop.frameworks import stable_baselines3, torch

ENVIRONMENTS, HORIZON, LIMIT, EPISODES = 8, 5, 500, 32
DISCOUNT, VALUE_WEIGHT, LARGEST_NORM = 0.99, 0.5, 0.5
RATE, DECAY, EPS = 7e-4, 0.99, 1e-5

OPTIMIZERS = {
    "PyTorch": torch.rmsprop(RATE, alpha=DECAY, eps=EPS),
    "with eps under the root": rmsprop.rmsprop(RATE, DECAY, EPS),
    "with eps**2 under the root": rmsprop.rmsprop(RATE, DECAY, EPS**2),
    "with a start at 1": rmsprop.rmsprop(RATE, DECAY, EPS, initial_scale=1.0, eps_in_sqrt=False),
    "RMSpropTFLike": stable_baselines3.rmsprop_tf_like(RATE, alpha=DECAY, eps=EPS),
}
# What is different between two of them, the first less the second.
DIFFERENCES = {
    "a start at 1": ("with a start at 1", "PyTorch"),
    "eps under the root": ("with eps under the root", "PyTorch"),
    "eps**2 under the root": ("with eps**2 under the root", "PyTorch"),
    "eps under the root, starting at 1": ("RMSpropTFLike", "with a start at 1"),
}


class Pole(NamedTuple):
    """Position and speed of the cart, angle and angular speed of the pole; steps so far."""

    state: jax.Array
    steps: jax.Array


def new_pole(key):
    return Pole(jax.random.uniform(key, (4,), minval=-0.05, maxval=0.05), jnp.zeros((), jnp.int32))


def push(pole, action):
    """The pole 0.02 seconds later, whether it has fallen, and whether time is up (CartPole-v1)."""
    _, speed, angle, turning = pole.state
    force = 20.0 * action - 10.0
    inertia = (force + 0.05 * turning**2 * jnp.sin(angle)) / 1.1
    turn = (9.8 * jnp.sin(angle) - jnp.cos(angle) * inertia) / (
        0.5 * (4 / 3 - 0.1 * jnp.cos(angle) ** 2 / 1.1)
    )
    gain = inertia - 0.05 * turn * jnp.cos(angle) / 1.1
    state = pole.state + 0.02 * jnp.stack([speed, gain, turning, turn])
    steps = pole.steps + 1
    fallen = (jnp.abs(state[0]) > 2.4) | (jnp.abs(state[2]) > 12 * jnp.pi / 180)
    return Pole(state, steps), fallen, steps >= LIMIT


def network(key, gain):
    """Two hidden layers of 64; Stable-Baselines3 has one such network for policy and for value."""
    sizes, gains = (4, 64, 64, 2 if gain < 1 else 1), (2**0.5, 2**0.5, gain)

    # One seed after the other. An orthogonal matrix is a QR factorisation, and two of them that are
    # mapped over seeds can wait for each other for ever on a CPU: each blocks a thread until other
    # threads have done its parts.
    @jax.custom_batching.sequential_vmap
    def layers(key):
        return [
            {"kernel": jax.nn.initializers.orthogonal(g)(k, (n, m)), "bias": jnp.zeros(m)}
            for k, g, n, m in zip(
                jax.random.split(key, 3), gains, sizes[:-1], sizes[1:], strict=True
            )
        ]

    return layers(key)


def output(layers, x):
    *hidden, last = layers
    for layer in hidden:
        x = jnp.tanh(x @ layer["kernel"] + layer["bias"])
    return x @ last["kernel"] + last["bias"]


def value(params, state):
    return output(params["value"], state)[..., 0]


def rollout(params, poles, key):
    """`HORIZON` steps in all environments; those that have ended begin anew."""

    def step(poles, key):
        act, begin = jax.random.split(key)
        actions = jax.random.categorical(act, output(params["policy"], poles.state))
        after, fallen, time_up = jax.vmap(push)(poles, actions)
        # A pole that has not fallen when time is up would have gone on.
        rest = jnp.where(time_up & ~fallen, value(params, after.state), 0.0)
        ended = fallen | time_up
        fresh = jax.vmap(new_pole)(jax.random.split(begin, ENVIRONMENTS))
        select = lambda a, b: jnp.where(ended.reshape(-1, *[1] * (a.ndim - 1)), a, b)
        new = jax.tree.map(select, fresh, after)
        return new, (poles.state, actions, 1.0 + DISCOUNT * rest, ended)

    return lax.scan(step, poles, jax.random.split(key, HORIZON))


def loss(params, states, actions, returns):
    """The policy's gradient with the advantage as its weight, and the error of the value."""
    predicted = value(params, states)
    advantages = lax.stop_gradient(returns - predicted)
    chosen = optax.softmax_cross_entropy_with_integer_labels(
        output(params["policy"], states), actions
    )
    return jnp.mean(advantages * chosen) + VALUE_WEIGHT * jnp.mean((returns - predicted) ** 2)


def episode_length(params, key):
    """The mean length of episodes of the policy; longer ones than the limit count as the limit."""

    def step(carry, key):
        poles, alive = carry
        actions = jax.random.categorical(key, output(params["policy"], poles.state))
        poles, fallen, _ = jax.vmap(push)(poles, actions)
        return (poles, alive & ~fallen), alive.sum()

    begin, go = jax.random.split(key)
    poles = jax.vmap(new_pole)(jax.random.split(begin, EPISODES))
    alive = jnp.ones(EPISODES, bool)
    return lax.scan(step, (poles, alive), jax.random.split(go, LIMIT))[1].sum() / EPISODES


def trained(optimizer, key, updates):
    """The mean length of an episode after all updates."""
    rule = optax.chain(optax.clip_by_global_norm(LARGEST_NORM), optimizer)

    def update(carry, key):
        params, state, poles = carry
        poles, (states, actions, rewards, ended) = rollout(params, poles, key)

        def returned(after, step):
            reward, end = step
            now = reward + DISCOUNT * jnp.where(end, 0.0, after)
            return now, now

        last = value(params, poles.state)
        returns = lax.scan(returned, last, (rewards, ended), reverse=True)[1]
        gradients = jax.grad(loss)(params, states, actions, returns)
        changes, state = rule.update(gradients, state, params)
        return (optax.apply_updates(params, changes), state, poles), None

    policy, critic, begin, go, test = jax.random.split(key, 5)
    params = {"policy": network(policy, 0.01), "value": network(critic, 1.0)}
    poles = jax.vmap(new_pole)(jax.random.split(begin, ENVIRONMENTS))
    carry = (params, rule.init(params), poles)
    (params, _, _), _ = lax.scan(update, carry, jax.random.split(go, updates))
    return episode_length(params, test)


def lengths(name, seeds, updates):
    """The episode length of each seed."""
    keys = jax.random.split(jax.random.key(0), seeds)
    run = jax.jit(jax.vmap(lambda key: trained(OPTIMIZERS[name], key, updates)))
    return np.asarray(run(keys), np.float64)


def interval(values):
    """The mean and its 95 % interval, from resampled seeds."""
    draws = np.random.default_rng(0).choice(values, (10_000, len(values))).mean(axis=1)
    low, high = np.quantile(draws, [0.025, 0.975])
    return f"{values.mean():6.1f} [{low:.1f}, {high:.1f}]"


def main(seeds=40, updates=200):
    print(f"episode length after {updates} updates: mean of {seeds} seeds, 95 % interval\n")
    found = {name: lengths(name, seeds, updates) for name in OPTIMIZERS}
    for name, values in found.items():
        print(f"  {name:34} {interval(values)}")
    print("\nwhat a difference changes, on the same seeds\n")
    for words, (first, second) in DIFFERENCES.items():
        print(f"  {words:34} {interval(found[first] - found[second])}")
    return found


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
