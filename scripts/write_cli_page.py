"""Write docs/cli.md from the commands' own help: `python -m scripts.write_cli_page [--check]`."""

import importlib
import os
from collections.abc import Iterator
from typing import Any

from scripts.generated_page import CHECKOUT, write_or_check

PAGE = CHECKOUT / "docs" / "cli.md"
HEAD = """\
# The command line

Written by `make docs` from the commands' own `--help`. A mistake of the user's ends with exit
code 2 and one line, Ctrl-C with 130; data goes to stdout, narration to stderr.
"""
COLUMNS = 88


def helps() -> Iterator[tuple[str, str]]:
    """Yield each command's name and its help, subcommands after their group."""
    from typer.main import get_command

    from align import cli
    from labeler import cli as labeler

    def walk(command: Any, name: str) -> Iterator[tuple[str, str]]:
        context = command.context_class(
            command,
            info_name=name,
            terminal_width=COLUMNS,
            max_content_width=COLUMNS,
            help_option_names=["-h", "--help"],
        )
        yield name, command.get_help(context)
        if name != "align":  # whose commands follow with helps of their own
            for sub, child in getattr(command, "commands", {}).items():
                yield from walk(child, f"{name} {sub}")

    yield from walk(get_command(cli.app), "align")
    for name in cli.COMMANDS:
        module = importlib.import_module(f"align.commands.{name.replace('-', '_')}")
        command = get_command(module.app)
        command.name = name
        yield from walk(command, f"align {name}")
    yield "labeler", labeler.parser(COLUMNS).format_help()


def page() -> str:
    """Return the page as the commands have it."""
    parts = [HEAD]
    for name, text in helps():
        lines = "\n".join(line.rstrip() for line in text.strip().splitlines())
        parts.append(f"## {name}\n\n```\n{lines}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    os.environ["NO_COLOR"] = "1"
    write_or_check(PAGE, page)
