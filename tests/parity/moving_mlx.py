"""Runs of MLX that move: `python tests/parity/moving_mlx.py` records their saved states."""

import moving
import numpy as np
from trajectories import Case

PACKAGES = ("mlx",)
CASES = [
    Case(function, {"eps": 1e-3}, dtype=dtype, changing=changing)
    for function in ("rmsprop", "adagrad")
    for dtype in moving.BOTH
    for changing in (True, False)
]
RECORDED = CASES[1:2] + CASES[6:7]
# The rate of the last step, in the place of which stands that of the coming one.
LOST = "/learning_rate"
NAMES = {name: name for name in moving.ORDER}
turn = moving.turned


class Run:
    def __init__(self, case, params):
        import mlx.core as mx
        import mlx.optimizers

        mx.set_default_device(mx.cpu)  # A GPU has no float64.
        self._dtype = getattr(mx, case.dtype)
        make = {"rmsprop": mlx.optimizers.RMSprop, "adagrad": mlx.optimizers.Adagrad}
        self._optimizer = make[case.function](case.learning_rate, **case.arguments)
        self._params = self._arrays(params)
        self._optimizer.init(self._params)

    def _arrays(self, tree):
        import mlx.core as mx

        return {name: mx.array(x, dtype=self._dtype) for name, x in tree.items()}

    def step(self, gradient, rate):
        self._optimizer.learning_rate = rate
        self._params = self._optimizer.apply_gradients(self._arrays(gradient), self._params)

    def params(self):
        return {name: np.array(p) for name, p in self._params.items()}

    def saved(self):
        from mlx.utils import tree_flatten

        return {name: np.array(x) for name, x in tree_flatten(self._optimizer.state)}

    def load(self, saved):
        import mlx.core as mx
        from mlx.utils import tree_unflatten

        pairs = [(name, mx.array(x, dtype=_dtype(x))) for name, x in saved.items()]
        self._optimizer.state = tree_unflatten(pairs)


def _dtype(array):
    import mlx.core as mx

    return getattr(mx, str(array.dtype))


if __name__ == "__main__":
    moving.record("mlx", PACKAGES)
