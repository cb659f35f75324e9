"""Texts cut to the length of a row: at paragraph ends, else sentence ends, and no word is lost."""

import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from align.conversations.examples.example_rows import CountTokens

# A full stop, closing quotes and brackets, and the white space after them; or an empty line. Only
# the first of a row of stops may begin the end, or a long row of them takes its square in time. The
# stop of an initial (U.S., J. Hall) ends nothing, nor an abbreviation's in `cutting.toml`.
_CLOSING = "\"'\u201d\u2019)\\]"
_NO_END = r"(?<!\b[^\W\d_])"
_ABBREVIATIONS = {
    kind: frozenset(words)
    for kind, words in tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8")).items()
}
_LAST_WORD = re.compile(r"([^\s(\[\"'\u201c\u201e\u00ab]+)\.\s+\Z")
_SENTENCE = re.compile(
    rf".+?(?:{_NO_END}(?<![.!?\u2026])[.!?\u2026]+[{_CLOSING}]*(?=\s|$)\s*|\n[^\S\n]*\n\s*|\Z)",
    re.DOTALL,
)
_EMPTY_LINE = re.compile(r"\n[^\S\n]*\n\s*\Z")


class _Piece(NamedTuple):
    text: str
    tokens: int

    @property
    def is_heading(self) -> bool:
        return self.text.lstrip().startswith("#")

    @property
    def ends_paragraph(self) -> bool:
        return _EMPTY_LINE.search(self.text[-80:]) is not None and not self.is_heading


def cut_at_paragraph_ends(text: str, count_tokens: CountTokens, most: int) -> list[str]:
    """Return the text in chunks of at most `most` tokens; joined they are the text.

    Chunks are about equally long, so that none is a mere rest. One ends at the last paragraph end
    in its second half; where there is none, at a sentence end; never after a heading.
    """
    pieces = [
        _Piece(piece, count_tokens(piece))
        for piece in _small_pieces(sentences(text), count_tokens, most)
    ]
    total = sum(piece.tokens for piece in pieces)
    chunks = -(-total // most) if most > 0 else 1
    limit = most if chunks < 2 else min(most, -(-total * 5 // (chunks * 4)))
    cut: list[str] = []
    current: list[_Piece] = []
    for piece in pieces:
        while _is_written(current) and _length(current) + piece.tokens > limit:
            end = _best_end(current)
            cut.append(_joined(current[:end]))
            current = current[end:]
        current.append(piece)
    rest = _joined(current)
    # A blank rest belongs to what is before it.
    return [*cut, rest] if rest.strip() or not cut else [*cut[:-1], cut[-1] + rest]


def sentences(text: str) -> list[str]:
    """Return a text's sentences with the white space after them; joined they are the text."""
    whole: list[str] = []
    for piece in _SENTENCE.findall(text):
        if whole and _goes_on(whole[-1], piece):
            whole[-1] += piece
        else:
            whole.append(piece)
    return whole


def _goes_on(before: str, piece: str) -> bool:
    """Tell whether a stop is an abbreviation's: of some always, of others before a small letter."""
    last = _LAST_WORD.search(before, max(len(before) - 40, 0))
    if last is None or "\n\n" in last[0]:
        return False
    word, after = last[1].casefold(), piece[:1]
    if word in _ABBREVIATIONS["numbered"]:
        return after.isdigit()
    is_one = word in _ABBREVIATIONS["often"] or "." in word
    return word in _ABBREVIATIONS["always"] or (is_one and not after.isupper())


def last_sentence(text: str, longest: int) -> str:
    """Return the end of a text's last sentence, on one line of at most `longest` characters."""
    written = [sentence for sentence in sentences(text) if sentence.strip()]
    line = " ".join(written[-1].split()) if written else ""
    # Shortened, it begins with a whole word where it can.
    return line if len(line) <= longest else line[-longest:].partition(" ")[2] or line[-longest:]


def last_words(text: str, count_tokens: CountTokens, most: int) -> str:
    """Return as many of a text's last words as `most` tokens hold, after an ellipsis."""
    starts = [word.start() for word in re.finditer(r"\S+", text)]
    low, high = 0, len(starts)
    while low < high:
        middle = (low + high) // 2
        if count_tokens(f"… {text[starts[middle] :]}") <= most:
            high = middle
        else:
            low = middle + 1
    return f"… {text[starts[low] :]}" if low < len(starts) else ""


def _small_pieces(pieces: Iterable[str], count_tokens: CountTokens, most: int) -> Iterator[str]:
    for piece in pieces:
        if count_tokens(piece) <= most or len(piece) < 2:
            yield piece
            continue
        words = re.findall(r"\S+\s*|\s+", piece)
        middle = len(words) // 2
        if middle:
            halves = ["".join(words[:middle]), "".join(words[middle:])]
        else:
            halves = [piece[: len(piece) // 2], piece[len(piece) // 2 :]]
        yield from _small_pieces(halves, count_tokens, most)


def _best_end(pieces: list[_Piece]) -> int:
    """Return how many pieces the chunk has that ends best."""
    whole, before = _length(pieces), 0
    ends = []
    for at, piece in enumerate(pieces, 1):
        before += piece.tokens
        if piece.ends_paragraph and 2 * before >= whole:
            ends.append(at)
    if ends:
        return ends[-1]
    end = len(pieces)
    while end > 1 and pieces[end - 1].is_heading and _is_written(pieces[: end - 1]):
        end -= 1
    return end


def _length(pieces: list[_Piece]) -> int:
    return sum(piece.tokens for piece in pieces)


def _is_written(pieces: list[_Piece]) -> bool:
    return any(piece.text.strip() for piece in pieces)


def _joined(pieces: list[_Piece]) -> str:
    return "".join(piece.text for piece in pieces)
