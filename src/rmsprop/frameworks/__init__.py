"""Every framework's RMSprop and AdaGrad, under its own argument names and with its own numbers.

    import rmsprop
    optimizer = rmsprop.frameworks.torch.rmsprop(lr=1e-2, alpha=0.99, momentum=0.9)

A module is imported when it is first used, and none imports its framework.  `import_state` and
`export_state` of a module move a run: what its framework has saved becomes a state of the port, and
back (`docs/move.md` in the repository).  `optax.partition` takes
the place of parameter groups.  `docs/recipes.md` in the repository has published recipes.

The functions translate their arguments to a `Convention`.  The lines of this table are some of its
fields:

    starting value   0: most;  1: TensorFlow 1, timm, SB3;  0.1: AdaGrad of TensorFlow, Keras, Optax
    epsilon          under the root: TensorFlow 1, Keras 3, timm, SB3, Optax, Paddle's RMSprop
                     added to the root: PyTorch, MLX, Chainer, Flux, Paddle's AdaGrad
    rate             before momentum: TensorFlow 1, Keras, timm, Optax, Paddle;  after: PyTorch, SB3
    weight decay     coupled: PyTorch, timm, SB3, Paddle, MXNet's RMSprop
                     decoupled: Keras 3, MXNet's AdaGrad, timm on request
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

# The module is not imported, because `optax` is a module of this package here.
from optax import GradientTransformation, GradientTransformationExtraArgs

from rmsprop._typing import Tree
from rmsprop.frameworks._calls import Call, read_call
from rmsprop.frameworks._comparison import compare
from rmsprop.frameworks._convention import Convention, FrameworkOptimizer, build
from rmsprop.frameworks._drift import Difference, Drift, Remedy

if TYPE_CHECKING:
    from rmsprop.frameworks import chainer as chainer
    from rmsprop.frameworks import flux as flux
    from rmsprop.frameworks import jax_examples as jax_examples
    from rmsprop.frameworks import keras as keras
    from rmsprop.frameworks import mlx as mlx
    from rmsprop.frameworks import mxnet as mxnet
    from rmsprop.frameworks import optax as optax
    from rmsprop.frameworks import paddle as paddle
    from rmsprop.frameworks import papers as papers
    from rmsprop.frameworks import stable_baselines3 as stable_baselines3
    from rmsprop.frameworks import tensorflow as tensorflow
    from rmsprop.frameworks import timm as timm
    from rmsprop.frameworks import torch as torch

__all__ = [
    "MODULES",
    "Convention",
    "Difference",
    "Drift",
    "FrameworkOptimizer",
    "Remedy",
    "build",
    "compare_conventions",
    "optimizer",
]

MODULES = (
    "chainer",
    "flux",
    "jax_examples",
    "keras",
    "mlx",
    "mxnet",
    "optax",
    "paddle",
    "papers",
    "stable_baselines3",
    "tensorflow",
    "timm",
    "torch",
)


def optimizer(call: str) -> GradientTransformationExtraArgs:
    """The optimizer that a call written as text stands for.

    Args:
        call: `module.function(arguments)` with the names of this package, or the framework's own
            call, such as `torch.optim.RMSprop(model.parameters(), lr=1e-2)`: parameters are passed
            over, and imports may stand before it. `rmsprop.rmsprop` and `rmsprop.adagrad` are
            read too, without an `accumulator_dtype`. Arguments are numbers, arithmetic of numbers,
            True, False, None, and calls of Optax's schedules. Nothing else is evaluated.

    Returns:
        The optimizer. It is a `FrameworkOptimizer`, with the attribute `convention`, except for
        four functions of `papers`, whose second moment no convention describes.

    Raises:
        ValueError: The text is not such a call, several optimizers have the name and take the
            arguments, or a value is out of its range.
        TypeError: The optimizer does not take the arguments.

    Example:
        >>> import rmsprop
        >>> sgd_like = rmsprop.frameworks.optimizer("torch.rmsprop(lr=1e-2, eps=0.01/32**2)")
        >>> sgd_like.convention.eps
        9.765625e-06
    """
    return read_call(call, MODULES).optimizer


def compare_conventions(
    first: str | GradientTransformation,
    second: str | GradientTransformation,
    *,
    gradients: Tree = None,
    scale: float = 1.0,
    parameters: Tree = None,
    steps: Sequence[int] = (10, 100, 1000),
    seed: int = 0,
) -> Drift:
    """Measures how far two calls drift apart, and which convention is responsible.

    This function answers why a port does not train as the original does: `first` is the optimizer
    of the original, `second` that of the port. Distances are root mean squares over the parameters
    after a number of steps, divided by the distance that `first` has moved by then. For every value
    in which the two conventions differ, the result says how far apart that value alone brings them
    (`alone`), and how far apart they remain if it alone is corrected (`rest`).

    Args:
        first: A call as text, as in `optimizer`, such as `"tensorflow.rmsprop(1e-2)"`, an optimizer
            of this package, or any gradient transformation, which is compared without attribution
            to conventions.
        second: The call or optimizer to compare it with, in one of the same forms.
        gradients: An array, or a tree of arrays, whose first axis counts the steps. None draws
            independent Gaussian gradients for 1,000 parameters.
        scale: The standard deviation of the random gradients, above 0. The effect of an epsilon or
            a starting value depends on it: give that of your own gradients.
        parameters: The parameters from which both start, a tree with the shapes of one gradient.
            They matter with weight decay. None stands for zeros, or for a standard normal sample
            where a step depends on the parameters.
        steps: The numbers of steps after which to compare, at least 1, in rising order.
        seed: The seed of the random gradients and parameters, an integer of at least 0.

    Returns:
        A `Drift`, which prints as a table. Where the second is a call as text, its `remedy` says
        what to set in it, and what no argument corrects.

    Raises:
        ValueError: A call cannot be read, or steps, a seed or gradients do not fit.
        TypeError: An optimizer does not take its arguments.

    Example:
        >>> import rmsprop
        >>> drift = rmsprop.frameworks.compare_conventions(
        ...     "tensorflow.rmsprop(0.01, epsilon=1e-3)",
        ...     "torch.rmsprop(lr=0.01, alpha=0.9, eps=1e-3)",
        ...     scale=1e-3,
        ...     steps=(10,),
        ... )
        >>> [difference.axis for difference in drift.differences]
        ['initial', 'eps_in_sqrt']
        >>> drift = rmsprop.frameworks.compare_conventions(
        ...     "torch.optim.RMSprop(params, lr=1e-3)", "keras.optimizers.RMSprop(1e-3)", steps=(1,)
        ... )
        >>> drift.remedy.settings
        (('rho', 0.99), ('epsilon', 1e-16))
    """
    (first_call, one), (second_call, two) = _side(first), _side(second)
    return compare(
        one,
        two,
        gradients=gradients,
        scale=scale,
        parameters=parameters,
        steps=steps,
        seed=seed,
        calls=(first_call, second_call),
    )


def _side(
    call: str | GradientTransformation,
) -> tuple[Call | None, tuple[str, GradientTransformation]]:
    """A call as text, or None for an optimizer; and the name and the optimizer."""
    if isinstance(call, str):
        text = read_call(call, MODULES)
        return text, (text.name, text.optimizer)
    if isinstance(call, FrameworkOptimizer):
        return None, (call.convention.name, call)
    return None, ("your optimizer", call)


if not TYPE_CHECKING:  # type checkers would accept any attribute of this module

    def __getattr__(name: str) -> object:
        if name in MODULES:
            return importlib.import_module(f"rmsprop.frameworks.{name}")
        raise AttributeError(
            f"module 'rmsprop.frameworks' has no attribute {name!r}; it has {', '.join(MODULES)}"
        )


def __dir__() -> list[str]:
    dunders = [name for name in globals() if name.startswith("__")]
    return sorted({*__all__, *MODULES, *dunders})
