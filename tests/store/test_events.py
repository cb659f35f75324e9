import sqlite3
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from align.store.adding import add_records
from align.store.choices import current_choices, decisive_pairs
from align.store.connection import in_memory
from align.store.events import NewEvent, append_events, iter_events
from align.store.pairs import get_pair, iter_pairs
from align.store.records import set_level
from tests.store.rows import add_pair, append_event, prompt, record


def choose(conn: sqlite3.Connection, pair: str, outcome: str = "a", actor: str = "owner"):
    return append_event(
        conn, kind="choice", actor=actor, pair_id=pair, payload={"outcome": outcome}
    )


def undo(conn: sqlite3.Connection, event, kind: str = "undo"):
    target = [event.device, event.counter]
    return append_event(conn, kind=kind, actor="owner", payload={"target": target})


def test_events_are_never_changed_deleted_or_replaced() -> None:
    conn = in_memory()
    event = choose(conn, "p")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        conn.execute("UPDATE events SET actor = 'simulated'")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        conn.execute("DELETE FROM events")
    conn.execute(
        "INSERT OR REPLACE INTO events (device, counter, kind, actor, payload, time) "
        "VALUES (?, ?, 'skip', 'owner', '{}', 'x')",
        (event.device, event.counter),
    )
    assert list(iter_events(conn)) == [event]


def test_an_undone_choice_counts_no_more_and_a_redone_one_again() -> None:
    conn = in_memory()
    first = choose(conn, "p", "a")
    second = choose(conn, "p", "b")
    undone = undo(conn, second)
    assert [each.outcome for each in current_choices(conn)] == ["a"]
    undo(conn, undone, "redo")
    assert [each.outcome for each in current_choices(conn)] == ["b"]
    undo(conn, first)
    undo(conn, second)
    assert current_choices(conn) == []


def test_an_owners_choice_goes_before_a_newer_simulated_one() -> None:
    conn = in_memory()
    choose(conn, "p", "a", "owner")
    choose(conn, "p", "b", "simulated")
    choose(conn, "q", "b", "simulated")
    found = {each.pair_id: (each.actor, each.outcome) for each in current_choices(conn)}
    assert found == {"p": ("owner", "a"), "q": ("simulated", "b")}
    assert [each.pair_id for each in current_choices(conn, actors=["simulated"])] == ["q"]


def test_a_rewrite_is_a_choice_with_its_text() -> None:
    conn = in_memory()
    pair = add_pair(conn)
    choose(conn, pair)
    append_event(
        conn, kind="rewrite", actor="owner", pair_id=pair, payload={"text": "Like \ud800this."}
    )
    [(choice, view)] = decisive_pairs(conn)
    assert (choice.outcome, choice.rewrite) == ("rewrite", "Like �this.")
    assert view.text_a == "Fine."


def test_decisive_pairs_have_a_winner_and_are_not_sealed() -> None:
    conn = in_memory()
    pairs = {each: add_pair(conn, each) for each in ("both", "neither", "a", "b")}
    for outcome, pair in pairs.items():
        choose(conn, pair, outcome)
    secret = record("Secret?", is_owner=False)
    add_records(conn, [secret])
    sealed = add_pair(conn, "Secret?", thread=secret.thread, source="asked", records=[secret.id])
    choose(conn, sealed)
    assert {pair.id for _, pair in decisive_pairs(conn)} == {pairs["a"], pairs["b"], sealed}
    set_level(conn, "sealed", id=secret.id)
    assert {pair.id for _, pair in decisive_pairs(conn)} == {pairs["a"], pairs["b"]}


def test_a_pair_that_the_owner_calls_private_is_sealed_until_they_take_it_back() -> None:
    conn = in_memory()
    pair = add_pair(conn)
    choose(conn, pair)
    event = append_event(conn, kind="private", actor="owner", pair_id=pair)
    view = get_pair(conn, pair)
    assert view is not None
    assert view.level == "sealed"
    assert decisive_pairs(conn) == []
    undo(conn, event)
    assert [view.level for view in iter_pairs(conn)] == ["open"]


def test_a_pair_that_was_asked_again_keeps_its_first_answer() -> None:
    conn = in_memory()
    first = choose(conn, "p", "a")
    payload = {"outcome": "b", "of": [first.device, first.counter]}
    append_event(conn, kind="repeat", actor="owner", pair_id="p", payload=payload)
    assert [each.outcome for each in current_choices(conn)] == ["a"]


def test_what_stands_of_many_events_is_found_by_an_index() -> None:
    plan = in_memory().execute("EXPLAIN QUERY PLAN SELECT * FROM standing_events").fetchall()
    assert [row["detail"] for row in plan if row["detail"].startswith("SCAN")] == ["SCAN e"]


@pytest.mark.parametrize("jump", ["2999-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z"])
def test_a_clock_that_is_set_back_reorders_nothing_and_dates_stay_true(jump: str) -> None:
    conn = in_memory()
    append_events(conn, [NewEvent("choice", "owner", "p", {"outcome": "a"}, time=jump)])
    for outcome in "bab":
        choose(conn, "p", outcome)
        (choice,) = current_choices(conn)
        assert choice.outcome == outcome
        assert choice.time[:10] == datetime.now(UTC).date().isoformat()
    undo(conn, list(iter_events(conn))[-1])
    assert [each.outcome for each in current_choices(conn)] == ["a"]
    assert [event.counter for event in iter_events(conn)] == [1, 2, 3, 4, 5]


def test_many_events_are_one_commit() -> None:
    conn = in_memory()
    good = NewEvent("skip", "owner", "p")
    with pytest.raises(ValueError, match="outcome"):
        append_events(conn, [good, NewEvent("choice", "owner", "p", {"outcome": "left"})])
    assert list(iter_events(conn)) == []
    assert [each.counter for each in append_events(conn, [good, good])] == [1, 2]


@pytest.mark.parametrize(
    "event",
    [
        NewEvent("chose", "owner"),  # type: ignore[arg-type]
        NewEvent("skip", "nobody"),  # type: ignore[arg-type]
        NewEvent("choice", "owner", None, {"outcome": "a"}),
        NewEvent("rewrite", "owner", "p", {}),
        NewEvent("undo", "owner", "p", {}),
        NewEvent("note", "owner", "p", {"certainty": float("nan")}),
        NewEvent("repeat", "owner", "p", {"outcome": "left", "of": ["d", 1]}),
        NewEvent("repeat", "owner", "p", {"outcome": "a"}),
        NewEvent("repeat", "owner", None, {"outcome": "a", "of": ["d", 1]}),
        NewEvent("flag", "owner", "p", {"flag": "style", "side": "a"}),
        NewEvent("flag", "owner", "p", {"flag": "facts", "side": "left"}),
        NewEvent("flag", "owner", None, {"flag": "voice", "side": None}),
    ],
)
def test_an_event_that_means_nothing_is_refused(event: NewEvent) -> None:
    conn = in_memory()
    with pytest.raises(ValueError):
        append_events(conn, [event])
    assert list(iter_events(conn)) == []


def test_pairs_are_found_by_purpose() -> None:
    conn = in_memory()
    first = add_pair(conn, "One?")
    second = add_pair(conn, "Two?", checkpoint="002-dpo")
    assert list(iter_pairs(conn, purpose="arena")) == []
    assert {each.id for each in iter_pairs(conn)} == {first, second}
    assert prompt("One?").id in {each.prompt_id for each in iter_pairs(conn)}


@dataclass
class Model:
    """The same rules on a plain list, which is searched from its end."""

    events: list[tuple[str, str, str, int]] = field(default_factory=list)

    def stands(self, index: int) -> bool:
        undone = [i for i, each in enumerate(self.events) if each[0] == "undo" and each[3] == index]
        redone = {each[3] for each in self.events if each[0] == "redo"}
        return all(i in redone for i in undone)

    def view(self) -> dict[str, tuple[str, str]]:
        rank = {"owner": 2, "imported": 1, "simulated": 0}
        found: dict[str, tuple[int, str, str]] = {}
        for index, (kind, pair, word, _) in enumerate(self.events):
            if kind != "choice" or not self.stands(index):
                continue
            actor, outcome = word.split()
            if pair not in found or rank[actor] >= found[pair][0]:
                found[pair] = (rank[actor], actor, outcome)
        return {pair: (actor, outcome) for pair, (_, actor, outcome) in found.items()}


step = st.one_of(
    st.tuples(
        st.just("choice"),
        st.sampled_from("pqr"),
        st.builds(
            "{} {}".format,
            st.sampled_from(["owner", "simulated", "imported"]),
            st.sampled_from(["a", "b", "both", "neither"]),
        ),
    ),
    st.tuples(st.sampled_from(["undo", "redo"]), st.integers(0, 30), st.just("")),
)


@settings(max_examples=75)
@given(st.lists(step, max_size=25))
def test_the_view_of_any_events_is_that_of_a_plain_model(
    steps: list[tuple[str, object, str]],
) -> None:
    conn, model, stored = in_memory(), Model(), []
    for kind, where, word in steps:
        if kind == "choice":
            actor, outcome = word.split()
            stored.append(choose(conn, str(where), outcome, actor))
            model.events.append((kind, str(where), word, -1))
            continue
        wanted = "choice" if kind == "undo" else "undo"
        targets = [i for i, each in enumerate(model.events) if each[0] == wanted]
        if not targets:
            continue
        target = targets[int(where) % len(targets)]  # type: ignore[call-overload]
        stored.append(undo(conn, stored[target], kind))
        model.events.append((kind, "", "", target))
    found = {each.pair_id: (each.actor, each.outcome) for each in current_choices(conn)}
    assert found == model.view()
