"""What the tests of the study share: a cache of their own, and figures that take no time."""

import os

import pytest


@pytest.fixture(scope="session")
def cached_data(tmp_path_factory):
    """A folder of these tests' own: so that no data made by another version are read.

    The same for all processes that share their work.
    """
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    if run is None:
        return tmp_path_factory.mktemp("cache")
    return tmp_path_factory.getbasetemp().parent / f"cache-{run}"


@pytest.fixture(scope="module")
def shared_cache(cached_data):
    """For `pytestmark = pytest.mark.usefixtures("shared_cache")`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RMSPROP_CACHE", str(cached_data))
        yield


@pytest.fixture
def plain(monkeypatch):
    """Figures that take no time, for tests of the folder and the command alone."""
    from rmsprop.study import plots, style

    monkeypatch.setattr(style, "png", lambda figure: b"PNG")
    monkeypatch.setattr(style, "svg", lambda figure: "<svg></svg>")
    for name in plots.__all__:
        monkeypatch.setattr(plots, name, lambda *_: None)
