"""Records a transcription of Optimisers.jl: `python tests/parity/record_flux.py`.

Julia is not run. The steps below follow `src/rules.jl` and `src/utils.jl` of
https://github.com/FluxML/Optimisers.jl line by line, in the element type of the array, to which
Optimisers.jl rounds every hyper-parameter first.
"""

from trajectories import SHAPES, Case, crossed, gradients, joined, record, start

FRAMEWORK = "flux"
PACKAGES = ("numpy",)
_DTYPES = ("float64", "float32")
_COMPLEX = ("complex128", "complex64")

CASES = [
    *crossed("rmsprop", rho=[None, 0.99], epsilon=[None, 1e-3], centred=[None, True]),
    *crossed("rmsprop", _COMPLEX, epsilon=[1e-3], centred=[None, True]),
    *crossed("rmsprop", centered=[True], epsilon=[1e-3]),
    *crossed("adagrad", (*_DTYPES, *_COMPLEX), epsilon=[None, 1e-3]),
    *(
        Case(function, dtype=d, changing=False)
        for function in ("rmsprop", "adagrad")
        for d in _DTYPES
    ),
]

RICH = [
    Case("rmsprop", {"rho": 0.99, "epsilon": 1e-3, "centred": True}),
    Case("adagrad", {"epsilon": 1e-3}),
]
# Another spelling of `centred`, and silent where that is set already.
SILENT = {"rmsprop": ("centered",)}


def trajectory(case):
    """The parameters after each step."""
    import numpy as np

    params = start(case.dtype)
    real = np.finfo(case.dtype).dtype.type
    state = {name: _initial(case, params[name], real) for name in SHAPES}
    after = []
    for gradient, rate in zip(gradients(case.dtype), case.rates(), strict=True):
        for name, dx in gradient.items():
            step = {"rmsprop": _rmsprop, "adagrad": _adagrad}[case.function]
            state[name], change = step(case.arguments, state[name], dx, real, rate)
            params[name] = (params[name] - change).astype(case.dtype)
        after.append(joined(params))
    return np.stack(after)


def _initial(case, x, real):
    import numpy as np

    if case.function == "adagrad":
        return np.full(x.shape, case.arguments.get("epsilon", 1e-8), real)
    return np.zeros(x.shape, real), np.zeros_like(x)


def _rmsprop(arguments, state, dx, real, rate):
    import numpy as np

    eta, rho = real(rate), real(arguments.get("rho", 0.9))
    epsilon = real(arguments.get("epsilon", 1e-8))
    quad, lin = state
    quad = rho * quad + (1 - rho) * _abs2(dx)
    if arguments.get("centred", False) or arguments.get("centered", False):
        lin = rho * lin + (1 - rho) * dx
    return (quad, lin), dx * eta / (np.sqrt(quad - _abs2(lin)) + epsilon)


def _adagrad(arguments, acc, dx, real, rate):
    import numpy as np

    eta, epsilon = real(rate), real(arguments.get("epsilon", 1e-8))
    acc = acc + _abs2(dx)
    return acc, dx * eta / (np.sqrt(acc) + epsilon)


def _abs2(x):
    return x.real**2 + x.imag**2


if __name__ == "__main__":
    record(FRAMEWORK, CASES, trajectory, PACKAGES)
