"""Records TensorFlow 1's trajectories: `python tests/parity/record_tensorflow.py`."""

import os

import numpy as np
from trajectories import Case, crossed, gradients, joined, record, start

FRAMEWORK = "tensorflow"
PACKAGES = ("tensorflow-cpu",)
_DTYPES = ("float64", "float32")

# What changes no number: locks and a label.
SILENT = dict.fromkeys(("rmsprop", "adagrad"), ("use_locking", "name"))

CASES = [
    *crossed("rmsprop", epsilon=[1e-3], momentum=[None, 0.9], centered=[None, True]),
    *crossed("rmsprop", decay=[0.95], epsilon=[1e-3], momentum=[0.9], centered=[None, True]),
    *crossed("rmsprop", decay=[0.3], epsilon=[1e-3], momentum=[0.9]),
    *crossed("rmsprop", epsilon=[1e-3], use_locking=[True]),
    *crossed("adagrad", initial_accumulator_value=[None, 0.3], use_locking=[None, True]),
    *(
        Case("rmsprop", {"epsilon": 1e-3, "momentum": 0.9, "centered": c}, dtype=d, path="graph")
        for c in (False, True)
        for d in _DTYPES
    ),
    *(Case("adagrad", dtype=d, path="graph") for d in _DTYPES),
    *(
        Case(function, dtype=d, changing=c)
        for function in ("rmsprop", "adagrad")
        for d in _DTYPES
        for c in (True, False)
        if not (function == "adagrad" and c)
    ),
]

# Cases in which every argument matters: turning any one of them must be noticed.
RICH = [
    Case("rmsprop", {"decay": 0.95, "epsilon": 1e-3, "momentum": 0.9, "centered": True}),
    Case("rmsprop", {"epsilon": 1e-3}),
    Case("adagrad", {"initial_accumulator_value": 0.3}),
]


def trajectory(case):
    """The parameters after each step, as TensorFlow computes them: eagerly, or as a graph."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    train = tf.compat.v1.train
    make = {"rmsprop": train.RMSPropOptimizer, "adagrad": train.AdagradOptimizer}[case.function]
    run = _in_a_graph if case.path == "graph" else _eagerly
    return np.stack(run(tf, make, case))


def _eagerly(tf, make, case):
    rate = None
    optimizer = make(lambda: rate, **case.arguments)
    params = {name: tf.Variable(value) for name, value in start(case.dtype).items()}
    after = []
    for gradient, rate in zip(gradients(case.dtype), case.rates(), strict=True):  # noqa: B007
        optimizer.apply_gradients([(tf.constant(gradient[n]), p) for n, p in params.items()])
        after.append(joined({name: p.numpy() for name, p in params.items()}))
    return after


def _in_a_graph(tf, make, case):
    v1 = tf.compat.v1
    after = []
    with tf.Graph().as_default(), v1.Session() as session:
        rate = v1.placeholder(tf.float32, [])
        params = {n: v1.Variable(v, use_resource=False) for n, v in start(case.dtype).items()}
        fed = {n: v1.placeholder(p.dtype.base_dtype, p.shape) for n, p in params.items()}
        step = make(rate, **case.arguments).apply_gradients([(fed[n], params[n]) for n in params])
        session.run(v1.global_variables_initializer())
        for gradient, eta in zip(gradients(case.dtype), case.rates(), strict=True):
            session.run(step, {rate: eta} | {fed[n]: gradient[n] for n in fed})
            after.append(joined(session.run(params)))
    return after


if __name__ == "__main__":
    record(FRAMEWORK, CASES, trajectory, PACKAGES)
