"""Records transcriptions of the publications: `python tests/parity/record_papers.py`.

Every function below is one publication, equation by equation and in float64 whatever the dtype of
the gradients, with the names of the source. What a source leaves open, 0 / 0, is 0.
"""

from trajectories import Case, gradients, joined, record, start

FRAMEWORK = "papers"
PACKAGES = ("numpy",)
_DTYPES = ("float64", "float32")

# Cases in which every argument matters: turning any one of them must be noticed.
RICH = [
    Case("hinton_2012", {"decay": 0.8}),
    Case("graves_2013", {"decay": 0.9, "momentum": 0.8, "eps": 1e-3}),
    Case("dqn_2015", {"decay": 0.9, "eps": 1e-3}),
    Case("a3c_2016", {"decay": 0.9, "eps": 1e-3}),
    Case("duchi_2011", {"delta": 1e-3}),
]
# The same for what no convention describes.
VARIANTS = [
    Case("rmsprop_variant", {"gamma": 0.7, "delta": 1e-3}),
    Case("sc_rmsprop", {"gamma": 0.7, "xi1": 0.2, "xi2": 0.3}),
    Case("sc_adagrad", {"xi1": 0.2, "xi2": 0.3}),
    Case("glove_2014", {"initial_accumulator_value": 0.5}),
]

CASES = [
    *(
        Case(rich.function, rich.arguments, dtype=dtype)
        for rich in RICH + VARIANTS
        for dtype in _DTYPES
    ),
    *(
        Case(rich.function, dtype=dtype, changing=changing)
        for rich in RICH + VARIANTS
        for dtype in _DTYPES
        for changing in (True, False)
    ),
    # The first step as the others, at gamma = 1: AdaGrad.
    *(
        Case(function, {"gamma": 1.0}, dtype=dtype)
        for function in ("rmsprop_variant", "sc_rmsprop")
        for dtype in _DTYPES
    ),
]


def trajectory(case):
    """The parameters after each step, all elements of the tree as one vector."""
    import numpy as np

    w = joined(start(case.dtype)).astype(np.float64)
    stream = [joined(gradient).astype(np.float64) for gradient in gradients(case.dtype)]
    steps = globals()["_" + case.function](w, stream, case.rates(), **case.arguments)
    return np.stack(list(steps))


def _hinton_2012(w, stream, rates, decay=0.9):
    """Lecture 6.5: divide the gradient by the root of the running average of its square."""
    import numpy as np

    mean_square = np.zeros_like(w)
    for gradient, rate in zip(stream, rates, strict=True):
        mean_square = decay * mean_square + (1 - decay) * gradient**2
        w = w - rate * _divided(gradient, np.sqrt(mean_square))
        yield w


def _graves_2013(w, stream, rates, decay=0.95, momentum=0.9, eps=1e-4):
    """Equations 38 to 41; aleph is `decay`, beth `momentum`, gimel the rate, daleth `eps`."""
    import numpy as np

    n, g, delta = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
    for epsilon_i, gimel in zip(stream, rates, strict=True):
        n = decay * n + (1 - decay) * epsilon_i**2
        g = decay * g + (1 - decay) * epsilon_i
        delta = momentum * delta - gimel * epsilon_i / np.sqrt(n - g**2 + eps)
        w = w + delta
        yield w


def _dqn_2015(w, stream, rates, decay=0.95, eps=0.01):
    """NeuralQLearner.lua, where `dw` points uphill and `deltas` is multiplied by 0 each time."""
    import numpy as np

    g, g2 = np.zeros_like(w), np.zeros_like(w)
    for gradient, lr in zip(stream, rates, strict=True):
        dw = -gradient
        g = decay * g + (1 - decay) * dw
        g2 = decay * g2 + (1 - decay) * (dw * dw)
        tmp = np.sqrt(g * g * -1 + g2 + eps)
        deltas = lr * dw / tmp
        w = w + deltas
        yield w


def _a3c_2016(w, stream, rates, decay=0.99, eps=0.1):
    """The two equations of the paper's section on optimization, one worker."""
    import numpy as np

    g = np.zeros_like(w)
    for gradient, eta in zip(stream, rates, strict=True):
        g = decay * g + (1 - decay) * gradient**2
        w = w - eta * gradient / np.sqrt(g + eps)
        yield w


def _duchi_2011(w, stream, rates, delta=0.0):
    """Algorithm 1, diagonal, with the composite mirror descent update and no regularizer.

    `s_{t,i}` is the norm of all gradients of coordinate `i` so far, taken anew at every step.
    """
    import numpy as np

    seen = []
    for g, eta in zip(stream, rates, strict=True):
        seen.append(g)
        s = np.linalg.norm(np.stack(seen), axis=0)
        h = delta + s
        w = w - eta * _divided(g, h)
        yield w


def _rmsprop_variant(w, stream, rates, gamma=0.9, delta=1e-8):
    """new_optimizers.py, `RMSProp_variant`."""
    import numpy as np

    v = np.zeros_like(w)
    for iterations, (g, lr) in enumerate(zip(stream, rates, strict=True)):
        t = iterations + 1
        v = (1 - (gamma / t)) * v + (gamma / t) * np.square(g)
        w = w - lr * g / (np.sqrt(t * v) + delta)
        yield w


def _sc_rmsprop(w, stream, rates, gamma=0.9, xi1=0.1, xi2=0.1):
    """new_optimizers.py, `SC_RMSProp`."""
    import numpy as np

    v = np.zeros_like(w)
    for iterations, (g, lr) in enumerate(zip(stream, rates, strict=True)):
        t = iterations + 1
        v = (1 - (gamma / t)) * v + (gamma / t) * np.square(g)
        w = w - lr * g / (t * v + xi2 * np.exp(-xi1 * t * v))
        yield w


def _sc_adagrad(w, stream, rates, xi1=0.1, xi2=0.1):
    """new_optimizers.py, `SC_Adagrad`."""
    import numpy as np

    v = np.zeros_like(w)
    for g, lr in zip(stream, rates, strict=True):
        v = v + np.square(g)
        w = w - lr * g / (v + xi2 * np.exp(-xi1 * v))
        yield w


def _glove_2014(w, stream, rates, initial_accumulator_value=1.0):
    """glove.c: `fdiff *= eta`, the step, then the square of what was stepped with."""
    import numpy as np

    gradsq = np.full_like(w, initial_accumulator_value)
    for gradient, eta in zip(stream, rates, strict=True):
        temp = eta * gradient
        w = w - temp / np.sqrt(gradsq)
        gradsq = gradsq + temp * temp
        yield w


def _divided(numerator, denominator):
    import numpy as np

    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator != 0)


if __name__ == "__main__":
    record(FRAMEWORK, CASES, trajectory, PACKAGES)
