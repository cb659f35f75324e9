"""A conversation that a file holds as one row: a question with its answer, or a list of turns."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from align.ingest.found import Message
from align.store.ids import content_id


@dataclass(frozen=True)
class Said:
    """One turn; `is_owner` is None where a name says who spoke."""

    text: str
    is_owner: bool | None
    author: str
    position: int = 0
    time: datetime | None = None


def pair(question: str, answer: str, time: datetime | None = None) -> list[Said]:
    """Return a question to the owner and the answer; nothing where one of them is empty."""
    if not question or not answer:
        return []
    return [
        Said(question, is_owner=False, author="other", position=0, time=time),
        Said(answer, is_owner=True, author="owner", position=1, time=time),
    ]


def useless(said: Sequence[Said]) -> str | None:
    """Return why nothing can be learned from a conversation, or None."""
    if not said:
        return "empty"
    if all(turn.is_owner is False for turn in said):
        return "nothing of the owner's in it"
    return None


class Naming:
    """Names the conversations of one file.

    Args:
        origin: The file's name in the store.
    """

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._seen: Counter[str] = Counter()

    def messages(
        self, said: Sequence[Said], source: str, thread: str | None = None
    ) -> Iterator[Message]:
        """Yield a conversation's messages; what belongs together is `thread`, else itself."""
        # By its first words, not by its line: lines added above it move nothing.
        key = content_id(said[0].text)
        self._seen[key] += 1
        number = self._seen[key]
        name = f"{self._origin}#{key}" + (f"-{number}" if number > 1 else "")
        for turn in said:
            yield Message(
                chat=name,
                author=turn.author,
                text=turn.text,
                time=turn.time,
                key=str(turn.position),
                is_owner=turn.is_owner,
                thread=thread or name,
                source=source,
            )
