"""Closed writing in disguise: what a reader still reads, and a plain comparison does not find."""

import unicodedata
from collections.abc import Callable, Sequence

# Each returns the texts that are looked at together: turns of a conversation, or a single one.
Disguise = Callable[[str], Sequence[str]]

CYRILLIC = dict(zip("aceopxyiABCEHKMOPTX", "асеорхуіАВСЕНКМОРТХ", strict=True))  # noqa: RUF001
GREEK = dict(zip("aoviuptxkABEHIKMNOPTXZ", "αονιυρτχκΑΒΕΗΙΚΜΝΟΡΤΧΖ", strict=True))
MIXED = dict(zip("ahioqsuwgl", "ɑհіօզѕսԝɡӏ", strict=True))  # noqa: RUF001
SMALL_CAPITALS = dict(zip("abcdeghjklmnoprtuvwz", "ᴀʙᴄᴅᴇɢʜᴊᴋʟᴍɴᴏᴘʀᴛᴜᴠᴡᴢ", strict=True))
LEET = dict(zip("oie", "013", strict=True))


def _between(sign: str) -> Disguise:
    return lambda text: [sign.join(text)]


def _in_words(sign: str) -> Disguise:
    return lambda text: [" ".join(word[:2] + sign + word[2:] for word in text.split())]


def _for_blanks(sign: str) -> Disguise:
    return lambda text: [text.replace(" ", sign)]


def _letters(table: dict[str, str]) -> Disguise:
    return lambda text: ["".join(table.get(char, char) for char in text)]


def _shifted(lower: int, upper: int) -> Disguise:
    def shift(char: str) -> str:
        if "a" <= char <= "z":
            return chr(lower + ord(char) - ord("a"))
        return chr(upper + ord(char) - ord("A")) if "A" <= char <= "Z" else char

    return lambda text: ["".join(map(shift, text))]


def _accented(mark: str, letters: str = "aeiou") -> Disguise:
    return lambda text: [
        unicodedata.normalize("NFC", "".join(c + mark * (c in letters) for c in text))
    ]


def _every_eighth(changed: Callable[[str], str], first: int = 4) -> Disguise:
    def change(text: str) -> list[str]:
        words = text.split()
        return [" ".join(changed(w) if at % 8 == first else w for at, w in enumerate(words))]

    return change


def _in_turns(*between: str) -> Disguise:
    def split(text: str) -> list[str]:
        words = text.split()
        turns = [" ".join(words[at : at + 6]) for at in range(0, len(words), 6)]
        spread = [turns[0]]
        for turn in turns[1:]:
            spread += [*between, turn]
        return spread

    return split


DISGUISES: dict[str, Disguise] = {
    "as it is": lambda text: [text],
    "capitals": lambda text: [text.upper()],
    "soft hyphens": _in_words("\u00ad"),
    "zero-width spaces": _in_words("\u200b"),
    "zero-width joiners": _between("\u200d"),
    "zero-width non-joiners": _in_words("\u200c"),
    "word joiners": _between("\u2060"),
    "byte order marks": _in_words("\ufeff"),
    "grapheme joiners": _in_words("\u034f"),
    "zero-width spaces for blanks": _for_blanks("\u200b"),
    "full width": _shifted(0xFF41, 0xFF21),
    "mathematical bold": _shifted(0x1D41A, 0x1D400),
    "mathematical sans": _shifted(0x1D5BA, 0x1D5A0),
    "monospace": _shifted(0x1D68A, 0x1D670),
    "fraktur": _shifted(0x1D586, 0x1D56C),
    "circled": _shifted(0x24D0, 0x24B6),
    "negative circled": _shifted(0x1F150, 0x1F150),
    "regional indicators": _shifted(0x1F1E6, 0x1F1E6),
    "small capitals": _letters(SMALL_CAPITALS),
    "variation selectors": _between("\ufe0f"),
    "other variation selectors": _in_words("\U000e0101"),
    "tag characters": _in_words("\U000e0041"),
    "Cyrillic look-alikes": _letters(CYRILLIC),
    "Greek look-alikes": _letters(GREEK),
    "look-alikes of several scripts": _letters(MIXED),
    "digits for letters": _letters(LEET),
    "acute accents": _accented("\u0301"),
    "many marks": _accented("\u0301\u0323\u0336", "abcdefghijklmnopqrstuvwxyz"),
    "strokes": _letters(dict(zip("oldth", "øłđŧħ", strict=True))),
    "a changed word in eight": _every_eighth(lambda word: "xylophone"),
    "another changed word in eight": _every_eighth(lambda word: "quite", 5),
    "a word more in eight": _every_eighth(lambda word: f"well {word}"),
    "a word less in eight": _every_eighth(lambda word: ""),
    "split over two turns and more": _in_turns(),
    "split, with somebody else between": _in_turns("I see, and then?"),
    "no-break spaces": _for_blanks("\u00a0"),
    "lines": _for_blanks("\n"),
    "directions": _in_words("\u202e"),
    "underlines": _for_blanks("_"),
    "HTML": _letters({char: f"&#{ord(char)};" for char in "aeiou"}),
    "emphasis": lambda text: [" ".join(f"**{word}**" for word in text.split())],
}  # fmt: skip
