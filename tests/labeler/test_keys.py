"""Keys: the defaults, owner.yaml, clashes, and mistakes that name their place."""

import sys
from pathlib import Path

import pytest

from align.errors import UserError
from align.paths import owner_dir
from labeler.keys import ACTIONS, Keys, keys_of, parse_keys


def write_owner(text: str) -> Path:
    path = owner_dir("ann") / "owner.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_no_default_key_does_two_things():
    keys = [key for action in ACTIONS for key in action.keys]
    assert len(keys) == len(set(keys))
    Keys()


def test_a_key_of_owner_yaml_replaces_the_defaults_of_its_action(root: Path):
    write_owner('name: Ann\nkeys:\n  left: h\n  neither: ["0", down]\n')
    keys = keys_of("ann")
    assert keys.action("h", "h") == "left" and keys.action("left", None) is None
    assert keys.action("0", "0") == "neither" and keys.action("down", None) == "neither"
    assert keys.shown("left") == "h"


def test_capslock_does_not_mute_the_keys():
    assert Keys().action("A", "A") == "left"
    both = Keys({"focus": ("N",), "neither": ("n",)})
    assert both.action("N", "N") == "focus" and both.action("n", "n") == "neither"


@pytest.mark.parametrize("key", ["h", "1", "4", "S", "shift+left", "shift+space"])
def test_a_key_that_came_later_is_the_owner_s_where_they_have_given_it_away(key: str):
    keys = Keys({"both": (key,)})
    assert keys.action(key, key if len(key) == 1 else None) == "both"
    assert [name for name, of in keys.of.items() if key in of] == ["both"]


def test_how_clear_it_is_stands_on_a_row_of_numbers_too():
    keys = Keys()
    assert [keys.action(n, n) for n in "1234"] == ["clearly_left", "left", "right", "clearly_right"]
    assert keys.action("shift+left", None) == "clearly_left"
    assert keys.action("shift+space", " ") == "skip_because"
    assert keys.action("S", "S") == "skip_because" and keys.action("s", "s") == "skip"


def test_words_and_characters_are_found_by_what_the_terminal_sends():
    keys = Keys()
    assert keys.action("space", " ") == "skip"
    assert keys.action("equals_sign", "=") == "both"
    assert keys.action("question_mark", "?") == "help"
    assert keys.action("backspace", "\x7f") == "undo"
    assert keys.action("z", "z") is None


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"left": "b"}, "'b' is both 'left' and 'right'"),
        ({"lefft": "h"}, "nothing is called 'lefft'. Did you mean 'left'?"),
        ({"left": "hyper"}, "there is no key 'hyper'"),
        ({"left": False}, "left: False is no key"),
        ({"left": [""]}, "left: '' is no key"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_place(said: dict[str, object], wrong: str):
    with pytest.raises(UserError) as error:
        parse_keys(said, "data/ann/owner.yaml")
    assert str(error.value).startswith("data/ann/owner.yaml: keys: ") and wrong in str(error.value)


def test_an_unquoted_n_is_explained(root: Path):
    write_owner("name: Ann\nkeys:\n  neither: [no]\n")
    with pytest.raises(UserError, match=r"keys.*quotes"):
        keys_of("ann")


def test_owners_without_keys_wait_for_no_yaml(root: Path):
    write_owner("name: Ann\n")
    for name in [name for name in sys.modules if name.startswith("align.owner")]:
        del sys.modules[name]
    assert keys_of("ann").of == Keys().of
    assert "align.owner" not in sys.modules
