"""`align pack --for label --shred`: what goes on a rented machine, and what must not."""

import gc
import io
import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from align.files import exclusively
from align.packs.bundle import open_bundle
from align.packs.shredding import listed, shred
from tests.commands.line import Line
from tests.packs.test_packing import Machine
from tests.store.rows import add_pair, append_event, record

SHRED = ("pack", "--owner", "ann", "--for", "label", "--shred")


@pytest.fixture
def line(capsys: pytest.CaptureFixture[str]) -> Line:
    return Line(capsys)


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A rented machine after its work: what arrived, a twin, pairs, logs, an export."""
    box = Machine(tmp_path / "box", monkeypatch)
    monkeypatch.setenv("SOUNDALIKE_ROOT", str(box.root))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "home").mkdir()
    add_pair(box.store())
    folder = box.root / "data" / "ann"
    (folder / "packed").mkdir()
    (folder / "packed" / "sft-rows.jsonl").write_text('{"messages": []}\n')
    (folder / "owner.yaml").write_text("name: Ann\n")
    twin = box.twin("001-sft")
    (twin.parent / "sft").symlink_to("001-sft")
    export = box.root / "exports" / "ann-dpo"
    export.mkdir(parents=True)
    (export / "twin.json").write_text(json.dumps({"owner": "ann", "export": {}}))
    (export / "model.safetensors").write_bytes(b"weights")
    return box


def left(box: Machine) -> set[str]:
    """Return the files under the box's root, without those that come with the toolkit."""
    # A store that a refused command opened is closed, and its log gone, when its error is.
    gc.collect()
    found = {str(path.relative_to(box.root)) for path in box.root.rglob("*") if path.is_file()}
    return {name for name in found if not name.startswith("recipes/")}


def test_all_of_the_owner_goes_but_the_pack_which_is_whole(box: Machine, line: Line) -> None:
    bob = box.root / "checkpoints" / "bob" / "001-sft" / "twin.json"
    bob.parent.mkdir(parents=True)
    bob.write_text("{}")
    other = box.root / "exports" / "bob-dpo"
    shutil.copytree(box.root / "exports" / "ann-dpo", other)
    (other / "twin.json").write_text(json.dumps({"owner": "bob", "export": {}}))
    out = line(*SHRED, "--with-adapter", "--yes")
    pack = "data/ann/ann-label.pack"
    assert left(box) == {
        pack, "checkpoints/bob/001-sft/twin.json", "exports/bob-dpo/twin.json",
        "exports/bob-dpo/model.safetensors",
    }  # fmt: skip
    for name in ("data/ann/twin.db", "data/ann/packed", "data/ann/owner.yaml", "checkpoints/ann",
                 "exports/ann-dpo"):  # fmt: skip
        assert f"shredded {name}\n" in out
    assert "An SSD keeps old blocks" in line.err
    assert "Copy data/ann/ann-label.pack to your own machine" in line.err
    with open_bundle(box.root / pack) as bundle:
        bundle.verify()
        assert "checkpoints/001-sft/adapter_model.safetensors" in bundle.manifest.members
        assert len(bundle.rows("rows/pairs.jsonl")) == 1


def test_it_is_listed_first_and_nothing_goes_without_a_yes(
    box: Machine, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = left(box)
    run = box.root / "checkpoints" / "ann" / ".work" / "dpo-0123"
    run.mkdir(parents=True)
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    line(*SHRED, "--with-adapter", code=1)
    assert left(box) - before == {"data/ann/ann-label.pack", "checkpoints/ann/.lock"}
    assert "of these, an unfinished run: dpo-0123" in line.err
    assert "files  checkpoints/ann" in line.err
    assert "Nothing was deleted." in line.err


def test_twins_that_the_pack_would_not_hold_are_named(box: Machine, line: Line) -> None:
    before = left(box)
    said = line(*SHRED, "--yes", code=2)
    assert "would not hold the weights of 001-sft. Add --with-adapter, or --without-adapter" in said
    assert left(box) == before
    line(*SHRED, "--without-adapter", "--yes")
    assert "data/ann/twin.db" not in left(box)


def test_where_writing_lives_nothing_goes(box: Machine, line: Line) -> None:
    from align.store.adding import add_records

    words = (*SHRED, "--with-adapter", "--yes")
    writing = box.root / "data" / "ann" / "writing"
    writing.mkdir()
    before = left(box)
    assert "(data/ann/writing), so this is not a rented machine" in line(*words, code=2)
    writing.rmdir()
    add_records(box.store(), [record()])
    assert "no pack holds (1 records)" in line(*words, code=2)
    assert before <= left(box)


def test_what_was_sealed_here_or_sent_from_here_is_no_pack_s(box: Machine, line: Line) -> None:
    words = (*SHRED, "--with-adapter", "--yes")
    ledger = box.root / "data" / "ann" / "egress.jsonl"
    ledger.write_text("{}\n")
    assert "it says what was sent from here" in line(*words, code=2)
    ledger.unlink()
    sealed = add_pair(box.store(), "And then?")
    append_event(box.store(), kind="private", actor="owner", pair_id=sealed)
    said = line(*words, code=2, one_line=False)
    assert "it lacks what lives here, sealed or like sealed writing: 1 pairs" in said
    assert "data/ann/twin.db" in left(box)


def test_a_training_under_way_and_a_pack_in_the_way_are_refused(box: Machine, line: Line) -> None:
    words = (*SHRED, "--with-adapter", "--yes")
    with exclusively(box.root / "checkpoints" / "ann" / ".lock", "here", "held"):
        assert "another run trains here" in line(*words, code=2)
    inside = box.root / "checkpoints" / "ann" / "home.pack"
    assert "among what is to go" in line(*words, "--out", inside, code=2, one_line=False)
    assert "Say --for label" in line("pack", "--owner", "ann", "--for", "train", "--shred", code=2)
    assert "data/ann/twin.db" in left(box)


def test_the_pack_that_came_goes_and_other_packs_stay(
    box: Machine, line: Line, tmp_path: Path
) -> None:
    came, older = tmp_path / "home" / "ann-train.pack", tmp_path / "home" / "ann-label.pack"
    line("pack", "--owner", "ann", "--for", "label", "--out", older)
    shutil.copy(older, came)
    values = _as_kind(came, "train")
    assert values == "train"
    line(*SHRED, "--with-adapter", "--yes")
    assert older.is_file()
    assert not came.exists()


def _as_kind(pack: Path, kind: str) -> str:
    """Rewrite a pack as one of another kind, and return what it says it is."""
    from dataclasses import replace

    from align.packs.bundle import write_bundle

    with open_bundle(pack) as bundle:
        members = {name: bundle.read(name) for name in bundle.manifest.members}
        manifest = replace(bundle.manifest, kind=kind)
    write_bundle(pack, manifest, members)
    with open_bundle(pack) as bundle:
        return bundle.manifest.kind


def test_bytes_are_overwritten_before_they_go_and_those_of_others_are_not(tmp_path: Path) -> None:
    folder, shared, target = tmp_path / "mine", tmp_path / "shared", tmp_path / "target"
    folder.mkdir()
    for path in (shared, target, folder / "own"):
        path.write_bytes(b"private" * 400_000)
    os.link(shared, folder / "hard")
    (folder / "soft").symlink_to(target)
    # What a reader still holds open is what lies on the disk.
    with (folder / "own").open("rb") as own:
        assert [path.name for path in shred([folder])] == ["mine"]
        kept = own.read()
    assert len(kept) == 2_800_000
    assert b"private" not in kept
    assert not folder.exists()
    assert shared.read_bytes() == target.read_bytes() == b"private" * 400_000


def test_a_log_that_sqlite_removed_meanwhile_stops_nothing(tmp_path: Path) -> None:
    gone = tmp_path / "twin.db-wal"
    (line,) = listed([gone])
    assert line.split() == ["0", "bytes", str(gone)]
    assert list(shred([gone])) == [gone]
