"""Stochastic rounding: to the nearer of two neighbours more often, so that it is right on average.

A number `x` between two neighbours `a < b` of a narrow dtype becomes `b` with probability
`(x - a) / (b - a)`, so that the expected value is `x`: small increments are kept on average, where
rounding to nearest would drop them all (Gupta et al., 2015, "Deep learning with limited numerical
precision", https://arxiv.org/abs/1502.02551).

The noise is a hash of a counter (Salmon et al., 2011, "Parallel random numbers: as easy as 1, 2,
3", https://doi.org/10.1145/2063384.2063405).  The counter consists of the element's place in its
array, the path of the leaf, the step and the kind of accumulator.  The noise needs no state but the
step count, is the same in every run and for every sharding of a jitted step, and is computed in the
pass that stores.  Where a function is mapped by `vmap` or `shard_map`, a place is that within one
call, so that all calls share their noise.
"""

import zlib
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from rmsprop._ordering import in_order
from rmsprop._typing import Tree


class Noise(NamedTuple):
    """The source of the random bits of one leaf.

    Attributes:
        seed: The seed of this leaf, of this step and of the kind of accumulator, uint32, shape ().
    """

    seed: jax.Array

    def fold(self, number: int) -> "Noise":
        """The noise of another array of the same leaf and step."""
        return Noise(self.seed ^ np.uint32(number * 0x9E3779B9 % 2**32))


def noise_of_leaves(tree: Tree, seed: jax.Array) -> list[Noise]:
    """The noise of each leaf, None included, of a step with this seed.

    It depends on the path of the leaf, `['dense']['kernel']`, and not on its position, which other
    leaves change, for example where `optax.partition` hides some of them.
    """
    paths, _ = jax.tree_util.tree_flatten_with_path(tree, is_leaf=lambda leaf: leaf is None)
    numbers = [zlib.crc32(jax.tree_util.keystr(path).encode()) for path, _ in paths]
    return [Noise(leaf) for leaf in _seeds_of_leaves(seed, np.asarray(numbers, np.uint32))]


@jax.jit
def _seeds_of_leaves(seed: jax.Array, numbers: jax.Array) -> tuple[jax.Array, ...]:
    """A seed for each number, as arrays of shape ().

    XLA compiles equal loops once.  The loops of leaves of one shape are equal if their seeds are
    arrays in memory; a number or a place in a vector, known when XLA compiles, would be a part of
    the loop.  The vector of all seeds is therefore cut into four parts, these into four parts and
    so on: the parts of one length have equal loops, so that there are few, where one slice for each
    seed would be a loop of its own.
    """
    width = len(numbers)
    length = 4 ** max(0, (width - 1).bit_length() + 1 >> 1)
    padded = jnp.pad(numbers, (0, length - width))
    parts = in_order(_mix(seed ^ (padded * np.uint32(0xC2B2AE35))))
    while length > 1:
        length //= 4
        used = -(-width // length)
        cuts = [part[k * length : (k + 1) * length] for part in parts for k in range(4)]
        parts = in_order(*cuts[:used])
    return tuple(part.reshape(()) for part in parts)


def seed_of_step(count: jax.Array, stream: int) -> jax.Array:
    """The seed of a step; `stream` tells the accumulators of the same step apart."""
    steps = lax.convert_element_type(count, jnp.uint32)
    return _mix(steps * np.uint32(0x9E3779B1) + np.uint32(stream * 0x85EBCA6B % 2**32))


def seed_of_key(key: jax.Array) -> jax.Array:
    """The seed that is drawn with a key of JAX's random generators."""
    return jax.random.bits(key, (), jnp.uint32)


@jax.custom_jvp
def stochastic_round(x: jax.Array, noise: Noise, like: jax.Array) -> jax.Array:
    """Float32 numbers, rounded to the dtype of `like`, which is bfloat16 or float16.

    Finite numbers stay finite, and other numbers stay as they are. The derivative is one.
    """
    random = _random_bits(x.shape, noise)
    if like.dtype == jnp.bfloat16:
        # The upper half of the bits is the bfloat16 number, which needs no conversion.
        bits = lax.convert_element_type(_noisy_bits(x, random, 16) >> np.uint32(16), jnp.uint16)
        return lax.bitcast_convert_type(bits, jnp.bfloat16)
    # Below 2^-14 the neighbours of float16 are 2^-24 apart. A share of 14 bits is added to at most
    # 2^10 of such units without rounding, which would carry a representable number to the next one.
    share = lax.convert_element_type(random >> np.uint32(18), jnp.float32) * np.float32(2.0**-14)
    subnormal = lax.floor(x * np.float32(2.0**24) + share) * np.float32(2.0**-24)
    bits = _noisy_bits(x, random, 13) & np.uint32(2**32 - 2**13)
    normal = lax.bitcast_convert_type(bits, jnp.float32)
    rounded = lax.select((lax.abs(x) < np.float32(2.0**-14)) & (x != 0), subnormal, normal)
    largest = lax.full_like(x, float(jnp.finfo(jnp.float16).max))
    rounded = lax.select(lax.is_finite(x), lax.max(-largest, lax.min(rounded, largest)), x)
    return lax.convert_element_type(rounded, like.dtype)


@stochastic_round.defjvp
def _stochastic_round_jvp(primals: tuple, tangents: tuple) -> tuple[jax.Array, jax.Array]:
    rounded = stochastic_round(*primals)
    return rounded, lax.convert_element_type(tangents[0], rounded.dtype)


def _noisy_bits(x: jax.Array, random: jax.Array, width: int) -> jax.Array:
    """The bits of `x` plus noise in the lowest `width` of them, which are to be cut off.

    The larger the low bits are, the more often the sum carries into the higher bits, also across a
    power of two. Nothing is added to the last finite number and to those beyond it. A NaN stays a
    NaN also where only its low bits distinguish it from infinity.
    """
    bits = lax.bitcast_convert_type(x, jnp.uint32)
    last = np.uint32(0x7F800000 - 2**width)
    at_end = (bits & np.uint32(0x7FFFFFFF)) >= last
    unchanged = lax.select(x != x, bits | np.uint32(0x00400000), bits)
    return lax.select(at_end, unchanged, bits + (random >> np.uint32(32 - width)))


def _random_bits(shape: tuple[int, ...], noise: Noise) -> jax.Array:
    """Random bits for each element; the seed enters twice, so that no two leaves share them.

    The place of an element is multiplied by an odd number first, 2^32 over the golden ratio, as in
    a Weyl sequence. Without it the bits of places that are 4096 apart, or 12288, are correlated.
    """
    place, stride = lax.broadcast(noise.seed, shape), 0x9E3779B9
    for axis in reversed(range(len(shape))):
        index = lax.broadcasted_iota(jnp.uint32, shape, axis)
        place = place + index * np.uint32(stride % 2**32)
        stride *= shape[axis]
    second = _mix(noise.seed ^ np.uint32(0x27D4EB2F))
    return _mix(place, lax.broadcast(second, shape))


def _mix(x: jax.Array, between: jax.Array | None = None) -> jax.Array:
    """A bijection of 32 bits in which each bit of the result depends on each bit of `x`.

    It consists of two rounds of multiplication and shift, with constants of low bias from a search:
    https://github.com/skeeto/hash-prospector.
    """
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x21F0AAAD)
    if between is not None:
        x = x + between
    x = (x ^ (x >> np.uint32(15))) * np.uint32(0x735A2D97)
    return x ^ (x >> np.uint32(15))
