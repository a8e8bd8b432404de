"""One of two processes with four devices each, which train together; prints what it saw as JSON.

`python one_of_two_processes.py PORT NUMBER`
"""

import json
import sys
import warnings

import jax
import layouts_of_training as training
from jax.sharding import NamedSharding, PartitionSpec
from spread_runs import bits, collectives


def main(port, number):
    warnings.simplefilter("error")
    jax.distributed.initialize(f"127.0.0.1:{port}", num_processes=2, process_id=int(number))
    assert (len(jax.devices()), len(jax.local_devices())) == (8, 4)
    mesh = training.mesh_of({"data": 8})
    optimizer = training.OPTIMIZERS["rmsprop"]
    whole, parts = (NamedSharding(mesh, PartitionSpec(*spec)) for spec in ((), ("data",)))

    def on_the_mesh(tree, place):
        """Each process has all numbers here, and gives its devices what belongs to them."""
        return jax.tree.map(
            lambda x: jax.make_array_from_callback(x.shape, place, lambda index: x[index]), tree
        )

    params, batches = training.network()
    params, batches = on_the_mesh(params, whole), on_the_mesh(batches, parts)
    params, state, compiled = training.spread(optimizer, params, mesh, batches)
    training.assert_close_to_one_device(optimizer, params)
    shards = [shard for leaf in jax.tree.leaves(state) for shard in leaf.addressable_shards]
    print(
        json.dumps(
            {
                "bytes by device": [
                    sum(shard.data.nbytes for shard in shards if shard.device == device)
                    for device in jax.local_devices()
                ],
                "bytes": sum(leaf.nbytes for leaf in jax.tree.leaves(state)),
                "collectives": collectives(compiled.as_text()),
                "parameters": {path: x.hex() for path, x in bits(params).items()},
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
