"""Where the provider is: the address that is asked, and the name that consent is given for."""

import os
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from align.errors import UserError

PROVIDER = "https://api.anthropic.com"
VARIABLE = "ANTHROPIC_BASE_URL"
_PORTS = {"https": 443, "http": 80}


def base_url() -> str:
    """Return the address that requests go to: `ANTHROPIC_BASE_URL` where it is set.

    Raises:
        UserError: What is set is no address, or would send writing over the net unencrypted.
    """
    return checked_url(os.environ.get(VARIABLE, "").strip() or PROVIDER)


def checked_url(url: str) -> str:
    """Return the address if writing may be sent there.

    Raises:
        UserError: It is no address, holds a password, or is plain http to another machine.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = SplitResult("", "", "", "", ""), None
    remedy = f"Write it as {PROVIDER}, or unset it"
    if not host or parts.scheme not in _PORTS or parts.query or parts.fragment:
        raise UserError(VARIABLE, "no address of a service", remedy)
    if parts.username or parts.password:
        raise UserError(VARIABLE, "an address that holds a password", remedy)
    if parts.scheme == "http" and not is_loopback(host):
        raise UserError(VARIABLE, "plain http, which anybody on the way can read", remedy)
    return url


def host_of(url: str) -> str:
    """Return the host as consent and ledger name it; with its port where it is not the usual."""
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
