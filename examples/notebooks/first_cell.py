# Installs the package where it is missing, as in Colab; an installed JAX stays as it is.
import importlib.metadata
import importlib.util
import os
import pathlib
import subprocess
import sys
import tempfile

RMSPROP_SOURCE = os.environ.get("RMSPROP_SOURCE", "")  # a clone's folder, a wheel or a git address

if not all(map(importlib.util.find_spec, ("rmsprop", "matplotlib", "xarray"))):
    above = (pathlib.Path.cwd(), *pathlib.Path.cwd().parents)
    clones = [str(folder) for folder in above if (folder / "src/rmsprop/__init__.py").exists()]
    source = RMSPROP_SOURCE or next(iter(clones), "")
    if not source:
        raise ModuleNotFoundError(
            "The package rmsprop is not installed and is on no index yet:"
            " set RMSPROP_SOURCE above to a clone's folder, a wheel or a git address."
        )
    if "://" in source:  # an address
        git = "" if source.startswith("git+") or source.endswith(".whl") else "git+"
        source = f"rmsprop[study] @ {git}{source}"
    else:
        source += "[study]"
    versions = {d.name: d.version for d in importlib.metadata.distributions()}
    fixed = [f"{n}=={versions[n]}" for n in ("jax", "jaxlib", "numpy", "optax") if n in versions]
    with tempfile.TemporaryDirectory() as folder:
        constraints = pathlib.Path(folder, "constraints.txt")
        constraints.write_text("\n".join(fixed))
        pip = [sys.executable, "-m", "pip", "install", "-q", "-c", str(constraints)]
        subprocess.run([*pip, source], check=True)
    importlib.invalidate_caches()
