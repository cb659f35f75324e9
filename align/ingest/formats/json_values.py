"""Values of somebody else's JSON: each is taken as what it should be, or as nothing."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from typing import Any

from align.errors import UserError
from align.ingest.formats.json_stream import json_items
from align.ingest.reading import Export, Notes

# A smaller file is parsed at once, which is some times faster than item by item.
_AT_ONCE = 64 * 1024**2
# Numbers since 1970 that are larger count milliseconds.
_SECONDS = 10**11
# No service's number has more digits.
_LARGEST = 10**30


def string_of(value: object) -> str:
    """Return a text, or an empty one."""
    return value if isinstance(value, str) else ""


def object_of(value: object) -> dict[str, Any]:
    """Return an object, or an empty one."""
    return value if isinstance(value, dict) else {}


def list_of(value: object) -> list[Any]:
    """Return a list, or an empty one."""
    return value if isinstance(value, list) else []


def objects_of(value: object) -> list[dict[str, Any]]:
    """Return the objects of a list."""
    return [each for each in list_of(value) if isinstance(each, dict)]


def id_of(value: object) -> str | None:
    """Return an id, which services write as a text or as a number; None where it is neither."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST:
        return str(value)
    return None


def iso_time(value: object, zone: tzinfo | None = None) -> datetime | None:
    """Return the moment that an ISO 8601 text names, in UTC where its zone is known.

    Args:
        value: What should be the text.
        zone: The zone of a text that names none.
    """
    try:
        moment = datetime.fromisoformat(string_of(value).strip().removesuffix(" UTC"))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        return moment if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def epoch_time(value: object) -> datetime | None:
    """Return the moment of a number (or its text) of seconds or milliseconds since 1970."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = float(value)
        if seconds > _SECONDS:
            seconds /= 1000
        return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
    except (ValueError, OverflowError, OSError):
        return None


def json_in(export: Export, name: str, notes: Notes) -> Any:
    """Return the value of a JSON file that is small; None, and a note, where it is damaged."""
    try:
        return json.loads(export.tree.text_of(name, _AT_ONCE))
    except UserError as error:
        notes.problems.append(error)
    except (ValueError, RecursionError) as error:
        what = f"damaged ({' '.join(str(error).split())[:120]})"
        notes.problem(export.place(name), what, "The rest is read without it")
    return None


def objects_in(export: Export, name: str, notes: Notes) -> Iterator[dict[str, Any]]:
    """Yield the objects of a list in a JSON file, up to where it is damaged."""
    try:
        value = json.loads(export.tree.text_of(name, _AT_ONCE))
    except RecursionError:
        notes.problem(export.place(name), "damaged (nested too deeply)", "Get the export again")
    except (UserError, ValueError):
        # Too large for this, or damaged: what stands before the damage is read.
        items = json_items(export, name, "item", notes)
        yield from (item for item in items if isinstance(item, dict))
    else:
        if not isinstance(value, list):
            notes.problem(export.place(name), "not the list that should be there")
        yield from objects_of(value)
