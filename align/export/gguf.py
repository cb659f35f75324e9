"""GGUF through llama.cpp: converted, quantised, and held against the unquantised file.

A model in four bits that talks gibberish is a known failure, and one that no error shows: so the
perplexity of both files is taken on the same text, which is the project's own and not the owner's.
"""

import json
import math
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from align.console import say
from align.conversations.prompts import bundled_file
from align.errors import UserError
from align.files import read_jsonl

KINDS = ("f16", "q8_0", "q4_k_m")
_CONVERTER = "convert_hf_to_gguf.py"
_ESTIMATE = re.compile(r"Final estimate: PPL = (\S+?)(?: \+/-|\s|$)")
# Long enough for a handful of windows, and no more than minutes of a CPU's time for 8B.
_CONTEXT, _WINDOWS = 512, 8


@dataclass(frozen=True)
class Tools:
    """llama.cpp's programs on this machine."""

    converter: Path
    quantize: Path
    perplexity: Path


@dataclass(frozen=True)
class Quantised:
    """A GGUF file and how it did; `before` and `after` are perplexities, equal for f16."""

    file: str
    kind: str
    before: float
    after: float

    @property
    def change(self) -> float:
        """Return by what share perplexity rose (below 0: it fell)."""
        return self.after / self.before - 1

    def __str__(self) -> str:
        """Say it in one line."""
        if self.kind == "f16":
            return f"{self.file}: perplexity {self.before:.4g}"
        return (
            f"{self.file}: perplexity {self.before:.4g} in f16, {self.after:.4g} in {self.kind} "
            f"({self.change:+.1%})"
        )


def find_tools(folder: Path | None) -> Tools:
    """Return llama.cpp's converter and programs.

    They are looked for in the folder (a checkout, or an installation), in that of LLAMA_CPP, and by
    PATH. UserError: one of them is missing; says which and how to install it.
    """
    root = folder or (Path(os.environ["LLAMA_CPP"]) if os.environ.get("LLAMA_CPP") else None)
    paths = {name: _find(name, root) for name in (_CONVERTER, "llama-quantize", "llama-perplexity")}
    missing = [name for name, path in paths.items() if path is None]
    if missing:
        raise UserError(
            "--gguf",
            f"{', '.join(missing)} of llama.cpp not found {f'in {root}' if root else 'by PATH'}",
            "Install llama.cpp (git clone https://github.com/ggml-org/llama.cpp; cmake -B build; "
            "cmake --build build -t llama-quantize llama-perplexity), then name its folder: "
            "--llama-cpp DIR",
        )
    return Tools(*(path for path in paths.values() if path is not None))


def quantised(model: Path, name: str, kind: str, tools: Tools, bound: float) -> Quantised:
    """Write `<name>-<kind>.gguf` into a merged model's folder, and return how it did.

    `bound` is by what share perplexity may rise.

    Raises:
        UserError: llama.cpp fails, or perplexity rose by more: no file is left then.
    """
    whole, file = model / f"{name}-f16.gguf", model / f"{name}-{kind}.gguf"
    text = model / ".perplexity.txt"
    text.write_text(sample_text(), encoding="utf-8")
    context = min(_CONTEXT, _positions(model))
    try:
        say("gguf: converting")
        _run(sys.executable, tools.converter, model, "--outfile", whole, "--outtype", "f16")
        before = _perplexity(tools, whole, text, context)
        if kind == "f16":
            return _checked(Quantised(file.name, kind, before, before), bound)
        say(f"gguf: quantising to {kind}")
        _run(tools.quantize, whole, file, kind.upper())
        after = _perplexity(tools, file, text, context)
        return _checked(Quantised(file.name, kind, before, after), bound)
    except BaseException:
        file.unlink(missing_ok=True)
        raise
    finally:
        text.unlink()
        if kind != "f16":
            whole.unlink(missing_ok=True)


def sample_text() -> str:
    """Return the shipped text on which perplexity is taken: neutral answers, then prompts."""
    lines = []
    for file in (bundled_file().with_name("neutral.jsonl"), bundled_file()):
        for _, row in read_jsonl(file):
            turns = row.get("messages", [])
            texts = [row[key] for key in ("question", "answer", "prompt") if key in row]
            lines.append(" ".join([*texts, *(turn["content"] for turn in turns)]))
    return "\n".join(lines) + "\n"


def _checked(file: Quantised, bound: float) -> Quantised:
    """Refuse a file whose perplexity rose by more than the bound."""
    if not math.isfinite(file.after) or file.change > bound:
        raise UserError(
            file.file,
            f"not kept, it may talk gibberish: perplexity went from {file.before:.4g} in f16 to "
            f"{file.after:.4g} in {file.kind} ({file.change:+.1%}; the bound is {bound:+.0%})",
            "Try --gguf q8_0, or raise --max-perplexity-rise and read what it says before use",
        )
    return file


def _perplexity(tools: Tools, file: Path, text: Path, context: int) -> float:
    say(f"gguf: perplexity of {file.name}")
    output = _run(
        tools.perplexity, "-m", file, "-f", text, "-c", context, "--chunks", _WINDOWS, "-ngl", 0
    )
    if (estimate := _ESTIMATE.search(output)) is None:
        raise UserError(
            "llama-perplexity", "it gave no estimate", "Update llama.cpp, or report what it printed"
        )
    return float(estimate[1])


def _run(program: Path | str, *words: object) -> str:
    """Run one of llama.cpp's programs, return all it printed; UserError with its last line."""
    done = subprocess.run(
        [str(program), *map(str, words)],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    output = done.stdout + done.stderr
    if done.returncode:
        name = _CONVERTER if program == sys.executable else Path(program).name
        raise _failed(name, [line.strip() for line in output.splitlines() if line.strip()])
    return output


def _failed(name: str, lines: list[str]) -> UserError:
    if any("pre-tokenizer was not recognized" in line for line in lines):
        return UserError(
            name,
            "it does not know how this base's tokenizer cuts text, and a guess would be gibberish",
            "Export without --gguf, or grow the twin from a base that llama.cpp knows",
        )
    last = lines[-1].rstrip(".") if lines else "it said nothing"
    if module := re.search(r"No module named '(\w+)'", last):
        remedy = f"Install it: {sys.executable} -m pip install {module[1]}"
        return UserError(name, f"it needs {module[1]}", remedy)
    return UserError(name, f"failed: {last}", "Update llama.cpp, or export without --gguf")


def _positions(model: Path) -> int:
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    text = config.get("text_config", config)
    return int(text.get("max_position_embeddings") or _CONTEXT)


def _find(name: str, folder: Path | None) -> Path | None:
    if folder is None:
        path = shutil.which(name)
        return Path(path) if path else None
    places = (folder, folder / "bin", folder / "build" / "bin")
    return next((place / name for place in places if (place / name).is_file()), None)
