"""What `module:name` names, and what is said where it names nothing."""

import pathlib
import sys

import pytest

from rmsprop.study.lookup import load_object


def test_names_with_dots_and_modules_with_dots_are_found():
    assert load_object("os.path:join.__name__", "word") == "join"


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """A module whose import fails with the error that a missing name would raise."""
    pathlib.Path(tmp_path, "broken_module.py").write_text("raise AttributeError('no licence')\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("broken_module", None)


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("math", "problem 'x': 'math' must be a module, a colon and a name in it"),
        ("math:", "must be a module, a colon and a name in it"),
        (":pi", "must be a module, a colon and a name in it"),
        ("my-module:make", "as Python spells them"),
        ("math:no_such", "problem 'x': math has no function no_such"),
        ("math:pi.no_such", "problem 'x': math has no function pi.no_such"),
        ("no_such_module:x", "the module no_such_module cannot be imported"),
        ("broken_module:x", r"the module broken_module cannot be imported \(no licence\)"),
    ],
)
@pytest.mark.usefixtures("broken")
def test_what_names_nothing_is_one_sentence(place, sentence):
    with pytest.raises(ValueError, match=sentence) as caught:
        load_object(place, "problem 'x'")
    assert "\n" not in str(caught.value)
