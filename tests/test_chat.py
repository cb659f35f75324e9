"""Talking with a twin: context, trying again, and private writing kept back."""

from pathlib import Path
from typing import Any

import pytest

from align.chat import Chat
from align.owner import Owner
from align.privacy.private_text import PrivateText
from align.privacy.scope import SHOWN
from align.sampling.sampling_plan import Sampling
from align.store.adding import add_records
from align.store.connection import in_memory
from tests.little_twins import write_twin
from tests.store.rows import record

SECRET = "the spare key lies under the third blue pot by the door"
SHORT = Sampling(max_new_tokens=12)


class Scripted:
    """A twin that gives its answers in turn, and remembers what it was asked."""

    def __init__(self, *answers: str) -> None:
        self.answers, self.asked, self.seeds = list(answers), [], []  # type: ignore[var-annotated]

    def generate(self, conversations: Any, *, seed: int, **_: Any) -> list[list[str]]:
        self.asked.append(conversations[0])
        self.seeds.append(seed)
        return [[self.answers.pop(0)]]


def talk(*answers: str) -> tuple[Chat, Scripted]:
    twin = Scripted(*answers)
    conn = in_memory()
    add_records(conn, [record(SECRET, level="train-only")])
    detector = PrivateText(conn, Owner(name="Ann"), scope=SHOWN)
    return Chat(twin, detector, SHORT, context=10_000), twin


def test_what_was_said_is_context() -> None:
    chat, twin = talk("Hello.", "Still here.")
    assert chat.say("Hi").shown == "Hello."
    chat.say("And now?")
    assert [m["content"] for m in twin.asked[1]] == ["Hi", "Hello.", "And now?"]
    assert [m["role"] for m in twin.asked[1]] == ["user", "assistant", "user"]


def test_trying_again_replaces_the_answer_and_changes_the_seed() -> None:
    chat, twin = talk("One.", "Two.", "Three.")
    assert chat.again() is None
    chat.say("Hi")
    reply = chat.again()
    assert reply is not None
    assert reply.text == "Two."
    assert twin.asked[0] == twin.asked[1]
    assert len(set(twin.seeds)) == 2
    chat.say("Next")
    assert [m["content"] for m in twin.asked[2]] == ["Hi", "Two.", "Next"]


def test_an_answer_that_repeats_private_writing_is_withheld_and_forgotten() -> None:
    chat, twin = talk(f"Well, {SECRET}!", "I would rather not say.")
    reply = chat.say("Where is the key?")
    assert reply.shown == "(withheld: it repeats 12 words in a row of writing that is not open)"
    assert "blue pot" not in reply.shown
    again = chat.again()
    assert again is not None
    assert again.note is None
    assert all("blue pot" not in str(asked) for asked in twin.asked)


def test_a_burst_is_shown_as_its_messages_and_remembered_as_one_turn() -> None:
    chat, twin = talk("hm\n\nwell, yes.\nWhy not\n \n", "Once.", " \n\n ")
    assert chat.say("Hi").messages == ["hm", "well, yes.\nWhy not"]
    assert chat.say("And?").messages == ["Once."]
    assert [m["role"] for m in twin.asked[1]] == ["user", "assistant", "user"]
    assert len(chat.say("So?").messages) == 1


@pytest.mark.parametrize("own, room", [(None, 88), (40, 40), (100, 88)])
def test_a_prompt_has_the_room_that_context_and_training_leave(own: int | None, room: int) -> None:
    seen: list[Any] = []

    class Twin:
        def generate(self, _: Any, **settings: Any) -> list[list[str]]:
            seen.append(settings)
            return [["Yes."]]

    sampling = Sampling(max_new_tokens=12, max_prompt_tokens=own)
    Chat(Twin(), None, sampling, context=100).say("Hi")
    assert seen[0]["max_prompt_tokens"] == room


def test_a_tiny_twin_answers_the_same_to_the_same_seed_and_words(root: Path) -> None:
    from align.models.loading import load_model

    twin = load_model(write_twin("ann", "sft"))
    assert twin.context == 512

    def answers(seed: int) -> list[str]:
        chat = Chat(twin, None, SHORT, seed, context=80)
        return [chat.say(text).text for text in ("Hello there", "And then?", "Why so?", "Who?")]

    assert answers(0) == answers(0)
    assert answers(0) != answers(1)
