"""Little bases of the classes that the recipes' bases have, with their tokens and templates.

The templates are those that TRL ships, read where it is installed. Mistral's and SmolLM3's are in
no package: what stands here writes the same marks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.tiny import SENTENCES

_MISTRAL = (
    "{{ bos_token }}{% for m in messages %}"
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate') }}{% endif %}"
    "{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]"
    "{% else %} {{ m.content }}{{ eos_token }}{% endif %}{% endfor %}"
)
_SMOLLM3 = (
    "<|im_start|>system\n## Metadata\n\nToday Date: {{ strftime_now('%d %B %Y') }}\n"
    "Reasoning Mode: {{ '/think' if enable_thinking else '/no_think' }}<|im_end|>\n"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.role == 'assistant' and not enable_thinking %}<think>\n\n</think>\n{% endif %}"
    "{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if not enable_thinking %}<think>\n\n</think>\n{% endif %}{% endif %}"
)


@dataclass(frozen=True)
class Family:
    """An architecture, and what is its own about the tokens around an answer.

    Attributes:
        config: Of transformers' class, from the vocabulary's size and what all share.
        tokens: The special ones, which get the first ids.
        stop: What ends an answer.
        template: A file of TRL's, or the template itself.
        names: The tokenizer's own: `eos_token`, `pad_token`, ... as the real one has them.
        stops: Ends of an answer in generation_config.json besides the first.
        begins: Whether the tokenizer itself puts a BOS token before each text.
    """

    config: Callable[..., Any]
    tokens: tuple[str, ...]
    stop: str
    template: str
    names: dict[str, str]
    stops: tuple[str, ...] = ()
    begins: bool = False


def _gemma3(**shape: Any) -> Any:
    from transformers import Gemma3Config

    ids = {key: shape.pop(key) for key in ("eos_token_id", "pad_token_id", "bos_token_id")}
    window = {"sliding_window": 16, "layer_types": ["sliding_attention", "full_attention"]}
    vision = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
    vision |= {"num_attention_heads": 2, "image_size": 32, "patch_size": 16}
    # As google/gemma-3-4b-it: a language model beside a tower that sees.
    return Gemma3Config(
        text_config={**shape, **window, "head_dim": 8, **ids},
        vision_config=vision,
        mm_tokens_per_image=4,
        image_token_id=7,
        **ids,
    )


def _of(name: str, **more: Any) -> Callable[..., Any]:
    def config(**shape: Any) -> Any:
        import transformers

        return getattr(transformers, name)(**shape, **more)

    return config


FAMILIES = {
    "qwen3": Family(
        _of("Qwen3Config", head_dim=8, tie_word_embeddings=True),
        ("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
        "<|im_end|>",
        "qwen3.jinja",
        {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"},
        stops=("<|endoftext|>",),
    ),
    "llama": Family(
        _of("LlamaConfig"),
        ("<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>",
         "<|eom_id|>", "<|eot_id|>"),
        "<|eot_id|>",
        "llama3_1.jinja",
        {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>"},
        stops=("<|end_of_text|>", "<|eom_id|>"),
        begins=True,
    ),
    "gemma3": Family(
        _gemma3,
        ("<pad>", "<eos>", "<bos>", "<start_of_turn>", "<end_of_turn>", "<start_of_image>",
         "<end_of_image>", "<image_soft_token>"),
        "<end_of_turn>",
        "gemma3.jinja",
        {"bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>"},
        stops=("<eos>",),
        begins=True,
    ),
    "mistral": Family(
        _of("MistralConfig", sliding_window=None),
        ("<unk>", "<s>", "</s>"),
        "</s>",
        _MISTRAL,
        {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"},
        begins=True,
    ),
    "smollm3": Family(
        _of("SmolLM3Config", no_rope_layer_interval=2, tie_word_embeddings=True),
        ("<|begin_of_text|>", "<|end_of_text|>", "<|im_start|>", "<|im_end|>"),
        "<|im_end|>",
        _SMOLLM3,
        {"bos_token": "<|begin_of_text|>", "eos_token": "<|im_end|>", "pad_token": "<|im_end|>"},
    ),
}  # fmt: skip


def family_tokenizer(name: str) -> Any:
    """Return a little byte-level tokenizer with the family's special tokens and template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    family = FAMILIES[name]
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=list(family.tokens),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(SENTENCES, trainer)
    if family.begins:
        bos = family.names["bos_token"]
        bpe.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", special_tokens=[(bos, bpe.token_to_id(bos))]
        )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, **family.names)
    template = family.template
    if template.endswith(".jinja"):
        # Importing trl would take seconds.
        package = find_spec("trl")
        assert package is not None and package.origin is not None
        template = (Path(package.origin).parent / "chat_templates" / template).read_text()
    tokenizer.chat_template = template
    return tokenizer


def write_family_base(folder: Path, name: str) -> Path:
    """Write a base with random weights, loadable by plain transformers, and return its folder."""
    import torch
    from transformers import AutoModelForCausalLM

    family = FAMILIES[name]
    tokenizer = family_tokenizer(name)
    ids = tokenizer.convert_tokens_to_ids
    torch.manual_seed(0)
    config = family.config(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.generation_config.eos_token_id = [ids(token) for token in (family.stop, *family.stops)]
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
