"""What both command lines share: exit codes, and one line for a mistake."""

import os
import sqlite3
import sys
import traceback
from collections.abc import Callable
from functools import cache

from align.errors import UserError
from align.store.connection import as_user_error
from align.text.printable import printable

# What says how OpenMP's threads wait, of GNU and of Intel.
_WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
# For how long it is looked for other work, and from which share of all cores on that counts, in %.
_SECONDS, _BUSY = 0.1, 25.0


class Stopped(Exception):
    """Ctrl-C, under a name that typer does not turn into a silent exit."""


@cache
def share_cores() -> None:
    """Let threads that wait for one another sleep where other work wants their cores.

    OpenMP's threads, torch's among them, spin for milliseconds at the end of each product: alone
    that is fastest, beside other work it takes from both. Counts where it is called before torch
    is loaded, and where nobody said otherwise. No number that is computed changes.
    """
    if any(name in os.environ for name in _WAITING):
        return
    import psutil

    if psutil.cpu_percent(interval=_SECONDS) > _BUSY:
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"


def run(call: Callable[[], object]) -> int:
    """Run a command line and return its exit code: 2 for the user's mistakes, 130 on Ctrl-C.

    A mistake is one line on stderr; `--debug` (or `SOUNDALIKE_DEBUG=1`) shows the traceback.
    """
    try:
        code = call()
        return code if isinstance(code, int) else 0
    except UserError as error:
        return _mistake(error)
    except (Stopped, KeyboardInterrupt):
        print("\nStopped. The same command goes on from here.", file=sys.stderr)
        return 130
    except sqlite3.Error as error:
        return _mistake(as_user_error(error, "store"))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.errno is None:
            raise
        what = (error.strerror or "failed").lower()
        return _mistake(UserError(error.filename or "file system", what, "Mend that and repeat"))
    except Exception as error:
        if not hasattr(error, "show"):  # typer's own usage errors know how to show themselves
            raise
        error.show()
        return int(getattr(error, "exit_code", 2))


def _mistake(error: UserError) -> int:
    if os.environ.get("SOUNDALIKE_DEBUG"):
        traceback.print_exc()
    print(printable(str(error)), file=sys.stderr)
    return 2
