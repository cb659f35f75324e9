"""What texts share, by words and by letters: runs of private texts, and what repeats one."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from align.privacy.letter_runs import LetterRuns, LetterTexts
from align.privacy.normal_form import letters, tokens
from align.privacy.scope import WHY, Match
from align.privacy.sorted_numbers import Numbers
from align.privacy.word_runs import NEITHER, SEALED, WordRuns, WordTexts, numbered, runs


class Lookup(NamedTuple):
    """A text as it is looked up: its runs of words by length, and its letters."""

    words: dict[int, Numbers]
    letters: bytes

    @classmethod
    def of(cls, text: str) -> "Lookup":
        """Return a text's."""
        return cls(runs(numbered(tokens(text))), letters(text))


class Texts:
    """Texts with a mark each, as words and, where letters count, as letters.

    Private ones are looked for, those that are sealed by letters too; open ones tell what is no
    secret.
    """

    def __init__(self, *, is_private: bool) -> None:
        self._is_private = is_private
        self.words, self.letters = WordTexts(), LetterTexts(counts=is_private)

    def add(self, text: str, mark: int, record: int = -1) -> int:
        """Add a text, of a record if of any; return how many more texts of words there are."""
        if mark == SEALED or not self._is_private:
            self.letters.add(text, record)
        return 0 if mark == NEITHER else int(self.words.add(tokens(text), mark, record))

    def forget(self, records: Collection[int]) -> bool:
        """Forget the texts of records; tell whether there were any."""
        return self.letters.forget(records) | self.words.forget(records)

    def __len__(self) -> int:
        return len(self.words) + len(self.letters)


class Runs:
    """The runs of private texts; `WordRuns.find_common` takes who wrote them, and where."""

    def __init__(
        self, texts: Texts, written_by: Sequence[int] = (), written_in: Sequence[int] = ()
    ) -> None:
        self._words, self._letters = WordRuns(texts.words), LetterRuns(texts.letters)
        if len(written_by):
            self._words.find_common(texts.words, written_by, written_in)

    def settle(self, open_texts: Texts, *, quotes: bool) -> None:
        """Let those runs count that stand in no open text; with `quotes` all runs of words."""
        self._words.settle(WordTexts() if quotes else open_texts.words)
        self._letters.settle(open_texts.letters)

    def find(self, text: Lookup) -> Match | None:
        """Return what a text repeats, or None."""
        if hit := self._words.find(text.words):
            mark, count = hit
            return Match(WHY[mark], words=count)
        if count := self._letters.find(text.letters):
            return Match("sealed", letters=count)
        return None
