"""What `module:name` names, and what is said where it names nothing."""

import pathlib
import sys

import pytest

from rmsprop.study.lookup import late_import, load_object, suggestion

FILES = {
    "broken_module": "raise AttributeError('no licence')\n",
    "typo_module": "x = 1\ndef bowl(:\n",
    "needy_module": "import os\nimport no_such_neighbour\n",
    "ending_module": "import sys\nsys.exit(3)\n",
    "own_module": "import own_neighbour\nbowl = own_neighbour.bowl\n",
    "own_neighbour": "bowl = 'round'\n",
    "lazy_module": "def bowl():\n    import own_neighbour\n    return own_neighbour.bowl\n",
    "statistics": "bowl = 'mine'\n",
}


@pytest.fixture
def folder(tmp_path):
    """A folder of modules, which no test leaves in the memory of Python."""
    before = {*sys.modules}
    for name, text in FILES.items():
        (tmp_path / f"{name}.py").write_text(text)
    (tmp_path / "own_package").mkdir()
    (tmp_path / "own_package" / "inside.py").write_text("bowl = 'deep'\n")
    yield tmp_path
    for name in {*FILES, "own_package", "own_package.inside"} - before:
        sys.modules.pop(name, None)


def test_names_with_dots_and_modules_with_dots_are_found():
    assert load_object("os.path:join.__name__", "word") == "join"


def test_a_folder_is_on_the_path_while_its_module_is_imported_alone(folder):
    before = [*sys.path]
    with pytest.raises(ValueError, match="there is no module own_module"):
        load_object("own_module:bowl", "problem 'x'")
    assert load_object("own_module:bowl", "problem 'x'", folder) == "round"
    assert load_object("own_package.inside:bowl", "problem 'x'", folder) == "deep"
    assert sys.path == before


def test_a_neighbour_that_is_imported_later_is_not_there(folder):
    lazy = load_object("lazy_module:bowl", "problem 'x'", folder)
    with pytest.raises(ModuleNotFoundError, match="own_neighbour") as caught:
        lazy()
    hint = f" Import own_neighbour at the top of the module, for afterwards {folder} is not"
    assert late_import(caught.value, folder).startswith(hint)
    assert late_import(ModuleNotFoundError("x", name="no_such_module"), folder) == ""
    assert late_import(ValueError("x"), folder) == ""


def test_a_folder_is_not_on_the_path_for_a_module_from_elsewhere(folder, monkeypatch):
    """What an installed module imports is not looked for among the user's files."""
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "installed_module.py").write_text("import sys\npath = [*sys.path]\n")
    monkeypatch.syspath_prepend(elsewhere)
    path = load_object("installed_module:path", "optimizer 'x'", folder)
    sys.modules.pop("installed_module")
    assert str(folder.resolve()) not in path


def test_a_folder_that_fails_is_taken_off_the_path_too(folder):
    before = [*sys.path]
    with pytest.raises(ValueError, match="no licence"):
        load_object("broken_module:x", "problem 'x'", folder)
    assert sys.path == before


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("math", "problem 'x': 'math' must be a module, a colon and a name in it"),
        ("math:", "must be a module, a colon and a name in it"),
        (":pi", "must be a module, a colon and a name in it"),
        ("my-module:make", r"as Python spells them\. Write mine:problem, for example\."),
        ("own_module.bowl", r"Write own_module:bowl\."),
        ("own_module.py:bowl", r"own_module\.py is a file.* this folder, write own_module:bowl\."),
        ("own_module.py", r"own_module\.py is a file.* write own_module:NAME\."),
        ("own_package/inside.py:bowl", r"From this folder, write own_package\.inside:bowl\."),
        ("/tmp/mine.py:bowl", r"From the folder that holds it, write mine:bowl\."),
        ("math:no_such", r"problem 'x': the module math( \(.*\))? has no no_such\.$"),
        ("math:sqtr", r"has no sqtr\. Did you mean sqrt or isqrt\?"),
        ("math:pi.no_such", r"the module math( \(.*\))? has no pi\.no_such\.$"),
        ("os:path.jion", r"has no path\.jion\. Did you mean join\?"),
        ("no_such_module:x", r"there is no module no_such_module, neither in the folder .* nor"),
        ("own_modul:bowl", r"nor installed\. Did you mean own_module or .*\?"),
        ("own_package.insde:bowl", r"there is no module own_package\.insde, neither"),
        ("no_such.part:bowl", r"no module no_such, of which no_such\.part would be a part"),
        ("broken_module:x", r"\(line 1 of \S*broken_module\.py\): AttributeError: no licence"),
        ("ending_module:x", r"\(line 2 of \S*ending_module\.py\): SystemExit: 3"),
        ("typo_module:bowl", r"\S*typo_module\.py has a syntax error in line 2: invalid syntax"),
        ("needy_module:x", r"needs the module no_such_neighbour, .*line 2 of \S*needy_module\.py"),
        ("statistics:bowl", r"the module statistics \(.*\) has no bowl.* is another one"),
    ],
)
def test_what_names_nothing_is_one_sentence(folder, place, sentence):
    import statistics  # so that it is loaded, as it is by what JAX imports

    assert pathlib.Path(statistics.__file__).parent != folder
    with pytest.raises(ValueError, match=sentence) as caught:
        load_object(place, "problem 'x'", folder)
    assert "\n" not in str(caught.value)
    assert ("nstall" in str(caught.value)) == (place in INSTALLABLE)


# Only where a module is not there is it of use to install something.
INSTALLABLE = {
    "no_such_module:x",
    "own_modul:bowl",
    "own_package.insde:bowl",
    "no_such.part:bowl",
    "needy_module:x",
}


@pytest.mark.parametrize(
    ("word", "question"),
    [
        ("mnst", " Did you mean mnist?"),
        ("MNIST", " Did you mean mnist?"),
        ("digit", " Did you mean digits or digits-wide?"),
        ("flowers", ""),
        ("", ""),
    ],
)
def test_near_names(word, question):
    assert suggestion(word, ["digits", "digits-wide", "mnist"]) == question
