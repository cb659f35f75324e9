"""Recipes: everything wrong is said at once, and every shipped recipe parses."""

import types
from pathlib import Path
from typing import Any

import pytest
import yaml

from align.errors import UserError
from align.recipe.recipe_file import Recipe, known_recipes, ladder, read_recipe, recipe_path
from align.recipe.recipe_keys import OURS, REFUSED, known_keys
from align.training.preflight import environment

CHECKOUT = Path(__file__).resolve().parents[2]
STAGES = ("sft", "dpo")


def problems(tmp_path: Path, text: str, stage: str = "dpo", *overrides: str) -> list[str]:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        read_recipe(path, stage, overrides)
    return [line.removeprefix(f"{path}") for line in str(caught.value).splitlines()]


LADDER = [
    "smollm2-135m",
    "qwen3-0.6b",
    "qwen3-1.7b",
    "gemma-3-4b",
    "llama-3.1-8b-qlora",
    "llama-3.1-8b",
]
CONTRIB = [
    "contrib/llama-3.1-8b-long",
    "contrib/llama-3.3-70b-machines",
    "contrib/llama-3.3-70b-qlora",
    "contrib/smollm2-135m-base",
]


def shipped() -> list[Recipe]:
    """Return every recipe that is shipped, as it is read."""
    found = [path for path in (CHECKOUT / "recipes").glob("**/*.yaml") if path.stem in STAGES]
    return [read_recipe(path, path.stem) for path in sorted(found)]


def bases() -> dict[str, dict[str, Any]]:
    facts: dict[str, dict[str, Any]] = yaml.safe_load(
        (CHECKOUT / "recipes" / "bases.yaml").read_text()
    )["bases"]
    return facts


def test_every_recipe_parses_and_opens_with_its_command() -> None:
    recipes = shipped()
    assert len(recipes) == 24
    for recipe in recipes:
        text = recipe.path.read_text()
        command, _, says = text.splitlines()[:3]
        assert command.startswith("# accelerate launch --config_file recipes/accelerate/")
        named = recipe.path.relative_to(CHECKOUT)
        assert f"-m align.{recipe.stage} --config {named} --owner" in command
        config = command.split("--config_file ")[1].split()[0]
        assert (CHECKOUT / config).is_file()
        assert says.startswith("# ") and len(says) > 20
        where = ("\n# Not run ", "\n# Run on ")
        assert "demo" in str(named) or any(says in text for says in where), "say where it was run"
    for stage in STAGES:
        assert known_recipes(stage) == ["demo", *LADDER, "llama-3.1-8b-full", *CONTRIB]


def test_gpu_recipes_are_watched_measured_and_kept_small() -> None:
    on_gpu = [recipe for recipe in shipped() if recipe.training.get("bf16")]
    assert len(on_gpu) == 18
    for recipe in on_gpu:
        said = recipe.values
        assert said["report_to"] == "wandb"
        assert said["eval_strategy"] in ("steps", "epoch") and said["save_total_limit"] <= 2
        # publish_best takes a save at which the held-out rows were asked.
        assert said.get("eval_steps") == said.get("save_steps")
        assert said.get("dtype") == ("bfloat16" if not recipe.is_full else None)
        assert recipe.stage == "sft" or said["precompute_ref_log_probs"]


def test_dpo_loads_the_base_as_its_sft_did() -> None:
    where = ("dtype", "load_in_4bit", "bnb_4bit_quant_type", "use_bnb_nested_quant", "use_peft")
    for name in known_recipes("sft"):
        sft, dpo = (read_recipe(recipe_path(name, stage), stage).values for stage in STAGES)
        assert {key: sft.get(key) for key in where} == {key: dpo.get(key) for key in where}
        assert "model_name_or_path" not in dpo


def test_the_ladder_climbs_by_size_and_its_bases_are_known() -> None:
    assert ladder() == LADDER
    facts = bases()
    sizes = []
    for name in known_recipes("sft"):
        base = read_recipe(recipe_path(name, "sft"), "sft").base_name or ""
        if name != "demo":
            assert facts[base]["confirmed"] and facts[base]["source"]
        if name in LADDER:
            assert name in facts[base]["recipes"]
            sizes.append(facts[base]["parameters"])
    assert sizes == sorted(sizes)


@pytest.mark.parametrize("name", bases())
def test_a_bases_shape_gives_its_parameters(name: str) -> None:
    """One embedding, or two; attention and three matrices a layer; the norms of its class."""
    facts = bases()[name]
    hidden, layers, head = (facts[key] for key in ("hidden_size", "num_hidden_layers", "head_dim"))
    heads = 2 * facts["num_attention_heads"] + 2 * facts["num_key_value_heads"]
    norms = {"llama": 2 * hidden, "qwen3": 2 * hidden + 2 * head, "gemma3": 4 * hidden + 2 * head}
    layer = hidden * head * heads + 3 * hidden * facts["intermediate_size"]
    layer += norms[facts["model_type"]]
    embeddings = facts["vocab_size"] * hidden * (1 if facts["tie_word_embeddings"] else 2)
    counted = embeddings + layers * layer + hidden
    assert counted == facts.get("language_parameters", facts["parameters"])
    assert facts["download_bytes"] > 2 * facts["parameters"]


@pytest.mark.slow
def test_trl_accepts_every_recipe(tmp_path: Path) -> None:
    from trl import DPOConfig, ModelConfig, SFTConfig

    # bf16 asks for a device that this machine may lack; what it says of wandb is not TRL's.
    here = {"output_dir": str(tmp_path), "bf16": False, "use_cpu": True, "report_to": "none"}
    for recipe in shipped():
        kind = SFTConfig if recipe.stage == "sft" else DPOConfig
        args = kind(**{**recipe.training, **here})
        assert args.learning_rate == recipe.training["learning_rate"]
        assert ModelConfig(**recipe.model).dtype == recipe.model.get("dtype", ModelConfig.dtype)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["--load_in_4bit"],
            "load_in_4bit needs bitsandbytes. Install it: .venv/bin/pip install bitsandbytes",
        ),
        (["--optim", "paged_adamw_8bit"], "optim: paged_adamw_8bit needs bitsandbytes."),
        (
            ["--attn_implementation", "flash_attention_2"],
            "needs FlashAttention. Install it: .venv/bin/pip",
        ),
        (["--attn_implementation", "kernels-community/flash-attn3"], "needs kernels. Install it"),
        (["--use_liger_kernel"], "use_liger_kernel needs liger-kernel."),
        (["--report_to", "wandb", "trackio"], "report_to: trackio needs trackio."),
    ],
)
def test_a_missing_package_is_named_with_how_to_install_it(
    words: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = read_recipe(recipe_path("demo", "sft"), "sft", words)
    monkeypatch.setattr(environment, "find_spec", lambda name: None)
    assert any(sentence in line for line in environment.missing_packages(recipe))
    monkeypatch.setattr(environment, "find_spec", lambda name: types.SimpleNamespace())
    assert environment.missing_packages(recipe) == []


def test_the_ladder_needs_extras_for_four_bits_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        environment, "find_spec", lambda name: None if name == "bitsandbytes" else name
    )
    for name in LADDER:
        for stage in STAGES:
            missing = environment.missing_packages(read_recipe(recipe_path(name, stage), stage))
            assert bool(missing) == ("qlora" in name)


def test_all_that_is_wrong_is_said_at_once_with_its_line(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        "learning_rat: 1\nbeta: [1, 2]\nnum_train_epochs: true\nbeta: 3\nenv: {A: b}\n"
        "loss_type: sigmod\nidentity: true\noutput_dir: x\nmax_length: -4\n",
        "dpo",
        "--seed",
        "zz",
        "--lerning_rate=3",
    )
    assert found == [
        ":4: key 'beta' was said in line 2 already. Keep one.",
        ":1: unknown key 'learning_rat'. Did you mean 'learning_rate'?",
        ":2: key 'beta' must be float, not [1, 2].",
        ":3: key 'num_train_epochs' must be float, not true.",
        ":5: unknown key 'env'. See docs/recipes.md.",
        ":6: key 'loss_type' can't be 'sigmod'. Did you mean 'sigmoid'?",
        ":7: key 'identity' is not for dpo. Take it out.",
        ":8: key 'output_dir' is not for recipes: a run's folder is "
        "checkpoints/<owner>/NNN-<stage>; say --owner.",
        ":9: key 'max_length' must be more than 0, not -4.",
        "--seed: key 'seed' must be int, not \"zz\".",
        "--lerning_rate: unknown key 'lerning_rate'. Did you mean 'learning_rate'?",
    ]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("beta: !!python/object/apply:os.system [ls]", "plain data"),
        ("a: [1", "not YAML"),
        ("- 1\n- 2", "not a list of"),
        ("learning_rate: .nan", "finite"),
        ("lr_scheduler_type: cosin", "Did you mean 'cosine'"),
        ("lr_scheduler_kwargs: {a: 1, a: 2}", "already"),
        ("per_device_train_batch_size: 2.5", "must be int"),
    ],
)
def test_what_is_no_plain_value_is_refused(tmp_path: Path, text: str, what: str) -> None:
    assert what in "\n".join(problems(tmp_path, text + "\n"))


def test_command_line_beats_the_file_and_numbers_are_typed(tmp_path: Path) -> None:
    path = tmp_path / "dpo.yaml"
    path.write_text("learning_rate: 5e-7\nbeta: 1\nloss_type: sigmoid\n")
    recipe = read_recipe(path, "dpo", ["--beta=.2", "--loss-type", "sigmoid", "sft", "--bf16"])
    assert recipe.training == {
        "learning_rate": 5e-7,
        "beta": 0.2,
        "loss_type": ["sigmoid", "sft"],
        "bf16": True,
    }


WITH_NO = [
    (stage, key)
    for stage in STAGES
    for key, known in known_keys(stage).items()
    if "no" in known.get("choices", ()) and key not in REFUSED
]
TEXTS = [
    (stage, key)
    for stage in STAGES
    for key, known in known_keys(stage).items()
    if "str" in known["types"] and set(known["types"]) <= {"str", "none"}
    and not known.get("choices") and key not in REFUSED and key not in OURS
]  # fmt: skip


def one_key(tmp_path: Path, stage: str, key: str, value: str) -> list[Any]:
    """Return what a key comes to in a file, and on the command line in both spellings."""
    base = "" if key == "model_name_or_path" or stage == "dpo" else "model_name_or_path: b\n"
    empty, said = tmp_path / "empty.yaml", tmp_path / "said.yaml"
    empty.write_text(base)
    said.write_text(f"{base}{key}: {value}\n")
    words: list[list[str]] = [[f"--{key}", value], [f"--{key}={value}"]]
    read = [read_recipe(said, stage), *(read_recipe(empty, stage, line) for line in words)]
    return [recipe.values[key] for recipe in read]


@pytest.mark.parametrize(("stage", "key"), WITH_NO)
@pytest.mark.parametrize("word", ["no", "No", "NO", "off", "false", "False", "'no'"])
def test_yamls_false_is_trls_no(tmp_path: Path, stage: str, key: str, word: str) -> None:
    assert {"eval_strategy", "save_strategy", "logging_strategy"} <= {name for _, name in WITH_NO}
    assert one_key(tmp_path, stage, key, word) == ["no"] * 3


@pytest.mark.parametrize("word", ["no", "off", "on", "True", "007", "12e4567", "2024-01-02", ".5"])
def test_text_is_taken_as_it_is_written(tmp_path: Path, word: str) -> None:
    for stage, key in TEXTS:
        assert one_key(tmp_path, stage, key, word) == [word] * 3


def test_texts_of_a_list_are_taken_as_they_are_written(tmp_path: Path) -> None:
    assert one_key(tmp_path, "sft", "lora_target_modules", "[on, 1, q]") == [["on", "1", "q"]] * 3
    assert one_key(tmp_path, "sft", "lora_target_modules", "off") == [["off"]] * 3
    assert one_key(tmp_path, "sft", "run_name", "null") == [None] * 3


@pytest.mark.parametrize("word", ["yes", "on", "true", "1"])
def test_what_trl_has_no_word_for_is_refused_as_it_is_written(tmp_path: Path, word: str) -> None:
    line = f"key 'eval_strategy' can't be '{word}'. Known: epoch, no, steps."
    assert problems(tmp_path, f"eval_strategy: {word}\n") == [f":1: {line}"]
    assert problems(tmp_path, "", "dpo", "--eval_strategy", word) == [f"--eval_strategy: {line}"]


def test_hash_knows_what_changes_the_result(tmp_path: Path) -> None:
    path = tmp_path / "dpo.yaml"
    path.write_text("beta: 0.1\n")
    plain = read_recipe(path, "dpo").hash
    assert read_recipe(path, "dpo", ["--logging_steps", "3"]).hash == plain
    assert read_recipe(path, "dpo", ["--beta", "0.2"]).hash != plain


def test_unknown_recipe_names_those_there_are() -> None:
    with pytest.raises(UserError, match=r"Did you mean 'demo'\? Known: demo, smollm2-135m"):
        recipe_path("dem", "sft")
    with pytest.raises(UserError, match=r"no such file: contrib/none\.yaml"):
        recipe_path("contrib/none.yaml", "sft")


def test_contrib_is_found_by_its_name_and_by_its_path() -> None:
    file = CHECKOUT / "recipes/contrib/llama-3.3-70b-qlora/dpo.yaml"
    for word in ("contrib/llama-3.3-70b-qlora", "recipes/contrib/llama-3.3-70b-qlora", str(file)):
        assert recipe_path(word, "dpo").resolve() == file


def test_recipe_keys_are_those_of_the_installed_trl() -> None:
    from scripts.write_recipe_keys import TARGET, as_text

    assert TARGET.read_text() == as_text(), "run: python -m scripts.write_recipe_keys"


def test_refused_keys_are_trls_and_ours_are_not() -> None:
    import json

    keys = json.loads((CHECKOUT / "align" / "recipe" / "recipe_keys.json").read_text())
    known = set(keys["sft"]) | set(keys["dpo"])
    assert set(REFUSED) - known <= {"trust_remote_code"}
    assert not set(OURS) & known


def test_a_key_that_is_off_is_as_if_nobody_had_heard_of_it(root: Path) -> None:
    path = root / "sft.yaml"
    shared = "model_name_or_path: data/demo/base\nlearning_rate: 1.0e-3\n"
    hashes = []
    for said in ("document_dates: false\n", "document_dates: true\n", "", "chat_template: own\n"):
        path.write_text(shared + said)
        hashes.append(read_recipe(path, "sft").hash)
    assert hashes[0] != hashes[1]
    assert hashes[1] == hashes[2] == hashes[3]


def test_the_demos_recipes_are_what_they_were_before_newer_keys() -> None:
    hashes = [read_recipe(recipe_path("demo", stage), stage).hash for stage in STAGES]
    # Anybody's finished demo would be trained anew.
    assert [one[:12] for one in hashes] == ["2f06732bfa29", "4fc11f82dfd6"]
