"""Who of the authors is the owner."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from align.ingest.contents import Content, Document

# What the user says when nobody of an export is known as the owner: its title and its authors, with
# how much each wrote; some of these names, or none.
Ask = Callable[[str, Counter[str]], list[str]]


class OwnerNames:
    """The names, handles and addresses that mean the owner; what case they are in is no matter."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names: set[str] = set()
        self._known: dict[tuple[str, str | None], bool] = {}
        self.add(names)

    def add(self, names: Iterable[str]) -> None:
        """Let more names mean the owner."""
        self._names.update(_plain(name) for name in names if name.strip())
        self._known.clear()

    def wrote(self, found: Content) -> bool:
        """Tell whether the owner wrote it; a document that names no author is the owner's."""
        if found.is_owner is not None:
            return found.is_owner
        if isinstance(found, Document) and not found.author and not found.author_key:
            return True
        who = (found.author, found.author_key)
        answer = self._known.get(who)
        if answer is None:
            answer = _plain(found.author) in self._names or (
                found.author_key is not None and _plain(found.author_key) in self._names
            )
            self._known[who] = answer
        return answer


def other_authors(found: Iterator[Content], me: OwnerNames) -> Counter[str] | None:
    """Return the authors of an export in which the owner wrote nothing; None once he is met.

    The export is read to its end only where the owner is not in it.
    """
    authors: Counter[str] = Counter()
    for each in found:
        if each.reason == "system":
            continue
        if me.wrote(each):
            return None
        authors[each.author or each.author_key or "(no name)"] += 1
    return authors


def _plain(name: str) -> str:
    # Phones write names of other people's address books with a tilde, and marks around them.
    return " ".join(name.replace("\u200e", "").lstrip("~ ").split()).casefold()
