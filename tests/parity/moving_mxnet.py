"""Runs of MXNet 1.9 that move: `python tests/parity/moving_mxnet.py` records their saved states."""

import moving
from trajectories import Case, crossed

PACKAGES = ("mxnet",)
CASES = [
    *crossed(
        "rmsprop", ("float32",), gamma1=[0.95], epsilon=[1e-3], centered=[None, True], wd=[0.05]
    ),
    *crossed("adagrad", ("float32",), eps=[1e-3], wd=[None, 0.05]),
    Case("rmsprop", {"epsilon": 1e-3, "centered": True, "gamma2": 0.0}, dtype="float32"),
]
RECORDED = [CASES[1], CASES[3]]


def lost(case):
    """The buffer without momentum, which nothing reads."""
    return r"/\d/2" if case.arguments.get("gamma2") == 0 else "nothing"


class Run:
    def __init__(self, case, params):
        import mxnet as mx

        make = {"rmsprop": mx.optimizer.RMSProp, "adagrad": mx.optimizer.AdaGrad}[case.function]
        self._optimizer = make(learning_rate=case.learning_rate, **case.arguments)
        self._updater = mx.optimizer.get_updater(self._optimizer)
        self._params = {name: mx.nd.array(x, dtype=x.dtype) for name, x in params.items()}

    def step(self, gradient, rate):
        import mxnet as mx

        self._optimizer.set_learning_rate(rate)
        for number, (name, g) in enumerate(gradient.items()):
            self._updater(number, mx.nd.array(g, dtype=g.dtype), self._params[name])

    def params(self):
        return {name: p.asnumpy() for name, p in self._params.items()}

    def saved(self):
        return {
            number: tuple(x.asnumpy() for x in own) if isinstance(own, tuple) else own.asnumpy()
            for number, own in self._updater.states.items()
        }

    def load(self, saved):
        import mxnet as mx

        for number, own in saved.items():
            values = tuple(map(mx.nd.array, own)) if isinstance(own, tuple) else mx.nd.array(own)
            self._updater.states[number] = values
            self._updater.states_synced[number] = True


if __name__ == "__main__":
    moving.record("mxnet", PACKAGES)
