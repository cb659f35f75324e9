"""RSS and Atom files: one document a post."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from align.ingest.contents import Document
from align.ingest.reader import ReadLog
from align.ingest.readers.feed import READER
from tests.ingest.source_trees import (
    FEW,
    MANY,
    documents,
    read_with,
    survives_damage,
    texts,
    write_folder,
    write_zip,
)

RSS = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>
<title>Ann's notes</title><link>https://ann.example</link>
<generator>https://wordpress.org/?v=6.4</generator>
<item><title>The ferry &amp; I</title><link>https://ann.example/ferry/</link>
<dc:creator><![CDATA[Ann Kessler]]></dc:creator>
<pubDate>Tue, 09 Jan 2024 09:00:00 +0000</pubDate>
<guid isPermaLink="false">https://ann.example/?p=7</guid>
<description><![CDATA[<p>It was late &#8230;</p>]]></description>
<content:encoded><![CDATA[<p>It was late, and then it was not a ferry.</p>
<p>The post <a href="#">The ferry</a> appeared first on <a href="#">Ann's notes</a>.</p>]]>
</content:encoded></item>
<item><title>Stones</title><link>https://ann.example/stones/</link>
<description>Some stones are round.</description></item>
</channel></rss>
"""
ATOM = """<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom"><title>Ann's notes</title><id>urn:x</id>
<updated>2024-01-10T00:00:00Z</updated>
<entry><id>tag:ann.example,2024:1</id><title type="html">Rain &lt;em&gt;again&lt;/em&gt;</title>
<link rel="alternate" type="text/html" href="https://ann.example/rain"/>
<published>2024-01-09T09:00:00+01:00</published><updated>2024-01-10T00:00:00Z</updated>
<summary>Short.</summary>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>It <b>rained</b>.</p>
<p>Then not.</p></div></content></entry>
</feed>
"""


def test_content_wins_over_the_summary_and_names_and_dates_are_kept(tmp_path: Path):
    files = {"rss/feed.xml": RSS, "atom/blog.atom": ATOM}
    for path in (write_folder(tmp_path / "x", files), write_zip(tmp_path / "x.zip", files)):
        found = {each.key: each for each in documents(read_with(READER, path))}
        assert list(found) == [
            "https://ann.example/rain", "https://ann.example/?p=7", "https://ann.example/stones/",
        ]  # fmt: skip
        ferry = found["https://ann.example/?p=7"]
        assert ferry.raw and ferry.raw.startswith("<p>It was late, and")
        ferry.raw = None
        assert ferry == Document(
            key="https://ann.example/?p=7",
            title="The ferry & I",
            text="It was late, and then it was not a ferry.",
            time=datetime(2024, 1, 9, 9, tzinfo=UTC),
            author="Ann Kessler",
        )
        assert found["https://ann.example/stones/"] == Document(
            key="https://ann.example/stones/", title="Stones", text="Some stones are round."
        )
        rain = found["https://ann.example/rain"]
        assert (rain.title, rain.text) == ("Rain again", "It rained.\n\nThen not.")
        assert (rain.time, rain.is_owner) == (datetime(2024, 1, 9, 8, tzinfo=UTC), True)


def test_pages_of_one_feed_hold_each_post_once(tmp_path: Path):
    files = {"page1.xml": RSS, "page2.xml": RSS.replace("Some stones are round", "Some are round")}
    assert len(read_with(READER, write_folder(tmp_path / "x", files))) == 2


def test_a_feed_of_rdf_is_a_feed(tmp_path: Path):
    rdf = """<?xml version="1.0"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
    xmlns="http://purl.org/rss/1.0/"><item rdf:about="https://ann.example/1"><title>One</title>
    <link>https://ann.example/1</link><description>First.</description></item></rdf:RDF>"""
    assert texts(read_with(READER, write_folder(tmp_path / "x", {"a.rdf": rdf}))) == ["First."]


def test_a_truncated_feed_gives_what_came(tmp_path: Path):
    log = ReadLog()
    path = write_folder(tmp_path / "x", {"feed.xml": RSS[: RSS.index("Some stones")]})
    found = read_with(READER, path, log=log)
    assert "It was late, and then it was not a ferry." in texts(found)
    assert len(log.problems) == 1


def test_a_feed_that_defines_entities_is_none(tmp_path: Path):
    bomb = RSS.replace("<rss", '<!DOCTYPE rss [<!ENTITY a "b"><!ENTITY c "&a;&a;">]>\n<rss', 1)
    assert read_with(READER, write_folder(tmp_path / "x", {"a.rss": bomb})) == []


def test_other_xml_is_left_to_others(tmp_path: Path):
    files = {"sitemap.xml": "<urlset/>", "a.xml": "<note>rss</note>", "b.txt": RSS}
    assert read_with(READER, write_folder(tmp_path / "x", files)) == []


def test_damaged_feeds_are_survived(tmp_path: Path):
    survives_damage(READER, {"a.xml": RSS, "b.atom": ATOM}, tmp_path, FEW)


@pytest.mark.slow
def test_much_damaged_feeds_are_survived(tmp_path: Path):
    survives_damage(READER, {"b.atom": ATOM}, tmp_path, MANY)
