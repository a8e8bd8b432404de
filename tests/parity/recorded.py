"""Which frameworks have recordings, the script that made each, and what it recorded."""

import functools
import importlib

import numpy as np
from trajectories import GOLDEN

FRAMEWORKS = sorted(path.stem for path in GOLDEN.glob("*.npz"))
RECORDS = {name: importlib.import_module(f"record_{name}") for name in FRAMEWORKS}


@functools.cache
def recordings(framework):
    """The trajectories of a framework by the name of the case, and `versions`."""
    with np.load(GOLDEN / f"{framework}.npz") as arrays:
        return dict(arrays)
