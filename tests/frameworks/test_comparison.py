"""How far two conventions drift, against loops in NumPy."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import reference
import rmsprop
from rmsprop import frameworks
from rmsprop.commands import command_line

# Most programs here run once: to compile them is most of the work.
pytestmark = pytest.mark.usefixtures("compiled_quickly")

EFFICIENTNET = "timm.rmsprop_tf(0.01, eps=1e-3, momentum=0.9)"
VERBATIM = "torch.rmsprop(0.01, alpha=0.9, eps=1e-3, momentum=0.9)"


def way(gradients, count, **convention):
    """The parameters after some steps, started from zero."""
    settings = {"initial_scale": 1.0, "eps_in_sqrt": True, "momentum": 0.9} | convention
    run = reference.rmsprop(
        np.zeros(gradients.shape[1]),
        gradients[:count],
        lambda k: 0.01,
        lambda k: 0.9,
        1e-3,
        **settings,
    )
    return run.params[-1]


def rms(x):
    return float(np.sqrt(np.mean(np.square(x))))


@pytest.mark.usefixtures("x64")
def test_distances_are_those_of_two_loops(rng):
    gradients = rng.normal(size=(60, 40)) * 1e-3
    drift = frameworks.compare_conventions(
        EFFICIENTNET, VERBATIM, gradients=gradients, parameters=np.zeros(40), steps=(10, 60)
    )
    found = {d.axis: d for d in drift.differences}
    assert set(found) == {"eps_in_sqrt", "initial", "lr_in_momentum"}
    place, start, rate = (found[name] for name in ("eps_in_sqrt", "initial", "lr_in_momentum"))
    # The first to mend is the one that leaves least.
    assert drift.differences[0] is min(drift.differences, key=lambda d: d.rest[-1])
    for k, count in enumerate((10, 60)):
        first = way(gradients, count)
        second = way(gradients, count, initial_scale=0.0, eps_in_sqrt=False)
        assert drift.travelled[0][k] == pytest.approx(rms(first), rel=1e-9)
        assert drift.travelled[1][k] == pytest.approx(rms(second), rel=1e-9)
        assert drift.apart[k] == pytest.approx(rms(first - second) / rms(first), rel=1e-9)
        outside = way(gradients, count, eps_in_sqrt=False)
        zero = way(gradients, count, initial_scale=0.0)
        assert place.alone[k] == pytest.approx(rms(first - outside) / rms(first), rel=1e-9)
        assert start.alone[k] == pytest.approx(rms(first - zero) / rms(first), rel=1e-9)
        # Corrected in the second, each leaves what the other does alone.
        assert place.rest[k] == pytest.approx(start.alone[k], rel=1e-9)
        assert start.rest[k] == pytest.approx(place.alone[k], rel=1e-9)
        # The rate is constant: where it stands changes nothing.
        assert rate.alone[k] < 1e-12
        assert rate.rest[k] == pytest.approx(drift.apart[k], rel=1e-9)


def test_an_efficientnet_recipe_moved_verbatim_takes_steps_hundreds_of_times_too_long():
    drift = frameworks.compare_conventions(EFFICIENTNET, VERBATIM, scale=1e-3, steps=(10,))
    assert 400 < drift.travelled[1][0] / drift.travelled[0][0] < 600


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(
    ("first", "second", "axis"),
    [
        ("torch.rmsprop(0.01)", "torch.rmsprop(0.01, centered=True)", "centered"),
        ("torch.rmsprop(0.01)", "torch.rmsprop(0.01, alpha=0.9)", "decay"),
        ("torch.rmsprop(0.01)", "torch.rmsprop(0.01, maximize=True)", "maximize"),
        ("torch.rmsprop(0.01)", "torch.rmsprop(0.01, weight_decay=0.1)", "weight_decay"),
        ("optax.adagrad(0.1)", "optax.adagrad(0.1, eps=1.0)", "eps"),
        ("torch.adagrad(0.01, eps=0)", "jax_examples.adagrad(0.01)", "momentum"),
        ("optax.rmsprop(0.01)", "optax.rmsprop(0.01, momentum=0.9, nesterov=True)", "momentum"),
        ("timm.rmsprop_tf(0.01)", "timm.rmsprop_tf(0.01, momentum=0.9, caution=True)", "momentum"),
        (
            "paddle.rmsprop(0.01, rho=0.9, epsilon=1e-8, weight_decay=0.1)",
            "mxnet.rmsprop(0.01, wd=0.1, clip_gradient=0.1)",
            "clipping",
        ),
        (
            "keras.rmsprop(optax.linear_schedule(0.01, 0, 9))",
            "keras.rmsprop(optax.linear_schedule(0.01, 0, 9), gradient_accumulation_steps=4)",
            "around",
        ),
        (
            "timm.rmsprop_tf(0.01, weight_decay=0.1)",
            "timm.rmsprop_tf(0.01, weight_decay=0.1, decoupled_decay=True)",
            "weight_decay_rule",
        ),
        (
            "torch.rmsprop(0.01)",
            "torch.rmsprop(optax.linear_schedule(0.01, 0, 9))",
            "learning_rate",
        ),
    ],
)
def test_a_single_difference_is_responsible_for_everything(first, second, axis):
    drift = frameworks.compare_conventions(first, second, steps=(5, 20))
    (difference,) = drift.differences
    assert difference.axis == axis
    assert difference.alone == pytest.approx(drift.apart)
    assert max(difference.rest) < 1e-12
    assert min(drift.apart) > 1e-3
    assert "The only difference is the" in str(drift)


def test_constants_that_a_framework_rounds_to_float32_are_no_difference():
    drift = frameworks.compare_conventions(
        "tensorflow.rmsprop(0.01, momentum=0.9)", "timm.rmsprop_tf(0.01, momentum=0.9)", steps=(5,)
    )
    assert drift.differences == ()


def test_what_surrounds_a_step_is_told_apart_by_its_settings():
    call = "keras.rmsprop(0.01, use_ema=True, ema_overwrite_frequency=2, ema_momentum={})".format
    assert frameworks.compare_conventions(call(0.5), call(0.5), steps=(4,)).differences == ()
    (difference,) = frameworks.compare_conventions(call(0.5), call(0.9), steps=(4,)).differences
    assert difference.axis == "around"


def test_two_names_of_one_optimizer():
    rate = "optax.linear_schedule(0.01, 0.0, 9)"
    drift = frameworks.compare_conventions(
        f"jax_examples.rmsprop({rate})", f"optax.rmsprop({rate})", steps=(20,)
    )
    assert drift.differences == ()
    assert drift.apart == (0.0,)
    assert "mean the same" in str(drift)


def test_any_transformation_can_be_compared_without_attribution():
    drift = frameworks.compare_conventions(
        optax.rmsprop(0.01), rmsprop.rmsprop(0.01), steps=(10,), scale=0.1
    )
    assert drift.differences is None
    # Two spellings of one formula: some roundings of float32 in ten steps.
    assert drift.apart[0] < 1e-5
    assert "does not" in str(drift)


def test_a_second_optimizer_that_diverges_is_infinitely_far():
    drift = frameworks.compare_conventions(
        optax.sgd(0.1), optax.sgd(lambda k: jnp.where(k > 2, jnp.nan, 0.1)), steps=(2, 5)
    )
    assert drift.apart == (0.0, float("inf"))


def test_small_steps_are_not_lost_to_the_size_of_the_parameters(rng):
    gradients = rng.normal(size=(10, 50)) * 1e-5
    calls = ("tensorflow.rmsprop(1e-3)", "torch.rmsprop(1e-3)")
    drift = frameworks.compare_conventions(*calls, gradients=gradients, steps=(10,))
    run = reference.rmsprop(
        np.zeros(50), gradients, lambda k: 1e-3, lambda k: 0.9, 1e-10, initial_scale=1.0
    )
    # float32: ten sums of ten steps, each rounded a few times.
    assert drift.travelled[0][0] == pytest.approx(rms(run.params[-1]), rel=1e-5)


def test_gradients_of_zero_are_no_agreement():
    drift = frameworks.compare_conventions(
        "torch.rmsprop(0.1)", "torch.rmsprop(0.2)", gradients=np.zeros((3, 2)), steps=(3,)
    )
    assert "Neither of the two has moved" in str(drift)


def test_what_is_exchanged_together_is_named():
    drift = frameworks.compare_conventions(
        "optax.rmsprop(0.01)", "optax.rmsprop(0.01, momentum=0.9, nesterov=True)", steps=(5,)
    )
    assert drift.differences[0].together == (("nesterov", False, True),)
    assert "kind of momentum        heavy ball                Nesterov" in str(drift)


def test_trees_and_parameters_may_be_given(rng):
    gradients = {"a": rng.normal(size=(12, 3)), "b": rng.normal(size=(12, 2, 2))}
    start = {"a": np.zeros(3), "b": np.ones((2, 2))}
    drift = frameworks.compare_conventions(
        "torch.adagrad(0.1, weight_decay=0.1)",
        "torch.adagrad(0.1)",
        gradients=gradients,
        parameters=start,
        steps=(12,),
    )
    assert [d.axis for d in drift.differences] == ["weight_decay"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": ()}, "steps is"),
        ({"steps": (10, 5)}, "in rising order"),
        ({"steps": (0,)}, "at least 1"),
        ({"scale": 0.0}, "scale is 0.0"),
        (
            {"gradients": np.zeros((5, 2)), "steps": (10,)},
            r"holds 5 steps and 10 are asked for. Pass",
        ),
        ({"gradients": np.float32(1.0)}, "whose first axis counts the steps"),
        ({"gradients": {"a": np.zeros((5, 2)), "b": np.zeros(4)}}, "whose first axis counts"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        frameworks.compare_conventions("torch.rmsprop()", "torch.adagrad()", **arguments)


def test_the_command_prints_the_table_within_80_columns(capsys):
    words = ["conventions", EFFICIENTNET, VERBATIM, "--scale", "1e-3", "--steps", "10,100"]
    assert command_line.main(words) == 0
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 80
    assert printed.count("place of epsilon") == 5
    assert " ".join(printed.split()).endswith(
        "To correct first: place of epsilon (under the root). Set eps=0.0316227766 in"
        " torch.rmsprop. Its epsilon is the root of the first one's, because it is added to the"
        " root. No argument of torch.rmsprop alone corrects: place of epsilon (added to the root,"
        " in the first under the root); starting value (0, in the first 1); place of the rate"
        " (after momentum, in the first before momentum)."
    )


def test_the_command_reads_gradients_from_a_file(tmp_path, capsys, rng):
    np.save(tmp_path / "g.npy", rng.normal(size=(20, 4)))
    words = ["conventions", EFFICIENTNET, VERBATIM, "--gradients", str(tmp_path / "g.npy")]
    assert command_line.main([*words, "--steps", "20"]) == 0
    assert "the gradients that were given" in capsys.readouterr().out
    (tmp_path / "g.npy").write_text("no array")
    assert command_line.main([*words, "--steps", "20"]) == 2
    assert "it must be a NumPy file of one array of numbers" in capsys.readouterr().err


def test_the_command_refuses_in_one_line(capsys):
    assert command_line.main(["conventions", "torch.rmsprop(lr=-1)", VERBATIM]) == 2
    assert capsys.readouterr().err == (
        "rmsprop: error: lr is -1.0; it must be a finite number, at least 0. Pass maximize=True to"
        " maximise.\n"
    )
    assert command_line.main(["conventions", EFFICIENTNET, VERBATIM, "--steps", "ten"]) == 2
    assert "steps is 'ten'; it must be numbers" in capsys.readouterr().err
