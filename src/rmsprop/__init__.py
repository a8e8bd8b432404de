"""RMSprop and AdaGrad for JAX: pure gradient transformations that chain with Optax.

    v  <-  a * v + b * |g|^2          RMSprop: a = decay, b = 1 - decay      AdaGrad: a = b = 1
    u   =  g / sqrt(v + eps)    or    g / (sqrt(v) + eps)

Importing the package imports jax, optax and numpy only.  `rmsprop.frameworks`, `rmsprop.rows` for
embedding tables, `rmsprop.sharding` for several devices, `rmsprop.telemetry`, the view into a run,
and `rmsprop.study`, the comparison, are imported when they are first used.
"""

import importlib
from typing import TYPE_CHECKING

from rmsprop._apply import RoundStochasticallyState, apply_updates, round_stochastically
from rmsprop._chain import TraceWithCountState
from rmsprop._conversion import convert_state
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
    "RoundStochasticallyState",
    "ScaleByRmsWithCountState",
    "ScaleByRssWithCountState",
    "ScaleByStddevState",
    "ScaleByStddevWithCountState",
    "TraceWithCountState",
    "adagrad",
    "apply_updates",
    "convert_state",
    "rmsprop",
    "round_stochastically",
    "scale_by_rms",
    "scale_by_rss",
    "scale_by_stddev",
]

_SUBMODULES = ("frameworks", "rows", "sharding", "study", "telemetry")

if TYPE_CHECKING:
    from rmsprop import frameworks as frameworks
    from rmsprop import rows as rows
    from rmsprop import sharding as sharding
    from rmsprop import study as study
    from rmsprop import telemetry as telemetry

    __version__: str
else:  # hidden from type checkers, which would accept any attribute of this module

    def __getattr__(name: str) -> object:
        if name in _SUBMODULES:
            return importlib.import_module(f"rmsprop.{name}")
        if name == "__version__":  # few need it, and its import is slow
            return importlib.import_module("importlib.metadata").version("rmsprop")
        raise AttributeError(f"module 'rmsprop' has no attribute {name!r}")


def __dir__() -> list[str]:
    dunders = [name for name in globals() if name.startswith("__")]
    return sorted({*__all__, *_SUBMODULES, *dunders, "__version__"})
