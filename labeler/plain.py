"""The line mode: a letter and Enter a pair, on any terminal, in pipes, with a screen reader."""

import contextlib
import sys
from collections.abc import Callable
from typing import TextIO

from align.errors import UserError
from align.store.drafts import Draft, DraftKind
from align.text.printable import printable
from labeler.progress import Progress
from labeler.session import Answer, Question, Session, SkipReason

KEYS = (
    "a left · b right · 1 clearly left · 4 clearly right · = both · n neither · s skip "
    "(s1 bad prompt, s2 both broken, s3 too private) · u undo · r redo · e write it yourself · "
    "p private · m note · q quit"
)
ANSWERS: dict[str, Answer] = {
    "a": "left", "b": "right", "=": "both", "n": "neither",
    "1": "left", "2": "left", "3": "right", "4": "right",
}  # fmt: skip
CLEAR = ("1", "4")
REASONS: dict[str, SkipReason] = {"s1": "bad prompt", "s2": "both broken", "s3": "too private"}
ANSWER_WORDS: dict[Answer, str] = {
    "left": "left",
    "right": "right",
    "both": "both sound like you",
    "neither": "neither does",
}


def label(
    session: Session,
    progress: Progress,
    *,
    limit: int | None = None,
    lines: TextIO | None = None,
    out: TextIO | None = None,
) -> None:
    """Ask pair after pair until nothing waits, `limit` is reached, or the input ends.

    Args:
        session: What is asked and where the answers go.
        progress: Figures of the session so far.
        limit: Number of answers after which to stop, skips not counted.
        lines: Where the letters come from; stdin by default.
        out: Where the pairs go; stdout by default.
    """
    lines, out = lines or sys.stdin, out or sys.stdout

    def show(text: str) -> None:
        print(printable(text), file=out, flush=True)

    show(KEYS)
    shown: Question | None = None
    while (question := session.question) is not None:
        if limit is not None and len(progress.answers) >= limit:
            return
        if question != shown:
            _show_pair(question, session, progress, show)
            shown = question
            _forget_typed(lines)
        print("Which sounds like you? ", end="", file=out, flush=True)
        line = lines.readline()
        if not line:
            show("")
            return
        key = line.strip().lower()
        if key == "q":
            return
        try:
            show(_act(session, key, lambda kind: _written(session, kind, lines, show)))
        except UserError as error:
            show(f"Not saved. {error} The pair stays.")
            continue
        if key in ANSWERS or key == "e":
            _count(question, session, progress, show)
        elif key in ("u", "r"):
            progress.reversed()
        else:
            progress.recount()


def _act(session: Session, key: str, written: Callable[[DraftKind], str | None]) -> str:
    """Do what the key is for and return the line that confirms it."""
    if key in ANSWERS:
        session.answer(ANSWERS[key], clear=key in CLEAR)
        return f"Saved: {'clearly ' if key in CLEAR else ''}{ANSWER_WORDS[ANSWERS[key]]}."
    if key == "s" or key in REASONS:
        session.skip(REASONS.get(key))
        return "Skipped; it comes again later."
    if key == "u":
        undone = session.undo()
        return f"Taken back: {undone}." if undone else "Nothing to take back."
    if key == "r":
        redone = session.redo()
        return f"Done again: {redone}." if redone else "Nothing to do again."
    if key == "p":
        private = session.toggle_private()
        return "This pair never leaves the machine." if private else "No longer private."
    if key == "e":
        text = written("rewrite")
        if text is None or not text.strip():
            return "Nothing saved; the pair stays, and e brings back what was typed."
        session.rewrite(text, None)
        return "Saved: your own words."
    if key == "m":
        note = written("note")
        if note is None:
            return "Nothing saved; m brings back what was typed."
        session.set_note(note)
        return "Note saved."
    return f"{key!r} is no key here. {KEYS}" if key else KEYS


def _count(
    question: Question, session: Session, progress: Progress, show: Callable[[str], None]
) -> None:
    """Count an answer, and at the end of a block show its figures."""
    if session.question == question:  # nothing was written
        return
    progress.decided(question)
    if block := progress.block():
        show(f"{block[:1].upper()}{block[1:]}.")


def _written(
    session: Session, kind: DraftKind, lines: TextIO, show: Callable[[str], None]
) -> str | None:
    """Read lines up to one with a full stop alone; None where they end without it.

    What was typed stays a draft of the pair, also where the terminal is closed meanwhile.
    """
    assert session.question is not None
    pair_id, written, line = session.question.pair.id, "", ""
    draft = session.drafts.of(kind, pair_id)
    if draft is not None:
        show(f"Your draft:\n{draft.text}\n(a full stop at once takes it as it is)")
    show("Write; a line with a full stop alone ends it.")
    try:
        while (line := lines.readline()) and line.strip() != ".":
            written += line
    finally:
        text = written.strip("\n")
        if text:
            session.drafts.keep(kind, pair_id, Draft(text))
    if not line:
        return None
    return draft.text if draft is not None and not text else text


def _forget_typed(lines: TextIO) -> None:
    """Drop what was typed into a terminal before the pair stood there: nobody saw it."""
    if lines.isatty():
        with contextlib.suppress(ImportError, OSError):
            import termios

            termios.tcflush(lines.fileno(), termios.TCIFLUSH)


def _show_pair(
    question: Question, session: Session, progress: Progress, show: Callable[[str], None]
) -> None:
    show("")
    today = f" · today {progress.today} of {progress.goal}" if progress.goal else ""
    show(f"Pair {session.answered + 1} · {session.left} left{today}")
    for message in question.pair.messages:
        show(f"{'You' if message['role'] == 'assistant' else 'They'}: {message['content']}")
    for side, text in (("left", question.left), ("right", question.right)):
        show("")
        show(f"[{side}]")
        show(text)
    show("")
