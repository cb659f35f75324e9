"""The demo base as a model: its tokenizer and chat template, architecture, files, and samples."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

START, STOP, PAD = "<|im_start|>", "<|im_end|>", "<|pad|>"
VOCABULARY = 3072
MAX_LENGTH = 1024

# The line break after an answer's stop token stands outside the mask: the model must learn to
# stop, not what comes after.
CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{{- '<|im_start|>' + message['role'] + '\\n' -}}"
    "{%- if message['role'] == 'assistant' -%}"
    "{%- generation -%}{{- message['content'] + '<|im_end|>' -}}{%- endgeneration -%}"
    "{%- else -%}{{- message['content'] + '<|im_end|>' -}}{%- endif -%}"
    "{{- '\\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}"
)


def train_tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """Return a tokenizer trained on texts; with all 256 bytes in it, any text survives."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[START, STOP, PAD],
        show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    )
    core.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        eos_token=STOP,
        pad_token=PAD,
        additional_special_tokens=[START],
        clean_up_tokenization_spaces=False,
        model_max_length=MAX_LENGTH,
        padding_side="left",
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def base_config(tokenizer: PreTrainedTokenizerFast) -> LlamaConfig:
    """Return the architecture: a Llama of about three million parameters."""
    return LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=256,
        intermediate_size=512,
        num_hidden_layers=4,
        num_attention_heads=8,
        num_key_value_heads=4,
        max_position_embeddings=MAX_LENGTH,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.convert_tokens_to_ids(STOP),
        pad_token_id=tokenizer.convert_tokens_to_ids(PAD),
        attention_dropout=0.0,
    )


def save_base(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, out: Path) -> None:
    """Write model and tokenizer beside `out` and put them in its place."""
    out.parent.mkdir(parents=True, exist_ok=True)
    model.generation_config = GenerationConfig(
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id
    )
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as beside:
        fresh = Path(beside) / "fresh"
        stored = LlamaForCausalLM(model.config)
        stored.load_state_dict(model.state_dict())
        stored.generation_config = model.generation_config
        stored.to(torch.bfloat16).save_pretrained(fresh)
        tokenizer.save_pretrained(fresh)
        if out.exists():
            os.replace(out, Path(beside) / "old")
        os.replace(fresh, out)


def load_base(path: Path) -> tuple[LlamaForCausalLM, PreTrainedTokenizerFast]:
    """Load a base in float32, ready to sample."""
    model = LlamaForCausalLM.from_pretrained(path, dtype=torch.float32).eval()
    tokenizer = PreTrainedTokenizerFast.from_pretrained(path)
    return model, tokenizer


@torch.inference_mode()
def sample(
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    prompts: list[str],
    seed: int = 0,
    temperature: float = 1.0,
) -> list[str]:
    """Return one answer to each prompt, drawn in batches."""
    torch.manual_seed(seed)
    texts: list[str] = []
    rendered = [
        tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True
        )
        for prompt in prompts
    ]
    for start in range(0, len(rendered), 128):
        inputs = tokenizer(
            rendered[start : start + 128],
            return_tensors="pt",
            padding=True,
            padding_side="left",
            add_special_tokens=False,
            return_token_type_ids=False,
        )
        drawn = model.generate(
            **inputs,
            do_sample=temperature > 0,
            top_k=0,
            temperature=temperature or None,
            max_new_tokens=160,
        )
        answers = drawn[:, inputs["input_ids"].shape[1] :]
        texts += tokenizer.batch_decode(answers, skip_special_tokens=True)
    return texts
