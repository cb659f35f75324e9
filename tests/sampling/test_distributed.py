"""Pairs drawn by several processes: those of one process, kept whatever ends."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from align.errors import UserError
from align.models.checkpoints import Checkpoint
from align.sampling.device_memory import check_each_holds, must_be_spread, weights_bytes
from align.sampling.sampling_launch import sample
from align.sampling.sampling_run import SamplingRequest, parse_arguments
from align.store.connection import connect, open_store
from align.store.pairs import iter_pairs
from align.store.prompts import Prompt, add_prompts
from tests.little_twins import write_twin

CHECKOUT = Path(__file__).resolve().parents[2]
TWO = "distributed_type: MULTI_GPU\nnum_machines: 1\nnum_processes: 2\n"


@pytest.fixture
def twin(root: Path) -> Checkpoint:
    """Ann's SFT twin, and prompts of several lengths for it."""
    conn = open_store("ann", create=True)
    add_prompts(
        conn,
        [
            Prompt.new([{"role": "user", "content": f"What of {'the rain and ' * (n % 4)}{n}?"}],
                       thread=f"t{n}", source="added", split="train")
            for n in range(30)
        ],
    )  # fmt: skip
    return write_twin("ann", "sft")


def of_one_process(root: Path, request: SamplingRequest) -> list[str]:
    """Return the pairs' ids that one process draws into a copy of ann's store as it is now."""
    whole = root / "data" / "whole"
    whole.mkdir()
    with open_store("ann") as conn, connect(whole / "twin.db", create=True) as copy:
        conn.backup(copy)
    (root / "checkpoints" / "whole").symlink_to(root / "checkpoints" / "ann")
    assert sample(replace(request, owner_id="whole")) == 0
    return ids("whole")


def ids(owner: str = "ann") -> list[str]:
    return sorted(pair.id for pair in iter_pairs(open_store(owner)))


def answers(owner: str = "ann") -> int:
    return int(open_store(owner).execute("SELECT count(*) FROM answers").fetchone()[0])


class Job:
    """Two processes of `-m align.sampling`, as a launcher starts them."""

    def __init__(self, request: SamplingRequest, elsewhere: Path | None = None) -> None:
        roots = (os.environ["SOUNDALIKE_ROOT"], str(elsewhere or os.environ["SOUNDALIKE_ROOT"]))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        common = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
                  "PYTHONPATH": str(CHECKOUT), "ACCELERATE_USE_CPU": "true",
                  # As recipes/accelerate/contrib/fsdp2.yaml has it.
                  "ACCELERATE_USE_FSDP": "true",
                  "FSDP_CPU_RAM_EFFICIENT_LOADING": "true"}  # fmt: skip
        self.processes = [
            subprocess.Popen(
                [sys.executable, "-m", "align.sampling", *request.words()],
                env={**os.environ, **common, "RANK": str(rank), "LOCAL_RANK": str(rank),
                     "SOUNDALIKE_ROOT": roots[rank]},
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )
            for rank in range(2)
        ]  # fmt: skip

    def until_drawing(self, more_than: int = 0) -> None:
        """Wait until answers arrive in the store."""
        end = time.monotonic() + 180
        while answers() <= more_than and time.monotonic() < end:
            time.sleep(0.05)
        assert answers() > more_than

    def ended(self) -> list[tuple[int, str, str]]:
        """Return each process's exit code, stdout and stderr."""
        said = [process.communicate(timeout=180) for process in self.processes]
        codes = [process.returncode for process in self.processes]
        return [(code, *words) for code, words in zip(codes, said, strict=True)]


@pytest.fixture
def jobs() -> Iterator[list[Job]]:
    started: list[Job] = []
    yield started
    for job in started:
        for process in job.processes:
            process.kill()
            process.wait()


def start(jobs: list[Job], request: SamplingRequest) -> Job:
    jobs.append(Job(request))
    return jobs[-1]


@pytest.mark.slow
@pytest.mark.usefixtures("twin")
def test_the_processes_of_several_gpus_draw_the_pairs_of_one(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    request = SamplingRequest("ann", pairs=24, batch_size=5, max_new_tokens=8)
    alone = of_one_process(root, request)
    said = capfd.readouterr().out
    # Torch finds no GPU here, so that recipes/accelerate/multi_gpu.yaml starts two on the CPU.
    gpus(tmp_path, monkeypatch, 80_000, 80_000)
    assert sample(request) == 0
    shown = capfd.readouterr()
    assert shown.out == said
    assert "Traceback" not in shown.err
    assert ids() == alone
    assert len(alone) == 24
    # What is drawn needs no processes.
    assert sample(request) == 0
    assert "drawn already" in capfd.readouterr().err


@pytest.mark.slow
@pytest.mark.usefixtures("twin")
def test_what_was_drawn_survives_a_killed_worker_and_ctrl_c(root: Path, jobs: list[Job]) -> None:
    request = SamplingRequest("ann", pairs=90, batch_size=2, max_new_tokens=120)
    alone = of_one_process(root, replace(request, batch_size=64))

    job = start(jobs, request)
    job.until_drawing()
    job.processes[1].kill()
    (code, out, err), (killed, _, _) = job.ended()
    assert (code, out, killed) == (1, "", -signal.SIGKILL)
    assert "Process 1 ended before its share was drawn. What was drawn is kept" in err
    assert "Traceback" not in err
    first = answers()

    job = start(jobs, request)
    job.until_drawing(more_than=first)
    for process in job.processes:
        process.send_signal(signal.SIGINT)
    (code, out, err), (_, _, quiet) = job.ended()
    assert (code, out, quiet) == (130, "", "")
    assert "Stopped. What was drawn is kept; the same command goes on from here." in err
    assert first < answers() < 180

    kept = set(ids())
    assert sample(replace(request, batch_size=64)) == 0
    assert kept < set(ids())
    assert ids() == alone


@pytest.mark.slow
@pytest.mark.usefixtures("twin")
def test_a_mistake_that_another_process_meets_is_said_once(tmp_path: Path, jobs: list[Job]) -> None:
    other = tmp_path / "machine-without-the-base"
    (other / "data").mkdir(parents=True)
    jobs.append(Job(SamplingRequest("ann", pairs=4, max_new_tokens=3), other))
    (code, out, err), (_, _, quiet) = jobs[0].ended()
    assert (code, out, quiet) == (2, "", "")
    assert "its base models/tiny can't be found" in err
    assert "Traceback" not in err


def test_the_words_for_the_processes_ask_for_the_same() -> None:
    request = SamplingRequest(
        "ann", "sft", 7, seed=-3, temperature=0.0, near=0.5, batch_size=3, spread=True
    )
    assert parse_arguments(request.words()) == request
    assert parse_arguments([]) == SamplingRequest()
    records = SamplingRequest("ann", against_records=True, limit=4)
    assert parse_arguments(records.words()) == records


@pytest.mark.parametrize("words", [["--pears=3"], ["--pairs=0"], ["--pairs=x"], ["--top-p=2"]])
def test_a_word_that_means_nothing_is_one_line(words: list[str]) -> None:
    with pytest.raises(UserError, match=words[0].split("=")[0]):
        parse_arguments(words)


def test_shares_together_are_the_batches_of_one_process(twin: Checkpoint) -> None:
    from align.models.loading import load_model

    loaded = load_model(twin)
    prompts = [[{"role": "user", "content": f"What of {n}?"}] for n in range(7)]
    settings = {"seed": 4, "batch_size": 3, "max_new_tokens": 6, "n": 2}
    whole = list(loaded.generate_each(prompts, **settings))
    shares = [list(loaded.generate_each(prompts, share=(at, 3), **settings)) for at in range(3)]
    assert all(shares)
    assert sorted(answer for share in shares for answer in share) == sorted(whole)


@pytest.mark.parametrize("device_map", ["auto", {"": "cpu"}, {"model": "cpu", "lm_head": "cpu"}])
def test_a_spread_twin_answers_as_a_whole_one(twin: Checkpoint, device_map: object) -> None:
    from align.models.loading import load_model

    prompts = [[{"role": "user", "content": f"What of {n}?"}] for n in range(6)]
    settings = {"seed": 4, "max_new_tokens": 8}
    whole = load_model(twin).generate(prompts, **settings)
    spread = load_model(twin, device_map=device_map)
    assert spread.generate(prompts, **settings) == whole


def test_a_part_that_no_device_holds_is_refused(twin: Checkpoint) -> None:
    from align.models.loading import load_model

    split = {"model.embed_tokens": "cpu", "model.layers.0": "cpu", "model.layers.1": "disk",
             "model.norm": "cpu", "model.rotary_emb": "cpu", "lm_head": "cpu"}  # fmt: skip
    with pytest.raises(UserError, match="does not fit on this machine's devices together"):
        load_model(twin, device_map=split)


def gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *mebibytes: int) -> None:
    """Put an nvidia-smi first in the path that lists such devices."""
    listed = "".join(f"echo 'GPU {n}: Made up (UUID: {n})'\n" for n in range(len(mebibytes)))
    sizes = "".join(f"echo 'Made up, {size}, {size}'\n" for size in mebibytes)
    program = tmp_path / "bin" / "nvidia-smi"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nif [ "$1" = -L ]; then\n{listed}else\n{sizes}fi\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def test_a_model_is_spread_where_no_device_holds_it_alone(
    twin: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = twin.base.path / "model.safetensors"
    assert weights_bytes(twin) == file.stat().st_size // 2  # It lies in float32.
    gpus(tmp_path, monkeypatch, 80_000, 80_000)
    assert not must_be_spread(twin)
    with file.open("r+b") as grown:
        grown.truncate(140 << 30)  # Sparse: as long as 70 GiB in bfloat16, and as empty as before.
    assert must_be_spread(twin)
    with pytest.raises(UserError, match="align sample --spread"):
        check_each_holds(False, twin)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert not must_be_spread(twin)
    with pytest.raises(UserError, match="--spread: one model over all devices"):
        check_each_holds(True, twin)


def test_a_device_that_is_not_visible_does_not_count(
    twin: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpus(tmp_path, monkeypatch, 40_000, 140_000, 140_000)
    with (twin.base.path / "model.safetensors").open("r+b") as grown:
        grown.truncate(140 << 30)
    assert must_be_spread(twin)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,2")
    assert not must_be_spread(twin)


def test_checks_come_before_any_process_and_any_torch(twin: Checkpoint, root: Path) -> None:
    words = ["sample", "--owner", "ann", "--pairs", "4", "--accelerate"]
    script = (
        "import sys\nfrom align.cli import app, run\n"
        "code = run(lambda: app(sys.argv[1:], standalone_mode=False))\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)\nsys.exit(code)"
    )

    def said(*more: str) -> str:
        ended = subprocess.run(
            [sys.executable, "-c", script, *words, *more], env={**os.environ,
            "PYTHONPATH": str(CHECKOUT)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert ended.returncode == 2, ended.stderr
        return ended.stderr

    assert "no such configuration" in said("nonsense")
    (root / "two.yaml").write_text(TWO)
    assert "--spread: one model over all" in said(str(root / "two.yaml"), "--spread")
    assert "no checkpoint '007-dpo'" in said(str(root / "two.yaml"), "--checkpoint", "007-dpo")
