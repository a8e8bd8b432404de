"""The command line: one module a command, which has `add_arguments` and `run`."""
