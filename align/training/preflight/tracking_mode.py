"""Where a run's figures will go: found without importing wandb."""

import netrc
import os
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlparse

from align.recipe.recipe_file import Recipe
from align.training.preflight.findings import Finding, fine, look


def tracking_mode(recipe: Recipe) -> list[Finding]:
    """Return where the recipe's `report_to` sends figures, and whether wandb has a key."""
    said = recipe.training.get("report_to") or "none"
    names = [name for name in ([said] if isinstance(said, str) else said) if name != "none"]
    if "wandb" not in names:
        where = f"figures go to {', '.join(names)}" if names else "figures stay in the terminal"
        return [fine("tracking", where)]
    if find_spec("wandb") is None:
        return []  # the line of the extras says it
    mode = os.environ.get("WANDB_MODE", "").lower()
    if mode in ("offline", "dryrun", "disabled"):
        return [fine("tracking", f"wandb, {mode} by WANDB_MODE")]
    if not _has_key():
        return [look("tracking", "wandb, offline: there is no key here",
                     "For a live view run: .venv/bin/wandb login")]  # fmt: skip
    return [fine("tracking", "wandb, online")]


def _has_key() -> bool:
    if os.environ.get("WANDB_API_KEY"):
        return True
    host = urlparse(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname or ""
    file = Path(os.environ.get("NETRC", "~/.netrc")).expanduser()
    try:
        return netrc.netrc(str(file)).authenticators(host) is not None
    except (OSError, netrc.NetrcParseError):
        return False
