"""What a reader is, what it is given, and where it says what it could not read."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from align.errors import UserError
from align.ingest.found import Found
from align.ingest.tree import Tree


@dataclass
class Notes:
    """What was met on the way and is no record: told once at the end, never in the way.

    Attributes:
        problems: What is broken or cannot be read, each with its place; the rest is still taken.
        passed_over: Files and parts of files that hold nothing to read, counted by reason.
    """

    problems: list[UserError] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)

    def problem(self, where: object, what: str, remedy: str = "") -> None:
        """Note that something cannot be read, and go on."""
        self.problems.append(UserError(where, what, remedy))

    def passed(self, reason: str, count: int = 1) -> None:
        """Count what holds nothing to read."""
        self.passed_over[reason] += count


@dataclass(frozen=True)
class Options:
    """What the user said on the command line of how to read.

    Attributes:
        me: The names, handles and addresses of the owner. A reader needs them only where a file
            can't be read without them; who wrote what is decided after it.
        columns: Of a table: which column is the text, author, time, ... by our name for it.
    """

    me: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Export:
    """Files of one tree that one reader takes together.

    Attributes:
        tree: Where they lie.
        names: The files, as the tree names them.
        title: What it is to the user, where the reader knows: `chat with Bob`.
    """

    tree: Tree
    names: tuple[str, ...]
    title: str = ""

    def place(self, name: str, line: int | None = None) -> str:
        """Return where something is, for a message: `export.zip/_chat.txt:12`."""
        return self.tree.place(name) + (f":{line}" if line else "")

    def origin(self, name: str) -> str:
        """Return a file's name in the store: the same on machines that keep it in one place."""
        return self.tree.origin_of(name)


Claim = Callable[[Tree, Sequence[str]], list[Export]]
Read = Callable[[Export, Notes, Options], Iterator[Found]]


@dataclass(frozen=True)
class Reader:
    """Reads one service's exports; each stands in a file of its own.

    Attributes:
        name: The service or format, as the user would say it: `WhatsApp`.
        source: What its records are called in the store, the mix and `privacy` of owner.yaml; one
            of `align.levels.DEFAULT_LEVELS`.
        claim: Given a tree and those of its files that nobody took yet, returns what this reader
            takes. It looks at names first and at beginnings of files only where it must; a file
            that is none of its own is left to the others.
        read: Yields what an export holds. What is broken goes to the notes and the rest is still
            yielded; it raises nothing but UserError, whatever is in the files.
        is_curated: Whether somebody put it together for a twin to learn, exchange by exchange:
            then a short answer is meant, and nothing is cleaned away but what is empty.
    """

    name: str
    source: str
    claim: Claim
    read: Read
    is_curated: bool = False
