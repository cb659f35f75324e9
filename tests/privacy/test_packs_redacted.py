"""Nothing private travels: every word in a pack is redacted, and comes home to what was written."""

import json
import zipfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from align.files import parse_jsonl
from align.owner import Owner
from align.packs.bundle import open_bundle
from align.packs.packing import Packed, pack_for_labelling, pack_for_training
from align.packs.unpacking import unpack
from align.paths import owner_dir
from align.privacy.private_text import PrivateText
from align.privacy.redaction import redactor_for
from align.privacy.scope import SHOWN
from align.store.adding import add_records
from align.store.choices import current_choices
from align.store.connection import open_store
from align.store.events import iter_events
from align.store.merge import TABLES, export_rows
from align.store.pairs import iter_pairs
from align.store.records import Record
from tests.commands.line import Line
from tests.store.rows import add_pair, append_event

# What is planted, and the kind that it is found as.
PLANTED = {
    "tobias.quandt@mailhaus.de": "e-mail",
    "+49 170 1234567": "phone",
    "4111 1111 1111 1111": "card",
    "DE89 3704 0044 0532 0130 00": "iban",
    "84.23.177.4": "ip",
    "hunter2": "secret",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789": "secret",
    "Quandt": "name",
}
EVERYTHING = (
    "Write tobias.quandt@mailhaus.de or call +49 170 1234567. Card 4111 1111 1111 1111, account "
    "DE89 3704 0044 0532 0130 00, host 84.23.177.4, https://tq:hunter2@host.org/x and "
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789, says Tobias Quandt."
)
SETTINGS = Owner(
    name="Ann", aliases=["Annie", "tobias.quandt@mailhaus.de"], names=["Tobias Quandt"]
)
SCORECARD = {"owner": "ann", "samples": [{"prompt": EVERYTHING, "answers": {"sft": EVERYTHING}}]}
PAGE = f"# Scorecard\n\n## Answers side by side\n\n### 1. {EVERYTHING}\n"


class Machine:
    """One checkout."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self._monkeypatch = folder, monkeypatch
        for name in ("data", "checkpoints", "recipes/demo"):
            (folder / name).mkdir(parents=True)
        recipes = folder / "recipes" / "demo"
        (recipes / "sft.yaml").write_text("model_name_or_path: data/demo/base\n")
        (recipes / "dpo.yaml").write_text("beta: 0.3\n")

    @contextmanager
    def here(self):
        with self._monkeypatch.context() as patch:
            patch.setenv("SOUNDALIKE_ROOT", str(self.root))
            yield self

    def store(self):
        with self.here():
            return open_store("ann", create=True)

    def pack(self, kind: str) -> tuple[Path, Packed]:
        with self.here():
            path = self.root / f"{kind}.pack"
            if kind == "train":
                return path, pack_for_training(self.store(), "ann", SETTINGS, path, recipe="demo")
            return path, pack_for_labelling(self.store(), "ann", SETTINGS, path)

    def unpack(self, path: Path) -> None:
        with self.here(), open_bundle(path) as bundle:
            bundle.verify()
            unpack(bundle, self.store(), "ann")


@pytest.fixture
def laptop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path / "laptop", monkeypatch)


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path / "box", monkeypatch)


def plant(machine: Machine) -> str:
    """Put the secrets wherever the owner's words are kept; return the pair that has them all."""
    conn = machine.store()
    chat = "whatsapp/Tobias Quandt"
    turn = {"kind": "turn", "source": "messages", "thread": chat, "origin": chat}
    letter = {"kind": "document", "source": "documents", "thread": "a.md", "origin": "a.md"}
    records = [
        Record.new(text=f"{EVERYTHING} Well?", author="Tobias Quandt", is_owner=False, position=0,
                   level="train-only", split="train", **turn),
        Record.new(text=f"I know. {EVERYTHING}", author="Ann", is_owner=True, position=1,
                   level="train-only", split="train", **turn),
        Record.new(text=f"A letter. {EVERYTHING}", title="To Tobias Quandt", is_owner=True,
                   level="open", split="train", **letter),
    ]  # fmt: skip
    add_records(conn, records)
    pair = add_pair(conn, f"What of {EVERYTHING}", (f"This: {EVERYTHING}", "That."))
    append_event(conn, kind="choice", actor="owner", pair_id=pair, payload={"outcome": "a"})
    said = add_pair(conn, "Say it.", ("No.", "Never."))
    words = {"text": f"In my words: {EVERYTHING}", "of": None, "version": "0.1.0"}
    append_event(conn, kind="rewrite", actor="owner", pair_id=said, payload=words)
    note = {"text": f"A note: {EVERYTHING}"}
    append_event(conn, kind="note", actor="owner", pair_id=pair, payload=note)
    with machine.here():
        owner_dir("ann").mkdir(parents=True, exist_ok=True)
        (owner_dir("ann") / "scorecard.json").write_text(json.dumps(SCORECARD))
        (owner_dir("ann") / "scorecard.md").write_text(
            f"# S\n\n## Answers side by side\n\n{EVERYTHING}"
        )
    return pair


def all_texts(path: Path) -> str:
    """Return all bytes of a pack, names of members too, with JSON's escapes as they are meant."""
    with zipfile.ZipFile(path) as bundle:
        said = [bundle.read(name) for name in bundle.namelist()]
        names = bundle.namelist()
    plain = [text.decode("utf-8", "replace") for text in said]
    unescaped = [text.encode().decode("unicode_escape", "replace") for text in plain]
    return "\n".join([*names, *plain, *unescaped])


@pytest.mark.parametrize("kind", ["train", "label"])
def test_no_planted_secret_is_in_a_pack(laptop: Machine, kind: str) -> None:
    plant(laptop)
    path, packed = laptop.pack(kind)
    inside = all_texts(path)
    for secret in (*PLANTED, "Tobias", "tobias"):
        assert secret not in inside
        assert secret.replace(" ", "") not in inside
    for kept in ("Write ", "host.org/x", "In my words: ", "EXAMPLE"):
        assert kept in inside
    with open_bundle(path) as bundle:
        assert set(bundle.manifest.redacted) == set(PLANTED.values())
        assert all(count > 0 for count in bundle.manifest.redacted.values())
        assert bundle.manifest.redacted == packed.redacted
        if kind == "train":
            assert len(bundle.rows("packed/sft-rows.jsonl")) > 3
            assert len(bundle.rows("packed/dpo-rows.jsonl")) == 3
            assert "Annie" in bundle.read("packed/owner.yaml").decode()
        else:
            assert "A note: " in inside
            card = json.loads(bundle.read("packed/scorecard.json"))
            assert card["samples"][0]["prompt"].startswith("Write ")


def test_a_row_is_consistent_in_itself(laptop: Machine) -> None:
    plant(laptop)
    path, _ = laptop.pack("train")
    with open_bundle(path) as bundle:
        prompts = {row["id"]: row for row in bundle.rows("rows/prompts.jsonl")}
        asked = next(p for p in prompts.values() if "What of" in p["messages"])
        answers = bundle.rows("rows/answers.jsonl")
        answer = next(each["text"] for each in answers if each["text"].startswith("This: "))
        question = json.loads(asked["messages"])[-1]["content"]
    assert question.removeprefix("What of ") == answer.removeprefix("This: ")


def test_what_comes_back_changes_no_word_that_was_written_here(
    laptop: Machine, box: Machine
) -> None:
    pair = plant(laptop)
    before = {table: export_rows(laptop.store(), table) for table in TABLES}
    box.unpack(laptop.pack("label")[0])
    seen = {each.id: each for each in iter_pairs(box.store())}
    assert set(seen) == {row["id"] for row in before["pairs"]}
    assert "hunter2" not in json.dumps([list(map(dict, each.messages)) for each in seen.values()])
    append_event(box.store(), kind="choice", actor="owner", pair_id=pair, payload={"outcome": "b"})
    add_pair(box.store(), "One more?", ("Yes.", "No."))
    laptop.unpack(box.pack("label")[0])
    after = {table: export_rows(laptop.store(), table) for table in TABLES}
    for table, rows in before.items():
        assert [row for row in after[table] if row in rows] == rows, table
    chosen = {choice.pair_id: choice.outcome for choice in current_choices(laptop.store())}
    assert chosen[pair] == "b"
    assert len(after["pairs"]) == len(before["pairs"]) + 1
    assert len(list(iter_events(laptop.store()))) == 4
    # Threads that travelled under another name bring that name, and nothing else.
    new = [row["thread"] for row in after["threads"] if row not in before["threads"]]
    assert sum(not thread.startswith("~") for thread in new) == 1
    again = {table: export_rows(laptop.store(), table) for table in TABLES}
    laptop.unpack(box.pack("label")[0])
    assert {table: export_rows(laptop.store(), table) for table in TABLES} == again


def test_an_undo_and_a_seal_arrive_whatever_is_redacted(laptop: Machine, box: Machine) -> None:
    pair = plant(laptop)
    first = next(iter_events(laptop.store()))
    target = {"target": [first.device, first.counter]}
    append_event(laptop.store(), kind="undo", actor="owner", pair_id=pair, payload=target)
    box.unpack(laptop.pack("label")[0])
    assert [e.kind for e in iter_events(box.store())] == ["choice", "rewrite", "note", "undo"]
    assert pair not in {choice.pair_id for choice in current_choices(box.store())}


def test_what_is_sealed_is_withheld_in_its_redacted_words_too(laptop: Machine) -> None:
    conn = laptop.store()
    sealed = "Tobias came at nine and Tobias left at ten with the silver spoons"
    record = Record.new(kind="document", source="journal", origin="j", thread="j", text=sealed,
                        is_owner=True, level="sealed", split="train")  # fmt: skip
    add_records(conn, [record])
    pair = add_pair(conn, "And?", (f"Well: {sealed}.", "Nothing."))
    assert pair
    add_pair(conn, "Something else?", ("Yes.", "No."))
    path, packed = laptop.pack("label")
    assert "silver spoons" not in all_texts(path)
    assert packed.withheld == {"answers": 1}


def test_what_a_twin_learned_of_closed_writing_is_withheld_in_talk_too(laptop: Machine) -> None:
    conn = laptop.store()
    written = "then Tobias and I rowed to Tobias and sang with Tobias all night"
    record = Record.new(kind="document", source="messages", origin="j", thread="j", text=written,
                        is_owner=True, level="train-only", split="train")  # fmt: skip
    add_records(conn, [record])
    learned = redactor_for(SETTINGS).redact(written)
    assert PrivateText(conn, Owner(name="Ann"), scope=SHOWN).match(learned) is None
    detector = PrivateText(conn, SETTINGS, scope=SHOWN)
    assert detector.match(learned)
    assert detector.match(written)


def test_the_command_says_what_was_redacted(
    laptop: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(laptop)
    line = Line(capsys)
    with laptop.here():
        (owner_dir("ann") / "owner.yaml").write_text("name: Ann\nnames: [Tobias Quandt]\n")
        line("pack", "--owner", "ann", "--for", "label")
        assert "redacted: " in line.err
        assert " e-mail" in line.err
        path = owner_dir("ann") / "ann-label.pack"
        assert "redacted: " in line("pack", "--list", path)
    assert "Quandt" not in all_texts(path)


def test_a_pack_of_before_redaction_can_still_be_read(laptop: Machine, tmp_path: Path) -> None:
    add_pair(laptop.store())
    path, _ = laptop.pack("label")
    old = tmp_path / "old.pack"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(old, "w") as target:
        for info in source.infolist():
            content = source.read(info)
            if info.filename == "manifest.json":
                values = json.loads(content)
                del values["redacted"]
                content = json.dumps(values).encode()
            target.writestr(info, content)
    with open_bundle(old) as bundle:
        bundle.verify()
        assert bundle.manifest.redacted == {}
        assert list(parse_jsonl(bundle.read("rows/pairs.jsonl").split(b"\n"), "pairs"))
