"""GGUF by llama.cpp's programs: stand-ins that keep its command lines, and itself where it is."""

import os
from pathlib import Path

import pytest

from align.errors import UserError
from align.export import exporting
from align.export.exporting import ExportRequest
from align.export.gguf import find_tools, quantised, sample_text
from align.models.checkpoints import resolve
from tests.export.twins import adapter_twin

CONVERTER = """
import pathlib, sys
words = sys.argv[1:]
assert words[1] == "--outfile" and words[3:] == ["--outtype", "f16"], words
assert (pathlib.Path(words[0]) / "config.json").is_file()
pathlib.Path(words[2]).write_text("f16")
"""
QUANTIZE = """#!/bin/sh
test "$(cat "$1")" = f16 && printf %s "$3" > "$2"
"""
# Says after two windows what the file's kind comes to.
PERPLEXITY = """#!/bin/sh
test "$1" = -m && test "$3" = -f && test -s "$4" || exit 1
case "$(cat "$2")" in f16) said=10.0 ;; Q8_0) said=10.1 ;; *) said=%s ;; esac
echo "[1]9.8,[2]$said,"
echo "Final estimate: PPL = $said +/- 0.5"
"""


@pytest.fixture
def tools_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "llama.cpp"
    (folder / "build" / "bin").mkdir(parents=True)
    (folder / "convert_hf_to_gguf.py").write_text(CONVERTER)
    say_perplexity(folder, "11.2")
    program(folder / "build" / "bin" / "llama-quantize", QUANTIZE)
    return folder


def program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def say_perplexity(folder: Path, value: str) -> None:
    program(folder / "build" / "bin" / "llama-perplexity", PERPLEXITY % value)


@pytest.fixture
def model(root: Path) -> Path:
    folder = root / "merged"
    folder.mkdir()
    (folder / "config.json").write_text('{"max_position_embeddings": 512}')
    return folder


def test_a_quantised_file_is_held_against_the_unquantised(model: Path, tools_folder: Path) -> None:
    done = quantised(model, "twin", "q8_0", find_tools(tools_folder), 0.1)
    assert (done.before, done.after) == (10.0, 10.1) and done.change == pytest.approx(0.01)
    assert {path.name for path in model.iterdir()} == {"config.json", "twin-q8_0.gguf"}
    assert str(done) == "twin-q8_0.gguf: perplexity 10 in f16, 10.1 in q8_0 (+1.0%)"


@pytest.mark.parametrize("value", ["11.2", "nan", "inf"])
def test_gibberish_is_not_kept(model: Path, tools_folder: Path, value: str) -> None:
    say_perplexity(tools_folder, value)
    with pytest.raises(UserError, match="may talk gibberish"):
        quantised(model, "twin", "q4_k_m", find_tools(tools_folder), 0.1)
    assert {path.name for path in model.iterdir()} == {"config.json"}


def test_a_wider_bound_keeps_it(model: Path, tools_folder: Path) -> None:
    assert quantised(model, "twin", "q4_k_m", find_tools(tools_folder), 0.2).after == 11.2


def test_f16_stays(model: Path, tools_folder: Path) -> None:
    done = quantised(model, "twin", "f16", find_tools(tools_folder), 0.1)
    assert str(done) == "twin-f16.gguf: perplexity 10" and (model / done.file).is_file()


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        ("raise NotImplementedError('BPE pre-tokenizer was not recognized - update')", "cuts text"),
        ("import not_installed_here", "pip install not_installed_here"),
        ("raise SystemExit('no such architecture')", "failed: no such architecture"),
    ],
)
def test_what_llama_cpp_refuses_is_said(
    model: Path, tools_folder: Path, failure: str, said: str
) -> None:
    (tools_folder / "convert_hf_to_gguf.py").write_text(failure)
    with pytest.raises(UserError, match=said):
        quantised(model, "twin", "q8_0", find_tools(tools_folder), 0.1)


def test_what_is_missing_is_named(
    tmp_path: Path, tools_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tools_folder / "build" / "bin" / "llama-quantize").unlink()
    with pytest.raises(UserError, match=r"llama-quantize of llama\.cpp not found in"):
        find_tools(tools_folder)
    monkeypatch.delenv("LLAMA_CPP", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        UserError, match=r"llama-perplexity of llama\.cpp not found by PATH.*--llama"
    ):
        find_tools(None)


def test_the_text_fills_several_windows(root: Path) -> None:
    assert len(sample_text().split()) > 5_000


def test_an_export_holds_the_file_and_a_modelfile_names_it(root: Path, tools_folder: Path) -> None:
    adapter_twin()
    asked = ExportRequest(
        root / "out", merge=True, gguf="q8_0", tools=find_tools(tools_folder), ollama=True
    )
    done = exporting.export(resolve("ann", "sft"), asked)
    assert done.gguf is not None and (done.folder / "twin-q8_0.gguf").is_file()
    assert (done.folder / "Modelfile").read_text().startswith("FROM ./twin-q8_0.gguf\n")


@pytest.mark.skipif(not os.environ.get("LLAMA_CPP"), reason="LLAMA_CPP names no llama.cpp")
def test_llama_cpp_itself_refuses_a_tokenizer_that_it_does_not_know(root: Path) -> None:
    adapter_twin()
    with pytest.raises(UserError, match="cuts text"):
        exporting.export(
            resolve("ann", "sft"),
            ExportRequest(root / "out", merge=True, gguf="f16", tools=find_tools(None)),
        )
