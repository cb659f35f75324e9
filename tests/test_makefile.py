"""The Makefile: which commands a target runs, and when set-up runs again."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent


def make(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    plain = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k != "OWNER"}
    return subprocess.run(
        ["make", "-C", str(folder), *arguments], capture_output=True, text=True, env=plain
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what make looks at, set up as far as it can tell."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(CHECKOUT / name, tmp_path / name)
    shutil.copytree(CHECKOUT / "scripts", tmp_path / "scripts")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / ".torch").write_text("auto cpu\n")
    (tmp_path / ".venv" / ".stamp").touch()
    return tmp_path


def commands(folder: Path, *arguments: str) -> list[str]:
    """Return the align commands that would run, without the environment's path."""
    done = make(folder, "-n", *arguments)
    assert done.returncode == 0, done.stderr
    lines = [
        " ".join(line.split()) for line in re.sub(r"\.venv/bin/|'", "", done.stdout).splitlines()
    ]
    return [line for line in lines if line.startswith(("align", "labeler"))]


def test_help_is_the_default_and_lists_every_target(project: Path):
    shown = make(project).stdout
    targets = " ".join(re.findall(r"^\.PHONY: (.*)$", (project / "Makefile").read_text(), re.M))
    for target in set(targets.split()) - {"renew"}:
        assert f"make {target} " in shown


def test_nothing_is_installed_again_when_nothing_changed(project: Path):
    assert make(project, "-q", "setup").returncode == 0


@pytest.mark.parametrize("changed", ["pyproject.toml", "constraints.txt"])
def test_set_up_runs_again_when_what_it_is_made_of_changes(project: Path, changed: str):
    later = (project / ".venv" / ".stamp").stat().st_mtime + 5
    os.utime(project / changed, (later, later))
    assert make(project, "-q", "setup").returncode == 1


def test_another_torch_asks_for_another_environment(project: Path):
    assert make(project, "-q", "setup", "TORCH=cpu").returncode == 0
    assert make(project, "-q", "setup", "TORCH=system").returncode == 1


def test_an_unknown_torch_is_refused(project: Path):
    done = make(project, "setup", "TORCH=gpu")
    assert "TORCH=gpu: no such choice. Use auto, cpu, cuda or system" in done.stderr
    assert done.returncode == 2


def test_every_target_implies_set_up(project: Path):
    (project / ".venv" / ".stamp").unlink()
    for target in ("sft", "dpo", "test", "lint", "contracts", "label", "status", "demo-base"):
        assert "scripts/setup.sh" in make(project, "-n", target).stdout, target


def test_the_demo_walks_the_whole_road(project: Path):
    words = [line.split()[1] for line in commands(project, "sft", "dpo")]
    assert words == ["ingest", "sft", "sample", "simulate", "dpo", "evaluate"]


def test_a_real_owner_is_never_ingested_or_simulated_unasked(project: Path):
    assert commands(project, "sft", "OWNER=ann") == ["align sft --owner ann"]
    assert "simulate" not in make(project, "-n", "dpo", "OWNER=ann").stdout


def test_settings_reach_the_commands(project: Path):
    assert commands(project, "sft", "OWNER=ann", "RECIPE=smollm2-135m", "ACCELERATE=zero2") == [
        "align sft --owner ann --recipe smollm2-135m --accelerate zero2"
    ]
    assert commands(project, "chat", "OWNER=ann", "CHECKPOINT=002-dpo") == [
        "align chat --owner ann --checkpoint 002-dpo"
    ]


def test_a_home_folder_and_spaces_reach_ingest(project: Path):
    home = os.path.expanduser("~")
    assert commands(project, "ingest", "OWNER=ann", "FROM=~/my writing") == [
        f"align ingest {home}/my writing --owner ann"
    ]


def test_dpo_of_a_real_owner_trains_or_makes_pairs(project: Path):
    assert commands(project, "dpo", "OWNER=ann") == ["align dpo --owner ann --or-sample"]
    assert commands(project, "dpo", "OWNER=ann", "RECIPE=tiny", "ACCELERATE=zero2") == [
        "align dpo --owner ann --recipe tiny --accelerate zero2 --or-sample"
    ]


def pasted() -> list[str]:
    """Return the lines with `make` that the pages say, each without what it is followed by."""
    pages = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md"))]
    blocks = re.findall(r"```sh\n(.*?)```", "\n".join(page.read_text() for page in pages), re.S)
    lines = (line.partition(" #")[0] for block in blocks for line in block.splitlines())
    parts = (part.strip() for line in lines for part in line.split("&&"))
    return sorted({part for part in parts if part.startswith("make ")})


@pytest.mark.parametrize("line", pasted())
def test_what_the_pages_say_can_be_pasted_and_names_the_demos_recipe_nowhere(
    project: Path, line: str
) -> None:
    words = shlex.split(line.replace("…", "x"))[1:]
    done = make(project, "-n", *words)
    assert done.returncode == 0, done.stderr
    assert "recipe 'demo'" not in done.stdout


def test_a_command_that_fails_stops_the_road(project: Path):
    align = project / ".venv" / "bin" / "align"
    align.parent.mkdir()
    align.write_text("#!/bin/sh\necho 'owner ann: no store.' >&2\nexit 2\n")
    align.chmod(0o755)
    assert make(project, "dpo", "OWNER=ann").returncode == 2


def test_a_pack_knows_its_owner_unless_one_is_named(project: Path):
    assert commands(project, "unpack", "FROM=ann.pack") == ["align unpack ann.pack"]
    assert commands(project, "unpack", "FROM=ann.pack", "OWNER=ann") == [
        "align unpack ann.pack --owner ann"
    ]
    assert commands(project, "pack", "OWNER=ann", "FOR=train", "RECIPE=qwen") == [
        "align pack --owner ann --recipe qwen --for train"
    ]
