"""The command line as a whole: its list, its exit codes, and what it does not load."""

import os
import subprocess
import sys

import pytest
import typer

from align import __version__, cli
from align.cli import COMMANDS
from align.command_line import run, share_cores
from align.errors import UserError

HEAVY = (
    *("accelerate", "anthropic", "datasets", "pandas", "peft"),
    *("scipy", "sklearn", "torch", "transformers", "trl"),
)
LOADED = f"print('loaded:', *sorted(set({HEAVY!r}) & set(sys.modules)))"


def python(code: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def called(program: str, *arguments: str) -> str:
    """Run a program's main in a process of its own and return what it loaded, and its exit code."""
    done = python(
        f"import sys; sys.argv = {[program, *arguments]!r}\n"
        f"from {program}.cli import main\n"
        "try: main()\n"
        "except SystemExit as stop: print('exit:', stop.code or 0)\n" + LOADED
    )
    assert done.returncode == 0, done.stderr
    return "\n".join(done.stdout.splitlines()[-2:])


WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")


@pytest.mark.parametrize("said", [None, *WAITING])
@pytest.mark.parametrize("busy", [0.0, 20.0, 50.0, 100.0])
def test_beside_other_work_waiting_threads_sleep_unless_somebody_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, said: str | None, busy: float
) -> None:
    for name in WAITING:
        monkeypatch.setenv(name, "x")
        monkeypatch.delenv(name)
    if said is not None:
        monkeypatch.setenv(said, "active")
    monkeypatch.setattr("psutil.cpu_percent", lambda interval: busy)
    share_cores.__wrapped__()
    expected = {said: "active"} if said else {"OMP_WAIT_POLICY": "PASSIVE"} if busy > 25 else {}
    assert {name: os.environ[name] for name in WAITING if name in os.environ} == expected


@pytest.mark.parametrize(
    "begin",
    [
        "align.cli.app(['chat', '--help'])",
        "align.cli.app(['evaluate', '--help'])",
        "align.training.training_process.quiet_surroundings()",
    ],
)
def test_whatever_loads_torch_looks_for_other_work_first(begin: str) -> None:
    module = begin.rpartition(".")[0].removesuffix(".app")
    done = python(
        f"import os, psutil, {module}\nfor name in {WAITING!r}: os.environ.pop(name, None)\n"
        "psutil.cpu_percent = lambda interval: 99.0\n"
        f"try: {begin}\nexcept SystemExit: pass\nprint(os.environ['OMP_WAIT_POLICY'])"
    )
    assert done.stdout.splitlines()[-1:] == ["PASSIVE"], done.stderr


def test_help_lists_every_command():
    shown = subprocess.run(
        [sys.executable, "-m", "align.cli", "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert [name for name in COMMANDS if f"\n  {name} " not in shown] == []


def test_version_is_printed():
    done = subprocess.run([sys.executable, "-m", "align.cli", "--version"], capture_output=True)
    assert done.stdout.decode().strip() == __version__


def test_an_unknown_command_is_refused_in_few_lines():
    done = subprocess.run(
        [sys.executable, "-m", "align.cli", "igest"], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr and "igest" in done.stderr


def test_a_mistake_of_the_users_is_one_line(capsys: pytest.CaptureFixture[str]):
    def mistake() -> None:
        raise UserError("data/ann/owner.yaml", "unknown key 'alias'", "Did you mean 'aliases'?")

    assert run(mistake) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_ctrl_c_ends_with_130(monkeypatch: pytest.MonkeyPatch):
    def stopped() -> None:
        raise KeyboardInterrupt

    def aborted(**_: object) -> None:
        raise typer.Abort

    assert run(stopped) == 130
    # What typer makes of a Ctrl-C at one of its questions.
    monkeypatch.setattr(cli, "app", aborted)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 130


def test_a_full_disk_is_one_line(capsys: pytest.CaptureFixture[str]):
    def full() -> None:
        raise OSError(28, "No space left on device", "data/ann/twin.db")

    assert run(full) == 2
    assert capsys.readouterr().err.startswith("data/ann/twin.db: no space left on device.")


def test_an_error_of_ours_keeps_its_traceback():
    def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(broken)


@pytest.mark.parametrize("program", ["align", "labeler"])
def test_help_loads_nothing_heavy(program: str):
    assert called(program, "--help") == "exit: 0\nloaded:"


def test_no_commands_module_loads_anything_heavy():
    names = [name.replace("-", "_") for name in COMMANDS]
    done = python(
        "import sys, importlib\n"
        f"for name in {names!r}: importlib.import_module('align.commands.' + name)\n" + LOADED
    )
    assert done.stdout.strip() == "loaded:", done.stderr


def test_the_labeler_loads_nothing_heavy():
    rooms = "cli pair_sources pairs_file run session app screens.help screens.writing plain"
    imports = ", ".join(f"labeler.{room}" for room in rooms.split())
    done = python(f"import sys, {imports}\n" + LOADED)
    assert done.stdout.strip() == "loaded:", done.stderr


def test_stretches_without_a_model_load_nothing_heavy(root):
    (root / "writing").mkdir()
    (root / "writing" / "one.md").write_text("# One\n\nThis is a piece. It has sentences.\n")
    pack = str(root / "ann.pack")
    for arguments in (
        ["ingest", str(root / "writing"), "--owner", "ann"],
        ["records", "list", "--owner", "ann"],
        ["status", "--owner", "ann"],
        ["pack", "--owner", "ann", "--for", "train", "--out", pack],
        ["unpack", pack],
    ):
        assert called("align", *arguments) == "exit: 0\nloaded:", arguments


def test_ctrl_c_inside_a_command_says_that_it_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    from align.cli import app
    from align.commands import status

    stopped = typer.Typer(add_completion=False)

    @stopped.command()
    def _() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(status, "app", stopped)
    assert run(lambda: app(["status"], prog_name="align", standalone_mode=False)) == 130
    assert "The same command goes on from here" in capsys.readouterr().err
