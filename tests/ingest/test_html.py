"""Saved web pages: title, date, main text."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from align.ingest.contents import Document
from align.ingest.reader import ReadLog
from align.ingest.readers.html import READER, moment, page_of
from align.ingest.tree import origin_of
from tests.ingest.source_trees import (
    FEW,
    MANY,
    documents,
    read_with,
    survives_damage,
    write_folder,
    write_zip,
)

BLOG = """<!DOCTYPE html>
<html lang="en"><head>
<meta charset="utf-8"><title>The ferry | Ann's notes</title>
<meta property="og:title" content="The ferry">
<meta property="article:published_time" content="2024-01-09T09:00:00+00:00">
<style>p { color: red }</style></head>
<body class="post-template-default single">
<header class="site-header"><nav><ul><li><a href="/">Home</a></li><li>About</li></ul></nav></header>
<main id="main"><article class="post-7 post hentry">
<header class="entry-header"><h1>The ferry</h1><div class="posted-on">9 January</div></header>
<div class="entry-content"><p>It was late, and then it was <em>not</em> a ferry.</p>
<blockquote><p>No boats today.</p></blockquote><p>We walked.</p>
<div class="sharedaddy">Share this: X, Mail</div></div>
<footer class="entry-footer">Filed under: boats</footer></article>
<div id="comments"><p>First! What a nice post this is, dear Ann.</p></div></main>
<aside class="sidebar"><p>Subscribe to my letter</p></aside>
<footer>Copyright Ann Kessler</footer><script>track()</script></body></html>
"""
PLAIN = """<html><head><title>Stones</title>
<script type="application/ld+json">{"@graph": [{"@type": "BlogPosting",
"datePublished": "2023-05-01"}]}</script></head><body>
<div class="menu"><a href="a.html">a</a> <a href="b.html">b</a></div>
<div><div><h1>Stones</h1><p>Some stones are round because the sea had time.</p>
<p>Others had not, and lie about as they fell.</p></div></div>
<div><a href="c.html">An older text of mine</a></div></body></html>
"""


def test_saved_pages_give_title_date_and_main_text(tmp_path: Path):
    files = {"pages/ferry.html": BLOG, "pages/stones.htm": PLAIN}
    for path in (write_folder(tmp_path / "x", files), write_zip(tmp_path / "x.zip", files)):
        origin = origin_of(path)
        assert read_with(READER, path) == [
            Document(
                key=f"{origin}/pages/ferry.html",
                title="The ferry",
                text="It was late, and then it was not a ferry.\n\n> No boats today.\n\nWe walked.",
                time=datetime(2024, 1, 9, 9, tzinfo=UTC),
            ),
            Document(
                key=f"{origin}/pages/stones.htm",
                title="Stones",
                text="Some stones are round because the sea had time.\n\n"
                "Others had not, and lie about as they fell.",
                time=datetime(2023, 5, 1),
            ),
        ]


def test_one_page_is_read_by_its_own_name(tmp_path: Path):
    path = write_folder(tmp_path, {"ferry.html": BLOG}) / "ferry.html"
    assert [each.title for each in documents(read_with(READER, path))] == ["The ferry"]


def test_a_page_in_a_diary_is_a_journal(tmp_path: Path):
    path = write_folder(tmp_path / "x", {"diary/monday.html": "<p>Rain.</p>"})
    assert [(each.text, each.source) for each in read_with(READER, path)] == [("Rain.", "journal")]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ('<meta charset="koi8-r"><p>привет</p>'.encode("koi8-r"), "привет"),
        ('<meta http-equiv="Content-Type" content="text/html; charset=shift_jis"><p>東京</p>'
         .encode("shift_jis"), "東京"),
        ("<p>Grüße</p>".encode("cp1252"), "Grüße"),
        ("<p>Grüße</p>".encode("utf-16"), "Grüße"),
        ('<meta charset="koi8-r"><p>Grüße</p>'.encode(), "Grüße"),
    ],
)  # fmt: skip
def test_encodings_are_told_from_the_page(tmp_path: Path, data: bytes, text: str):
    path = write_folder(tmp_path / "x", {"a.html": data})
    assert [each.text for each in read_with(READER, path)] == [text]


def test_the_largest_of_several_articles_is_the_text_and_teasers_are_not():
    teaser = "<article><p>Another post.</p></article>"
    html = f"<body><article><p>{'Long text. ' * 30}</p></article>{teaser}{teaser}</body>"
    assert page_of(html).text == ("Long text. " * 30).strip()


def test_a_bare_list_of_lines_is_all_text():
    assert page_of("one<br>two").text == "one\ntwo"


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2024-01-09", datetime(2024, 1, 9)),
        ("2024-01-09T09:00:00Z", datetime(2024, 1, 9, 9, tzinfo=UTC)),
        ("Tue, 09 Jan 2024 09:00:00 GMT", datetime(2024, 1, 9, 9, tzinfo=UTC)),
        ("January 9, 2024", datetime(2024, 1, 9)),
        ("yesterday", None), ("9 January", None), ("2024-99-99", None), ("", None), (None, None),
    ],
)  # fmt: skip
def test_dates_of_the_web_are_read_and_never_guessed(text: str | None, time: datetime | None):
    assert moment(text) == time


def test_what_is_broken_is_noted_and_the_rest_is_taken(tmp_path: Path):
    files = {
        "a.html": BLOG[: BLOG.index("We walked")],
        "b.html": b"\x00\xff\x01" * 99,
        "c.html": " ",
    }
    log = ReadLog()
    found = read_with(READER, write_folder(tmp_path / "x", files), log=log)
    assert [each.text for each in found] == [
        "It was late, and then it was not a ferry.\n\n> No boats today."
    ]
    assert len(log.problems) == 1 and log.passed_over == {"page without text": 1}


def test_damaged_pages_are_survived(tmp_path: Path):
    survives_damage(READER, {"a.html": BLOG}, tmp_path, FEW)


@pytest.mark.slow
def test_much_damaged_pages_are_survived(tmp_path: Path):
    small = "<title>A</title><nav>x</nav><h1>A</h1><p>One <b>two</b>.</p><time datetime=2024-01-09>"
    survives_damage(READER, {"a.html": small}, tmp_path, MANY)
