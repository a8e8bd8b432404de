"""How often an optimizer is declared better than itself: figures of a test, as the page tells them.

They are measured once, by the slow test that compares an optimizer with itself under two names,
and not by the comparison that a page is of. Whoever changes the protocol runs that test again and
writes here what it prints.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SelfComparison:
    """The outcome of comparing an optimizer with itself many times.

    Attributes:
        repetitions: The number of comparisons on each line.
        seeds: The number of seeds of a comparison.
        all_lines: The share of "better" and "slightly better" over all lines, in per cent.
        worst_line: The same of the line that has most, in per cent.
        error: The standard error of `all_lines`, in per cent.
    """

    repetitions: int
    seeds: int
    all_lines: float
    worst_line: float
    error: float


# Of digits, 18 lines. None would leave the paragraph out of the page.
SELF_COMPARISON: SelfComparison | None = SelfComparison(
    repetitions=500, seeds=20, all_lines=3.5, worst_line=7.0, error=0.25
)
