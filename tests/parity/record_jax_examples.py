"""Records the trajectories of JAX's example libraries: they come with JAX."""

from trajectories import Case, crossed, gradients, joined, record, start

FRAMEWORK = "jax_examples"
PACKAGES = ("jax",)

CASES = [
    *crossed("rmsprop", gamma=[0.95], eps=[1e-3]),
    *crossed("rmsprop_momentum", gamma=[0.95], eps=[1e-3], momentum=[0.8]),
    *crossed("adagrad", momentum=[0.0, 0.8]),
    *(
        Case(function, dtype=d, changing=c)
        for function in ("rmsprop", "rmsprop_momentum", "adagrad")
        for d in ("float64", "float32")
        for c in (True, False)
    ),
]

RICH = [
    Case("rmsprop", {"gamma": 0.95, "eps": 1e-3}),
    Case("rmsprop_momentum", {"gamma": 0.95, "eps": 1e-3, "momentum": 0.8}),
    Case("adagrad", {"momentum": 0.8}),
]


def trajectory(case):
    """The parameters after each step, as JAX's example libraries compute them. Needs x64."""
    import jax
    import numpy as np
    from jax.example_libraries import optimizers

    rates = case.rates()
    init, update, get_params = getattr(optimizers, case.function)(
        lambda i: rates[i], **case.arguments
    )
    state = init(jax.tree.map(jax.numpy.asarray, start(case.dtype)))
    after = []
    for k, gradient in enumerate(gradients(case.dtype)):
        state = update(k, jax.tree.map(jax.numpy.asarray, gradient), state)
        after.append(joined(get_params(state)))
    return np.stack(after)


if __name__ == "__main__":
    import jax

    jax.config.update("jax_enable_x64", True)
    record(FRAMEWORK, CASES, trajectory, PACKAGES)
