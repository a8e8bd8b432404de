"""The optimizers as slow, obvious NumPy float64 loops, written from the formulas alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Trajectory:
    """What a loop went through: one entry a step."""

    params: list[np.ndarray] = field(default_factory=list)
    updates: list[np.ndarray] = field(default_factory=list)
    second_moment: list[np.ndarray] = field(default_factory=list)


def rmsprop(
    params: np.ndarray,
    gradients: Sequence[np.ndarray],
    learning_rate: Callable[[int], float],
    decay: Callable[[int], float],
    eps: float = 1e-8,
    *,
    initial_scale: float = 0.0,
    eps_in_sqrt: bool = True,
    centered: bool = False,
    momentum: float | None = None,
    nesterov: bool = False,
    bias_correction: bool = False,
    lr_in_momentum: bool = True,
) -> Trajectory:
    """RMSprop; `learning_rate` and `decay` are functions of the step, which counts from 0."""
    p = params.astype(np.result_type(params, np.float64))
    square_mean = np.full(p.shape, initial_scale)
    mean = np.zeros_like(p)
    buffer = np.zeros_like(p)
    out = Trajectory()
    for k, gradient in enumerate(gradients):
        g = gradient.astype(p.dtype)
        eta, rho = learning_rate(k), decay(k)
        square_mean = rho * square_mean + (1 - rho) * np.abs(g) ** 2
        mean = rho * mean + (1 - rho) * g
        v = square_mean - np.abs(mean) ** 2 if centered else square_mean
        if bias_correction:
            v = v / (1 - rho ** (k + 1))
        u = g / np.sqrt(v + eps) if eps_in_sqrt else g / (np.sqrt(v) + eps)
        if momentum is None:
            step = eta * u
        else:
            pushed = eta * u if lr_in_momentum else u
            buffer = momentum * buffer + pushed
            step = pushed + momentum * buffer if nesterov else buffer
            step = step if lr_in_momentum else eta * step
        p = p - step
        out.params.append(p)
        out.updates.append(-step)
        out.second_moment.append(v)
    return out


def adagrad(
    params: np.ndarray,
    gradients: Sequence[np.ndarray],
    learning_rate: Callable[[int], float],
    initial_accumulator_value: float = 0.1,
    eps: float = 1e-7,
    *,
    eps_in_sqrt: bool = True,
) -> Trajectory:
    """AdaGrad, as `rmsprop` above."""
    p = params.astype(np.result_type(params, np.float64))
    total = np.full(p.shape, initial_accumulator_value)
    out = Trajectory()
    for k, gradient in enumerate(gradients):
        g = gradient.astype(p.dtype)
        total = total + np.abs(g) ** 2
        u = g / np.sqrt(total + eps) if eps_in_sqrt else g / (np.sqrt(total) + eps)
        p = p - learning_rate(k) * u
        out.params.append(p)
        out.updates.append(-learning_rate(k) * u)
        out.second_moment.append(total)
    return out
