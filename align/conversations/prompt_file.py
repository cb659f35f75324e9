"""A prompt as a text file: sections that one can read and edit, and what they are filled with.

The first line is `version: N`. A heading with one `#` begins a section; what stands above the first
is for whoever reads the file. Words in double braces are filled in.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from align.errors import UserError
from align.paths import recipes_dir, relative_to_root
from align.text.printable import printable

_VERSION = re.compile(r"version: *([0-9]+)\s*")
_HEADING = re.compile(r"^# (.*)\n?", re.MULTILINE)
_PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}")
_TAG = re.compile(r"</?([a-z][a-z0-9_]*)>")


class Wanted(NamedTuple):
    """What a section must be filled with, and what it may be beside that."""

    needed: frozenset[str] = frozenset()
    more: frozenset[str] = frozenset()


@dataclass(frozen=True)
class PromptFile:
    """The sections of a prompt file."""

    version: int  # as its first line says
    text: str
    sections: Mapping[str, str]  # by name, as they are before anything is filled in
    more_tags: tuple[str, ...] = ()  # names of tags that stand around material and not in the file

    @classmethod
    def read(
        cls, path: Path, wanted: Mapping[str, Wanted], more_tags: tuple[str, ...] = ()
    ) -> "PromptFile":
        """Return the prompt of a file; UserError where it lacks a section or a placeholder."""
        where = relative_to_root(path)
        try:
            text = path.read_text("utf-8-sig")
        except UnicodeDecodeError:
            raise UserError(where, "not UTF-8 text", "Save it as UTF-8") from None
        except OSError as error:
            raise UserError(where, f"can't be read ({error.strerror})") from None
        version = _VERSION.fullmatch(text.split("\n", 1)[0])
        if version is None:
            raise UserError(f"{where}:1", "no version", "Begin the file with a line `version: 1`")
        return cls(int(version[1]), text, _sections(text, where, wanted), more_tags)

    def filled(self, section: str, values: Mapping[str, str]) -> str:
        """Return a section with its placeholders filled in.

        In one pass: what is filled in may hold braces of its own, and keeps them.
        """
        return _PLACEHOLDER.sub(lambda found: values[found[1].strip()], self.sections[section])

    def material(self, text: str) -> str:
        """Return a text that can't close a tag of the prompt or open one, and looks the same."""
        return self._tags.sub("‹", printable(text)).strip()

    @cached_property
    def _tags(self) -> re.Pattern[str]:
        """Finds a left angle bracket with which, to a reader, one of the prompt's tags begins."""
        named = {name for section in self.sections.values() for name in _TAG.findall(section)}
        spelled = "|".join(sorted(map(re.escape, {*named, *self.more_tags}))) or "(?!)"
        # A slash, blanks and what has no width may stand between a bracket and a name.
        return re.compile(rf"<(?=[^\w<>]{{0,8}}(?:{spelled})\b)", re.IGNORECASE)


def shipped(name: str) -> Path:
    """Return the prompt file of a name that comes with the toolkit."""
    return recipes_dir() / "prompts" / f"{name}.md"


def _sections(text: str, where: str, wanted: Mapping[str, Wanted]) -> dict[str, str]:
    """Return the sections of a file; UserError says all that is wrong, with the first's line."""
    sections: dict[str, str] = {}
    problems: list[tuple[int, str]] = []
    headings = list(_HEADING.finditer(text))
    ends = [heading.start() for heading in headings[1:]] + [len(text)]
    for heading, end in zip(headings, ends, strict=True):
        name, body = heading[1].strip(), text[heading.end() : end]
        line = 1 + text.count("\n", 0, heading.start())
        if name not in wanted:
            problems.append((line, f"unknown section '{name}' (known: {_named(wanted)})"))
        elif name in sections:
            problems.append((line, f"section '{name}' stands there twice"))
        else:
            sections[name] = body.strip()
            problems += _misfits(body, line, name, wanted[name])
    problems += [(1, f"section '{name}' is missing") for name in wanted if name not in sections]
    if problems:
        problems.sort()
        first, *others = problems
        what = "; ".join([first[1], *(f"line {line}: {problem}" for line, problem in others)])
        raise UserError(f"{where}:{first[0]}", what, "Mend it, or take the shipped file back")
    return sections


def _misfits(body: str, start: int, name: str, wanted: Wanted) -> list[tuple[int, str]]:
    """Return what a section's placeholders have wrong, with the line of each."""
    allowed = wanted.needed | wanted.more
    used = [
        (start + 1 + body.count("\n", 0, found.start()), found[1].strip())
        for found in _PLACEHOLDER.finditer(body)
    ]
    known = _named(f"{{{{{each}}}}}" for each in allowed)
    wrong = [
        (line, f"nobody fills {{{{{each}}}}} in section '{name}' (known: {known})")
        for line, each in used
        if each not in allowed
    ]
    missing = wanted.needed - {each for _, each in used}
    wrong += [(start, f"section '{name}' lacks {{{{{each}}}}}") for each in sorted(missing)]
    if not body.strip():
        wrong.append((start, f"section '{name}' is empty"))
    return wrong


def _named(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
