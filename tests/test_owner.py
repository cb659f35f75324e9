from pathlib import Path

import pytest

from align.errors import UserError
from align.owner import load_owner, owner_file, remember_aliases, write_default_owner


def write(root: Path, text: str | bytes) -> None:
    folder = root / "data" / "ann"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "owner.yaml").write_bytes(text.encode() if isinstance(text, str) else text)


def test_an_owner_without_a_file_has_the_defaults(root: Path) -> None:
    owner = load_owner("ann-lee")
    assert (owner.name, owner.held_out, owner.aliases) == ("Ann Lee", 0.1, [])
    assert owner.level_of("messages") == "train-only"
    assert owner.level_of("journal") == "sealed"


def test_all_settings_are_read(root: Path) -> None:
    write(
        root,
        "name: Ann\naliases: [Annie]\nfacts: {'Where?': Here.}\nrubric: Dry.\nheld_out: 0.2\n"
        "privacy: {documents: sealed}\nnames: [Bob]\n",
    )
    owner = load_owner("ann")
    assert owner.facts == {"Where?": "Here."}
    assert owner.level_of("documents") == "sealed"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: Ann\nalias: [x]", "unknown key 'alias'. Did you mean 'aliases'?"),
        ("name: Ann\nheld_out: 2", "held_out: input should be less than 1"),
        ("name: 3", "name: input should be a valid string"),
        ("aliases: []", "key 'name' is missing"),
        ("name: Ann\nprivacy: {document: open}", "unknown source 'document'. Did you mean"),
        ("name: Ann\nprivacy: {documents: public}", "privacy.documents: input should be 'open'"),
        ("name: [", "owner.yaml:1: not YAML"),
        ("- name", "no settings in it"),
        ("", "no settings in it"),
        (b"name: \xff\xfe", "not UTF-8"),
        ("name: Ann\nfacts: {1: x}", "facts.1"),
    ],
)
def test_mistakes_are_one_line_that_names_the_place(
    root: Path, text: str | bytes, message: str
) -> None:
    write(root, text)
    with pytest.raises(UserError) as caught:
        load_owner("ann")
    assert str(caught.value).startswith("data/ann/owner.yaml")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_all_mistakes_are_told_at_once(root: Path) -> None:
    write(root, "nome: Ann\nheld_out: x\n")
    with pytest.raises(UserError) as caught:
        load_owner("ann")
    assert all(key in str(caught.value) for key in ("'nome'", "'name'", "held_out"))


def test_the_default_file_is_what_the_defaults_are(root: Path) -> None:
    before = load_owner("ann")
    path = write_default_owner("ann")
    assert path == owner_file("ann")
    assert load_owner("ann") == before
    path.write_text("name: Other\n")
    write_default_owner("ann")
    assert load_owner("ann").name == "Other"


def test_every_line_that_is_commented_out_is_valid(root: Path) -> None:
    path = write_default_owner("ann")
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[1], *(line.removeprefix("# ") for line in lines[2:])]))
    owner = load_owner("ann")
    assert owner.names == ["Bob"]
    assert owner.facts


@pytest.mark.parametrize(
    ("before", "line"),
    [
        (None, 'aliases: ["A. K.", "ann@x.org"]'),
        ("name: Ann # me\n# aliases: [nickname]\n", 'aliases: ["A. K.", "ann@x.org"]'),
        ("name: Ann\naliases: [Annie]\n", 'aliases: ["Annie", "A. K.", "ann@x.org"]'),
        ("name: Ann\nrubric: Dry.", 'aliases: ["A. K.", "ann@x.org"]'),
    ],
)
def test_names_that_were_said_are_kept(root: Path, before: str | None, line: str) -> None:
    if before is not None:
        write(root, before)
    write_default_owner("ann")
    assert remember_aliases("ann", ["A. K.", " ann@x.org ", "ann", "A. K."]) == []
    text = owner_file("ann").read_text()
    assert line in text.splitlines()
    assert "# me" in text or before is None or "# me" not in before
    assert remember_aliases("ann", ["a. k."]) == []
    assert owner_file("ann").read_text() == text


def test_aliases_that_are_written_another_way_are_left_to_the_user(root: Path) -> None:
    write(root, "name: Ann\naliases:\n  - Annie\n")
    assert remember_aliases("ann", ["A. K."]) == ["A. K."]
    assert load_owner("ann").aliases == ["Annie"]


def test_the_mix_and_thresholds_are_checked(root: Path) -> None:
    write(root, "name: Ann\nmix: {whatsap: 1}\n")
    with pytest.raises(UserError, match="Did you mean 'whatsapp'"):
        load_owner("ann")
    write(root, "name: Ann\nmix: {whatsapp: -1}\n")
    with pytest.raises(UserError, match="0 to 100"):
        load_owner("ann")
    write(root, "name: Ann\ncleaning: {shortest_word: 2}\n")
    with pytest.raises(UserError, match="unknown key"):
        load_owner("ann")
    write(root, "name: Ann\nmix: {whatsapp: 0.5, rewrite: 2.0}\nheld_out_by: chance\n")
    assert load_owner("ann").mix == {"whatsapp": 0.5, "rewrite": 2.0}


@pytest.mark.parametrize(
    "names, name",
    [
        (["Ann Oak", "annie"], "Ann Oak"),
        (["ann@x.org", "+49 30 1234", 'Zoë O\'Neil: "Z"'], 'Zoë O\'Neil: "Z"'),
        (["ann@x.org"], "Ann Marie"),
        ([], "Ann Marie"),
        (["- no", "yes"], "- no"),
    ],
)
def test_an_owner_is_called_as_they_said_first(root: Path, names: list[str], name: str) -> None:
    remember_aliases("ann-marie", names)
    assert load_owner("ann-marie").name == name
    # Said later, a name is an alias.
    remember_aliases("ann-marie", ["Later"])
    assert load_owner("ann-marie").name == name
    assert "Later" in load_owner("ann-marie").aliases
