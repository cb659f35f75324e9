"""The commands around the store, as they are typed."""

import json
import random
import shutil
import stat
from pathlib import Path

import pytest

from align.demo.simulated_choices import simulate
from align.paths import store_path
from align.status import next_command, overview
from align.store.choices import current_choices
from align.store.connection import connect, in_memory, open_store, transaction
from align.store.events import iter_events
from align.store.records import iter_records
from tests.commands.line import Line
from tests.store.rows import add_pair, append_event


@pytest.fixture
def line(capsys: pytest.CaptureFixture[str]) -> Line:
    return Line(capsys)


@pytest.fixture
def writing(root: Path) -> Path:
    folder = root / "mine"
    folder.mkdir()
    for i in range(12):
        words = f"Post {i}, \x1b[31mred\x07" + " and long enough to be cut off" * 9
        (folder / f"{i}.md").write_text(words)
    chat = {
        "messages": [{"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Ho."}]
    }
    (folder / "chats.jsonl").write_text(json.dumps(chat) + "\n")
    return folder


def test_ingest_says_what_it_took_for_what(root: Path, writing: Path, line: Line) -> None:
    (writing / "copy.md").write_bytes((writing / "3.md").read_bytes())
    (writing / "photo.png").write_bytes(b"x")
    out = line("ingest", writing, "--owner", "ann")
    rows = [line.split() for line in out.splitlines()]
    assert ["documents", "13", "858", "train-only"] in rows
    assert ["messages", "1", "1", "train-only"] in rows
    assert "Stored: 15 new records, 0 known; " in out
    assert "1 duplicate" in out
    assert "Passed over: 1 .png: a kind that is not read" in out
    assert "make sft OWNER=ann" in line.err
    assert "0 new records, 15 known" in line("ingest", writing, "--owner", "ann")
    assert (root / "data" / "ann" / "owner.yaml").is_file()


def test_ingest_tells_what_the_settings_do_not_reach(root: Path, writing: Path, line: Line) -> None:
    line("ingest", writing, "--owner", "ann")
    settings = root / "data" / "ann" / "owner.yaml"
    settings.write_text("name: Ann\nprivacy: {documents: sealed}\n")
    line("ingest", writing, "--owner", "ann")
    command = "align records set-level sealed --source documents --owner ann"
    assert "12 records of documents known before are less private than owner.yaml says" in line.err
    assert command in line.err
    line(*command.split()[1:])
    line("ingest", writing, "--owner", "ann")
    assert command not in line.err


def test_a_dry_run_of_a_new_owner_leaves_no_trace(root: Path, writing: Path, line: Line) -> None:
    assert "Would store: 14 new records" in line("ingest", writing, "--owner", "ann", "--dry-run")
    assert not (root / "data" / "ann").exists()


def test_a_broken_line_is_named_and_the_rest_is_taken(
    root: Path, writing: Path, line: Line
) -> None:
    good = [json.dumps({"question": f"Q{n}?", "answer": "A."}) for n in range(16)]
    (writing / "z.jsonl").write_text("\n".join([*good, "{"]))
    line("ingest", writing, "--owner", "ann")
    assert "not read: " in line.err
    assert "z.jsonl:17: not JSON" in line.err
    assert len(line("records", "list", "--owner", "ann").splitlines()) == 14 + 32


def test_who_the_owner_is_can_be_said_and_need_not_be_said_again(
    root: Path, tmp_path: Path, line: Line
) -> None:
    chat = "".join(
        f"12/05/2024, 10:{n:02d} - {who}: {text}\n"
        for n, (who, text) in enumerate(
            [("Bob", "How was the bread?"), ("A. K.", "It rose twice and fell once.")] * 3
        )
    )
    chats = tmp_path / "chats"
    chats.mkdir()
    (chats / "WhatsApp Chat with Bob.txt").write_text(chat.replace("12/05", "25/05"))
    out = line("ingest", chats, "--owner", "ann", code=2)
    assert "nobody in it is known as you: Bob (3), A. K. (3)" in out
    assert not store_path("ann").exists()
    out = line("ingest", chats, "--owner", "ann", "--me", "A. K.")
    assert "WhatsApp" in out
    assert 'name: "A. K."' in (root / "data" / "ann" / "owner.yaml").read_text()
    assert "0 new records, 6 known" in line("ingest", chats, "--owner", "ann")


def test_columns_of_a_table_can_be_named(root: Path, tmp_path: Path, line: Line) -> None:
    table = tmp_path / "log.csv"
    table.write_text("wer,was\nBob,How was it?\nAnn,It was a long way home.\n")
    columns = "text=was,author=wer"
    line("ingest", table, "--owner", "ann", "--columns", columns)
    assert "It was a long way home." in line("records", "list", "--owner", "ann")
    assert "says nothing" in line("ingest", table, "--columns", "text", code=2)


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["ingest", "--owner", "ann"], "no path to read"),
        (["ingest", "nowhere", "--owner", "ann"], "no such file or folder"),
        (["ingest", "nowhere", "--owner", "../ann"], "not a valid name"),
        (["ingest", "nowhere", "--owner", "prompts"], "reserved"),
        (["records", "list", "--owner", "ann"], "no store yet"),
        (["records", "set-level", "open", "--owner", "ann"], "which records is not clear"),
        (["records", "set-level", "secret", "--id", "x"], "'secret' is not known"),
        (["prompts", "add", "nowhere.txt", "--owner", "ann"], "no such file"),
        (["backup", "--owner", "ann"], "no store yet"),
        (["forget", "--owner", "ann", "--yes"], "nothing to erase"),
        (["simulate", "--owner", "ann"], "not a demo owner"),
        (["unpack", "nowhere.pack"], "no such pack"),
    ],
)
def test_mistakes_are_one_line(root: Path, line: Line, words: list[str], what: str) -> None:
    assert what in line(*words, code=2)
    assert not (root / "data" / "ann").exists()


def test_records_are_listed_shown_and_sealed(root: Path, writing: Path, line: Line) -> None:
    line("ingest", writing, "--owner", "ann")
    listed = line("records", "list", "--owner", "ann").splitlines()
    assert len(listed) == 14
    assert not any("\x1b" in each or "\x07" in each for each in listed)
    id = listed[0].split("\t")[0]
    assert "origin: " in line("records", "show", id[:8], "--owner", "ann")
    assert "no record has such an id" in line("records", "show", "zzz", "--owner", "ann", code=2)
    assert "14 records begin so" in line("records", "show", "", "--owner", "ann", code=2)
    assert "1 record set to sealed" in line(
        "records", "set-level", "sealed", "--id", id, "--owner", "ann"
    )
    assert id in line("records", "list", "--owner", "ann", "--level", "sealed")
    line("records", "set-level", "sealed", "--source", "documents", "--owner", "ann")
    assert "owner.yaml: privacy: {documents: sealed}" in line.err
    assert len(line("records", "list", "--owner", "ann", "--level", "sealed").splitlines()) == 12
    assert line("records", "list", "--owner", "ann", "--source", "messages").count("\n") == 2


def test_records_are_searched_and_dropped_for_good(root: Path, writing: Path, line: Line) -> None:
    line("ingest", writing, "--owner", "ann")
    [found] = line("records", "search", "Post", "7", "--owner", "ann").splitlines()
    id = found.split("\t")[0]
    assert "1 record" in line("records", "drop", "--id", id, "--owner", "ann", "--yes")
    assert line("records", "search", "Post 7", "--owner", "ann") == ""
    line("ingest", writing, "--owner", "ann")
    assert line("records", "search", "Post 7", "--owner", "ann") == ""
    assert "\tdropped\t" in line("records", "list", "--owner", "ann", "--left-out")
    assert line("records", "list", "--owner", "ann", "--reason", "duplicate") == ""
    assert "'bad' is not known" in line("records", "list", "--reason", "bad", code=2)


def test_questions_of_posts_are_listed(root: Path, tmp_path: Path, line: Line) -> None:
    text = "I bake bread because the kitchen smells of it for a day. " * 4
    post = tmp_path / "post.md"
    post.write_text(f"# Why I bake bread\n\n{text}")
    # A temporary folder's name must not decide what is held out.
    (root / "data" / "ann").mkdir()
    (root / "data" / "ann" / "owner.yaml").write_text("name: Ann\nheld_out: 0.0\n")
    line("ingest", post, "--owner", "ann")
    assert "Can you tell me why you bake bread?" in line("questions", "list", "--owner", "ann")
    assert line("questions", "list", "--left-out", "--owner", "ann") == ""


def test_prompts_are_added_once_and_listed(root: Path, tmp_path: Path, line: Line) -> None:
    (tmp_path / "p.txt").write_text("What now?\n\nAnd then?\n")
    (tmp_path / "p.jsonl").write_text(
        '{"prompt": "And then?", "thread": "t"}\n{"prompt": "Why?"}\n'
    )
    assert line("prompts", "add", tmp_path / "p.txt", "--owner", "ann") == "2 new, 0 known\n"
    assert line("prompts", "add", tmp_path / "p.jsonl", "--owner", "ann") == "1 new, 1 known\n"
    assert line("prompts", "list", "--owner", "ann").count("\tadded\topen\t") == 3
    (tmp_path / "p.jsonl").write_text('{"prompt": "x"}\n{"text": "x"}\n')
    assert "p.jsonl:2: no prompt" in line("prompts", "add", tmp_path / "p.jsonl", code=2)


def test_the_bundled_prompts_are_many_and_each_has_its_thread(root: Path, line: Line) -> None:
    from align.conversations.prompts import bundled_prompts

    prompts = bundled_prompts(0.1)
    assert len({prompt.id for prompt in prompts}) == len({prompt.thread for prompt in prompts})
    assert len(prompts) >= 120
    assert {prompt.split for prompt in prompts} == {"train", "evaluation"}
    assert line("prompts", "bundled", "--owner", "ann") == f"{len(prompts)} new, 0 known\n"


def test_status_names_the_command_that_comes_next(root: Path, writing: Path, line: Line) -> None:
    def after(step: str) -> str:
        out = line("status", "--owner", "ann")
        assert out.splitlines()[-1].startswith("next ")
        return out.splitlines()[-1].split("next")[1].split("(")[0].strip()

    assert after("nothing") == "make ingest OWNER=ann FROM=~/my-writing"
    line("ingest", writing, "--owner", "ann")
    assert after("ingest") == "make sft OWNER=ann"
    twin = root / "checkpoints" / "ann" / "001-sft"
    twin.mkdir(parents=True)
    assert after("sft") == "make sample OWNER=ann"
    conn = open_store("ann")
    pair = add_pair(conn)
    assert after("sample") == "make label OWNER=ann"
    append_event(conn, kind="choice", actor="owner", pair_id=pair, payload={"outcome": "a"})
    assert after("label") == "make dpo OWNER=ann"
    (root / "checkpoints" / "ann" / "002-dpo").mkdir()
    (root / "checkpoints" / "ann" / "002-dpo" / "twin.json").write_text('{"created": "2999"}')
    assert after("dpo") == "make evaluate OWNER=ann"
    (root / "checkpoints" / "ann" / "002-dpo" / "scorecard.json").write_text("{}")
    assert after("evaluate") == "make sample OWNER=ann"
    add_pair(conn, "More?", checkpoint="002-dpo")
    assert after("next round") == "make chat OWNER=ann"
    out = line("status", "--owner", "ann")
    assert "choices      1 owner, 1 with a winner" in out
    assert "messages          turn      train-only" in out


def test_the_demos_next_step_is_simulated(root: Path) -> None:
    shutil.rmtree(root / "checkpoints")
    (root / "checkpoints" / "demo" / "001-sft").mkdir(parents=True)
    conn = in_memory()
    add_pair(conn)
    found = overview("demo", conn)
    assert next_command(found)[0] == "make simulate"


def test_a_backup_is_a_store_that_works_while_the_other_is_written(
    root: Path, writing: Path, tmp_path: Path, line: Line
) -> None:
    line("ingest", writing, "--owner", "ann")
    writer = open_store("ann")
    writer.execute("BEGIN IMMEDIATE")
    out = line("backup", "--owner", "ann")
    writer.execute("ROLLBACK")
    path = root / out.split("  ")[0]
    assert path.parent == root / "data" / "ann" / "backups"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(iter_records(connect(path))) == list(iter_records(writer))
    line("backup", "--owner", "ann", "--out", tmp_path / "b" / "mine.db")
    assert len(list(iter_records(connect(tmp_path / "b" / "mine.db")))) == 14
    store = store_path("ann")
    assert "not a place" in line("backup", "--owner", "ann", "--out", store, code=2)


def test_forgetting_erases_what_was_made_and_keeps_the_writing(
    root: Path, writing: Path, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = root / "data" / "ann" / "writing"
    shutil.copytree(writing, own)
    line("ingest", own, "--owner", "ann")
    line("backup", "--owner", "ann")
    (root / "data" / "ann" / "rows").mkdir()
    twin = root / "checkpoints" / "ann" / "001-sft"
    twin.mkdir(parents=True)
    (twin.parent / "sft").symlink_to("001-sft")
    monkeypatch.setattr("typer.prompt", lambda *_, **__: "bob")
    assert "another name was typed" in line("forget", "--owner", "ann", code=2, one_line=False)
    assert store_path("ann").exists()
    monkeypatch.setattr("typer.prompt", lambda *_, **__: "ann")
    out = line("forget", "--owner", "ann")
    assert "erased data/ann/twin.db" in out
    assert "erased checkpoints/ann" in out
    assert sorted(path.name for path in own.parent.iterdir()) == ["owner.yaml", "writing"]
    line("forget", "--owner", "ann", "--writing", "--yes")
    assert not own.parent.exists()


def test_forgetting_the_demo_never_erases_what_was_shipped(root: Path, line: Line) -> None:
    line("ingest")
    before = {path.name for path in (root / "data" / "demo").iterdir()} - {
        "twin.db", "twin.db-wal", "twin.db-shm",
    }  # fmt: skip
    line("forget", "--owner", "demo", "--writing", "--yes")
    assert {path.name for path in (root / "data" / "demo").iterdir()} == before
    assert {"writing", "owner.yaml", "simulated.json", "base"} <= before


class Longer:
    """Chooses the longer answer nine times of ten, and remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, str]] = []

    def choose(self, prompt: str, left: str, right: str, rng: random.Random):
        self.told.append((prompt, left, right))
        longer = "left" if len(left) > len(right) else "right"
        return longer if rng.random() < 0.9 else "both"


class Stopped(Longer):
    """Is interrupted after a hundred questions."""

    def choose(self, *args):
        if len(self.told) >= 100:
            raise KeyboardInterrupt
        return super().choose(*args)


def test_simulated_choices_are_marked_seeded_and_go_on_where_they_stopped() -> None:
    views = []
    for stop in (False, True):
        conn, chooser = in_memory(), Longer()
        with transaction(conn):
            for i in range(300):
                add_pair(conn, f"{i}?", ("Short.", "Rather longer."), checkpoint=f"00{i % 3}-sft")
        if stop:
            with pytest.raises(KeyboardInterrupt):
                simulate(conn, Stopped(), seed=7)
            assert 0 < len(current_choices(conn)) < 300
        result = simulate(conn, chooser, seed=7)
        views.append({choice.pair_id: choice.outcome for choice in current_choices(conn)})
        assert {choice.actor for choice in current_choices(conn)} == {"simulated"}
        assert "-sft" not in str(chooser.told)
    assert views[0] == views[1]
    assert len(views[0]) == 300
    assert simulate(conn, chooser, seed=7).known == 300
    assert 5 <= result.again <= 40
    assert result.agreement is not None
    notes = [event for event in iter_events(conn) if event.kind == "note"]
    assert len(notes) == result.again
    sides = {event.payload["left"] for event in iter_events(conn) if event.kind == "choice"}
    assert sides == {"a", "b"}


def test_a_demo_owner_is_made_read_and_chooses(root: Path, line: Line) -> None:
    out = root / "data" / "mira"
    line("demo-owner", "--seed", "4", "--out", out)
    assert "make ingest OWNER=mira FROM=data/mira/writing" in line.err
    assert "there is something already" in line("demo-owner", "--out", out, code=2)
    line("ingest", out / "writing", "--owner", "mira")
    assert "new prompts" in line.err
    assert "no pairs to choose from" in line("simulate", "--owner", "mira", code=2)
    conn = open_store("mira")
    with transaction(conn):
        for i in range(40):
            add_pair(conn, f"{i}?")
    assert "simulated choices: " in line("simulate", "--owner", "mira")
    assert line("choices", "count", "--owner", "mira") == "40\n"
    assert "40 there before" in line("simulate", "--owner", "mira")


def test_a_folder_of_which_nothing_can_be_read_is_refused(
    root: Path, line: Line, tmp_path: Path
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "one.md").write_bytes(bytes(range(256)) * 8)
    assert "one.md: binary, not text" in line("ingest", folder, "--owner", "ann", code=2)
    assert not store_path("ann").exists()
