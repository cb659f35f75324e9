import pytest
from hypothesis import given
from hypothesis import strategies as st

from align.ingest.decoding import clean, decoded, encoding_of


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "cp1252"]
)
def test_text_is_read_in_any_encoding(encoding: str) -> None:
    assert decoded("Grüße, Ann.".encode(encoding)) in ("Grüße, Ann.", "\ufeffGrüße, Ann.")


def test_a_damaged_byte_does_not_change_the_encoding_of_all_the_rest() -> None:
    text = ("Grüße und Küsse. " * 50).encode()
    assert encoding_of(text[:100] + b"\xff" + text[100:]) == "utf-8"
    assert encoding_of("Grüße und Küsse. ".encode("cp1252") * 50) == "cp1252"
    assert encoding_of("ü".encode()[:1]) == "utf-8"


@pytest.mark.parametrize(
    "data", [bytes(range(256)) * 4, b"\x00\x01\x02\x03" * 50, b"PK\x03\x04\x00\x00"]
)
def test_binary_is_no_text(data: bytes) -> None:
    assert decoded(data) is None


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("plain", "plain"),
        ("  a \r\nb\t \r\n", "a\nb"),
        ("e\u0301", "\u00e9"),
        ("a\x00b\x1b[2Jc\x9f", "ab[2Jc"),
        ("half a \ud83d pair", "half a \ufffd pair"),
        ("two\n\n\nlines", "two\n\n\nlines"),
    ],
)
def test_text_is_cleaned_of_what_nobody_wrote(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


@given(st.text())
def test_cleaning_twice_changes_nothing_and_keeps_every_word(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    once.encode()


@given(st.binary(max_size=400))
def test_any_bytes_have_an_encoding_that_reads_them(data: bytes) -> None:
    data.decode(encoding_of(data), "replace")
    assert decoded(data) is None or isinstance(decoded(data), str)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1251", "Привет из гавани, всё хорошо, и сети сухие."),
        ("koi8-r", "Привет из гавани, всё хорошо, и сети сухие."),
        ("shift_jis", "港からこんにちは。網は乾いていて、すべて順調です。"),
        ("gb18030", "从港口问好。一切都好。渔网是干的。海鸥从早上开始叫。"),
        ("euc_kr", "항구에서 안녕하세요. 모든 것이 좋고 그물은 말랐습니다."),
        ("cp1252", "“Grüße” aus dem Häfen, très bien, señor."),
        ("cp1250", "Zażółć gęślą jaźń, i tak dalej, to jest proste zdanie."),
        ("cp1253", "Καλημέρα από το λιμάνι, όλα καλά."),
        ("latin-1", "Grüße aus dem schönen Hafen, und Küsse für alle."),
    ],
)
def test_the_encoding_of_the_last_century_is_told_by_the_whole_text(
    encoding: str, text: str
) -> None:
    assert decoded((text * 5).encode(encoding)) == text * 5
