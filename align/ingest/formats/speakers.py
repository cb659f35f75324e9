"""Who speaks, as transcripts write it: `ANN: ...`, `**Ann (00:12):**`, `Ann  0:12`."""

import re
from collections import Counter
from dataclasses import dataclass

TIME = r"\d{1,2}:\d{1,2}(?::\d{1,2})?(?:[.,]\d{1,7})?(?:[ ]?[AaPp][Mm])?"
_NAME = r"[^\W\d_][^:\n\[\](){}<>*_#|=/\\\"“”?!;,]{0,40}"
_STAMP = rf"[\[(]?{TIME}[\])]?"
# `(she/her)`, `(host)`, `(crying)`.
_PRONOUNS = r"(?:[ \t]*\([^\W\d_][^():\n]{0,24}\))?"
_AFTER_NAME = rf"{_PRONOUNS}(?:[ \t]*[\[(]{TIME}[\])])?"
_COLON = "[:\uff1a]"
# `[00:12] Ann (00:12): text`
_INLINE = re.compile(
    rf"(?P<stamp>{_STAMP}[ \t]*(?:-[ \t]*)?)?(?P<name>{_NAME}?){_AFTER_NAME}"
    rf"[ \t]*{_COLON}(?!//)(?P<said>.*)"
)
# `Ann  0:12`, `Ann (00:12)`, `[00:12] Ann`, `[Ann] 10:02:33`, each on a line of its own.
_HEADERS = (
    re.compile(rf"(?P<name>{_NAME}?)[ \t]+[\[(]?{TIME}[\])]?[ \t]*:?"),
    re.compile(rf"[\[(]{TIME}[\])][ \t]*(?P<name>{_NAME})"),
    re.compile(rf"\[(?P<name>{_NAME})\][ \t]*{TIME}"),
)
_BOLD = re.compile(
    rf"(?P<stamp>{_STAMP}[ \t]*)?(?P<mark>\*\*|__)(?P<label>[^*_\n]{{1,80}})(?P=mark)"
    rf"(?P<rest>[ \t]*(?:{_COLON}|[\[(\d]|$)|(?<=:\*\*)|(?<=:__))"
)
_QUOTE = re.compile(r"(?:>[ \t]*)+")
# Words of a name that are not written with a capital.
_PARTICLES = frozenset(
    ("van", "von", "de", "da", "di", "du", "del", "der", "den", "la", "le", "el", "al", "bin", "of")
)
_NUMBERED = re.compile(r"[^\W\d_]+[ ]\d{1,3}", re.I)
# Labels that no person is called by.
_NO_NAMES = frozenset(
    (
        "a", "abstract", "achtung", "actual", "added", "address", "advantage", "advantages",
        "after", "answer", "args", "attention", "author", "authors", "back", "background", "bad",
        "bcc", "before", "beispiel", "better", "breakfast", "caption", "categories", "category",
        "caution", "cc", "changed", "chapter", "claim", "color", "colour", "con", "conclusion",
        "cons", "consequence", "content-type", "context", "credit", "date", "day", "december",
        "default", "definition", "delivered-to", "deprecated", "description", "details", "dinner",
        "disadvantage", "disadvantages", "done", "duration", "e-mail", "edit", "email", "english",
        "error", "evening", "evidence", "example", "examples", "expected", "features", "february",
        "fix", "fixed", "french", "friday", "from", "front", "german", "goal", "goals", "good",
        "hint", "hinweis", "how", "http", "https", "idea", "ideas", "image", "impact", "important",
        "info", "ingredients", "input", "installation", "january", "july", "key", "keywords",
        "license", "link", "links", "location", "lunch", "mail", "march", "message-id",
        "mime-version", "mitigation", "monday", "month", "morning", "name", "nb", "next", "no",
        "note", "notes", "november", "october", "output", "param", "parameters", "part", "phone",
        "photo", "place", "prerequisites", "price", "priority", "pro", "problem", "pros", "ps", "q",
        "question", "quote", "raises", "received", "reference", "references", "remember", "removed",
        "reply-to", "requirements", "result", "results", "return", "return-path", "returns", "risk",
        "saturday", "security", "see", "september", "severity", "size", "solution", "source",
        "sources", "spanish", "status", "step", "strengths", "subject", "summary", "sunday", "tag",
        "tags", "task", "tasks", "tel", "term", "thursday", "time", "tip", "tips", "title", "to",
        "todo", "total", "transcript", "tuesday", "type", "update", "url", "usage", "value",
        "version", "warning", "weaknesses", "wednesday", "week", "what", "when", "where", "which",
        "who", "why", "worse", "year", "yes",
    )
)  # fmt: skip
_DIRECTIONS = re.compile(
    r"\[(?:[^\[\]\n]{1,60})\](?!\()"
    r"|[(*](?:(?:both|all|everyone|they|audience)\s+)?(?:\w+ly\s+)?(?:laughs?|laughing|laughter|"
    r"chuckles?|chuckling|pauses?|long pause|applause|applauds|sighs?|sighing|coughs?|coughing|"
    r"inaudible|unintelligible|indistinct|crosstalk|music|silence|smiles?|smiling|nods?|nodding|"
    r"crying|cries|whispers?|whispering|cheering|cheers)\b[^()*\n]{0,30}[)*]",
    re.I,
)


@dataclass
class Turn:
    """What one speaker said in a row, as it stands in the file.

    Attributes:
        name: Who.
        lines: The lines, without the label.
        is_marked: Whether the label has a time or is bold: a form that only transcripts have.
        at: The line where it begins, counted from 1.
    """

    name: str
    lines: list[str]
    is_marked: bool
    at: int

    @property
    def raw(self) -> str:
        """Return the whole turn; lines that were wrapped stay lines."""
        return "\n".join(self.lines).strip()


def label_of(line: str) -> tuple[str, str | None, bool] | None:
    """Return the name that a line begins with, what follows it, and whether the label is marked.

    What follows is None where the label has the line to itself.
    """
    line, is_marked = _unmarked(line)
    for header in _HEADERS:
        match = header.fullmatch(line)
        if match and is_name(match["name"]):
            return _plain(match["name"]), None, True
    match = _INLINE.fullmatch(line)
    if match and is_name(match["name"]):
        is_marked |= re.search(TIME, line[: match.start("said")]) is not None
        return _plain(match["name"]), match["said"].strip(), is_marked
    return None


def is_name(text: str) -> bool:
    """Tell whether a label may be a speaker's: capitals, few words, no `Note`."""
    words = _plain(text).split()
    if not 1 <= len(words) <= 5 or words[0].casefold().rstrip(".") in _NO_NAMES:
        return False
    if _NUMBERED.fullmatch(" ".join(words)):
        return True
    if any(character.isdigit() for character in text):
        return False
    return all(
        not word[0].islower() or (place > 0 and word in _PARTICLES)
        for place, word in enumerate(words)
    )


def without_directions(text: str) -> str:
    """Return what was said, without `[laughs]` and the like."""
    if "[" not in text and "(" not in text and "*" not in text:
        return text
    text = _DIRECTIONS.sub("\0", text)
    text = re.sub(r"^(?:\0[ \t]*)+|(?<![ \t])[ \t]*\0+(?:[ \t]+\0)*", "", text, flags=re.MULTILINE)
    return re.sub(r"(?<![ \t])[ \t]+([.,;:!?…])", r"\1", text).strip()


def are_speakers(names: list[str]) -> bool:
    """Tell whether labels, in their order, are those of people who talk with each other."""
    counts = Counter(names)
    often = sum(count > 1 for count in counts.values())
    if often < 2 or len(names) < 2 * len(counts):
        return False
    # Three or more labels that always come in the same order are the fields of a form.
    period = len(counts)
    return period < 3 or any(name != names[i % period] for i, name in enumerate(names))


def _unmarked(line: str) -> tuple[str, bool]:
    line = line.strip()
    if quote := _QUOTE.match(line):
        line = line[quote.end() :]
    match = _BOLD.match(line)
    if not match:
        return line, False
    return (match["stamp"] or "") + match["label"] + match["rest"] + line[match.end() :], True


def _plain(name: str) -> str:
    return " ".join(name.split())
