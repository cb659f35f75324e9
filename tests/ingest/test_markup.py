"""HTML into plain text."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from align.ingest.formats.markup import plain


def test_paragraphs_are_parted_by_a_blank_line_and_blanks_are_one():
    assert plain("<p>One   line\nof  two.</p><p>Next&nbsp;&amp; last</p>") == (
        "One line of two.\n\nNext & last"
    )


def test_a_break_ends_a_line():
    assert plain("one<br>two<br/><br>three") == "one\ntwo\n\nthree"


def test_lists_keep_their_marks_and_their_depth():
    html = "<ul><li>bread<ul><li>rye</li></ul></li><li>tea</li></ul><ol><li>a<li>b</ol>"
    assert plain(html) == "- bread\n  - rye\n- tea\n\n1. a\n2. b"


def test_quotes_are_marked_line_by_line_at_every_depth():
    html = (
        "<p>He said</p><blockquote><p>One</p><p>Two</p><blockquote>deep</blockquote></blockquote>no"
    )
    assert plain(html) == "He said\n\n> One\n>\n> Two\n>\n> > deep\n\nno"


def test_links_are_their_text_and_pictures_are_nothing_but_emoji():
    html = '<a href="https://x.org">here</a> <img src="a.png" alt="A dog"><img alt="🎉">'
    assert plain(html) == "here 🎉"


def test_scripts_styles_navigation_and_hidden_text_are_gone_and_what_follows_them_stays():
    html = (
        "a<script>alert(1)</script>b<style>p{}</style>c<nav>menu</nav>d<!-- e -->f"
        '<span style="display: none">g</span>h<p hidden>i</p>'
    )
    assert plain(html).replace("\n", "") == "abcdfh"


def test_code_keeps_its_blanks():
    assert plain("<pre>if x:\n    y = 1\n\nz</pre>") == "if x:\n    y = 1\n\nz"


def test_a_mail_of_one_div_a_line_keeps_its_blank_lines():
    html = "<div>Hi Bob,</div><div><br></div><div>see you.</div><div>Ann</div>"
    assert plain(html) == "Hi Bob,\n\nsee you.\nAnn"


def test_elements_are_passed_over_by_class():
    assert (
        plain('<p>a</p><div class="x gmail_signature">Ann</div>b', {"gmail_signature"}) == "a\n\nb"
    )


def test_cells_of_a_row_stand_in_one_line():
    assert plain("<table><tr><td>tea<td>2</tr><tr><td>rye<td>3</tr></table>") == "tea | 2\nrye | 3"


@pytest.mark.parametrize(
    "html",
    ["", " ", "\x00", "<", "<!--", "<![CDATA[", "<?xml version='1.0' encoding='utf-16'?>", "&#x0;",
     "<p>" * 5000, "</p>" * 5000, "<blockquote>" * 3000 + "x", "&" * 5000, "\ud800"],
)  # fmt: skip
def test_what_is_no_markup_is_still_no_error(html: str):
    assert isinstance(plain(html), str)


TAGS = "<p> </p> <ul> <li> </ul> <blockquote> </blockquote> <br> <pre> </pre> <td> word"


@settings(max_examples=200)
@given(st.lists(st.sampled_from([*TAGS.split(), " ", "\n"])))
def test_no_word_is_lost_however_tags_are_mixed(parts: list[str]):
    assert plain("".join(parts)).count("word") == parts.count("word")


def test_a_megabyte_takes_seconds_at_most():
    started = time.process_time()
    plain("<div><p>Some words of a page.</p></div>" * 30_000)
    assert time.process_time() - started < 10
