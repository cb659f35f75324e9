"""The files of a model's weights: their shards, and a hash that names the model in a folder."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

# What decides a base's answers; a model card or a licence may change.
_IDENTITY = ("config.json", "tokenizer.json", "tokenizer.model", "vocab.json", "merges.txt")
_WEIGHTS = (".safetensors", ".bin")
_WHOLE = 64 << 20
INDEX = "model.safetensors.index.json"
_SAMPLES, _SAMPLE = 256, 64 << 10


def hash_of_base(folder: Path) -> str:
    """Return a SHA-256 that names the model in a folder.

    Files up to 64 MiB count whole; of larger ones size, first MiB and 256 stretches of 64 KiB
    spread evenly, so that a base of many gigabytes takes no minute at every start. Training
    changes every stretch; a single flipped bit may be missed.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.is_file() and (path.name in _IDENTITY or path.suffix in _WEIGHTS):
            if path.name == "training_args.bin" or path.name.startswith("optimizer"):
                continue
            digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
            for chunk in stretches(path):
                digest.update(chunk)
    return digest.hexdigest()


def stretches(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes, or evenly spread samples of a large one's."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if size <= _WHOLE:
            while chunk := file.read(1 << 20):
                yield chunk
            return
        yield file.read(1 << 20)
        for at in range(_SAMPLES):
            file.seek(at * (size - _SAMPLE) // (_SAMPLES - 1))
            yield file.read(_SAMPLE)


def shards(index: Path) -> list[str]:
    """Return the names of the shards that an index lists; none where it is broken."""
    try:
        names = json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()
        return sorted({Path(str(name)).name for name in names})
    except (OSError, ValueError, KeyError, AttributeError):
        return []
