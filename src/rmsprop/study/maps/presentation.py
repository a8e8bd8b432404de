"""A map as a user sees it: the results, with the pictures and texts that tell them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmsprop.study.maps.results import MapResults

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from matplotlib.figure import Figure
    from rich.table import Table


@dataclass(frozen=True, eq=False)
class Map(MapResults):
    """The results of a map, with the pictures and texts that tell them.

    The methods that draw return a figure of matplotlib. A notebook shows a table.

    Attributes:
        tree: The results, one group per plane, as `rmsprop.study.maps.results` says. It is not to
            be changed.

    Raises:
        ValueError: the tree is no map.
    """

    # The pictures, each made when it is asked for: reading results needs no matplotlib.

    def plot(self, plane: str, line: str | None = None) -> Figure:
        """A plane as a heat map.

        Args:
            plane: The name of the plane.
            line: "own", or a schedule; None for the first of `lines`.
        """
        from rmsprop.study.maps import plots

        return plots.plane(self, plane, self.lines[0] if line is None else line)

    def plot_number(self, line: str | None = None) -> Figure:
        """Drift times shrinking over noise against the ratio of all cells that have a drift.

        Args:
            line: "own", or a schedule; None for the first of `lines`.

        Raises:
            ValueError: too few cells have that number.
        """
        from rmsprop.study.maps import plots
        from rmsprop.study.maps.ordering import LEAST_CELLS, ordering_of

        ordering = ordering_of(self, self.lines[0] if line is None else line)
        if ordering is None:
            raise ValueError(
                f"fewer than {LEAST_CELLS} cells have a drift and a noise, or all have the same;"
                f" map a plane in which these differ, such as drift-noise."
            )
        return plots.order(self, ordering)

    def write(self, folder: str | os.PathLike[str]) -> Path:
        """Writes the page, the pictures and the numbers into a folder, and returns the page."""
        from rmsprop.study.maps import page

        return page.write(self, folder)

    def __rich__(self) -> Table:
        """The tables for a terminal."""
        from rmsprop.study.maps.table import table

        return table(self)

    def __str__(self) -> str:
        """The tables as plain text."""
        from rmsprop.study.maps.table import plain

        return plain(self)
