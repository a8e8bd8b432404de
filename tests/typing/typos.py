"""Slips of the pen: each line that ends in `# error` has to be an error in both type checkers.

It is never run. `check.py` gives it to pyright and mypy.
"""

import jax.numpy as jnp

import rmsprop
from rmsprop import frameworks, rows, study

# Names, at each level.
rmsprop.rmsprop_typo  # error
rmsprop.row  # error
rmsprop.frameworks.toch  # error
rmsprop.frameworks.torch.rmsprop_typo  # error
frameworks.convention  # error
frameworks.keras.legacy_rmsprob(0.1)  # error
rmsprop.rows.rmspropp(0.1)  # error
rows.value_and_gradient  # error
frameworks.torch.rmsprop(1e-3).conventions  # untyped Optax
frameworks.torch.rmsprop(1e-3).convention.epsilon  # error

# Arguments.
rmsprop.rmsprop(0.1, momentun=0.9)  # error
rmsprop.rmsprop(0.1, 0.9, 1e-8, 0.0)  # error
rmsprop.rmsprop()  # error
rmsprop.rmsprop("0.1")  # untyped Optax
rmsprop.rmsprop(0.1, decay="0.9")  # error
frameworks.torch.rmsprop("1e-3")  # error
rmsprop.adagrad(0.1, decay=0.9)  # error
rmsprop.scale_by_rms(centered=True)  # error
rmsprop.scale_by_stddev(eps_in_sqrt="yes")  # error
rmsprop.apply_updates(jnp.ones(2))  # error
frameworks.torch.rmsprop(learning_rate=1e-3)  # error
frameworks.tensorflow.rmsprop(0.1, eps=1e-3)  # error
frameworks.compare_conventions("torch.rmsprop()", "keras.rmsprop()", step=(10,))  # error
frameworks.torch.import_states  # error
frameworks.torch.import_state({}, frameworks.torch.rmsprop(0.1), {}, new="adagrad")  # error
frameworks.keras.import_state(frameworks.keras.rmsprop(0.1), "a.keras", {}, name=[0])  # error
frameworks.torch.export_state(frameworks.torch.rmsprop(0.1), {}, {}, step="40")  # error
frameworks.tensorflow.import_state(frameworks.tensorflow.adagrad(0.1), {}, {})  # error
frameworks.keras.import_state(rmsprop.rmsprop(0.1), "a.keras", {})  # untyped Optax
rows.rmsprop(0.1, nesterov=True)  # error
rows.adagrad(0.1).update  # error

# The study.
study.tasks_of("digits")  # error
study.compares  # error
rmsprop.study.Comparision  # error
study.compare(study.task("digits"), seed=3)  # error
study.compare(study.task("digits")).sumary()  # error
study.task(1)  # error
