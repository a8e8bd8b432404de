"""Runs of `jax.example_libraries.optimizers` that move; the trees are the same on both sides."""

from trajectories import Case, crossed

PACKAGES = ("jax",)
CASES = [
    *crossed("rmsprop", eps=[1e-3]),
    *crossed("rmsprop_momentum", eps=[1e-3], momentum=[0.9]),
    *(Case("adagrad", {"momentum": 0.9}, dtype=d) for d in ("float64", "float32")),
    *(Case("rmsprop_momentum", {"eps": 1e-3}, changing=False),),
]

SAME_TREE = True


class Run:
    def __init__(self, case, params):
        import jax.numpy as jnp
        import moving
        from jax.example_libraries import optimizers

        rates = jnp.asarray(case.rates(moving.STEPS), case.dtype)
        rate = (lambda count: rates[count]) if case.changing else case.learning_rate
        init, self._update, self._params = getattr(optimizers, case.function)(
            rate, **case.arguments
        )
        self._state, self._count = init(params), 0

    def step(self, gradient, rate):
        self._state = self._update(self._count, gradient, self._state)
        self._count += 1

    def params(self):
        return self._params(self._state)

    def saved(self):
        return self._state

    def load(self, saved):
        import moving

        self._state, self._count = saved, moving.BEFORE
