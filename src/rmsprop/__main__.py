"""Runs the command line for `python -m rmsprop`."""

import os
import sys

if __name__ == "__main__":
    # Python puts the current folder first, so that a file `h5netcdf.py` there would be taken for
    # the package of this name. `python -P -m rmsprop` leaves it out from the beginning.
    if not sys.flags.safe_path and sys.path[:1] == [os.getcwd()]:
        del sys.path[0]

    from rmsprop.commands.command_line import main

    sys.exit(main())
