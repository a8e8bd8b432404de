"""Restores the newest checkpoint on a mesh of its own, and saves it again as the next step.

`python restored_checkpoint.py FOLDER AXIS=SIZE...` prints what it found as JSON.
"""

import json
import sys

import checkpoints
import jax
import layouts_of_training as training
import numpy as np
import orbax.checkpoint as ocp
from spread_runs import bytes_by_device


def main(folder, *axes):
    mesh = training.mesh_of({name: int(size) for name, size in (x.split("=") for x in axes)})
    target = checkpoints.target(mesh)
    with ocp.CheckpointManager(folder) as manager:
        step = manager.latest_step()
        run = manager.restore(step, args=ocp.args.StandardRestore(target))
        jax.tree.map(np.testing.assert_array_equal, run, checkpoints.values_at(step))
        assert jax.tree.map(lambda x: x.sharding, run) == jax.tree.map(lambda x: x.sharding, target)
        manager.save(step + 1, args=ocp.args.StandardSave(checkpoints.run_at(step + 1, mesh)))
    held = [size for size in bytes_by_device(run["state"]) if size]
    print(json.dumps({"step": step, "bytes by device": held}))


if __name__ == "__main__":
    main(*sys.argv[1:])
