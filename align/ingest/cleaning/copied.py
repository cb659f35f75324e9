"""Text that its sender did not write: quotations, notices, published prose, code."""

import re
from collections.abc import Sequence

from align.ingest.cleaning.word_lists import DOES, SELF_WORDS
from align.text.similarity import words

# How much of a text must be quoted for the rest not to count.
_MOSTLY = 0.6
_SHORTEST_QUOTE_WORDS = 8
_QUOTE = re.compile(
    r"“[^”]*”|„[^“”]*[“”]|«[^»]*»|»[^«]*«|\"[^\"]*\"|\u2018[^\u2019]*\u2019(?!\w)", re.S
)
_OPENING = '"“„«»\u2018'
_LONGEST_QUOTATION = 5000
_TAIL = 80
# Who said it: a dash and a name at the end.
_NAMED_AFTER = re.compile(r"\s*[-—\u2013~]\s*[^\W\d_][^\n]{1,60}$")
_SHORTEST_NOTICE = 20
_LONGEST_NOTICE = 600
# No notice comes without one of these, and few other messages have them.
_DIGITS = re.compile(r"\d{4}")
_CODE_NOTICE = re.compile(
    r"\b(?:verification|security|confirmation|one-time|login|pass)[ -]?code\b"
    r"|\b(?:your|the|dein|ihr|votre|tu|su|il tuo|seu|je|uw) [\w-]*code (?:is|lautet|est|es|è|é)\b"
    r"|\b(?:your|dein|ihr|votre|tu|su) (?:code|código)\b\D{0,20}\d{4}|\b(?:otp|tan)\b\D{0,20}\d{4}"
    r"|\bcode de (?:vérification|confirmation)\b|\bcódigo de (?:verifica|confirma)"
    r"|\bcodice di (?:verifica|conferma)\b|\b(?:bestätigungs|verificatie|sicherheits)code\b",
    re.I,
)
_DELIVERY_NOTICE = re.compile(
    r"\b(?:your|ihre?|votre|su|il tuo|la tua|o seu|a sua|je|uw) (?:package|parcel|order|shipment"
    r"|delivery|booking|reservation|sendung|paket|bestellung|buchung|colis|commande|pedido|paquete"
    r"|envío|pacco|ordine|encomenda|pakket|bestelling)\b"
    r"|\btracking (?:number|id|no)\b|\bsendungs(?:nummer|verfolgung)\b|\bnuméro de suivi\b"
    r"|\bnúmero de (?:seguimiento|rastreio)\b|\bcodice di tracciamento\b|\btrack ?& ?trace\b",
    re.I,
)
_BULK_NOTICE = re.compile(r"\bunsubscribe\b|\breply stop to\b|\bdo not reply\b", re.I)
_SHORTEST_REPEAT_WORDS = 5
# Of running prose, so much is words of a language that is known here: else nothing is told.
_KNOWN_GLUE = 0.25
_SELF_SHARE = 0.005
_LONG_SENTENCE_WORDS = 14
_PUBLISHED = re.compile(
    r"©|\(c\) ?\d{4}|\[\d{1,2}\]|\bet al\.|\b(?:[Aa]ll rights reserved|[Rr]ead more|[Ss]ubscribe"
    r"|ISBN|Alle Rechte vorbehalten|tous droits réservés|todos los derechos|tutti i diritti"
    r"|AP|dpa|AFP|Reuters)(?!\w)"
)
_FENCE = re.compile(r"^ {0,3}(```|~~~)", re.M)
_SIGNS = re.compile(r"[{}<>|\\=;\t\[\]()]| --?\w")
_SHORTEST_PASTED = 20
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


def is_quoted(text: str) -> bool:
    """Tell whether most of a text stands behind `>` or is one quotation, with or without a name."""
    if text[0] != ">" and "\n>" not in text:
        return text[0] in _OPENING and _is_quotation(text)
    lines = [line.strip() for line in text.split("\n")]
    quoted = sum(len(line) for line in lines if line.startswith(">"))
    # A lone ">" is an arrow, a smile or an answer to "which is larger?".
    if quoted < 20 and len(lines) == 1:
        return False
    return quoted > _MOSTLY * sum(map(len, lines))


def is_mostly_quoted(text: str) -> bool:
    """Tell whether most of a passage stands between quotation marks, or behind `>`."""
    return is_quoted(text) or sum(map(len, _QUOTE.findall(text))) > _MOSTLY * len(text)


def _is_quotation(text: str) -> bool:
    if len(text) > _LONGEST_QUOTATION:
        return False
    body = (text[:-_TAIL] + _NAMED_AFTER.sub("", text[-_TAIL:])).strip()
    quotes = _QUOTE.findall(body)
    if sum(len(quote.split()) for quote in quotes) < _SHORTEST_QUOTE_WORDS:
        return False
    # A dialogue that the owner tells has many quotes, and words between them.
    whole = sum(map(len, quotes)) >= 0.95 * len(body)
    return whole and len(quotes) <= max(2, body.count("\n") + 1)


def is_notice(text: str) -> bool:
    """Tell whether a text is what machines send: it names a code, a parcel or a list to leave."""
    if not _SHORTEST_NOTICE <= len(text) <= _LONGEST_NOTICE:
        return False
    hinted = "://" in text or "nsubscribe" in text or "STOP to " in text or "not reply" in text
    if not hinted and not _DIGITS.search(text):
        return False
    return any(pattern.search(text) for pattern in (_CODE_NOTICE, _DELIVERY_NOTICE, _BULK_NOTICE))


def repeats(text: str, others: Sequence[str]) -> bool:
    """Tell whether a message says again, word for word, one of the last few messages of others."""
    return text in others and len(text.split()) >= _SHORTEST_REPEAT_WORDS


def reads_like_others_prose(text: str, longest: int) -> bool:
    """Tell whether a chat message of more words than `longest` reads like a published text.

    Conservative: it must speak of nobody in the first person and either carry a publisher's mark or
    go on in long sentences; who writes long letters keeps them.
    """
    # A word and its blank take two characters at least.
    if len(text) <= 2 * longest or len(tokens := words(text)) <= longest:
        return False
    if sum(word in SELF_WORDS for word in tokens) > _SELF_SHARE * len(tokens):
        return False
    if _PUBLISHED.search(text):
        return True
    known = sum(word in DOES for word in tokens)
    sentences = len(re.findall(r"[.!?…](?:\s|$)", text)) or 1
    return known >= _KNOWN_GLUE * len(tokens) and len(tokens) / sentences >= _LONG_SENTENCE_WORDS


def is_pasted(text: str) -> bool:
    """Tell whether most of a text is code, a log, a stack trace, a table, a form or data."""
    if len(text) < _SHORTEST_PASTED:
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
    for mark, fewest in (("\t", 1), ("|", 2)):
        columns = [line.count(mark) for line in lines]
        usual = max(set(columns), key=columns.count)
        best = max(best, columns.count(usual) if usual >= fewest else 0)
    return best


def _in_form(lines: list[str]) -> int:
    labels = [line.partition(":")[0].strip() for line in lines if _FORM.match(line)]
    # A dialogue names its speakers again and again, a form names each field once.
    return len(labels) if len(set(labels)) > 0.8 * len(labels) else 0
