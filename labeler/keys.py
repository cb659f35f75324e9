"""Which key does what: the defaults, what owner.yaml changes of them, and clashes.

Not Textual's bindings: its keymap silently drops a key that stands twice, and a capital letter is
another key there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from align.errors import UserError
from align.paths import owner_dir, relative_to_root


@dataclass(frozen=True)
class Action:
    """Something a key does."""

    name: str  # what owner.yaml calls it
    # Those of the default layout: a character, or a word like `left` or `pagedown`.
    keys: tuple[str, ...]
    short: str  # one or two words for the row of keys
    meaning: str  # what it does, for the help


GROUPS = {
    "Choose": (
        Action("left", ("left", "a", "2"), "left", "the left answer sounds like me"),
        Action("right", ("right", "b", "3"), "right", "the right answer sounds like me"),
        Action("clearly_left", ("shift+left", "1"), "clearly left", "the left one, clearly"),
        Action("clearly_right", ("shift+right", "4"), "clearly right", "the right one, clearly"),
        Action("both", ("up", "="), "both", "both sound like me"),
        Action("neither", ("down", "n"), "neither", "neither does"),
        Action("skip", ("space", "s"), "skip", "ask me later; no answer is kept"),
        Action("skip_because", ("shift+space", "S"), "skip, why", "the same, and say why"),
    ),
    "Back": (
        Action("history", ("h",), "history", "what you decided, to look at and to change"),
        Action("back", ("escape",), "back", "leave a past pair as it is"),
        Action("undo", ("backspace", "u"), "undo", "take the last act back, as often as you like"),
        Action("redo", ("r",), "redo", "do again what was taken back"),
    ),
    "Say more": (
        Action("rewrite", ("e",), "rewrite", "write it myself, from the focused answer or nothing"),
        Action("editor", ("x",), "in $EDITOR", "the same, in the editor that $EDITOR names"),
        Action("private", ("p",), "private", "this pair never leaves the machine; again: it may"),
        Action("note", ("m",), "note", "a note to this pair"),
        Action("facts", ("f",), "facts wrong", "mark the focused answer: facts wrong, voice right"),
        Action("voice", ("v",), "voice wrong", "mark the focused answer: voice wrong, facts right"),
    ),
    "Look": (
        Action("diff", ("d",), "diff", "show by words where the answers differ"),
        Action("focus", ("tab",), "focus", "both answers, the left, the right"),
        Action("scroll_down", ("j",), "down", "scroll a line down"),
        Action("scroll_up", ("k",), "up", "scroll a line up"),
        Action("page_down", ("pagedown",), "page down", "scroll a page down"),
        Action("page_up", ("pageup",), "page up", "scroll a page up"),
        Action("prompt", ("o",), "question", "more of a long question"),
        Action("theme", ("t",), "theme", "dark or light"),
        Action("help", ("?", "f1"), "help", "this page"),
        Action("quit", ("q",), "quit", "stop; everything is saved already"),
    ),
}
ACTIONS = tuple(action for group in GROUPS.values() for action in group)
BY_NAME = {action.name: action for action in ACTIONS}

# They came later: where an owner has given one of them to another action, it is theirs.
YIELDING = {"escape", "1", "2", "3", "4", "h", "S", "shift+left", "shift+right", "shift+space"}

WORDS = (
    "shift+left", "shift+right", "shift+space",
    "left", "right", "up", "down", "space", "backspace", "tab", "enter", "escape", "pageup",
    "pagedown", "home", "end", "insert", "delete",
    *(f"f{n}" for n in range(1, 13)),
)  # fmt: skip
_SHOWN = {
    "left": "←", "right": "→", "up": "↑", "down": "↓", "backspace": "⌫", "escape": "Esc",
    "pageup": "PgUp", "pagedown": "PgDn", "tab": "Tab", "space": "Space", "enter": "Enter",
    "shift+left": "⇧←", "shift+right": "⇧→", "shift+space": "⇧Space",
}  # fmt: skip


class Keys:
    """The keys of a session, each for one action.

    Args:
        chosen: Action to its keys, where they are not the default ones.
        where: The place that errors name.

    Raises:
        UserError: An action or a key that does not exist, or one key for two actions.
    """

    def __init__(
        self, chosen: Mapping[str, tuple[str, ...]] | None = None, where: str = "keys"
    ) -> None:
        self.of = {action.name: action.keys for action in ACTIONS}
        for name, keys in (chosen or {}).items():
            if name not in self.of:
                from difflib import get_close_matches  # only a mistake needs it

                near = get_close_matches(name, self.of, n=1)
                remedy = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(self.of)}"
                raise UserError(where, f"keys: nothing is called {name!r}", remedy)
            self.of[name] = tuple(_checked(key, where) for key in keys)
        taken = {key for name in chosen or {} for key in self.of[name]} & YIELDING
        for name in self.of.keys() - (chosen or {}).keys():
            self.of[name] = tuple(key for key in self.of[name] if key not in taken)
        self._action: dict[str, str] = {}
        for name, keys in self.of.items():
            for key in keys:
                other = self._action.setdefault(key, name)
                if other != name:
                    what = f"keys: {key!r} is both {other!r} and {name!r}"
                    raise UserError(where, what, "Give one of them another key")

    def action(self, key: str, character: str | None) -> str | None:
        """Return what a key does, None where it does nothing.

        Args:
            key: Its name, as Textual names it.
            character: What it types, None where it types nothing. A capital does what the small
                letter does, unless it has a meaning of its own: CapsLock must not mute the keys.
        """
        if character is None or not character.isprintable() or character == " ":
            return self._action.get(key)
        return self._action.get(character) or self._action.get(character.lower())

    def shown(self, name: str) -> str:
        """Return an action's first key as the screen shows it."""
        return next((shown_key(key) for key in self.of[name]), "")

    def all_shown(self, name: str) -> str:
        """Return all keys of an action as the help shows them."""
        return " ".join(shown_key(key) for key in self.of[name])


def shown_key(key: str) -> str:
    """Return a key as people read it: `left` is an arrow."""
    return _SHOWN.get(key, key)


def _checked(key: str, where: str) -> str:
    if len(key) == 1 and key.isprintable():
        return "space" if key == " " else key
    if key.lower() in WORDS:
        return key.lower()
    remedy = f"Use one character, or a word: {', '.join(WORDS)}"
    raise UserError(where, f"keys: there is no key {key!r}", remedy)


def keys_of(owner_id: str) -> Keys:
    """Return the owner's keys: the defaults, and what owner.yaml changes of them.

    Raises:
        UserError: owner.yaml makes no sense; the line names the place.
    """
    path = owner_dir(owner_id) / "owner.yaml"
    # Most owners change no key, and need not wait for what checks the whole file.
    if not path.is_file() or b"keys:" not in path.read_bytes():
        return Keys()
    from align.owner import load_owner

    return parse_keys(load_owner(owner_id).keys, relative_to_root(path))


def parse_keys(values: Mapping[str, Any], where: str) -> Keys:
    """Return the keys that stand under `keys:` in owner.yaml.

    Raises:
        UserError: A value is no key, or what `Keys` refuses.
    """
    chosen: dict[str, tuple[str, ...]] = {}
    for name, value in values.items():
        listed = value if isinstance(value, list) else [value]
        for key in listed:
            # Bare y, n, on and off are truth values in YAML.
            if isinstance(key, bool) or not isinstance(key, str | int) or key == "":
                remedy = 'Write it in quotes, like "n"'
                raise UserError(where, f"keys: {name}: {key!r} is no key", remedy)
        chosen[name] = tuple(str(key) for key in listed)
    return Keys(chosen, where)
