"""Runs of timm that move: `python tests/parity/moving_timm.py` records their saved states."""

import moving
from alone import module_alone
from moving_torch import TorchRun
from trajectories import Case, crossed

PACKAGES = ("timm", "torch")
CASES = [
    *crossed(
        "rmsprop_tf",
        eps=[1e-3],
        weight_decay=[None, 0.05],
        momentum=[None, 0.9],
        centered=[None, True],
    ),
    *(
        Case("rmsprop_tf", {"eps": 1e-3, "momentum": 0.9, "weight_decay": 0.05, **more}, dtype=d)
        for d in ("float64", "float32")
        for more in (
            {"lr_in_momentum": False},
            {"decoupled_decay": True, "caution": True},
            {"decoupled_decay": True, "corrected_weight_decay": True},
        )
    ),
]

# The rate of the last step, and the largest rate where it is not used.
LOST = "/param_groups/0/(lr|max_lr_snapshot)"
RECORDED = [
    Case(
        "rmsprop_tf",
        {
            "eps": 1e-3,
            "momentum": 0.9,
            "weight_decay": 0.05,
            "decoupled_decay": True,
            "corrected_weight_decay": True,
        },
        dtype=dtype,
    )
    for dtype in ("float64", "float32")
]


def ours(case):
    """What timm takes from the rate that its optimizer is constructed with."""
    return {"max_lr": case.learning_rate} if case.arguments.get("corrected_weight_decay") else {}


class Run(TorchRun):
    @staticmethod
    def make(case, params):
        kind = module_alone("timm.optim.rmsprop_tf").RMSpropTF
        return kind(params, lr=case.learning_rate, **case.arguments)


if __name__ == "__main__":
    moving.record("timm", PACKAGES)
