"""Generated pages are up to date, and are made as they say."""

import re
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.harness import Row, at_least, at_most, reported, table
from scripts import paste_outputs, write_cli_page, write_ingest_page, write_recipe_page
from scripts.house import layers
from scripts.paste_outputs import pasted

CHECKOUT = Path(__file__).resolve().parent.parent
ARCHITECTURE = CHECKOUT / "docs" / "architecture.md"


def test_the_command_page_is_up_to_date():
    assert write_cli_page.PAGE.read_text() == write_cli_page.page(), "run: make docs"


def test_the_table_of_reasons_is_up_to_date() -> None:
    assert write_ingest_page.PAGE.read_text() == write_ingest_page.page(), "run: make docs"


def test_the_recipe_page_is_up_to_date():
    assert write_recipe_page.PAGE.read_text() == write_recipe_page.page(), "run: make docs"


def test_the_benchmark_page_is_up_to_date():
    assert report.PAGE.read_text() == report.page(), "run: make docs"


def test_pasted_outputs_are_up_to_date():
    for page in (CHECKOUT / "README.md", *(CHECKOUT / "docs").glob("*.md")):
        assert paste_outputs.pasted(page.read_text()) == page.read_text(), "run: make docs"


def test_links_between_the_pages_lead_somewhere():
    for page in (*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_output_is_pasted_between_its_markers(tmp_path: Path):
    (tmp_path / "run.txt").write_text("one\n\x1b[2Ksft: 1/2\rsft: 2/2\ntwo\n")
    page = "before\n<!-- output: run -->\nold\n<!-- end -->\nafter\n"
    wanted = "before\n<!-- output: run -->\n```text\none\nsft: 2/2\ntwo\n```\n<!-- end -->\nafter\n"
    assert pasted(page, tmp_path) == wanted
    assert pasted(wanted, tmp_path) == wanted


def test_only_the_lines_asked_for_are_pasted(tmp_path: Path):
    (tmp_path / "run.txt").write_text("one\ntwo\nthree\n")
    page = "<!-- output: run | tail 1 -->\n<!-- end -->\n"
    assert pasted(page, tmp_path).splitlines()[1:4] == ["```text", "three", "```"]


def test_a_place_without_output_stays_empty(tmp_path: Path):
    page = "<!-- output: unknown -->\n<!-- end -->\n"
    assert pasted(page, tmp_path) == page


@pytest.mark.parametrize(("value", "holds"), [(0.2, True), (0.3, True), (0.31, False)])
def test_a_figure_holds_up_to_its_limit(value: float, holds: bool):
    assert at_most("start", value, 0.3, "s").holds is holds
    assert at_least("start", -value, -0.3).holds is holds


def test_an_unmeasured_figure_is_not_zero():
    assert "not measured" in table([reported("peak memory", None, "GB")])
    assert Row("x", None).holds is None


def test_a_missed_target_shouts():
    assert "| NO " in table([at_most("start", 1.0, 0.3, "s")])


def test_the_architecture_page_is_read_in_ten_minutes():
    assert len(ARCHITECTURE.read_text().splitlines()) <= 160


def test_every_function_that_the_architecture_page_names_is_there():
    sources = [*(CHECKOUT / "align").rglob("*.py"), *(CHECKOUT / "labeler").rglob("*.py")]
    places = re.findall(r"([\w/]+\.py):(\w+)", ARCHITECTURE.read_text())
    assert len(places) > 30
    for file, name in places:
        texts = [path.read_text() for path in sources if path.as_posix().endswith(f"/{file}")]
        assert any(re.search(rf"(def|class) {name}\b", text) for text in texts), f"{file}:{name}"


def test_the_architecture_page_has_each_row_of_the_layers_contract():
    table = re.findall(r"^\| (`.*?) \|", ARCHITECTURE.read_text(), re.M)
    rows = [row.replace("`", "").replace(" ", " | ") for row in table[: len(layers(CHECKOUT))]]
    assert rows == layers(CHECKOUT)


def test_every_file_of_the_project_that_a_page_names_is_there():
    folder = r"align|labeler|recipes|tests|docs|scripts|benchmarks"
    for page in (*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").glob("*.md")):
        for name in re.findall(rf"`((?:{folder})/[\w./-]+)`", page.read_text()):
            assert "NAME" in name or (CHECKOUT / name).exists(), f"{page.name}: {name}"
