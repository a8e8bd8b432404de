"""The loop over steps that PyTorch, timm and Stable-Baselines3 share."""

import numpy as np
from trajectories import gradients, joined, start


def trajectory(case, make):
    """The parameters after each step; `make(parameters)` gives the optimizer."""
    import torch

    params = {n: torch.tensor(value, requires_grad=True) for n, value in start(case.dtype).items()}
    optimizer = make(params.values())
    after = []
    for gradient, rate in zip(gradients(case.dtype), case.rates(), strict=True):
        for group in optimizer.param_groups:
            group["lr"] = rate
        for name, value in gradient.items():
            params[name].grad = torch.tensor(value)
        optimizer.step()
        after.append(joined({name: p.detach().numpy() for name, p in params.items()}))
    return np.stack(after)
