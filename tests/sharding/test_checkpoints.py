"""Checkpoints of a spread state, with Orbax: from one mesh to another, and after a killed save."""

import signal

import pytest

from several_devices import FOLDER, WITHOUT_FUSED, environment, on_eight_devices, run

pytest.importorskip("orbax.checkpoint")
pytestmark = pytest.mark.slow

# Average and momentum of 2048 * 2048 + 24 numbers in float32, and a count.
ARRAYS, COUNT = 2 * 4 * (2048 * 2048 + 24), 4


@pytest.fixture
def interrupted(tmp_path):
    """A folder with a whole save of step 1, made on eight devices, and a part of that of step 2."""
    script = str(FOLDER / "interrupted_save.py")
    ran = run([script, str(tmp_path)], environment(8, WITHOUT_FUSED))
    assert ran.returncode == -signal.SIGKILL, ran.stderr
    names = [path.name for path in tmp_path.iterdir()]
    assert "1" in names
    assert "2" not in names
    assert any(name.startswith("2.") for name in names)  # it had begun
    return tmp_path


def test_a_killed_save_leaves_the_last_one_whole_and_another_mesh_goes_on(interrupted):
    """From 8 devices to 4 by 2, to 2, and back; every number is the one that was saved."""
    for step, (axes, parts) in enumerate(
        [(("data=4", "model=2"), 4), (("data=2",), 2), (("data=8",), 8)], start=1
    ):
        found = on_eight_devices("restored_checkpoint.py", str(interrupted), *axes)
        devices = 8 if axes != ("data=2",) else 2
        assert found == {"step": step, "bytes by device": [ARRAYS // parts + COUNT] * devices}
