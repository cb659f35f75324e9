"""Where the provider is, and the key to it: from the environment or the system's key store."""

import importlib
import os
from ipaddress import ip_address
from typing import NoReturn
from urllib.parse import SplitResult, urlsplit

from align.errors import UserError

PROVIDER = "https://api.anthropic.com"
URL_VARIABLE, KEY_VARIABLE = "ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY"
SERVICE, ACCOUNT = "soundalike", "anthropic"
_PORTS = {"https": 443, "http": 80}


class Key:
    """A key that no repr or pickle shows."""

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
    """Return `ANTHROPIC_API_KEY`, else the system's key store's; UserError where it is none."""
    value, where = os.environ.get(KEY_VARIABLE, "").strip(), KEY_VARIABLE
    if not value:
        value, where = _stored_key().strip(), "the key store"
    if not value:
        raise UserError(
            "no key",
            f"neither {KEY_VARIABLE} nor the system's key store holds one",
            f"Set {KEY_VARIABLE}, or, with keyring installed (pip install keyring), run: "
            f"python -m keyring set {SERVICE} {ACCOUNT}",
        )
    # It goes into a header, which a line break or a typographic quote would break.
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise UserError(where, "holds blanks or signs that no key has", "Copy the key anew")
    return Key(value)


def _stored_key() -> str:
    """Return what the key store holds, or nothing."""
    try:
        keyring = importlib.import_module("keyring")
        return keyring.get_password(SERVICE, ACCOUNT) or ""
    except Exception:
        # A machine without a key store has many ways to say so.
        return ""


def base_url() -> str:
    """Return the address that requests go to: `ANTHROPIC_BASE_URL` where it is set.

    Raises:
        UserError: What is set is no address, or would send writing over the net unencrypted.
    """
    return checked_url(os.environ.get(URL_VARIABLE, "").strip() or PROVIDER)


def checked_url(url: str) -> str:
    """Return an address for writing; UserError: it is none, or unencrypted, or holds a password."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = SplitResult("", "", "", "", ""), None
    remedy = f"Write it as {PROVIDER}, or unset it"
    if not host or parts.scheme not in _PORTS or parts.query or parts.fragment:
        raise UserError(URL_VARIABLE, "no address of a service", remedy)
    if parts.username or parts.password:
        raise UserError(URL_VARIABLE, "an address that holds a password", remedy)
    if parts.scheme == "http" and not is_loopback(host):
        raise UserError(URL_VARIABLE, "plain http, which anybody on the way can read", remedy)
    return url


def host_of(url: str) -> str:
    """Return the host as consent and egress log name it; with an unusual port."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    shown = f"[{host}]" if ":" in host else host
    return shown if port is None or port == _PORTS.get(parts.scheme) else f"{shown}:{port}"


def is_loopback(host: str) -> bool:
    """Tell whether a host, without its port, is this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
