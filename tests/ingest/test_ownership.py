from collections import Counter

from align.ingest.contents import Document, Message
from align.ingest.intake import other_authors
from align.ingest.record_builder import OwnerNames


def said(author: str, key: str | None = None, is_owner: bool | None = None) -> Message:
    return Message("c", author, "hi", author_key=key, is_owner=is_owner)


def test_the_owner_is_known_by_name_handle_or_address_in_any_case() -> None:
    me = OwnerNames(["Ann K.", "ann@x.org"])
    for message in (
        said("ann k."),
        said("~ Ann  K."),
        said("A.", "ANN@x.org"),
        said("\u200eAnn K."),
    ):
        assert me.wrote(message)
    assert not me.wrote(said("Ann"))
    assert not me.wrote(said("", None))


def test_what_the_export_itself_says_goes_before_names() -> None:
    me = OwnerNames(["Ann"])
    assert me.wrote(said("Somebody", is_owner=True))
    assert not me.wrote(said("Ann", is_owner=False))


def test_a_document_without_an_author_is_the_owners() -> None:
    assert OwnerNames(["Ann"]).wrote(Document("k", "text"))
    assert not OwnerNames(["Ann"]).wrote(Document("k", "text", author="Bob"))


def test_strangers_are_counted_until_the_owner_is_met() -> None:
    found = [said("Bob"), said("Cy"), said("Bob"), said("", "u1")]
    assert other_authors(iter(found), OwnerNames(["Ann"])) == Counter({"Bob": 2, "Cy": 1, "u1": 1})
    assert other_authors(iter([*found, said("Ann")]), OwnerNames(["Ann"])) is None
    assert other_authors(iter([]), OwnerNames(["Ann"])) == Counter()


def test_a_name_that_is_learned_later_counts_from_then_on() -> None:
    me = OwnerNames(["Ann"])
    assert not me.wrote(said("Annie"))
    me.add(["Annie"])
    assert me.wrote(said("Annie"))
