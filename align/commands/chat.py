"""`align chat`: talk with a twin."""

import contextlib
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from align.console import say
from align.paths import store_path
from align.text.printable import printable

if TYPE_CHECKING:
    from align.chat import Chat

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def chat(
    owner: Annotated[str, typer.Option(help="Whose twin.")] = "demo",
    checkpoint: Annotated[
        str | None, typer.Option(help="base, sft, dpo, 002-dpo or a path; else the newest twin.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed and words give the same answers.")] = 0,
    temperature: Annotated[float | None, typer.Option(min=0.0, help="Else the recipe's.")] = None,
    top_p: Annotated[
        float | None, typer.Option(min=0.01, max=1.0, help="Else the recipe's.")
    ] = None,
    max_new_tokens: Annotated[int | None, typer.Option(min=1, help="Else the recipe's.")] = None,
) -> None:
    """Talk with a twin; lines that are piped in are answered one by one."""
    from align.chat import Chat
    from align.models.checkpoints import resolve
    from align.owner import load_owner
    from align.privacy.private_text import PrivateText
    from align.privacy.scope import SHOWN
    from align.sampling.sampling_plan import sampling_of
    from align.store.connection import open_store

    speaker = resolve(owner, checkpoint)
    sampling = sampling_of(
        speaker.sampling, temperature=temperature, top_p=top_p, max_new_tokens=max_new_tokens
    )
    detector = None
    if store_path(owner).exists():
        detector = PrivateText(open_store(owner), load_owner(owner), scope=SHOWN)
    from align.models.loading import load_model

    model = load_model(speaker)
    talk = Chat(model, detector, sampling, seed, model.context or 2048)
    if sys.stdin.isatty():
        say(f"{speaker.name} of {owner}. /again tries once more, /quit (or Ctrl-D) ends.")
        _converse(talk, speaker.name)
        return
    for line in sys.stdin:
        if line.strip():
            _answer(talk, line.strip())


def _converse(talk: "Chat", name: str) -> None:
    # Only to be imported: input() then has history and editing keys.
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401

    while True:
        try:
            line = input("you> ").strip()
        except EOFError:
            print()
            return
        if line in ("/quit", "/exit"):
            return
        if line:
            _answer(talk, line, before=f"{name}> ")


def _answer(talk: "Chat", line: str, before: str = "") -> None:
    if line.startswith("/") and line != "/again":
        say(f"{line.split()[0]} is not known; there are /again and /quit")
        return
    reply = talk.again() if line == "/again" else talk.say(line)
    if reply is None:
        say("nothing to try again yet")
        return
    # A pipe takes the answer as it is: a blank line stands between the messages of a burst.
    for message in reply.messages if before else [reply.shown]:
        print(printable(before + message), flush=True)
