"""Run a command line in this process."""

import pytest

from align.cli import app, run


class Line:
    """Runs `align ...` and keeps what it said."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.out = self.err = ""

    def __call__(self, *words: object, code: int = 0, one_line: bool = True) -> str:
        self._capsys.readouterr()
        args = [str(word) for word in words]
        found = run(lambda: app(args, prog_name="align", standalone_mode=False))
        self.out, self.err = self._capsys.readouterr()
        assert found == code, self.err
        if code == 2:
            assert not one_line or self.err.count("\n") == 1, self.err
            assert "Traceback" not in self.err
        return self.out if code == 0 else self.err
