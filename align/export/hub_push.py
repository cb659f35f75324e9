"""An export pushed to a repository of the hub: only on request, and private by default."""

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from align.errors import UserError
from align.files import sha256_of
from align.privacy.egress_log import Attempt, EgressLog

_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
_HUB = "https://huggingface.co"
_PURPOSE = "push"


def check_repository(repository: str) -> None:
    """Refuse (UserError) what names no repository in the form NAME/MODEL."""
    if not _REPOSITORY.fullmatch(repository):
        raise UserError("--push", f"'{repository}' names no repository", "Say YOUR-NAME/MODEL")


def check_token() -> None:
    """Refuse to begin (UserError) where there is no token of the hub's on this machine."""
    from huggingface_hub import get_token

    if not get_token():
        raise UserError(
            "--push",
            "no token of the hub on this machine",
            "Run: .venv/bin/hf auth login, or set HF_TOKEN",
        )


def host() -> str:
    """Return the hub's host, with the port where it is none of the usual (`HF_ENDPOINT`)."""
    return urlsplit(_endpoint()).netloc


def files_of(folder: Path) -> list[tuple[str, int]]:
    """Return what would be pushed: paths within the folder, and bytes."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [(str(path.relative_to(folder)), path.stat().st_size) for path in paths]


def push(owner_id: str, folder: Path, repository: str, *, public: bool) -> str:
    """Push an export's folder as one commit, and return its address.

    Each file stands in the owner's egress log: what left this machine. UserError: the hub refused,
    or could not be reached; says what it said.
    """
    from huggingface_hub import HfApi

    api = HfApi(endpoint=_endpoint())
    with EgressLog(owner_id) as egress_log:
        try:
            api.create_repo(repository, private=not public, exist_ok=True)
            _check_visibility(api, repository, public=public)
        except Exception as error:
            raise _refused(error) from error
        begun = [
            egress_log.begin(_attempt(folder, path, repository)) for path, _ in files_of(folder)
        ]
        try:
            done = api.upload_folder(
                repo_id=repository, folder_path=folder, commit_message="A twin, exported"
            )
        except Exception as error:
            for token in begun:
                egress_log.end(token, error=type(error).__name__)
            raise _refused(error) from error
        for token in begun:
            egress_log.end(token, status=200)
    return str(done.commit_url)


def _check_visibility(api: Any, repository: str, *, public: bool) -> None:
    """Refuse to put a private export into a public repository that was there."""
    if not public and not api.model_info(repository).private:
        raise UserError(
            "--push",
            f"{repository} is there already, and public",
            "Name another repository, or say --public",
        )


def _attempt(folder: Path, path: str, repository: str) -> Attempt:
    return Attempt(
        purpose=_PURPOSE,
        method="PUT",
        path=f"/{repository}/{path}",
        host=host(),
        sha256=sha256_of(folder / path),
        bytes=(folder / path).stat().st_size,
    )


def _refused(error: Exception) -> UserError:
    if isinstance(error, UserError):
        return error
    lines = str(error).strip().splitlines()
    what = lines[0].rstrip(".") if lines else type(error).__name__
    return UserError("--push", f"the hub says: {what}", "Mend that and repeat")


def _endpoint() -> str:
    return os.environ.get("HF_ENDPOINT", _HUB).rstrip("/")
