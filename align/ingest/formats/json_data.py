"""JSON of other programs: read as it comes, each value taken as what it should be, or as nothing.

An export of a gigabyte takes no more memory than its largest item.
"""

import codecs
import json
import re
from collections.abc import Callable, Iterator, Set
from datetime import UTC, datetime, tzinfo
from typing import IO, Any

from align.errors import UserError
from align.ingest.decoding import encoding_of
from align.ingest.reader import Inputs, ReadLog

_CHUNK = 1 << 20
# Telegram Desktop writes a control character as \x1B, which is no JSON: \u001B is. Half a surrogate
# pair stops the parser. Each is looked for at its cheapest, and mended where one may be.
_WRONG = re.compile(
    rb"\\(?:x|u[dD](?:[89abAB]..(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..\\u[dD])[c-fC-F]))",
    re.DOTALL,
)
_ESCAPE = re.compile(
    rb"(?P<pair>\\u[dD][89abAB]..\\u[dD][c-fC-F]..)|(?P<half>\\u[dD][89a-fA-F]..)"
    rb"|\\x(?P<control>[0-9A-Fa-f]{2})|\\.",
    re.DOTALL,
)
_HIGH = re.compile(rb"\\u[dD][89abAB]..", re.DOTALL)
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*(?:"|\Z)', re.DOTALL)
# What stands between texts; a cut may leave a part of a word at either end. Nothing is tried twice.
_STRUCTURE = re.compile(rb"[\w.+-]*+(?>[\[\]{}:,\s]|-?\d[\d.eE+-]*+|true|false|null)*+[\w.+-]*+")
_DEEPEST = 500
_SCRIPT_HEAD = 4096
# The longest escape, a pair of surrogates, may be cut by a chunk's end.
_LONGEST = 12
# A smaller file is parsed at once, which is some times faster than item by item.
_AT_ONCE = 64 * 1024**2
# Numbers since 1970 that are larger count milliseconds.
_SECONDS = 10**11
# No service's number has more digits.
_LARGEST = 10**30


class Mended:
    """A JSON file as its parser wants it: valid UTF-8 without a mark, and escapes of JSON only.

    Bytes that are no text become a replacement character: one of them does not cost the rest of a
    file. With `is_script`, what stands before the first list is passed over.
    """

    def __init__(self, file: IO[bytes], is_script: bool = False) -> None:
        self._file = file
        self._is_script = is_script
        self._decoder: codecs.IncrementalDecoder | None = None
        self._held = b""
        self._ended = False

    def read(self, size: int = _CHUNK) -> bytes:
        """Return about `size` more bytes; none at the end."""
        # A parser asks for nothing first, to see whether it gets bytes or text.
        if size == 0:
            return b""
        while not self._ended:
            data = self._file.read(_CHUNK if size < 0 else size)
            self._ended = not data
            if self._decoder is None:
                # Only a mark or UTF-16's zeros speak for another encoding: JSON is UTF-8.
                encoding = encoding_of(data[:4096])
                encoding = "utf-8" if encoding == "cp1252" else encoding
                self._decoder = codecs.getincrementaldecoder(encoding)("replace")
                if self._is_script:
                    data = data[max(data.find(b"[", 0, _SCRIPT_HEAD), 0) :]
            text = self._decoder.decode(data, final=self._ended)
            mended = self._mended(text.encode("utf-8", "replace"))
            if is_nested_deeply(mended):
                raise ValueError("nested too deeply")
            if mended:
                return mended
        return b""

    def _mended(self, data: bytes) -> bytes:
        data = self._held + data
        self._held = b""
        if not self._ended:
            cut = _last_escape(data)
            data, self._held = data[:cut], data[cut:]
        if _WRONG.search(data) is None:
            return data
        return _ESCAPE.sub(_escape, data)


def json_items(
    inputs: Inputs, name: str, prefix: str, log: ReadLog, *, is_script: bool = False
) -> Iterator[Any]:
    """Yield the values at a prefix of a JSON file, up to where it is damaged, which is logged.

    The prefix is written as for ijson: `messages.item`, or `item` for the items of a list. A script
    assigns a list to a name: `window.YTD.tweets.part0 = [`.
    """
    import ijson

    count = 0
    try:
        with inputs.tree.open(name) as file:
            for item in ijson.items(
                Mended(file, is_script), prefix, use_float=True, buf_size=_CHUNK
            ):
                yield item
                count += 1
    except UserError as error:
        log.problems.append(error)
    except Exception as error:  # zlib.error, BadZipFile and ijson's share no other base.
        what = f"cut short or damaged after {count:,} items ({' '.join(str(error).split())[:120]})"
        log.problem(inputs.place(name), what, "What stands before it was taken")


def json_head(
    inputs: Inputs, name: str, wanted: Set[str], seen: Callable[[str, str, Any], bool]
) -> None:
    """Show what begins and ends at some prefixes of a JSON file to a function, up to any damage.

    `seen` is given prefix, event and value as ijson yields them, but no `map_key`; once it returns
    True, nothing more is read.
    """
    import ijson

    try:
        with inputs.tree.open(name) as file:
            events = ijson.parse(Mended(file), use_float=True, buf_size=_CHUNK)
            for prefix, event, value in events:
                if event != "map_key" and prefix in wanted and seen(prefix, event, value):
                    return
    except Exception:  # As above.
        return


def is_nested_deeply(data: bytes) -> bool:
    """Tell whether many more brackets open than close in a stretch of JSON, outside its texts.

    A parser's time and memory grow with the square of the depth; exports are some ten deep.
    """
    if _unclosed(data) <= _DEEPEST:
        return False
    # The stretch may begin inside a text: then what seems outside of texts holds words.
    outside = [_TEXT.sub(b"", cut) for cut in (data, b'"' + data)]
    return max((_unclosed(o) for o in outside if _STRUCTURE.fullmatch(o)), default=0) > _DEEPEST


def _unclosed(data: bytes) -> int:
    return data.count(b"[") + data.count(b"{") - data.count(b"]") - data.count(b"}")


def _last_escape(data: bytes) -> int:
    """Return where an escape begins that the end may cut; the end where there is none."""
    at = data.rfind(b"\\", max(len(data) - _LONGEST, 0))
    if at < 0 or not _begins_escape(data, at):
        return len(data)
    before = at - 6
    if before >= 0 and _HIGH.fullmatch(data, before, at) and _begins_escape(data, before):
        return before
    return at


def _begins_escape(data: bytes, at: int) -> bool:
    # In a row of backslashes each second one is escaped.
    row = at + 1 - len(data[: at + 1].rstrip(b"\\"))
    return row % 2 == 1


def _escape(match: re.Match[bytes]) -> bytes:
    if match["control"]:
        return b"\\u00" + match["control"]
    return b"\\ufffd" if match["half"] else match[0]


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
    return [item for item in list_of(value) if isinstance(item, dict)]


def id_of(value: object) -> str | None:
    """Return an id, which services write as a text or as a number; None where it is neither."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST:
        return str(value)
    return None


def iso_time(value: object, zone: tzinfo | None = None) -> datetime | None:
    """Return the moment that an ISO 8601 text names, in UTC where its zone is known.

    One that names no zone is in `zone`.
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


def number_of(key: str | None) -> int:
    """Return an id as a number, by which messages are in the order of their writing; 0 for none."""
    return int(key) if key and key.isascii() and key.isdigit() and len(key) <= 20 else 0


def snowflake_time(key: str | None, beginning: int) -> datetime | None:
    """Return the moment in an id whose high bits count milliseconds from a beginning."""
    number = number_of(key)
    return epoch_time(((number >> 22) + beginning) / 1000) if number else None


def name_key(name: str) -> str:
    """Return a user's name as it is compared: without `@`, blanks and capitals."""
    return " ".join(name.split()).removeprefix("@").casefold()


def json_in(inputs: Inputs, name: str, log: ReadLog) -> Any:
    """Return the value of a JSON file that is small; None, and a note, where it is damaged."""
    try:
        return json.loads(inputs.tree.text_of(name, _AT_ONCE))
    except UserError as error:
        log.problems.append(error)
    except (ValueError, RecursionError) as error:
        what = f"damaged ({' '.join(str(error).split())[:120]})"
        log.problem(inputs.place(name), what, "The rest is read without it")
    return None


def objects_in(inputs: Inputs, name: str, log: ReadLog) -> Iterator[dict[str, Any]]:
    """Yield the objects of a list in a JSON file, up to where it is damaged."""
    try:
        value = json.loads(inputs.tree.text_of(name, _AT_ONCE))
    except RecursionError:
        log.problem(inputs.place(name), "damaged (nested too deeply)", "Get the export again")
    except (UserError, ValueError):
        # Too large for this, or damaged: what stands before the damage is read.
        items = json_items(inputs, name, "item", log)
        yield from (item for item in items if isinstance(item, dict))
    else:
        if not isinstance(value, list):
            log.problem(inputs.place(name), "not the list that should be there")
        yield from objects_of(value)
