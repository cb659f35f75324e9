"""Messages and documents that hold nothing but links."""

import re

_LINK = re.compile(r"[a-z][a-z0-9+.-]{1,20}://\S|www\.\S|[\w.-]{1,80}\.[a-z]{2,24}/", re.I)
_SAYS_SOMETHING = re.compile(r"[^\W_]")


def is_link_only(text: str) -> bool:
    """Tell whether a text is links and nothing said of them."""
    if "/" not in text and "www." not in text:
        return False
    links = 0
    for part in text.split():
        if _LINK.match(part.lstrip("<([\"'*•-")):
            links += 1
        elif _SAYS_SOMETHING.search(part):
            return False
    return links > 0
