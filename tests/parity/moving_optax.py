"""Runs of Optax that move, whose trees are the same on both sides."""

from trajectories import Case, crossed

PACKAGES = ("optax",)
CASES = [
    *crossed(
        "rmsprop",
        eps=[1e-3],
        momentum=[None, 0.9],
        centered=[None, True],
        initial_scale=[None, 1.0],
    ),
    *(
        Case("rmsprop", {"eps": 1e-3, **more}, dtype=d, changing=c)
        for more in ({"momentum": 0.9, "nesterov": True}, {"bias_correction": True})
        for d in ("float64", "float32")
        for c in (True, False)
    ),
    Case("rmsprop", {"eps": 1e-3, "centered": True}, dtype="complex128"),
    *(
        Case("adagrad", {}, dtype=d, changing=c)
        for d in ("float64", "float32")
        for c in (True, False)
    ),
]

SAME_TREE = True


class Run:
    def __init__(self, case, params):
        import jax.numpy as jnp
        import moving
        import optax

        rates = jnp.asarray(case.rates(moving.STEPS))
        rate = (lambda count: rates[count]) if case.changing else case.learning_rate
        make = {"rmsprop": optax.rmsprop, "adagrad": optax.adagrad}
        self._optimizer = make[case.function](rate, **case.arguments)
        self._params = {name: jnp.asarray(x) for name, x in params.items()}
        self._state = self._optimizer.init(self._params)

    def step(self, gradient, rate):
        import jax
        import optax

        gradient = jax.tree.map(jax.numpy.asarray, gradient)
        updates, self._state = jax.jit(self._optimizer.update)(gradient, self._state, self._params)
        self._params = optax.apply_updates(self._params, updates)

    def params(self):
        return self._params

    def saved(self):
        return self._state

    def load(self, saved):
        self._state = saved
