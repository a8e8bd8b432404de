"""Records MLX's trajectories: `python tests/parity/record_mlx.py`, with `mlx[cpu]` installed."""

from trajectories import Case, crossed, gradients, joined, record, start

FRAMEWORK = "mlx"
PACKAGES = ("mlx",)
_DTYPES = ("float64", "float32")

CASES = [
    *crossed("rmsprop", alpha=[None, 0.9], eps=[1e-3, 1.0]),
    *crossed("adagrad", eps=[1e-3, 1.0]),
    *(  # A schedule in the place of a rate that is set before each step.
        Case(function, {"eps": 1e-3}, dtype=d, path="schedule")
        for function in ("rmsprop", "adagrad")
        for d in _DTYPES
    ),
    *(
        Case(function, dtype=d, changing=c)
        for function in ("rmsprop", "adagrad")
        for d in _DTYPES
        for c in (True, False)
    ),
]

RICH = [Case("rmsprop", {"alpha": 0.9, "eps": 1e-3}), Case("adagrad", {"eps": 1e-3})]


def trajectory(case):
    """The parameters after each step, as MLX computes them on a CPU."""
    import mlx.core as mx
    import mlx.optimizers
    import numpy as np

    mx.set_default_device(mx.cpu)  # A GPU has no float64.
    make = {"rmsprop": mlx.optimizers.RMSprop, "adagrad": mlx.optimizers.Adagrad}[case.function]
    rates = case.rates()
    scheduled = case.path == "schedule"
    rate = (lambda step: mx.array(rates)[step]) if scheduled else case.learning_rate
    optimizer = make(rate, **case.arguments)

    def arrays(tree):
        return {name: mx.array(x, dtype=getattr(mx, case.dtype)) for name, x in tree.items()}

    params = arrays(start(case.dtype))
    after = []
    for gradient, now in zip(gradients(case.dtype), rates, strict=True):
        if not scheduled:
            optimizer.learning_rate = now
        params = optimizer.apply_gradients(arrays(gradient), params)
        after.append(joined({name: np.array(p) for name, p in params.items()}))
    return np.stack(after)


if __name__ == "__main__":
    record(FRAMEWORK, CASES, trajectory, PACKAGES)
