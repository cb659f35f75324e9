"""The screens as text, at three sizes; `UPDATE_SNAPSHOTS=1 make test` writes them again."""

import asyncio
import os
from pathlib import Path

import pytest

from scripts.labeler_screens import SCREENS, Screen, opened

FOLDER = Path(__file__).parent / "snapshots"
SIZES = ((120, 36), (80, 24), (60, 20))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)
def test_a_screen_looks_as_it_did(screen: Screen, size: tuple[int, int]):
    _, text = asyncio.run(opened(screen, size))
    file = FOLDER / f"{screen.name}-{size[0]}x{size[1]}.txt"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        FOLDER.mkdir(exist_ok=True)
        file.write_text(text + "\n", "utf-8")
    assert text + "\n" == file.read_text("utf-8")


def test_no_snapshot_is_left_over():
    expected = {f"{s.name}-{w}x{h}.txt" for s in SCREENS for w, h in SIZES}
    assert {path.name for path in FOLDER.iterdir()} == expected
