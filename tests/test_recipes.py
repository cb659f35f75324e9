"""Recipes: everything wrong is said at once, and every shipped recipe parses."""

from pathlib import Path

import pytest

from align.errors import UserError
from align.recipe_keys import OURS, REFUSED
from align.recipes import known_recipes, read_recipe, recipe_path

CHECKOUT = Path(__file__).resolve().parent.parent
STAGES = ("sft", "dpo")


def problems(tmp_path: Path, text: str, stage: str = "dpo", *overrides: str) -> list[str]:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        read_recipe(path, stage, overrides)
    return [line.removeprefix(f"{path}") for line in str(caught.value).splitlines()]


def test_every_recipe_parses_and_opens_with_its_command() -> None:
    files = sorted(path for path in (CHECKOUT / "recipes").glob("**/*.yaml") if path.stem in STAGES)
    assert len(files) == 4
    for path in files:
        read_recipe(path, path.stem)
        command = path.read_text().splitlines()[0]
        assert command.startswith("# accelerate launch --config_file recipes/accelerate/")
        assert f"-m align.{path.stem} --config {path.relative_to(CHECKOUT)} --owner" in command
        config = command.split("--config_file ")[1].split()[0]
        assert (CHECKOUT / config).is_file()
    assert known_recipes("sft") == known_recipes("dpo") == ["demo", "smollm2-135m"]


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


def test_hash_knows_what_changes_the_result(tmp_path: Path) -> None:
    path = tmp_path / "dpo.yaml"
    path.write_text("beta: 0.1\n")
    plain = read_recipe(path, "dpo").hash
    assert read_recipe(path, "dpo", ["--logging_steps", "3"]).hash == plain
    assert read_recipe(path, "dpo", ["--beta", "0.2"]).hash != plain


def test_unknown_recipe_names_those_there_are() -> None:
    with pytest.raises(UserError, match="Known: demo, smollm2-135m"):
        recipe_path("dem", "sft")


def test_recipe_keys_are_those_of_the_installed_trl() -> None:
    from scripts.write_recipe_keys import TARGET, as_text

    assert TARGET.read_text() == as_text(), "run: python -m scripts.write_recipe_keys"


def test_refused_keys_are_trls_and_ours_are_not() -> None:
    import json

    keys = json.loads((CHECKOUT / "align" / "recipe_keys.json").read_text())
    known = set(keys["sft"]) | set(keys["dpo"])
    assert set(REFUSED) - known <= {"trust_remote_code"}
    assert not set(OURS) & known


def test_a_key_that_is_off_is_as_if_nobody_had_heard_of_it(root: Path) -> None:
    path = root / "sft.yaml"
    shared = "model_name_or_path: data/demo/base\nlearning_rate: 1.0e-3\n"
    hashes = []
    for said in ("document_dates: false\n", "document_dates: true\n", ""):
        path.write_text(shared + said)
        hashes.append(read_recipe(path, "sft").hash)
    assert hashes[0] != hashes[1]
    assert hashes[1] == hashes[2]
