"""`accelerate launch` as `align` starts it: silent where the run itself said why it ended.

Its agent would say the same again in some forty lines, after a signal and after a refusal alike.

python -m align.training.accelerate_launcher --config_file … -m align.sft …
"""

import importlib
import logging
import os
import sys
from pathlib import Path

from align.training.stopping import code_of
from align.training.training_process import VERDICT

_AGENT = ("agent.server.api", "multiprocessing.api")
_ELASTIC = "torch.distributed.elastic"


def main() -> int:
    """Launch, and return 0, 1, or the code of the signal that ended it."""
    from accelerate.commands import launch  # type: ignore[import-untyped]
    from torch.distributed.elastic.multiprocessing import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    for name in _AGENT:
        # Importing the module sets its logger's level.
        importlib.import_module(f"{_ELASTIC}.{name}")
        logging.getLogger(f"{_ELASTIC}.{name}").setLevel(logging.CRITICAL)
    try:
        launch.main()
    except SignalException as error:
        return code_of(error.sigval)
    except ChildFailedError:
        if not Path(os.environ.get(VERDICT, "-")).is_file():
            raise
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
