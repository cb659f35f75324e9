"""What an export was asked for, and what it came to."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from align.export.agreement import Agreement
from align.export.gguf import Quantised, Tools


@dataclass(frozen=True)
class Asked:
    """What is to be exported, and how.

    Attributes:
        out: The folder to be made.
        merge: One model, rather than the adapter.
        dtype: Of the merged weights; what the base is stored in where None.
        shard: Size of a file at most, as in `5GB`.
        force: Replace an export that lies there.
        name: Whether the owner's name may stand in it.
        ollama: Whether to write a Modelfile.
        gguf: `f16`, `q8_0` or `q4_k_m`; None for no GGUF.
        tools: llama.cpp, where `gguf` is asked for.
        bound: By what share perplexity may rise when the weights are quantised.
        scorecard: `matches` and `measures` of a scorecard that the twin is in.
    """

    out: Path
    merge: bool = False
    dtype: str | None = None
    shard: str = "5GB"
    force: bool = False
    name: bool = False
    ollama: bool = False
    gguf: str | None = None
    tools: Tools | None = None
    bound: float = 0.1
    scorecard: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Exported:
    """What was exported.

    Attributes:
        folder: Where it lies.
        kind: `merged`, `full` or `adapter`.
        dtype: Of the weights.
        agreement: How near it is to the twin; None for an adapter, which is copied.
        gguf: How the quantised file did; None where none was asked for.
        left_out: What was asked for and is not there, each with its reason.
    """

    folder: Path
    kind: str
    dtype: str
    agreement: Agreement | None = None
    gguf: Quantised | None = None
    left_out: tuple[str, ...] = ()
