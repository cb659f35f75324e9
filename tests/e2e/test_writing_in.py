"""Real exports in, training rows out: what must not be lost, and what must not get out."""

import json
import random
import zipfile
from pathlib import Path

import pytest

from align.conversations.examples.building import build_examples
from align.ingest.intake import prepare, take_in
from align.owner import Owner, load_owner
from align.store.connection import in_memory, open_store
from align.store.records import Record, iter_records
from tests.commands.line import Line
from tests.ingest.source_trees import write_zip

SECRETS = {
    "e-mail": "carla.diaz@posteo.example",
    "phone": "+49 151 23456789",
    "card": "4111 1111 1111 1111",
    "iban": "DE89 3704 0044 0532 0130 00",
    "ip": "203.0.114.77",
    "key": "sk-proj-Zk3xQ9vT7mB2nC8dF5gH1jL4",
    "url": "https://ann:hunter2@files.example.org/a",
    "name": "Quandt",
}
SEALED = "the lighthouse keeper never told anybody where the second key was hidden"
WORDS = (
    "bread", "kitchen", "garden", "river", "letter", "window", "mountain", "evening", "bicycle",
    "kettle", "orchard", "market", "ladder", "winter", "uncle", "violin", "harbour", "lantern",
)  # fmt: skip


def sentence(chance: random.Random) -> str:
    first, second, third = chance.sample(WORDS, 3)
    return (
        f"I think the {first} matters more than the {second}, and the {third} "
        f"cost me {chance.randrange(2, 90)} minutes of a good morning."
    )


def whatsapp(chance: random.Random, secret: str) -> str:
    lines = []
    for day in range(1, 29):
        lines.append(f"{day:02d}/05/2024, 10:02 - Bob Quandt: What about the {WORDS[day % 18]}?")
        lines.append(f"{day:02d}/05/2024, 10:03 - Ann: {sentence(chance)}")
        lines.append(f"{day:02d}/05/2024, 10:04 - Ann: Write to {secret} and not to Quandt. {day}")
        lines.append(f"{day:02d}/05/2024, 10:05 - Bob Quandt: Good, {day} it is.")
        lines.append(f"{day:02d}/05/2024, 10:06 - Ann: {sentence(chance)}")
    return "\n".join(lines)


def telegram(chance: random.Random) -> str:
    rows = []
    for number in range(120):
        who = ("Bob", "Ann")[number % 2]
        text = (
            sentence(chance) if who == "Ann" else f"And the {WORDS[number % 18]}, number {number}?"
        )
        moment = f"2023-{number // 20 + 1:02d}-{number % 20 + 1:02d}T20:{number % 2:02d}:00"
        rows.append(
            {"id": number, "type": "message", "date": moment, "from": who, "from_id": who,
             "text": text}
        )  # fmt: skip
    return json.dumps({"name": "Bob", "type": "personal_chat", "id": 7, "messages": rows})


@pytest.fixture
def claims(tmp_path: Path) -> Path:
    """A folder as somebody collects it: zips as delivered, posts, a journal."""
    chance = random.Random(0)
    folder = tmp_path / "exports"
    (folder / "journal").mkdir(parents=True)
    (folder / "journal" / "2024-01-01.md").write_text(f"Today: {SEALED}.")
    secrets = " and ".join(value for kind, value in SECRETS.items() if kind != "name")
    write_zip(folder / "WhatsApp Chat - Bob Quandt.zip", {"_chat.txt": whatsapp(chance, secrets)})
    write_zip(folder / "ChatExport.zip", {"ChatExport_2024/result.json": telegram(chance)})
    for year in range(2010, 2024):
        text = "\n\n".join(" ".join(sentence(chance) for _ in range(4)) for _ in range(5))
        (folder / f"{year}-03-04-why-i-walk.md").write_text(
            f"# Why I walk, {year}\n\n{text}\n\nOr write to {SECRETS['e-mail']}."
        )
    (folder / "posts-about-keys.md").write_text(f"# Keys\n\nIn my diary stands that {SEALED}, too.")
    return folder


@pytest.fixture
def line(root: Path, capsys: pytest.CaptureFixture[str]) -> Line:
    (root / "data" / "ann").mkdir()
    (root / "data" / "ann" / "owner.yaml").write_text("name: Ann\nnames: [Bob Quandt]\n")
    return Line(capsys)


def test_nothing_secret_gets_into_examples_or_packs(
    line: Line, claims: Path, tmp_path: Path
) -> None:
    out = line("ingest", claims, "--owner", "ann")
    assert "WhatsApp" in out and "Telegram" in out and "notes" in out
    shown = line("examples", "--owner", "ann", "--preview", "500")
    pack = tmp_path / "ann.pack"
    line("pack", "--owner", "ann", "--for", "train", "--out", pack)
    with zipfile.ZipFile(pack) as archive:
        packed = b"\n".join(archive.read(name) for name in archive.namelist()).decode()
    prompts = line("prompts", "list", "--owner", "ann")
    for kind, secret in SECRETS.items():
        for where, text in (("examples", shown), ("pack", packed), ("prompts", prompts)):
            assert secret not in text, f"{kind} in {where}"
            assert secret not in text.replace("\\", ""), f"{kind} in {where}"
    # Said again in a post that may be trained on, it may be trained on; it never travels.
    assert SEALED not in packed
    assert "matters more than" in packed


def test_nothing_held_out_is_trained_on(line: Line, claims: Path) -> None:
    line("ingest", claims, "--owner", "ann")
    conn, owner = open_store("ann"), load_owner("ann")
    records = list(iter_records(conn, include_left_out=True))
    held = [record for record in records if record.split == "evaluation"]
    assert {record.source for record in held} >= {"whatsapp", "telegram", "documents"}
    for source in ("whatsapp", "telegram", "documents"):
        times = {
            side: [r.time for r in records if (r.source, r.split) == (source, side) and r.time]
            for side in ("train", "evaluation")
        }
        assert max(times["train"]) < min(times["evaluation"]), source
    trained = json.dumps(list(build_examples(conn, owner, split="train")))
    own = [record for record in held if record.is_owner and len(record.text.split()) > 12]
    assert own
    assert [record.text for record in own if json.dumps(record.text)[1:-1] in trained] == []
    by_thread: dict[str, set[str]] = {}
    for record in records:
        by_thread.setdefault(record.thread, set()).add(record.split)
    assert all(len(sides) == 1 for sides in by_thread.values())


def test_the_order_of_reading_changes_nothing(claims: Path) -> None:
    owner = Owner(name="Ann", held_out_by="chance")
    stores = []
    for turn in (1, -1):
        conn = in_memory()
        for path in sorted(claims.iterdir())[::turn]:
            take_in(conn, prepare([path], owner), owner)
        stores.append(sorted(iter_records(conn, include_left_out=True), key=lambda r: r.id))
    assert [_identity(each) for each in stores[0]] == [_identity(each) for each in stores[1]]


def _identity(record: Record) -> tuple[object, ...]:
    return record.id, record.thread, record.position, record.split, record.is_owner, record.text
