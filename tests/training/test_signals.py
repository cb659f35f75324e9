"""Signals to real processes: `align` alone, its whole group, one worker of two."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.tiny_runs import words

CHECKOUT = Path(__file__).resolve().parent.parent.parent


def test_signal_that_reaches_a_process_several_times_at_once_is_one_and_a_later_one_quits(
    tmp_path: Path,
) -> None:
    code = (
        "import time\nfrom align.training import stopping\n"
        "stopping._SAME_REQUEST = 0.5\n"
        "with stopping.catching_signals(), stopping.until_the_step_ends():\n"
        "    print('ready', flush=True)\n"
        "    while not stopping.received_signal(): time.sleep(0.01)\n"
        "    time.sleep(0.1)\n"
        "    print('saving', flush=True)\n"
        "    time.sleep(60)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "saving\n"
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 143
        assert process.stderr.read() == (
            "Stopping after this step, with a save. A second signal quits at once.\n"
            "Quitting without a save.\n"
        )


def test_what_a_shell_lets_its_background_jobs_ignore_stays_ignored() -> None:
    from align.training.stopping import catching_signals

    kept = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with catching_signals():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    finally:
        signal.signal(signal.SIGINT, kept)


class Launched:
    """`align sft` in a session of its own, two processes under the launcher if asked."""

    def __init__(self, root: Path, *more: str) -> None:
        self.work = root / "checkpoints" / "ann" / ".work"
        line = [sys.executable, "-m", "align.cli", "sft", *words(root, "sft"), *more]
        line += ["--num_train_epochs", "200", "--save_steps", "4"]
        self.process = subprocess.Popen(
            line,
            env={**os.environ, "SOUNDALIKE_ROOT": str(root), "PYTHONPATH": str(CHECKOUT)},
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def until_it_saves(self) -> None:
        known = set(self.work.glob("*/checkpoint-*/whole"))
        while self.process.poll() is None and set(self.work.glob("*/checkpoint-*/whole")) <= known:
            time.sleep(0.05)

    def workers(self) -> list[int]:
        """Return the processes that train: those below which there is none of ours."""

        def below(parent: int) -> list[int]:
            listed = subprocess.run(
                ["ps", "-A", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
            )
            rows = [line.split(None, 2) for line in listed.stdout.splitlines()]
            ours = [int(row[0]) for row in rows if int(row[1]) == parent and "align." in row[-1]]
            return [leaf for one in ours for leaf in below(one)] or [parent]

        return below(self.process.pid)

    def end(self) -> tuple[int, str]:
        try:
            _, said = self.process.communicate(timeout=120)
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
        return self.process.returncode, said


def last_line(said: str) -> str:
    return said.splitlines()[-1]


def accelerate_files(root: Path) -> None:
    """Give a root the settings of one process on a CPU, and of two under DeepSpeed."""
    folder = root / "recipes" / "accelerate"
    folder.mkdir()
    one = {"distributed_type": "NO", "use_cpu": True, "num_processes": 1, "mixed_precision": "no"}
    zero = {"zero_stage": 2, "gradient_accumulation_steps": 1}
    two = {**one, "distributed_type": "DEEPSPEED", "num_processes": 2, "deepspeed_config": zero}
    (folder / "cpu.yaml").write_text(json.dumps(one))
    (folder / "two.yaml").write_text(json.dumps(two))


@pytest.mark.slow
def test_two_processes_save_the_same_step_whichever_of_them_is_told(trained: Path) -> None:
    accelerate_files(trained)
    run = Launched(trained, "--accelerate", "two")
    run.until_it_saves()
    workers = run.workers()
    assert len(workers) == 2
    os.kill(workers[-1], signal.SIGTERM)
    code, said = run.end()
    assert code == 143, said
    assert last_line(said).startswith("sft: stopped after step ")
    assert "Traceback" not in said
    run = Launched(trained, "--accelerate", "two")
    run.until_it_saves()
    os.kill(run.process.pid, signal.SIGTERM)
    code, said = run.end()
    assert code == 143, said
    assert "sft: going on from step " in said and "Traceback" not in said
    assert last_line(said).endswith("; the same command goes on from there")
    # Over other processes each would see other rows.
    code, said = Launched(trained, "--accelerate", "cpu").end()
    assert code == 2
    assert "it was trained by 2 processes, ZeRO stage 2, and now it would be 1 process" in said
