"""What a person wrote in a mail: without what it answers or forwards, and without signature."""

import re
from dataclasses import dataclass

from align.ingest.formats import mail_words as words

# A line before a quote may be broken in three, and is never longer than this.
_HEADING_LINES, _HEADING = 3, 300
_LONGEST_SIGNATURE = 12
_WRAPPED_AT = (60, 80)
_QUOTED = re.compile(r"\s{0,3}>")
_ONE_QUOTE = re.compile(r"\s{0,3}> ?")
_FOOTER = re.compile(r"_{20,}\s*")
_RULE = re.compile(r"\s*[_\-=]{10,}\s*")
_OWN_LINE = re.compile(r"\s|[-*•>|#]|\d+[.)]\s")
_PGP = re.compile(r"-----BEGIN PGP SIGNATURE-----.*?(?:-----END PGP SIGNATURE-----|\Z)", re.DOTALL)
_PGP_HEAD = re.compile(r"-----BEGIN PGP SIGNED MESSAGE-----\n(?:Hash:.*\n)?\n?")


@dataclass(frozen=True)
class SplitMail:
    """A mail's text, parted."""

    own: str  # what its sender wrote
    # What it answers, without what that answered in turn; empty where nothing is quoted.
    quoted: str = ""
    # Who wrote the quoted text, as the line before it says; empty where it does not.
    author: str = ""
    address: str | None = None  # their address, where it says that
    is_forward: bool = False  # whether something forwarded stands below


def split_mail(text: str, subject: str = "", *, quoting: bool = True) -> SplitMail:
    """Split a mail's plain text into what its sender wrote and, if `quoting`, what that answers.

    The subject tells an answer from a forward where both look alike.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u00a0", " ")
    text = _PGP.sub("", _PGP_HEAD.sub("", text))
    lines = text.split("\n")
    cut, body, heading, is_forward = _history(lines, bool(words.FORWARD_SUBJECT.match(subject)))
    own, quotes, headings = _unquoted(lines[:cut])
    history = lines[body:]
    if not quotes:
        quotes = [_ONE_QUOTE.sub("", line, count=1) for line in history]
    if not any(line.strip() for line in quotes) or is_forward or not quoting:
        return SplitMail(_finished(own), is_forward=is_forward)
    author, address = _author(headings[0] if headings else heading)
    quoted = split_mail("\n".join(quotes), quoting=False).own
    return SplitMail(_finished(own), quoted, author, address)


def unwrapped(text: str) -> str:
    """Return text in which lines that a mail program broke are joined again.

    A line was broken where the next line's first word would not have fitted; what a person broke
    stays broken.
    """
    lines = text.split("\n")
    longest = max((len(line) for line in lines), default=0)
    if not _WRAPPED_AT[0] <= longest <= _WRAPPED_AT[1]:
        return text
    joined = [lines[0]]
    last = lines[0]
    for line in lines[1:]:
        word = line.split(" ", 1)[0]
        is_broken = len(last) + 1 + len(word) > longest and len(last) >= _WRAPPED_AT[0] - 10
        if is_broken and line and not _OWN_LINE.match(line):
            joined[-1] = f"{joined[-1].rstrip()} {line}"
        else:
            joined.append(line)
        last = line
    return "\n".join(joined)


def unflowed(text: str, *, delete_space: bool = False) -> str:
    """Return the paragraphs of a `format=flowed` text (RFC 3676) on one line each."""
    out: list[str] = []
    depth_before, flows = 0, False
    for line in text.replace("\r\n", "\n").split("\n"):
        bare = line.lstrip(">")
        depth = len(line) - len(bare)
        bare = bare[1:] if bare.startswith(" ") else bare
        is_signature = bare == "-- "
        if flows and depth == depth_before and not is_signature:
            out[-1] += bare
        else:
            out.append((">" * depth + " " if depth else "") + bare)
        flows = bare.endswith(" ") and not is_signature
        if flows and delete_space:
            out[-1] = out[-1][:-1]
        depth_before = depth
    return "\n".join(out)


def _history(lines: list[str], is_forward: bool) -> tuple[int, int, str, bool]:
    """Find where all that follows is somebody else's, though no line of it is marked.

    Returns:
        Where the own text ends; where the other's begins; the line that names its author; and
        whether it is forwarded, not answered.
    """
    for index, line in enumerate(lines):
        if not line.strip() or _QUOTED.match(line):
            continue
        if len(line) <= 250 and words.FORWARDED.fullmatch(line):
            return index, len(lines), "", True
        if len(line) <= 250 and words.ORIGINAL.fullmatch(line):
            block = _header_block(lines, index + 1)
            return index, block[0] if block else index + 1, block[1] if block else "", is_forward
        if block := _header_block(lines, index):
            above = index
            while above and (not lines[above - 1].strip() or _RULE.fullmatch(lines[above - 1])):
                above -= 1
            return above, block[0], block[1], is_forward
        if heading := _heading_at(lines, index):
            after = _next_text(lines, heading)
            if after < len(lines) and not _QUOTED.match(lines[after]):
                return index, after, " ".join(lines[index:heading]), is_forward
    return len(lines), len(lines), "", False


def _header_block(lines: list[str], start: int) -> tuple[int, str] | None:
    """Return where the text under "From: / Sent: / To: / Subject:" begins, and the From line."""
    start = _next_text(lines, start)
    if start >= len(lines) or len(lines[start]) > 400:
        return None
    if (sender := words.FROM.fullmatch(lines[start])) is None:
        return None
    fields, index = 0, start + 1
    while index < len(lines) and index <= start + 12 and fields < 6:
        line = lines[index]
        if len(line) <= 600 and words.FIELD.fullmatch(line):
            fields += 1
        elif fields >= 2 if not line.strip() else not line.startswith((" ", "\t")):
            break
        index += 1
    return (_next_text(lines, index), sender["who"]) if fields >= 2 else None


def _heading_at(lines: list[str], index: int) -> int:
    """Return where the line that names the author of a quote ends; 0 where there is none here."""
    for stop in range(index + 1, min(index + _HEADING_LINES, len(lines)) + 1):
        line = lines[stop - 1].rstrip()
        if not line or (stop > index + 1 and (_QUOTED.match(line) or len(line) > _HEADING)):
            return 0
        if not line.endswith(tuple(words.COLONS)):
            continue
        heading = " ".join(part.strip() for part in lines[index:stop])
        if len(heading) > _HEADING or not _is_heading(heading, lines[index], stop - index):
            return 0
        after = _next_text(lines, stop)
        is_before_quote = after < len(lines) and bool(_QUOTED.match(lines[after]))
        is_sure = words.WROTE.search(heading) and words.MOMENT.search(heading)
        return stop if is_before_quote or is_sure or _is_known(heading) else 0
    return 0


def _is_heading(heading: str, first: str, count: int) -> bool:
    first = first.strip()
    if count > 1 and not (words.OPENER.match(first) and any(c.isdigit() for c in first)):
        return False
    address = words.ADDRESS.search(heading)
    if words.WROTE.search(heading):
        # A sentence of the owner's may end "what Bob wrote:".
        return bool(words.OPENER.match(first) or address) or len(heading.split()) <= 6
    return _is_known(heading) or bool(words.MOMENT.search(heading) and address)


def _is_known(heading: str) -> bool:
    return bool(words.MOMENT.search(heading) and words.wrote_lines().match(heading))


def _next_text(lines: list[str], index: int) -> int:
    while index < len(lines) and not lines[index].strip():
        index += 1
    return index


def _unquoted(lines: list[str]) -> tuple[list[str], list[str], list[str]]:
    """Part lines into what is not quoted, what is (one mark less), and what stood before quotes."""
    own: list[str] = []
    quotes: list[str] = []
    headings: list[str] = []
    index = 0
    while index < len(lines):
        line, stop = lines[index], 0
        if _QUOTED.match(line):
            if quotes and index and not _QUOTED.match(lines[index - 1]):
                quotes.append("")
            quotes.append(_ONE_QUOTE.sub("", line, count=1))
        elif stop := _heading_at(lines, index) if line.strip() else 0:
            headings.append(" ".join(part.strip() for part in lines[index:stop]))
        else:
            own.append(line)
        index = stop or index + 1
    return own, quotes, headings


def _finished(lines: list[str]) -> str:
    """Return own lines without what stands under them: signature, phone's line, list's footer."""
    for index, line in enumerate(lines):
        is_mark = line in ("-- ", "--") or re.fullmatch(r"--\s", line)
        if is_mark and (line != "--" or len(lines) - index <= _LONGEST_SIGNATURE):
            lines = lines[:index]
            break
        if _FOOTER.fullmatch(line) and "list" in "\n".join(lines[index + 1 :]).lower():
            lines = lines[:index]
            break
    while lines and (
        not lines[-1].strip()
        or _RULE.fullmatch(lines[-1])
        or (len(lines[-1]) <= 120 and words.sent_from().fullmatch(lines[-1].strip()))
    ):
        lines.pop()
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in lines)).strip("\n")
    while words.is_disclaimer(text.rpartition("\n\n")[2]):
        text = text.rpartition("\n\n")[0].rstrip("\n")
    return unwrapped(text)


def _author(heading: str) -> tuple[str, str | None]:
    match = words.ADDRESS.search(heading)
    address = match[0].removeprefix("mailto:") if match else None
    bare = re.sub(r"<[^<>]*>|\[mailto:[^\]]*\]", "", heading)
    if (verb := words.WROTE.search(bare)) is not None:
        after = bare[verb.end() :].strip(" " + words.COLONS)
        before = bare[: verb.start()].rstrip(" ,")
        bare = after if any(c.isalpha() for c in after) else re.split(r"[,\d:]", before)[-1]
    elif words.MOMENT.search(bare):
        bare = re.split(r"[,\d:]", bare.strip(" " + words.COLONS))[-1]
    bare = words.ADDRESS.sub("", bare)
    name = " ".join(words.NO_NAME.sub(" ", bare).split()).strip(" ,;" + words.COLONS)
    return (name if len(name) <= 80 else ""), address
