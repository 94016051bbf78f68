"""What the README shows runs as it is written, with fewer images, folds, filters and epochs."""

import re
from pathlib import Path

import pytest
import sklearn

from cellsk import make_cells

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)

QUICK = {
    r"\(96, 96\)": "(16, 16)",
    r"\(32, 64\)": "(4, 8)",
    r"\(16, 32\)": "(4,)",
    r"random_state=0": "epochs=1, random_state=0",
    r"cv=5": "cv=2",
    r"n_splits=3": "n_splits=2",
    r"choose_cv\(cells.y, cells.groups\)": "choose_cv(cells.y, cells.groups, n_splits=2)",
    r"(evaluate\(.*groups=cells.groups)": r"\1, n_splits=2",
    r"(scoring=.*,)  # .*": r"\1 cv=2,",
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::cellsk.exceptions.SmallHoldOutWarning")
@pytest.mark.filterwarnings("ignore::cellsk.exceptions.WeakModelWarning")
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
    assert len(BLOCKS) == 5
    code = "\n".join(BLOCKS)
    for pattern, quick in QUICK.items():
        code, count = re.subn(pattern, quick, code)
        assert count, pattern
    with sklearn.config_context():
        exec(code, {})
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
