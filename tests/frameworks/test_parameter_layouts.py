"""Which leaf of Flax or Equinox is which parameter of PyTorch or Keras, and how it lies."""

import jax
import numpy as np
import pytest

from rmsprop import frameworks
from rmsprop.frameworks import torch


def test_layouts_of_flax_and_equinox():
    flax = {"params": {"conv": {"kernel": np.zeros((5, 4, 3, 2)), "bias": np.zeros(2)}}}
    order = ["0.weight", "0.bias"]
    layout = torch.flax_layout(flax, order, renamed={"params.conv": "0"})
    weight = np.arange(120.0).reshape(2, 3, 5, 4)
    params = layout.params([weight, np.ones(2)])
    kernel = params["params"]["conv"]["kernel"]
    for out in range(2):
        for channel in range(3):
            np.testing.assert_array_equal(kernel[:, :, channel, out], weight[out, channel])
    for one, two in zip(layout.arrays(params), [weight, np.ones(2)], strict=True):
        np.testing.assert_array_equal(one, two)
    equinox = {"weight": np.zeros((2, 3, 5, 4)), "bias": np.zeros((2, 1, 1))}
    layout = torch.equinox_layout(equinox, order, renamed={"": "0"})
    assert layout.params([weight, np.ones(2)])["bias"].shape == (2, 1, 1)
    assert [x.shape for x in layout.arrays(equinox)] == [(2, 3, 5, 4), (2,)]


def test_leaves_and_names_that_do_not_belong_together_are_listed():
    with pytest.raises(ValueError, match="do not belong together") as error:
        torch.flax_layout({"a": {"kernel": np.zeros((1, 1))}}, ["b.weight"])
    assert "['a']['kernel'], sought as a.weight" in str(error.value)
    assert "Names without a leaf: b.weight" in str(error.value)
    with pytest.raises(ValueError, match="sought as a/gamma"):
        frameworks.keras.flax_layout({"a": {"scale": np.zeros(1)}}, ["m/b/gamma"])


def test_equinox_reshapes_the_biases_of_convolutions_alone():
    """A norm over two axes keeps its shape, also where one of them has the length 1."""
    params = {
        "conv": {"weight": np.zeros((4, 3, 2)), "bias": np.zeros((4, 1))},
        "norm": {"weight": np.zeros((4, 1)), "bias": np.zeros((4, 1))},
        "wide": {"weight": np.zeros((4, 3)), "bias": np.zeros((4, 3))},
        "own": {"weight": np.zeros((4, 3, 2)), "bias": np.zeros((4, 3))},
    }
    order = [f"{name}.{kind}" for name in params for kind in ("weight", "bias")]
    layout = torch.equinox_layout(params, order)
    shapes = [(4, 3, 2), (4,), (4, 1), (4, 1), (4, 3), (4, 3), (4, 3, 2), (4, 3)]
    assert [x.shape for x in layout.arrays(params)] == shapes
    moved = layout.params([np.zeros(shape) for shape in shapes])
    assert jax.tree.map(np.shape, moved) == jax.tree.map(np.shape, params)
    with pytest.raises(ValueError, match="a layout knows parameters by number"):
        layout.to_ours("conv.bias", np.zeros(4))


def test_leaves_that_are_not_trained_have_no_place_in_a_layout():
    params = {"steps": np.zeros([], np.int32), "out": {"kernel": np.ones((3, 2))}}
    layout = torch.flax_layout(params, ["out.weight"])
    (array,) = layout.arrays(params)
    assert array.shape == (2, 3)
    assert array.flags.writeable
    assert layout.params([array])["steps"] is None
    with pytest.raises(ValueError, match="params has 2 trained leaves, and the layout 1"):
        layout.arrays({"a": np.zeros(1), "b": np.zeros(1)})
    with pytest.raises(ValueError, match=r"arrays\[0\] of shape \(3,\) is not the parameter"):
        layout.params([np.zeros(3)])
