"""The table holds every public transformation."""

import jax
import jax.numpy as jnp
import table


def test_every_public_function_is_in_the_table():
    assert {entry.path for entry in table.TABLE} == set(table.public_functions())


def test_names_tell_the_settings_apart():
    names = [entry.name for entry in table.TABLE]
    assert len(set(names)) == len(names)


def test_core_functions_come_in_several_settings():
    for path in {entry.path for entry in table.RESCALINGS + table.OPTIMIZERS}:
        assert sum(entry.path == path for entry in table.TABLE) >= 2, path


def test_the_plain_run_has_one_setting_of_each_core_function_and_one_in_bfloat16():
    plain = [entry for entry in table.TABLE if entry.plain]
    core = {entry.path for entry in table.RESCALINGS + table.OPTIMIZERS}
    assert sorted(entry.path for entry in plain if not entry.is_narrow) == sorted(core)
    assert [entry.path for entry in plain if entry.is_narrow] == ["rmsprop.rmsprop"]


def test_the_ports_with_a_state_of_their_own_are_known():
    def is_state(node):
        return hasattr(node, "_fields")

    def classes(state):
        """The named tuples in a state, those inside of others included."""
        for node in jax.tree.leaves(state, is_leaf=is_state):
            if is_state(node):
                yield type(node)
                yield from classes(tuple(node))

    found = set()
    for entry in table.PORTS:
        state = entry.function(**entry.arguments).init({"w": jnp.ones(2)})
        if any(c.__module__.startswith("rmsprop.frameworks.") for c in classes(state)):
            found.add(entry.path.removeprefix("rmsprop.frameworks."))
    assert found == set(table.WITH_A_STATE_OF_THEIR_OWN)
