"""An empty store."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from align.store.connection import connect


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    conn = connect(tmp_path / "twin.db", create=True)
    yield conn
    conn.close()
