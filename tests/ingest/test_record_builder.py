from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from align.ingest.contents import Document, Message
from align.ingest.formats.dates import iso, seconds
from align.ingest.record_builder import LONGEST, split_conversations

HOUR = timedelta(hours=1)


def message(
    text: str, minute: int | None = 0, chat: str = "c", thread: str | None = None
) -> Message:
    time = None if minute is None else datetime(2024, 5, 1, 10) + timedelta(minutes=minute)
    return Message(chat, "Ann", text, time, thread=thread)


def cut(*found: Message | Document) -> list[list[str]]:
    return [
        [part.text] if isinstance(part, Document) else [each.text for each in part]
        for part in split_conversations(iter(found), 3 * HOUR)
    ]


def test_a_chat_is_cut_where_it_falls_silent() -> None:
    assert cut(message("a"), message("b", 170), message("c", 360)) == [["a", "b"], ["c"]]


def test_another_chat_and_another_thread_begin_another_conversation() -> None:
    assert cut(message("a"), message("b", chat="d"), message("c", chat="d", thread="t")) == [
        ["a"], ["b"], ["c"],
    ]  # fmt: skip


def test_a_thread_of_the_services_own_is_never_cut_by_silence() -> None:
    assert cut(message("a", thread="t"), message("b", 9_000, thread="t")) == [["a", "b"]]


def test_a_clock_that_runs_backwards_a_little_cuts_nothing() -> None:
    assert cut(message("a", 60), message("b", 0), message("c", None)) == [["a", "b", "c"]]
    assert cut(message("a", 600), message("b", 0)) == [["a"], ["b"]]


def test_a_document_stands_for_itself() -> None:
    assert cut(message("a"), Document("k", "text"), message("b")) == [["a"], ["text"], ["b"]]


def test_a_chat_that_never_falls_silent_is_cut_for_memorys_sake() -> None:
    assert [len(part) for part in cut(*[message("x")] * (LONGEST + 5))] == [LONGEST, 5]


def test_times_are_kept_in_utc_where_their_zone_is_known() -> None:
    assert iso(datetime(2024, 5, 1, 10, 2)) == "2024-05-01T10:02:00"
    zone = timezone(timedelta(hours=2))
    assert iso(datetime(2024, 5, 1, 10, 2, tzinfo=zone)) == "2024-05-01T08:02:00+00:00"
    assert iso(datetime.min.replace(tzinfo=zone)) is None


@given(st.datetimes(), st.booleans())
def test_every_moment_has_seconds_and_a_text(moment: datetime, is_aware: bool) -> None:
    moment = moment.replace(tzinfo=UTC) if is_aware else moment
    assert isinstance(seconds(moment), int)
    assert iso(moment) is not None
