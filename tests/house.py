"""The imports between the modules of the package, read from their source."""

import ast
import graphlib
import pathlib

SOURCE = pathlib.Path(__file__).parents[1] / "src"


def sources(root=SOURCE):
    """The source of each module by its dotted name; a package is named as its folder."""
    return {
        ".".join(file.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): file
        for file in sorted(root.rglob("*.py"))
    }


def imports(code, package, modules):
    """What a module imports, inside functions too, but not for type checkers alone.

    Args:
        code: The source of the module.
        package: The package that it stands in, for relative imports.
        modules: The names of all modules of the package, so that `from a import b` is told apart:
            the module `a.b`, or a name in the module `a`.
    """
    names = set()
    for node in _statements(ast.parse(code)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *filter(None, [base])])
            for alias in node.names:
                inside = f"{base}.{alias.name}"
                names.add(inside if inside in modules or base == "jax" else base)
    return names


def _statements(node):
    """All nodes of a tree but what stands under `if TYPE_CHECKING:`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            for other in child.orelse:
                yield other
                yield from _statements(other)
            continue
        yield child
        yield from _statements(child)


def graph(modules):
    """Module -> the modules of the package that it imports, from the source of each by name."""
    return {
        name: imports(code, name.rpartition(".")[0], modules) & {*modules}
        for name, code in modules.items()
    }


def circle(edges):
    """The modules of an import circle in their order, the first again at the end; or None."""
    try:
        tuple(graphlib.TopologicalSorter(edges).static_order())
    except graphlib.CycleError as error:
        return error.args[1]
    return None
