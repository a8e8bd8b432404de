"""RMSprop and AdaGrad for JAX: pure gradient transformations that chain with Optax.

    v  <-  a * v + b * |g|^2          RMSprop: a = decay, b = 1 - decay      AdaGrad: a = b = 1
    u   =  g / sqrt(v + eps)    or    g / (sqrt(v) + eps)

Importing the package brings jax, optax and numpy only; `rmsprop.rows`, for embedding tables, and
`rmsprop.study`, the comparison, are imported when they are first used.
"""

import importlib
from typing import Any

from rmsprop._apply import apply_updates
from rmsprop._chain import TraceWithCountState
from rmsprop._optimizers import adagrad, rmsprop
from rmsprop._rescaling import (
    ScaleByRmsWithCountState,
    ScaleByRssWithCountState,
    ScaleByStddevState,
    ScaleByStddevWithCountState,
    scale_by_rms,
    scale_by_rss,
    scale_by_stddev,
)

__all__ = [
    "ScaleByRmsWithCountState",
    "ScaleByRssWithCountState",
    "ScaleByStddevState",
    "ScaleByStddevWithCountState",
    "TraceWithCountState",
    "adagrad",
    "apply_updates",
    "rmsprop",
    "scale_by_rms",
    "scale_by_rss",
    "scale_by_stddev",
]

_SUBMODULES = ("frameworks", "rows", "study")


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return importlib.import_module(f"rmsprop.{name}")
    if name == "__version__":  # reading it imports a good deal, which few want
        return importlib.import_module("importlib.metadata").version("rmsprop")
    raise AttributeError(f"module 'rmsprop' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_SUBMODULES, "__version__"])
