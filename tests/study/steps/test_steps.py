"""`rmsprop steps` against NumPy loops written out here; what it prints, draws and refuses."""

import argparse
import ast
import doctest
import inspect
import re
import sys
import threading
from xml.etree import ElementTree

import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

import rmsprop
from rmsprop.commands import steps
from rmsprop.commands.command_line import main
from rmsprop.study.steps import functions, picture
from rmsprop.study.steps import minimise as module
from rmsprop.study.steps import table as tabulation
from rmsprop.study.steps.functions import FUNCTIONS, valley
from rmsprop.study.steps.minimise import OPTIMIZERS, minimise
from rmsprop.study.steps.picture import draw
from rmsprop.study.steps.table import table

GRADIENTS = {
    "square": lambda x: 2 * x,
    "valley": lambda x: np.array([x[0], 100 * x[1]]),
    "rosenbrock": lambda x: np.array(
        [-2 * (1 - x[0]) - 400 * x[0] * (x[1] - x[0] ** 2), 200 * (x[1] - x[0] ** 2)]
    ),
    "two-weights": lambda x: np.array([0.1, 10.0]),
}
# A learning rate at which no optimizer leaves the floor of any function: on a path that bounces
# from wall to wall rounding errors double with every step, and nothing could be compared.
CALM = {"square": 0.05, "valley": 0.005, "rosenbrock": 0.0005, "two-weights": 0.05}


def loop(gradient_of, start, optimizer, learning_rate, steps, decay, eps, eps_in_sqrt, initial):
    """Rows of x after, gradient before, accumulator, effective learning rate, update."""
    x = np.array(start, np.float64)
    v = np.full_like(x, initial)
    rows = []
    for _ in range(steps):
        g = gradient_of(x)
        if optimizer == "rmsprop":
            v = decay * v + (1 - decay) * g * g
        elif optimizer == "adagrad":
            v = v + g * g
        if optimizer == "sgd":
            rate = np.full_like(x, learning_rate)
        elif eps_in_sqrt:
            rate = learning_rate / np.sqrt(v + eps)
        else:
            rate = learning_rate / (np.sqrt(v) + eps)
        x = x - rate * g
        rows.append((x, g, v if optimizer != "sgd" else np.full_like(x, np.nan), rate, rate * g))
    return [np.array(column) for column in zip(*rows, strict=True)]


def columns(steps):
    return [
        steps.x,
        steps.gradient,
        steps.second_moment,
        steps.effective_learning_rate,
        steps.update,
    ]


@pytest.fixture
def printed(capsys, monkeypatch):
    """Runs the command with the given words and returns what it prints, as into a pipe."""
    for variable in ("FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE"):
        monkeypatch.delenv(variable, raising=False)

    def run(*words):
        parser = argparse.ArgumentParser()
        steps.add_arguments(parser)
        assert steps.run(parser.parse_args([str(word) for word in words])) == 0
        return capsys.readouterr().out

    return run


def first_rows(out):
    """The cells of all rows of the table in `out`."""
    lines = [line.split("|") for line in out.splitlines() if line.count("|") > 4]
    return [[cell.strip() for cell in line] for line in lines[1:]]


class TestNumbers:
    @pytest.mark.parametrize("function", FUNCTIONS)
    @pytest.mark.parametrize(
        ("optimizer", "options"),
        [
            ("rmsprop", {}),
            ("rmsprop", {"decay": 0.5, "eps": 0.3, "initial": 2.0}),
            ("rmsprop", {"decay": 0.99, "eps": 0.3, "eps_in_sqrt": False, "initial": 1.0}),
            ("adagrad", {}),
            ("adagrad", {"eps": 0.3, "initial": 0.1}),
            ("adagrad", {"eps": 0.3, "eps_in_sqrt": False, "initial": 0.1}),
            ("sgd", {}),
        ],
    )
    def test_are_those_of_a_loop_written_out(self, function, optimizer, options):
        done = minimise(
            FUNCTIONS[function], None, optimizer, learning_rate=CALM[function], steps=40, **options
        )
        settings = {
            "decay": 0.9,
            "eps": {"rmsprop": 1e-8, "adagrad": 1e-7, "sgd": 0.0}[optimizer],
            "eps_in_sqrt": True,
            "initial": 0.0,
        } | options
        expected = loop(
            GRADIENTS[function],
            FUNCTIONS[function].start,
            optimizer,
            CALM[function],
            40,
            **settings,
        )
        for name, ours, theirs in zip(
            ("x", "gradient", "v", "rate", "update"), columns(done), expected, strict=True
        ):
            assert ours.dtype == np.float64
            # About ten roundings of 1.1e-16 in each of 40 steps, and a gradient 400 times steeper
            # than the function is high (Rosenbrock): 40 * 10 * 1.1e-16 * 400 = 2e-11.
            np.testing.assert_allclose(
                ours, theirs, rtol=2e-11, atol=2e-11 * np.abs(theirs).max(), err_msg=name
            )
        np.testing.assert_array_equal(done.step, np.arange(1, 41))

    def test_first_step_of_the_worked_example(self):
        """T13: E[g^2] is 6.4 and x is 4 - 0.1 / sqrt(6.4) * 8, not 1.47."""
        done = minimise(lambda x: x**2, 4.0, "rmsprop", learning_rate=0.1, decay=0.9, eps=0.0)
        # A few roundings of 1.1e-16 each.
        assert done.gradient[0, 0] == 8.0
        assert done.second_moment[0, 0] == pytest.approx(6.4, rel=1e-15)
        assert done.x[0, 0] == pytest.approx(4 - 0.1 / np.sqrt(6.4) * 8, rel=1e-15)
        assert f"{done.x[0, 0]:.4f}" == "3.6838"
        # The second step: E[g^2] = 0.9 * 6.4 + 0.1 * (2 * 3.6838)^2.
        x = 4 - 0.8 / np.sqrt(6.4)
        assert done.second_moment[1, 0] == pytest.approx(5.76 + 0.4 * x**2, rel=1e-15)

    @pytest.mark.parametrize("optimizer", ["rmsprop", "adagrad"])
    def test_two_weights_move_alike(self, optimizer):
        """T14: gradients 0.1 and 10, effective learning rates a factor of 100 apart."""
        done = minimise(FUNCTIONS["two-weights"], None, optimizer, eps=0.0, steps=300)
        rates = done.effective_learning_rate
        # Exact but for the roundings of the update, of its quotient, and of 0.1 itself.
        np.testing.assert_allclose(rates[:, 0] / rates[:, 1], 100, rtol=1e-14)
        np.testing.assert_allclose(done.update[:, 0], done.update[:, 1], rtol=1e-14)
        if optimizer == "rmsprop":
            # After 300 steps the average is short of the square by 0.9^300 = 2e-14 of it.
            np.testing.assert_allclose(rates[-1], [0.1 / 0.1, 0.1 / 10], rtol=1e-12)
        else:
            np.testing.assert_allclose(rates[-1] * np.sqrt(300), [1.0, 0.01], rtol=1e-12)

    def test_two_weights_with_sgd_do_not_move_alike(self):
        done = minimise(FUNCTIONS["two-weights"], None, "sgd", steps=10)
        # x = 4 - 10 steps of 0.1 * 0.1 and of 0.1 * 10; ten roundings of up to 4.4e-16.
        np.testing.assert_allclose(done.x[-1], [3.9, -6.0], rtol=0, atol=1e-14)

    def test_effective_learning_rate_where_the_gradient_is_zero(self):
        done = minimise(valley(), [0.0, 1.0], eps=0.04, initial=0.25, steps=2)
        # v = 0.9^k * 0.25 without a gradient; a handful of roundings.
        v = np.array([0.9, 0.81]) * 0.25
        np.testing.assert_array_equal(done.update[:, 0], 0)
        np.testing.assert_allclose(
            done.effective_learning_rate[:, 0], 0.1 / np.sqrt(v + 0.04), rtol=1e-15
        )
        outside = minimise(valley(), [0.0, 1.0], eps=0.04, eps_in_sqrt=False, initial=0.25, steps=2)
        np.testing.assert_allclose(
            outside.effective_learning_rate[:, 0], 0.1 / (np.sqrt(v) + 0.04), rtol=1e-15
        )

    def test_effective_learning_rate_where_the_gradient_is_subnormal(self):
        done = minimise(lambda x: 1e-310 * x, 4.0, eps=0.01, steps=1)
        # It counts as zero, so that no update was made: 0.1 / sqrt(0.01), to a few roundings.
        assert done.effective_learning_rate[0, 0] == pytest.approx(1.0, rel=1e-14)

    def test_effective_learning_rate_is_what_was_done_where_the_square_overflows(self):
        done = minimise(FUNCTIONS["square"], 1e200, steps=1)
        # The bound of a step, lr / sqrt(1 - decay); the formula with a saturated v would give more.
        assert done.update[0, 0] == pytest.approx(0.1 / np.sqrt(0.1), rel=1e-12)
        assert done.effective_learning_rate[0, 0] == pytest.approx(
            0.1 / np.sqrt(0.1) / 2e200, rel=1e-12, abs=0.0
        )

    def test_value_and_start(self):
        done = minimise(valley(10), steps=3)
        np.testing.assert_array_equal(done.start, [4.0, 1.0])
        assert done.start_value == 13.0
        # Three roundings.
        np.testing.assert_allclose(
            done.value, (done.x[:, 0] ** 2 + 10 * done.x[:, 1] ** 2) / 2, rtol=1e-15
        )

    def test_a_function_of_ones_own(self):
        def bowl(x):
            return jnp.sum((x - 1) ** 2)

        done = minimise(bowl, [3.0, 0.0, 1.0], "sgd", learning_rate=0.25, steps=2)
        # x - 1 halves with every step: no rounding.
        np.testing.assert_array_equal(done.x, [[2, 0.5, 1], [1.5, 0.75, 1]])
        assert done.objective.formula == "bowl"
        assert done.objective.names == ["x1", "x2", "x3"]

    def test_a_scalar_function_gets_a_scalar(self):
        shapes = []
        minimise(lambda x: shapes.append(x.shape) or x**2, 4.0, steps=1)
        assert set(shapes) == {()}

    def test_a_diverging_run_is_kept_to_its_end(self):
        done = minimise(FUNCTIONS["rosenbrock"], None, "sgd", steps=12)
        assert np.isfinite(done.x[:5]).all()
        assert not np.isfinite(done.x[5:]).any()
        assert len(done.x) == 12

    def test_defaults_are_the_librarys_own(self):
        for optimizer, function in [
            ("rmsprop", rmsprop.scale_by_rms),
            ("adagrad", rmsprop.scale_by_rss),
        ]:
            defaults = {k: p.default for k, p in inspect.signature(function).parameters.items()}
            shared = OPTIMIZERS[optimizer].keys() & defaults.keys()
            assert shared >= {"eps", "eps_in_sqrt"}
            assert {k: OPTIMIZERS[optimizer][k] for k in shared} == {k: defaults[k] for k in shared}

    @pytest.mark.parametrize("before", [False, True])
    def test_float64_mode_is_put_back(self, before):
        was = jnp.ones(()).dtype == jnp.float64
        jax.config.update("jax_enable_x64", before)
        try:
            minimise(FUNCTIONS["square"], steps=1)
            assert jnp.ones(()).dtype == (jnp.float64 if before else jnp.float32)
            with pytest.raises(ZeroDivisionError), module.float64():
                raise ZeroDivisionError
            assert jnp.ones(()).dtype == (jnp.float64 if before else jnp.float32)
        finally:
            jax.config.update("jax_enable_x64", bool(was))

    def test_float64_mode_stays_in_its_thread(self):
        seen = []
        with module.float64():
            assert jnp.ones(()).dtype == jnp.float64
            thread = threading.Thread(target=lambda: seen.append(jnp.ones(()).dtype))
            thread.start()
            thread.join()
        assert seen == [jnp.float32]


class TestRefusals:
    @pytest.mark.parametrize(
        ("words", "message"),
        [
            ("--optimizer sgd --decay 0.9", r"decay is 0.9, but the optimizer sgd has no decay"),
            ("--optimizer adagrad --decay 0.9", r"no decay.*choose the optimizer rmsprop\."),
            ("--optimizer sgd --eps 0", r"eps is 0.*choose the optimizer rmsprop or adagrad\."),
            ("--optimizer sgd --eps-in-sqrt", r"eps_in_sqrt is True, but"),
            ("--optimizer sgd --no-eps-in-sqrt", r"eps_in_sqrt is False, but"),
            ("--optimizer sgd --initial 0", r"initial is 0.*has no initial"),
            ("--condition 10", r"condition is 10, but the function square.*the function valley\."),
            ("--condition 10 --function x**2", r"the function square has no condition"),
            ("--condition 10 --function rosenbrock", r"the function rosenbrock has no condition"),
            ("--condition 0.5 --function valley", r"condition is 0.5; it must be .*at least 1"),
            ("--condition nan --function valley", r"condition is nan; it must be"),
            ("--condition inf --function valley", r"condition is inf; it must be"),
            ("--start 1 2", r"start is \[1.0, 2.0\]; x\*\*2 needs 1 number, for x\."),
            ("--start 1 --function valley", r"needs 2 numbers, for x1 and x2\."),
            ("--start nan", r"start is \[nan\]; it must be a finite number"),
            ("--start 1 inf --function valley", r"start is \[1.0, inf\]; it must be a finite"),
            ("--steps 0", r"steps is 0; it must be at least 1"),
            ("--learning-rate -0.1", r"learning_rate is -0.1; it must be .* at least 0"),
            ("--learning-rate inf", r"learning_rate is inf; it must be"),
            ("--learning-rate nan", r"learning_rate is nan; it must be"),
            ("--decay 1", r"decay is 1.0; it must be .* below 1"),
            ("--decay -0.1", r"decay is -0.1; it must be"),
            ("--eps -1", r"eps is -1.0; it must be"),
            ("--eps -1 --optimizer adagrad", r"eps is -1.0; it must be"),
            ("--initial -1", r"initial is -1; it must be .*at least 0"),
            ("--initial nan --optimizer adagrad", r"initial is nan; it must be"),
        ],
    )
    def test_of_settings(self, printed, capsys, words, message):
        with pytest.raises(ValueError, match=message) as caught:
            printed(*words.split())
        assert "\n" not in str(caught.value)
        assert capsys.readouterr().out == ""

    def test_of_a_part_of_a_step(self):
        with pytest.raises(ValueError, match=r"steps is 2\.5; .*whole number"):
            minimise(FUNCTIONS["square"], steps=2.5)  # pyright: ignore[reportArgumentType]
        assert len(minimise(FUNCTIONS["square"], steps=np.int32(2)).step) == 2  # pyright: ignore[reportArgumentType]

    def test_of_an_unknown_optimizer(self):
        with pytest.raises(
            ValueError, match="optimizer is 'adam'; it must be one of rmsprop, adag"
        ):
            minimise(FUNCTIONS["square"], optimizer="adam")

    def test_of_a_missing_or_shapeless_start(self):
        with pytest.raises(ValueError, match="start is None; it must be a finite number"):
            minimise(lambda x: x**2)
        with pytest.raises(ValueError, match=r"start is \[\[1.0\]\]; it must be"):
            minimise(jnp.sum, [[1.0]])
        with pytest.raises(ValueError, match=r"start is \[\]; it must be"):
            minimise(jnp.sum, [])

    @pytest.mark.parametrize("words", ["--optimizer adam", "--function cube", "--steps 1.5"])
    def test_by_the_parser(self, printed, capsys, words):
        with pytest.raises(SystemExit) as caught:
            printed(*words.split())
        assert caught.value.code == 2
        assert words.split()[0] in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("picture.gif", r"picture\.gif; it must end in \.png, \.svg or \.pdf"),
            ("picture", r"it must end in"),
            ("missing/picture.png", r"the folder \S*missing does not exist\. Make it first"),
            ("folder.png", r"folder\.png; that is a folder"),
            ("file/picture.png", r"does not exist"),
        ],
    )
    def test_of_a_file_before_anything_is_computed(
        self, printed, tmp_path, monkeypatch, name, message
    ):
        (tmp_path / "folder.png").mkdir()
        (tmp_path / "file").write_text("")
        monkeypatch.setattr(steps, "minimise", lambda *_, **__: pytest.fail("computed"))
        with pytest.raises(ValueError, match=message):
            printed("--plot", tmp_path / name)

    def test_of_a_folder_that_cannot_be_written_to(self, printed, tmp_path, monkeypatch):
        monkeypatch.setattr(picture.os, "access", lambda *_: False)
        with pytest.raises(ValueError, match="cannot be written to"):
            printed("--plot", tmp_path / "picture.png")

    @pytest.mark.parametrize(
        ("package", "words"), [("rich", []), ("matplotlib", ["--plot", "picture.png"])]
    )
    def test_where_a_package_is_missing(self, printed, monkeypatch, tmp_path, package, words):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(steps, "minimise", lambda *_, **__: pytest.fail("computed"))
        for loaded in [*sys.modules]:
            if loaded.split(".")[0] == package:
                monkeypatch.delitem(sys.modules, loaded)
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(
            ModuleNotFoundError, match=rf"{package}.*pip install 'rmsprop\[study\]'"
        ):
            printed(*words)

    @pytest.mark.parametrize("words", [["--decay", "2"], ["--plot", "picture.gif"]])
    def test_is_one_line_and_an_exit_code_on_the_command_line(self, capsys, words):
        assert main(["steps", *words]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert re.fullmatch(r"rmsprop: error: [^\n]*\n", err)

    def test_of_a_missing_package_is_one_line_on_the_command_line(self, capsys, monkeypatch):
        for loaded in [*sys.modules]:
            if loaded.split(".")[0] == "rich":
                monkeypatch.delitem(sys.modules, loaded)
        monkeypatch.setitem(sys.modules, "rich", None)
        assert main(["steps"]) == 2
        assert re.fullmatch(r"rmsprop: error: .*rmsprop\[study\].*\n", capsys.readouterr().err)

    def test_of_more_coordinates_than_can_be_drawn(self, tmp_path):
        done = minimise(lambda x: jnp.sum(x**2), [1.0, 2.0, 3.0], steps=1)
        with pytest.raises(ValueError, match="steps has 3 coordinates"):
            draw(done, tmp_path / "picture.png")


class TestTable:
    def test_of_the_worked_example(self, printed):
        out = printed()
        header = next(line for line in out.splitlines() if "Step" in line)
        assert [cell.strip() for cell in header.split("|")] == [
            "Step",
            "x",
            "Gradient",
            "E[g^2]",
            "Effective LR",
            "Update",
        ]
        rows = first_rows(out)
        assert len(rows) == 30
        assert rows[0] == ["1", "3.6838", "8.0000", "6.4000", "0.039528", "0.3162"]
        # The second row by hand: g = 2 * 3.6838, E[g^2] = 5.76 + 0.1 g^2, 0.1 / sqrt(E[g^2]), ...
        assert rows[1] == ["2", "3.4635", "7.3675", "11.1881", "0.029897", "0.2203"]
        assert "x is the value after the step" in out
        assert "f went from 16 to 0.776736 in 30 steps." in out

    @pytest.mark.parametrize("function", FUNCTIONS)
    @pytest.mark.parametrize("optimizer", OPTIMIZERS)
    def test_fits_80_columns_and_is_aligned(self, printed, function, optimizer):
        out = printed("--function", function, "--optimizer", optimizer, "--learning-rate", "0.01")
        lines = out.splitlines()
        assert max(map(len, lines)) <= 80
        rule = next(line for line in lines if line.startswith("-----"))
        rows = [rule.replace("+", "|"), *(line for line in lines if " | " in line)]
        assert len({tuple(i for i, c in enumerate(row) if c == "|") for row in rows}) == 1
        assert out.isascii()
        assert [line for line in lines if line != line.rstrip()] == []
        assert "\x1b" not in out
        assert "…" not in out

    def test_of_two_coordinates_has_two_rows_a_step(self, printed):
        rows = first_rows(printed("--function", "two-weights", "--steps", 2))
        assert [row[:2] for row in rows] == [["1", "A"], ["", "B"], ["2", "A"], ["", "B"]]
        # v = 0.001 and 10 at the first step; each rate is 0.1 / sqrt(v + 1e-8).
        assert rows[0][2:] == ["3.6838", "0.1000", "1.000e-03", "3.162262", "0.3162"]
        assert rows[1][2:] == ["3.6838", "10.0000", "10.0000", "0.031623", "0.3162"]

    def test_tells_the_ratio_of_the_two_rates(self, printed):
        out = printed("--function", "two-weights", "--eps", 0)
        assert "Effective LR of A over that of B, last step: 100." in out

    @pytest.mark.parametrize(
        ("optimizer", "header", "cell"),
        [
            ("rmsprop", "E[g^2]", "6.4000"),
            ("adagrad", "Sum g^2", "64.0000"),
            ("sgd", "E[g^2]", "-"),
        ],
    )
    def test_heads_the_accumulator(self, printed, optimizer, header, cell):
        out = printed("--optimizer", optimizer, "--steps", 1)
        assert f" {header} |" in out
        assert first_rows(out)[0][3] == cell

    @pytest.mark.parametrize(
        ("value", "shown"),
        [
            (0.0, "0.0000"),
            (0.01, "0.0100"),
            (0.00999, "9.990e-03"),
            (-9999.0, "-9999.0000"),
            (10000.0, "1.000e+04"),
            (-1e-300, "-1.000e-300"),
            (np.inf, "inf"),
            (np.nan, "nan"),
        ],
    )
    def test_of_numbers_of_any_size(self, value, shown):
        assert tabulation._number(value) == shown

    def test_names_a_divergence(self, printed):
        out = printed("--function", "rosenbrock", "--optimizer", "sgd")
        # x grows as the cube of itself: by hand 20, 3e5, 1e18, 1e56, 6e169, and then beyond 1e308.
        assert "Diverged: x is not finite from step 6 on." in out
        assert "inf" in first_rows(out)[10]

    def test_names_a_divergence_of_the_function_alone(self, printed):
        words = ("--optimizer", "sgd", "--learning-rate", 1e50, "--steps", 4)
        # x = 4 * (-2e50)^4 = 6.4e201 is finite, its square is not.
        assert "Diverged: f is not finite from step 4 on." in printed(*words)

    def test_names_a_run_that_went_up(self, printed):
        out = printed("--optimizer", "sgd", "--learning-rate", 1.5, "--steps", 1)
        # x = 4 - 1.5 * 8 = -8.
        assert "f went from 16 to 64 in 1 step." in out
        assert "It ended above its start." in out
        assert "above its start" not in printed("--steps", 1)

    def test_is_not_cut_on_a_narrow_screen(self, printed, monkeypatch):
        wide = printed("--function", "rosenbrock")
        monkeypatch.setenv("COLUMNS", "30")
        assert printed("--function", "rosenbrock") == wide

    def test_title_names_the_settings(self, printed):
        out = printed("--no-eps-in-sqrt", "--eps", 0.5, "--initial", 2, "--decay", 0.75)
        words = " ".join(out.split())
        assert "learning rate 0.1, decay 0.75, eps 0.5 outside the root, E[g^2] from 2" in words
        assert "learning rate / (sqrt(E[g^2]) + eps)" in words

    def test_takes_three_coordinates(self):
        done = minimise(lambda x: jnp.sum(x**2), [1.0, 2.0, 3.0], steps=2)
        assert table(done).row_count == 6


class TestOptions:
    @pytest.mark.parametrize(
        ("words", "arguments"),
        [
            ("", {}),
            ("--optimizer adagrad", {"optimizer": "adagrad"}),
            ("--optimizer sgd", {"optimizer": "sgd"}),
            ("--learning-rate 0.3", {"learning_rate": 0.3}),
            ("--decay 0.5", {"decay": 0.5}),
            ("--eps 0.5", {"eps": 0.5}),
            ("--eps 0.5 --eps-in-sqrt", {"eps": 0.5, "eps_in_sqrt": True}),
            ("--eps 0.5 --no-eps-in-sqrt", {"eps": 0.5, "eps_in_sqrt": False}),
            ("--initial 3", {"initial": 3.0}),
            ("--optimizer adagrad --initial 3", {"optimizer": "adagrad", "initial": 3.0}),
            ("--start -2.5", {"start": -2.5}),
            ("--steps 7", {"steps": 7}),
            ("--function x**2 --steps 2", {"function": "square", "steps": 2}),
            ("--function valley", {"function": "valley"}),
            ("--function valley --start 2 -1", {"function": "valley", "start": [2.0, -1.0]}),
            ("--function rosenbrock", {"function": "rosenbrock"}),
            ("--function two-weights", {"function": "two-weights"}),
        ],
    )
    def test_reach_the_steps(self, printed, words, arguments):
        """Each option changes the printed numbers to those of the loop written out above."""
        rows = first_rows(printed(*words.split()))
        optimizer = arguments.get("optimizer", "rmsprop")
        function = arguments.get("function", "square")
        settings = {
            "decay": 0.9,
            "eps": 1e-7 if optimizer == "adagrad" else 1e-8,
            "eps_in_sqrt": True,
            "initial": 0.0,
            "learning_rate": 0.1,
            "steps": 30,
            "start": FUNCTIONS[function].start,
        } | {k: v for k, v in arguments.items() if k != "function"}
        settings["start"] = np.atleast_1d(settings["start"])
        x, g, v, rate, update = loop(GRADIENTS[function], **({"optimizer": optimizer} | settings))
        count = x.shape[1]
        assert len(rows) == settings["steps"] * count
        # The first steps, before a path that bounces off the walls tells roundings apart.
        for row, cells in enumerate(rows[: 3 * count]):
            at = divmod(row, count)
            numbers = (x[at], g[at], np.nan if optimizer == "sgd" else v[at], rate[at], update[at])
            for cell, number in zip(cells[-5:], numbers, strict=True):
                # Printed with four decimals or four digits, hence half a unit of either.
                assert cell == "-" or float(cell) == pytest.approx(number, rel=5.01e-4, abs=5.01e-5)

    def test_condition_reaches_the_steps(self, printed):
        rows = first_rows(printed("--function", "valley", "--condition", 7, "--steps", 1))
        assert rows[1][3] == "7.0000"

    def test_every_one_is_explained(self):
        parser = argparse.ArgumentParser()
        steps.add_arguments(parser)
        for action in parser._actions:
            assert action.help
            if action.dest != "help":
                assert "(default: " in action.help
        help_text = " ".join(parser.format_help().split())
        for default in ("(default: 0.1)", "(default: 0.9)", "adagrad 1e-07", "rosenbrock -1.2 1"):
            assert default in help_text

    @pytest.mark.parametrize("checked", [module, functions])
    def test_module_imports_nothing_slow(self, checked):
        """So that `rmsprop --help` is quick: the standard library only, outside of functions."""
        tree = ast.parse(inspect.getsource(checked))
        names = []
        for node in tree.body:
            if isinstance(node, ast.Import):
                names += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names.append(node.module or "")
        assert names
        outside = {name for name in names if name.split(".")[0] not in sys.stdlib_module_names}
        assert outside <= {functions.__name__}


@pytest.fixture
def figure(monkeypatch):
    """The figure that `draw` makes, caught when it is saved."""
    caught = []
    save = Figure.savefig

    def catch(self, *args, **kwargs):
        caught.append(self)
        return save(self, *args, **kwargs)

    monkeypatch.setattr(Figure, "savefig", catch)
    return caught


class TestPlot:
    @pytest.mark.parametrize("function", FUNCTIONS)
    @pytest.mark.parametrize("optimizer", OPTIMIZERS)
    def test_of_every_function_and_optimizer(self, tmp_path, figure, function, optimizer):
        done = minimise(FUNCTIONS[function], None, optimizer, learning_rate=0.001, steps=5)
        draw(done, tmp_path / "picture.png")
        assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
        left, right = figure[0].axes
        path = next(line for line in left.lines if line.get_label() == "path")
        points = np.vstack([done.start, done.x])
        np.testing.assert_array_equal(path.get_xdata(), points[:, 0])
        # 2-D: the second coordinate itself; 1-D: the function at the first, to two roundings.
        heights = points[:, 1] if points.shape[1] == 2 else points[:, 0] ** 2
        np.testing.assert_allclose(path.get_ydata(), heights, rtol=5e-16)
        for i, line in enumerate(right.lines):
            np.testing.assert_array_equal(line.get_xdata(), done.step)
            np.testing.assert_array_equal(line.get_ydata(), done.effective_learning_rate[:, i])
        assert [line.get_label() for line in right.lines] == list(done.objective.names)
        assert left.get_xlabel() == done.objective.names[0]
        assert right.get_xlabel() == "step"
        assert "effective learning rate" in right.get_ylabel()

    def test_as_svg_and_pdf(self, tmp_path):
        done = minimise(valley(), steps=3)
        draw(done, tmp_path / "picture.svg")
        draw(done, tmp_path / "picture.PDF")
        assert ElementTree.parse(tmp_path / "picture.svg").getroot().tag.endswith("svg")
        assert (tmp_path / "picture.PDF").read_bytes().startswith(b"%PDF")

    @pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
    def test_is_the_same_for_the_same_steps(self, tmp_path, ending):
        done = minimise(FUNCTIONS["square"], steps=2)
        draw(done, tmp_path / f"a.{ending}")
        draw(done, tmp_path / f"b.{ending}")
        assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()

    def test_leaves_an_earlier_picture_when_interrupted(self, tmp_path, monkeypatch):
        file = tmp_path / "picture.png"
        file.write_bytes(b"earlier")

        def interrupted(_, target, **__):
            target.write_bytes(b"half")
            raise KeyboardInterrupt

        monkeypatch.setattr(Figure, "savefig", interrupted)
        with pytest.raises(KeyboardInterrupt):
            draw(minimise(FUNCTIONS["square"], steps=1), file)
        assert file.read_bytes() == b"earlier"
        assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]

    def test_replaces_an_earlier_picture_and_leaves_nothing_else(self, printed, tmp_path):
        file = tmp_path / "picture.png"
        file.write_bytes(b"earlier")
        out = printed("--steps", 2, "--plot", file)
        assert out.rstrip().endswith(f"The picture is in {file}")
        assert file.read_bytes().startswith(b"\x89PNG")
        assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]

    def test_of_a_divergence_ends_where_it_leaves(self, tmp_path, figure):
        done = minimise(valley(), None, "sgd", steps=400)
        assert not np.isfinite(done.x[-1]).all()
        draw(done, tmp_path / "picture.png")
        left, _ = figure[0].axes
        path = next(line for line in left.lines if line.get_label() == "path")
        # x2 is 1, -9, 81, ...: the second step takes it farther than 10 times the start of 4.
        np.testing.assert_array_equal(path.get_ydata(), [1.0, -9.0])
        labels = [line.get_label() for line in left.lines]
        assert "leaves the picture at step 2" in labels

    def test_of_a_long_way_down_is_complete(self, tmp_path, figure):
        done = minimise(FUNCTIONS["two-weights"], steps=500)
        draw(done, tmp_path / "picture.png")
        path = next(line for line in figure[0].axes[0].lines if line.get_label() == "path")
        assert len(path.get_xdata()) == 501

    def test_shows_both_coordinates_on_one_scale(self, tmp_path, figure):
        draw(minimise(FUNCTIONS["two-weights"], None, "sgd"), tmp_path / "picture.png")
        left, _ = figure[0].axes
        assert left.get_box_aspect() == 1
        # Both limits are rounded differently, 40 being the largest of them.
        assert np.ptp(left.get_xlim()) == pytest.approx(np.ptp(left.get_ylim()), abs=1e-13)

    @pytest.mark.parametrize(("spread", "scale"), [("two-weights", "log"), ("square", "linear")])
    def test_has_a_logarithmic_scale_where_rates_differ_widely(
        self, tmp_path, figure, spread, scale
    ):
        draw(minimise(FUNCTIONS[spread], steps=5), tmp_path / "picture.png")
        assert figure[0].axes[1].get_yscale() == scale

    @pytest.mark.parametrize(
        ("function", "start", "options"),
        [
            ("valley", [0.0, 0.0], {"eps": 0.0}),  # no step, rates infinite
            ("square", 1e300, {}),  # the function overflows
            ("valley", [1e300, 1e300], {}),
            ("two-weights", [1e200, 1e200], {}),  # steps that change nothing
            ("square", 4.0, {"learning_rate": 0.0}),
        ],
    )
    def test_of_extremes(self, tmp_path, function, start, options):
        done = minimise(FUNCTIONS[function], start, steps=3, **options)
        draw(done, tmp_path / "picture.png")
        assert (tmp_path / "picture.png").stat().st_size > 1000

    def test_touches_no_setting_of_matplotlib(self, tmp_path):
        # Values that no picture would choose, so that an earlier test cannot have left them.
        with matplotlib.rc_context({"font.size": 7.5, "axes.spines.top": True}):
            before = dict(matplotlib.rcParams)
            draw(minimise(FUNCTIONS["square"], steps=1), tmp_path / "picture.svg")
            assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("documented", [module, functions, tabulation])
def test_examples_in_docstrings(documented):
    result = doctest.testmod(documented)
    assert result.attempted > 0
    assert result.failed == 0


def test_colours_are_told_apart_by_everyone():
    """Those of Okabe and Ito."""
    safe = {"#0072B2", "#D55E00", "#009E73", "#CC79A7", "#F0E442", "#56B4E9", "#E69F00", "#000000"}
    used = set(re.findall(r'"(#[0-9A-Fa-f]{6})"', inspect.getsource(picture)))
    assert used
    assert used <= safe
