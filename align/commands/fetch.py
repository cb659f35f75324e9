"""`align fetch`: the owner's own public blog, kept as files and read into the store."""

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from align.console import make_command, say
from align.errors import UserError
from align.paths import owner_dir, relative_to_root
from align.text.printable import printable

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def fetch(
    url: Annotated[str, typer.Argument(metavar="URL", help="Your blog, or its feed.")],
    owner_id: Annotated[str, typer.Option("--owner", help="Whose blog.")] = "demo",
    limit: Annotated[
        int | None, typer.Option(min=1, help="Look at so many posts, the newest first.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list the posts that the blog names.")
    ] = False,
) -> None:
    """Fetch the owner's own public blog, by its feed or Substack's archive.

    One request a second, none that robots.txt forbids; nothing but addresses of its pages is sent.
    What was fetched is kept under data/<owner>/fetched and is not asked for again; it is read into
    the store as `align ingest` would read it.
    """
    from align.ingest.fetching.blog import fetch as fetch_posts
    from align.ingest.fetching.blog import fetched_folder
    from align.ingest.fetching.posts import listed_posts
    from align.ingest.fetching.site import Site

    folder = fetched_folder(owner_dir(owner_id), Site(url))
    if dry_run:
        for post in islice(listed_posts(Site(url)), limit):
            print(printable(f"{post.time[:10]:<10}  {post.url}  {post.title}"))
        return
    site = Site(url, folder / ".cache")
    counts = fetch_posts(site, folder, limit=limit, report=say)
    print(
        f"{relative_to_root(folder)}: {counts['new']:,} new, {counts['changed']:,} changed, "
        f"{counts['known']:,} known, {counts['passed over']:,} passed over"
    )
    if not any((folder / "posts").glob("*.atom")):
        raise UserError(site.url, "no post of it can be read", "Use the blog's own export")
    _take_in(folder, owner_id)


def _take_in(folder: Path, owner_id: str) -> None:
    """Read what was fetched into the store, as `align ingest` does."""
    from align.ingest.intake import prepare, take_in
    from align.ingest.report import report
    from align.owner import load_owner, write_default_owner
    from align.store.connection import open_store

    owner = load_owner(owner_id)
    # The owner's own blog: where one author wrote all of it, that is the owner.
    intake = prepare([folder], owner, ask=lambda _, authors: [*authors][: len(authors) == 1])
    if intake.inputs:
        for line in report(take_in(open_store(owner_id, create=True), intake, owner)):
            print(line)
        write_default_owner(owner_id)
    for problem in intake.log.problems:
        say(f"not read: {problem}")
    say(f"Next: {make_command('sft', owner_id)}")
