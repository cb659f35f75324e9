"""Text from models and exports, made safe to show in a terminal."""

import re

# C0 but tab and newline, DEL, C1, and the bidirectional controls that reorder what follows them.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """Replace terminal controls, bidirectional overrides and lone surrogates by a visible mark."""
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))
