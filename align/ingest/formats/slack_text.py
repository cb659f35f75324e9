"""Slack's markup and blocks, as a channel shows them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from align.ingest.formats.json_values import id_of, list_of, object_of, objects_of, string_of

# What people type as < > & stands escaped in the text: everything in < > is Slack's.
_ENTITY = re.compile(r"<([^<>\n]+)>")
_EMOJI = re.compile(r":([a-z0-9_+'-]{1,100})(?:::skin-tone-(\d))?:")
_CODE_POINTS = re.compile(r"[0-9a-f]{1,6}(-[0-9a-f]{1,6}){0,15}", re.IGNORECASE)
# Blocks nest three deep; what lies deeper is nobody's message.
_DEPTH = 8


@dataclass(frozen=True)
class Names:
    """What ids stand for in a workspace."""

    people: Mapping[str, str] = field(default_factory=dict)
    channels: Mapping[str, str] = field(default_factory=dict)


def shown_text(text: str, names: Names, blocks: object = None) -> str:
    """Return a message's text as people see it: mentions by name, links by label, emoji as typed.

    Args:
        text: The text, in which `<@U1>` is a mention and `&lt;` a character.
        names: Who and what is mentioned.
        blocks: The message's blocks, which know the characters of its emoji.
    """
    shown = _ENTITY.sub(lambda match: _entity(match[1], names), text) if "<" in text else text
    shown = _with_emoji(shown, blocks)
    return shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def block_text(blocks: object, names: Names) -> str:
    """Return the text of blocks, for a message that has no other."""
    parts = []
    for block in objects_of(blocks):
        if block.get("type") == "rich_text":
            parts += [_rich(each, names, 0) for each in objects_of(block.get("elements"))]
            continue
        texts = [block.get("text"), *objects_of(block.get("fields"))]
        if block.get("type") == "context":
            texts += objects_of(block.get("elements"))
        for text in texts:
            held = text if isinstance(text, str) else string_of(object_of(text).get("text"))
            parts.append(shown_text(held, names))
    return "\n".join(part for part in parts if part.strip())


def _entity(held: str, names: Names) -> str:
    target, _, label = held.partition("|")
    if target.startswith("@"):
        return f"@{names.people.get(target[1:]) or label or 'someone'}"
    if target.startswith("#"):
        return f"#{label or names.channels.get(target[1:], 'channel')}"
    if target.startswith("!"):
        if label:
            return label
        return f"@{target[1:].split('^')[0] if '^' not in target else 'group'}"
    return label or target.removeprefix("mailto:").removeprefix("tel:")


def _with_emoji(text: str, blocks: object) -> str:
    if ":" not in text:
        return text
    known: dict[str, str] = {}
    _collect_emoji(blocks, known, 0)
    return _EMOJI.sub(lambda match: known.get(match[1], match[0]), text) if known else text


def _collect_emoji(value: object, known: dict[str, str], depth: int) -> None:
    for each in objects_of(value) if depth < _DEPTH else ():
        if each.get("type") == "emoji" and (character := _character(each)):
            known[string_of(each.get("name"))] = character
        _collect_emoji(each.get("elements"), known, depth + 1)


def _character(emoji: dict[str, Any]) -> str:
    points = string_of(emoji.get("unicode"))
    if not _CODE_POINTS.fullmatch(points):
        return ""
    numbers = [int(point, 16) for point in points.split("-")]
    if any(number > 0x10FFFF or 0xD800 <= number < 0xE000 for number in numbers):
        return ""
    return "".join(map(chr, numbers))


def _rich(element: dict[str, Any], names: Names, depth: int) -> str:
    """Return the text of a section, a list, a quotation or code of a rich text."""
    if depth > _DEPTH:
        return ""
    kind = element.get("type")
    inner = objects_of(element.get("elements"))
    if kind == "rich_text_list":
        mark = "1." if element.get("style") == "ordered" else "•"
        return "\n".join(f"{mark} {_rich(each, names, depth + 1)}" for each in inner)
    text = "".join(_inline(each, names) for each in inner)
    if kind == "rich_text_quote":
        return "\n".join(f"> {line}" for line in text.split("\n"))
    return f"```\n{text}\n```" if kind == "rich_text_preformatted" else text


def _inline(element: dict[str, Any], names: Names) -> str:
    kind, text = element.get("type"), string_of(element.get("text"))
    if kind == "user":
        return f"@{names.people.get(id_of(element.get('user_id')) or '', 'someone')}"
    if kind == "channel":
        return f"#{names.channels.get(id_of(element.get('channel_id')) or '', 'channel')}"
    if kind == "broadcast":
        return f"@{string_of(element.get('range'))}"
    if kind == "usergroup":
        return "@group"
    if kind == "emoji":
        return _character(element) or f":{string_of(element.get('name'))}:"
    return text or string_of(element.get("url")) or string_of(element.get("fallback"))


def shared_text(attachments: object, names: Names) -> str:
    """Return what a message shares of other messages: not the words of who shares it."""
    parts = []
    for each in objects_of(attachments):
        if each.get("is_share") is True or each.get("is_msg_unfurl") is True:
            text = shown_text(string_of(each.get("text")), names)
            parts.append(text or message_text(each, names) or string_of(each.get("fallback")))
    return "\n\n".join(part for part in parts if part.strip())


def message_text(attachment: dict[str, Any], names: Names) -> str:
    """Return the text of the blocks that an attachment carries."""
    blocks = [
        block_text(object_of(each.get("message")).get("blocks"), names)
        for each in objects_of(attachment.get("message_blocks"))
    ]
    own = block_text(list_of(attachment.get("blocks")), names)
    return "\n".join(each for each in (own, *blocks) if each.strip())
