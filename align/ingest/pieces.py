"""A piece: what was written together, one document or one conversation."""

from collections.abc import Iterator
from dataclasses import dataclass

from align.levels import Level
from align.store.ids import Split, content_id
from align.store.prompts import Message, Prompt
from align.store.records import Kind, Record

# How many turns before a question go into its prompt.
CONTEXT_TURNS = 8


@dataclass(frozen=True)
class Turn:
    """One message, or the whole text of a document."""

    text: str
    is_owner: bool
    author: str
    position: int = 0
    time: str | None = None


@dataclass(frozen=True)
class Piece:
    """A document (one turn, the owner's) or a conversation, before it is stored."""

    kind: Kind
    source: str
    origin: str
    thread: str
    turns: tuple[Turn, ...]
    title: str | None = None

    @property
    def place(self) -> tuple[str, str]:
        """What stays when the piece is edited."""
        return self.origin, self.thread

    @property
    def words(self) -> int:
        """How many words of the owner's are in it."""
        return sum(len(turn.text.split()) for turn in self.turns if turn.is_owner)

    def digest(self) -> str:
        """Return what is equal for pieces that say the same, wherever they lie."""
        return digest_of(self.kind, [(turn.is_owner, turn.text) for turn in self.turns])

    def records(self, level: Level, split: Split, left_out: str | None) -> list[Record]:
        """Return the piece's records."""
        return [
            Record.new(
                kind=self.kind,
                source=self.source,
                origin=self.origin,
                thread=self.thread,
                position=turn.position,
                author=turn.author,
                is_owner=turn.is_owner,
                time=turn.time,
                title=self.title,
                text=turn.text,
                level=level,
                split=split,
                left_out=left_out,
            )
            for turn in self.turns
        ]


def digest_of(kind: str, turns: list[tuple[bool, str]]) -> str:
    """Return the digest of a piece that has these turns."""
    return content_id(kind, *([int(is_owner), text] for is_owner, text in turns))


def asked_prompts(records: list[Record]) -> Iterator[Prompt]:
    """Yield what the owner was asked in a conversation, each with the turns before it."""
    for index, record in enumerate(records):
        if not record.is_owner or index == 0 or records[index - 1].is_owner:
            continue
        asked = records[max(0, index - CONTEXT_TURNS) : index]
        while asked[0].is_owner:
            asked = asked[1:]
        yield Prompt.new(
            _messages(asked),
            source="asked",
            thread=record.thread,
            split=record.split,
            level=record.level,
            records=[turn.id for turn in asked],
        )


def _messages(records: list[Record]) -> list[Message]:
    """Join what one side said in several turns: the two sides of a prompt take turns."""
    messages: list[Message] = []
    for record in records:
        role = "assistant" if record.is_owner else "user"
        if messages and messages[-1]["role"] == role:
            messages[-1]["content"] += "\n" + record.text
        else:
            messages.append({"role": role, "content": record.text})
    return messages
