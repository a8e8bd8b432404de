"""The table of the contract: every public transformation and optimizer, in several settings.

A rule of the contract is a test over this table, and `test_table.py` fails where a public function
is missing from it: what is added to the package is held to every rule from its first day.
"""

import functools
import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import optax
import pytest

import rmsprop
from rmsprop import frameworks
from rmsprop.frameworks import paddle
from rmsprop.frameworks._calls import definitions


@dataclass(frozen=True, eq=False)
class Entry:
    """One function of the package in one setting.

    Attributes:
        path: Where it is, `rmsprop.scale_by_rms` or `rmsprop.frameworks.torch.rmsprop`.
        arguments: The setting, the learning rate included.
        static: Numbers among them that decide the formula, so that they may not be arrays.
        plain: Whether it is in the plain run of the tests also where a rule compiles a program of
            its own for each entry: one setting of each of our functions, and one in bfloat16. The
            other settings, and the ports, which are chains of the same transformations, take their
            turn in the longer run: `pytest -m slow`.
    """

    path: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    static: tuple[str, ...] = ()
    plain: bool = False

    @functools.cached_property
    def function(self) -> Callable[..., optax.GradientTransformation]:
        module, _, name = self.path.rpartition(".")
        return getattr(importlib.import_module(module), name)

    def make(self, **changes: Any) -> optax.GradientTransformationExtraArgs:
        return optax.with_extra_args_support(self.function(**{**self.arguments, **changes}))

    @property
    def numbers(self) -> dict[str, float]:
        """The hyper-parameters of the setting that are plain numbers, and may be traced."""
        return {
            name: float(value)
            for name, value in self.arguments.items()
            if isinstance(value, float) and name not in self.static
        }

    @property
    def is_narrow(self) -> bool:
        """Whether the state is in bfloat16, whose rounding depends on the number of the leaf."""
        return self.arguments.get("accumulator_dtype") == jnp.bfloat16

    @property
    def is_rescaling(self) -> bool:
        return self.path.startswith("rmsprop.scale_by_")

    @property
    def eps_in_sqrt(self) -> bool:
        """Whether epsilon stands under the root, for what has a convention or is one of ours."""
        if self in PORTS:
            convention = getattr(self.function(**self.arguments), "convention", None)
            return convention is not None and convention.eps_in_sqrt
        return self.arguments.get("eps_in_sqrt", True)

    @functools.cached_property
    def has_complex(self) -> bool:
        """Whether it trains complex leaves; a framework that has none is refused them."""
        convention = getattr(self.function(**self.arguments), "convention", None)
        return convention is None or convention.complex_leaves != "refused"

    @property
    def name(self) -> str:
        said = ",".join(
            f"{key}={getattr(value, '__name__', value)}" for key, value in self.arguments.items()
        )
        return f"{self.path.removeprefix('rmsprop.').removeprefix('frameworks.')}({said})"


def rising(count: jax.Array) -> jax.Array:
    """A learning rate that changes at each step."""
    return 0.01 * (1 + jnp.asarray(count).astype(jnp.float32))


def annealed(count: jax.Array) -> jax.Array:
    """The decay that makes an average of all steps."""
    return 1 - 1 / (2 + jnp.asarray(count).astype(jnp.float32))


RESCALINGS = [
    Entry("rmsprop.scale_by_rms"),
    Entry("rmsprop.scale_by_rms", {"decay": 0.99, "eps": 1e-6, "eps_in_sqrt": False}),
    Entry("rmsprop.scale_by_rms", {"decay": 0.95, "eps": 0.0, "initial_scale": 1.0}),
    Entry("rmsprop.scale_by_rms", {"decay": 0.9, "eps": 1e-8, "bias_correction": True}),
    Entry("rmsprop.scale_by_rms", {"decay": annealed}, plain=True),
    Entry("rmsprop.scale_by_stddev", {"decay": 0.95, "eps": 0.01}),
    Entry(
        "rmsprop.scale_by_stddev",
        {"decay": annealed, "eps": 1e-3, "eps_in_sqrt": False},
        plain=True,
    ),
    Entry(
        "rmsprop.scale_by_rms",
        {"decay": 0.9, "bias_correction": True, "accumulator_dtype": jnp.bfloat16},
    ),
    Entry("rmsprop.scale_by_rss"),
    Entry(
        "rmsprop.scale_by_stddev",
        {"decay": annealed, "eps": 0.01, "accumulator_dtype": jnp.bfloat16},
    ),
    Entry(
        "rmsprop.scale_by_rss",
        {"initial_accumulator_value": 0.0, "eps": 1e-7, "eps_in_sqrt": False},
        plain=True,
    ),
]

OPTIMIZERS = [
    Entry("rmsprop.rmsprop", {"learning_rate": 0.1}),
    Entry(
        "rmsprop.rmsprop",
        {"learning_rate": 0.1, "decay": 0.95, "momentum": 0.9, "nesterov": True},
    ),
    Entry(
        "rmsprop.rmsprop",
        {
            "learning_rate": rising,
            "eps": 1e-5,
            "eps_in_sqrt": False,
            "momentum": 0.9,
            "lr_in_momentum": False,
            "initial_scale": 1.0,
        },
    ),
    Entry(
        "rmsprop.rmsprop",
        {"learning_rate": 0.05, "eps": 0.01, "centered": True, "momentum": 0.5},
    ),
    Entry("rmsprop.rmsprop", {"learning_rate": 0.1, "bias_correction": True}),
    Entry(
        "rmsprop.rmsprop",
        {"learning_rate": rising, "decay": annealed, "accumulator_dtype": jnp.float32},
        plain=True,
    ),
    Entry(
        "rmsprop.rmsprop",
        {
            "learning_rate": 0.1,
            "eps": 0.01,
            "centered": True,
            "momentum": 0.9,
            "nesterov": True,
            "accumulator_dtype": jnp.bfloat16,
        },
        plain=True,
    ),
    Entry("rmsprop.adagrad", {"learning_rate": 0.5, "accumulator_dtype": jnp.bfloat16}),
    Entry("rmsprop.adagrad", {"learning_rate": 0.5}),
    Entry(
        "rmsprop.adagrad",
        {
            "learning_rate": rising,
            "initial_accumulator_value": 0.0,
            "eps": 1e-8,
            "eps_in_sqrt": False,
        },
        plain=True,
    ),
]

_PORTS: dict[str, list[dict[str, Any]]] = {
    "chainer.rmsprop": [{"lr": 0.01}, {"lr": 0.01, "alpha": 0.9, "eps_inside_sqrt": True}],
    "chainer.rmsprop_graves": [{"lr": 0.01, "alpha": 0.9, "momentum": 0.5}],
    "chainer.adagrad": [{"lr": 0.01}],
    "flux.rmsprop": [{"eta": 0.01}, {"eta": 0.01, "rho": 0.95, "centred": True}],
    "flux.adagrad": [{"eta": 0.01}],
    "jax_examples.rmsprop": [{"step_size": 0.01}],
    "jax_examples.rmsprop_momentum": [{"step_size": rising, "momentum": 0.8}],
    "jax_examples.adagrad": [{"step_size": 0.01, "momentum": 0.9}],
    "keras.rmsprop": [
        {"learning_rate": 0.01},
        {
            "learning_rate": rising,
            "rho": 0.95,
            "momentum": 0.9,
            "centered": True,
            "weight_decay": 0.01,
            "clipnorm": 1.0,
            "use_ema": True,
            "ema_momentum": 0.9,
            "ema_overwrite_frequency": 2,
            "loss_scale_factor": 2.0,
        },
    ],
    "keras.adagrad": [{"learning_rate": 0.01, "clipvalue": 0.5, "gradient_accumulation_steps": 2}],
    "keras.legacy_rmsprop": [
        {"learning_rate": 0.01},
        {"learning_rate": 0.01, "momentum": 0.9, "decay": 0.1},
    ],
    "keras.legacy_adagrad": [{"learning_rate": 0.01}],
    "mlx.rmsprop": [{"learning_rate": 0.01}],
    "mlx.adagrad": [{"learning_rate": 0.01}],
    "mxnet.rmsprop": [
        {"learning_rate": 0.01},
        {
            "learning_rate": 0.01,
            "gamma2": 0.8,
            "epsilon": 1e-4,
            "centered": True,
            "clip_weights": 2.0,
            "rescale_grad": 0.5,
            "wd": 0.01,
            "clip_gradient": 1.0,
        },
    ],
    "mxnet.adagrad": [{"learning_rate": 0.01, "wd": 0.01}],
    "optax.rmsprop": [
        {"learning_rate": 0.01},
        {"learning_rate": 0.01, "momentum": 0.9, "nesterov": True, "bias_correction": True},
    ],
    "optax.adagrad": [{"learning_rate": 0.01}],
    "paddle.rmsprop": [
        {"learning_rate": 0.01},
        {
            "learning_rate": rising,
            "momentum": 0.9,
            "centered": True,
            "weight_decay": paddle.L1Decay(0.01),
            "grad_clip": paddle.ClipGradByNorm(1.0),
        },
    ],
    "paddle.adagrad": [{"learning_rate": 0.01}],
    "papers.hinton_2012": [{"learning_rate": 0.01}],
    "papers.graves_2013": [{"learning_rate": 0.01}],
    "papers.dqn_2015": [{"learning_rate": 0.01}],
    "papers.a3c_2016": [{"learning_rate": 0.01}],
    "papers.duchi_2011": [{"learning_rate": 0.01}],
    "papers.rmsprop_variant": [{"learning_rate": 0.01, "gamma": 0.8}],
    "papers.sc_rmsprop": [{"learning_rate": 0.01}],
    "papers.sc_adagrad": [{"learning_rate": 0.01}],
    "papers.glove_2014": [{"learning_rate": 0.05}],
    "stable_baselines3.rmsprop_tf_like": [
        {"lr": 0.01},
        {"lr": rising, "momentum": 0.9, "centered": True, "weight_decay": 0.01},
    ],
    "tensorflow.rmsprop": [
        {"learning_rate": 0.01},
        {"learning_rate": rising, "momentum": 0.9, "epsilon": 1e-3, "centered": True},
    ],
    "tensorflow.adagrad": [{"learning_rate": 0.01}],
    "timm.rmsprop_tf": [
        {"lr": 0.01},
        {
            "lr": 0.01,
            "momentum": 0.9,
            "weight_decay": 0.01,
            "decoupled_decay": True,
            "corrected_weight_decay": True,
            "caution": True,
            "lr_in_momentum": False,
            "max_lr": 0.05,
        },
    ],
    "torch.rmsprop": [
        {"lr": 0.01},
        {
            "lr": rising,
            "alpha": 0.9,
            "momentum": 0.9,
            "weight_decay": 0.01,
            "centered": True,
            "eps": 1e-4,
            "maximize": True,
        },
    ],
    "torch.adagrad": [{"lr": 0.01, "lr_decay": 0.1, "weight_decay": 0.01}],
}

# The formula of the legacy Keras RMSprop depends on whether there is momentum.
_STATIC = {"keras.legacy_rmsprop": ("momentum",)}

PORTS = [
    Entry(f"rmsprop.frameworks.{name}", arguments, _STATIC.get(name, ()))
    for name, settings in _PORTS.items()
    for arguments in settings
]
TABLE = [*RESCALINGS, *OPTIMIZERS, *PORTS]


# The last link of a chain changes parameters in half precision alone, and the dtype of its update:
# `test_round_stochastically.py` has its rules.
NO_OPTIMIZER = ("apply_updates", "convert_state", "round_stochastically")


def public_functions() -> Iterator[str]:
    """The paths of everything public that makes an optimizer, or what rescales gradients."""
    for name in rmsprop.__all__:
        if inspect.isfunction(getattr(rmsprop, name)) and name not in NO_OPTIMIZER:
            yield f"rmsprop.{name}"
    for framework in frameworks.MODULES:
        module = importlib.import_module(f"rmsprop.frameworks.{framework}")
        for name in definitions(module, inspect.isfunction):
            yield f"{module.__name__}.{name}"


# Ports whose state is not that of the chain alone; the others' is that of our own transformations.
WITH_A_STATE_OF_THEIR_OWN = ("keras.rmsprop", "keras.adagrad", "timm.rmsprop_tf")


def over(
    entries: list[Entry], *, compiled: bool = False, and_plain: tuple[str, ...] = ()
) -> pytest.MarkDecorator:
    """A rule: the test holds for each of these entries; of a compiled one most are slow.

    Args:
        entries: The entries.
        compiled: Whether the rule compiles a program of its own for each entry.
        and_plain: Ports that are in the plain run of the tests nevertheless.
    """
    paths = {f"rmsprop.frameworks.{name}" for name in and_plain}

    def marks(entry: Entry) -> Any:
        return pytest.mark.slow if compiled and not entry.plain and entry.path not in paths else ()

    return pytest.mark.parametrize(
        "entry", [pytest.param(entry, id=entry.name, marks=marks(entry)) for entry in entries]
    )


every_entry = over(TABLE)
every_entry_compiled = over(TABLE, compiled=True)
every_state_compiled = over(TABLE, compiled=True, and_plain=WITH_A_STATE_OF_THEIR_OWN)
