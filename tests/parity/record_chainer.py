"""Records Chainer's trajectories: `python tests/parity/record_chainer.py`, with it installed."""

from trajectories import Case, crossed, gradients, joined, record, start

FRAMEWORK = "chainer"
PACKAGES = ("chainer",)
_DTYPES = ("float64", "float32")

CASES = [
    *crossed("rmsprop", alpha=[None, 0.9], eps=[1e-3], eps_inside_sqrt=[None, True]),
    *crossed("rmsprop_graves", alpha=[None, 0.9], momentum=[None, 0.5, 0.0], eps=[None, 1e-2]),
    *crossed("adagrad", eps=[1e-3, 1.0]),
    *(
        Case(function, dtype=d, changing=c)
        for function in ("rmsprop", "adagrad")
        for d in _DTYPES
        for c in (True, False)
    ),
    *(Case("rmsprop_graves", dtype=d, changing=False) for d in _DTYPES),
]

RICH = [
    Case("rmsprop", {"alpha": 0.9, "eps": 1e-3, "eps_inside_sqrt": True}),
    Case("rmsprop", {"alpha": 0.9, "eps": 1e-3}),
    Case("rmsprop_graves", {"alpha": 0.9, "momentum": 0.5, "eps": 1e-2}),
    Case("adagrad", {"eps": 1e-3}),
]


def trajectory(case):
    """The parameters after each step, as Chainer computes them on a CPU."""
    import chainer
    import numpy as np

    make = {
        "rmsprop": chainer.optimizers.RMSprop,
        "rmsprop_graves": chainer.optimizers.RMSpropGraves,
        "adagrad": chainer.optimizers.AdaGrad,
    }[case.function]
    link = chainer.Link()
    with link.init_scope():
        for name, x in start(case.dtype).items():
            setattr(link, name, chainer.Parameter(x))
    optimizer = make(lr=case.learning_rate, **case.arguments).setup(link)
    after = []
    for gradient, now in zip(gradients(case.dtype), case.rates(), strict=True):
        optimizer.lr = now
        for name, g in gradient.items():
            getattr(link, name).grad = g
        optimizer.update()
        after.append(joined({name: getattr(link, name).array.copy() for name in gradient}))
    return np.stack(after)


if __name__ == "__main__":
    record(FRAMEWORK, CASES, trajectory, PACKAGES)
