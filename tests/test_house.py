"""The plan of the house: which module may import which, and how long a module may be."""

import ast
import statistics

import pytest

import house

FILES = house.sources()
MODULES = {name: file.read_text(encoding="utf-8") for name, file in FILES.items()}

STUDY = "rmsprop.study"
OF_THE_STUDY = [name for name in MODULES if name.startswith(STUDY)]
WINGS = ("tasks", "running", "results", "report", "steps")
# What joins the wings.
JOINTS = ("comparison", "maps", "explorer")

# What the modules of each room may import, beside those of their own room.
ALLOWED = {
    "core": set(),
    "rows": {"core"},
    "sharding": {"core", "rows", "telemetry"},
    "frameworks": {"core"},
    "telemetry": {"core"},
    # The small modules that stand in the study itself, such as problems, spelling and atomic; the
    # contenders bring the defaults that frameworks ship.
    "study": {"core", "frameworks"},
    "tasks": {"core", "study"},
    "results": {"study"},
    "running": {"core", "study", "results"},
    "report": {"study", "tasks", "results"},
    "steps": {"core", "study"},
    "joint": {"core", "study", *WINGS},
    "commands": {"core", "frameworks", "study", "joint", *WINGS},
}
# The contract between what makes runs and what holds them.
CONTRACT = {f"{STUDY}.results", f"{STUDY}.results.schema", f"{STUDY}.results.validation"}
LONGEST, MEDIAN = 420, 180


@pytest.fixture(scope="module")
def edges():
    """The modules that each module imports."""
    return house.graph(MODULES)


def room(name):
    """The room of the house that a module stands in."""
    parts = name.split(".")[1:]
    if not parts or (parts[0].startswith("_") and parts != ["__main__"]):
        return "core"
    if parts[0] in ("commands", "__main__"):
        return "commands"
    if parts[0] != "study":
        return parts[0]
    if parts[1:] and parts[1] in WINGS:
        return parts[1]
    return "joint" if parts[1:] and parts[1] in JOINTS else "study"


def test_no_modules_import_each_other_in_a_circle(edges):
    assert house.circle(edges) is None


def test_a_circle_through_a_function_is_a_circle_and_one_for_type_checkers_is_none():
    modules = {
        "p": "",
        "p.a": "from p import b",
        "p.b": "def f():\n    from p.a import x",
        "p.c": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from p import d",
        "p.d": "from . import c",
    }
    edges = house.graph(modules)
    assert edges["p.d"] == {"p.c"}  # from a relative import
    assert edges["p.c"] == set()
    assert set(house.circle(edges)) == {"p.a", "p.b"}
    assert house.circle({**edges, "p.b": set()}) is None


def test_the_init_of_a_package_is_imported_with_its_modules():
    edges = house.graph({"p": "", "p.a": "import p.b.c", "p.b": "from p import a", "p.b.c": ""})
    assert edges["p.a"] == {"p.b", "p.b.c"}
    assert set(house.circle(edges)) == {"p.a", "p.b"}
    inside = house.graph({"p": "", "p.q": "from . import a", "p.q.a": "from p.q import x"})
    assert set(house.circle(inside)) == {"p.q", "p.q.a"}


def test_a_module_imports_only_what_its_room_may(edges):
    for name, imports in edges.items():
        here = room(name)
        for imported in imports:
            there = room(imported)
            assert there == here or there in ALLOWED[here], f"{name} imports {imported}"
            if (here, there) == ("running", "results"):
                assert imported in CONTRACT, f"{name} imports {imported}"


def test_the_study_takes_what_is_public(edges):
    """Of the core, like any user; but for what differs between versions of JAX."""
    for name in OF_THE_STUDY:
        core = {imported for imported in edges[name] if room(imported) == "core"}
        assert core <= {"rmsprop", "rmsprop._experimental"}, name


def test_nobody_goes_around_the_imports(edges):
    """Through the attributes of `rmsprop` and `rmsprop.study`, which import when they are used."""
    for name in OF_THE_STUDY:
        lazy = name == STUDY
        nodes = [*ast.walk(ast.parse(MODULES[name]))]
        calls = {ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)}
        assert lazy or "importlib.import_module" not in calls, name
        dotted = {ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute)}
        assert STUDY not in dotted, name
        assert STUDY not in edges[name], name


def test_every_room_is_there():
    assert {room(name) for name in MODULES} == {*ALLOWED}


def test_one_module_takes_from_jax_experimental():
    """By an import, by an attribute, or by a name for `importlib`; docstrings may speak of it."""
    for name, code in MODULES.items():
        tree = ast.parse(code)
        docstrings = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef))
            and ast.get_docstring(node)
        }
        taken = {x for x in house.imports(code, "", ()) if x.startswith("jax.experimental")}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and ast.unparse(node) == "jax.experimental":
                taken.add(ast.unparse(node))
            elif isinstance(node, ast.Constant) and id(node) not in docstrings:
                taken |= {node.value} if "jax.experimental" in str(node.value) else set()
        assert bool(taken) == (name == "rmsprop._experimental"), (name, taken)


def test_modules_are_one_idea_long():
    lengths = {name: len(code.splitlines()) for name, code in MODULES.items()}
    too_long = {name for name, length in lengths.items() if length > LONGEST}
    # Of the papers' lines most are docstrings: nine equations with their sources.
    assert too_long <= {"rmsprop.frameworks.papers"}
    assert statistics.median(lengths.values()) <= MEDIAN
