"""Discord's markup, as the chat shows it."""

import re
from collections.abc import Mapping

from align.ingest.formats.json_values import epoch_time

_MARKUP = re.compile(
    r"<(?:@!?(?P<user>\d{1,20})|@&(?P<role>\d{1,20})|\#(?P<channel>\d{1,20})"
    r"|a?:(?P<emoji>\w{1,64}):\d{1,20}|t:(?P<time>\d{1,15})(?::(?P<style>[a-zA-Z]))?"
    r"|(?P<command>/[^:<>\n]{1,100}):\d{1,20}|id:(?P<place>[a-z-]{1,20}))>"
)
_STYLES = {"t": "%H:%M", "T": "%H:%M", "d": "%Y-%m-%d", "D": "%Y-%m-%d", "R": "%Y-%m-%d"}


def plain_text(text: str, people: Mapping[str, str], channels: Mapping[str, str]) -> str:
    """Return a message as people see it.

    Args:
        text: The message, with mentions such as `<@123>`.
        people: Names by id; whoever is not among them is `@someone`.
        channels: Names by id.
    """

    def shown(match: re.Match[str]) -> str:
        kind, value = match.lastgroup, match.group(match.lastgroup or 0)
        if kind == "user":
            return f"@{people.get(value, 'someone')}"
        if kind == "role":
            return "@group"
        if kind == "channel":
            return f"#{channels.get(value, 'channel')}"
        if kind == "emoji":
            return f":{value}:"
        if kind in ("time", "style"):
            moment = epoch_time(int(match["time"]))
            form = _STYLES.get(match["style"] or "", "%Y-%m-%d %H:%M")
            return moment.strftime(form) if moment else match[0]
        return value if kind == "command" else f"#{value}"

    return _MARKUP.sub(shown, text) if "<" in text else text
