import pytest

from align.ingest.journals import in_journal, looks_like_journal


@pytest.mark.parametrize(
    "name",
    [
        "journal/a.md", "x/Diary/b.txt", "my-diary.md", "2024 Journal.txt", "journal-may.md",
        "Tagebuch.txt", "Mein Tagebuch 2023.md", "Reisetagebuch/Rom.txt", "diario.txt",
        "Mi diario/a.md",
        "dagboek.md", "Diário.txt", "päiväkirja.txt", "journal intime.txt",
        "мой дневник.txt", "日記.txt",
        "我的日记.md", "일기/a.txt", "dagbok-2020.txt", "günlük.txt", "pamiętnik.txt", "deník.md",
        "days/2024-05-01.md", "daily notes/2024-05-01.md",
    ],
)  # fmt: skip
def test_a_journal_is_known_by_its_name(name: str) -> None:
    assert in_journal(name)


@pytest.mark.parametrize(
    "name",
    ["keeping-a-journal.md", "posts/on-diaries.md", "journalism.md", "a.md", "incendiario.md",
     "El Diario de Ana Frank.txt", "posts/2024-05-01.md", "wie man ein Tagebuch schreibt.md"],
)  # fmt: skip
def test_other_names_are_none(name: str) -> None:
    assert not in_journal(name)


@pytest.mark.parametrize(
    "days",
    [
        ("17 May 2023", "18 May 2023", "20 May 2023"),
        ("## 2023-05-17", "## 2023-05-18", "## 2023-05-20"),
        ("17. Mai", "18. Mai", "20. Mai"),
        ("Wednesday, May 17, 2023", "Thursday, May 18, 2023", "Saturday, May 20, 2023"),
        ("17/05/2023 22:10", "18/05/2023 23:00", "20/05/2023 21:59"),
        ("2023年5月17日", "2023年5月18日", "2023年5月20日"),
    ],
)
def test_a_journal_is_known_by_dated_entries_of_oneself(days: tuple[str, ...]) -> None:
    text = "\n\n".join(f"{day}\n\nI was alone at the pier, and I told nobody." for day in days)
    assert looks_like_journal(text)
    # A list of changes has days as well, and nobody in it.
    changes = text.replace("I was alone at the pier, and I told nobody", "The pier has been mended")
    assert not looks_like_journal(changes)
    assert not looks_like_journal(f"{days[0]}\n\nI was alone at the pier, and I told nobody.")
