"""One module of a package, without the packages around it and all that these would import."""

import importlib
import importlib.util
import sys
import types
from pathlib import Path


def module_alone(name):
    """The module `package.part.module`, with empty packages in the place of those above it."""
    top, *parts = name.split(".")[:-1]
    if top not in sys.modules:
        folder = Path(importlib.util.find_spec(top).submodule_search_locations[0])
        for k in range(len(parts) + 1):
            package = types.ModuleType(".".join([top, *parts[:k]]))
            package.__path__ = [str(folder.joinpath(*parts[:k]))]
            # With a spec, as a package that has been imported; others may look for it.
            package.__spec__ = importlib.util.spec_from_loader(
                package.__name__, None, is_package=True
            )
            sys.modules[package.__name__] = package
    return importlib.import_module(name)
