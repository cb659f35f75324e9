"""Write the model of a GGUF file out as an ordinary folder, in a process of its own.

python -m align.models.gguf_conversion FILE FOLDER '{"kind": "gguf"}'
"""

import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from align.console import size_words
from align.files import free_disk
from align.models.hub import first_line
from align.models.written_bases import SOURCE

_SURROUNDINGS = ("transformers_version", "_name_or_path", "_model_name_or_path")
_PLAIN = ("F32", "F16", "BF16")
# Tokenizer, template and configuration, at most.
_BESIDE = 30_000_000


def convert(file: Path, folder: Path, source: dict[str, Any]) -> None:
    """Write a GGUF's weights in bfloat16, its tokenizer, its chat template, and `source`.

    Raises:
        ValueError: It can't be read, its architecture is unknown, or the disk is too small.
    """
    weights, licence = _contents(file, folder)
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    # Left to itself it keeps weights packed where the machine has kernels for that.
    model = AutoModelForCausalLM.from_pretrained(
        file.parent,
        gguf_file=file.name,
        dtype=torch.bfloat16,
        quantization_config=GgufConfig(dequantize=True),
    )
    # What was read may say of itself that it is quantised, and could not be saved.
    vars(model.config).pop("quantization_config", None)
    model.hf_quantizer, model.is_quantized = None, False
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    for name in ("config.json", "generation_config.json"):
        _without_surroundings(folder / name)
    said = {**source, "weights": weights}
    if licence and "licence" not in said:
        said["licence"] = licence
    (folder / SOURCE).write_text(json.dumps(said, indent=2, ensure_ascii=False) + "\n")


def _contents(file: Path, folder: Path) -> tuple[str, str | None]:
    """Return what the weights are, in words, and the licence that the file names."""
    from gguf import GGUFReader

    reader = GGUFReader(file)
    counts: Counter[str] = Counter()
    for tensor in reader.tensors:
        counts[tensor.tensor_type.name] += int(tensor.n_elements)
    needed, free = 2 * counts.total() + _BESIDE, free_disk(folder)
    if needed > free:
        raise ValueError(f"it needs {size_words(needed)} of disk, and {size_words(free)} are free")
    licence = reader.get_field("general.license")
    kind = counts.most_common(1)[0][0] if counts else "no"
    verb = "as" if kind in _PLAIN else "written out as"
    return f"{kind} values {verb} bfloat16", str(licence.contents()) if licence else None


def _without_surroundings(file: Path) -> None:
    """Take out which version wrote a file: the same GGUF gives the same base anywhere."""
    if file.is_file():
        values = json.loads(file.read_text(encoding="utf-8"))
        values = {key: value for key, value in values.items() if key not in _SURROUNDINGS}
        file.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> int:
    """Convert what the command line names; say one line where that fails."""
    file, folder, source = sys.argv[1:]
    try:
        convert(Path(file), Path(folder), json.loads(source))
    except Exception as error:  # the readers raise many kinds; each means: not this file
        if os.environ.get("SOUNDALIKE_DEBUG"):
            raise
        print(first_line(error), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
