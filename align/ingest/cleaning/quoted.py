"""Texts that are mostly somebody else's words, and say so."""

import re

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
