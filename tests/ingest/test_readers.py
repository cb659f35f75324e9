"""What holds of every reader."""

from pathlib import Path

from align.ingest import readers as room
from align.ingest.readers import ORDER, readers
from align.levels import DEFAULT_LEVELS

TESTS = "\n".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))


def test_every_reader_has_its_place_in_the_order() -> None:
    modules = {path.stem for path in Path(room.__file__).parent.glob("*.py")} - {"__init__"}
    assert sorted(ORDER) == sorted(modules)


def test_every_reader_is_tested() -> None:
    assert [name for name in ORDER if f"from align.ingest.readers.{name} import" not in TESTS] == []


def test_readers_differ_in_name_and_every_source_has_a_level() -> None:
    names = [reader.name for reader in readers()]
    assert len(set(names)) == len(names)
    assert {reader.source for reader in readers()} <= set(DEFAULT_LEVELS)
