"""Find addresses of people and machines: e-mail and IP."""

import ipaddress
import re
from collections.abc import Iterator

_EMAIL = re.compile(
    r"(?<![^\W_])(?:(?P<local>[^\W_](?:[\w.+'-]|%(?!40)){0,63})|\"[^\"\n\x00]{1,62}\")(?:@|%40)"
    r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_][\w-]{0,61}[^\W_]"
)
# `git@github.com:owner/project.git` is a place, and everybody's.
_NOBODY = ("git", "hg", "svn")
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\d)")
_IPV6 = re.compile(
    r"(?<![\w:.])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?::\d{1,3}(?:\.\d{1,3}){3})?(?![\w:]|\.\w)",
    re.IGNORECASE,
)
_VERSION = re.compile(
    r"(?:\bv(?:er(?:sion)?)?|release|build|revision|section|§|chapter)\.?\s*\Z", re.IGNORECASE
)
# What every machine calls itself, what stands for none, and the ranges that placeholders are of.
_NO_MACHINE = tuple(
    map(
        ipaddress.ip_network,
        ("0.0.0.0/8", "127.0.0.0/8", "255.0.0.0/8", "192.0.2.0/24", "::/127", "2001:db8::/32"),
    )
)


def find_emails(text: str) -> Iterator[tuple[int, int]]:
    """Yield where e-mail addresses, and others of their form, stand."""
    for match in _EMAIL.finditer(text):
        if (match["local"] or "").lower() not in _NOBODY:
            yield match.span()


def find_ips(text: str) -> Iterator[tuple[int, int]]:
    """Yield where IP addresses stand: none that are version numbers, or of no machine."""
    for match in _IPV4.finditer(text):
        numbers = match[0].split(".")
        # Sections and versions are counted in ones.
        if all(len(number) == 1 for number in numbers):
            continue
        if not _VERSION.search(text, max(0, match.start() - 12), match.start()) and _is_ip(
            match[0]
        ):
            yield match.span()
    for match in _IPV6.finditer(text):
        groups = [group for group in match[0].split(":") if group]
        # Of `::` and few groups made of letters alone, most are code.
        is_likely = len(groups) > 2 or (bool(groups) and len(groups[0]) == 4)
        if is_likely and any(c.isdigit() for c in match[0]) and _is_ip(match[0]):
            yield match.span()


def _is_ip(word: str) -> bool:
    try:
        address = ipaddress.ip_address(word)
    except ValueError:
        return False
    return not any(address in network for network in _NO_MACHINE)
