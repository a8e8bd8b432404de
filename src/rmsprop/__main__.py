"""Runs the command line for `python -m rmsprop`."""

import sys

from rmsprop.commands.command_line import main

if __name__ == "__main__":
    sys.exit(main())
