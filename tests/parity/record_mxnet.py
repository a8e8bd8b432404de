"""Records MXNet 1.9's trajectories: `python tests/parity/record_mxnet.py`, with MXNet installed.

Its optimizers have float32 parameters alone.
"""

from trajectories import Case, crossed, gradients, joined, record, start

FRAMEWORK = "mxnet"
PACKAGES = ("mxnet",)
_FLOAT32 = ("float32",)
_RMSPROP = {
    "gamma1": 0.95,
    "epsilon": 1e-2,
    "clip_weights": 1.2,
    "rescale_grad": 0.5,
    "wd": 0.05,
    "clip_gradient": 0.3,
}
_ADAGRAD = {"eps": 1e-2, "rescale_grad": 0.5, "wd": 0.5, "clip_gradient": 0.3}

CASES = [
    *crossed(
        "rmsprop",
        _FLOAT32,
        gamma1=[0.95],
        epsilon=[1e-3],
        centered=[None, True],
        clip_weights=[None, 1.2],
        wd=[None, 0.05],
        clip_gradient=[None, 0.3],
    ),
    *crossed(
        "rmsprop",
        _FLOAT32,
        gamma2=[None, 0.5, 0.0],
        epsilon=[1e-3],
        centered=[True],
        rescale_grad=[None, 0.5],
    ),
    *crossed(
        "adagrad",
        _FLOAT32,
        eps=[1e-3],
        rescale_grad=[None, 0.5],
        wd=[None, 0.05],
        clip_gradient=[None, 0.3],
    ),
    Case("rmsprop", _RMSPROP, dtype="float32"),
    Case("rmsprop", _RMSPROP | {"gamma2": 0.8, "centered": True}, dtype="float32"),
    Case("adagrad", _ADAGRAD, dtype="float32"),
    *(
        Case(function, dtype="float32", changing=c)
        for function in ("rmsprop", "adagrad")
        for c in (True, False)
    ),
]

RICH = [
    Case("rmsprop", _RMSPROP, dtype="float32"),
    Case("rmsprop", _RMSPROP | {"gamma2": 0.8, "centered": True}, dtype="float32"),
    Case("adagrad", _ADAGRAD, dtype="float32"),
]


def trajectory(case):
    """The parameters after each step, as MXNet computes them."""
    import mxnet as mx
    import numpy as np

    make = {"rmsprop": mx.optimizer.RMSProp, "adagrad": mx.optimizer.AdaGrad}[case.function]
    optimizer = make(learning_rate=case.learning_rate, **case.arguments)
    step = mx.optimizer.get_updater(optimizer)
    params = {name: mx.nd.array(x, dtype=x.dtype) for name, x in start(case.dtype).items()}
    after = []
    for gradient, now in zip(gradients(case.dtype), case.rates(), strict=True):
        optimizer.set_learning_rate(now)
        for k, (name, g) in enumerate(gradient.items()):
            step(k, mx.nd.array(g, dtype=g.dtype), params[name])
        after.append(joined({name: p.asnumpy() for name, p in params.items()}))
    return np.stack(after)


if __name__ == "__main__":
    record(FRAMEWORK, CASES, trajectory, PACKAGES)
