"""Find the codes that services send to let somebody in: "384756 is your login code"."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

_WORDS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_ANY = {key: "|".join(words) for key, words in _WORDS.items() if key != "runs"}
# Words for a code of other scripts than Latin.
OTHER_SCRIPTS = _ANY["other_scripts"]
# The runs of ASCII letters that the others have.
CODE_RUNS = frozenset(_WORDS["runs"].encode().split())
_CODE = (
    rf"(?:(?<![^\W_])(?:(?:[^\W\d_]{{4,20}})?(?:{_ANY['code']})|{_ANY['alone']})(?![^\W_])"
    rf"|{OTHER_SCRIPTS})"
)
_IS = rf"\s*(?:[:=\uff1a\u2013\u2014-]|(?<=\s)(?:{_ANY['is']})(?=[\s:])\s?:?|{_ANY['is_else']})\s*"
_DIGITS = (
    r"(?<![\w.,/$€£#])(?<!\d[:-])(?P<secret>\d{3}[ -]\d{3}|\d{4,8})"
    r"(?![\w-]|[.,:/]\d|\s?[%€£$])"
)
_BETWEEN = r"(?:[^\W\d_][\w'\u2019-]*\s+){0,4}?"
_ENDS = rf"(?=\s*(?:[.,;!?)\]\n]|$|(?:{_ANY['is']}|for|as|um|zum|para|pour|per|att|om)\b))"
_SHAPES = (
    re.compile(rf"{_DIGITS}{_IS}{_BETWEEN}{_CODE}", re.IGNORECASE),
    re.compile(rf"{_CODE}(?:\s*{_BETWEEN}{_IS}|\s*)(?:[A-Z]-)?\[?{_DIGITS}{_ENDS}", re.IGNORECASE),
)
_TO_ENTER = re.compile(
    rf"(?<![^\W_])(?:{_ANY['to_enter']})(?![^\W_])|{_ANY['to_enter_in_other_scripts']}",
    re.IGNORECASE,
)
_KNOWN_TO_ALL = re.compile(_ANY["known_to_all"], re.IGNORECASE)


def find_login_codes(text: str) -> Iterator[tuple[int, int]]:
    """Yield where codes stand that let somebody in."""
    for shape in _SHAPES:
        for match in shape.finditer(text):
            before = text[max(0, match.start() - 40) : match.start()].rpartition("\n")[2]
            near = before + match[0] + text[match.end() : match.end() + 40].partition("\n")[0]
            if _TO_ENTER.search(near) and not _KNOWN_TO_ALL.search(near):
                yield match.span("secret")
