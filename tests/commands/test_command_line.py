"""The command `rmsprop compare`: its words, what it writes, and what it refuses."""

import re
import subprocess
import sys

import jax
import numpy as np
import pytest

from rmsprop.commands import command_line, compare, protocol
from rmsprop.study import tasks
from rmsprop.study.comparison import Comparison
from rmsprop.study.running.engine import Engine
from tiny_problem import tiny

pytestmark = pytest.mark.usefixtures("compiled_quickly")


@pytest.fixture(autouse=True)
def tiny_task(monkeypatch):
    """A task that takes a second, beside the real ones; compiled programs stay in memory."""
    monkeypatch.setitem(tasks.TASKS, "tiny", tasks.Task(tiny, "a parabola", tasks.Kind.LESSON))
    monkeypatch.setattr(compare, "keep_compiled_programs", lambda: None)


def _compare(folder, *words, references=False):
    without = [] if references else ["--no-references"]
    return command_line.main(["compare", "--tasks", "tiny", "--out", str(folder), *without, *words])


@pytest.mark.standard_promotion("Adam of Optax, a reference, takes powers of a count")
def test_the_whole_command(tmp_path, capsys):
    out = tmp_path / "report"
    # The programs of a test in `test_contests.py`, so that they are compiled once for both.
    words = ("--seeds", "3", "--steps", "30")
    assert _compare(out, *words, references=True) == 0
    printed = capsys.readouterr()
    assert "RMSprop" in printed.out
    assert "AdaGrad" in printed.out
    assert "Adam" in printed.out
    assert str(out / "index.html") in printed.out.replace("\n", "")
    assert all(len(line.rstrip()) <= 80 for line in printed.out.splitlines()[:-1])
    assert "this will take about" in printed.err
    page = (out / "index.html").read_text()
    assert "<svg" in page or "data:image" in page
    assert not re.search(r'(src|href)="https?://', page.replace('href="https://doi', ""))
    assert list(out.glob("**/*.png"))
    loaded = Comparison.load(out)
    assert loaded.tasks == ("tiny",)
    assert loaded.task("tiny").sizes["seed"] == 3
    assert loaded.task("tiny").sizes["step"] == 30
    assert "--seeds 3" in loaded.tree.attrs["command"]


@pytest.mark.slow
@pytest.mark.usefixtures("plain")
def test_the_same_command_gives_the_same_numbers(tmp_path):
    for name in ("one", "two"):
        assert _compare(tmp_path / name, "--seeds", "2", "--quiet") == 0
    one, two = (Comparison.load(tmp_path / name).task("tiny") for name in ("one", "two"))
    volatile = ["seconds_per_run", "compile_seconds"]
    assert one.drop_vars(volatile).identical(two.drop_vars(volatile))


@pytest.mark.slow
@pytest.mark.usefixtures("plain")
def test_quiet_prints_nothing(tmp_path, capsys):
    assert _compare(tmp_path / "report", "--seeds", "2", "--quiet") == 0
    printed = capsys.readouterr()
    assert printed.out == printed.err == ""


@pytest.mark.slow
@pytest.mark.usefixtures("plain")
@pytest.mark.standard_promotion("Adam of Optax takes powers of a count")
def test_any_factory_can_be_named(tmp_path):
    words = ["--only", "--optimizer", "rmsprop", "--optimizer", "mine=optax:adam"]
    assert _compare(tmp_path / "report", *words, "--seeds", "2", "--quiet") == 0
    task = Comparison.load(tmp_path / "report").task("tiny")
    assert list(task["optimizer"].values) == ["rmsprop", "mine"]
    assert np.isfinite(task["one_minus_b2"].sel(optimizer="mine")).any()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--tasks", "mnst"], r"task is 'mnst'; it must be one of .*Did you mean mnist\?"),
        (["--optimizer", "rmsprob"], r"optimizer 'rmsprob' is unknown.*Did you mean rmsprop.*\?"),
        (["--seeds", "1"], r"--seeds is 1; it must be at least 2"),
        (["--tuning-seeds", "0"], r"--tuning-seeds is 0; it must be at least 1"),
        (["--first-seed", "-1"], r"--first-seed is -1; it must be at least 0"),
        (["--steps", "3"], r"--steps is 3; it must be a multiple of 10"),
        (["--schedules", "cosine"], r"schedule 'cosine' is unknown"),
        (["--schedules", "inverse-sqrt"], r"is unknown; .*\. Did you mean inverse_sqrt\?"),
        (["--problem", "tiny"], r"problem 'tiny': 'tiny' must be a module, a colon and a name"),
        (
            ["--problem", "no_such:x"],
            r"problem 'no_such:x': there is no module no_such, neither in",
        ),
        (["--problem", "optax:adam"], r"adam\(\) missing 1 required"),
        (
            ["--problem", "sys:exit"],
            r"problem 'sys:exit' fails when it is made: SystemExit: no rea",
        ),
        (
            ["--problem", "tiny_problem:jnp"],
            r"problem 'tiny_problem:jnp' is module; it must be a rmsprop.study.Pro",
        ),
        (["--tasks", "tiny,tiny"], r"task tiny is named twice"),
        (["--only"], r"--only compares just the optimizers that are named, and none is; name them"),
    ],
)
def test_wrong_words_are_one_sentence(tmp_path, capsys, words, sentence):
    out = tmp_path / "report"
    assert _compare(out, *words) == command_line.WRONG_USE
    printed = capsys.readouterr()
    assert re.fullmatch(rf"rmsprop: error: (?!.*_seed).*{sentence}.*\n", printed.err)
    assert not out.exists()


def test_an_output_path_that_is_a_file(tmp_path, capsys):
    file = tmp_path / "report"
    file.write_text("precious")
    assert _compare(file) == command_line.WRONG_USE
    assert re.fullmatch(r"rmsprop: error: .*is a file.*\n", capsys.readouterr().err)
    assert file.read_text() == "precious"


def test_a_missing_extra_is_one_sentence(tmp_path):
    """As it is after `pip install .` alone: no module of the extra can be imported."""
    code = (
        "import sys\n"
        "for name in ('rich', 'xarray', 'matplotlib', 'scipy.stats', 'h5netcdf', 'sklearn'):\n"
        "    sys.modules[name] = None\n"
        "from rmsprop.commands import command_line\n"
        "for command in (['compare', '--out', sys.argv[1]], ['report', sys.argv[1]]):\n"
        "    print(command_line.main(command))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "report")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [str(command_line.WRONG_USE)] * 2
    assert re.fullmatch(r"(rmsprop: error: .*pip install '\.\[study\]'.*\n){2}", done.stderr)
    assert not (tmp_path / "report").exists()


def test_help_explains_every_option(capsys):
    with pytest.raises(SystemExit) as ended:
        command_line.main(["compare", "--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    options = ("tasks", "problem", "optimizer", "schedules", "seeds", "tuning-seeds")
    more = ("first-seed", "only", "no-references", "steps", "memory", "cluster", "out", "quiet")
    for option in (*options, *more):
        assert f"--{option}" in printed
    assert printed.count("default:") == len((*options, *more))
    words = " ".join(printed.split())
    for name, task in tasks.TASKS.items():
        assert f"{name} ({task.about})" in words


@pytest.mark.slow
def test_a_report_is_made_again_without_running(tmp_path, capsys, monkeypatch):
    out = tmp_path / "report"
    assert _compare(out, "--seeds", "3") == 0
    first = capsys.readouterr().out
    page = (out / "index.html").read_text()
    (out / "index.html").write_text(page.replace("<h1>", "<h1>old "))
    monkeypatch.setattr(
        "rmsprop.study.running.engine.Engine.__init__", lambda *_: pytest.fail("ran")
    )
    assert command_line.main(["report", str(out)]) == 0
    assert capsys.readouterr().out == first
    assert (out / "index.html").read_text() == page
    assert command_line.main(["report", str(out), "--out", str(tmp_path / "new"), "--quiet"]) == 0
    assert (tmp_path / "new" / "index.html").read_text() == page
    (alone := tmp_path / "alone").mkdir()
    (out / "results.nc").rename(alone / "results.nc")
    assert command_line.main(["report", str(alone), "--quiet"]) == 0
    assert (alone / "index.html").read_text() == page
    assert command_line.main(["report", str(tmp_path / "nowhere")]) == command_line.WRONG_USE
    assert re.fullmatch(r"rmsprop: error: .*does not exist.*\n", capsys.readouterr().err)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, r"does not exist\. Name the folder of a comparison, or make one with rmsprop.*"),
        ("a file", r"is a file\. Name the folder of a comparison\."),
        ([], r"holds no comparison of rmsprop\. Name the folder of one\."),
        (["index.html", "notes.txt"], r"holds no comparison of rmsprop\. Name the folder of one\."),
        (
            ["study.json"],
            r"holds a comparison of which no task has ended\. Give the command .*again, .*",
        ),
    ],
)
def test_a_folder_without_results_is_said_to_be_what_it_is(tmp_path, capsys, content, sentence):
    folder = tmp_path / "folder"
    if isinstance(content, str):
        folder.write_text(content)
    elif content is not None:
        folder.mkdir()
        for name in content:
            (folder / name).write_text("{}")
    assert command_line.main(["report", str(folder)]) == command_line.WRONG_USE
    expected = rf"rmsprop: error: {re.escape(str(folder))} {sentence}\n"
    assert re.fullmatch(expected, capsys.readouterr().err)


def test_a_folder_that_cannot_take_a_report_is_refused_before_anything_is_loaded(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(
        "rmsprop.study.results.labelled.Results.load", lambda *_: pytest.fail("loaded")
    )
    for name, file in (("study", "results.nc"), ("mine", "notes.txt")):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text("x")
    words = ["report", str(tmp_path / "study"), "--out", str(tmp_path / "mine")]
    assert command_line.main(words) == command_line.WRONG_USE
    assert "such as notes.txt; name a new or empty folder with --out" in capsys.readouterr().err


@pytest.fixture
def other_task(monkeypatch):
    """A second task, with programs of its own."""
    other = tasks.Task(lambda: tiny("other", width=2), "another parabola", tasks.Kind.LESSON)
    monkeypatch.setitem(tasks.TASKS, "other", other)


@pytest.mark.slow
@pytest.mark.usefixtures("plain", "other_task")
@pytest.mark.standard_promotion("Adam of Optax takes powers of a count")
def test_a_study_grows_in_its_folder(tmp_path, capsys):
    """As in the README: a comparison, then more tasks, then one more optimizer on a task."""
    out = tmp_path / "report"
    settings = ("--seeds", "2", "--tuning-seeds", "1", "--quiet", "--out", str(out))
    for words, expected in (
        (["--tasks", "tiny"], {"tiny": ["rmsprop", "adagrad", "sgd", "adam"]}),
        (["--tasks", "tiny,other"], {"other": ["rmsprop", "adagrad", "sgd", "adam"]}),
        (
            ["--optimizer", "adam=optax:adam", "--tasks", "tiny"],
            {"tiny": ["rmsprop", "adagrad", "adam", "sgd"]},
        ),
        (
            ["--optimizer", "rmsprop", "--optimizer", "adam=optax:adam", "--tasks", "tiny"],
            {"other": ["rmsprop", "adagrad", "sgd", "adam"]},
        ),
    ):
        assert command_line.main(["compare", *words, *settings]) == 0, capsys.readouterr().err
        result = Comparison.load(out)
        for name, optimizers in expected.items():
            assert list(result.task(name)["optimizer"].values) == optimizers
    assert result.tasks == ("tiny", "other")
    assert result.task("tiny").attrs["references"] == '["sgd"]'
    page = (out / "index.html").read_text()
    assert "tiny" in page
    assert "other" in page
    words = ["compare", "--only", "--optimizer", "rmsprop", "--tasks", "tiny", *settings]
    assert command_line.main(words) == command_line.WRONG_USE
    assert "has the optimizers adagrad, adam and sgd on the task tiny" in capsys.readouterr().err


@pytest.mark.usefixtures("plain", "other_task")
def test_an_interrupted_study_leaves_a_page_of_what_has_ended(tmp_path, capsys, monkeypatch):
    out = tmp_path / "report"
    run = Engine.run_configurations

    def interrupted(engine, *arguments, **options):
        if (out / "results.nc").exists():
            raise KeyboardInterrupt
        return run(engine, *arguments, **options)

    monkeypatch.setattr(Engine, "run_configurations", interrupted)
    words = ["--tasks", "tiny,other", "--seeds", "2", "--tuning-seeds", "1", "--only"]
    words += ["--schedules", "constant", "--optimizer", "adagrad", "--out", str(out)]
    assert command_line.main(["compare", *words]) == command_line.INTERRUPTED
    assert "The report is written of what has ended: tiny." in capsys.readouterr().err
    page = (out / "index.html").read_text()
    assert command_line.main(["report", str(out)]) == 0
    assert (out / "index.html").read_text() == page
    printed = " ".join(capsys.readouterr().out.split())
    assert (
        f"Still missing from this study: other. To finish it, run: rmsprop compare {words[0]}"
        in printed
    )


@pytest.mark.slow
@pytest.mark.usefixtures("plain")
def test_the_same_command_goes_on_and_other_settings_are_refused(tmp_path, capsys, monkeypatch):
    out = tmp_path / "report"
    assert _compare(out, "--seeds", "2", "--quiet") == 0
    before = {f: f.read_bytes() for f in (out / "runs").glob("*.chunk")}
    assert _compare(out, "--seeds", "2", "--steps", "30", "--quiet") == command_line.WRONG_USE
    assert "(--steps) of the task tiny: 20 there, 30 now" in capsys.readouterr().err
    monkeypatch.setattr("rmsprop.study.running.engine.Engine.compile", lambda _: pytest.fail("ran"))
    assert _compare(out, "--seeds", "2", "--quiet") == 0
    assert {f: f.read_bytes() for f in (out / "runs").glob("*.chunk")} == before


@pytest.mark.slow
@pytest.mark.usefixtures("plain")
def test_a_problem_of_the_current_folder(tmp_path, monkeypatch):
    """As in docs/own_problem.md: a few lines, an object or a function that makes it."""
    (tmp_path / "my_own_problem.py").write_text(
        "import jax\nfrom rmsprop.study import Problem\n"
        "def make():\n"
        "    return Problem('bowl', init=lambda key: jax.random.normal(key, (3,)),\n"
        "        loss=lambda params, batch: ((params - batch) ** 2).sum(),\n"
        "        sample=lambda key, step: jax.random.normal(key, (3,)) * 0.1, steps=20)\n"
        "bowl = make()\n"
    )
    monkeypatch.chdir(tmp_path)
    words = ["compare", "--seeds", "2", "--quiet", "--no-references"]
    for name in ("make", "bowl"):
        out = tmp_path / name
        assert (
            command_line.main([*words, "--problem", f"my_own_problem:{name}", "--out", str(out)])
            == 0
        )
        loaded = Comparison.load(out)
        assert loaded.tasks == ("bowl",)  # and no other task
        assert loaded.schedules("bowl") == ("constant", "linear")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4G", 4 * 10**9),
        ("500m", 5 * 10**8),
        ("1.5 GB", 1.5 * 10**9),
        ("1048576", 1048576),
        ("2000KB", 2 * 10**6),
        ("1M", 10**6),
    ],
)
def test_sizes_of_memory(text, expected):
    assert protocol.memory_size(text) == expected


@pytest.mark.parametrize("text", ["", "G", "-1G", "4X", "much"])
def test_what_is_no_size(text):
    with pytest.raises(protocol.argparse.ArgumentTypeError, match="; it must be a size such as 4G"):
        protocol.memory_size(text)


@pytest.mark.parametrize("text", ["0", "100", "1K", "0.9M", f"{'9' * 400}T"])
def test_no_memory_to_speak_of(text):
    with pytest.raises(protocol.argparse.ArgumentTypeError, match="it must be at least 1 MB, for"):
        protocol.memory_size(text)


@pytest.mark.slow
@pytest.mark.usefixtures("plain")
def test_names_and_folders_are_no_markup(tmp_path, capsys):
    out = tmp_path / "o[a]"
    assert _compare(out, "--seeds", "2", "--optimizer", "a[/b]=optax:sgd") == 0
    assert "o[a]" in capsys.readouterr().out.replace("\n", "")


@pytest.mark.slow
@pytest.mark.usefixtures("plain")
def test_an_optimizer_of_the_current_folder(tmp_path, monkeypatch):
    (tmp_path / "my_own_optimizer.py").write_text(
        "import optax\ndef make(learning_rate):\n    return optax.sgd(learning_rate)\n"
    )
    monkeypatch.chdir(tmp_path)
    words = ["--optimizer", "mine=my_own_optimizer:make", "--seeds", "2", "--quiet"]
    assert _compare(tmp_path / "report", *words) == 0


@pytest.mark.slow
def test_a_pipe_that_closes_early_is_no_error():
    code = "import sys; from rmsprop.commands import command_line; sys.exit(command_line.main())"
    with subprocess.Popen(
        [sys.executable, "-c", code, "steps", "--steps", "3000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
    assert process.returncode == 0
    assert errors == ""


@pytest.mark.parametrize("sound", [True, False])
def test_a_cache_that_would_change_numbers_is_switched_off(monkeypatch, sound):
    """With JAX 0.6.0 the same study, run again, would end with other numbers."""
    monkeypatch.undo()  # of what the other tests put in the place of the function
    monkeypatch.setattr(protocol, "compilation_cache_is_sound", lambda: sound)
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "said by the user")
    before = jax.config.jax_enable_compilation_cache
    jax.config.update("jax_enable_compilation_cache", True)
    try:
        protocol.keep_compiled_programs()
        assert jax.config.jax_enable_compilation_cache == sound
    finally:
        jax.config.update("jax_enable_compilation_cache", before)


@pytest.mark.parametrize("words", [[], ["--optimizer", "mine=my_neighbour:make"]])
def test_the_current_folder_is_on_the_path_for_an_own_module_alone(tmp_path, monkeypatch, words):
    """Else a file `sparse.py` there would be executed in the place of the package."""
    (tmp_path / "my_neighbour.py").write_text(
        "import sys\nimport optax\npath = [*sys.path]\nmake = optax.sgd\n"
    )
    paths = []

    def compared(*_, **__):
        paths.append([*sys.path])
        raise ValueError("enough")

    monkeypatch.setattr("rmsprop.study.comparison.compare", compared)
    monkeypatch.chdir(tmp_path)
    before = [*sys.path]
    assert _compare(tmp_path / "report", *words) == command_line.WRONG_USE
    assert paths == [before]
    if words:
        own = sys.modules.pop("my_neighbour")
        assert [entry for entry in own.path if entry not in before] == [str(tmp_path)]


@pytest.mark.slow
def test_python_m_takes_no_package_from_the_current_folder(tmp_path):
    """A local file in the place of a package that a command imports."""
    for name in ("matplotlib", "pandas", "sparse", "h5netcdf"):
        (tmp_path / f"{name}.py").write_text("print('executed')\n")
    done = subprocess.run(
        [sys.executable, "-m", "rmsprop", "steps", "--steps", "1", "--plot", "steps.png"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "executed" not in done.stdout
    assert (tmp_path / "steps.png").exists()
