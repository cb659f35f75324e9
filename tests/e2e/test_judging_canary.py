"""What must not leave, planted everywhere: it reaches no provider, no log, no wandb."""

import json
import logging
import time
from pathlib import Path

import pytest

from align.cli import app, run
from align.paths import store_path
from align.privacy.private_text import PrivateText
from align.store.connection import open_store, transaction
from align.store.prompts import Prompt
from tests.anthropic_server import Received, serve
from tests.anthropic_server.faults import error, random_faults
from tests.commands.line import Line
from tests.e2e import judged_owner as judged
from tests.e2e.judged_owner import JUDGE, KEY, OWNER, SETTINGS, Built, GoingTo, build, ear
from tests.e2e.private_sentences import Planted, is_short
from tests.store.rows import append_event

WAITING, CHOICES = 40, 30
ONLINE = pytest.param("--no-batch", id="online", marks=pytest.mark.slow)
BOTH_WAYS = pytest.mark.parametrize("way", [ONLINE, pytest.param("--batch", id="batches")])


@pytest.fixture
def planted(root: Path) -> Planted:
    planted = Planted(SETTINGS["facts"], SETTINGS["rubric"])
    build(root, waiting=WAITING, choices=CHOICES, **planted.settings)
    with judged.store() as conn, transaction(conn):
        planted.plant(conn)
    return planted


def kept_here(root: Path) -> dict[Path, bytes]:
    """Return all that a run leaves behind, but the owner's own writing and settings."""
    folder = root / "data" / OWNER
    own = {*folder.glob(f"{store_path(OWNER).name}*"), folder / "owner.yaml"}
    found = {path for path in root.rglob("*") if path.is_file()} - own
    return {path: path.read_bytes() for path in found}


def test_there_are_two_hundred_and_the_net_finds_each(planted: Planted):
    sentences = [each for many in planted.sentences.values() for each in many]
    assert len(set(sentences)) == 200
    assert 60 < sum(map(is_short, sentences)) < 80
    for each in sentences:
        words = each.split()
        size = len(words) if is_short(each) else 8
        for at in range(len(words) - size + 1):
            assert planted.leaks(" ".join(words[at : at + size]).upper())
    assert not planted.leaks(json.dumps(SETTINGS), *judged.twin_answers(7))


def test_a_dry_run_holds_nothing_private_and_would_if_nobody_looked(
    root: Path, planted: Planted, align: Line, going_to: GoingTo, monkeypatch: pytest.MonkeyPatch
):
    written = root / "data" / OWNER / "judge-dry-run.txt"
    with serve() as server:
        going_to(server)
        align(*JUDGE, "--dry-run")
        assert server.attempts() == 0
        bodies = written.read_text("utf-8")
        assert planted.leaks(bodies, align.out, align.err) == {}
        # What is open is sent: every pair of it, those that only have a rewrite or a note too.
        assert bodies.count(", and then, about ") >= 2 * (WAITING + CHOICES)
        assert bodies.count("Says mate") <= 5, "what many share stands there once"
        assert SETTINGS["facts"]["Where do you live?"] in bodies and "Says mate" in bodies
        assert "10 lines of owner.yaml repeat closed writing" in align.err

        monkeypatch.setattr(PrivateText, "match", lambda *_: None)
        align(*JUDGE, "--dry-run")
        found = planted.leaks(written.read_text("utf-8"))
    assert found.keys() == {*planted.repeated}


@BOTH_WAYS
def test_nothing_private_is_sent_or_logged(
    root: Path,
    planted: Planted,
    align: Line,
    going_to: GoingTo,
    way: str,
    caplog: pytest.LogCaptureFixture,
):
    caplog.set_level(logging.DEBUG)
    with serve(answer=ear(0.9), faults=random_faults(0.3, 17)) as server:
        going_to(server)
        align(*JUDGE, way)
        assert "pairs have a verdict" in align.out
        assert len(judged.questions(server)) >= 2 * (WAITING + CHOICES)
        assert planted.leaks(*server.bodies()) == {}
        assert not any(KEY.encode() in body for body in server.bodies())
        said = [align.out, align.err, caplog.text, align("egress", "--owner", OWNER, "--json")]
        said.append(align("egress", "--owner", OWNER))
        left = kept_here(root)
        assert {path.name for path in left} >= {"egress.jsonl"}
        assert planted.leaks(*said, *left.values()) == {}
        assert KEY not in "".join(said)
        assert not any(KEY.encode() in data for data in left.values())
    # And no sentence that is no secret either: the egress log holds no text at all.
    assert "Ask me again" not in (root / "data" / OWNER / "egress.jsonl").read_text("utf-8")


@pytest.mark.slow
def test_nothing_private_is_logged_by_a_process_that_is_told_to_log_all(
    root: Path, planted: Planted, tmp_path: Path
):
    (tmp_path / "wandb").mkdir()
    with serve(answer=ear(0.9), faults=random_faults(0.3, 19)) as server:
        process = judged.judge_apart(
            server.url, "--no-batch", "--wandb", ANTHROPIC_LOG="debug", SOUNDALIKE_DEBUG="1",
            WANDB_MODE="offline", WANDB_DIR=str(tmp_path / "wandb"), WANDB_SILENT="true",
        )  # fmt: skip
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert len(judged.questions(server)) >= 2 * (WAITING + CHOICES)
        assert planted.leaks(out, err, *server.bodies()) == {}
    tracked = {
        path: path.read_bytes() for path in (tmp_path / "wandb").rglob("*") if path.is_file()
    }
    assert any(path.suffix == ".wandb" for path in tracked)
    # The figures are there, so that what is not there was looked for in the right place.
    assert any(b"gate/weight" in data for data in tracked.values())
    left = {**tracked, **kept_here(root)}
    assert planted.leaks(*left.values()) == {}
    texts = [out.encode(), err.encode(), *left.values()]
    for secret in (KEY, "Ask me again", "Certainly!", SETTINGS["name"]):
        found = [path for path, data in left.items() if secret.encode() in data]
        assert found == [], secret
    assert not any(KEY.encode() in text for text in texts)
    assert "Ask me again" not in out + err


@pytest.mark.parametrize(("status", "kind"), [(401, "authentication_error"), (400, "any")])
def test_no_error_repeats_the_key_or_a_text_not_even_in_a_traceback(
    root: Path,
    going_to: GoingTo,
    align: Line,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    status: int,
    kind: str,
):
    caplog.set_level(logging.DEBUG)
    build(root, waiting=5, choices=20)
    monkeypatch.setenv("SOUNDALIKE_DEBUG", "1")
    repeats = error(status, kind, text=f"not with {KEY}: Ask me again at 7.")
    with serve(faults=lambda *_: repeats) as server:
        going_to(server)
        words = [*JUDGE, "--no-batch"]
        assert run(lambda: app(words, prog_name="align", standalone_mode=False)) == 2
        out, err = capsys.readouterr()
        assert "Traceback" in err and f"({status}" in err.splitlines()[-1]
        said = out + err + caplog.text
        assert KEY not in said and "Ask me again" not in said
    assert not any(KEY.encode() in data for data in kept_here(root).values())


def test_a_prompt_file_that_repeats_closed_writing_opens_nothing(
    root: Path, planted: Planted, align: Line, going_to: GoingTo, tmp_path: Path
):
    shipped = (root / "recipes" / "prompts" / "judge.md").read_text("utf-8")
    mine = tmp_path / "mine.md"
    sealed = next(each for each in planted.sentences["records"][1::2] if not is_short(each))
    mine.write_text(shipped.replace("## What does not count", f"{sealed}.\n\n## What does not"))
    with serve(answer=ear(0.9)) as server:
        going_to(server)
        run(lambda: app([*JUDGE, "--prompt", str(mine)], standalone_mode=False))
        assert planted.leaks(*server.bodies()) == {}


# --- closed while it runs -------------------------------------------------------------------------


def last_pair(built: Built) -> tuple[str, str]:
    """Add a pair that is asked about after all others; return it, and what only it says."""
    with judged.store() as conn, transaction(conn):
        for number in range(1_000):
            said = f"Velmoricane {number} and nothing but velmoricane, mate, all day long."
            message = {"role": "user", "content": f"Velmoricane {number}?"}
            prompt = Prompt.new(
                [message], source="added", thread=f"velmoricane {number}", split="train"
            )
            # Pairs are asked about in the order of their ids.
            with_others = (said, f"No, {number}.")
            if not judged.is_asked_about(prompt):
                continue
            if judged.pair_of(prompt, with_others).id > max(built.waiting):
                return judged.add_pair(conn, prompt, with_others), "elmoricane"
    raise AssertionError("no such pair")


@BOTH_WAYS
def test_a_pair_marked_private_in_the_middle_is_not_sent_any_more(
    root: Path, align: Line, going_to: GoingTo, way: str
):
    built = build(root, waiting=60, choices=25)
    pair, says = last_pair(built)
    marked: list[float] = []
    calibrating = 2 * len(built.chosen)

    def watch(received: Received) -> None:
        in_batch = received.path.endswith("/results")
        begun = in_batch if way == "--batch" else len(server.received) > calibrating + 5
        if begun and not marked:
            # As the labeler does it: by a connection of its own.
            conn = open_store(OWNER)
            append_event(conn, kind="private", actor="owner", pair_id=pair)
            conn.close()
            marked.append(time.monotonic())
        elif marked and says.encode() in received.body:
            late.append(time.monotonic() - marked[0])

    late: list[float] = []
    with serve(answer=ear(0.95), latency=0.08, watch=watch) as server:
        going_to(server)
        align(*JUDGE, way, "--concurrency", 4)
        assert marked
        assert late == []
        assert not any(says.encode() in body for body in server.bodies())
    if way == "--batch":
        # Marked before pairs were taken for the batch.
        assert "not asked about: 1 sealed" in align.out
        assert judged.lines("refused") == []
        assert pair not in {row["pair_id"] for row in judged.verdicts()}
        return
    # Taken already, and stopped at the gate.
    assert "2 blocked" in align.out
    refused = judged.lines("refused")
    assert {line["reason"] for line in refused} == {"closed writing"}
    assert {id for line in refused for id in line["ids"]} == {pair}
    rows = [row for row in judged.verdicts() if row["pair_id"] == pair]
    assert {row["problem"] for row in rows} == {"blocked"}
    assert {row["cost"] for row in rows} == {0.0}
