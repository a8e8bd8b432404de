"""`python -m rmsprop`: the command line."""

import sys

from rmsprop.commands.command_line import main

if __name__ == "__main__":
    sys.exit(main())
