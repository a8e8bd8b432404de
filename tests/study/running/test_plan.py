"""What a study refuses before its first run."""

import dataclasses
import re

import optax
import pytest

from rmsprop import study
from rmsprop.study.optimizers import Defaults
from tiny_problem import tiny


def _refused(*arguments, **options):
    """The error of a comparison of which nothing has begun."""
    with pytest.raises((ValueError, TypeError)) as raised:
        study.compare(*(arguments or (tiny(path=False), {"sgd": optax.sgd})), **options)
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"seeds": "3"}, "seeds is '3'; it must be an integer"),
        ({"seeds": 2.5}, "seeds is 2.5; it must be an integer"),
        ({"seeds": None}, "seeds is None; it must be an integer"),
        ({"tuning_seeds": True}, "tuning_seeds is True; it must be an integer"),
        ({"first_seed": 0.0}, "first_seed is 0.0; it must be an integer"),
        ({"steps": 10.0}, "steps is 10.0; it must be an integer"),
        ({"memory": 1e9}, "memory is 1000000000.0; it must be an integer"),
        ({"schedules": [None]}, "schedule None is unknown; choose of"),
        ({"schedules": [["linear"]]}, "schedule ['linear'] is unknown; choose of"),
        ({"command": "a\0b"}, "command is 'a\\x00b'; it must be text without control"),
        ({"command": None}, "command is None; it must be text"),
    ],
)
def test_settings_that_are_no_settings(options, sentence, tmp_path):
    assert sentence in _refused(**options, folder=tmp_path / "study")
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize("name", [None, "", "a\0b", "x" * 300])
def test_optimizers_whose_names_no_file_could_hold(name):
    assert re.search("the name of an optimizer is .*must", _refused(tiny(), {name: optax.sgd}))


def test_defaults_that_fail_are_named():
    """They run after all that is tuned."""

    def fails(rate):
        raise RuntimeError("no licence")

    shipped = {"torch": Defaults(fails, 0.1, {})}
    sgd = dataclasses.replace(study.optimizer("sgd", optax.sgd), shipped=shipped)
    sentence = "optimizer 'sgd with the defaults torch' cannot be used: no licence"
    assert sentence in _refused(tiny(path=False), [sgd], seeds=2)
