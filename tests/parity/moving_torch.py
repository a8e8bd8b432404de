"""Runs of PyTorch that move: `python tests/parity/moving_torch.py` records their saved states."""

import moving
import numpy as np
from trajectories import Case, crossed

PACKAGES = ("torch",)
CASES = [
    *crossed(
        "rmsprop",
        alpha=[0.9],
        eps=[1e-3],
        weight_decay=[None, 0.05],
        momentum=[None, 0.9],
        centered=[None, True],
    ),
    *crossed(
        "adagrad",
        eps=[1e-3],
        lr_decay=[None, 0.1],
        weight_decay=[None, 0.05],
        initial_accumulator_value=[0.1],
    ),
    *(
        Case(function, arguments, dtype=dtype, changing=False)
        for function, arguments in (
            ("rmsprop", {"eps": 1e-3, "momentum": 0.9, "maximize": True}),
            ("adagrad", {"eps": 1e-3, "lr_decay": 0.1}),
        )
        for dtype in ("float64", "float32")
    ),
    *(
        Case("rmsprop", {"eps": 1e-3, "momentum": 0.9, "centered": True}, dtype=dtype)
        for dtype in ("complex128", "complex64")
    ),
    Case("adagrad", {"eps": 1e-3, "initial_accumulator_value": 0.1}, dtype="complex128"),
]

# The rate of the last step, in the place of which stands that of the coming one.
LOST = "/param_groups/0/lr"
# Every option that carries state, in the plain run.
RECORDED = [
    *(
        Case(
            "rmsprop",
            {"alpha": 0.9, "eps": 1e-3, "weight_decay": 0.05, "momentum": 0.9, "centered": True},
            dtype=dtype,
        )
        for dtype in ("float64", "float32")
    ),
    *(
        Case(
            "adagrad",
            {
                "eps": 1e-3,
                "lr_decay": 0.1,
                "weight_decay": 0.05,
                "initial_accumulator_value": 0.1,
            },
            dtype=dtype,
        )
        for dtype in ("float64", "float32")
    ),
    Case("rmsprop", {"eps": 1e-3, "momentum": 0.9, "maximize": True}, changing=False),
    Case("rmsprop", {"eps": 1e-3, "momentum": 0.9, "centered": True}, dtype="complex64"),
]


def numpied(node):
    """A saved state with arrays in the place of tensors."""
    if isinstance(node, dict):
        return {key: numpied(value) for key, value in node.items()}
    if isinstance(node, list):
        return [numpied(value) for value in node]
    return node.detach().numpy().copy() if hasattr(node, "detach") else node


def tensored(node):
    """A saved state with tensors in the place of arrays."""
    import torch

    if isinstance(node, dict):
        return {key: tensored(value) for key, value in node.items()}
    if isinstance(node, list):
        return [tensored(value) for value in node]
    return torch.tensor(node) if isinstance(node, np.ndarray) else node


class TorchRun:
    """A run in PyTorch of an optimizer that a subclass makes."""

    def __init__(self, case, params):
        import torch

        self._params = {name: torch.tensor(x, requires_grad=True) for name, x in params.items()}
        self._optimizer = self.make(case, [*self._params.values()])

    def step(self, gradient, rate):
        import torch

        for group in self._optimizer.param_groups:
            group["lr"] = rate
        for name, g in gradient.items():
            self._params[name].grad = torch.tensor(g)
        self._optimizer.step()

    def params(self):
        return {name: p.detach().numpy().copy() for name, p in self._params.items()}

    def saved(self):
        return numpied(self._optimizer.state_dict())

    def load(self, saved):
        self._optimizer.load_state_dict(tensored(saved))


class Run(TorchRun):
    @staticmethod
    def make(case, params):
        import torch

        kind = {"rmsprop": torch.optim.RMSprop, "adagrad": torch.optim.Adagrad}[case.function]
        return kind(params, lr=case.learning_rate, **case.arguments)


if __name__ == "__main__":
    moving.record("torch", PACKAGES)
