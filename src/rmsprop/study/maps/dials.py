"""The dials of the family of problems that a map is made on, each with its formula.

A problem has `d = 16` coordinates.  With the parameters `x`, the rotation `R` and
the optimum `m[t]`, the deviation of step `t = 0, ..., T - 1` is

    z[t] = R' x[t] - m[t],    x[0] normal of variance 1,    m[0] = 0,

and the gradient that an optimizer gets is, coordinate by coordinate but for the rotation,

    g[t] = S^(-t / T) R (b[t] (h z[t] (1 + μ ζ[t]) + σ ξ[t])),    m[t + 1] = m[t] + δ ω[t],

with ξ, ζ and ω normal of variance 1, and `b[t, i]` 0 or 1 with the probability `p[i]` of a 1,
independent of all else.  Coordinate `i = 0, ..., d - 1` is seen with the probability
`p[i] = k^(-i / (d - 1))` and has the curvature `h[i] = κ^(-i / (d - 1))`.

The risk is the expected loss without noise and without the shrinking,

    f(x[t + 1]) = 1/2 sum over i of p[i] h[i] z[t + 1, i]^2,

averaged over every step of the last tenth of a run.  It is at least `LEAST_RISK`: below it float32
parameters of size 1 resolve nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from rmsprop.study import names
from rmsprop.study.lookup import suggestion
from rmsprop.study.problems import TENTHS

# Coordinates of a problem, an even number: a rotation turns pairs.
COORDINATES = 16
LEAST_RISK = 1e-12
STEPS = 400
MOST_STEPS = 100_000
# The dial that is the number of steps of a run; it is no argument of the gradient.
HORIZON = "horizon"


@dataclass(frozen=True)
class Dial:
    """One dial of the family of problems.

    Attributes:
        name: Its name in results and tables.
        label: What it is, with its unit, for the axis of a picture.
        formula: What it does, in the symbols of this module.
        default: Its value where a plane does not turn it.
        low: The least value.
        high: The largest value.
    """

    name: str
    label: str
    formula: str
    default: float
    low: float
    high: float

    def check(self, value: object) -> float:
        """A value of the dial as a float, after its check.

        Raises:
            ValueError: it is no number, or out of range.
        """
        number = names.float_of(value)
        if not self.low <= number <= self.high:
            raise ValueError(
                f"{self.name} is {names.excerpt(value)}; it must be a number from {self.low:g} to"
                f" {self.high:g}: {self.label}."
            )
        if self.name == HORIZON and (number % TENTHS or not number.is_integer()):
            raise ValueError(
                f"{HORIZON} is {names.excerpt(value)}; it must be a multiple of {TENTHS}, for the"
                f" last tenth of a run is measured."
            )
        return number


_ALL = (
    Dial(
        "sparsity",
        "sparsity: the rarest coordinate is seen in 1 of k steps",
        "k: coordinate i is seen with the probability p_i = k^(-i/(d - 1))",
        1.0,
        1.0,
        1e6,
    ),
    Dial(
        "noise",
        "additive noise: its standard deviation in the gradient",
        "sigma: the gradient has sigma xi_t added, xi_t standard normal",
        0.1,
        0.0,
        1e6,
    ),
    Dial(
        "multiplicative",
        "multiplicative noise: its deviation relative to the gradient",
        "mu: the gradient is multiplied by 1 + mu zeta_t, zeta_t standard normal, so that this"
        " noise vanishes at the optimum",
        0.0,
        0.0,
        1e6,
    ),
    Dial(
        "drift",
        "drift of the optimum per step",
        "delta: the optimum walks, m_(t+1) = m_t + delta omega_t, omega_t standard normal",
        0.0,
        0.0,
        1e6,
    ),
    Dial(
        "shrinking",
        "shrinking of the gradients over the run",
        "S: the gradient of step t of T, noise included, is multiplied by S^(-t/T)",
        1.0,
        1e-6,
        1e6,
    ),
    Dial(
        "condition",
        "condition number",
        "kappa: coordinate i has the curvature h_i = kappa^(-i/(d - 1))",
        1.0,
        1.0,
        1e9,
    ),
    Dial(
        "rotation",
        "rotation in degrees",
        "phi: R turns the plane of the coordinates i and i + d/2 by phi, for each i below d/2; at 0"
        " the problem is separable",
        0.0,
        0.0,
        90.0,
    ),
    Dial(
        HORIZON,
        "horizon: steps of a run",
        "T: the number of steps of a run",
        float(STEPS),
        float(TENTHS),
        float(MOST_STEPS),
    ),
)
DIALS: Mapping[str, Dial] = MappingProxyType({dial.name: dial for dial in _ALL})
# Those that a gradient depends on.
OF_GRADIENT = tuple(name for name in DIALS if name != HORIZON)


def settings(values: Mapping[str, float] | None = None) -> dict[str, float]:
    """A value for every dial: those that are given, and the defaults of the others.

    Args:
        values: Values by the names of dials; None for none.

    Returns:
        The value of each dial, in the order of `DIALS`.

    Raises:
        ValueError: there is no such dial, or a value is out of its range.

    Example:
        >>> settings({"drift": 0.03})["noise"], settings({"drift": 0.03})["drift"]
        (0.1, 0.03)
    """
    given = dict(values or {})
    for name in given:
        if name not in DIALS:
            near = suggestion(str(name), DIALS)
            raise ValueError(f"dial {name!r} is unknown; name one of {', '.join(DIALS)}.{near}")
    return {name: dial.check(given.get(name, dial.default)) for name, dial in DIALS.items()}


def number_of(values: Mapping[str, float]) -> float:
    """The number that orders the map: `x = δ S / σ`.

    It is the drift of the optimum per step, times the shrinking of the gradients, over the noise.

    Args:
        values: A value for every dial, as `settings` gives it.

    Returns:
        The number; NaN where there is no drift or no noise, of which it says nothing.

    Example:
        >>> f"{number_of(settings({'drift': 0.03, 'noise': 0.1, 'shrinking': 100})):.0f}"
        '30'
    """
    if not (values["drift"] > 0 and values["noise"] > 0):
        return math.nan
    return values["drift"] * values["shrinking"] / values["noise"]
