"""Who the owner is, asked on a real terminal."""

import sys
from pathlib import Path

import pexpect

from align.owner import load_owner
from align.store.connection import open_store
from align.store.records import iter_records
from tests.ingest.source_trees import write_folder

CHAT = "".join(
    f"25/05/2024, 10:{minute:02d} - {who}: {text}\n"
    for minute, (who, text) in enumerate(
        [("Bob", "How was the bread?"), ("A. K.", "It rose twice and fell once."), ("Bob", "Hm.")]
    )
)


def test_the_owner_is_asked_who_they_are_with_the_authors_counted(
    root: Path, tmp_path: Path
) -> None:
    folder = write_folder(tmp_path / "in", {"WhatsApp Chat with Bob.txt": CHAT})
    command = ["-m", "align.cli", "--root", str(root), "ingest", str(folder), "--owner", "ann"]
    child = pexpect.spawn(sys.executable, command, timeout=30, encoding="utf-8")
    child.expect(r"WhatsApp: .*who of these is you\?")
    child.expect(r"1  Bob \(2\)")
    child.expect(r"2  A\. K\. \(1\)")
    child.expect("Numbers, or nothing to leave it")
    for wrong in ("3", "0", "2 x", "A. K."):
        child.sendline(wrong)
        child.expect(r"is none of these: a number from 1 to 2, or nothing")
        child.expect("Numbers, or nothing to leave it")
    child.sendline("2")
    child.expect("Stored: 3 new records")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert load_owner("ann").name == "A. K."
    assert [r.author for r in iter_records(open_store("ann"), is_owner=True)] == ["A. K."]
