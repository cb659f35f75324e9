"""What a reader is: what it is given, what it yields, and where it logs what it could not read."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from align.errors import UserError
from align.ingest.contents import Content
from align.ingest.journals import in_journal
from align.ingest.tree import Tree

# So many files that are passed over for one reason are named.
_SHOWN = 20


@dataclass
class ReadLog:
    """What was read and is no record: reported once, at the end.

    Attributes:
        problems: What is broken or cannot be read, each with its place; the rest is still read.
        passed_over: Files and parts of files that hold nothing to read, counted by reason.
        names: Where the files of these lie, by reason.
    """

    problems: list[UserError] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)
    names: dict[str, list[str]] = field(default_factory=dict)

    def problem(self, where: object, what: str, remedy: str = "") -> None:
        """Log that something cannot be read."""
        self.problems.append(UserError(where, what, remedy))

    def passed(self, reason: str, count: int = 1, *, name: str = "") -> None:
        """Count what holds nothing to read; a file of its own is named."""
        self.passed_over[reason] += count
        if name:
            self.names.setdefault(reason, []).append(name)

    def passed_lines(self) -> Iterator[str]:
        """Yield each reason with how often and of which files it was passed over."""
        for reason, count in self.passed_over.most_common():
            names = sorted(self.names.get(reason, []))
            more = f", and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
            where = f" ({', '.join(names[:_SHOWN])}{more})" if names else ""
            yield f"{count:,} {reason}{where}"


@dataclass(frozen=True)
class Options:
    """What the command line says of how to read.

    Attributes:
        me: The names, handles and addresses of the owner. A reader needs them only where a file
            can't be read without them; who wrote what is decided after it.
        columns: Of a table, which column is the text, author, time, ... by our name for it.
        is_mine: Whether the owner says that what names no author is theirs alone.
    """

    me: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    is_mine: bool = False


@dataclass(frozen=True)
class Inputs:
    """Files of one tree that one reader takes together."""

    tree: Tree  # where they lie
    names: tuple[str, ...]  # the files, as the tree names them
    title: str = ""  # what it is to the user, where the reader knows: `chat with Bob`

    def place(self, name: str, line: int | None = None) -> str:
        """Return where something is, for a message: `export.zip/_chat.txt:12`."""
        return self.tree.place(name) + (f":{line}" if line else "")

    def origin(self, name: str) -> str:
        """Return a file's name in the store: the same on machines that keep it in one place."""
        return self.tree.origin_of(name)

    def source_of(self, name: str, usual: str | None = None) -> str | None:
        """Return `journal` for what is called a journal or a diary, else the usual source."""
        return "journal" if in_journal(self.origin(name)) else usual


Claim = Callable[[Tree, Sequence[str]], list[Inputs]]
Read = Callable[[Inputs, ReadLog, Options], Iterator[Content]]


@dataclass(frozen=True)
class Reader:
    """Reads the files of one service or format."""

    name: str  # the service or format, as the user would say it: `WhatsApp`
    # What its records are called in the store, the mix and `privacy` of owner.yaml; one of
    # `align.levels.DEFAULT_LEVELS`.
    source: str
    # Given a tree and those of its files that no reader claimed yet, returns what this one reads.
    # It looks at names first, and into files only where it must.
    claim: Claim
    # Yields what the files hold. What is broken is logged and the rest is still yielded; it raises
    # nothing but UserError, whatever is in the files.
    read: Read
    # Whether it was put together as training data: then a short answer is meant, and nothing is
    # cleaned away but what is empty.
    is_curated: bool = False
    # Whether it takes what no service says the author of: that is the owner's as long as nothing
    # in it speaks against that, and train-only until they say so.
    is_catch_all: bool = False


def claim_each(is_ours: Callable[[Tree, str], bool], title: str = "") -> Claim:
    """Return a claim by which each file that is ours is an input by itself."""
    return lambda tree, names: [
        Inputs(tree, (name,), title) for name in names if is_ours(tree, name)
    ]


def claim_together(is_ours: Callable[[Tree, str], bool], title: str = "") -> Claim:
    """Return a claim by which all files that are ours are one input."""

    def claim(tree: Tree, names: Sequence[str]) -> list[Inputs]:
        ours = tuple(name for name in names if is_ours(tree, name))
        return [Inputs(tree, ours, title)] if ours else []

    return claim


def file_by_file(read_file: Callable[[Inputs, str, ReadLog], Iterator[Content]]) -> Read:
    """Return a `read` that reads each file for itself; an error that stops one is logged."""

    def read(inputs: Inputs, log: ReadLog, options: Options) -> Iterator[Content]:
        for name in inputs.names:
            try:
                yield from read_file(inputs, name, log)
            except UserError as error:
                log.problems.append(error)

    return read
