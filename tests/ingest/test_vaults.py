from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from align.ingest.contents import Document
from align.ingest.reader import ReadLog
from align.ingest.readers.notes import READER, read_note
from tests.ingest.source_trees import (
    FEW,
    MANY,
    documents,
    read_with,
    survives_damage,
    texts,
    write_folder,
)

VAULT_NOTE = """---
aliases: [rain]
created: 2024-05-02T08:00
tags: [weather]
---
#weather #daily/may

See [[Weather/Rain#Spring|the rain]] and [[Sun]], or [[#Below]]. ![[map.png]]

%% not for others %%
Mood:: wet
It ==poured== in #Ulm. ^a1b2c3

> [!note]- A thought
> It will end.

> [!tip]
> Bring a coat.

```dataview
LIST FROM #weather
```

```sh
if [[ -f x ]]; then echo "==a== #tag %%"; fi
```
Code is `[[kept]]`.
"""
LOGSEQ_PAGE = """title:: On bread
tags:: baking, [[slow food]]

- I bake on Sundays. #baking
  id:: 64a1b2c3-0000-4000-8000-000000000001
\t- It takes [[a day]]
\t  and a night.
\t\t- ![oven](../assets/oven.png)
\t\t- DONE [#A] buy flour
\t\t  SCHEDULED: <2024-05-01 Wed>
\t\t  :LOGBOOK:
\t\t  CLOCK: [2024-05-01 Wed 10:00]
\t\t  :END:
\t- ((64a1b2c3-0000-4000-8000-000000000001))
- {{query (and [[bread]] {{today}})}}
- As I said, [this](((64a1b2c3-0000-4000-8000-000000000001))) is ^^slow^^.
- template:: form
\t- never written
-
- #[[slow food]] is food.
"""
FILES = {"vault/Rain.md": VAULT_NOTE, "graph/pages/On%2Fbread.md": LOGSEQ_PAGE}


def test_a_note_of_obsidian_is_plain_markdown(root: Path) -> None:
    (found,) = documents(read_with(READER, write_folder(root / "m", {"Rain.md": VAULT_NOTE})))
    raw = VAULT_NOTE.split("---\n")[2].strip()
    assert found == Document(
        "m/Rain.md",
        "See the rain and Sun, or Below.\n\nIt poured in Ulm.\n\nA thought\nIt will end.\n\n"
        'Bring a coat.\n\n```sh\nif [[ -f x ]]; then echo "==a== #tag %%"; fi\n```\n'
        "Code is `[[kept]]`.",
        "Rain",
        datetime(2024, 5, 2, 8),
        raw=raw,
    )


def test_a_page_of_logseq_is_plain_markdown(root: Path) -> None:
    path = write_folder(root / "m", {"pages/On%2Fbread.md": LOGSEQ_PAGE})
    (found,) = documents(read_with(READER, path))
    assert found == Document(
        "m/pages/On%2Fbread.md",
        "I bake on Sundays. baking\n\n- It takes a day\n  and a night.\n  - buy flour\n\n"
        "As I said, this is slow.\n\nslow food is food.",
        "On bread",
        raw=LOGSEQ_PAGE.strip(),
    )


def test_a_day_of_logseq_is_a_journal(tmp_path: Path) -> None:
    files = {"journals/2024_05_01.md": "- Rain.\n\t- More rain.\n-", "pages/a___b.md": "- One.\n"}
    files |= {
        "logseq/config.edn": "{}",
        "logseq/bak/pages/old.md": "- Old.",
        "pages/c.md": "Plain.",
    }
    log = ReadLog()
    found = documents(read_with(READER, write_folder(tmp_path / "g", files), log=log))
    assert [(d.text, d.title, d.source, d.time) for d in found] == [
        ("Rain.\n\n- More rain.", None, "journal", datetime(2024, 5, 1)),
        ("One.", "A b", None, None),
        ("Plain.", "C", None, None),
    ]
    assert dict(log.passed_over) == {"a copy that Logseq keeps": 1}


def test_text_without_such_markup_is_left_as_it_is() -> None:
    body = (
        "- a list\n- of things\n\n#hashtag here. Note:: this. 100%% sure, a == b. x^2 ^note\n\n1. x"
    )
    found = read_note(body, "posts/a.md")
    assert found is not None
    assert (found.text, found.raw) == (body, None)
    code = "Look:\n\n```sh\n[[ -f x ]]\n```\n\n#hashtag"
    found = read_note(code, "posts/a.md")
    assert found is not None
    assert (found.text, found.raw) == (code, None)


def test_templates_are_passed_over(tmp_path: Path) -> None:
    files = {"Templates/day.md": "# {{date}}\n\nMood:", "templates/essay.md": "On templates."}
    log = ReadLog()
    assert texts(read_with(READER, write_folder(tmp_path, files), log=log)) == ["On templates."]
    assert dict(log.passed_over) == {"a template for notes": 1}


def test_pages_saved_from_the_web_are_not_the_owners(tmp_path: Path) -> None:
    head = (
        "---\nsource: https://blog.example/x\nauthor:\n  - '[[Bob Reed]]'\ntags: [clippings]\n---\n"
    )
    (found,) = documents(read_with(READER, write_folder(tmp_path, {"a.md": head + "His words."})))
    assert (found.author, found.is_owner, found.reason) == ("Bob Reed", False, "forwarded")
    found_own = read_note("---\nurl: https://mine.example/x\nauthor: Ann\n---\nMine.", "a.md")
    assert found_own is not None
    assert (found_own.author, found_own.is_owner, found_own.reason) == ("", None, None)


@settings(max_examples=300)
@given(
    st.lists(
        st.sampled_from(
            ["- ", "\t", "  ", "\n", "[[", "]]", "((", "%%", "> [!a]", "::", "#", "a", "```",
             "---\n", "{{", "}}", "title:: x", "==", "^", "|", "![["]
        ),
        max_size=60,
    )
)  # fmt: skip
def test_any_mix_of_markup_becomes_a_document_or_nothing(parts: list[str]) -> None:
    for origin in ("vault/a.md", "graph/journals/2024_05_01.md"):
        found = read_note("".join(parts), origin, in_graph=True)
        assert found is None or found.text.strip()


def test_damage_is_survived(tmp_path: Path) -> None:
    survives_damage(READER, FILES, tmp_path, FEW)


@pytest.mark.slow
def test_much_damage_is_survived(tmp_path: Path) -> None:
    for name, content in FILES.items():
        folder = tmp_path / name.replace("/", "-")
        survives_damage(READER, {name: content}, folder, MANY // len(FILES))
