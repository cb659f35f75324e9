"""The key to the provider: from the environment or the system's key store, never from a file."""

import importlib
import os
from typing import NoReturn

from align.errors import UserError

VARIABLE = "ANTHROPIC_API_KEY"
SERVICE, ACCOUNT = "soundalike", "anthropic"


class Key:
    """A key that shows itself only where it is asked to."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the key itself."""
        return self._value

    def __repr__(self) -> str:
        return "Key(...)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is not written down")


def api_key() -> Key:
    """Return the key: `ANTHROPIC_API_KEY`, else what the system's key store holds.

    Raises:
        UserError: There is none, or it is no key.
    """
    value, where = os.environ.get(VARIABLE, "").strip(), VARIABLE
    if not value:
        value, where = _stored().strip(), "the key store"
    if not value:
        raise UserError(
            "no key",
            f"neither {VARIABLE} nor the system's key store holds one",
            f"Set {VARIABLE}, or, with keyring installed (pip install keyring), run: "
            f"python -m keyring set {SERVICE} {ACCOUNT}",
        )
    # It goes into a header, which a line break or a typographic quote would break.
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise UserError(where, "holds blanks or signs that no key has", "Copy the key anew")
    return Key(value)


def _stored() -> str:
    """Return what the key store holds, or nothing."""
    try:
        keyring = importlib.import_module("keyring")
        return keyring.get_password(SERVICE, ACCOUNT) or ""
    except Exception:
        # A machine without a key store has many ways to say so.
        return ""
