"""An Ollama Modelfile writes a conversation as the twin was trained to read it."""

import re
from pathlib import Path
from typing import Any

import pytest

from align.errors import UserError
from align.export.modelfile import go_template, modelfile
from align.export.template_turns import turns_of
from align.models.chat_template import render_prompt
from tests.export.go_templates import evaluate
from tests.tiny import tiny_tokenizer

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# The last user's message holds the system's, as in Mistral's third version.
MISTRAL = (
    "{% if messages[0]['role'] == 'system' %}{% set system = messages[0]['content'] %}"
    "{% set rest = messages[1:] %}{% else %}{% set rest = messages %}{% endif %}{{ bos_token }}"
    "{% for message in rest %}{% if message['role'] == 'user' %}[INST] "
    "{% if loop.last and system is defined %}{{ system + '\n\n' }}{% endif %}"
    "{{ message['content'] }}[/INST]{% else %} {{ message['content'] }}<|im_end|>{% endif %}"
    "{% endfor %}"
)
# Words that every tokenizer has, for a base that was never chat-tuned.
PLAIN = (
    "{% for message in messages %}{% if message['role'] == 'assistant' %}Answer: "
    "{{ message['content'] }}<|im_end|>\n{% else %}{{ message['role'] }}: {{ message['content'] }}"
    "\n\n{% endif %}{% endfor %}{% if add_generation_prompt %}Answer: {% endif %}"
)


def packaged(name: str) -> str:
    import trl

    return (Path(trl.__file__).parent / "chat_templates" / f"{name}.jinja").read_text()


TEMPLATES = {
    "chatml": lambda: CHATML,
    "mistral": lambda: MISTRAL,
    "plain": lambda: PLAIN,
    **{
        name: lambda name=name: packaged(name)
        for name in ("llama3", "llama3_1", "llama3_2", "gemma", "gemma3", "qwen2_5", "qwen3")
    },
}
TURNS = [
    {"role": "user", "content": "Did you finish the book?"},
    {"role": "assistant", "content": "Almost.\n\nTwo chapters."},
    {"role": "user", "content": "Is it “worth” it?"},
    {"role": "assistant", "content": "Yes: for the weather alone"},
    {"role": "user", "content": "Lend it to me?"},
]
SYSTEM = {"role": "system", "content": "Be brief.\nBe kind."}


def tokenizer_with(template: str) -> Any:
    tokenizer = tiny_tokenizer()
    tokenizer.add_special_tokens({"bos_token": "<|bos|>"})
    tokenizer.add_special_tokens({"additional_special_tokens": stops_in(template)})
    tokenizer.chat_template = template
    return tokenizer


def stops_in(template: str) -> list[str]:
    known = ("<|eot_id|>", "<end_of_turn>", "<|start_header_id|>", "<start_of_turn>")
    return [token for token in known if token in template]


def as_ollama(messages: list[dict[str, str]]) -> dict[str, Any]:
    system = "\n\n".join(m["content"] for m in messages if m["role"] == "system")
    turns = [{"Role": m["role"], "Content": m["content"]} for m in messages]
    return {"Messages": turns, "System": system}


@pytest.mark.parametrize("name", TEMPLATES)
def test_it_writes_what_the_twin_was_trained_to_read(name: str) -> None:
    tokenizer = tokenizer_with(TEMPLATES[name]())
    found = turns_of(tokenizer)
    for turns in (1, 3, 5):
        for before in ([], [SYSTEM]) if found.system else ([],):
            messages = [*before, *TURNS[:turns]]
            told = evaluate(go_template(found), as_ollama(messages))
            assert told == tokenizer.decode(render_prompt(tokenizer, messages))


def test_it_stops_where_the_template_ends_an_answer() -> None:
    tokenizer = tokenizer_with(TEMPLATES["llama3"]())
    text = modelfile(tokenizer, "./twin.gguf", {"temperature": 0.7, "max_new_tokens": 99}, [])
    assert text.startswith("FROM ./twin.gguf\n")
    assert 'PARAMETER stop "<|eot_id|>"\n' in text
    assert "PARAMETER temperature 0.7\n" in text and "PARAMETER num_predict 99\n" in text
    assert "top_p" not in text


def test_the_first_token_is_written_once() -> None:
    from tokenizers.processors import TemplateProcessing

    tokenizer = tokenizer_with(TEMPLATES["llama3"]())
    assert "<|bos|>" in modelfile(tokenizer, ".", {}, [])
    bos = tokenizer.bos_token_id
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<|bos|> $A", special_tokens=[("<|bos|>", bos)]
    )
    assert "<|bos|>" not in modelfile(tokenizer, ".", {}, [])


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{% set way = '%d' %}{% set day = strftime_now(way) %}" + CHATML, "today's date"),
        (CHATML.replace("{{ message['content'] }}", "{{ loop.index }} {{ message['content'] }}"),
         "fixed text"),
        (CHATML.replace("<|im_end|>", "{{ '}}' }}<|im_end|>"), "braces"),
    ],
)  # fmt: skip
def test_what_cannot_be_said_is_refused(template: str, why: str) -> None:
    with pytest.raises(UserError, match=re.escape(why)):
        modelfile(tokenizer_with(template), ".", {}, [])
