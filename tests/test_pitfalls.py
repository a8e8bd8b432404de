"""The pitfall table: this library stays finite and right in every case, and the page says so."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/pitfalls.md").read_text()
REFUSED = {
    "centered with bias correction, first step": (ValueError, "bias_correction=False"),
    "bfloat16, decay 0.999 by `inject_hyperparams`": (TypeError, "hyperparam_dtype"),
}


def _load():
    specification = importlib.util.spec_from_file_location(
        "pitfalls", ROOT / "examples/pitfalls.py"
    )
    module = importlib.util.module_from_spec(specification)
    sys.modules["pitfalls"] = module  # where a dataclass looks for its annotations
    specification.loader.exec_module(module)
    return module


pitfalls = _load()


@pytest.fixture(autouse=True)
def _without_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)


@pytest.fixture(scope="module")
def table():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "torch", None)
        return pitfalls.measured()


@pytest.mark.parametrize("case", pitfalls.CASES, ids=lambda case: case.name)
def test_this_library_is_finite_and_right_or_refuses(case):
    run = pitfalls.COLUMNS["here"]
    if case.name in REFUSED:
        error, remedy = REFUSED[case.name]
        with pytest.raises(error, match=remedy):
            run(case)
        return
    steps, moment = run(case)
    assert np.isfinite(steps).all()
    assert moment is None or np.isfinite(moment).all()
    if case.right is not None:
        read = float(case.reading(steps, moment).split()[-1].replace(",", ""))
        assert read == pytest.approx(case.right, rel=0.01)


def _here(name):
    return pitfalls.COLUMNS["here"](next(case for case in pitfalls.CASES if case.name == name))


@pytest.mark.parametrize("name", ["float16, gradient 0", "eps=0, gradient 0"])
def test_a_zero_gradient_gives_a_zero_step(name):
    assert (_here(name)[0] == 0).all()


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("centered, gradient 3 for 50 steps, then 1", 1e4),
        ("centered, constant gradients of 0.1 to 10", 1e5),
        ("the same with eps=0.01", 1e2),
    ],
)
def test_a_centered_step_tends_to_the_gradient_over_the_root_of_eps(name, limit):
    steps, _ = _here(name)
    assert np.abs(steps).max() == pytest.approx(limit, rel=0.01)
    if limit > 100:  # where eps does not count in the first step
        assert steps[0] == pytest.approx((0.95 * 0.05) ** -0.5, rel=1e-4)


def test_a_complex_leaf_has_real_state_and_keeps_its_direction():
    steps, moment = _here("complex gradient 3+4j")
    assert moment.dtype == np.float32
    assert moment[0] == pytest.approx(0.1 * 25)
    assert steps[0, 0] == pytest.approx((3 + 4j) / 2.5**0.5)


@pytest.mark.slow
def test_the_page_shows_what_the_script_prints(table):
    assert len(table) >= 12
    assert pitfalls.differences(table, PAGE) == []


def _published(table):
    return f"{pitfalls.BEGIN}\n{pitfalls.markdown(table)}\n{pitfalls.END}"


@pytest.mark.parametrize(
    ("old", "new"),
    [("largest step 10,000", "largest step 12,000"), ("| 0.9997 |", "| refused |")],
)
def test_another_number_or_word_is_a_difference(table, old, new):
    text = _published(table)
    assert pitfalls.differences(table, text) == []
    assert len(pitfalls.differences(table, text.replace(old, new))) == 1


def test_a_missing_row_or_table_is_a_difference(table):
    lines = _published(table).splitlines()
    assert pitfalls.differences(table, "\n".join(x for x in lines if "complex" not in x))
    assert pitfalls.differences(table, "")


@pytest.mark.parametrize("width", [80, 100])
def test_the_printed_table_fits(table, width):
    printed = pitfalls.plain(table, width)
    assert max(map(len, printed.splitlines())) == width
    assert printed.count("not installed") == len(table) + 1  # and among the versions


def test_the_script_runs_without_torch_and_does_not_publish_then(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(pitfalls, "CASES", pitfalls.CASES[:1])
    monkeypatch.setattr(sys, "argv", ["pitfalls.py", "--markdown"])
    pitfalls.main()
    printed = capsys.readouterr().out
    assert "| float16, gradient 0 | NaN at step 1 | not installed | finite, " in printed
    monkeypatch.setattr(sys, "argv", ["pitfalls.py", "--write", str(tmp_path / "page.md")])
    with pytest.raises(SystemExit, match="install torch first"):
        pitfalls.main()
