"""Runs of Chainer that move: `python tests/parity/moving_chainer.py` records their saved states."""

import moving
import numpy as np
from trajectories import crossed

PACKAGES = ("chainer",)
CASES = [
    *crossed("rmsprop", eps=[1e-3], eps_inside_sqrt=[None, True]),
    *crossed("rmsprop_graves", eps=[1e-3], momentum=[0.9]),
    *crossed("adagrad", eps=[1e-3]),
]
RECORDED = [CASES[0], CASES[4], CASES[7]]
NAMES = {name: name for name in moving.ORDER}
turn = moving.turned


class Run:
    def __init__(self, case, params):
        import chainer

        make = {
            "rmsprop": chainer.optimizers.RMSprop,
            "rmsprop_graves": chainer.optimizers.RMSpropGraves,
            "adagrad": chainer.optimizers.AdaGrad,
        }[case.function]
        self._link = chainer.Link()
        with self._link.init_scope():
            for name, x in params.items():
                setattr(self._link, name, chainer.Parameter(np.array(x)))
        self._optimizer = make(lr=case.learning_rate, **case.arguments).setup(self._link)

    def step(self, gradient, rate):
        self._optimizer.lr = rate
        for name, g in gradient.items():
            getattr(self._link, name).grad = g
        self._optimizer.update()

    def params(self):
        return {name: getattr(self._link, name).array.copy() for name in moving.ORDER}

    def saved(self):
        from chainer.serializers import DictionarySerializer

        serializer = DictionarySerializer()
        serializer.save(self._optimizer)
        return {name: np.array(x) for name, x in serializer.target.items()}

    def load(self, saved):
        from chainer.serializers import NpzDeserializer

        NpzDeserializer(saved).load(self._optimizer)


if __name__ == "__main__":
    moving.record("chainer", PACKAGES)
