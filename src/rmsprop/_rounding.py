r"""Stochastic rounding: to the nearer of two neighbours more often, and right on average.

A number `x` between two neighbours `a < b` of a narrow dtype becomes `b` with probability
`(x - a) / (b - a)`, so that the expected value is `x`: small increments are kept on average, where
rounding to nearest would drop them all (Gupta et al., 2015, "Deep learning with limited numerical
precision", https://arxiv.org/abs/1502.02551).

The noise is a hash of a counter (Salmon et al., 2011, "Parallel random numbers: as easy as 1, 2,
3", https://doi.org/10.1145/2063384.2063405): of the element's place in its array, of the leaf, the
step and what is stored.  It needs no state but the step count, is the same at each run and however
a jitted step is sharded, and is computed in the pass that stores.  Where a function is mapped, by
`vmap` or `shard_map`, the places are those within one of its calls: these share their noise.
"""

import zlib
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from rmsprop._typing import Tree

_ZERO = np.uint32(0)


class Noise(NamedTuple):
    """Where the random bits of one leaf come from.

    Attributes:
        seed: Of this step and of what is stored, uint32, shape ().
        leaf: Which leaf of the tree, uint32.
    """

    seed: jax.Array
    leaf: np.uint32

    def fold(self, number: int) -> "Noise":
        """Other bits for another array of the same leaf and step."""
        return self._replace(seed=self.seed ^ np.uint32(number * 0x9E3779B9 % 2**32))


def numbers_of_leaves(tree: Tree) -> list[np.uint32]:
    """A number for each leaf, None included, from its place: `['dense']['kernel']`.

    And not from its position, which other leaves change, as where `optax.partition` hides some.
    """
    paths, _ = jax.tree_util.tree_flatten_with_path(tree, is_leaf=lambda leaf: leaf is None)
    return [np.uint32(zlib.crc32(jax.tree_util.keystr(path).encode())) for path, _ in paths]


def seed_of_step(count: jax.Array, stream: int) -> jax.Array:
    """The seed of a step; `stream` tells apart what is stored in the same step."""
    counted = lax.convert_element_type(count, jnp.uint32)
    return _mixed(counted * np.uint32(0x9E3779B1) + np.uint32(stream * 0x85EBCA6B % 2**32))


def seed_of_key(key: jax.Array) -> jax.Array:
    """The seed that a key of JAX's generators stands for."""
    return jax.random.bits(key, (), jnp.uint32)


@jax.custom_jvp
def stochastic_round(x: jax.Array, noise: Noise, like: jax.Array) -> jax.Array:
    """Float32 numbers in the dtype of `like`, which is bfloat16 or float16.

    What is finite stays so, and what is not stays as it is. The derivative is one.
    """
    random = _random_bits(x.shape, noise)
    if like.dtype == jnp.bfloat16:
        # The upper half of the bits is the number: nothing is left to convert.
        carried = lax.convert_element_type(_carried(x, random, 16) >> np.uint32(16), jnp.uint16)
        return lax.bitcast_convert_type(carried, jnp.bfloat16)
    # Below 2^-14 the neighbours of float16 are 2^-24 apart.
    share = lax.convert_element_type(random >> np.uint32(8), jnp.float32) * np.float32(2.0**-24)
    small = lax.floor(x * np.float32(2.0**24) + share) * np.float32(2.0**-24)
    usual = lax.bitcast_convert_type(_carried(x, random, 13), jnp.float32)
    rounded = lax.select((lax.abs(x) < np.float32(2.0**-14)) & (x != 0), small, usual)
    largest = lax.full_like(x, float(jnp.finfo(jnp.float16).max))
    rounded = lax.select(lax.is_finite(x), lax.max(-largest, lax.min(rounded, largest)), x)
    return lax.convert_element_type(rounded, like.dtype)


@stochastic_round.defjvp
def _stochastic_round_jvp(primals: tuple, tangents: tuple) -> tuple[jax.Array, jax.Array]:
    rounded = stochastic_round(*primals)
    return rounded, lax.convert_element_type(tangents[0], rounded.dtype)


def _carried(x: jax.Array, random: jax.Array, dropped: int) -> jax.Array:
    """The bits of `x` plus noise in the lowest of them, which are cut off.

    The sum carries into the higher bits the more often the larger the low bits are, and across a
    power of two as well. From the last finite number on nothing is added; a NaN stays one also
    where its low bits alone say so.
    """
    bits = lax.bitcast_convert_type(x, jnp.uint32)
    mask = np.uint32(2**32 - 2**dropped)
    last = np.uint32(0x7F800000 - 2**dropped)
    ends = (bits & np.uint32(0x7FFFFFFF)) >= last
    as_it_is = lax.select(x != x, bits | np.uint32(0x00400000), bits)
    return lax.select(ends, as_it_is, bits + (random >> np.uint32(32 - dropped))) & mask


def _random_bits(shape: tuple[int, ...], noise: Noise) -> jax.Array:
    """32 bits for each element; the seed enters twice, so that no two leaves share a sequence."""
    place, stride = lax.full(shape, np.uint32(0)), 1
    for axis in reversed(range(len(shape))):
        index = lax.broadcasted_iota(jnp.uint32, shape, axis)
        place = place + index * np.uint32(stride % 2**32)
        stride *= shape[axis]
    first = _mixed(noise.seed ^ (jnp.asarray(noise.leaf) * np.uint32(0xC2B2AE35)))
    second = _mixed(first ^ np.uint32(0x27D4EB2F))
    return _mixed(place ^ lax.broadcast(first, shape), lax.broadcast(second, shape))


def _mixed(x: jax.Array, between: jax.Array | np.uint32 = _ZERO) -> jax.Array:
    """A bijection of 32 bits in which each bit of the result depends on each bit of `x`.

    Two rounds of multiplication and shift, with constants of low bias that a search has found:
    https://github.com/skeeto/hash-prospector.
    """
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x21F0AAAD) + between
    x = (x ^ (x >> np.uint32(15))) * np.uint32(0x735A2D97)
    return x ^ (x >> np.uint32(15))
