"""`align names`: who else is in what was read, and what to write into owner.yaml."""

import sys
from pathlib import Path
from typing import Any

import pytest

from align.errors import UserError
from align.owner import load_owner, owner_file
from align.privacy.finders import finder_of, presidio_finder, proposals
from align.privacy.redaction import Redactor
from align.store.adding import add_records
from align.store.connection import open_store
from tests.commands.line import Line
from tests.store.rows import record

LETTER = "I met Maja Lindqvist and Tobias. Tobias's bike is red, and Maja Lindqvist laughed."


@pytest.fixture
def line(capsys: pytest.CaptureFixture[str]) -> Line:
    return Line(capsys)


def read_in(*said: tuple[str, str, bool]) -> None:
    conn = open_store("ann", create=True)
    turns = [
        record(text, author=author, is_owner=is_owner, position=place, thread="c", origin="c")
        for place, (author, text, is_owner) in enumerate(said)
    ]
    add_records(conn, turns)


def write_owner(text: str) -> None:
    owner_file("ann").parent.mkdir(parents=True, exist_ok=True)
    owner_file("ann").write_text(text)


def test_authors_are_listed_with_counts_and_a_line_to_paste(root: Path, line: Line) -> None:
    write_owner("name: Ann\nnames: [Tobias]\n")
    read_in(
        ("Ann", "Hi", True),
        ("Tobias Quandt", "Ho", False),
        ('Maja "M" L.', "Hey", False),
        ('Maja "M" L.', "Hm", False),
        ("+49 170 1234567", "Call me", False),
        ("assistant", "How can I help?", False),
        ("Zoë\x1b[31m", "Hello", False),
    )
    before = owner_file("ann").read_bytes()
    out = line("names", "list", "--owner", "ann")
    assert out.splitlines()[:-1] == [
        '        2\tMaja "M" L.\tnot listed',
        "        1\t+49 170 1234567\tfound as it is",
        "        1\tTobias Quandt\tlisted",
        "        1\tZoë\N{REPLACEMENT CHARACTER}[31m\tnot listed",
        "        1\tassistant\tnobody's name",
    ]
    assert owner_file("ann").read_bytes() == before
    once = line("names", "list", "--owner", "ann", "--least", "2").splitlines()[-1]
    write_owner(f"name: Ann\n{once}\n")
    assert load_owner("ann").names == ["Tobias", 'Maja "M" L.']
    assert "data/ann/owner.yaml" in line.err
    assert "Maja" not in Redactor(load_owner("ann").names).redact("so Maja left")


def test_where_all_are_listed_nothing_is_proposed(root: Path, line: Line) -> None:
    write_owner("name: Ann\nnames: [Tobias]\n")
    read_in(("Tobias", "Ho", False))
    assert line("names", "list", "--owner", "ann") == "        1\tTobias\tlisted\n"
    assert "No name is missing" in line.err


def test_a_finder_that_is_not_installed_says_how_to_get_it(
    root: Path, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "presidio_analyzer", None)
    monkeypatch.setitem(sys.modules, "gliner", None)
    read_in(("Ann", LETTER, True))
    for kind, package in (("presidio", "presidio-analyzer"), ("gliner", "gliner")):
        said = line("names", "find", "--owner", "ann", "--with", kind, code=2)
        assert f"--with {kind}: {kind} is not installed" in said
        assert f"pip install {package}" in said
    assert "Say one of" in line("names", "find", "--owner", "ann", "--with", "magic", code=2)


def capitals(text: str) -> list[str]:
    """Return what begins with a capital, as names."""
    return [word for word in text.split() if word[:1].isupper() and len(word) > 4]


def test_proposals_are_counted_by_text_and_leave_out_what_is_listed() -> None:
    texts = [LETTER, "Yes, Lindqvist's, Tobias! ", "+49 170 1234567 Bjarne"]
    counts = proposals(capitals, texts, ["Tobias"])
    assert counts == {"Lindqvist": 2, "Bjarne": 1}


def analyzer_with(names: list[str]) -> Any:
    """Return a real presidio engine that knows names from a list, and no model."""
    presidio = pytest.importorskip("presidio_analyzer")
    spacy = pytest.importorskip("spacy")
    engines = pytest.importorskip("presidio_analyzer.nlp_engine")

    engine = engines.SpacyNlpEngine(models=[{"lang_code": "en", "model_name": "blank"}])
    engine.nlp = {"en": spacy.blank("en")}
    registry = presidio.RecognizerRegistry(supported_languages=["en"])
    known = presidio.PatternRecognizer(supported_entity="PERSON", deny_list=names)
    registry.add_recognizer(known)
    return presidio.AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=["en"])


def test_presidio_finds_names_in_texts() -> None:
    finder = presidio_finder(analyzer_with(["Maja Lindqvist", "Tobias"]))
    assert sorted(finder(LETTER)) == [
        "Maja Lindqvist",
        "Maja Lindqvist",
        "Tobias",
        "Tobias",
    ]
    counts = proposals(finder, [LETTER, "Tobias!", "nobody"], [])
    assert counts == {"Tobias": 2, "Maja Lindqvist": 1}


def test_presidio_fetches_no_model_by_itself() -> None:
    pytest.importorskip("presidio_analyzer")
    with pytest.raises(UserError, match="spacy download xx_no_such_pipeline"):
        finder_of("presidio", model="xx_no_such_pipeline")
