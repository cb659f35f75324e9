"""`align names`: other people's names, for the list in owner.yaml."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from align.console import progress, say
from align.paths import relative_to_root
from align.text.printable import printable

if TYPE_CHECKING:
    from align.owner import Owner

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Names of other people in what was read.",
)
OWNER = typer.Option(help="Whose records.")


@app.command("list")
def list_names(
    owner: Annotated[str, OWNER] = "demo",
    least: Annotated[int, typer.Option(help="Propose who wrote at least so many records.")] = 1,
) -> None:
    """List who else wrote what was read: records, name, and whether owner.yaml lists it.

    The last line can be pasted into owner.yaml; nothing is changed.
    """
    from align.owner import load_owner
    from align.store.connection import open_store
    from align.store.row_counts import other_authors

    settings = load_owner(owner)
    authors = other_authors(open_store(owner))
    missing = []
    for name, count in authors:
        state = _state(name, settings)
        if not state and count >= least:
            missing.append(name)
        print(printable(f"{count:>9,}\t{name}\t{state or 'not listed'}"))
    _propose(owner, settings, missing)


@app.command()
def find(
    owner: Annotated[str, OWNER] = "demo",
    with_: Annotated[
        str, typer.Option("--with", help="presidio or gliner, which you install.")
    ] = "presidio",
    model: Annotated[
        str | None, typer.Option(help="A spaCy pipeline, or a GLiNER model, by name or folder.")
    ] = None,
    language: Annotated[
        str | None, typer.Option(help="Two-letter code (default: the first of owner.yaml's).")
    ] = None,
    least: Annotated[int, typer.Option(help="Propose what is in at least so many records.")] = 2,
) -> None:
    """Propose names found in the texts of what was read; on this machine, changing nothing."""
    from align.owner import load_owner
    from align.privacy.finders import finder_of, proposals
    from align.store.connection import open_store
    from align.store.records import texts_that_may_travel

    settings = load_owner(owner)
    conn = open_store(owner)
    finder = finder_of(with_, language=language or settings.language, model=model)
    texts = texts_that_may_travel(conn)
    watched = progress(texts, len(texts), "names", unit="records")
    listed = [settings.name, *settings.aliases, *settings.names]
    counts = proposals(finder, watched, listed)
    missing = [(name, count) for name, count in counts.most_common() if count >= least]
    for name, count in missing:
        print(printable(f"{count:>9,}\t{name}"))
    _propose(owner, settings, [name for name, _ in missing])


def _state(name: str, owner: "Owner") -> str:
    """Return why a name needs not be listed; nothing where it should be."""
    from align.privacy.name_words import ROLES
    from align.privacy.names import names_of
    from align.privacy.redaction import find_spans

    if name.casefold() in {each.casefold() for each in (owner.name, *owner.aliases)}:
        return "the owner"
    if name.strip().casefold() in ROLES:
        return "nobody's name"
    if names_of(tuple(owner.names)).find(name):
        return "listed"
    return "found as it is" if find_spans(name) else ""


def _propose(owner_id: str, owner: "Owner", missing: Iterable[str]) -> None:
    from align.owner import owner_file

    new = list(missing)
    if not new:
        say("No name is missing in owner.yaml.")
        return
    say(f"To have them replaced, write into {relative_to_root(owner_file(owner_id))}:")
    # A JSON list is a YAML list as well.
    print(printable(f"names: {json.dumps([*owner.names, *new], ensure_ascii=False)}"))
