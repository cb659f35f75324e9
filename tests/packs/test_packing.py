"""The road between a laptop and a box: two project roots, packs between them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from align.owner import Owner
from align.packs.packing import traveller_of
from align.paths import checkpoints_dir, owner_dir
from align.store.adding import add_records
from align.store.choices import current_choices, decisive_pairs
from align.store.connection import in_memory, open_store
from align.store.events import iter_events
from align.store.merge import TABLES, export_rows
from align.store.pairs import iter_pairs
from align.store.prompts import iter_prompts
from align.store.records import iter_records
from tests.commands.line import Line
from tests.store.rows import add_pair, append_event, record

CHECKOUT = Path(__file__).resolve().parents[2]
SEALED = "the otter under the floorboards hums a very old tune every single night"
SHORT = "otters never forgive me"
HELD_OUT = "only the evaluation may ever see this particular row of words"


@pytest.fixture
def line(capsys: pytest.CaptureFixture[str]) -> Line:
    return Line(capsys)


class Machine:
    """One checkout."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self._monkeypatch = folder, monkeypatch
        for name in ("data", "checkpoints", "recipes/demo"):
            (folder / name).mkdir(parents=True)
        for stage in ("sft", "dpo"):
            (folder / "recipes" / "demo" / f"{stage}.yaml").write_text(
                "model_name_or_path: data/demo/base\n" if stage == "sft" else "beta: 0.3\n"
            )

    @contextmanager
    def here(self):
        with self._monkeypatch.context() as patch:
            patch.setenv("SOUNDALIKE_ROOT", str(self.root))
            yield self

    def store(self):
        with self.here():
            return open_store("ann", create=True)

    def choose(self, pair: str, outcome: str, actor: str = "owner"):
        payload = {"outcome": outcome}
        return append_event(self.store(), kind="choice", actor=actor, pair_id=pair, payload=payload)

    def twin(self, name: str, marks: str = "1") -> Path:
        with self.here():
            folder = checkpoints_dir("ann") / name
        folder.mkdir(parents=True)
        (folder / "twin.json").write_text(json.dumps({"name": name, "marks": marks}))
        (folder / "adapter_config.json").write_text("{}")
        (folder / "adapter_model.safetensors").write_bytes(os.urandom(50_000))
        (folder / "rows.jsonl").write_text(HELD_OUT)
        return folder


@pytest.fixture
def laptop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path / "laptop", monkeypatch)


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path / "box", monkeypatch)


def write_writing(laptop: Machine) -> Path:
    """Write 40 posts, 20 questions and a journal; what is held out says so."""
    from align.ingest.tree import origin_of
    from align.store.ids import content_id, split_of

    writing = laptop.root / "data" / "ann" / "writing"
    (writing / "journal").mkdir(parents=True)
    (writing / "journal" / "monday.md").write_text(f"Dear diary, {SEALED}. Nobody may know.")
    (writing / "journal" / "tuesday.md").write_text(SHORT)
    with laptop.here():
        for i in range(40):
            path = writing / f"post-{i}.md"
            held = split_of(origin_of(path), 0.1) == "evaluation"
            path.write_text(
                f"Post {i}. " + (f"{HELD_OUT} {i}." if held else "It was a day like any.")
            )
        quoting = f"And so I wrote: {SEALED}."
        rows = [{"question": f"What of {i}?", "answer": f"Much of {i}."} for i in range(20)]
        origin = origin_of(writing / "chats.jsonl")
        for row in rows:
            if split_of(f"{origin}#{content_id(row['question'])}", 0.1) == "evaluation":
                row["answer"] = f"{row['answer']} {HELD_OUT}"
        rows += [{"question": "Quote?", "answer": quoting}, {"question": quoting, "answer": "Yes."}]
    (writing / "chats.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return writing


def all_bytes(path: Path) -> str:
    """Return all that is in a bundle, JSON escapes resolved, in small letters."""
    with zipfile.ZipFile(path) as bundle:
        texts = [bundle.read(name).decode("utf-8", "replace") for name in bundle.namelist()]
    return "\n".join(texts).lower()


def test_nothing_sealed_and_no_held_out_answer_is_in_a_train_pack(
    laptop: Machine, line: Line
) -> None:
    writing = write_writing(laptop)
    with laptop.here():
        line("ingest", writing, "--owner", "ann")
        conn = laptop.store()
        held_out = {record.text for record in iter_records(conn, split="evaluation")}
        assert any(HELD_OUT in text for text in held_out)
        laptop.twin("001-sft")
        pair = add_pair(conn, "What of it?", ("This.", "That."))
        laptop.choose(pair, "a")
        told = add_pair(conn, "And the otter?", (f"Well, {SEALED}!", "What otter?"))
        laptop.choose(told, "b")
        said = add_pair(conn, "Say it.", ("No.", "Never."))
        append_event(conn, kind="rewrite", actor="owner", pair_id=said, payload={"text": SHORT})
        append_event(
            conn, kind="note", actor="owner", pair_id=pair, payload={"text": "my own note"}
        )
        asked = add_pair(conn, "Held out?", ("Yes.", "No."), thread="h", split="evaluation")
        append_event(conn, kind="rewrite", actor="owner", pair_id=asked, payload={"text": HELD_OUT})
        line("pack", "--owner", "ann", "--for", "train")
        path = owner_dir("ann") / "ann-train.pack"
        inside = all_bytes(path)
        for secret in (SEALED, SHORT, HELD_OUT, "my own note", "monday"):
            assert secret.lower() not in inside
        assert "it was a day like any" in inside
        assert "withheld" in line.err
        shown = line("pack", "--list", path)
    assert "for train, owner ann, recipe demo" in shown
    assert "checkpoints/001-sft/adapter_model.safetensors" in shown
    assert "rows.jsonl\n" not in shown.replace("sft-rows.jsonl", "").replace("dpo-rows.jsonl", "")
    assert path.stat().st_mode & 0o077 == 0


def test_nothing_sealed_is_in_a_label_pack(laptop: Machine, line: Line) -> None:
    writing = write_writing(laptop)
    with laptop.here():
        line("ingest", writing, "--owner", "ann")
        conn = laptop.store()
        laptop.twin("001-sft")
        add_pair(conn, "What of it?", ("This.", "That."))
        told = add_pair(conn, "And the otter?", (f"Well, {SEALED}!", "What otter?"))
        append_event(conn, kind="rewrite", actor="owner", pair_id=told, payload={"text": SHORT})
        line("pack", "--owner", "ann", "--for", "label")
        path = owner_dir("ann") / "ann-label.pack"
        inside = all_bytes(path)
    for secret in (SEALED, SHORT, "monday"):
        assert secret.lower() not in inside
    assert "what of it?" in inside


def test_the_whole_round_trip_merges_what_was_chosen_on_both(
    laptop: Machine, box: Machine, line: Line
) -> None:
    writing = write_writing(laptop)
    with laptop.here():
        line("ingest", writing, "--owner", "ann")
        line("pack", "--owner", "ann", "--for", "train", "--out", laptop.root / "to-box.pack")
    with box.here():
        line("unpack", laptop.root / "to-box.pack", "--owner", "ann")
        assert "make sft dpo OWNER=ann RECIPE=demo" in line.err
        packed = owner_dir("ann") / "packed"
        assert "It was a day like any" in (packed / "sft-rows.jsonl").read_text()
        assert (packed / "recipe" / "sft.yaml").is_file()
        assert list(iter_records(box.store())) == []
        assert "packed" in line("status", "--owner", "ann")
        # The box trains, samples, and is tried by the owner.
        box.twin("001-sft")
        pairs = [add_pair(box.store(), f"Prompt {i}?") for i in range(4)]
        box.choose(pairs[0], "a")
        box.choose(pairs[1], "a")
        line("pack", "--owner", "ann", "--for", "label", "--out", box.root / "home.pack")
    with laptop.here():
        line("unpack", box.root / "home.pack", "--owner", "ann")
        assert "make label OWNER=ann" in line.err
        assert not (checkpoints_dir("ann") / "001-sft").exists()
        assert (owner_dir("ann") / "packed" / "lineage" / "001-sft" / "twin.json").is_file()
        assert {pair.id for pair in iter_pairs(laptop.store())} == set(pairs)
        laptop.choose(pairs[1], "b")
        laptop.choose(pairs[2], "b")
        line("pack", "--owner", "ann", "--for", "train", "--out", laptop.root / "to-box.pack")
    box.choose(pairs[3], "neither")
    for machine, pack in ((box, laptop.root / "to-box.pack"), (laptop, box.root / "home.pack")):
        with machine.here():
            if machine is laptop:
                continue
            line("unpack", pack)
            assert "make dpo OWNER=ann" in line.err
            line(
                "pack",
                "--owner",
                "ann",
                "--for",
                "label",
                "--out",
                box.root / "home.pack",
                "--with-adapter",
            )
    with laptop.here():
        line("unpack", box.root / "home.pack")
        assert (checkpoints_dir("ann") / "001-sft" / "adapter_model.safetensors").is_file()
        assert (checkpoints_dir("ann") / "sft").resolve().name == "001-sft"
        assert not (checkpoints_dir("ann") / "001-sft" / "rows.jsonl").exists()
    assert current_choices(laptop.store()) == current_choices(box.store())
    chosen = {choice.pair_id: choice.outcome for choice in current_choices(laptop.store())}
    assert chosen == dict(zip(pairs, ("a", "b", "b", "neither"), strict=True))
    assert len(decisive_pairs(box.store())) == 3
    before = {table: export_rows(laptop.store(), table) for table in TABLES}
    with laptop.here():
        line("unpack", box.root / "home.pack")
        assert "there already" in line.out
    assert {table: export_rows(laptop.store(), table) for table in TABLES} == before


def test_two_twins_of_one_number_both_stay(laptop: Machine, box: Machine, line: Line) -> None:
    for machine, marks in ((laptop, "mine"), (box, "other")):
        machine.twin("001-sft", marks)
        add_pair(machine.store())
    with box.here():
        line("pack", "--owner", "ann", "--for", "label", "--with-adapter", "--out", box.root / "p")
    with laptop.here():
        for _ in range(2):
            line("unpack", box.root / "p")
        folders = sorted(path.name for path in checkpoints_dir("ann").glob("0*"))
        assert folders == ["001-sft", "002-sft"]
        marks = [
            json.loads((checkpoints_dir("ann") / n / "twin.json").read_text()) for n in folders
        ]
    assert [each["marks"] for each in marks] == ["mine", "other"]


def test_what_is_sealed_after_it_left_is_sealed_there_with_the_next_pack(
    laptop: Machine, box: Machine, line: Line
) -> None:
    writing = write_writing(laptop)
    pack = laptop.root / "p"
    with laptop.here():
        line("ingest", writing, "--owner", "ann")
        pair = add_pair(laptop.store())
        laptop.choose(pair, "a")
        line("pack", "--owner", "ann", "--for", "train", "--out", pack)
    with box.here():
        line("unpack", pack)
    assert len(decisive_pairs(box.store())) == 1
    append_event(laptop.store(), kind="private", actor="owner", pair_id=pair)
    with laptop.here():
        line("pack", "--owner", "ann", "--for", "train", "--out", pack)
    with box.here():
        line("unpack", pack)
    assert decisive_pairs(box.store()) == []


@pytest.mark.parametrize("step", ["rows", "files", "extracted", "placed", "done"])
def test_a_kill_between_any_two_steps_loses_and_doubles_nothing(
    laptop: Machine, box: Machine, line: Line, step: str
) -> None:
    box.twin("001-sft")
    pairs = [add_pair(box.store(), f"{i}?") for i in range(3)]
    for pair in pairs:
        box.choose(pair, "a")
    add_pair(laptop.store(), "Mine?")
    laptop.choose(pairs[0], "b")
    pack = box.root / "home.pack"
    with box.here():
        line("pack", "--owner", "ann", "--for", "label", "--with-adapter", "--out", pack)
    script = """
import os, signal, sys
from pathlib import Path
from align.packs import unpacking
from align.cli import main
def kill_after(name):
    inner = getattr(unpacking, name)
    def outer(*args):
        inner(*args)
        os.kill(os.getpid(), signal.SIGKILL)
    setattr(unpacking, name, outer)
kill_after({"rows": "merge_rows", "files": "place_files", "extracted": "_extracted",
            "placed": "link_newest", "done": "place_checkpoints"}[sys.argv.pop(1)])
main()
"""
    killed = subprocess.run(
        [sys.executable, "-c", script, step, "unpack", str(pack)],
        env={**os.environ, "SOUNDALIKE_ROOT": str(laptop.root), "PYTHONPATH": str(CHECKOUT)},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    with laptop.here():
        line("unpack", pack)
        assert [path.name for path in checkpoints_dir("ann").glob("0*")] == ["001-sft"]
        placed = checkpoints_dir("ann") / "001-sft" / "adapter_model.safetensors"
        assert (checkpoints_dir("ann") / "sft").resolve().name == "001-sft"
    with box.here():
        assert (
            placed.read_bytes()
            == (checkpoints_dir("ann") / "001-sft" / "adapter_model.safetensors").read_bytes()
        )
    chosen = {choice.pair_id: choice.outcome for choice in current_choices(laptop.store())}
    assert chosen == {pairs[0]: "b", pairs[1]: "a", pairs[2]: "a"}
    assert len(list(iter_events(laptop.store()))) == 4
    assert len(list(iter_pairs(laptop.store()))) == 4
    assert len(list(iter_prompts(laptop.store()))) == 4


def test_a_pack_that_was_cut_short_changes_nothing(
    laptop: Machine, box: Machine, line: Line
) -> None:
    add_pair(box.store())
    with box.here():
        line("pack", "--owner", "ann", "--for", "label", "--out", box.root / "p")
    whole = (box.root / "p").read_bytes()
    (box.root / "p").write_bytes(whole[: len(whole) // 2])
    with laptop.here():
        assert "not a pack" in line("unpack", box.root / "p", code=2)
        assert not (laptop.root / "data" / "ann").exists()


def test_mistakes_of_packing_are_one_line(laptop: Machine, box: Machine, line: Line) -> None:
    with laptop.here():
        assert "no store yet" in line("pack", "--owner", "ann", "--for", "train", code=2)
        laptop.store()
        assert "what for" in line("pack", "--owner", "ann", code=2)
        assert "no pairs" in line("pack", "--owner", "ann", "--for", "label", code=2)
        assert "nothing to train on" in line("pack", "--owner", "ann", "--for", "train", code=2)
        add_pair(laptop.store())
        line("pack", "--owner", "ann", "--for", "label")
        pack = laptop.root / "data" / "ann" / "ann-label.pack"
        assert "it is ann's, not bob's" in line("unpack", pack, "--owner", "bob", code=2)
    with box.here():
        shutil.copy(pack, box.root / "p")
        line("unpack", box.root / "p")


def test_the_guard_finds_what_is_sealed_whatever_its_dress() -> None:
    conn = in_memory()
    for at, text in enumerate((SEALED, SHORT, "I see")):
        add_records(conn, [record(text, level="sealed", origin=str(at), thread=str(at))])
    traveller = traveller_of(conn, Owner(name="Ann"))
    assert traveller.repeats_sealed([f"“{SEALED.upper()}”"])
    assert traveller.repeats_sealed(["He said: otters, never forgive me!"])
    assert traveller.repeats_sealed(["fine", SEALED.replace(" ", "\n")])
    assert not traveller.repeats_sealed(["I see otters", "the otter, when under the floor, hums"])
