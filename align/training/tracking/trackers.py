"""Where a run's figures go: wandb, TensorBoard or trackio, each behind the same few words."""

import contextlib
import importlib
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from align.console import say
from align.paths import relative_to_root
from align.training.tracking.wandb_runs import close_run, group_of, log_table, logs_dir, open_run

_STEP = "train/global_step"
_Row = Sequence[str | int | float | None]


class Tracker(Protocol):
    """One place that keeps a run's figures."""

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Keep values of one step."""

    def summarise(self, values: Mapping[str, Any]) -> None:
        """Keep figures of the whole run."""

    def alert(self, title: str, text: str, *, is_fatal: bool) -> None:
        """Raise an alarm."""

    def close(self, *, failed: bool) -> None:
        """End the run, and say how to look at it; nothing is kept after that."""


def open_tracker(kind: str, owner_id: str, **opening: Any) -> Tracker:
    """Open a run with a tracker that `report_to` names: `wandb`, `tensorboard` or `trackio`.

    `opening` is what `wandb_runs.open_run` takes, the run's `folder` and its first `step`.
    """
    trackers = {"wandb": _Wandb, "tensorboard": _TensorBoard, "trackio": _Trackio}
    return trackers[kind](owner_id, **opening)


class _Wandb:
    def __init__(self, owner_id: str, *, folder: str, step: int, **opening: Any) -> None:
        self._run = open_run(owner_id, **opening)
        # A run that was stopped goes on where its curve ended.
        self._run.define_metric(_STEP)
        self._run.define_metric("*", step_metric=_STEP, step_sync=True)

    def log(self, values: Mapping[str, float], step: int) -> None:
        self._run.log({**values, _STEP: step})

    def summarise(self, values: Mapping[str, Any]) -> None:
        self._run.summary.update(dict(values))

    def alert(self, title: str, text: str, *, is_fatal: bool) -> None:
        self._run.alert(title=title, text=text, level="ERROR" if is_fatal else "WARN")

    def show_text(self, name: str, columns: Sequence[str], rows: Sequence[_Row]) -> None:
        log_table(self._run, name, columns, rows)

    def close(self, *, failed: bool) -> None:
        close_run(self._run, failed=failed)


class _TensorBoard:
    """Event files; transformers' own callback would write all settings into them."""

    def __init__(
        self, owner_id: str, *, folder: str, config: Mapping[str, Any], step: int, **_: Any
    ) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._folder = logs_dir(owner_id) / "tensorboard"
        # Points that a stopped run drew after its last save are drawn again.
        purge = step + 1 if step else None
        self._writer = SummaryWriter(str(self._folder / folder), purge_step=purge)
        if not step:
            lines = [f"| {key} | {value} |" for key, value in sorted(config.items())]
            self._writer.add_text("config", "\n".join(["| key | value |", "|---|---|", *lines]))
        self._step = step

    def log(self, values: Mapping[str, float], step: int) -> None:
        self._step = step
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def summarise(self, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            if isinstance(value, bool | int | float):
                self._writer.add_scalar(f"summary/{name}", value, self._step)
            else:
                self._writer.add_text(f"summary/{name}", str(value), self._step)

    def alert(self, title: str, text: str, *, is_fatal: bool) -> None:
        self._writer.add_text("alarms", f"{title}: {text}", self._step)

    def close(self, *, failed: bool) -> None:
        self._writer.close()
        say(f"tensorboard: tensorboard --logdir {relative_to_root(self._folder)}")


class _Trackio:
    """A local project; never a space, a server or a webhook."""

    def __init__(
        self,
        owner_id: str,
        *,
        name: str,
        lineage: str,
        config: Mapping[str, Any],
        project: str,
        **_: Any,
    ) -> None:
        self._folder = logs_dir(owner_id) / "trackio"
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
                group=group_of(owner_id, lineage),
                config=dict(config),
                resume="allow",
                embed=False,
                auto_log_gpu=False,
                auto_log_cpu=False,
            )
        self._project, self._step = project, 0

    def log(self, values: Mapping[str, float], step: int) -> None:
        self._step = step
        self._run.log({**values, _STEP: step})

    def summarise(self, values: Mapping[str, Any]) -> None:
        self.log({f"summary/{key}": value for key, value in values.items()}, self._step)

    def alert(self, title: str, text: str, *, is_fatal: bool) -> None:
        levels = self._trackio.AlertLevel
        with _alone():
            self._run.alert(title=title, text=text, level=levels.ERROR if is_fatal else levels.WARN)

    def close(self, *, failed: bool) -> None:
        with _alone():
            # Its own exit would finish the run once more, aloud.
            self._trackio.finish()
        folder = relative_to_root(self._folder)
        say(f"trackio: TRACKIO_DIR={folder} trackio show --project {self._project}")


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Hide from trackio what would make it send something, and its own lines on stdout."""
    remote = ("TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL", "TRACKIO_WEBHOOK_URL")
    hidden = {name: os.environ.pop(name) for name in remote if name in os.environ}
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        os.environ.update(hidden)
