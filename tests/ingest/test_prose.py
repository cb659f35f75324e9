"""What of a document is its writer's prose: reflowed, and without what stands around it."""

import textwrap
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from align.ingest.cleaning.prose import prose_of

PROSE = (
    "The tide took my left boot, and I have thought about it since. It was the leaky one, and it "
    "had it coming since spring, when I first found the hole and did nothing about it at all."
)
GERMAN = (
    "Die Flut nahm meinen linken Stiefel, und ich denke seither an ihn. Es war der undichte, und "
    "er hatte es verdient, seit ich im Frühling das Loch gefunden und nichts getan hatte."
)
POEM = "Roses\nare what they\nalways were:\na smell of rain"
ITEMS = (
    "- rope ends, of which there are many in the harbour\n- bottle tops, blue ones mostly\n- a shoe"
)
CODE = "```\nfor boot in boots:\n    boot.dry()\n```"


@pytest.mark.parametrize("text", [PROSE, GERMAN])
@pytest.mark.parametrize("width", [50, 65, 72, 79])
def test_hard_wrapped_prose_is_one_line_a_paragraph(text: str, width: int) -> None:
    wrapped = "\n\n".join([textwrap.fill(text, width)] * 3)
    assert prose_of(wrapped)[0] == "\n\n".join([text] * 3)


@pytest.mark.parametrize("stays", [POEM, ITEMS, CODE, "> quoted by me,\n> in two lines of it"])
def test_what_has_lines_of_its_own_keeps_them(stays: str) -> None:
    wrapped = textwrap.fill(PROSE, 72)
    assert prose_of(f"{wrapped}\n\n{stays}\n\n{wrapped}")[0] == f"{PROSE}\n\n{stays}\n\n{PROSE}"
    assert prose_of(stays)[0] == stays


@pytest.mark.parametrize(
    ("around", "what"),
    [
        ("Notes\n\n[1] The mud is blue here.\n\n[2] See my essay on tops.", "notes at the end"),
        ("## Anmerkungen\n\n1. Der Schlick ist hier blau.", "notes at the end"),
        ("[1] The mud is blue here, nobody knows why.", "notes at the end"),
        ("[^1]: The mud is blue here.", "notes at the end"),
        ("Thanks to Bo Quill and Mo for reading drafts of this.", "thanks to readers"),
        ("**Thanks** to Bo Quill, Mo and Cy for their feedback.", "thanks to readers"),
        ("Danke an Bo und Mo fürs Lesen der Entwürfe.", "thanks to readers"),
        ("Merci à Bo et Mo pour la relecture.", "thanks to readers"),
        ("Subscribe to my newsletter\nGet new posts in your inbox.", "furniture of pages"),
        ("Thanks for reading Harbour! Subscribe for free.", "furniture of pages"),
        ("12 Likes", "furniture of pages"),
        ("5 min read", "furniture of pages"),
        ("Jetzt abonnieren und nichts verpassen", "furniture of pages"),
        ("> " + PROSE, "quotations set in"),
        ("\n".join(f"> {line}" for line in textwrap.wrap(GERMAN, 60)), "quotations set in"),
        ("One ....... 1\nTwo ....... 2\nThree ....... 13", "tables of contents"),
        (textwrap.indent(textwrap.fill(PROSE, 60), "  "), "quotations set in"),
        (textwrap.indent(textwrap.fill(GERMAN, 72), "    "), "quotations set in"),
    ],
)  # fmt: skip
def test_what_stands_around_a_text_is_cut_and_counted(around: str, what: str) -> None:
    text, cut = prose_of(f"{PROSE}\n\n{around}")
    assert (text, set(cut)) == (PROSE, {what})


@pytest.mark.parametrize(
    "own",
    [
        "I want to give thanks to the sea, which gave me back my boot after a year of waiting.",
        "Thanks to Bo we came home dry.",
        "I subscribe to that view, and so should you.",
        "    if boot.is_wet():\n        boot.dry()\n    return boot",
        "    Roses\n    are what they\n    always were:\n    a smell of rain and of the rain's end",
        "Notes on the harbour were all he left.",
    ],
)
def test_what_only_looks_like_it_stays(own: str) -> None:
    assert prose_of(f"{PROSE}\n\n{own}") == (f"{PROSE}\n\n{own}", Counter())


@pytest.mark.parametrize(
    ("marked", "plain"),
    [
        ("It filled with water.[1] And so on.", "It filled with water. And so on."),
        ("It filled[^2] with water.", "It filled with water."),
        ("The boot¹ is gone.²", "The boot is gone."),
        ("verbat[im], USM[C]A, $1½ [trillion]", "verbat[im], USM[C]A, $1½ [trillion]"),
        ("a [1990] view", "a [1990] view"),
    ],
)
def test_marks_of_notes_are_cut_and_editors_brackets_are_text(marked: str, plain: str) -> None:
    assert prose_of(marked)[0] == plain


def test_a_lost_break_is_mended_where_it_is_sure() -> None:
    text, cut = prose_of("There was growth.We saw it. I use Node.Js and example.Com here.")
    assert text == "There was growth.\n\nWe saw it. I use Node.Js and example.Com here."
    assert cut["lost breaks"] == 1


@given(st.text(alphabet="ab .\n[1]>-#*`\t", max_size=300))
def test_no_letter_is_made_up_and_what_was_done_stays_done(text: str) -> None:
    once, _ = prose_of(text)
    assert set(once) <= set(text) | {" ", "\n"}
    assert len(once.split()) <= len(text.split()) + text.count(".")
