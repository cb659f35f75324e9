import io
import json
import random
from pathlib import Path

import pytest

from align.ingest.formats.json_data import Mended, json_head, json_items
from align.ingest.reader import Inputs, ReadLog
from align.ingest.tree import tree_of


def items_of(path: Path, prefix: str = "item", log: ReadLog | None = None) -> list[object]:
    told = log or ReadLog()
    tree = tree_of(path, told.problem)
    found = list(json_items(Inputs(tree, tree.names), tree.names[0], prefix, told))
    assert log is not None or not told.problems, [str(problem) for problem in told.problems]
    return found


def write(folder: Path, data: bytes) -> Path:
    path = folder / "list.json"
    path.write_bytes(data)
    return path


def test_items_of_a_list_and_of_a_list_inside_come_one_by_one(tmp_path: Path) -> None:
    path = write(tmp_path, b'{"list": [{"a": 1}, "b", [2.5], null]}')
    assert items_of(path, "list.item") == [{"a": 1}, "b", [2.5], None]
    assert items_of(path, "nothing.item") == []


def test_what_stands_before_a_cut_is_taken_and_the_place_is_told(tmp_path: Path) -> None:
    log = ReadLog()
    path = write(tmp_path, b'[{"a": 1}, {"a": 2}, {"a":')
    assert items_of(path, log=log) == [{"a": 1}, {"a": 2}]
    [problem] = log.problems
    assert str(path) in str(problem) and "after 2 items" in str(problem)


def test_an_empty_file_is_a_problem_and_no_traceback(tmp_path: Path) -> None:
    log = ReadLog()
    assert items_of(write(tmp_path, b""), log=log) == []
    assert len(log.problems) == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_any_encoding_of_unicode_is_read(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path, '[{"name": "Zoë 😀", "more": "plain text"}]'.encode(encoding))
    assert items_of(path) == [{"name": "Zoë 😀", "more": "plain text"}]


def test_a_byte_that_is_no_text_costs_one_letter(tmp_path: Path) -> None:
    path = write(tmp_path, b'["a\xffb", "c\xed\xa0\x80d", "e"]')
    found = items_of(path)
    assert found[0] == "a\ufffdb" and found[2] == "e"


def test_halves_of_surrogate_pairs_are_replaced_and_pairs_are_kept(tmp_path: Path) -> None:
    path = write(tmp_path, rb'["\ud83d\ude00", "\ude00 low", "\ud83d high", "\\ud83d", "end"]')
    assert items_of(path) == ["😀", "\ufffd low", "\ufffd high", "\\ud83d", "end"]


def test_control_characters_as_telegram_writes_them_are_read(tmp_path: Path) -> None:
    path = write(tmp_path, rb'["a\x1Bb", "path c:\\x1B", "\"\x07\""]')
    assert items_of(path) == ["a\x1bb", "path c:\\x1B", '"\x07"']


def whole(mended: Mended, size: int) -> bytes:
    pieces = []
    while piece := mended.read(size):
        pieces.append(piece)
    return b"".join(pieces)


def test_chunks_may_end_anywhere() -> None:
    plain = ["\\", '\\\\"', "\x1b", "😀", "\\ud83d", "tab\t", "ä\\x1b", "\\" * 9]
    text = json.dumps(plain * 3, ensure_ascii=True).encode()
    text = text.replace(rb"\u001b", rb"\x1B")
    for size in range(1, 40):
        mended = Mended(io.BytesIO(text))
        assert json.loads(whole(mended, size)) == plain * 3, size


def test_rows_of_backslashes_of_any_length_are_left_alone() -> None:
    chance = random.Random(4)
    for _ in range(300):
        plain = "".join(chance.choice(["\\", "x1B", "ud83d", "😀", "\x1b", "a"]) for _ in range(12))
        text = json.dumps([plain]).encode().replace(rb"\u001b", rb"\x1B")
        # An escaped backslash before x1B looks like an escape, and is none.
        mended = Mended(io.BytesIO(text))
        size = chance.randrange(1, 20)
        assert json.loads(whole(mended, size)) == [plain]


def test_a_head_is_read_no_further_than_asked(tmp_path: Path) -> None:
    path = write(tmp_path, b'{"name": "Bob", "list": [1, 2, broken')
    seen: list[tuple[str, object]] = []

    def until_list(prefix: str, event: str, value: object) -> bool:
        seen.append((prefix, value))
        return prefix == "list"

    tree = tree_of(path, ReadLog().problem)
    json_head(Inputs(tree, tree.names), tree.names[0], {"name", "list"}, until_list)
    assert ("name", "Bob") in seen and seen[-1][0] == "list"


@pytest.mark.slow
def test_a_hundred_megabytes_of_backslashes_take_no_time() -> None:
    text = b'["' + b"\\" * 100_000_000 + b'"]'
    mended = Mended(io.BytesIO(text))
    assert sum(len(piece) for piece in iter(mended.read, b"")) == len(text)


@pytest.mark.parametrize("piece", [b"[", b'{"a":', b"[1,", b'[{"x": "y", "z":'])
def test_what_is_nested_without_end_takes_no_memory(tmp_path: Path, piece: bytes) -> None:
    log = ReadLog()
    path = write(tmp_path, b'[{"a": 1},' + b" " * (1 << 20) + piece * 200_000)
    assert items_of(path, log=log) == [{"a": 1}]
    [problem] = log.problems
    assert "nested too deeply" in str(problem)


def test_brackets_in_texts_are_no_nesting(tmp_path: Path) -> None:
    texts = [{"text": "[[[{ " * 400, "more": "\\[" * 9} for _ in range(2_000)]
    assert items_of(write(tmp_path, json.dumps(texts).encode())) == texts
