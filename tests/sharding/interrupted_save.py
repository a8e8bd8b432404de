"""Saves step 1, begins to save step 2, and is killed while it does so.

`python interrupted_save.py FOLDER`
"""

import os
import pathlib
import signal
import sys
import threading

import checkpoints
import jax
import layouts_of_training as training
import orbax.checkpoint as ocp


def kill_at(pattern, folder):
    """Ends this process at once when there is a file of this pattern in the folder."""
    while not any(folder.glob(pattern)):
        pass
    os.kill(os.getpid(), signal.SIGKILL)


def main(folder):
    folder = pathlib.Path(folder)
    mesh = training.mesh_of({"data": 8})
    with ocp.CheckpointManager(folder) as manager:
        for step in (1, 2):
            run = checkpoints.run_at(step, mesh)
            jax.block_until_ready(run)
            if step == 2:
                # The folder of an unfinished save has another name, and has files by now.
                arguments = ("2.*/*/*", folder)
                threading.Thread(target=kill_at, args=arguments, daemon=True).start()
            manager.save(step, args=ocp.args.StandardSave(run))
            manager.wait_until_finished()


if __name__ == "__main__":
    main(sys.argv[1])
