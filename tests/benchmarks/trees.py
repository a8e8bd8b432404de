"""Parameter trees to update, and programs that update them.

A tree is made in one of three sizes: "full" as published; "usual" with GPT-2 a quarter as wide,
which a laptop holds several times; "small" with an eighth of every width and at most the first
twelve leaves, for a quick look.
"""

import functools
import math

import jax
import jax.numpy as jnp
import optax


def one_leaf(size):
    return [(8_000_000 // (64 if size == "small" else 1),)]


def large_leaf(size):
    """What an accelerator takes longer to read than the host to hand it over."""
    return [(64_000_000 // (64 if size == "small" else 1),)]


def resnet50(size):
    """The 161 arrays of ResNet-50 (He et al., 2016): 53 convolutions with their norms, a head."""
    by = 8 if size == "small" else 1
    shapes = [(7, 7, 3, 64 // by), (64 // by,), (64 // by,)]
    channels = 64 // by
    for width, blocks in ((64 // by, 3), (128 // by, 4), (256 // by, 6), (512 // by, 3)):
        for block in range(blocks):
            inner = [(1, 1, channels, width), (3, 3, width, width), (1, 1, width, 4 * width)]
            if block == 0:
                inner.append((1, 1, channels, 4 * width))
            for shape in inner:
                shapes += [shape, (shape[-1],), (shape[-1],)]
            channels = 4 * width
    return [*shapes, (channels, 1000 // by), (1000 // by,)]


def gpt2_medium(size):
    """The 292 arrays of GPT-2 medium (Radford et al., 2019): two embeddings, 24 blocks, a norm."""
    by = {"small": 8, "usual": 4, "full": 1}[size]
    width = 1024 // by
    norm = [(width,), (width,)]
    attention = [(width, 3 * width), (3 * width,), (width, width), (width,)]
    network = [(width, 4 * width), (4 * width,), (4 * width, width), (width,)]
    block = norm + attention + norm + network
    return [(50_257 // by, width), (1024 // by, width), *(24 * block), *norm]


def thousand_leaves(size):
    side = 8 if size == "small" else 64
    return [(side, side)] * 1000


_SHAPES = {
    "1 leaf": one_leaf,
    "161 leaves": resnet50,
    "292 leaves": gpt2_medium,
    "1000 leaves": thousand_leaves,
}
TREES = tuple(_SHAPES)
_SHAPES["1 large leaf"] = large_leaf  # of accelerators alone


def shapes(tree, size):
    found = _SHAPES[tree](size)
    assert len(found) == int(tree.split()[0])
    return found[:12] if size == "small" else found


def make(tree, size, dtype=jnp.float32):
    """Ones; each leaf is an array of its own."""
    return {f"leaf{i:04}": jnp.ones(s, dtype) for i, s in enumerate(shapes(tree, size))}


def parameters(tree, size):
    """Their number."""
    return sum(math.prod(shape) for shape in shapes(tree, size))


def title(tree, size):
    first = "12 of " if size == "small" and not tree.startswith("1 ") else ""
    return f"{first}{tree} ({parameters(tree, size) / 1e6:.3g} M)"


def jitted_step(optimizer):
    """A training step's update, parameters and state donated."""

    def step(params, state, gradients):
        updates, state = optimizer.update(gradients, state, params)
        return optax.apply_updates(params, updates), state

    return jax.jit(step, donate_argnums=(0, 1))


class Step:
    """A compiled step that goes on from its own result, as a training loop does.

    `carry` is donated and replaced by what the program returns; `others` are its further arguments.
    """

    def __init__(self, program, carry, *others):
        self.program, self.carry, self.others = program, carry, others

    @functools.cached_property
    def compiled(self):
        return self.program.lower(*self.carry, *self.others).compile()

    def repeated(self, times):
        """So many steps in one program, between which the host hands nothing over.

        The barrier keeps XLA from computing once, before the loop, what depends on the gradients
        alone, which are the same in every step.
        """
        number = len(self.carry)

        def step(_, arguments):
            carry, others = jax.lax.optimization_barrier(arguments)
            return self.program(*carry, *others), others

        def steps(*arguments):
            start = arguments[:number], arguments[number:]
            return jax.lax.fori_loop(0, times, step, start)[0]

        program = jax.jit(steps, donate_argnums=tuple(range(number)))
        return Step(program, jax.tree.map(jnp.copy, self.carry), *self.others)

    def __call__(self):
        self.carry = self.compiled(*self.carry, *self.others)

    def wait(self):
        jax.block_until_ready(self.carry)

    def peak_bytes(self):
        """Arguments, results and temporary arrays of the program, what is donated once."""
        found = self.compiled.memory_analysis()
        return (
            found.argument_size_in_bytes
            + found.output_size_in_bytes
            - found.alias_size_in_bytes
            + found.temp_size_in_bytes
        )


def bytes_of(tree):
    """Of the arrays of a tree; scalars such as a step count are not counted."""
    return sum(leaf.nbytes for leaf in jax.tree.leaves(tree) if leaf.ndim)


def copy_of(count):
    """Reads and writes `count` bytes in all, in one array: what the memory can do."""
    program = jax.jit(lambda x: (x + 1,), donate_argnums=0)
    return Step(program, (jnp.zeros(max(1, round(count) // 8), jnp.float32),))
