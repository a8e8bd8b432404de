"""The recipes of docs/telemetry.md, with the loggers themselves, and what they have written."""

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs/telemetry.md").read_text()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.standard_promotion("a reader's own interpreter"),
    pytest.mark.filterwarnings("ignore"),  # the loggers' own
]


def _recipe(package):
    (block,) = [b for b in re.findall(r"```py\n(.*?)```", PAGE, re.S) if package in b]
    return block


@pytest.fixture
def namespace(tmp_path, monkeypatch):
    """What the page has defined, up to its recipes."""
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "__main__"}
    exec(re.findall(r"```python\n(.*?)```", PAGE, re.S)[0], names)
    return names


def test_every_recipe_has_a_test():
    packages = re.findall(r"```py\n(?:import|from) (\w+)", PAGE)
    assert packages == ["tensorboardX", "wandb", "tqdm"]
    assert all(f"test_{name.lower()}" in globals() for name in packages)


def test_tensorboardx(namespace, tmp_path):
    pytest.importorskip("tensorboardX")
    from tensorboardX.proto import event_pb2
    from tensorboardX.record_writer import RecordWriter  # noqa: F401 (the format of its files)

    exec(_recipe("tensorboardX"), namespace)
    (file,) = (tmp_path / "runs/rmsprop").iterdir()
    data, scalars = file.read_bytes(), {}
    while data:  # length, its checksum, an event, its checksum
        length = int.from_bytes(data[:8], "little")
        event = event_pb2.Event.FromString(data[12 : 12 + length])
        for value in event.summary.value:
            scalars.setdefault(event.step, set()).add(value.tag)
        data = data[16 + length :]
    assert sorted(scalars) == [int(row["step"]) for row in namespace["history"]]
    assert any("gradient_norm" in name for name in scalars[0])
    assert {len(names) for names in scalars.values()} == {len(namespace["history"][0])}


def test_wandb(namespace, tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_SILENT", "true")
    exec(_recipe("wandb"), namespace)
    namespace["wandb"].teardown()  # its service writes the rest when it ends, as with the process
    (folder,) = (tmp_path / "wandb").glob("offline-run-*")
    (file,) = folder.glob("run-*.wandb")
    content = file.read_bytes()
    assert b"all/gradient_norm" in content
    assert b"['dense']['kernel']/effective_learning_rate_50" in content


def test_tqdm(namespace, capsys):
    pytest.importorskip("tqdm")
    exec(_recipe("tqdm"), namespace)
    assert re.search(r"rate=[\d.]+e[+-]\d\d, ratio=[\d.]+e[+-]\d\d", capsys.readouterr().err)
