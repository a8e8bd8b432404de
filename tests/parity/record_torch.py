"""Records PyTorch's trajectories: `python tests/parity/record_torch.py`, with PyTorch installed."""

import torch_loop
from trajectories import Case, crossed, record

FRAMEWORK = "torch"
PACKAGES = ("torch",)
_DTYPES = ("float64", "float32")

CASES = [
    *crossed(
        "rmsprop",
        alpha=[0.9],
        eps=[1e-3],
        weight_decay=[None, 0.05],
        momentum=[None, 0.9],
        centered=[None, True],
        maximize=[None, True],
    ),
    *crossed(
        "adagrad",
        eps=[1e-3],
        lr_decay=[None, 0.1],
        weight_decay=[None, 0.05],
        initial_accumulator_value=[None, 0.1],
        maximize=[None, True],
    ),
    *(
        Case(function, dtype=d, changing=c)
        for function in ("rmsprop", "adagrad")
        for d in _DTYPES
        for c in (True, False)
    ),
    *(
        Case(
            "rmsprop", {"eps": 1e-3, "weight_decay": 0.05, "momentum": 0.9, "centered": c}, dtype=d
        )
        for c in (False, True)
        for d in ("complex128", "complex64")
    ),
    *(
        Case(
            "adagrad",
            {"eps": 1e-3, "weight_decay": 0.05, "initial_accumulator_value": 0.1},
            dtype=d,
        )
        for d in ("complex128", "complex64")
    ),
    *(
        Case(
            "rmsprop",
            {"eps": 1e-3, "weight_decay": 0.05, "momentum": 0.9, "centered": c, "maximize": m},
            dtype=d,
            path="foreach",
        )
        for c in (False, True)
        for m in (False, True)
        for d in _DTYPES
    ),
    *(
        Case(
            "adagrad",
            {"eps": 1e-3, "lr_decay": 0.1, "weight_decay": 0.05, "maximize": m},
            dtype=d,
            path=path,
        )
        for path in ("foreach", "fused")
        for m in (False, True)
        for d in _DTYPES
    ),
]

# Cases in which every argument matters: turning any one of them must be noticed.
RICH = [
    Case(
        "rmsprop",
        {
            "alpha": 0.9,
            "eps": 1e-3,
            "weight_decay": 0.05,
            "momentum": 0.9,
            "centered": True,
            "maximize": True,
        },
    ),
    Case(
        "adagrad",
        {
            "eps": 1e-3,
            "lr_decay": 0.1,
            "weight_decay": 0.05,
            "initial_accumulator_value": 0.1,
            "maximize": True,
        },
    ),
]


# Arguments that choose how PyTorch runs the step.
SILENT = {
    "rmsprop": ("capturable", "foreach", "differentiable"),
    "adagrad": ("foreach", "differentiable", "fused"),
}


def trajectory(case):
    """The parameters after each step, as PyTorch computes them."""
    import torch

    paths = {"foreach": case.path == "foreach"}
    make = torch.optim.RMSprop
    if case.function == "adagrad":
        make = torch.optim.Adagrad
        paths["fused"] = case.path == "fused"
    return torch_loop.trajectory(
        case, lambda p: make(p, lr=case.learning_rate, **case.arguments, **paths)
    )


if __name__ == "__main__":
    record(FRAMEWORK, CASES, trajectory, PACKAGES)
