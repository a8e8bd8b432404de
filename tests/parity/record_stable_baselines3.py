"""Records Stable-Baselines3's trajectories; the package has to be installed."""

import torch_loop
from alone import module_alone
from trajectories import Case, crossed, record

FRAMEWORK = "stable_baselines3"
PACKAGES = ("stable-baselines3", "torch")
_MODULE = "stable_baselines3.common.sb2_compat.rmsprop_tf_like"

CASES = [
    *crossed(
        "rmsprop_tf_like",
        alpha=[0.9],
        eps=[1e-3],
        weight_decay=[None, 0.05],
        momentum=[None, 0.9],
        centered=[None, True],
    ),
    *(
        Case("rmsprop_tf_like", dtype=d, changing=c)
        for d in ("float64", "float32")
        for c in (True, False)
    ),
]

RICH = [
    Case(
        "rmsprop_tf_like",
        {"alpha": 0.9, "eps": 1e-3, "weight_decay": 0.05, "momentum": 0.9, "centered": True},
    )
]


def trajectory(case):
    """The parameters after each step, as Stable-Baselines3 computes them."""
    make = module_alone(_MODULE).RMSpropTFLike
    return torch_loop.trajectory(case, lambda p: make(p, lr=case.learning_rate, **case.arguments))


if __name__ == "__main__":
    record(FRAMEWORK, CASES, trajectory, PACKAGES)
