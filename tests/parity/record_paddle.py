"""Records Paddle's trajectories: `python tests/parity/record_paddle.py`, with Paddle installed."""

from trajectories import SHAPES, Case, crossed, gradients, joined, record, start

FRAMEWORK = "paddle"
PACKAGES = ("paddlepaddle",)
_DTYPES = ("float64", "float32")
# Paddle's classes, and ours of the same names, as text: this script imports neither.
_CLIPS = (
    ("ClipGradByValue", 0.3),
    ("ClipGradByValue", 0.3, -0.1),
    ("ClipGradByGlobalNorm", 3.0),
)
_RICH = {"rho": 0.9, "epsilon": 1e-3, "momentum": 0.9, "centered": True, "weight_decay": 0.05}

CASES = [
    *crossed(
        "rmsprop",
        rho=[0.9],
        epsilon=[1e-3],
        momentum=[None, 0.9],
        centered=[None, True],
        weight_decay=[None, 0.05],
    ),
    *crossed(
        "adagrad",
        epsilon=[1e-3],
        weight_decay=[None, 0.05],
        initial_accumulator_value=[None, 0.1],
    ),
    *(
        Case(function, {"epsilon": 1e-3, "weight_decay": (decay, 0.05)}, dtype=d)
        for function in ("rmsprop", "adagrad")
        for decay in ("L1Decay", "L2Decay")
        for d in _DTYPES
    ),
    *(
        Case(function, {"epsilon": 1e-3, "weight_decay": 0.05, "grad_clip": clip}, dtype=d)
        for function in ("rmsprop", "adagrad")
        for clip in _CLIPS
        for d in _DTYPES
    ),
    *(  # Paddle's kernel has float32 only.
        Case(function, {"epsilon": 1e-3, "grad_clip": ("ClipGradByNorm", 2.0)}, dtype="float32")
        for function in ("rmsprop", "adagrad")
    ),
    *(
        Case("rmsprop", _RICH | {"grad_clip": ("ClipGradByGlobalNorm", 3.0)}, dtype=d, path=path)
        for path in ("", "scheduler")
        for d in _DTYPES
    ),
    *(
        Case(
            "adagrad",
            {
                "epsilon": 1e-3,
                "weight_decay": ("L1Decay", 0.05),
                "grad_clip": ("ClipGradByValue", 0.3, -0.1),
                "initial_accumulator_value": 0.1,
            },
        ),
    ),
    *(
        Case(function, dtype=d, changing=c)
        for function in ("rmsprop", "adagrad")
        for d in _DTYPES
        for c in (True, False)
    ),
]

RICH = [
    Case("rmsprop", _RICH | {"grad_clip": ("ClipGradByGlobalNorm", 3.0)}),
    Case(
        "adagrad",
        {
            "epsilon": 1e-3,
            "weight_decay": ("L1Decay", 0.05),
            "grad_clip": ("ClipGradByValue", 0.3, -0.1),
            "initial_accumulator_value": 0.1,
        },
    ),
    Case("adagrad", {"epsilon": 1e-3, "weight_decay": 0.05, "initial_accumulator_value": 0.1}),
]


def ours(case):
    """The arguments that are objects, as ours."""
    from rmsprop.frameworks import paddle

    return _objects(case, lambda name: getattr(paddle, name))


def trajectory(case):
    """The parameters after each step, as Paddle computes them."""
    import numpy as np
    import paddle

    make = {"rmsprop": paddle.optimizer.RMSProp, "adagrad": paddle.optimizer.Adagrad}[case.function]
    homes = (paddle.nn, paddle.regularizer)
    objects = _objects(case, lambda name: next(vars(h)[name] for h in homes if name in vars(h)))
    params = {
        name: paddle.create_parameter(
            SHAPES[name], case.dtype, default_initializer=paddle.nn.initializer.Assign(x)
        )
        for name, x in start(case.dtype).items()
    }
    rates = case.rates()
    scheduled = case.path == "scheduler"
    rate = _schedule(paddle, rates) if scheduled else case.learning_rate
    optimizer = make(rate, parameters=list(params.values()), **(case.arguments | objects))
    after = []
    for gradient, now in zip(gradients(case.dtype), rates, strict=True):
        if not scheduled:
            optimizer.set_lr(now)
        for name, g in gradient.items():
            params[name].grad = paddle.to_tensor(g)
        optimizer.step()
        optimizer.clear_grad()
        if scheduled:
            rate.step()
        after.append(joined({name: p.numpy() for name, p in params.items()}))
    return np.stack(after)


def _schedule(paddle, rates):
    """Paddle's scheduler for these rates; it computes one more than is used."""
    return paddle.optimizer.lr.LambdaDecay(1.0, lambda k: rates[min(k, len(rates) - 1)])


def _objects(case, find):
    return {
        name: find(value[0])(*value[1:])
        for name, value in case.arguments.items()
        if isinstance(value, tuple)
    }


if __name__ == "__main__":
    record(FRAMEWORK, CASES, trajectory, PACKAGES)
