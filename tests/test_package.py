"""What `import rmsprop` brings, and the examples in the docstrings."""

import doctest
import importlib
import importlib.metadata
import subprocess
import sys

import pytest

import rmsprop

CORE = [
    "_hyperparameters",
    "_moments",
    "_optimizers",
    "_precision",
    "_rescaling",
    "_states",
    "_trees",
]


def test_import_brings_only_jax_optax_and_numpy():
    code = (
        "import sys, jax, jax.numpy, jax.experimental.xla_metadata, numpy, optax;"
        " before = set(sys.modules); import rmsprop;"
        "print(*sorted({m.split('.')[0] for m in set(sys.modules) - before}))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(out.stdout.split()) - sys.stdlib_module_names == {"rmsprop"}


def test_public_names():
    for name in rmsprop.__all__:
        assert getattr(rmsprop, name).__doc__
    assert rmsprop.__version__ == importlib.metadata.version("rmsprop")
    assert "study" in dir(rmsprop)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        rmsprop.nonsense  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("module", CORE)
def test_examples_in_docstrings(module):
    results = doctest.testmod(importlib.import_module(f"rmsprop.{module}"))
    assert results.failed == 0
    assert results.attempted > 0 or module not in ("_optimizers", "_rescaling")
