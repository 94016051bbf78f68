"""What the README shows runs as it is written, on smaller images and for fewer epochs."""

import re
from pathlib import Path

import pytest
import sklearn

from cellsk import make_cells

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::cellsk.exceptions.SmallHoldOutWarning")
def test_readme_python_blocks_run_in_order(tmp_path, monkeypatch):
    """Fit, cross-validate, search, keep patients together, save and load."""
    make_cells(
        120,
        folder=tmp_path / "data" / "train",
        n_patients=15,
        image_size=(16, 16),
        random_state=0,
    )
    monkeypatch.chdir(tmp_path)
    assert len(BLOCKS) == 4
    names: dict[str, object] = {}
    with sklearn.config_context():
        for block in BLOCKS:
            smaller = block.replace("(96, 96)", "(16, 16)")
            quick = smaller.replace("random_state", "epochs=1, random_state")
            fewer = re.sub(r"(evaluate\(.*groups=cells.groups)", r"\1, n_splits=2", quick)
            exec(fewer.replace("n_splits=3", "n_splits=2"), names)
    assert (tmp_path / "model.cellsk").is_file()
    assert (tmp_path / "report.html").is_file()


def test_readme_commands_are_the_commands():
    """Each command line in the README names a command and options that exist."""
    from typer.main import get_command

    from cellsk.cli._main import app

    commands = get_command(app).commands
    lines = re.findall(r"^\$ (?:\S*/)?cellsk (.*)$", README.read_text(), flags=re.MULTILINE)
    assert len(lines) >= 6
    for line in lines:
        name, *words = line.split()
        known = {option for parameter in commands[name].params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known
