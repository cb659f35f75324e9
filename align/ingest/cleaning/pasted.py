"""What was pasted into a text and not written: code, logs, stack traces, tables, forms, data."""

import re

# How many of a text's lines must be pasted for the rest not to count.
_MOSTLY = 0.6
_FENCE = re.compile(r"^ {0,3}(```|~~~)", re.M)
_SIGNS = re.compile(r"[{}<>|\\=;\t\[\]()]| --?\w")
_SHORTEST = 20
# What a line is shows in its beginning, and what a text is in its first lines.
_LONGEST_LINE = 400
_LINES = 5000

_TRACE = re.compile(
    r"^Traceback \(most recent call last\)|^[ \t]*File \"[^\"]+\", line \d+"
    r"|^[ \t]*at [\w$.<>]+\([^()]*:\d+"
    r"|^(?:[\w.]+\.)?\w+(?:Error|Exception): .+\n\s+at |^panic: |^thread '.+' panicked at"
    r"|^Segmentation fault",
    re.M,
)
_LOG = re.compile(
    r"^\[?(?:\d{4}-\d\d-\d\d[T ]\d\d:\d\d|[A-Z][a-z]{2} +\d{1,2} \d\d:\d\d:\d\d)"
    r"|^\[?\d\d:\d\d:\d\d[.,]\d+"
    r"|^\[?(?:DEBUG|INFO|WARN(?:ING)?|ERROR|FATAL|TRACE|CRITICAL)\]?[: ]"
    r"|^(?:npm|pip|yarn|cargo|error|warning|make)(?: ERR!|\[\w+\]|: )"
)
_CODE = re.compile(
    r"[;{}]\s*$|^\s*(?:def|class|import|from|return|function|const|let|var|public|private|static|if|"
    r"for|while|else|elif|try|except|catch|using|#include|package|func|fn|struct|SELECT|INSERT|"
    r"UPDATE|CREATE|DELETE FROM)\b.*[(){}:;=*]|^\s*(?:</?\w[^>]*>|//|/\*|\*/|@\w+\()|=>\s*[{(]"
    r"|^\s*[\w.$\[\]'\"]+(?:\(.*\))?\s*(?:=|\+=|:=)\s*\S"
    r"|^\s*\"[^\"]+\":\s|^\$ \w|^[\w./-]+\(.*\);?$"
)
_DATA = re.compile(r"\s*(?:\{\s*\"[^\"]+\"\s*:|\[\s*\{\s*\"|<\?xml |<!DOCTYPE |<html\b)", re.I)
_STATEMENT = re.compile(
    r"(?:SELECT\s.+\sFROM\s|INSERT INTO \w|UPDATE \w+ SET "
    r"|(?:sudo|npm|pip|git|docker|curl|apt|cargo|kubectl|ssh) \S*.*\s-{1,2}\w"
    r"|(?:\w+\.)*\w+\([^()]*\)\s*;?$|(?:const|let|var|def|public|import) \w+.*[=(;{]"
    r"|.*\{.*;.*\}|<(\w+)[^>]*>.*</\1>).*",
    re.S,
)
_FORM = re.compile(r"^[^\W\d_][^:\n]{1,30}:(?:\s+\S.*|\s*)$")


def is_pasted(text: str) -> bool:
    """Tell whether most of a text is code, a log, a stack trace, a table, a form or data."""
    if len(text) < _SHORTEST:
        return False
    if "\n" not in text:
        return bool(_SIGNS.search(text)) and _is_pasted_line(text[:_LONGEST_LINE])
    lines = [line[:_LONGEST_LINE] for line in text.split("\n")[:_LINES] if line.strip()]
    return _are_pasted("\n".join(lines), lines)


def _are_pasted(text: str, lines: list[str]) -> bool:
    if len(lines) >= 2 and _TRACE.search(text):
        inside = sum(bool(_TRACE.search(line)) or line[:1] in " \t" for line in lines)
        if inside >= 0.4 * len(lines):
            return True
    if _DATA.match(text) and text.rstrip()[-1] in "]}>":
        return True
    few = _MOSTLY * len(lines)
    return (
        _fenced(lines) >= few
        or _count(_LOG, lines) >= max(2, few)
        or (len(lines) >= 3 and _count(_CODE, lines) >= few and bool(_SIGNS.search(text)))
        or _in_table(lines) >= max(3, few)
        or _in_form(lines) >= max(4, 0.8 * len(lines))
    )


def _is_pasted_line(line: str) -> bool:
    if _DATA.match(line) or _STATEMENT.fullmatch(line.strip()):
        return True
    signs = len(re.findall(r"[{}<>|\\=;()\[\]&$#@]", line))
    return signs > 5 and signs > 0.12 * len(line) and not re.search(r"[)(:;=][)(DPp3]\s*$", line)


def _count(pattern: re.Pattern[str], lines: list[str]) -> int:
    return sum(bool(pattern.search(line)) for line in lines)


def _fenced(lines: list[str]) -> int:
    inside, count = False, 0
    for line in lines:
        is_fence = bool(_FENCE.match(line))
        count += inside or is_fence
        inside ^= is_fence
    return count


def _in_table(lines: list[str]) -> int:
    best = 0
    for mark in ("\t", "|"):
        columns = [line.count(mark) for line in lines]
        usual = max(set(columns), key=columns.count)
        best = max(best, columns.count(usual) if usual >= (1 if mark == "\t" else 2) else 0)
    return best


def _in_form(lines: list[str]) -> int:
    labels = [line.partition(":")[0].strip() for line in lines if _FORM.match(line)]
    # A dialogue names its speakers again and again, a form names each field once.
    return len(labels) if len(set(labels)) > 0.8 * len(labels) else 0
