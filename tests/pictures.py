"""Pictures that take no time, for tests of what stands around them."""

from __future__ import annotations

import pytest


def without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts figures that take no time in the place of all."""
    from rmsprop.study.report import plots
    from rmsprop.study.report.plots import export

    monkeypatch.setattr(export, "png", lambda figure: b"PNG")
    monkeypatch.setattr(export, "svg", lambda figure: "<svg></svg>")
    for name in plots.__all__:
        monkeypatch.setattr(plots, name, lambda *_: None)
