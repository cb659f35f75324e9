from align.ingest.reader import in_journal


def test_a_journal_is_known_by_its_name() -> None:
    journals = [
        "journal/a.md",
        "x/Diary/b.txt",
        "my-diary.md",
        "2024 Journal.txt",
        "journal-may.md",
    ]
    others = ["keeping-a-journal.md", "posts/on-diaries.md", "journalism.md", "a.md"]
    assert [name for name in journals if not in_journal(name)] == []
    assert [name for name in others if in_journal(name)] == []
