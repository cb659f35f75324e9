"""The figures of the house are counted as they are meant."""

import subprocess
from pathlib import Path

import pytest

from scripts.house import figures

LAYERS = '[[tool.importlinter.contracts]]\nid = "house"\nlayers = ["cli", "store | text"]\n'


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A small house: one long file, one long function, one name that occurs twice."""
    (tmp_path / "pyproject.toml").write_text(LAYERS)
    body = "    x = 1\n"
    for name, text in {
        "align/__init__.py": "",
        "align/cli.py": "x = 1\n" * 301,
        "align/store/rows.py": f"def short():\n{body}\n\ndef long():\n{body * 60}",
        "align/text/rows.py": "",
        "align/commands/text.py": "",
        "align/text/text.py": "",
        "align/text/__init__.py": "",
        "labeler/rows.py": f"class A:\n    def m(self):\n{('    ' + body) * 39}",
    }.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return tmp_path


def test_figures_are_counted(checkout: Path) -> None:
    counts = {figure.name: figure.count for figure in figures(checkout)}
    assert counts == {
        "entries at the root of align": 5,
        "rows of the layers contract": 2,
        "files over 300 lines": 1,
        "functions over 60 lines": 1,
        "functions over 40 lines": 1,
        "file names of align that occur twice": 1,
        "lines of align": 301 + 65,
        "files of align": 7,
    }


def test_what_is_above_a_limit_is_named(checkout: Path) -> None:
    places = {figure.name: figure.places for figure in figures(checkout) if not figure.holds}
    assert places == {
        "files over 300 lines": ("align/cli.py (301)",),
        "functions over 60 lines": ("align/store/rows.py:5 long (61)",),
    }
