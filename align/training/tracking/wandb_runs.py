"""A run in wandb, for trainings, scorecards and judges alike: figures, and nothing that is private.

Of a run wandb gets what is handed to it here, and no more: its own looks at code, command line,
packages, terminal and machine are turned off. Without a key a run is logged on this machine only.
"""

import hashlib
import html
import logging
import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from align.console import say
from align.owner import load_owner
from align.paths import checkpoints_dir

PROJECT = "soundalike"
# Seconds. A server that does not answer must not hold up what it only watches.
_OPENING, _CLOSING = 20.0, 60.0
_Mode = Literal["online", "offline", "disabled"]
_PATH = re.compile(r"(?<![\w/.])(?:~|\.{1,2})?(?:/[^\s/:,;'\"()]+){2,}/?")


def logs_dir(owner_id: str) -> Path:
    """Return where an owner's logs lie: beside the twins, gone with them when all is forgotten."""
    return checkpoints_dir(owner_id) / "logs"


def group_of(owner_id: str, lineage: str = "") -> str:
    """Return the group of an owner's runs, a hash of the id.

    `lineage`, the digest of the SFT run that a round began with, links that round's runs.
    """
    hashed = hashlib.sha256(owner_id.encode()).hexdigest()[:12]
    return f"{hashed}-{lineage[:8]}" if lineage else hashed


def names_of(owner_id: str) -> list[str]:
    """Return what an owner is called, the longest first; nothing for the shipped demo."""
    if owner_id == "demo":
        return []
    owner = load_owner(owner_id)
    return sorted({owner_id, owner.name, *owner.aliases}, key=lambda name: -len(name))


def without_names(value: Any, names: Sequence[str]) -> Any:
    """Return text, or what holds text, without names and with each path's last part only."""
    if isinstance(value, str):
        short = _PATH.sub(lambda match: match[0].rstrip("/").rsplit("/", 1)[-1], value)
        for name in filter(None, names):
            short = re.sub(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", "owner", short, flags=re.I)
        return short
    if isinstance(value, Mapping):
        return {without_names(k, names): without_names(v, names) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [without_names(item, names) for item in value]
    return value


def open_run(
    owner_id: str,
    *,
    job_type: str,
    name: str | None = None,
    lineage: str = "",
    tags: Iterable[str] = (),
    config: Mapping[str, Any] | None = None,
    project: str = PROJECT,
    run_id: str | None = None,
    shows_owner: bool = False,
) -> Any:
    """Return a new run of wandb, in the mode that fits: no question is put, and nothing fails.

    A hash of `owner_id` groups the runs; `shows_owner` tells whether the name may be in what is
    sent. `job_type` is `sft`, `dpo`, `evaluate` or `judge`; wandb invents a name where there is
    none. `lineage` is the digest of the SFT run that the round began with, `run_id` that of a run
    that goes on: a new one where wandb does not know it.
    """
    # A report of an error would hold our paths.
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    import wandb

    logging.getLogger("wandb").setLevel(logging.CRITICAL)
    names = [] if shows_owner else names_of(owner_id)
    folder = Path(os.environ.get("WANDB_DIR") or logs_dir(owner_id))
    folder.mkdir(parents=True, exist_ok=True)
    run, mode, reason = _init(
        wandb,
        folder,
        project=project,
        job_type=job_type,
        name=without_names(name, names),
        group=group_of(owner_id, lineage),
        tags=[tag[:64] for tag in without_names(list(tags), names)],
        config=without_names(dict(config or {}), names),
        id=run_id,
        resume="allow" if run_id else None,
    )
    if mode == "offline":
        say(f"wandb: {reason}; the run is logged on this machine only")
    elif mode == "online":
        say(f"wandb: {run.url}")
    return run


def _init(wandb: Any, folder: Path, **opening: Any) -> tuple[Any, _Mode, str]:
    """Return wandb's run, its mode, and why it is not online."""
    opening |= {"dir": str(folder), "reinit": "create_new", "settings": _settings(wandb)}
    mode, reason = _mode(wandb)
    before = set(folder.glob("wandb/*run-*"))
    try:
        return wandb.init(**opening, mode=mode), mode, reason
    except Exception as error:
        # Whatever it was (no network, a key that was revoked, a server's answer): go on alone.
        reason = f"it can't be reached ({_in_short(error)})"
    # Its service holds the run's id until it ends.
    wandb.teardown()
    for broken in set(folder.glob("wandb/*run-*")) - before:
        shutil.rmtree(broken, ignore_errors=True)
    return wandb.init(**opening, mode="offline"), "offline", reason


def log_table(run: Any, name: str, columns: Iterable[Any], rows: Iterable[Iterable[Any]]) -> None:
    """Log a table as a page of the run.

    wandb's own tables are artifacts, staged in the user's home, whose path they carry along.
    """
    import wandb

    lines = [_line("th", columns), *(_line("td", row) for row in rows)]
    run.log({name: wandb.Html(f"<table>{''.join(lines)}</table>", inject=False)})


def close_run(run: Any, *, failed: bool = False) -> None:
    """Finish a run, and say how one that was logged here only can be uploaded."""
    offline, folder, run_id = run.offline, run.settings.sync_dir, run.id
    run.finish(exit_code=int(failed))
    if offline:
        say(f"wandb: to upload it: {sync_command(Path(folder), run_id)}")


def sync_command(folder: Path, run_id: str) -> str:
    """Return the line that uploads a run with all its stretches, where it was stopped between.

    `folder` is one of them: `offline-run-<time>-<id>`.
    """
    here, place = Path.cwd(), folder.resolve().parent
    shown = place.relative_to(here) if place.is_relative_to(here) else place
    beside = Path(sys.executable).parent / "wandb"
    program = beside.relative_to(here) if beside.is_relative_to(here) else beside
    word = shlex.quote(str(program)) if beside.is_file() else "wandb"
    return f"{word} login && {word} sync {shlex.quote(str(shown))}/offline-run-*-{run_id}"


def _mode(wandb: Any) -> tuple[_Mode, str]:
    """Return the mode, and why it is not online; never asks for a key."""
    # What wandb prints of itself would stand between our lines.
    mode = wandb.setup(settings=wandb.Settings(silent=True, console="off")).settings.mode
    if mode == "disabled":
        return "disabled", ""
    if mode in ("offline", "dryrun"):
        return "offline", "its mode is offline"
    try:
        has_key = wandb.login(prompt=False, verify=False)
    except Exception as error:
        return "offline", f"its key is not in order ({_in_short(error)})"
    return ("online", "") if has_key else ("offline", "there is no key here")


def _settings(wandb: Any) -> Any:
    return wandb.Settings(
        silent=True,
        console="off",
        save_code=False,
        disable_code=True,
        disable_git=True,
        disable_job_creation=True,
        label_disable=True,
        symlink=False,
        use_dot_wandb=False,
        host="machine",
        program="align",
        program_relpath="align",
        program_abspath="align",
        x_executable="python",
        x_disable_meta=True,
        x_disable_machine_info=True,
        x_save_requirements=False,
        init_timeout=_OPENING,
        finish_timeout=_CLOSING,
    )


def _line(tag: str, cells: Iterable[Any]) -> str:
    shown = ("" if cell is None else f"{cell:.4g}" if isinstance(cell, float) else str(cell)
             for cell in cells)  # fmt: skip
    return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in shown) + "</tr>\n"


def _in_short(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1][:160]
