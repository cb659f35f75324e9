"""One module knows what a level allows, and only the store asks SQL about it."""

import ast
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from align import levels
from align.levels import LEVELS, Level, stored

CHECKOUT = Path(__file__).resolve().parent.parent
KNOWS = CHECKOUT / "align" / "levels.py"
# Their levels are the depths of headings and lists.
DOCUMENTS = CHECKOUT / "align" / "ingest" / "formats"
# Has a scratch file of its own, in which it sorts a table's rows.
SORTS = CHECKOUT / "align" / "ingest" / "readers" / "table.py"
ORDERS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
IN_SQL = re.compile(r"\blevel\b\s*(?:[<>]|(?:=|!=|IS|IN)\s*\(?\s*[\d'])", re.IGNORECASE)
SQL = ("execute", "executemany", "executescript")


def files() -> list[Path]:
    return [
        path for room in ("align", "labeler") for path in sorted((CHECKOUT / room).rglob("*.py"))
    ]


def compared(tree: ast.AST) -> Iterator[str]:
    """Yield where levels are compared, listed or looked up by their places."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            words = {each.value for side in sides for each in ast.walk(side) if _is_level(each)}
            numbers = [s for s in sides if isinstance(s, ast.Constant) and isinstance(s.value, int)]
            names = [s for s in sides if _name(s).endswith("level")]
            if words or (names and numbers):
                yield f"line {node.lineno}: {ast.unparse(node)}"
        elif isinstance(node, ast.Tuple | ast.List | ast.Set) and len(node.elts) > 1:
            if all(map(_is_level, node.elts)):
                yield f"line {node.lineno}: {ast.unparse(node)}"
        elif isinstance(node, ast.Subscript | ast.Attribute) and _name(node.value) == "LEVELS":
            yield f"line {node.lineno}: {ast.unparse(node)}"
        elif isinstance(node, ast.Constant) and IN_SQL.search(str(node.value)):
            yield f"line {node.lineno}: {node.value!r}"


def _is_level(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value in LEVELS[1:]


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def asks_sql(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) in SQL:
            yield f"line {node.lineno}: {ast.unparse(node)[:60]}"


def test_nobody_else_compares_levels_or_knows_their_numbers() -> None:
    known = {
        str(path.relative_to(CHECKOUT)): lines
        for path in files()
        if path != KNOWS
        and DOCUMENTS not in path.parents
        and (lines := list(compared(ast.parse(path.read_text("utf-8")))))
    }
    assert known == {}


def test_only_the_store_asks_sql() -> None:
    asking = {
        str(path.relative_to(CHECKOUT)): lines
        for path in files()
        if path != SORTS
        and path.parent != CHECKOUT / "align" / "store"
        and (lines := list(asks_sql(ast.parse(path.read_text("utf-8")))))
    }
    assert asking == {}


@pytest.mark.parametrize(
    "planted",
    [
        "record.level != 'sealed'",
        "level < 2",
        "if pair.level in ('open', 'train-only'): pass",
        "levels = ('train-only', 'sealed')",
        "LEVELS.index(level)",
        "LEVELS[2]",
        "conn.execute('SELECT 1 FROM records WHERE level < 2')",
        "conn.execute('SELECT 1 FROM records r WHERE r.level = 0')",
        "conn.execute(f'SELECT 1 FROM records WHERE level > {n}')",
        "x = 'p.level IN (0, 1)'",
    ],
)
def test_a_planted_comparison_is_noticed(planted: str) -> None:
    assert list(compared(ast.parse(planted)))


def test_planted_sql_is_noticed() -> None:
    assert list(asks_sql(ast.parse("def f(conn): return conn.execute('SELECT 1').fetchone()")))


@pytest.mark.parametrize("level", LEVELS)
def test_python_and_sql_say_the_same_of_a_level(level: Level) -> None:
    conn = sqlite3.connect(":memory:")
    for name in ("trainable", "may_travel", "may_be_sent"):
        sql = getattr(levels, f"{name}_sql")("level")
        query = f"SELECT {sql} FROM (SELECT {stored(level)} AS level)"
        assert bool(conn.execute(query).fetchone()[0]) == getattr(levels, name)(level), name
    for other in LEVELS:
        query = f"SELECT {levels.at_least_sql(str(stored(level)), other)}"
        assert bool(conn.execute(query).fetchone()[0]) == (stored(level) >= stored(other))


def test_sealed_is_neither_trained_on_nor_travels_and_only_open_is_sent() -> None:
    allowed = {
        level: (levels.trainable(level), levels.may_travel(level), levels.may_be_sent(level))
        for level in LEVELS
    }
    assert allowed == {
        "open": (True, True, True),
        "train-only": (True, True, False),
        "sealed": (False, False, False),
    }
