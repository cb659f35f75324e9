"""What each rule takes, and what it must not take."""

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from align.ingest.cleaning import is_too_short, judge_conversation, judge_document
from align.ingest.cleaning.copied import (
    is_notice,
    is_pasted,
    is_quoted,
    reads_like_others_prose,
    repeats,
)
from align.ingest.cleaning.wordless import (
    is_empty,
    is_forwarded,
    is_link_only,
    is_media_only,
    is_plainly_words,
    is_system,
)
from align.ingest.contents import Document, Message
from align.ingest.decoding import clean
from align.ingest.reasons import REASONS
from align.owner import Cleaning
from align.text.similarity import words

SETTINGS = Cleaning()
VOICE = "I never liked the sea until I had to live without it"
QUESTION = "Do you still swim in the winter, or was that a lie?"
ARTICLE = (
    "The harbour authority announced that the old crane, which had stood on the northern quay for "
    "almost ninety years, would be taken down in the course of the spring, as the cost of keeping "
    "it safe had risen beyond what the city and its partners were prepared to pay. "
) * 9


def ann(text: str, **more: object) -> Message:
    return Message("chat", "Ann", text, is_owner=True, **more)  # type: ignore[arg-type]


def bob(text: str, **more: object) -> Message:
    return Message("chat", "Bob", text, is_owner=False, **more)  # type: ignore[arg-type]


def judged(*messages: Message, **settings: object) -> list[str | None]:
    reasons = judge_conversation(messages, Cleaning(**settings))  # type: ignore[arg-type]
    assert {reason for reason in reasons if reason} <= REASONS.keys()
    return reasons


@pytest.mark.parametrize("text", ["", "\u200e", "\u200b \ufeff"])
def test_empty_takes_what_cannot_be_seen(text: str) -> None:
    assert is_empty(text) and not is_empty("\u200ehello") and not is_empty("🎉")


@pytest.mark.parametrize(
    "text",
    [
        "<Media omitted>", "\u200eimage omitted", "IMG-20240101-WA0003.jpg (file attached)",
        "<attached: 00000012-PHOTO.jpg>", "[Photo]", "(sticker)", "<Medien ausgeschlossen>",
        "Bild weggelassen", "<Multimedia omitido>", "image absente", "<Mídia oculta>",
        "immagine omessa", "<Media weggelaten>", "voice.ogg", "[Photo]\n[Photo]",
    ],
)  # fmt: skip
def test_media_only_takes_placeholders(text: str) -> None:
    assert is_media_only(text)


@pytest.mark.parametrize(
    "text",
    [
        "the photo is from last year", "[photo credits to my sister]", "look at photo.jpg please",
        "(laughs)", "<3", "I omitted that", "the file attached", "I love node.js", ":)", "photo?",
    ],
)  # fmt: skip
def test_media_only_leaves_what_somebody_says(text: str) -> None:
    assert not is_media_only(text)


@given(
    st.lists(
        st.sampled_from(
            [
                "Image",
                "omitted",
                "fwd:",
                "Missed",
                "voice call",
                "x.jpg",
                "www.a.org",
                "a.b/c",
                "this message was deleted",
                "\u200e",
                "<",
                ">",
                ".",
                ")",
                "attached",
                "\n",
                "ok",
            ]
        ),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from(["", " "]),
)
def test_what_is_plain_at_a_glance_is_taken_by_no_rule(parts: list[str], between: str) -> None:
    text = clean(between.join(parts))
    if text and is_plainly_words(text):
        assert not any(
            rule(text) for rule in (is_media_only, is_link_only, is_system, is_forwarded)
        )


@pytest.mark.parametrize("text", ["!help", "!help printing", "!help printing | bob", "!help|bob"])
def test_what_a_bot_is_told_is_system(text: str) -> None:
    assert judged(ann(text)) == ["system"]
    assert judged(ann(f"{text} is what I always type first")) != ["system"]


def test_a_nick_that_says_who_is_spoken_to_is_no_word_of_the_message() -> None:
    eve = replace(bob(QUESTION), author="Eve")
    texts = ["Bob: yes", "Bob: http://a.example", "Eve,", f"Bob: {VOICE}", VOICE]
    found = judged(bob(QUESTION), eve, *map(ann, texts))
    assert found[2:] == ["too-short", "link-only", "empty", None, None]


def test_link_only_takes_links_and_leaves_words_about_them() -> None:
    for text in ("https://example.org/a?b=c", "www.example.org", "youtu.be/abc", "http://a.b 🎉",
                 "https://a.example/x\nhttps://b.example/y", "<https://example.org>"):  # fmt: skip
        assert is_link_only(text)
    for text in ("see https://example.org", "and/or", "w/ milk", "1/2", "ok.cool", "either/or it"):
        assert not is_link_only(text)


@pytest.mark.parametrize(
    "text",
    [
        "This message was deleted", "You deleted this message.", "\u200eMissed voice call",
        "Diese Nachricht wurde gelöscht.", "Ce message a été supprimé", "Llamada perdida",
        "Messages and calls are end-to-end encrypted. No one outside of this chat can read them.",
    ],
)  # fmt: skip
def test_system_takes_the_services_lines(text: str) -> None:
    assert is_system(text)


def test_system_leaves_what_is_said_of_them() -> None:
    for text in ("I saw this message was deleted, why?", "Missed you", "this is fine", "no"):
        assert not is_system(text)


def test_forwarded_takes_what_says_so_first() -> None:
    for text in ("---------- Forwarded message ---------\nFrom: Bob", "Fwd: minutes", "WG: Termin",
                 "Begin forwarded message:\n\nHello", "Mensaje reenviado\nHola"):  # fmt: skip
        assert is_forwarded(text)
    for text in ("I forwarded it to you", "forward!", "I got a forwarded message from my aunt"):
        assert not is_forwarded(text)


def test_quoted_takes_quotations() -> None:
    for text in (
        "> he said that\n> and that as well\nok",
        "“We are all in the gutter, but some of us are looking at the stars.” — Oscar W.",
        '"It was a long and very quiet winter by the sea that year"',
        "> a line that stands behind a mark and goes on for a while",
    ):
        assert is_quoted(text)
    for text in (
        '"Nice" he said, and I said "not really", and then we both laughed for an hour',
        ">:(", "> is larger", "He said “no” and left", "“Yes!” — Bob",
        "> short\nand then I wrote a much longer answer of my own to what he had said there",
    ):  # fmt: skip
        assert not is_quoted(text)


PASTED = {
    "code": "def area(r):\n    pi = 3.14\n    return pi * r * r",
    "braces": "for (let i = 0; i < n; i++) {\n  sum += a[i];\n}\nconsole.log(sum);",
    "fence": "```\nhello there\nmore of it\n```",
    "one line": "SELECT name, age FROM people WHERE age > 30;",
    "command": "pip install --upgrade soundthing -q --user",
    "trace": 'Traceback (most recent call last):\n  File "a.py", line 3, in <module>\nKeyError: 1',
    "java": "java.lang.IllegalState: x\n\tat com.example.Main.run(M.java:12)\n\tat a.B.c(B.java:3)",
    "log": "2024-01-01 10:00:00 INFO started\n2024-01-01 10:00:01 ERROR stopped",
    "table": "name | age | town\n--- | --- | ---\nBob | 30 | Porto\nEve | 31 | Lyon",
    "tabs": "name\tage\nBob\t30\nEve\t31",
    "form": "Name: Ann K.\nStreet: Sea Road 1\nTown: Porto\nPhone: none\nDate: 1 May",
    "json": '{"name": "Bob", "age": 30}',
    "html": "<div class='a'><p>Hello there</p></div>",
}


@pytest.mark.parametrize("text", PASTED.values(), ids=PASTED.keys())
def test_pasted_takes_code_logs_tables_forms_and_data(text: str) -> None:
    assert is_pasted(text)


@pytest.mark.parametrize(
    "text",
    [
        "Milk\nbread\neggs\nand something for the cat",
        "Three things:\n1. I was tired\n2. it rained\n3. you were late (again)",
        "Well; I don't know. If (and only if) he asks, say no :)",
        "Ann: are you there?\nBob: yes\nAnn: good\nBob: why?",
        "roses are red\nviolets are blue;\nI wrote this poem\nin a queue;",
        "I think x = y is the whole of the problem here, honestly",
        "from the window I saw the ferry, and it was late (as always)",
        "Dear Bob,\nI was in Porto.\nIt rained.\nLove,\nAnn",
        "¯\\_(ツ)_/¯ who knows, really",
        "so happy for you both <3 <3 <3 !!!",
    ],
)
def test_pasted_leaves_what_people_write(text: str) -> None:
    assert not is_pasted(text)


def test_notices_of_machines_are_told() -> None:
    for text in (
        "Your verification code is 482913. Do not share it.",
        "Your package has shipped: https://parcels.example/t/12",
        "Ihr Paket kommt heute. Sendungsnummer 00340434",
        "Votre colis 88213344 est en route",
        "Sale ends today! Reply STOP to unsubscribe",
    ):
        assert is_notice(text)
    for text in (
        "I forgot my pin again, 2019 was the last time I knew it",
        "the code I wrote in 2021 still runs, somehow",
        "your package of biscuits was delicious, thank you",
        "that order of yours in the 1990 film, was it real?",
    ):
        assert not is_notice(text)


def test_what_repeats_anothers_message_is_not_the_owners() -> None:
    assert repeats(QUESTION, ["hm", QUESTION])
    assert not repeats(QUESTION, ["hm", VOICE])
    assert not repeats("good night bob", ["good night bob"])


def test_long_impersonal_prose_is_others_and_a_long_letter_is_kept() -> None:
    letter = ("I walked to the harbour and I thought of you, and then it rained on me. ") * 30
    assert reads_like_others_prose(ARTICLE, 300)
    assert not reads_like_others_prose(ARTICLE, 5000)
    assert not reads_like_others_prose(letter, 300)
    assert not reads_like_others_prose("Слово за словом, и так далее, и снова. " * 80, 300)


@pytest.mark.parametrize("text", ["ok", "🎉🎉", "haha haha", "42", "!!!", "12 34", "嗯"])
def test_too_short_takes_what_carries_no_voice(text: str) -> None:
    assert is_too_short(text, words(text), 2)


@pytest.mark.parametrize("text", ["hello you", "我觉得今天很好", "well, no"])
def test_too_short_leaves_what_is_said(text: str) -> None:
    assert not is_too_short(text, words(text), 2)


def test_zero_words_may_carry_a_voice_where_the_owner_says_so() -> None:
    assert judged(bob(QUESTION), ann("🎉"), shortest_words=0) == [None, None]
    assert judged(bob(QUESTION), ann("never sang once"), shortest_words=4)[1] == "too-short"


def test_a_conversation_is_judged_message_by_message() -> None:
    assert judged(
        bob(QUESTION),
        ann(VOICE),
        ann("ok"),
        ann("see you tomorrow"),
        bob("https://example.org"),
        ann("> that is what you always say when you are wrong\n> and I know it"),
        ann(PASTED["code"]),
        bob(PASTED["code"]),
        bob("ok"),
        bob("This message was deleted"),
    ) == [
        None, None, "too-short", "context-bound", "link-only", "quoted", "copy-paste", None, None,
        "system",
    ]  # fmt: skip


def test_the_readers_own_reason_is_kept() -> None:
    assert judged(bob("x", reason="system"), ann(VOICE, reason="forwarded")) == [
        "system",
        "forwarded",
    ]


def test_a_reply_to_a_photo_is_bound_and_one_to_words_is_not() -> None:
    photo = bob("", reason="media-only")
    assert judged(bob(QUESTION), photo, ann("what a lovely beach"))[2] == "context-bound"
    assert judged(photo, bob(QUESTION), ann("what a lovely beach"))[2] is None


def test_reply_links_say_what_is_answered() -> None:
    photo = bob("", reason="media-only", key="1")
    asked = bob(QUESTION, key="2")
    reply = "only on very warm days"
    assert judged(photo, asked, ann(reply, reply_to="2"))[2] is None
    assert judged(photo, asked, ann(reply, reply_to="1"))[2] == "context-bound"
    assert judged(photo, asked, ann(reply, reply_to="77"))[2] == "context-bound"


def test_an_answer_after_silence_is_bound() -> None:
    assert judged(ann("yes, the green boat"))[0] == "context-bound"
    assert judged(bob("Which boat shall we take?"), ann("yes, the green boat"))[1] is None


def test_another_language_is_left_out_only_where_languages_are_set() -> None:
    german = "Ich weiß nicht, ob wir dieses Jahr noch einmal ans Meer fahren"
    assert judged(bob(german), ann(german + "!"))[1] is None
    assert judged(bob(german), ann(german + "!"), languages=["en"]) == [None, "wrong-language"]
    assert judged(bob(german), ann(german + "!"), languages=["en", "de"]) == [None, None]


def test_documents_are_judged_without_the_rules_of_chat() -> None:
    def of(text: str, **more: object) -> str | None:
        return judge_document(Document("a", text, **more), SETTINGS)  # type: ignore[arg-type]

    assert of("") == "empty"
    assert of("https://example.org") == "link-only"
    assert of("> all of it\n> is another's\n> every line") == "quoted"
    assert of(PASTED["log"]) == "copy-paste"
    assert of(VOICE, reason="quoted") == "quoted"
    assert of("Tomorrow.") is None and of(ARTICLE) is None
    assert of(f"{VOICE}\n\n```\nx = 1\n```\n\n{VOICE}\n\n{VOICE}") is None
    german = Cleaning(languages=["de"])
    assert judge_document(Document("a", ARTICLE), german) == "wrong-language"


@pytest.mark.parametrize(
    "text", ["{" * 200_000, "a." * 100_000, "„" * 100_000, "-a" * 100_000, "\n" * 200_000 + "x",
             "(" * 100_000, "= " * 100_000, "a\n" * 100_000, "<a" * 100_000, "x" * 1_000_000]
)  # fmt: skip
def test_no_text_takes_long(text: str) -> None:
    started = time.process_time()
    judged(bob(QUESTION), ann(text))
    judge_document(Document("a", text), SETTINGS)
    assert time.process_time() - started < 2


def test_nothing_at_all_is_no_conversation() -> None:
    assert judged() == []
