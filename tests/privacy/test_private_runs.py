"""Any 24 characters of a sealed text are found by all who must not repeat it, in any script."""

import sqlite3
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from align.chat import Chat
from align.conversations.question_writing import claude_writer
from align.conversations.questions.passage_questions import OpenPassage
from align.conversations.questions.passages import Passage
from align.owner import Owner
from align.packs.packing import traveller_of
from align.preferences.choice_export import unsealed
from align.privacy import letter_runs
from align.privacy.consent import Consent
from align.privacy.egress import EgressGate, Refused
from align.privacy.letter_runs import CHARACTERS, FEWEST, LetterRuns, LetterTexts
from align.privacy.normal_form import letter_counts, letters
from align.privacy.private_text import PrivateText
from align.privacy.scope import CARRIED, SENT, SHOWN, Match
from align.sampling.sampling_plan import Sampling
from align.store.adding import add_records
from align.store.connection import in_memory
from align.store.records import set_level
from tests.store.rows import record

OWNER = Owner(name="Ann")
SEALED = {
    "Latin": "Zoë's spare key lies under the third blue pot; nobody at Straße 9 knows, but İpek.",
    "Chinese": "备用钥匙放在门口第三个蓝色花盆下面、除了我和妹妹以外谁也不知道、请不要告诉任何人。",
    "Japanese": "合鍵は玄関の三番目の青い植木鉢の下にあって、妹と私のほかには誰も知りません。",
    "Thai": "กุญแจสำรองอยู่ใต้กระถางต้นไม้สีฟ้าใบที่สามข้างประตูและไม่มีใครรู้นอกจากฉัน",
    "Arabic": "المفتاح الاحتياطي تحت الأصيص الأزرق الثالث بجانب الباب ولا يعرف ذلك أحد غيري أنا.",
    "Greek": "Εφεδρικό κλειδί είναι κάτω από την τρίτη γλάστρα δίπλα στην πόρτα, Άννα.",
    "Hindi": "अतिरिक्त चाबी दरवाज़े के पास तीसरे नीले गमले के नीचे रखी है और किसी को पता नहीं है",
    "Korean": "여벌 열쇠는 현관 옆 세 번째 파란 화분 아래에 있고 나 말고는 아무도 모르고 있습니다.",
}
AROUND = ("", "Well: ", "她说", "xyz", " 7", "…\n")
ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff\u00ad\ufe0f\u034f"
BLANKS = ("", " ", "  ", "\n", "\t", "\u3000", "\u00a0", " \n ")
CASES: tuple[Callable[[str], str], ...] = (str, str.upper, str.lower, str.title, str.swapcase)


@st.composite
def disguised(draw: st.DrawFn) -> str:
    """Draw 24 characters of a sealed text, in another dress, within a longer text."""
    text = draw(st.sampled_from(list(SEALED.values())))
    at = draw(st.integers(0, len(text) - CHARACTERS))
    run = draw(st.sampled_from(CASES))(text[at : at + CHARACTERS])
    run = unicodedata.normalize(draw(st.sampled_from(("NFC", "NFD", "NFKC", "NFKD"))), run)
    inserted = st.sampled_from((*BLANKS, *ZERO_WIDTH))
    changed = "".join(
        draw(st.sampled_from(BLANKS)) if char == " " else char + draw(inserted) for char in run
    )
    return draw(st.sampled_from(AROUND)) + changed + draw(st.sampled_from(AROUND))


def store(*texts: str, level: str = "sealed") -> sqlite3.Connection:
    conn = in_memory()
    for at, text in enumerate(texts):
        add_records(conn, [record(text, level=level, origin=str(at), thread=str(at))])
    return conn


class Twin:
    """Says one thing."""

    def __init__(self, answer: str) -> None:
        self.answer = answer

    def generate(self, conversations: Any, **_: Any) -> list[list[str]]:
        return [[self.answer]]


class EgressLog:
    """Is always ready, and keeps nothing."""

    def ready(self) -> None:
        pass

    def refused(self, *_: Any, **__: Any) -> None:
        pass


CONN = store(*SEALED.values())
GATE_DETECTOR = PrivateText(CONN, OWNER)
SEALED_DETECTOR = PrivateText(CONN, OWNER, scope=CARRIED)
CHAT_DETECTOR = PrivateText(CONN, OWNER, scope=SHOWN)
TRAVELLER = traveller_of(CONN, OWNER)
WRITER = claude_writer.ClaudeWriter(CONN, OWNER, model="claude-haiku-5-5", drawn=2)


def gate_refuses(text: str) -> bool:
    log: Any = EgressLog()
    gate = EgressGate(GATE_DETECTOR, Consent("h", "judge", ""), log, host="h", purpose="judge")
    try:
        gate.check({"messages": [{"content": text}]}, "h")
    except Refused as refused:
        return refused.reason == "closed writing"
    return False


def question_stays(text: str) -> bool:
    passage = OpenPassage(record(text), Passage(0, len(text), text, None))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(claude_writer, "open_passages", lambda *_: [passage])
        requests, withheld = WRITER.requests(GATE_DETECTOR)
    return not requests and withheld[claude_writer.PRIVATE] == 1


def chat_withholds(text: str) -> bool:
    chat = Chat(Twin(text), CHAT_DETECTOR, Sampling(max_new_tokens=12))
    chat._length = lambda messages: 1  # type: ignore[method-assign]
    return "withheld" in chat.say("Hi").shown


USERS: dict[str, Callable[[str], bool]] = {
    "egress gate": gate_refuses,
    "pack": lambda text: TRAVELLER.repeats_sealed([text]),
    "chat": chat_withholds,
    "question writing": question_stays,
    "export": lambda text: not unsealed([{"prompt": [{"content": text}]}], SEALED_DETECTOR),
}


@pytest.mark.parametrize("user", USERS)
@settings(max_examples=150, deadline=None)
@given(text=disguised())
@example(text="他说「" + SEALED["Chinese"][:32] + "。")
def test_any_24_characters_of_sealed_writing_are_found(user: str, text: str) -> None:
    assert USERS[user](text)


@given(st.text("aZé9 .,-ßŻ\n你好のกี่عَ🎉", min_size=30, max_size=80), st.integers(0, 60))
def test_of_any_text_24_characters_with_enough_letters_are_found(text: str, at: int) -> None:
    text = " ".join(text.split())
    texts = LetterTexts(counts=True)
    texts.add("Some other text, so that it does not stand first.", -1)
    texts.add(text, -1)
    run = text[at : at + CHARACTERS]
    if len(run) == CHARACTERS and len(letters(run)) >= FEWEST:
        assert LetterRuns(texts).find(letters(f"before{run}after"))


@pytest.mark.parametrize("user", USERS)
def test_other_writing_is_not_found(user: str) -> None:
    for text in (
        "The key to a good soup is time.",
        "今天天气很好。我们去公园散步吧。你觉得怎么样",
    ):
        assert not USERS[user](text)


@pytest.mark.parametrize("script", SEALED)
def test_twelve_characters_are_anybodys(script: str) -> None:
    text = SEALED[script]
    # Of scripts without blanks nine are a run of eight words.
    length = 8 if script in ("Chinese", "Japanese", "Thai") else 12
    assert not any(
        SEALED_DETECTOR.match(text[at : at + length]) for at in range(len(text) - length)
    )


def test_24_characters_of_few_letters_are_no_run() -> None:
    text = "a" + " - - - - -" * 5 + "b" + " - - - - -" * 5 + "c and more of what I wrote"
    detector = PrivateText(store(text), OWNER)
    assert not any(detector.match(text[at : at + CHARACTERS]) for at in range(40))
    assert detector.match(text[-CHARACTERS - 3 :])


def test_only_sealed_writing_is_found_by_its_letters() -> None:
    text = SEALED["Latin"]
    detector = PrivateText(store(text, level="train-only"), OWNER)
    assert detector.match(text[:30]) is None
    assert detector.match(text)


def test_a_match_by_letters_tells_how_many() -> None:
    assert SEALED_DETECTOR.match("spare key lies under the third") == Match("sealed", letters=19)


def test_letters_that_stand_in_open_writing_are_no_secret_until_it_is_closed() -> None:
    conn = store("I will not tell anybody where Maja hid it, or why")
    open_one = record("Where Maja hid it, or why: that is told here.", origin="o", thread="o")
    add_records(conn, [open_one])
    detector = PrivateText(conn, OWNER)
    assert detector.match("tell anybody where Maja hid it")
    assert detector.match("She asked where Maja hid it or why.") is None
    set_level(conn, "train-only", id=open_one.id)
    detector.refresh()
    assert detector.match("She asked where Maja hid it or why.")


@pytest.mark.parametrize("level", ["open", "train-only"])
@pytest.mark.parametrize("script", SEALED)
def test_what_is_sealed_meanwhile_is_found_by_its_letters(script: str, level: str) -> None:
    text = SEALED[script]
    conn = store(text, level=level)
    detector = PrivateText(conn, OWNER)
    run = "  ".join(text[4 : 4 + CHARACTERS])
    assert detector.match(run) is None
    set_level(conn, "sealed", id=record(text, level=level, origin="0", thread="0").id)
    detector.refresh()
    assert detector.match(run)


def test_a_word_longer_than_24_letters_is_found() -> None:
    detector = PrivateText(store("Donaudampfschifffahrtskapitän Quandt"), OWNER)
    assert detector.match("der DONAUDAMPFSCHIFFFAHRTSKAPITAN")


def test_all_case_and_normal_forms_of_all_characters_are_the_same_letters() -> None:
    for code in range(0x110000):
        char = chr(code)
        if unicodedata.category(char) in ("Cn", "Co", "Cs"):
            continue
        forms = {char.upper(), char.lower(), char.title(), char.swapcase(), char.casefold()}
        forms |= {unicodedata.normalize(form, char) for form in ("NFC", "NFD", "NFKC", "NFKD")}
        assert {letters(form) for form in forms} == {letters(char)}, hex(code)
        assert sum(letter_counts(char)[1]) == len(letters(char))


def test_what_train_only_writing_says_too_is_a_secret_only_where_it_is_sent() -> None:
    conn = store("I will not tell anybody where Maja hid her old violin")
    message = record("so where Maja hid her old violin", level="train-only", origin="m", thread="m")
    add_records(conn, [message])
    for scope, is_found in ((SENT, True), (SHOWN, False), (CARRIED, False)):
        detector = PrivateText(conn, OWNER, scope=scope)
        assert bool(detector.match("Where Maja hid her old violin, she said")) == is_found, scope


def test_eight_words_of_sealed_writing_do_not_travel_even_where_open_writing_quotes_them() -> None:
    conn = store(SEALED["Latin"])
    quote = "spare key lies under the third blue pot"
    add_records(conn, [record(f"I wrote: {quote}", origin="o", thread="o")])
    assert PrivateText(conn, OWNER).match(quote) is None
    assert PrivateText(conn, OWNER, scope=CARRIED).match(quote) == Match("sealed", 8)
    assert PrivateText(conn, OWNER, scope=CARRIED).match("spare key lies under the third") is None


def test_texts_longer_than_a_piece_are_known_to_the_last_letter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(letter_runs, "_PIECE", 50)
    sealed, said = LetterTexts(counts=True), LetterTexts()
    for text in (" ".join(SEALED.values()), SEALED["Latin"] * 2):
        sealed.add(text, -1)
    said.add("x" * 40 + SEALED["Greek"] + "x" * 40, -1)
    runs = LetterRuns(sealed)
    for text in SEALED.values():
        for at in range(len(text) - CHARACTERS + 1):
            assert runs.find(letters(text[at : at + CHARACTERS])), text[at : at + CHARACTERS]
    runs.settle(said)
    for script, text in SEALED.items():
        for at in range(len(text) - CHARACTERS + 1):
            run = letters(text[at : at + CHARACTERS])
            assert bool(runs.find(run)) == (script != "Greek"), run
