"""What an optimizer keeps for each parameter, by what it is: its slots.

A framework and this package keep the same arrays under other names and in other containers.  The
slots are the vocabulary between them:

    squares     the average of the squares E[g^2], or the sum of AdaGrad; also where `centered`
                keeps the variance here, which is E[g^2] - E[g]^2
    mean        the average of the gradients E[g]
    momentum    the momentum buffer, with the sign that it has here: what is added to the parameter
                has the sign of `trace` where the rate is inside it, and the other sign where it
                is applied afterwards
    average     the average of the parameters
    gradients   the sum of the gradients since the last step
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from rmsprop._layouts import KNOWN, Link, is_named
from rmsprop._typing import Tree
from rmsprop.frameworks._keras_step import AccumulatedGradientsState, AveragedParametersState
from rmsprop.frameworks._leaves import Leaves

SQUARES = "squares"
MEAN = "mean"
MOMENTUM = "momentum"
AVERAGE = "average"
GRADIENTS = "gradients"

_FIELDS = {
    "nu": SQUARES,
    "var": SQUARES,
    "sum_of_squares": SQUARES,
    "mu": MEAN,
    "trace": MOMENTUM,
    "average": AVERAGE,
    "gradients": GRADIENTS,
}

Arrays: TypeAlias = Mapping[str, Sequence[np.ndarray | None]]
"""By the slot an array for each trained leaf, in their order; None leaves a leaf as it is."""


class Counts(NamedTuple):
    """How far a run has come.

    Attributes:
        calls: The number of calls of the optimizer so far.
        per_step: The number of calls that make one step.
    """

    calls: int
    per_step: int = 1

    def of(self, field: str) -> int:
        """The value of a field of a state that counts."""
        whole, rest = divmod(self.calls, self.per_step)
        return {"count": whole, "calls": self.calls, "position": rest}[field]


def filled(template: Tree, leaves: Leaves, arrays: Arrays, counts: Counts | None) -> Tree:
    """A state with what was saved in it.

    Args:
        template: The state that `init` makes.
        leaves: The trained leaves.
        arrays: What the slots of the state hold.
        counts: How far the run has come; None where the state counts nothing.
    """

    def field(state: Tree, name: str) -> Tree:
        content = getattr(state, name)
        slot = _FIELDS.get(name)
        if slot is None:
            number = 0 if counts is None else counts.of(name)
            return jnp.full_like(content, number)
        new = arrays[slot]
        if name == "var":
            new = [
                None if q is None or m is None else _variance(q, m)
                for q, m in zip(new, arrays[MEAN], strict=True)
            ]
        subtrees = [
            like if array is None else _placed(array, like, f"the {slot} of {path}")
            for array, like, path in zip(new, leaves.subtrees(content), leaves.paths, strict=True)
        ]
        return leaves.replaced(content, subtrees)

    return _map_fields(field, template)


def arrays_of(state: Tree, leaves: Leaves) -> dict[str, list[np.ndarray]]:
    """What the slots of a state hold; squares are those of `centered` without the mean too."""
    arrays: dict[str, list[np.ndarray]] = {}

    def field(state: Tree, name: str) -> Tree:
        content = getattr(state, name)
        slot = _FIELDS.get(name)
        if slot is not None:
            if slot in arrays:
                raise ValueError(f"the state has {slot} twice")
            arrays[slot] = [_joined(subtree) for subtree in leaves.subtrees(content)]
            if name == "var":  # it stands behind the mean
                pairs = zip(arrays[SQUARES], arrays[MEAN], strict=True)
                arrays[SQUARES] = [_mean_square(var, mean) for var, mean in pairs]
        return content

    _map_fields(field, state)
    return arrays


def slots_of(template: Tree) -> set[str]:
    """The slots that a state has."""
    return {_FIELDS[name] for name in _field_names(template) if name in _FIELDS}


def counts_of(state: Tree) -> dict[str, int]:
    """The counts of a state by the names of their fields; nested ones of one name are equal."""
    counts: dict[str, int] = {}

    def field(state: Tree, name: str) -> Tree:
        content = getattr(state, name)
        if name not in _FIELDS:
            counts[name] = int(content)
        return content

    _map_fields(field, state)
    return counts


def counts_anything(template: Tree) -> bool:
    """Whether a state has a count of steps or calls."""
    return any(name not in _FIELDS for name in _field_names(template))


def _field_names(template: Tree) -> list[str]:
    names: list[str] = []

    def field(state: Tree, name: str) -> Tree:
        names.append(name)
        return getattr(state, name)

    _map_fields(field, template)
    return names


def _map_fields(function: Callable[[Tree, str], Tree], state: Tree) -> Tree:
    """The state with `function(part, field)` in the fields that are slots or counts."""
    is_ours = isinstance(state, AccumulatedGradientsState | AveragedParametersState)
    if is_ours or (is_named(state) and Link((), state).kind in KNOWN):
        return type(state)(
            **{
                name: _map_fields(function, getattr(state, name))
                if name == "inner"
                else function(state, name)
                for name in state._fields
            }
        )
    if is_named(state):
        return type(state)(*(_map_fields(function, part) for part in state))
    if isinstance(state, tuple):
        return tuple(_map_fields(function, part) for part in state)
    return state


def _placed(array: np.ndarray, like: Tree, what: str) -> Tree:
    """An array as it is kept: in the dtype and at the place of the one that `init` made.

    Real and imaginary parts that are kept apart are a pair with the same names as NumPy's.
    """
    if is_named(like):
        return type(like)(
            *(_cast(part, own, what) for part, own in zip(_parts(array), like, strict=True))
        )
    return _cast(array, like, what)


def _cast(array: np.ndarray, like: jax.Array, what: str) -> jax.Array:
    """An array in another dtype.

    Raises:
        ValueError: A value is beyond the range of that dtype, or its imaginary part would be lost.
    """
    if not jnp.iscomplexobj(like):
        if np.any(np.imag(array)):
            raise ValueError(f"{what} have imaginary parts; here they are real.")
        array = np.real(array)  # the squares of a complex leaf, which Optax keeps in its dtype
    with np.errstate(over="ignore"):
        new = np.asarray(array).astype(like.dtype)
    lost = np.isfinite(array) & ~np.isfinite(new)
    if np.any(lost):
        is_half = jnp.finfo(like.dtype).bits < 32
        switch = "" if is_half else " and set jax.config.update('jax_enable_x64', True)"
        raise ValueError(
            f"{what} have the value {array[lost].flat[0]}, which is beyond the range of"
            f" {like.dtype}. Keep the parameters in a wider dtype{switch}."
        )
    # An array that JAX may still move to another device stays one.
    return jax.device_put(new, like.sharding) if like.committed else jnp.asarray(new)


def _joined(subtree: Tree) -> np.ndarray:
    return _complex(*map(np.asarray, subtree)) if is_named(subtree) else np.asarray(subtree)


def _variance(squares: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """E[g^2] - |E[g]|^2 in float64; of real and imaginary parts apart where the squares have both.

    Of PyTorch's squares of a complex leaf the two parts are the squares of the two parts.
    """
    q, m = _wide(squares), _wide(mean)
    if np.any(np.imag(q)):
        pairs = zip(_parts(q), _parts(m), strict=True)
        return _complex(*(np.maximum(x - y**2, 0) for x, y in pairs))
    return np.maximum(np.real(q) - np.abs(m) ** 2, 0)


def _mean_square(variance: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """E[g^2] from the variance and the mean, in the dtype of the variance."""
    v, m = _wide(variance), _wide(mean)
    if np.iscomplexobj(v):
        pairs = zip(_parts(v), _parts(m), strict=True)
        return _complex(*(x + y**2 for x, y in pairs)).astype(variance.dtype)
    return np.asarray(v + np.abs(m) ** 2).astype(variance.dtype)


def _wide(array: np.ndarray) -> np.ndarray:
    return array.astype(np.result_type(array, np.float64))


def _parts(array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.real(array), np.imag(array)


def _complex(real: np.ndarray, imaginary: np.ndarray) -> np.ndarray:
    """`real + 1j * imaginary` without a rounding, and with the signs of zeros."""
    dtype = np.result_type(real, np.complex64)
    return np.stack([real, imaginary], axis=-1).view(dtype)[..., 0]
