import io
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from align.errors import UserError
from align.ingest.detection import detect
from align.ingest.reader import ReadLog
from align.ingest.tree import BOMB_BYTES, LINE, Tree, ZipTree, origin_of, suffix_of, tree_of, zip_in
from tests.ingest.source_trees import write_folder, write_zip


def names_and_problems(path: Path) -> tuple[tuple[str, ...], list[str]]:
    log = ReadLog()
    tree = tree_of(path, log.problem)
    return tree.names, [problem.what for problem in log.problems]


def test_a_folder_a_zip_and_a_file_are_read_alike(tmp_path: Path) -> None:
    files = {"a/b.txt": "one", "c.txt": "two"}
    for path in (write_folder(tmp_path / "f", files), write_zip(tmp_path / "z.zip", files)):
        tree = tree_of(path, ReadLog().problem)
        assert tree.names == ("a/b.txt", "c.txt")
        assert (tree.text_of("a/b.txt"), tree.size("c.txt")) == ("one", 3)
    tree = tree_of(tmp_path / "f" / "c.txt", ReadLog().problem)
    assert (tree.names, tree.text_of("c.txt")) == (("c.txt",), "two")


def test_hidden_files_and_what_a_mac_adds_are_passed_over(tmp_path: Path) -> None:
    files = {".obsidian/app.json": "{}", "a.md": "x", ".DS_Store": "x", "__MACOSX/a.md": "x"}
    assert tree_of(write_folder(tmp_path / "f", files), ReadLog().problem).names == (
        "__MACOSX/a.md",
        "a.md",
    )
    assert names_and_problems(write_zip(tmp_path / "z.zip", files)) == (("a.md",), [])


@pytest.mark.parametrize("name", ["../evil.txt", "a/../../evil.txt", "/etc/evil.txt", "c:\\x.txt"])
def test_names_that_climb_out_of_a_zip_are_refused_and_the_rest_is_read(
    tmp_path: Path, name: str
) -> None:
    names, problems = names_and_problems(write_zip(tmp_path / "z.zip", {name: "x", "ok.txt": "y"}))
    assert names == ("ok.txt",)
    assert problems == ["a name that climbs out of the zip"]


def test_links_in_a_zip_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.txt")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert names_and_problems(tmp_path / "z.zip") == ((), ["a link, not a file"])


def test_a_zip_bomb_is_refused_unread(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "z.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.txt", b"\0" * (BOMB_BYTES + 1))
        archive.writestr("ok.txt", "fine")
    assert names_and_problems(tmp_path / "z.zip") == (("ok.txt",), ["packed like a zip bomb"])


def test_an_encrypted_member_is_named(tmp_path: Path) -> None:
    write_zip(tmp_path / "z.zip", {"secret.txt": "x"})
    data = bytearray((tmp_path / "z.zip").read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.index(signature) + flags
        data[at : at + 2] = struct.pack("<H", 1)
    (tmp_path / "z.zip").write_bytes(data)
    assert names_and_problems(tmp_path / "z.zip") == ((), ["encrypted"])


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 no zip", b"PK\x05\x06" + b"\0" * 10])
def test_what_is_no_zip_is_said_to_be_none(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "z.zip").write_bytes(data)
    with pytest.raises(UserError, match="not a zip, or damaged"):
        tree_of(tmp_path / "z.zip", ReadLog().problem)


def test_a_damaged_member_names_itself(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "z.zip", "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a.txt", "some words " * 100)
    data = (tmp_path / "z.zip").read_bytes().replace(b"some words ", b"sXme words ", 1)
    (tmp_path / "z.zip").write_bytes(data)
    tree = tree_of(tmp_path / "z.zip", ReadLog().problem)
    with pytest.raises(UserError, match=r"z\.zip/a\.txt: damaged"):
        tree.text_of("a.txt")
    with pytest.raises(UserError, match=r"z\.zip/a\.txt: damaged"):
        list(tree.lines_of("a.txt"))
    assert tree.head("a.txt") == b""


def test_a_zip_in_a_folder_and_in_a_zip_is_a_tree(tmp_path: Path) -> None:
    inner = write_zip(tmp_path / "inner.zip", {"a.txt": "inside"}).read_bytes()
    for path in (
        write_folder(tmp_path / "f", {"x/inner.zip": inner}),
        write_zip(tmp_path / "outer.zip", {"x/inner.zip": inner}),
    ):
        tree: Tree = tree_of(path, ReadLog().problem)
        found = zip_in(tree, "x/inner.zip", ReadLog().problem)
        assert found.text_of("a.txt") == "inside"
        assert found.place("a.txt").endswith("x/inner.zip/a.txt")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\ufeff", "\u200e", "\t"])
def test_a_break_or_a_mark_at_a_name_hides_no_zip(tmp_path: Path, end: str) -> None:
    whole = write_zip(tmp_path / "chats.zip", {f"a.txt{end}": "one", f"{end}b.txt": "two"})
    assert tree_of(whole, ReadLog().problem).names == ("a.txt", "b.txt")
    assert tree_of(Path(f"{whole}{end}"), ReadLog().problem).text_of("a.txt") == "one"
    odd = whole.rename(tmp_path / f"chats.ZIP{end}")
    assert tree_of(odd, ReadLog().problem).text_of("b.txt") == "two"
    assert suffix_of(odd.name) == ".zip"


@pytest.mark.parametrize("deep", [1, 4])
def test_zips_are_read_four_deep(tmp_path: Path, deep: int) -> None:
    files: dict[str, str | bytes] = {"a.md": "My own words of the harbour."}
    for number in range(deep):
        files = {f"{number}.zip": write_zip(tmp_path / f"{number}.zip", files).read_bytes()}
    [detected] = detect([write_folder(tmp_path / "f", files)], ReadLog())
    assert detected.inputs.tree.text_of("a.md") == "My own words of the harbour."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_lines_come_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    lines = ["Grüße aus Köln", "", "second line", "third"]
    (tmp_path / "a.txt").write_bytes("\r\n".join(lines).encode(encoding))
    tree = tree_of(tmp_path / "a.txt", ReadLog().problem)
    assert [line.lstrip("\ufeff") for line in tree.lines_of("a.txt")] == lines


def test_a_line_of_a_hundred_megabytes_takes_no_memory(tmp_path: Path) -> None:
    with (tmp_path / "a.txt").open("wb") as file:
        file.write(b"first\n")
        for _ in range(100):
            file.write(b"x" * 1024**2)
        file.write(b"\nlast\n")
    tree = tree_of(tmp_path / "a.txt", ReadLog().problem)
    assert [len(line) for line in tree.lines_of("a.txt")] == [5, LINE, 4]


def test_binary_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(bytes(range(256)) * 40)
    tree = tree_of(tmp_path / "a.txt", ReadLog().problem)
    with pytest.raises(UserError, match="binary"):
        tree.text_of("a.txt")
    with pytest.raises(UserError, match="binary"):
        list(tree.lines_of("a.txt"))


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file or folder"):
        tree_of(tmp_path / "nothing", ReadLog().problem)


def test_an_origin_is_the_same_on_machines_that_keep_files_in_one_place(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (root / "data" / "demo").mkdir(parents=True, exist_ok=True)
    assert origin_of(root / "data" / "demo" / "a.md") == "data/demo/a.md"
    assert origin_of(tmp_path / "home" / "w" / "a.md") == "~/w/a.md"
    assert origin_of(Path("/elsewhere/a.md")) == "/elsewhere/a.md"
    monkeypatch.chdir(root)
    assert origin_of(Path("data/demo/../demo/a.md")) == "data/demo/a.md"


def test_a_meter_is_told_of_every_byte(tmp_path: Path) -> None:
    write_zip(tmp_path / "z.zip", {"a.txt": "word " * 5000})
    tree = ZipTree(tmp_path / "z.zip", "z", "z", ReadLog().problem)
    told: list[int] = []
    tree.meter = told.append
    assert len(list(tree.lines_of("a.txt"))) == 1
    assert sum(told) >= 25_000
    with tree.open("a.txt") as file:
        assert io.BytesIO(file.read()).getvalue() == b"word " * 5000
