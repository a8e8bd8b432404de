"""Records Optax's trajectories: it is installed with this library."""

from trajectories import Case, crossed, gradients, joined, record, start

FRAMEWORK = "optax"
PACKAGES = ("optax", "jax")

CASES = [
    *crossed(
        "rmsprop",
        eps=[1e-3],
        initial_scale=[0.5],
        eps_in_sqrt=[None, False],
        centered=[None, True],
        momentum=[None, 0.8],
    ),
    *crossed("rmsprop", eps=[1e-3], momentum=[0.8], nesterov=[True], centered=[None, True]),
    *crossed("rmsprop", eps=[1e-3], eps_in_sqrt=[True, False], bias_correction=[True]),
    *crossed(
        "rmsprop",
        decay=[0.95],
        eps=[1e-3],
        initial_scale=[0.5],
        eps_in_sqrt=[False],
        momentum=[0.8],
        nesterov=[True],
        bias_correction=[True],
    ),
    *crossed("adagrad", initial_accumulator_value=[0.0, 0.5], eps=[1e-3]),
    *(
        Case(function, dtype=d, changing=c)
        for function in ("rmsprop", "adagrad")
        for d in ("float64", "float32")
        for c in (True, False)
    ),
]

RICH = [
    Case(
        "rmsprop",
        {
            "decay": 0.95,
            "eps": 1e-3,
            "initial_scale": 0.5,
            "eps_in_sqrt": False,
            "momentum": 0.8,
            "nesterov": True,
            "bias_correction": True,
        },
    ),
    Case(
        "rmsprop",
        {
            "eps": 1e-3,
            "initial_scale": 0.5,
            "eps_in_sqrt": False,
            "centered": True,
            "momentum": 0.8,
        },
    ),
    Case("adagrad", {"initial_accumulator_value": 0.5, "eps": 1e-3}),
]


def trajectory(case):
    """The parameters after each step, as Optax computes them, with x64."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax

    rates = jnp.asarray(np.asarray(case.rates()))
    optimizer = getattr(optax, case.function)(lambda k: rates[k], **case.arguments)
    params = jax.tree.map(jnp.asarray, start(case.dtype))
    state = optimizer.init(params)
    after = []
    for gradient in gradients(case.dtype):
        updates, state = optimizer.update(jax.tree.map(jnp.asarray, gradient), state)
        params = optax.apply_updates(params, updates)
        after.append(joined(params))
    return np.stack(after)


if __name__ == "__main__":
    import jax

    jax.config.update("jax_enable_x64", True)
    record(FRAMEWORK, CASES, trajectory, PACKAGES)
