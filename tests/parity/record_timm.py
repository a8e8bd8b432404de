"""Records timm's trajectories: `python tests/parity/record_timm.py`, with timm installed."""

import torch_loop
from alone import module_alone
from trajectories import Case, crossed, record

FRAMEWORK = "timm"
PACKAGES = ("timm", "torch")
_ALL = {
    "eps": 1e-3,
    "weight_decay": 0.05,
    "momentum": 0.9,
    "centered": True,
    "decoupled_decay": True,
    "corrected_weight_decay": True,
    "caution": True,
}

CASES = [
    *crossed(
        "rmsprop_tf",
        eps=[1e-3],
        weight_decay=[None, 0.05],
        momentum=[None, 0.9],
        centered=[None, True],
        decoupled_decay=[None, True],
    ),
    *crossed(
        "rmsprop_tf",
        alpha=[0.95],
        eps=[1e-3],
        weight_decay=[0.05],
        momentum=[0.9],
        lr_in_momentum=[None, False],
        caution=[None, True],
    ),
    *(
        Case("rmsprop_tf", _ALL | {"lr_in_momentum": place}, dtype=dtype, path=path)
        for place in (True, False)
        for dtype in ("float64", "float32")
        for path in ("", "foreach")
    ),
    *(
        Case("rmsprop_tf", dtype=d, changing=c)
        for d in ("float64", "float32")
        for c in (True, False)
    ),
]

RICH = [Case("rmsprop_tf", _ALL | {"lr_in_momentum": place}) for place in (True, False)]


def ours(case):
    """What timm takes from the rate that its optimizer is constructed with."""
    return {"max_lr": case.learning_rate} if case.arguments.get("corrected_weight_decay") else {}


def trajectory(case):
    """The parameters after each step, as timm computes them."""
    make = module_alone("timm.optim.rmsprop_tf").RMSpropTF
    foreach = case.path == "foreach"
    return torch_loop.trajectory(
        case, lambda p: make(p, lr=case.learning_rate, foreach=foreach, **case.arguments)
    )


if __name__ == "__main__":
    record(FRAMEWORK, CASES, trajectory, PACKAGES)
