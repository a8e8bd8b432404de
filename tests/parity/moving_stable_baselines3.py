"""Runs of Stable-Baselines3's optimizer that move; this script records their saved states."""

import moving
from alone import module_alone
from moving_torch import TorchRun
from trajectories import crossed

PACKAGES = ("stable-baselines3", "torch")
CASES = [
    *crossed(
        "rmsprop_tf_like",
        alpha=[0.9],
        eps=[1e-3],
        weight_decay=[None, 0.05],
        momentum=[None, 0.9],
        centered=[None, True],
    )
]
LOST = "/param_groups/0/lr"
RECORDED = CASES[-2:]
_MODULE = "stable_baselines3.common.sb2_compat.rmsprop_tf_like"


class Run(TorchRun):
    @staticmethod
    def make(case, params):
        return module_alone(_MODULE).RMSpropTFLike(params, lr=case.learning_rate, **case.arguments)


if __name__ == "__main__":
    moving.record("stable_baselines3", PACKAGES)
