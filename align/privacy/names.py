"""Find listed names in texts, and give each the name that stands in for it."""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache

from align.privacy.name_use import calls_somebody
from align.privacy.name_words import GIVEN, PARTICLES, SURNAMES, WORDS_TOO
from align.privacy.spans import apart

_WORD = re.compile(r"[^\W_]+(?:['\u2019\u02bc-][^\W_]+)*")
_LETTERS = re.compile(r"[^\W_]+")
# Of a text's UTF-8 bytes: small letters and digits as they are, all else a blank.
_TO_RUNS = bytes(
    ord(chr(byte).lower()) if byte < 128 and chr(byte).isalnum() else 32 for byte in range(256)
)
# Scripts that put no blanks between words: a name is found wherever it stands.
_UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")
_NO_LETTER_BEFORE, _NO_LETTER_AFTER = r"(?<![^\W_])", r"(?![^\W_])"
_BETWEEN = r"(?:[^\S\n]+|[._-])"
_SYLLABLES = ("ba", "de", "fi", "go", "ka", "le", "mi", "no", "ra", "se", "ti", "vo")


class Names:
    """The listed names: finds them, with their possessives, in capitals and in small letters.

    A name of several words is found whole, and by each of its words. A name that is an everyday
    word as well is found where it calls somebody; where it is a word of a longer name, only by its
    capital letter within a sentence.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.listed = tuple(dict.fromkeys(unicodedata.normalize("NFC", name) for name in names))
        # Forms by their first run of ASCII letters: a text is looked through for few names only.
        self._forms: dict[bytes, _Forms] = {}
        self._patterns: dict[bytes, list[re.Pattern[str]]] = {}
        everything = _Forms()
        for name in self.listed:
            everything.add(_WORD.findall(name))
        for kind, form in everything:
            first = runs(form)[:1] if kind != "anywhere" else []
            for end in (b"", b"s") if first else (b"",):
                key = b"".join(first) + end
                self._forms.setdefault(key, _Forms()).of(kind).add(form)
        self._runs = frozenset(self._forms)
        self._beyond_ascii = b"" in self._forms

    def may_be_in(self, text: str) -> bool:
        """Tell whether a name may be in a text: never wrong where it says no."""
        if not self._forms:
            return False
        return (self._beyond_ascii and not text.isascii()) or not self._runs.isdisjoint(runs(text))

    def find(self, text: str) -> list[tuple[int, int]]:
        """Return where the names stand, in order, the longer of two that overlap."""
        if not self.may_be_in(text):
            return []
        keys = self._runs.intersection(runs(text))
        spans = [
            match.span()
            for key in (keys | {b""} if self._beyond_ascii else keys)
            for pattern in self._patterns_of(key)
            for match in pattern.finditer(text)
            if not (match.groupdict().get("genitive") and match[0][0].islower())
            and ("word" not in match.re.groupindex or calls_somebody(text, *match.span()))
        ]
        return list(apart(spans))

    def _patterns_of(self, key: bytes) -> list[re.Pattern[str]]:
        if key not in self._patterns:
            self._patterns[key] = self._forms[key].patterns()
        return self._patterns[key]


class StandIns:
    """The name that stands for each listed one: the same in every text, and never a listed one.

    Those `kept`, such as the owner's, stand for nobody else.
    """

    def __init__(self, names: Names, kept: Iterable[str] = ()) -> None:
        self._of: dict[str, str] = {}
        spelled = [words for name in names.listed if (words := _WORD.findall(name))]
        self._somebodys = {folded(word) for words in spelled for word in words}
        self._somebodys |= {folded(word) for name in kept for word in _WORD.findall(name)}
        self._taken = set(self._somebodys)
        # Of a whole name it is clear which word is the surname.
        for words in sorted(spelled, key=lambda words: len(words) < 2):
            self._add(words)

    def is_somebodys(self, name: str) -> bool:
        """Tell whether a name is listed, or kept for somebody."""
        return folded(name) in self._somebodys

    def of(self, name: str) -> str:
        """Return what stands for a name as it was found: word for word, in the same case."""
        stand_in = _WORD.sub(lambda match: self._of_word(match[0]), name)
        if stand_in != name:
            return stand_in
        key = folded(" ".join(_LETTERS.findall(name)))
        if key not in self._of:
            self._of[key] = self._chosen(key, GIVEN)
        return _in_case_of(name, self._of[key])

    def _of_word(self, word: str) -> str:
        key = folded(word)
        if key in self._of:
            return _in_case_of(word, self._of[key])
        if key.endswith("s") and key[:-1] in self._of:
            return _in_case_of(word[:-1], self._of[key[:-1]]) + word[-1]
        return word

    def _add(self, words: list[str]) -> None:
        stand_ins = []
        for place, word in enumerate(words):
            key = folded(word)
            if key not in self._of and not (place and key in PARTICLES):
                last = 0 < place == len(words) - 1
                self._of[key] = self._chosen(key, SURNAMES if last else GIVEN)
            stand_ins.append(self._of.get(key, word))
        # As it is found with no blanks, or with hyphens, between its words.
        self._of.setdefault(folded("".join(words)), " ".join(stand_ins))
        self._of.setdefault(
            folded(" ".join(_LETTERS.findall(" ".join(words)))), " ".join(stand_ins)
        )

    def _chosen(self, key: str, pool: Sequence[str]) -> str:
        number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:6], "big")
        turned = number % len(pool)
        if len(key) == 1:
            return pool[turned][0]
        for name in (*pool[turned:], *pool[:turned]):
            if folded(name) not in self._taken:
                self._taken.add(folded(name))
                return name
        while folded(name := _spoken(number)) in self._taken:
            number += 1
        self._taken.add(folded(name))
        return name


@lru_cache(maxsize=32)
def names_of(listed: tuple[str, ...]) -> Names:
    """Return the listed names, compiled once."""
    return Names(listed)


@lru_cache(maxsize=65536)
def folded(word: str) -> str:
    """Return a word without case and accents, an apostrophe as a plain one."""
    plain = unicodedata.normalize("NFKD", word.replace("\u2019", "'").replace("\u02bc", "'"))
    return "".join(c for c in plain if not unicodedata.combining(c)).casefold()


class _Forms:
    """The forms of names, by how they are looked for."""

    def __init__(self) -> None:
        # As they stand; in any case; by a capital within a sentence; inside longer runs too.
        self._sets: dict[str, set[str]] = {
            kind: set() for kind in ("exact", "loose", "word", "careful", "anywhere")
        }

    def of(self, kind: str) -> set[str]:
        """Return the forms of one kind."""
        return self._sets[kind]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((kind, form) for kind, forms in self._sets.items() for form in sorted(forms))

    def add(self, words: list[str]) -> None:
        """Take in a name, and each of its words."""
        whole = " ".join(words)
        if _UNSPACED.search(whole):
            parts = (word for word in words if len(word) > 1)
            self.of("anywhere").update((whole, "".join(words), *parts))
        elif len(words) > 1:
            telling = any(not _is_word_too(word) for word in words)
            self.of("loose" if telling else "exact").update((whole, _unaccented(whole)))
            for place, word in enumerate(words):
                if not _is_word_too(word):
                    self._add_word(word)
                elif len(word) > 1 and not (place and word.casefold() in PARTICLES):
                    self.of("careful").add(word[:1].upper() + word[1:])
        elif words and _is_word_too(whole):
            self.of("word").add(whole[:1].upper() + whole[1:])
        elif words:
            self._add_word(whole)

    def _add_word(self, word: str) -> None:
        # Two letters in another case are too often something else.
        self.of("loose" if len(word) > 2 else "exact").update((word, _unaccented(word)))

    def patterns(self) -> list[re.Pattern[str]]:
        """Return what finds them."""
        within = (
            rf"(?:(?<=[^\W_A-Z][^\S\n])|(?<=[,;][^\S\n])){{0}}{_NO_LETTER_AFTER}"
            rf"|{_NO_LETTER_BEFORE}{{0}}(?=['\u2019]s{_NO_LETTER_AFTER}|[^\S\n]*[,!?](?!\d))"
        )
        alone = f"{_NO_LETTER_BEFORE}{{0}}{_NO_LETTER_AFTER}"
        genitive = f"{_NO_LETTER_BEFORE}{{0}}(?P<genitive>s)?{_NO_LETTER_AFTER}"
        wanted = (
            ("exact", alone, 0),
            ("loose", genitive, re.IGNORECASE),
            ("word", f"(?P<word>{alone})", 0),
            ("careful", within, 0),
            ("anywhere", "{0}", 0),
        )
        return [
            re.compile(pattern.replace("{0}", f"(?:{_any_of(self.of(kind))})"), flags)
            for kind, pattern, flags in wanted
            if self.of(kind)
        ]


def _is_word_too(word: str) -> bool:
    return word.casefold() in WORDS_TOO or word.casefold() in PARTICLES or len(word) == 1


def _unaccented(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize("NFC", "".join(c for c in plain if c not in _ACCENTS))


# Acute, grave, circumflex, tilde, cedilla and the like, which people leave out; what they take
# from a letter of another script makes another letter of it.
_ACCENTS = frozenset("\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030c\u0327\u0328")


def _any_of(names: set[str]) -> str:
    longest_first = sorted(names, key=lambda name: (-len(name), name))
    return "|".join(_BETWEEN.join(map(_spelled, name.split())) for name in longest_first)


def _spelled(word: str) -> str:
    return re.sub("['\u2019\u02bc]", "['\u2019\u02bc]", re.escape(word))


def runs(text: str) -> list[bytes]:
    """Return a text's runs of ASCII letters and digits, in small letters."""
    return text.encode("utf-8", "surrogatepass").translate(_TO_RUNS).split()


def _in_case_of(word: str, stand_in: str) -> str:
    change: Callable[[str], str] = str
    if word.islower():
        change = str.lower
    elif word.isupper() and len(word) > 1:
        change = str.upper
    return change(stand_in)


def _spoken(number: int) -> str:
    """Return a name of four syllables that a number spells."""
    syllables = []
    for _ in range(4):
        number, place = divmod(number, len(_SYLLABLES))
        syllables.append(_SYLLABLES[place])
    return "".join(syllables).capitalize()
