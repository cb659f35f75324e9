"""Write a text in the editor that the owner is used to."""

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from textual.app import App, SuspendNotSupported

from align.errors import UserError


def edited(app: App[object], text: str) -> str:
    """Return the text as it comes back from $VISUAL or $EDITOR, the screen put aside meanwhile.

    The file lies in a folder that only its user can read, and is gone afterwards.

    Raises:
        UserError: There is no such editor, it failed, or the terminal can't be handed over.
    """
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answer.txt"
        path.write_text(text, "utf-8")
        try:
            with app.suspend():
                done = subprocess.run([*shlex.split(command), str(path)], check=False)
        except (OSError, ValueError, SuspendNotSupported) as error:
            raise UserError(
                f"$EDITOR {command!r}",
                f"cannot be started ({error})",
                "Set EDITOR=nano or the like",
            ) from error
        if done.returncode != 0:
            what = f"ended with {done.returncode}"
            raise UserError(f"$EDITOR {command!r}", what, "The text is as it was")
        return path.read_text("utf-8", errors="replace").rstrip("\n")
