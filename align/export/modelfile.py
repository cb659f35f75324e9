"""An Ollama Modelfile: the chat template in Go, the stops and the sampling."""

from collections.abc import Mapping, Sequence
from typing import Any

from align.errors import UserError
from align.export.template_turns import TemplateTurns, turns_of
from align.models.chat_template import stop_token

FILE = "Modelfile"


def modelfile(
    tokenizer: Any, weights: str, sampling: Mapping[str, Any], stops: Sequence[int]
) -> str:
    """Return the text of a Modelfile.

    `weights` is what FROM names, as seen from the Modelfile's folder: a GGUF file, or `.`. Of
    `sampling` (temperature, top_p, max_new_tokens) absent ones are left out. `stops` are ids that
    end an answer, besides the template's own stop token. UserError: the template can't be written
    for Ollama.
    """
    turns = turns_of(tokenizer)
    bos = tokenizer.bos_token_id
    # What runs the model puts that before every text by itself where the tokenizer does.
    start = bos is None or tokenizer("")["input_ids"][:1] != [bos]
    template = go_template(turns, start=start)
    texts = dict.fromkeys(tokenizer.decode([id]) for id in (stop_token(tokenizer), *stops))
    lines = [f"FROM {weights}", f'TEMPLATE """{template}"""']
    lines += [f'PARAMETER stop "{_quoted(text)}"' for text in texts if text]
    names = {"temperature": "temperature", "top_p": "top_p", "max_new_tokens": "num_predict"}
    lines += [f"PARAMETER {word} {sampling[key]}" for key, word in names.items() if key in sampling]
    # Ollama would add its own: 40 likeliest tokens only, and a penalty for saying a word again.
    lines += ["PARAMETER top_k 0", "PARAMETER min_p 0", "PARAMETER repeat_penalty 1"]
    return "\n".join(lines) + "\n"


def go_template(turns: TemplateTurns, *, start: bool = True) -> str:
    """Return Go's template for a conversation, in the part of the language that Ollama knows.

    With `start` it writes what comes before everything (the BOS token). UserError: the text holds
    what a Go template or a Modelfile reads as its own.
    """
    system = turns.system or ("", "")
    user = "{{ $m.Content }}"
    if turns.system_with_last:
        last = "and $.System (eq (len (slice $.Messages $i)) 1)"
        within = f"{_plain(system[0])}{{{{ $.System }}}}{_plain(system[1])}"
        user = f"{{{{ if {last} }}}}{within}{{{{ end }}}}{user}"
    branches = [("user", turns.user, user), ("assistant", turns.answer, "{{ $m.Content }}")]
    if turns.system and not turns.system_with_last:
        branches.append(("system", turns.system, "{{ $m.Content }}"))
    body = ""
    for at, (role, (before, after), inside) in enumerate(branches):
        word = "else if" if at else "if"
        body += f'{{{{ {word} eq $m.Role "{role}" }}}}{_plain(before)}{inside}{_plain(after)}'
    text = _plain(turns.start) if start else ""
    if turns.no_system:
        absent = 'ne (index .Messages 0).Role "system"'
        text += f"{{{{ if {absent} }}}}{_plain(turns.no_system)}{{{{ end }}}}"
    text += f"{{{{ range $i, $m := .Messages }}}}{body}{{{{ end }}}}{{{{ end }}}}"
    return text + _plain(turns.generation)


def _plain(text: str) -> str:
    if "{{" in text or "}}" in text or '"""' in text:
        raise UserError(
            "chat template",
            "it writes braces or quotes that a Modelfile reads as its own",
            "Serve the folder with something that reads chat_template.jinja itself",
        )
    return text


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
