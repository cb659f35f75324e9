"""Find people's names in texts with a model of language, to be proposed for owner.yaml.

The libraries are no dependencies of ours: who wants them installs them. Neither is let near the
network.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from align.errors import UserError
from align.privacy.names import names_of
from align.privacy.redaction import find_spans

FINDERS = ("presidio", "gliner")
GLINER = "urchade/gliner_multi-v2.1"
# What spaCy calls its pipelines: those trained on the web, and those trained on news.
_SPACY = {"en": "en_core_web_md", "zh": "zh_core_web_md"}
_LEAST_SCORE = 0.5
# Letters that are read at once: GLiNER takes about 380 words, spaCy a million letters.
_GLINER_READS, _SPACY_READS = 1_200, 100_000


# Yields the people's names in a text, as they stand there.
NameFinder = Callable[[str], Iterable[str]]


def presidio_finder(analyzer: Any, language: str = "en") -> NameFinder:
    """Return what finds names with a presidio `AnalyzerEngine`."""

    def names_in(text: str) -> Iterator[str]:
        for piece in _pieces(text, _SPACY_READS):
            for entity in analyzer.analyze(text=piece, language=language, entities=["PERSON"]):
                if entity.score >= _LEAST_SCORE:
                    yield piece[entity.start : entity.end]

    return names_in


def gliner_finder(model: Any) -> NameFinder:
    """Return what finds names with a GLiNER model."""

    def names_in(text: str) -> Iterator[str]:
        for piece in _pieces(text, _GLINER_READS):
            for entity in model.predict_entities(piece, ["person"], threshold=_LEAST_SCORE):
                yield entity["text"]

    return names_in


def finder_of(kind: str, *, language: str = "en", model: str | None = None) -> NameFinder:
    """Return a finder of a kind of `FINDERS`, with its model loaded.

    `language` is the two-letter code of the texts', `model` the name or folder of another model: a
    spaCy pipeline, or a GLiNER model.

    Raises:
        UserError: It is not known, or not installed, or its model is not here.
    """
    if kind == "presidio":
        return presidio_finder(_presidio(language, model), language)
    if kind == "gliner":
        return gliner_finder(_gliner(model or GLINER))
    raise UserError("--with", f"{kind!r} is not known", f"Say one of: {', '.join(FINDERS)}")


def proposals(finder: NameFinder, texts: Iterable[str], listed: Iterable[str]) -> Counter[str]:
    """Return the names found in texts that no listed one covers, and in how many texts each is."""
    known = names_of(tuple(listed))
    counts: Counter[str] = Counter()
    for text in texts:
        names = {_tidied(name) for name in finder(text)}
        counts.update(
            name for name in names if name and not known.find(name) and not find_spans(name)
        )
    return counts


def _tidied(name: str) -> str:
    """Return a name without what surrounds it; nothing where it looks like none."""
    name = re.sub(r"['\u2019]s\W*$", "", " ".join(name.split())).strip(" .,;:!?\"'()[]@#*_")
    words = name.split()
    if not 1 <= len(words) <= 4 or len(name) < 2 or name.islower() or not name[0].isalpha():
        return ""
    return name


def _pieces(text: str, most: int) -> Iterator[str]:
    while len(text) > most:
        cut = max(text.rfind(" ", 1, most), text.rfind("\n", 1, most))
        cut = cut if cut > 0 else most
        yield text[:cut]
        text = text[cut:]
    yield text


def _presidio(language: str, model: str | None) -> Any:
    model = model or _SPACY.get(language, f"{language}_core_news_md")
    try:
        from presidio_analyzer import AnalyzerEngine
        from presidio_analyzer.nlp_engine import NlpEngineProvider
    except ImportError as error:
        raise _not_installed("presidio", f"pip install presidio-analyzer {_AND}{model}") from error
    # Presidio would fetch it by itself.
    if not Path(model).is_dir() and find_spec(model) is None:
        raise UserError(
            "--with presidio",
            f"the spaCy pipeline {model} is not installed",
            f"Run: .venv/bin/python -m spacy download {model}",
        )
    pipelines = [{"lang_code": language, "model_name": model}]
    provider = NlpEngineProvider({"nlp_engine_name": "spacy", "models": pipelines})
    return AnalyzerEngine(nlp_engine=provider.create_engine(), supported_languages=[language])


def _gliner(model: str) -> Any:
    try:
        from gliner import GLiNER
    except ImportError as error:
        raise _not_installed("gliner", "pip install gliner") from error
    try:
        return GLiNER.from_pretrained(model, local_files_only=True)
    except OSError as error:
        raise UserError(
            "--with gliner",
            f"the model {model} is not on this machine",
            f"Run: .venv/bin/hf download {model}",
        ) from error


_AND = "&& .venv/bin/python -m spacy download "


def _not_installed(kind: str, command: str) -> UserError:
    return UserError(f"--with {kind}", f"{kind} is not installed", f"Run: .venv/bin/{command}")
