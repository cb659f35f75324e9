import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from align.ingest.contents import Document
from align.ingest.reader import ReadLog
from align.ingest.readers.docx import READER
from align.ingest.tree import tree_of
from tests.ingest.source_trees import (
    FEW,
    MANY,
    claimed,
    documents,
    messages,
    read_with,
    survives_damage,
    texts,
    write_folder,
    write_zip,
)

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
KIND = "application/vnd.openxmlformats-officedocument.wordprocessingml"
CORE = "application/vnd.openxmlformats-package.core-properties+xml"


def zipped(files: dict[str, str]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def word(body: str, title: str = "", created: str = "2024-05-01T10:00:00Z") -> bytes:
    """Return a file as Word writes it, with the parts that a reader needs."""
    names = {"Title": "Title", "berschrift1": "heading 1", "Listenabsatz": "List Paragraph"}
    styles = "".join(
        f'<w:style w:type="paragraph" w:styleId="{key}"><w:name w:val="{name}"/></w:style>'
        for key, name in names.items()
    )
    levels = "".join(
        f'<w:abstractNum w:abstractNumId="{i}"><w:lvl w:ilvl="0"><w:numFmt w:val="{kind}"/></w:lvl>'
        "</w:abstractNum>"
        for i, kind in enumerate(("bullet", "decimal"))
    )
    numbers = "".join(
        f'<w:num w:numId="{i + 1}"><w:abstractNumId w:val="{i}"/></w:num>' for i in (0, 1)
    )
    parts = {"styles": "styles", "numbering": "numbering"}
    return zipped(
        {
            "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
            '<Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/word/document.xml" ContentType="{KIND}.document.main+xml"/>'
            f'<Override PartName="/docProps/core.xml" ContentType="{CORE}"/>'
            + "".join(
                f'<Override PartName="/word/{name}.xml" ContentType="{KIND}.{name}+xml"/>'
                for name in parts
            )
            + "</Types>",
            "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
            f'<Relationship Id="r1" Type="{OFFICE}/officeDocument" Target="word/document.xml"/>'
            f'<Relationship Id="r2" Type="{PACKAGE}/relationships/metadata/core-properties" '
            'Target="docProps/core.xml"/></Relationships>',
            "word/_rels/document.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
            + "".join(
                f'<Relationship Id="{name}" Type="{OFFICE}/{name}" Target="{name}.xml"/>'
                for name in parts
            )
            + "</Relationships>",
            "docProps/core.xml": f'<cp:coreProperties xmlns:cp="{PACKAGE}/metadata/core-properties"'
            ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/"'
            f' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><dc:title>{title}</dc:title>'
            f'<dcterms:created xsi:type="dcterms:W3CDTF">{created}</dcterms:created>'
            "</cp:coreProperties>",
            "word/styles.xml": f"<w:styles {W}>{styles}</w:styles>",
            "word/numbering.xml": f"<w:numbering {W}>{levels}{numbers}</w:numbering>",
            "word/document.xml": f"<w:document {W}><w:body>{body}</w:body></w:document>",
        }
    )


def paragraph(text: str, style: str = "", list_id: int = 0, level: int = 0) -> str:
    kind = f'<w:pStyle w:val="{style}"/>' if style else ""
    if list_id:
        kind += f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{list_id}"/></w:numPr>'
    return f"<w:p><w:pPr>{kind}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


LETTER = word(
    paragraph("On bread", "Title")
    + paragraph("It rises.")
    + paragraph("Why", "berschrift1")
    + paragraph("warm", "Listenabsatz", 1)
    + paragraph("slow", "Listenabsatz", 1, 1)
    + paragraph("mix", "Listenabsatz", 2)
    + paragraph("bake", "Listenabsatz", 2)
    + "<w:p/>"
    + "<w:tbl><w:tr><w:tc>"
    + paragraph("flour")
    + "</w:tc><w:tc>"
    + paragraph("2 cups")
    + "</w:tc></w:tr></w:tbl>"
    + paragraph("The end.")
)
BODY = "It rises.\n\n# Why\n\n- warm\n  - slow\n1. mix\n2. bake\n\nflour | 2 cups\n\nThe end."
NAMES = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:meta="urn:oasis:names:tc:opendocument:xmlns:meta:1.0" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"'
)
OPEN = zipped(
    {
        "mimetype": "application/vnd.oasis.opendocument.text",
        "content.xml": f"<office:document-content {NAMES}><office:body><office:text>"
        "<text:tracked-changes><text:changed-region><text:deletion><text:p>gone</text:p>"
        "</text:deletion></text:changed-region></text:tracked-changes>"
        '<text:p text:style-name="Title">On rain</text:p>'
        '<text:h text:outline-level="2">Why</text:h>'
        "<text:p>It <text:span>rains</text:span>.<text:note><text:note-body><text:p>a note</text:p>"
        '</text:note-body></text:note> A<text:s text:c="2"/>lot.</text:p>'
        "<text:list><text:list-item><text:p>wet</text:p><text:list><text:list-item>"
        "<text:p>cold</text:p></text:list-item></text:list></text:list-item></text:list>"
        "<table:table><table:table-row><table:table-cell><text:p>May</text:p></table:table-cell>"
        "<table:table-cell><text:p>3 mm</text:p></table:table-cell></table:table-row></table:table>"
        "</office:text></office:body></office:document-content>",
        "meta.xml": f"<office:document-meta {NAMES}><office:meta>"
        "<meta:creation-date>2023-02-03T08:00:00.5</meta:creation-date>"
        "</office:meta></office:document-meta>",
    }
)
FILES = {"letter.docx": LETTER, "old/rain.odt": OPEN}


def test_a_letter_of_word_is_read(root: Path) -> None:
    found = read_with(READER, write_folder(root / "m", {"letter.docx": LETTER}))
    time = datetime(2024, 5, 1, 10, tzinfo=UTC)
    assert found == [Document("m/letter.docx", BODY, "On bread", time)]


def test_a_text_of_libreoffice_is_read(root: Path) -> None:
    found = read_with(READER, write_folder(root / "m", {"rain.odt": OPEN}))
    text = "## Why\n\nIt rains. A  lot.\n\n- wet\n  - cold\n\nMay | 3 mm"
    assert found == [Document("m/rain.odt", text, "On rain", datetime(2023, 2, 3, 8, 0, 0, 500000))]


def test_tracked_changes_are_taken_as_accepted(tmp_path: Path) -> None:
    body = (
        "<w:p><w:r><w:t>I </w:t></w:r>"
        "<w:del><w:r><w:delText>hate</w:delText><w:t>x</w:t></w:r></w:del>"
        "<w:ins><w:r><w:t>love</w:t></w:r></w:ins><w:r><w:t xml:space='preserve'> it</w:t></w:r>"
        "<w:moveFrom><w:r><w:t>away</w:t></w:r></w:moveFrom></w:p>"
        "<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr><w:r><w:t>One </w:t></w:r></w:p>"
        + paragraph("sentence.")
        + "<w:ins>" + paragraph("New.") + "</w:ins>"
    )  # fmt: skip
    (tmp_path / "a.docx").write_bytes(word(body))
    assert texts(read_with(READER, tmp_path)) == ["I love it\n\nOne sentence.\n\nNew."]


def test_what_is_no_text_of_the_writer_is_passed_over(tmp_path: Path) -> None:
    contents = (
        "<w:sdt><w:sdtPr><w:docPartObj><w:docPartGallery w:val='Table of Contents'/></w:docPartObj>"
        f"</w:sdtPr><w:sdtContent>{paragraph('Chapter 1 ... 3')}</w:sdtContent></w:sdt>"
    )
    control = f"<w:sdt><w:sdtContent>{paragraph('Kept.')}</w:sdtContent></w:sdt>"
    field = "<w:p><w:r><w:instrText>PAGE</w:instrText></w:r><w:r><w:t>Mine<w:x/></w:t></w:r></w:p>"
    (tmp_path / "a.docx").write_bytes(word(contents + control + field))
    assert texts(read_with(READER, tmp_path)) == ["Kept.\n\nMine"]


def test_the_title_is_the_files_property_or_its_first_line_or_its_name(tmp_path: Path) -> None:
    two = paragraph("Hello") + paragraph("Text.")
    files = {
        "a.docx": word(two, title="Hello"),
        "b.docx": word(two, title="Other"),
        "2024-05-01 my_trip.docx": word(two, title="Untitled", created="never"),
    }
    found = documents(read_with(READER, write_folder(tmp_path, files)))
    assert [(d.title, d.text, d.time.year if d.time else None) for d in found] == [
        ("My trip", "Hello\n\nText.", 2024),
        ("Hello", "Text.", 2024),
        ("Other", "Hello\n\nText.", 2024),
    ]


def test_a_file_that_python_docx_writes_is_read(tmp_path: Path) -> None:
    import docx

    document = docx.Document()
    document.add_heading("Sea", 0)
    document.add_paragraph("Salt.")
    document.add_paragraph("one", style="List Number")
    document.add_paragraph("two", style="List Number")
    document.save(str(tmp_path / "a.docx"))
    (found,) = documents(read_with(READER, tmp_path))
    assert (found.title, found.text) == ("Sea", "Salt.\n\n1. one\n2. two")


def test_the_text_is_read_where_the_rest_is_damaged(tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(LETTER)) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    parts["word/styles.xml"] = "<w:styles"
    parts["word/document.xml"] = parts["word/document.xml"][:-40]
    (tmp_path / "a.docx").write_bytes(zipped(parts))
    (found,) = documents(read_with(READER, tmp_path))
    assert "It rises." in found.text


def test_what_cannot_be_read_is_told_and_the_rest_is_taken(tmp_path: Path) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"\0" * (101 * 1024**2))
    files = {
        "a.docx": LETTER[:-300],
        "b.docx": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100,
        "c.docx": zipped({"hello.txt": "hi"}),
        "d.docx": bomb.getvalue(),
        "e.docx": word(""),
        "~$f.docx": b"lock",
        "g.docx": LETTER,
        "h.odt": zipped({"mimetype": "x"}),
    }
    log = ReadLog()
    assert len(read_with(READER, write_folder(tmp_path / "a", files), log=log)) == 1
    said = [str(problem).removeprefix(f"{tmp_path}/a/") for problem in log.problems]
    assert [line.split(" (")[0].split(".")[0] for line in said] == ["a", "b", "c", "d", "h"]
    assert "damaged" in said[0]
    assert "encrypted, or Word's format of before 2007" in said[1]
    assert "zip bomb" in said[3]
    assert dict(log.passed_over) == {"empty": 1}


def test_a_journal_stays_one(tmp_path: Path) -> None:
    (found,) = documents(read_with(READER, write_folder(tmp_path, {"my diary/a.docx": LETTER})))
    assert found.source == "journal"


def test_zip_folder_and_file_say_the_same(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "a", {**FILES, "x.txt": "no"})
    expected = texts(read_with(READER, folder))
    assert len(expected) == 2
    assert texts(read_with(READER, write_zip(tmp_path / "a.zip", FILES))) == expected
    assert texts(read_with(READER, folder / "letter.docx")) == [BODY]
    assert claimed(READER, tree_of(folder / "x.txt", print)) == []


def test_damage_is_survived(tmp_path: Path) -> None:
    survives_damage(READER, FILES, tmp_path, FEW)


@pytest.mark.slow
def test_much_damage_is_survived(tmp_path: Path) -> None:
    for name, content in FILES.items():
        survives_damage(READER, {name: content}, tmp_path / name, MANY // len(FILES))


def test_an_interview_in_word_is_one(tmp_path: Path) -> None:
    said = [
        ("Interviewer", "Where did you learn to bake?"),
        ("Ann", "At my uncle's, before I could see over the table."),
    ] * 4
    body = "".join(f"<w:p><w:r><w:t>{who}: {what}</w:t></w:r></w:p>" for who, what in said)
    write_folder(tmp_path, {"a.docx": word(body, title="A talk")})
    found = messages(read_with(READER, tmp_path))
    assert [(each.author, each.text) for each in found] == said
    assert {(each.title, each.source, each.thread) for each in found} == {
        ("A talk", "interviews", found[0].chat)
    }
