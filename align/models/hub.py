"""The model hub: where its client keeps what it fetched, whether it can be reached, a download."""

import os
import re
from pathlib import Path
from threading import Thread

from align.errors import UserError
from align.models.weight_files import INDEX, shards


def hub_home() -> Path:
    """Return where the hub's client keeps its token and, mostly, what it fetches."""
    return Path(os.environ.get("HF_HOME", "~/.cache/huggingface")).expanduser()


def hub_cache() -> Path:
    """Return where the hub's client puts what it fetches."""
    return Path(os.environ.get("HF_HUB_CACHE", hub_home() / "hub")).expanduser()


def is_forbidden() -> bool:
    """Return whether HF_HUB_OFFLINE forbids to ask the hub."""
    return os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on")


def is_hub_id(name: str) -> bool:
    """Return whether a base's name is an id on the hub, and no path."""
    return not name.startswith((".", "/", "~")) and name.count("/") == 1


def cached(name: str, revision: str) -> Path | None:
    """Return the hub cache's snapshot folder of a model, found without importing the hub."""
    repository = hub_cache() / f"models--{name.replace('/', '--')}"
    pointer = repository / "refs" / revision
    commit = pointer.read_text().strip() if pointer.is_file() else revision
    snapshot = repository / "snapshots" / commit
    whole = (snapshot / "config.json").is_file() and any(snapshot.glob("*.safetensors"))
    index = snapshot / INDEX
    if index.is_file():
        files = shards(index)
        whole = whole and bool(files) and all((snapshot / name).is_file() for name in files)
    return snapshot if whole else None


def unreachable(name: str, *, seconds: float = 4.0) -> str | None:
    """Return why the hub can't give a model's weights now; None where it can.

    One byte of them is asked for, since weights come from another host than the rest. Looking up a
    host's name heeds no timeout, so that the question is left alone after `seconds`.
    """
    if is_forbidden():
        return "HF_HUB_OFFLINE is set"
    answers: list[str | None] = []
    asking = Thread(target=lambda: answers.append(_refusal(name, seconds)), daemon=True)
    asking.start()
    asking.join(seconds + 1)
    return answers[0] if answers else f"no answer in {seconds:.0f} s"


def _refusal(name: str, seconds: float) -> str | None:
    from huggingface_hub import get_session, hf_hub_url

    try:
        answer = get_session().get(
            hf_hub_url(name, "model.safetensors"),
            headers={"Range": "bytes=0-0"},
            timeout=seconds,
            follow_redirects=True,
        )
    except Exception as error:  # its client raises many kinds; each means: not now
        return re.sub(r"^\[Errno -?\d+\] ", "", first_line(error))
    # Where a network's own page answers everything, it answers 200 and not 206 for a range.
    return None if answer.status_code == 206 else f"it answers {answer.status_code}"


def download(name: str, revision: str, where: str) -> Path:
    """Fetch a model into the hub's cache; return its folder. UserError: it can't be had there."""
    from huggingface_hub import snapshot_download

    wanted = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=wanted))
    except Exception as error:  # the hub's client raises many kinds; each means: not here
        raise UserError(
            where,
            f"model '{name}' can't be found: no such folder, and the hub says: {first_line(error)}",
            "Mend the name or the connection, or name a folder as --model_name_or_path",
        ) from error


def first_line(error: Exception) -> str:
    """Return the first line of what an error says, or its kind."""
    said = str(error).strip().splitlines()
    return (said[0] if said else type(error).__name__).rstrip(".")
