"""The owner's writing, cut to what twins' answers compare with."""

from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from align.evaluation.owner_texts import cut_document, texts_of_records
from align.evaluation.voice_judge import PromptedText
from align.owner import Conversations
from align.store.records import Record
from align.text.similarity import words


def record(
    text: str, *, kind: Literal["turn", "document"] = "turn", owner: bool = True,
    thread: str = "t", position: int = 0, title: str | None = None,
) -> Record:  # fmt: skip
    return Record.new(
        kind=kind, source="s", origin="o", thread=thread, text=text, is_owner=owner, level="open",
        split="train", position=position, title=title,
    )  # fmt: skip


def test_answers_know_their_question_and_what_was_said_before() -> None:
    writing = texts_of_records(
        [
            record("Tea?", owner=False, position=0),
            record("Please.", position=1),
            record("Milk?", owner=False, position=2),
            record("No.", position=3),
            record("Alone.", thread="other"),
        ],
        Conversations(),
    )
    assert writing.answers == (PromptedText("Please.", "Tea?"), PromptedText("No.", "Milk?"))
    assert [len(each) for each in writing.conversations] == [2, 4]
    assert writing.conversations[1][-1] == {"role": "assistant", "content": "No."}


def test_a_burst_is_one_answer_and_what_is_left_out_is_none() -> None:
    writing = texts_of_records(
        [
            record("Tea?", owner=False),
            record("Please.", position=1),
            record("With milk.", position=2),
            record("Cake?", owner=False, position=3),
            record("ok", position=4)._replace(left_out="too-short"),
            record("More?", owner=False, position=5),
            record("No.", position=6)._replace(level="sealed"),
        ],
        Conversations(),
    )
    assert writing.answers == (PromptedText("Please.\n\nWith milk.", "Tea?"),)


def test_documents_become_pieces_under_their_title() -> None:
    text = "\n\n".join(["one two three. " * 8] * 3)
    writing = texts_of_records([record(text, kind="document", title="On boats")], Conversations())
    assert len(writing.pieces) == 3
    assert {piece.prompt for piece in writing.pieces} == {"On boats"}
    assert not writing.answers


@given(st.lists(st.sampled_from(["one.", "two", "three!", "\n\n", "\n"]), max_size=400))
def test_no_word_of_a_document_is_lost(parts: list[str]) -> None:
    text = " ".join(parts)
    assert [word for piece in cut_document(text) for word in words(piece)] == words(text)


def test_pieces_have_the_size_of_answers() -> None:
    long = " ".join(f"This is sentence number {n} of many." for n in range(100))
    sizes = [len(words(piece)) for piece in cut_document(f"Short.\n\n{long}\n\nEnd.")]
    assert min(sizes) >= 20
    assert max(sizes) <= 110
