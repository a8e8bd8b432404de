"""Runs of TensorFlow 1 that move: `python tests/parity/moving_tensorflow.py` records them."""

import os

import moving
from trajectories import Case, crossed

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

PACKAGES = ("tensorflow-cpu",)
CASES = [
    *crossed("rmsprop", epsilon=[1e-3], momentum=[None, 0.9], centered=[None, True]),
    *(Case("adagrad", {"initial_accumulator_value": 0.3}, dtype=d) for d in moving.BOTH),
    *(
        Case(f, more, dtype=d, changing=False)
        for f, more in (("rmsprop", {"epsilon": 1e-3}), ("adagrad", {}))
        for d in moving.BOTH
    ),
]
RECORDED = [
    Case("rmsprop", {"epsilon": 1e-3, "momentum": 0.9, "centered": True}),
    Case("rmsprop", {"epsilon": 1e-3, "momentum": 0.9}, dtype="float32"),
    Case("adagrad", {"initial_accumulator_value": 0.3}, dtype="float32"),
]
NAMES = {"kernel": "net/kernel", "bias": "net/bias"}


def lost(case):
    """The parameters, and without momentum the buffer, which nothing reads."""
    number = 2 if case.arguments.get("centered") else 1
    buffer = "nothing" if case.arguments.get("momentum") else f"RMSProp_{number}"
    return f"/net/(kernel|bias)(/{buffer})?"


def turn(name, array):
    return moving.turned(name.rpartition("/")[2], array)


class Run:
    def __init__(self, case, params):
        import tensorflow as tf

        v1 = tf.compat.v1
        self._graph, self._session = tf.Graph(), None
        make = {"rmsprop": v1.train.RMSPropOptimizer, "adagrad": v1.train.AdagradOptimizer}
        with self._graph.as_default():
            with v1.variable_scope("net"):
                self._params = {n: v1.get_variable(n, initializer=x) for n, x in params.items()}
            self._gradients = {n: v1.placeholder(x.dtype, x.shape) for n, x in params.items()}
            self._rate = v1.placeholder(tf.float32, ())
            self._optimizer = make[case.function](self._rate, **case.arguments)
            pairs = [(self._gradients[n], p) for n, p in self._params.items()]
            self._step = self._optimizer.apply_gradients(pairs)
            self._session = v1.Session()
            self._session.run(v1.global_variables_initializer())
            self._slots = [v for v in v1.global_variables() if v not in [*self._params.values()]]

    def step(self, gradient, rate):
        feed = {self._gradients[name]: g for name, g in gradient.items()}
        self._session.run(self._step, feed | {self._rate: rate})

    def params(self):
        return self._session.run(self._params)

    def saved(self):
        """The tensors of a checkpoint, which have the names of the variables."""
        every = {v.op.name: v for v in [*self._slots, *self._params.values()]}
        return self._session.run(every)

    def load(self, saved):
        slots = {v.op.name: v for v in self._slots}
        for name, array in saved.items():
            with self._graph.as_default():
                slots[name].load(array, self._session)


if __name__ == "__main__":
    moving.record("tensorflow", PACKAGES)
