"""Where a run's figures go: wandb, TensorBoard or trackio, each behind the same few words."""

import contextlib
import importlib
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from align.console import say
from align.paths import relative_to_root
from align.training.tracking.wandb_runs import close_run, log_table, logs_dir, open_run

_STEP = "train/global_step"
_Row = Sequence[str | int | float | None]


class Tracker(Protocol):
    """One place that keeps a run's figures."""

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Keep values of one step."""

    def summarise(self, values: Mapping[str, Any]) -> None:
        """Keep what is said of the whole run."""

    def alert(self, title: str, text: str, *, is_fatal: bool) -> None:
        """Raise an alarm."""

    def close(self, *, failed: bool) -> None:
        """End the run; nothing is kept after that."""


class Wandb:
    """A run in wandb, on this machine only where there is no key."""

    def __init__(self, owner: str, **opening: Any) -> None:
        self._run = open_run(owner, **opening)
        # So that a run that was stopped between goes on where its curve ended.
        self._run.define_metric(_STEP)
        self._run.define_metric("*", step_metric=_STEP, step_sync=True)

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Keep values of one step."""
        self._run.log({**values, _STEP: step})

    def summarise(self, values: Mapping[str, Any]) -> None:
        """Keep what is said of the whole run."""
        self._run.summary.update(dict(values))

    def show_text(self, name: str, columns: Sequence[str], rows: Sequence[_Row]) -> None:
        """Put a table of texts into the run."""
        log_table(self._run, name, columns, rows)

    def alert(self, title: str, text: str, *, is_fatal: bool) -> None:
        """Raise an alarm, which wandb may mail to the user."""
        self._run.alert(title=title, text=text, level="ERROR" if is_fatal else "WARN")

    def close(self, *, failed: bool) -> None:
        """Finish the run."""
        close_run(self._run, failed=failed)


class TensorBoard:
    """Event files in the owner's logs."""

    def __init__(self, owner: str, *, name: str, config: Mapping[str, Any], step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._folder = logs_dir(owner) / "tensorboard"
        # Points that a stopped run drew after its last save are drawn again.
        purge = step + 1 if step else None
        self._writer = SummaryWriter(str(self._folder / name), purge_step=purge)
        if not step:
            lines = [f"| {key} | {value} |" for key, value in sorted(config.items())]
            self._writer.add_text("config", "\n".join(["| key | value |", "|---|---|", *lines]))
        self._step = step

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Keep values of one step."""
        self._step = step
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def summarise(self, values: Mapping[str, Any]) -> None:
        """Keep what is said of the whole run, at its last step."""
        for name, value in values.items():
            if isinstance(value, bool | int | float):
                self._writer.add_scalar(f"summary/{name}", value, self._step)
            else:
                self._writer.add_text(f"summary/{name}", str(value), self._step)

    def alert(self, title: str, text: str, *, is_fatal: bool) -> None:
        """Keep an alarm as text."""
        self._writer.add_text("alarms", f"{title}: {text}", self._step)

    def close(self, *, failed: bool) -> None:
        """Close the file, and say how to look at it."""
        self._writer.close()
        say(f"tensorboard: tensorboard --logdir {relative_to_root(self._folder)}")


class Trackio:
    """A local trackio project; never a space, a server or a webhook."""

    def __init__(
        self, owner: str, *, name: str, group: str, config: Mapping[str, Any], project: str
    ) -> None:
        self._folder = logs_dir(owner) / "trackio"
        self._folder.mkdir(parents=True, exist_ok=True)
        # Read once, when trackio is imported.
        os.environ.setdefault("TRACKIO_DIR", str(self._folder))
        with _alone():
            self._trackio = importlib.import_module("trackio")
            # It would ask the hub who is logged in.
            runs: Any = importlib.import_module("trackio.run")
            runs._get_default_namespace = lambda: None
            self._run = self._trackio.init(
                project=project,
                name=name,
                group=group,
                config=dict(config),
                resume="allow",
                embed=False,
                auto_log_gpu=False,
                auto_log_cpu=False,
            )
        self._summary: dict[str, Any] = {}
        self._project = project
        self._step = 0

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Keep values of one step."""
        self._step = step
        self._run.log({**values, _STEP: step})

    def summarise(self, values: Mapping[str, Any]) -> None:
        """Keep what is said of the whole run, at its last step."""
        self._run.log({**{f"summary/{key}": value for key, value in values.items()},
                       _STEP: self._step})  # fmt: skip

    def alert(self, title: str, text: str, *, is_fatal: bool) -> None:
        """Keep an alarm."""
        levels = self._trackio.AlertLevel
        level = levels.ERROR if is_fatal else levels.WARN
        with _alone():
            self._run.alert(title=title, text=text, level=level)

    def close(self, *, failed: bool) -> None:
        """Finish the run, and say how to look at it."""
        with _alone():
            # Its own exit would finish the run once more, aloud.
            self._trackio.finish()
        folder = relative_to_root(self._folder)
        say(f"trackio: TRACKIO_DIR={folder} trackio show --project {self._project}")


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Hide from trackio what would make it send something, and what it says on stdout."""
    hidden = {
        name: os.environ.pop(name)
        for name in ("TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL", "TRACKIO_WEBHOOK_URL")
        if name in os.environ
    }
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        os.environ.update(hidden)
