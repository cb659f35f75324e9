import json
import os
import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from align.errors import UserError
from align.packs.bundle import MANIFEST, Manifest, open_bundle, write_bundle


def pack(path: Path, **members: bytes) -> Path:
    named = {name.replace("__", "/"): content for name, content in members.items()}
    write_bundle(path, Manifest("label", "ann", 1, "0", {}), named)
    return path


def rewrite(path: Path, change) -> Path:
    """Write the bundle again, as somebody who tampers would."""
    with zipfile.ZipFile(path) as old:
        members = {info.filename: old.read(info) for info in old.infolist()}
    infos = {name: zipfile.ZipInfo(name) for name in members}
    change(members, infos)
    with zipfile.ZipFile(path, "w") as new:
        for name, content in members.items():
            new.writestr(infos.get(name, zipfile.ZipInfo(name)), content)
    return path


def test_what_is_packed_comes_out(tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    weights.write_bytes(os.urandom(3_000_000))
    path = tmp_path / "a.pack"
    members = {"rows/pairs.jsonl": b'{"id": "p"}\n', "checkpoints/001-sft/w.safetensors": weights}
    write_bundle(path, Manifest("label", "ann", 1, "0", {}), members)
    with open_bundle(path) as bundle:
        bundle.verify()
        assert bundle.rows("rows/pairs.jsonl") == [{"id": "p"}]
        bundle.extract("checkpoints/001-sft/w.safetensors", tmp_path / "out" / "w")
        assert bundle.manifest.owner == "ann"
    assert (tmp_path / "out" / "w").read_bytes() == weights.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_same_content_is_the_same_file(tmp_path: Path) -> None:
    one = pack(tmp_path / "1", rows__a=b"x", packed__b=b"y")
    other = pack(tmp_path / "2", packed__b=b"y", rows__a=b"x")
    assert one.read_bytes() == other.read_bytes()


def test_a_failed_pack_leaves_the_old_one(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.pack", rows__a=b"x")
    before = path.read_bytes()
    with pytest.raises(FileNotFoundError):
        write_bundle(path, Manifest("label", "ann", 1, "0", {}), {"rows/a": tmp_path / "missing"})
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.pack"]


@pytest.mark.parametrize(
    "name",
    ["../evil", "rows/../../evil", "/etc/passwd", "rows/.ssh", "other/a", "rows//a", "rows/a\\b"],
)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    path = pack(tmp_path / "a.pack", rows__a=b"x")

    def change(members, infos) -> None:
        manifest = json.loads(members[MANIFEST])
        manifest["members"][name] = manifest["members"].pop("rows/a")
        members[MANIFEST] = json.dumps(manifest).encode()
        members[name] = members.pop("rows/a")

    rewrite(path, change)
    with pytest.raises(UserError, match="no name that a pack may hold"), open_bundle(path):
        pass
    with pytest.raises(ValueError, match="no name"):
        write_bundle(path, Manifest("label", "ann", 1, "0", {}), {name: b"x"})


def test_a_link_is_refused(tmp_path: Path) -> None:
    def change(_, infos) -> None:
        infos["rows/a"].external_attr = (stat.S_IFLNK | 0o777) << 16

    path = rewrite(pack(tmp_path / "a.pack", rows__a=b"/etc/passwd"), change)
    with pytest.raises(UserError, match="no name that a pack may hold"), open_bundle(path):
        pass


def test_a_changed_member_is_refused(tmp_path: Path) -> None:
    def change(members, _) -> None:
        members["rows/a"] = b"y"

    path = rewrite(pack(tmp_path / "a.pack", rows__a=b"x"), change)
    with (
        pytest.raises(UserError, match="rows/a is not what was packed"),
        open_bundle(path) as bundle,
    ):
        bundle.verify()


def test_another_size_or_member_is_refused(tmp_path: Path) -> None:
    def grow(members, _) -> None:
        members["rows/a"] = b"xx"

    def add(members, _) -> None:
        members["rows/b"] = b"x"

    for change, what in ((grow, "another size"), (add, "not those of its manifest")):
        path = rewrite(pack(tmp_path / "a.pack", rows__a=b"x"), change)
        with pytest.raises(UserError, match=what), open_bundle(path):
            pass


def test_a_pack_of_another_format_says_what_to_do(tmp_path: Path) -> None:
    def change(members, _) -> None:
        manifest = json.loads(members[MANIFEST])
        members[MANIFEST] = json.dumps({**manifest, "format": 99}).encode()

    path = rewrite(pack(tmp_path / "a.pack", rows__a=b"x"), change)
    with pytest.raises(UserError, match="Update both machines"), open_bundle(path):
        pass


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no zip at all" * 99])
def test_what_is_no_pack_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.pack"
    path.write_bytes(content)
    with pytest.raises(UserError, match="not a pack"), open_bundle(path):
        pass
    with pytest.raises(UserError, match="no such pack"), open_bundle(tmp_path / "b.pack"):
        pass


@given(st.data())
def test_a_pack_with_other_bytes_is_refused_or_whole(tmp_path_factory, data) -> None:
    path = tmp_path_factory.getbasetemp() / "flipped.pack"
    if not path.exists():
        pack(path, rows__a=b'{"id": "p"}\n', packed__b=b"y" * 50)
    whole = path.read_bytes()
    other = data.draw(st.binary(min_size=1, max_size=3))
    start = data.draw(st.integers(0, len(whole) - 1))
    path.write_bytes(whole[:start] + other + whole[start + len(other) :])
    try:
        with open_bundle(path) as bundle:
            bundle.verify()
            assert bundle.read("rows/a") == b'{"id": "p"}\n'
            assert bundle.read("packed/b") == b"y" * 50
    except UserError as error:
        assert "\n" not in str(error)
    finally:
        path.write_bytes(whole)
