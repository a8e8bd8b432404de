"""Labelled results as a netCDF file, whatever they are of: written whole, and read into memory."""

from __future__ import annotations

import contextlib
import os
import pathlib
import sys

import numpy as np
import xarray as xr

from rmsprop.study import atomic

FILE_NAME = "results.nc"


def write(tree: xr.DataTree, file: str | os.PathLike[str]) -> None:
    """Writes a tree to a file, whole or not at all.

    The file is made in memory first: the HDF5 library that writes it would end the process where
    the disk is full.

    Args:
        tree: The results.
        file: The file to write, in a folder that is made where it is missing; an earlier file is
            replaced at the end, at once.

    Raises:
        WriteError: the file cannot be written; an earlier one is then as it was.
    """
    # Copied and released at once: Python 3.12 crashes where such a view is still held, by the frame
    # of an exception for example, when it is collected as garbage together with its memory.
    # Nor is it written under a lock of a Dask cluster, which xarray takes where there is a client.
    dask = sys.modules.get("dask")
    with contextlib.nullcontext() if dask is None else dask.config.set(scheduler="synchronous"):
        view = tree.to_netcdf(engine="h5netcdf")
    content = bytes(view)
    view.release()
    atomic.write(file, content)


def read(file: str | os.PathLike[str]) -> xr.DataTree:
    """Reads a tree into memory.

    Args:
        file: The netCDF file to read.

    Returns:
        The tree, equal to the one written: values, dtypes, attributes and their types.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no netCDF file.
    """
    path = pathlib.Path(file)
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; name a {FILE_NAME} that was saved before.")
    try:
        with xr.open_datatree(path, engine="h5netcdf") as opened:
            return xr.DataTree.from_dict(
                {node.path: _plain(node.to_dataset(inherit=False)) for node in opened.subtree}
            )
    except Exception as error:  # whatever the readers of HDF5 raise on a damaged file
        raise ValueError(f"{path} is damaged or no netCDF file ({error}); make it anew.") from error


def kind(file: str | os.PathLike[str]) -> str:
    """What a file says that it holds, such as "map"; empty where it says nothing, or is damaged.

    Args:
        file: The netCDF file; only its attributes are read.
    """
    try:
        with xr.open_dataset(file, engine="h5netcdf") as root:
            return str(root.attrs.get("kind", ""))
    except Exception:  # whatever the readers of HDF5 raise: who reads the rest says what is wrong
        return ""


def _plain(dataset: xr.Dataset) -> xr.Dataset:
    """In memory, as it was before saving: Python's own numbers, no trace of the file."""
    dataset = dataset.load().drop_encoding()
    dataset.attrs = {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in dataset.attrs.items()
    }
    texts = {
        name: variable.astype(str)
        for name, variable in dataset.variables.items()
        if variable.dtype.kind in "OT"
    }
    return dataset.assign(texts)
