"""Substack's export: posts.csv and posts/, with the lists of subscribers beside them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from align.ingest.contents import Document
from align.ingest.reader import ReadLog
from align.ingest.readers.substack import READER
from tests.ingest.source_trees import (
    FEW,
    MANY,
    read_with,
    survives_damage,
    texts,
    write_folder,
    write_zip,
)

COLUMNS = (
    "post_id,post_date,is_published,email_sent_at,inbox_sent_at,type,audience,title,subtitle,"
    "podcast_url\n"
)
OLD_COLUMNS = "post_id,post_date,is_published,email_sent_at,type,audience,title,subtitle\n"
FERRY = (
    "<p>It was late, and then it was <em>not</em> a ferry.</p>"
    '<div class="captioned-image-container"><figure><img src="a.png">'
    "<figcaption>The quay</figcaption></figure></div>"
    '<div class="subscription-widget-wrap"><p>Thanks for reading! Subscribe.</p></div>'
    '<p>We walked.<a class="footnote-anchor" href="#footnote-1">1</a></p>'
    '<p class="button-wrapper"><a class="button">Share</a></p>'
)
FILES = {
    "posts.csv": COLUMNS
    + '101.the-ferry,2024-01-09T09:00:00.000Z,true,2024-01-09T09:01:00.000Z,,newsletter,everyone,'
    + '"The ferry, late",On boats,\n'
    + "102.stones,,false,,,newsletter,only_paid,,,\n"
    + "103.a-talk,2024-01-10T09:00:00.000Z,true,,,podcast,everyone,A talk,,https://x.example/a.mp3\n",
    "posts/101.the-ferry.html": FERRY,
    "posts/102.stones.html": "<p>Some stones are round.</p>",
    "posts/101.the-ferry.delivers.csv": "post_id,timestamp,email\n101,2024,b@example.org\n",
    "posts/101.the-ferry.opens.csv": "post_id,timestamp,email\n101,2024,b@example.org\n",
    "email_list.ann.csv": "email,active_subscription\nb@example.org,true\n",
}  # fmt: skip


def golden() -> list[Document]:
    return [
        Document(
            key="101",
            title="The ferry, late",
            text="It was late, and then it was not a ferry.\n\nWe walked.",
            time=datetime(2024, 1, 9, 9, tzinfo=UTC),
            raw=FERRY,
        ),
        Document(
            key="102", title="stones", text="Some stones are round.", is_unpublished=True,
            raw="<p>Some stones are round.</p>",
        ),
    ]  # fmt: skip


@pytest.mark.parametrize("under", ["", "substack/"])
def test_posts_and_drafts_are_taken_and_subscribers_are_not(tmp_path: Path, under: str):
    files = {under + name: content for name, content in FILES.items()}
    for path in (write_folder(tmp_path / "x", files), write_zip(tmp_path / "x.zip", files)):
        log = ReadLog()
        assert read_with(READER, path, log=log) == golden()
        assert log.passed_over == {"list of subscribers": 3, "post without text": 1}


def test_an_older_export_is_read_likewise(tmp_path: Path):
    row = '101.the-ferry,2024-01-09T09:00:00.000Z,true,,newsletter,everyone,"The ferry, late",\n'
    files = {"posts.csv": "\ufeff" + OLD_COLUMNS + row, "posts/101.the-ferry.html": FERRY}
    assert read_with(READER, write_folder(tmp_path / "x", files)) == golden()[:1]


def test_posts_without_a_row_are_still_taken(tmp_path: Path):
    files = FILES | {"posts.csv": COLUMNS + '101.the-ferry,"2024-'}
    log = ReadLog()
    found = read_with(READER, write_folder(tmp_path / "x", files), log=log)
    assert texts(found) == [each.text for each in golden()]


def test_a_table_of_that_name_and_other_pages_are_left_to_others(tmp_path: Path):
    files = {"posts.csv": "title,body\na,b\n", "posts/101.x.html": "<p>x</p>"}
    assert read_with(READER, write_folder(tmp_path / "x", files)) == []


def test_damaged_exports_are_survived(tmp_path: Path):
    survives_damage(READER, FILES, tmp_path, FEW)


@pytest.mark.slow
def test_much_damaged_exports_are_survived(tmp_path: Path):
    few = {name: FILES[name] for name in ("posts.csv", "posts/101.the-ferry.html")}
    survives_damage(READER, few, tmp_path, MANY)
