"""Runs of Paddle that move: `python tests/parity/moving_paddle.py` records their saved states."""

import moving
import numpy as np
from trajectories import Case, crossed

PACKAGES = ("paddlepaddle",)
CASES = [
    *crossed(
        "rmsprop",
        rho=[0.9],
        epsilon=[1e-3],
        momentum=[None, 0.9],
        centered=[None, True],
        weight_decay=[None, 0.05],
    ),
    *crossed("adagrad", epsilon=[1e-3], initial_accumulator_value=[0.1], weight_decay=[None, 0.05]),
    *(Case("rmsprop", {"epsilon": 1e-3}, dtype=d, changing=False) for d in moving.BOTH),
]
_RICH = {"rho": 0.9, "epsilon": 1e-3, "momentum": 0.9, "weight_decay": 0.05}
RECORDED = [
    Case("rmsprop", _RICH | {"centered": True}),
    Case("rmsprop", _RICH, dtype="float32"),
    Case("adagrad", {"epsilon": 1e-3, "initial_accumulator_value": 0.1}, dtype="float32"),
]
NAMES = {name: name for name in moving.ORDER}
turn = moving.turned


def lost(case):
    """The buffer without momentum, which nothing reads."""
    return "nothing" if case.arguments.get("momentum") else "/(kernel|bias)_momentum_0"


class Run:
    def __init__(self, case, params):
        import paddle

        make = {"rmsprop": paddle.optimizer.RMSProp, "adagrad": paddle.optimizer.Adagrad}
        self._params = {
            name: paddle.create_parameter(
                x.shape, case.dtype, default_initializer=paddle.nn.initializer.Assign(x)
            )
            for name, x in params.items()
        }
        # Paddle takes a name once in a process: those of the tensors are turned into these.
        self._names = {p.name: name for name, p in self._params.items()}
        self._optimizer = make[case.function](
            case.learning_rate, parameters=[*self._params.values()], **case.arguments
        )

    def step(self, gradient, rate):
        import paddle

        self._optimizer.set_lr(rate)
        for name, g in gradient.items():
            self._params[name].grad = paddle.to_tensor(g)
        self._optimizer.step()
        self._optimizer.clear_grad()

    def params(self):
        return {name: p.numpy() for name, p in self._params.items()}

    def saved(self):
        return {
            key.replace(own, name): np.array(tensor.numpy())
            for own, name in self._names.items()
            for key, tensor in self._optimizer.state_dict().items()
            if key.startswith(own)
        }

    def load(self, saved):
        import paddle

        tensors = {
            key.replace(name, own, 1): paddle.to_tensor(x)
            for own, name in self._names.items()
            for key, x in saved.items()
            if key.startswith(name)
        }
        self._optimizer.set_state_dict(tensors)


if __name__ == "__main__":
    moving.record("paddle", PACKAGES)
