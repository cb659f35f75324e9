from datetime import datetime
from pathlib import Path

import pytest

from align.ingest.contents import Document
from align.ingest.reader import Options, ReadLog
from align.ingest.readers.pdf import READER, text_of_pages
from align.ingest.tree import tree_of
from tests.ingest.source_trees import (
    FEW,
    MANY,
    claimed,
    documents,
    read_with,
    survives_damage,
    texts,
    write_folder,
    write_zip,
)


def pdf(pages: list[list[str]], title: str = "", created: str = "D:20240501100000Z") -> bytes:
    """Return a file of pages with a line below the other, as a printing program writes it."""
    count = len(pages)
    kids = " ".join(f"{4 + 2 * i} 0 R" for i in range(count))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {count} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for i, lines in enumerate(pages):
        shown = " T* ".join(f"({line}) Tj" for line in lines)
        stream = f"BT /F1 11 Tf 14 TL 50 750 Td {shown} ET" if lines else ""
        objects.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] "
            f"/Resources << /Font << /F1 3 0 R >> >> /Contents {5 + 2 * i} 0 R >>"
        )
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    objects.append(f"<< /Title ({title}) /CreationDate ({created}) >>")
    data, offsets = b"%PDF-1.4\n", []
    for number, text in enumerate(objects, 1):
        offsets.append(len(data))
        data += f"{number} 0 obj\n{text}\nendobj\n".encode("cp1252")
    start = len(data)
    rows = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    data += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{rows}".encode()
    trailer = f"<< /Size {len(objects) + 1} /Root 1 0 R /Info {len(objects)} 0 R >>"
    return data + f"trailer\n{trailer}\nstartxref\n{start}\n%%EOF\n".encode()


ESSAY = pdf(
    [
        [
            "Letters of Ann",
            "It rained for as long as anybody in our street could re-",
            "member, and then it stopped and the well-known smell of the",
            "earth came up.",
            "Nobody was glad, for a well-known reason: the fields had all",
            "1",
        ],
        [
            "Letters of Ann",
            "been under water since the second week of March, and the mill",
            "stood still. That is what I wanted to tell you of our well-",
            "known river.",
            "2",
        ],
        ["Letters of Ann", "I went home then, as one does after such a long wet year.", "3"],
    ],
    title="The rain",
)
TEXT = (
    "It rained for as long as anybody in our street could remember, and then it stopped and the "
    "well-known smell of the earth came up.\n\n"
    "Nobody was glad, for a well-known reason: the fields had all been under water since the "
    "second week of March, and the mill stood still. That is what I wanted to tell you of our "
    "well-known river.\n\n"
    "I went home then, as one does after such a long wet year."
)
POEM = pdf([["Roses", "are what they", "always were:", "a smell of rain"]], created="never")
FILES = {"essay.pdf": ESSAY, "2023-02-03 poem.pdf": POEM}


def test_an_essay_is_read_in_paragraphs(root: Path) -> None:
    (found,) = documents(read_with(READER, write_folder(root / "m", {"essay.pdf": ESSAY})))
    assert found.time is not None
    assert found.time.isoformat() == "2024-05-01T10:00:00+00:00"
    assert found == Document("m/essay.pdf", TEXT, "The rain", found.time)


def test_a_poem_keeps_its_lines(root: Path) -> None:
    found = read_with(READER, write_folder(root / "m", {"2023-02-03 poem.pdf": POEM}))
    text = "Roses\nare what they\nalways were:\na smell of rain"
    assert found == [Document("m/2023-02-03 poem.pdf", text, "Poem", datetime(2023, 2, 3))]


def test_headers_footers_and_numbers_go_where_most_pages_have_them() -> None:
    body = ["A line of the text that is long enough", "and goes on here. Page"]
    pages = [
        "\n".join([f"My book, chapter {i}", f"{word} {body[0]}", body[1], f"Page {i} of 4"])
        for i, word in enumerate(("One", "Two", "Three", "Four"), 1)
    ]
    text = text_of_pages(pages)
    assert "My book" not in text
    assert "of 4" not in text
    assert all(f"{word} A line" in text for word in ("One", "Two", "Three", "Four"))
    assert text_of_pages(["42\nis the answer to it all", "and 7"]).startswith("42")


def test_ligatures_bullets_and_soft_hyphens_are_letters_again() -> None:
    text = text_of_pages(
        ["The \ufb01rst of\ufb01ce that we ever had was in the un\u00ad\n"
         "derground of the town here\n"
         "\u2022 one thing that we had\n\u2022 another thing that we had"]
    )  # fmt: skip
    assert text == (
        "The first office that we ever had was in the underground of the town here\n\n"
        "- one thing that we had\n\n- another thing that we had"
    )


def test_titles_that_programs_give_are_none(tmp_path: Path) -> None:
    lines = [["Some words of mine that are long enough to be a text."]]
    files = {
        "my_trip.pdf": pdf(lines, title="Microsoft Word - a.doc"),
        "other.pdf": pdf(lines, title="untitled"),
    }
    found = documents(read_with(READER, write_folder(tmp_path, files)))
    assert [document.title for document in found] == ["My trip", "Other"]


def test_scans_encrypted_and_damaged_files_are_told_and_the_rest_is_taken(tmp_path: Path) -> None:
    from pypdf import PdfReader, PdfWriter

    files = {
        "a.pdf": pdf([[], [], ["3"]]),
        "c.pdf": b"%PDF-1.4 nothing at all",
        "d.pdf": b"",
        "e.pdf": ESSAY,
        "f.pdf": b"<html>",
    }
    write_folder(tmp_path / "x", files)
    writer = PdfWriter(clone_from=PdfReader(tmp_path / "x" / "e.pdf"))
    writer.encrypt("secret", algorithm="RC4-128")
    writer.write(tmp_path / "x" / "b.pdf")
    log = ReadLog()
    assert texts(read_with(READER, tmp_path / "x", log=log)) == [TEXT]
    said = [str(problem).removeprefix(f"{tmp_path}/x/") for problem in log.problems]
    assert [line[:5] for line in said] == ["a.pdf", "b.pdf", "c.pdf", "d.pdf", "f.pdf"]
    assert "a scan without text. Run text recognition" in said[0]
    assert "encrypted. Save a copy without its password" in said[1]
    assert "damaged" in said[2]


def test_a_file_locked_against_changes_only_is_read(tmp_path: Path) -> None:
    from pypdf import PdfReader, PdfWriter

    (tmp_path / "x.pdf").write_bytes(ESSAY)
    writer = PdfWriter(clone_from=PdfReader(tmp_path / "x.pdf"))
    writer.encrypt("", "owner", algorithm="RC4-128")
    writer.write(tmp_path / "x.pdf")
    assert texts(read_with(READER, tmp_path)) == [TEXT]


def test_of_a_truncated_file_the_rest_is_still_taken(tmp_path: Path) -> None:
    # Without its table of objects, and with the last page's text cut off.
    (tmp_path / "a.pdf").write_bytes(ESSAY[: ESSAY.index(b"10 0 obj")])
    (tmp_path / "b.pdf").write_bytes(ESSAY[: ESSAY.index(b"xref")])
    (tmp_path / "c.pdf").write_bytes(ESSAY[: ESSAY.index(b"8 0 obj") + 20])
    log = ReadLog()
    found = texts(read_with(READER, tmp_path, log=log))
    assert len(found) == 3
    assert all("It rained" in text for text in found)


def test_a_journal_stays_one(tmp_path: Path) -> None:
    (found,) = documents(read_with(READER, write_folder(tmp_path, {"my diary/a.pdf": ESSAY})))
    assert found.source == "journal"


TALK = [
    "MR. QUILL. How did it begin, and what did you",
    "think of it then?",
    "CHAIR LEE. By accident, as most things do,",
    "and then it went on.",
    "As it always does.",
]


@pytest.mark.parametrize("form", ["{}. ", "{}: "])
def test_a_talk_printed_is_one(tmp_path: Path, form: str) -> None:
    lines = [line.replace("QUILL. ", form.format("QUILL")).replace("LEE. ", form.format("LEE"))
             for line in TALK]  # fmt: skip
    (tmp_path / "a.pdf").write_bytes(pdf([lines * 3]))
    found = read_with(READER, tmp_path, Options(me=("Chair Lee",)))
    assert [each.author for each in found] == ["MR. QUILL", "CHAIR LEE"] * 3
    assert found[0].text == "How did it begin, and what did you think of it then?"
    assert found[1].text.startswith("By accident, as most things do, and then it went on.")


def test_a_chat_printed_is_one(tmp_path: Path) -> None:
    lines = ["[17.05.2023, 10:14] bo: is it dry?", "[17.05.2023, 10:15] ann: bone dry"] * 3
    (tmp_path / "a.pdf").write_bytes(pdf([lines]))
    found = read_with(READER, tmp_path)
    assert [(each.author, each.text) for each in found][:2] == [
        ("bo", "is it dry?"), ("ann", "bone dry"),
    ]  # fmt: skip


def test_a_hyphen_between_two_words_is_kept() -> None:
    lines = [
        "The first quarter was good, and the talks of it went on for the first-",
        "quarter report. It was a long quarter, and the very first to be as unfor-",
        "tunate as this one, by all that one has heard of it in the harbour town.",
    ]
    text = text_of_pages(["\n".join(lines)])
    assert "the first-quarter report" in text and "as unfortunate as" in text


def test_zip_folder_and_file_say_the_same(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "a", {**FILES, "x.txt": "no"})
    expected = texts(read_with(READER, folder))
    assert len(expected) == 2
    assert texts(read_with(READER, write_zip(tmp_path / "a.zip", FILES))) == expected
    assert texts(read_with(READER, folder / "essay.pdf")) == [TEXT]
    assert claimed(READER, tree_of(folder / "x.txt", print)) == []


def test_damage_is_survived(tmp_path: Path) -> None:
    survives_damage(READER, FILES, tmp_path, FEW)


@pytest.mark.slow
def test_much_damage_is_survived(tmp_path: Path) -> None:
    for name, content in FILES.items():
        survives_damage(READER, {name: content}, tmp_path / name, MANY // len(FILES))
