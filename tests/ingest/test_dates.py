from datetime import datetime

import pytest

from align.ingest.formats.dates import date_in_name, when


@pytest.mark.parametrize(
    "text",
    ["17. Mai 2023", "mercredi 17 mai 2023", "17 de mayo de 2023", "17 maggio 2023", "17 maj 2023",
     "17 мая 2023", "17 mei 2023", "17 maja 2023", "17 de maio de 2023"],
)  # fmt: skip
def test_dates_are_read_in_other_languages(text: str) -> None:
    assert when(text) == datetime(2023, 5, 17)


@pytest.mark.parametrize("value", [1876, "1876", "1876-01-01", "1. Januar 1876"])
def test_a_year_is_a_year_and_no_seconds_since_1970(value: object) -> None:
    assert when(value) == datetime(1876, 1, 1)


def test_a_date_before_1970_stands_in_a_files_name() -> None:
    assert date_in_name("letters/1876-02-27-x.txt") == datetime(1876, 2, 27)
    assert date_in_name("9876-02-27-x.txt") is None
