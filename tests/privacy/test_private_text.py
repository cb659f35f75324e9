"""What repeats closed writing is found; what everybody says, or what is open, is not."""

import json
import random
import sqlite3
import unicodedata
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from align.owner import Owner
from align.privacy.private_text import PrivateText
from align.privacy.scope import Match
from align.store.adding import add_records
from align.store.connection import open_store
from align.store.events import Event
from align.store.records import set_level
from align.store.search import drop
from tests.store.rows import add_pair, append_event, record

SECRET = "the spare key lies under the third blue pot by the door"
PHRASE = "have a great day and we will see you next week"
OPENLY = "the harbour smelled of tar and rope and of my uncle"
NUMBER = count()


@pytest.fixture
def conn(root: Path) -> sqlite3.Connection:
    return open_store("ann", create=True)


def put(conn: sqlite3.Connection, text: str, level: str, **fields: Any) -> str:
    """Add a record at a place of its own and return its id."""
    place = f"place {next(NUMBER)}"
    added = record(text, level=level, **{"origin": place, "thread": place, **fields})
    add_records(conn, [added])
    return added.id


def closed(conn: sqlite3.Connection, *known: str, **settings: Any) -> PrivateText:
    return PrivateText(conn, Owner(name="Ann", **settings), known)


def mark(conn: sqlite3.Connection, pair: str, kind: str = "private", **payload: Any) -> Event:
    return append_event(conn, kind=kind, actor="owner", pair_id=pair, payload=payload)  # type: ignore[arg-type]


def look(index: PrivateText) -> None:
    """Look again, as if time had passed."""
    index._next_look = index._next_thorough = 0.0
    index.refresh()


@pytest.mark.parametrize("level", ["sealed", "train-only"])
def test_eight_words_in_a_row_are_found_and_counted(conn: sqlite3.Connection, level: Any) -> None:
    put(conn, f"Dear diary. {SECRET}. More.", level)
    index = closed(conn)
    assert index.match(f"Oh, {SECRET.upper()}!") == Match(level, 12)
    words = SECRET.split()
    assert index.match(" ".join(words[2:10])) == Match(level, 8)
    # Of sealed writing 24 characters are enough.
    seven = None if level == "train-only" else Match("sealed", letters=19)
    assert index.match(" ".join(words[2:9])) == seven
    broken = " ".join([*words[:4], "x", *words[4:7], "x", *words[7:]])
    assert index.match(broken) is None


def test_a_finding_tells_no_words(conn: sqlite3.Connection) -> None:
    put(conn, SECRET, "sealed")
    assert "key" not in repr(closed(conn).match(SECRET))


def test_open_writing_is_not_found(conn: sqlite3.Connection) -> None:
    put(conn, SECRET, "open")
    assert closed(conn).match(SECRET) is None


@pytest.mark.parametrize("length", [4, 5, 6, 7])
def test_a_whole_closed_text_of_few_words_is_found_within_another(
    conn: sqlite3.Connection, length: int
) -> None:
    words = SECRET.split()
    put(conn, " ".join(words[:length]), "train-only")
    index = closed(conn)
    assert index.match(f"She said: {' '.join(words)}") == Match("train-only", length)
    assert index.match(" ".join(words[1:])) is None


def test_fewer_than_four_words_are_anybodys(conn: sqlite3.Connection) -> None:
    put(conn, "Under the pot.", "sealed")
    assert closed(conn).match("Look under the pot, will you?") is None


@pytest.mark.parametrize("field", ["title", "raw"])
def test_titles_and_what_the_export_holds_are_closed_too(
    conn: sqlite3.Connection, field: str
) -> None:
    put(conn, "Something else.", "train-only", **{field: SECRET})
    assert closed(conn).match(SECRET) == Match("train-only", 12)


def test_left_out_records_are_closed_too(conn: sqlite3.Connection) -> None:
    put(conn, SECRET, "sealed", left_out="too-short")
    assert closed(conn).match(SECRET)


def test_closed_writing_is_found_as_it_is_and_as_it_is_redacted(conn: sqlite3.Connection) -> None:
    put(conn, "then Tobias told us all that he had sold his boat", "sealed")
    put(conn, "my number is +49 170 1234567 so call me", "sealed")
    index = closed(conn, names=["Tobias"])
    redacted = index._redactor.redact("then Tobias told us all that he had sold his boat")
    number = index._redactor.redact("my number is +49 170 1234567 so call me")
    assert "Tobias" not in redacted
    assert "1234567" not in number
    for text in (redacted, number, "then Tobias told us all that he had sold his boat"):
        assert index.match(text), text


@pytest.mark.parametrize(
    "disguised",
    [
        SECRET.replace(" ", "  \n"),
        SECRET.replace("spare", "sp\u00adare"),
        SECRET.replace("blue", "bl\u200bue"),
        unicodedata.normalize("NFD", SECRET.replace("door", "d\u00f6\u00f6r")).replace("oo", "öö"),
        SECRET.replace(" ", "\\n"),
        "".join(f"\\u{ord(c):04x}" for c in SECRET),
        "\uff54\uff48\uff45" + SECRET[3:],
    ],
)
def test_the_same_words_in_another_guise_are_found(
    conn: sqlite3.Connection, disguised: str
) -> None:
    put(conn, SECRET, "sealed")
    put(conn, SECRET.replace("door", "döör"), "sealed")
    assert closed(conn).match(disguised)


def test_scripts_without_blanks_have_words_too(conn: sqlite3.Connection) -> None:
    secret = "备用钥匙放在门口第三个蓝色花盆下面"
    put(conn, secret, "sealed")
    put(conn, "我们的老房子", "train-only")
    index = closed(conn)
    assert index.match(f"他说{secret[2:14]}吧")
    assert index.match(f"他说{secret[2:9]}吧") is None
    assert index.match("这是我们的老房子吗") == Match("train-only", 5)


def test_pairs_of_closed_prompts_are_closed_whole(conn: sqlite3.Connection) -> None:
    answer = "I hid it where nobody ever looks and told only Maja"
    add_pair(conn, f"Where is it? {SECRET}", (answer, "No idea."), level="train-only")
    index = closed(conn)
    assert index.match(SECRET) == Match("train-only", 12)
    assert index.match(answer) == Match("train-only", 11)


def test_a_closed_prompt_without_a_pair_is_closed(conn: sqlite3.Connection) -> None:
    put(conn, SECRET, "sealed")
    add_pair(conn, SECRET, records=[record("x").id], level="sealed", answers=("", ""))
    assert closed(conn).match(SECRET)


def test_a_pair_marked_private_is_closed_with_rewrites_and_notes(conn: sqlite3.Connection) -> None:
    said = {
        "prompt": "what did the doctor say to you about it last week",
        "a": "she said that it will pass if I sleep more often",
        "b": "nothing that I would want to tell you or anybody here",
        "rewrite": "she says hush and I say hush and that is that",
        "note": "this is about the thing with my knee in spring again",
    }
    pair = add_pair(conn, said["prompt"], (said["a"], said["b"]))
    mark(conn, pair, "rewrite", text=said["rewrite"])
    mark(conn, pair, "note", text=said["note"])
    assert not any(map(closed(conn).match, said.values()))
    private = mark(conn, pair)
    assert {closed(conn).match(text) for text in said.values()} == {
        Match("private", len(text.split())) for text in said.values()
    }
    append_event(
        conn, kind="undo", actor="owner", payload={"target": [private.device, private.counter]}
    )
    assert not any(map(closed(conn).match, said.values()))


def written(conn: sqlite3.Connection, authors: int, threads: int, **fields: Any) -> None:
    for place in range(threads):
        put(
            conn, f"Well {PHRASE} number {place} then", "train-only", author=f"p{place % authors}",
            is_owner=place % authors == 0, **fields,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("authors", "threads", "is_common"), [(3, 5, True), (2, 9, False), (4, 4, False)]
)
def test_what_many_wrote_in_many_conversations_is_common(
    conn: sqlite3.Connection, authors: int, threads: int, is_common: bool
) -> None:
    written(conn, authors, threads)
    put(conn, "have a great day and", "train-only")
    index = closed(conn)
    assert (index.match(PHRASE) is None) == is_common
    # What is said around it is not.
    assert index.match(f"{PHRASE} number 3 then")


def test_one_person_by_several_names_is_one_and_others_words_tell_nothing(
    conn: sqlite3.Connection,
) -> None:
    for place in range(6):
        put(conn, PHRASE, "train-only", author=f"ann {place}", is_owner=True)
        put(conn, SECRET, "train-only", author=f"p{place}", is_owner=False, left_out="forwarded")
        put(conn, OPENLY, "train-only", author=f"p{place}", is_owner=False, left_out="duplicate")
        put(
            conn, f"no {place}", "train-only", author=f"p{place}", is_owner=False,
            title="Our family and all the cats of Maja",
        )  # fmt: skip
    index = closed(conn)
    for text in (PHRASE, SECRET, OPENLY, "Our family and all the cats of Maja"):
        assert index.match(text), text


def test_sealed_writing_is_closed_whatever_many_write(conn: sqlite3.Connection) -> None:
    written(conn, 4, 8)
    put(conn, f"Tonight: {PHRASE}", "sealed")
    assert closed(conn).match(PHRASE) == Match("sealed", 11)


def test_what_stands_in_open_writing_is_no_secret(conn: sqlite3.Connection) -> None:
    put(conn, f"Again {OPENLY} today", "train-only")
    put(conn, f"Dear diary, {OPENLY}", "sealed")
    put(conn, "tar and rope and of", "sealed")
    put(conn, f"It began so. {OPENLY}.", "open")
    index = closed(conn)
    assert index.match(OPENLY) is None
    assert index.match(f"Again {OPENLY}") == Match("train-only", 8)


def test_shipped_prompts_and_what_a_judge_is_told_are_no_secret(conn: sqlite3.Connection) -> None:
    prompts = Path(__file__).parents[2] / "data" / "prompts" / "prompts.jsonl"
    texts = (json.loads(line)["prompt"] for line in prompts.read_text("utf-8").splitlines())
    shipped = next(text for text in texts if len(text.split()) >= 10)
    told = "say which of the two answers sounds more like the owner"
    put(conn, shipped, "sealed")
    put(conn, told, "train-only")
    index = closed(conn, told)
    assert index.match(shipped) is None
    assert index.match(told) is None
    assert closed(conn).match(told)


def test_a_private_pair_counts_but_where_open_records_or_shipped_texts_say_the_same(
    conn: sqlite3.Connection,
) -> None:
    told = "say which of the two answers sounds more like the owner"
    put(conn, OPENLY, "open")
    written(conn, 4, 8)
    mark(conn, add_pair(conn, told, (OPENLY, PHRASE)))
    index = closed(conn, told)
    assert index.match(told) == Match("private", 11)
    assert index.match(PHRASE) == Match("private", 11)
    assert index.match(OPENLY) is None


def windows(words: list[str], size: int) -> list[list[str]]:
    return [words[at : at + size] for at in range(len(words) - size + 1)]


def test_it_finds_what_an_index_of_all_runs_finds(conn: sqlite3.Connection) -> None:
    draw = random.Random(3)
    vocabulary = [f"w{i}" for i in range(2)]

    def text(length: int) -> str:
        return " ".join(draw.choices(vocabulary, k=length))

    texts = [text(draw.randint(8, 20)) for _ in range(10)]
    for each in texts:
        put(conn, each, "train-only")
    index = closed(conn)
    split = [each.split() for each in texts]
    known = {tuple(each[at : at + 8]) for each in split for at in range(len(each) - 7)}
    # A changed word, one more and one less: four words before it, and four after it.
    gapped = {(*run[:4], *run[5:]) for each in split for run in windows(each, 9)}
    found = 0
    for _ in range(500):
        asked = text(draw.randint(3, 14)).split()
        runs = [tuple(run) in known for run in windows(asked, 8)]
        first = runs.index(True) if any(runs) else None
        more = [*runs, False].index(False, first) - first if first is not None else 0
        if more:
            assert index.match(" ".join(asked)) == Match("train-only", 7 + more), asked
        else:
            around = {(*run[:4], *run[5:]) for run in windows(asked, 9)}
            near = around & (known | gapped) or set(map(tuple, windows(asked, 8))) & gapped
            assert (index.match(" ".join(asked)) is not None) == bool(near), asked
        found += more > 0
    assert 50 < found < 450


def test_an_owner_without_closed_writing_has_none(conn: sqlite3.Connection) -> None:
    assert closed(conn).match(SECRET) is None


def test_what_is_marked_private_meanwhile_is_found_after_a_look(conn: sqlite3.Connection) -> None:
    pair = add_pair(conn, answers=(SECRET, "No idea."))
    index = closed(conn)
    assert index.match(SECRET) is None
    labeler = open_store("ann")
    event = mark(labeler, pair)
    mark(labeler, pair, "note", text=PHRASE)
    look(index)
    assert index.match(SECRET) == Match("private", 12)
    assert index.match(PHRASE) == Match("private", 11)
    # Taken back, it stays closed to a run that knew it.
    append_event(
        labeler, kind="undo", actor="owner", payload={"target": [event.device, event.counter]}
    )
    look(index)
    assert index.match(SECRET)


def test_a_rewrite_of_a_private_pair_that_comes_later_is_found(conn: sqlite3.Connection) -> None:
    pair = add_pair(conn)
    mark(conn, pair)
    index = closed(conn)
    mark(open_store("ann"), pair, "rewrite", text=SECRET)
    look(index)
    assert index.match(SECRET) == Match("private", 12)


def test_a_mark_that_is_made_again_by_a_redo_is_found(conn: sqlite3.Connection) -> None:
    pair = add_pair(conn, answers=(SECRET, "No idea."))
    event = mark(conn, pair)
    undo = append_event(
        conn, kind="undo", actor="owner", payload={"target": [event.device, event.counter]}
    )
    index = closed(conn)
    assert index.match(SECRET) is None
    append_event(conn, kind="redo", actor="owner", payload={"target": [undo.device, undo.counter]})
    look(index)
    assert index.match(SECRET)


def test_a_record_that_rises_meanwhile_closes_its_words_prompts_and_pairs(
    conn: sqlite3.Connection,
) -> None:
    id = put(conn, SECRET, "open")
    other = put(conn, PHRASE, "train-only")
    answer = "I hid it where nobody ever looks and told only Maja"
    add_pair(conn, OPENLY, (answer, "No idea."), records=[id])
    index = closed(conn)
    assert not any(map(index.match, (SECRET, OPENLY, answer)))
    shell = open_store("ann")
    # One up and one down: nothing that is only counted has changed.
    set_level(shell, "train-only", id=id)
    set_level(shell, "open", id=other)
    look(index)
    assert all(map(index.match, (SECRET, OPENLY, answer)))
    assert index.match(PHRASE), "what was opened meanwhile stays closed"


def test_what_was_excused_by_open_writing_is_closed_with_it(conn: sqlite3.Connection) -> None:
    open_one = put(conn, f"So: {SECRET}", "open")
    put(conn, "under the third blue pot", "sealed")
    index = closed(conn)
    assert index.match("lies under the third blue pot") is None
    set_level(open_store("ann"), "train-only", id=open_one)
    look(index)
    assert index.match("lies under the third blue pot") == Match("sealed", 5)


def test_new_records_that_are_closed_are_found_after_a_look(conn: sqlite3.Connection) -> None:
    index = closed(conn)
    put(open_store("ann"), SECRET, "train-only")
    look(index)
    assert index.match(SECRET) == Match("train-only", 12)


def test_what_was_dropped_is_still_found_by_a_run_that_knew_it(conn: sqlite3.Connection) -> None:
    from align.store.records import iter_records

    put(conn, SECRET, "sealed")
    index = closed(conn)
    shell = open_store("ann")
    drop(shell, list(iter_records(shell)))
    look(index)
    assert index.match(SECRET)


def test_a_look_costs_next_to_nothing_where_nothing_changed(conn: sqlite3.Connection) -> None:
    put(conn, SECRET, "sealed")
    index = closed(conn)
    asked: list[str] = []
    conn.set_trace_callback(asked.append)
    for _ in range(5):
        look(index)
    assert asked == ["PRAGMA data_version"] * 5
    put(open_store("ann"), PHRASE, "sealed")
    look(index)
    asked.clear()
    # However often it is called within a second.
    for _ in range(5):
        index.refresh()
    assert asked == []


def test_a_look_that_fails_is_made_good_by_the_next(conn: sqlite3.Connection) -> None:
    index = closed(conn)
    put(open_store("ann"), SECRET, "sealed")
    state = index._state
    del index._state
    with pytest.raises(AttributeError):
        look(index)
    index._state = state
    look(index)
    assert index.match(SECRET)


def test_a_long_text_is_looked_through_once_until_something_is_closed(
    conn: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = add_pair(conn, answers=(SECRET, "No idea."))
    index = closed(conn)
    looked: list[str] = []
    real = index._look_for

    def noted(text: str) -> Match | None:
        looked.append(text)
        return real(text)

    monkeypatch.setattr(index, "_look_for", noted)
    index._forget_answers()
    shared = f"{OPENLY} and {SECRET}"
    assert [index.match(shared) for _ in range(3)] == [None] * 3
    assert len(looked) == 1
    mark(conn, pair)
    look(index)
    assert index.match(shared)
