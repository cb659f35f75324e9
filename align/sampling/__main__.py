"""Draw pairs in every process that a launcher starts; the pairs are those of one process.

accelerate launch --config_file recipes/accelerate/multi_gpu.yaml -m align.sampling --owner ann
"""

import os
import signal
import sys
import traceback
from contextlib import closing
from pathlib import Path
from typing import Any

from align.console import say
from align.errors import UserError
from align.sampling import distributed
from align.sampling.device_memory import check_each_holds
from align.sampling.sampling_launch import GOES_ON, model_of, rank_0_file
from align.sampling.sampling_run import SamplingRequest, SamplingRun, parse_arguments, prepare
from align.training.training_process import VERDICT, quiet_surroundings

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(words: list[str]) -> int:
    """Draw this process's share; return 0, 2 for mistakes, 130 on Ctrl-C, or 1."""
    quiet_surroundings()
    if distributed.rank() > 0:
        return _serve()
    for number in _SIGNALS:
        signal.signal(number, _stop)
    verdict = Path(os.environ[VERDICT]) if VERDICT in os.environ else None
    if verdict:
        rank_0_file(verdict).write_text(str(os.getpid()))
    try:
        _draw(parse_arguments(words))
        code = 0
    except UserError as error:
        if os.environ.get("SOUNDALIKE_DEBUG"):
            traceback.print_exc()
        say(str(error))
        code = 2
    except distributed.LostProcess as error:
        say(f"{error}. {GOES_ON}")
        code = 1
    except KeyboardInterrupt:
        if verdict is None:  # Else whoever passed the signal on says so.
            say(f"\nStopped. {GOES_ON}")
        code = 130
    if verdict:
        verdict.write_text(str(code))
        return 0  # Who reads it waits for no process to fail; the launcher can stay quiet.
    return code


def _draw(request: SamplingRequest) -> None:
    """Plan, draw with all processes, report."""
    run = prepare(request)
    with closing(run.conn):
        if distributed.world() > 1:
            check_each_holds(request.spread, run.checkpoint)
            _draw_together(run)
        elif run.missing:
            run.draw(model_of(run))
        run.report()


def _draw_together(run: SamplingRun) -> None:
    distributed.join()
    if run.missing:
        from align.models.loading import load_model

        path = run.checkpoint.path
        about = {"owner": run.request.owner_id, "word": str(path) if path else "base"}
        run.draw(distributed.DistributedModel(lambda: load_model(run.checkpoint), about))
    distributed.dismiss()


def _serve() -> int:
    """Draw what rank 0 asks for; it alone reports."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_DFL)  # It holds nothing that is not rank 0's already.

    def load(about: dict[str, Any]) -> Any:
        from align.models.checkpoints import resolve
        from align.models.loading import load_model

        return load_model(resolve(about["owner"], about["word"]))

    try:
        distributed.join()
        distributed.serve(load)
        distributed.dismiss()
    except distributed.LostProcess:
        # Rank 0 has said why, and told whoever reads its verdict.
        return 0 if VERDICT in os.environ else 1
    return 0


def _stop(_number: int, _frame: Any) -> None:
    # The launcher follows a signal with others, which must not cut off what is being stored.
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    if distributed.world() > 1:
        # Threads may wait in gloo for processes that are gone; an ordinary exit would abort.
        os._exit(code)
    sys.exit(code)
