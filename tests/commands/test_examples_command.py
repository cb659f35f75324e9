"""`align examples`, as it is typed."""

from pathlib import Path

import pytest

from align.store.adding import add_records
from align.store.connection import open_store
from align.store.records import Record
from tests.commands.line import Line
from tests.tiny import tiny_tokenizer

SMALL = "small.yaml"


@pytest.fixture
def line(capsys: pytest.CaptureFixture[str]) -> Line:
    return Line(capsys)


def record(kind: str, source: str, name: str, text: str, **more: object) -> Record:
    values = {"is_owner": True, "split": "train", "level": "open"} | more
    return Record.new(kind=kind, source=source, origin=name, thread=name, text=text, **values)  # type: ignore[arg-type]


@pytest.fixture
def ann(root: Path) -> Path:
    """An owner with posts, a chat of bursts, and things that are left out."""
    said = [
        ("Bob", "coming?", None),
        ("Ann", "ok", "too-short"),
        ("Bob", "when \x1b[31mthen?", None),
        ("Ann", "after the rain", None),
        ("Ann", "bring boots", None),
    ]
    chat = [
        record("turn", "whatsapp", "c", text, author=author, is_owner=author == "Ann",
               position=at, left_out=why)
        for at, (author, text, why) in enumerate(said)
    ]  # fmt: skip
    posts = [
        record("document", "blog", f"p{at}", f"It is day {at}. " * 9, title=f"Day {at}")
        for at in range(40)
    ]
    others = [
        record("document", "blog", "s", "SEALED words.", level="sealed"),
        record("document", "blog", "e", "Held out words.", title="Later", split="evaluation"),
    ]
    with open_store("ann", create=True) as conn:
        add_records(conn, [*chat, *posts, *others])
    (root / "data" / "ann" / "owner.yaml").write_text("name: Ann\n")
    (root / SMALL).write_text("model_name_or_path: models/small\nmax_length: 256\n")
    return root


@pytest.mark.usefixtures("ann")
def test_it_shows_conversations_then_figures_then_what_is_left_out(line: Line) -> None:
    said = line("examples", "--owner", "ann", "--recipe", SMALL, "--preview", 5)
    assert said.startswith("● learned   ○ answered before, context   · asked\n")
    assert "whatsapp, 4 turns" in said
    assert "  ○ ok\n" in said
    assert "  ● after the rain\n\n    bring boots\n" in said
    assert said.count("\n  ● ") == 5
    assert "\x1b" not in said and "when \N{REPLACEMENT CHARACTER}[31mthen?" in said
    assert "SEALED" not in said and "Held out" not in said
    table = said[said.index("source") :].split("\n")
    assert [row.split()[:2] for row in table[1:3]] == [["blog", "40"], ["identity", "15"]]
    assert "256  ┄" in said
    assert said.rstrip().endswith("sealed: never learned")
    assert "models/small isn't here" in line.err


@pytest.mark.usefixtures("ann")
def test_the_same_seed_shows_the_same(line: Line) -> None:
    words = ("examples", "--owner", "ann", "--recipe", SMALL, "--preview", 5)
    assert line(*words) == line(*words, "--seed", 0)
    assert line(*words) != line(*words, "--seed", 1)
    figures = line("examples", "--owner", "ann", "--recipe", SMALL, "--preview", 0)
    assert figures.startswith("source")


@pytest.mark.usefixtures("ann")
def test_the_other_side_and_some_of_what_is_left_out(line: Line) -> None:
    words = ("examples", "--owner", "ann", "--recipe", SMALL)
    assert "Held out words." in line(*words, "--split", "evaluation")
    assert "whatsapp: ok" in line(*words, "--left-out")
    assert "whatsapp: ok" not in line(*words)


def test_tokens_are_counted_by_the_recipes_base_where_it_is_here(ann: Path, line: Line) -> None:
    words = ("examples", "--owner", "ann", "--recipe", SMALL, "--preview", 0)
    estimated = line(*words)
    base = ann / "models" / "small"
    tiny_tokenizer().save_pretrained(base)
    (base / "config.json").write_text("{}")
    assert line(*words) != estimated
    assert "Tokens are those of models/small; a row holds 256" in line.err


@pytest.mark.usefixtures("ann")
def test_what_cannot_be_shown_is_one_line(line: Line) -> None:
    assert "no such side" in line("examples", "--owner", "ann", "--split", "test", code=2)
    assert "Known:" in line("examples", "--owner", "ann", "--recipe", "smal", code=2)
    line("examples", "--owner", "nobody", "--recipe", SMALL, code=2)
