"""`align <command>`: registers the commands, and imports one only when it is called."""

import importlib
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from align import __version__
from align.command_line import Stopped, run, share_cores

# The road first, in its order; then what looks at it.
COMMANDS = {
    "ingest": "Read the owner's writing into the store.",
    "fetch": "Fetch the owner's own public blog, to be read in.",
    "records": "List, show, search, drop and set the privacy of what was read.",
    "names": "Names of other people in what was read.",
    "questions": "Questions that passages of the owner's documents answer.",
    "examples": "Show what a twin would be trained on.",
    "prompts": "Add and list the prompts that a twin is asked.",
    "base": "Get the model that a twin grows from, and list what there is.",
    "doctor": "Say what a run will find and need, before anything is fetched or loaded.",
    "sft": "Fine-tune a twin on the owner's writing.",
    "sample": "Draw pairs of answers from a twin.",
    "simulate": "Let a demo owner's simulated stand-in choose (demo owners only).",
    "choices": "List and export what was chosen.",
    "judge": "Let a judge choose of the rest, as far as it agrees with the owner.",
    "dpo": "Train the twin on the choices.",
    "evaluate": "Compare base, SFT and DPO on held-out prompts, as a scorecard.",
    "chat": "Talk with a twin.",
    "export": "Write a twin as other tools load it: merged, with a card.",
    "status": "Show what is there and which command comes next.",
    "egress": "Show what was sent from this machine, when, and to whom.",
    "pack": "Pack what training, or labelling, needs on another machine.",
    "unpack": "Merge a pack into this machine's store.",
    "backup": "Copy an owner's store, safely while it is in use.",
    "forget": "Erase an owner: store, checkpoints and, when asked, the writing.",
    "demo-owner": "Make another fictional owner with a voice of its own.",
}
# These compute in this process; sft, dpo and sample see to their own.
_WITH_TORCH = ("questions", "judge", "evaluate", "chat")


class Road(TyperGroup):
    """The group of all commands: the help page knows them, a call imports the one it names."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Replace the summary that was registered by the command itself."""
        name, _, rest = super().resolve_command(ctx, args)
        assert name is not None
        if name in _WITH_TORCH:
            share_cores()
        module = importlib.import_module(f"align.commands.{name.replace('-', '_')}")
        command = get_command(module.app)
        command.name = name
        return name, command, rest

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was called."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            raise Stopped from stop


app = typer.Typer(
    cls=Road,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def options(
    root: Annotated[
        str | None, typer.Option(help="Project root (default: the checkout).", metavar="DIR")
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Make a language model sound like one person, its owner."""
    if root is not None:
        os.environ["SOUNDALIKE_ROOT"] = root
    if debug:
        os.environ["SOUNDALIKE_DEBUG"] = "1"


def _summary(text: str) -> Callable[[], None]:
    def command() -> None: ...

    command.__doc__ = text
    return command


for _name, _text in COMMANDS.items():
    app.command(_name)(_summary(_text))


def _road() -> object:
    try:
        return app(prog_name="align", standalone_mode=False)
    except typer.Abort as stop:
        raise Stopped from stop


def main() -> None:
    """Run `align`."""
    sys.exit(run(_road))


if __name__ == "__main__":
    main()
