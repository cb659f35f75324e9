"""A tokenizer without transformers: tokenizer.json and the chat template, as training asks.

The command line counts and checks real rows with it in a fraction of the time that importing
transformers takes. A test holds it against transformers' own.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from align.training.prepared_run import TrainingRun

_NAMED = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token",
          "mask_token")  # fmt: skip


class LightTokenizer:
    """What `align.models.chat_template` needs of a tokenizer; without a template it has None."""

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer

        self.name_or_path = str(folder)
        self._inner = Tokenizer.from_file(str(folder / "tokenizer.json"))
        # A file of a trained tokenizer may say that it cuts or pads.
        self._inner.no_truncation()
        self._inner.no_padding()
        self._config = _json(folder / "tokenizer_config.json")
        self.chat_template = _template(folder, self._config)

    @cached_property
    def special_tokens_map(self) -> dict[str, str]:
        """Return the named special tokens: `eos_token` and the like."""
        names = {name: _content(self._config.get(name)) for name in _NAMED}
        return {name: token for name, token in names.items() if token}

    @cached_property
    def all_special_tokens(self) -> list[str]:
        """Return the special tokens that have a name, and those beside them."""
        more = self._config.get("extra_special_tokens") or []
        more = more.values() if isinstance(more, dict) else more
        tokens = [*self.special_tokens_map.values(), *filter(None, map(_content, more))]
        return list(dict.fromkeys(tokens))

    @property
    def all_special_ids(self) -> list[int]:
        """Return their ids."""
        ids = (self._inner.token_to_id(token) for token in self.all_special_tokens)
        return [number for number in ids if number is not None]

    @cached_property
    def added_tokens_decoder(self) -> dict[int, Any]:
        """Return added tokens by id; each prints as its text and says whether it is `special`."""
        return self._inner.get_added_tokens_decoder()

    @property
    def bos_token_id(self) -> int | None:
        """Return the id of the token that begins a text, where there is one."""
        token = self.special_tokens_map.get("bos_token")
        return self._inner.token_to_id(token) if token else None

    def encode(self, text: str, *, add_special_tokens: bool = False) -> list[int]:
        """Return the text's tokens."""
        return self._inner.encode(text, add_special_tokens=add_special_tokens).ids

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of tokens, special ones too."""
        return self._inner.decode(list(ids), skip_special_tokens=False)

    def apply_chat_template(
        self, messages: Sequence[dict[str, Any]], *, chat_template: str, **settings: Any
    ) -> str:
        """Return the conversation as the template writes it."""
        values = {"messages": list(messages), **self.special_tokens_map, **settings}
        return _compiled(chat_template).render(values)


def light_tokenizer(folder: Path) -> LightTokenizer | None:
    """Return a folder's tokenizer; None where it has no tokenizer.json or it can't be read."""
    if not (folder / "tokenizer.json").is_file():
        return None
    try:
        return LightTokenizer(folder)
    except Exception:  # tokenizers raises plain Exceptions of a file it does not understand
        return None


def _json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


def _content(token: Any) -> str:
    return str(token.get("content", "") if isinstance(token, dict) else token or "")


def _template(folder: Path, config: dict[str, Any]) -> str | None:
    file = folder / "chat_template.jinja"
    if file.is_file():
        return file.read_text(encoding="utf-8")
    template = config.get("chat_template")
    if isinstance(template, list):
        template = {entry["name"]: entry["template"] for entry in template}.get("default")
    return str(template) if template else None


@cache
def _compiled(template: str) -> Any:
    """Return a template in jinja as transformers has it: sandboxed, with `{% generation %}`."""
    import jinja2
    from jinja2.ext import Extension, loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """Writes what stands in `{% generation %}`; the mask is chat_template.py's own."""

        tags = {"generation"}  # noqa: RUF012

        def parse(self, parser: Any) -> Any:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return jinja2.nodes.Scope(body, lineno=line)

    def refuse(message: str) -> None:
        raise jinja2.exceptions.TemplateError(message)

    def as_json(value: Any, **settings: Any) -> str:
        return json.dumps(value, ensure_ascii=settings.pop("ensure_ascii", False), **settings)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    environment.filters["tojson"] = as_json
    environment.globals["raise_exception"] = refuse
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    return environment.from_string(template)


def tokenizer_of(run: TrainingRun) -> LightTokenizer | None:
    """Return the run's tokenizer without transformers; None where only those can make it.

    A template that a recipe gives to a base of its own is such a case, before the first SFT.
    """
    folder = run.parent.path if run.parent is not None else None
    if folder is None and run.recipe.ours.get("chat_template", "own") != "own":
        return None
    tokenizer = light_tokenizer(folder or run.base.path)
    return tokenizer if tokenizer is not None and tokenizer.chat_template else None
