"""A push goes where it was told, private, whole, and stands in the egress log."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from align.commands.export import app
from align.errors import UserError
from align.export.hub_push import check_repository, check_token, push
from align.files import sha256_of
from align.privacy.egress_log import read
from tests.export.hub_server import Hub, running_hub
from tests.export.twins import adapter_twin

REPOSITORY = "ann-b/twin"


@pytest.fixture
def hub(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    from huggingface_hub import constants

    with running_hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_TOKEN", "hf_a_token")
        # The tests are offline; loopback is all that this one reaches.
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        yield hub


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "export"
    made.mkdir()
    (made / "README.md").write_text("---\nlibrary_name: transformers\n---\n# A twin\n")
    (made / "model.safetensors").write_bytes(bytes(range(256)) * 40)
    return made


def test_every_file_arrives_private(hub: Hub, folder: Path) -> None:
    address = push("ann", folder, REPOSITORY, public=False)
    assert address.startswith(f"{hub.url}/{REPOSITORY}")
    assert hub.private[REPOSITORY] and hub.tokens == {"Bearer hf_a_token"}
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert hub.repositories[REPOSITORY] == files


def test_public_is_said(hub: Hub, folder: Path) -> None:
    push("ann", folder, REPOSITORY, public=True)
    assert not hub.private[REPOSITORY]


def test_a_repository_that_all_can_see_gets_nothing_private(hub: Hub, folder: Path) -> None:
    hub.repositories[REPOSITORY], hub.private[REPOSITORY] = {}, False
    with pytest.raises(UserError, match="there already, and public"):
        push("ann", folder, REPOSITORY, public=False)
    assert hub.repositories[REPOSITORY] == {} and not list(read("ann"))


def test_the_egress_log_knows_each_file(hub: Hub, folder: Path) -> None:
    push("ann", folder, REPOSITORY, public=False)
    lines = {line["path"]: line for line in read("ann")}
    line = lines[f"/{REPOSITORY}/model.safetensors"]
    assert line["sha256"] == sha256_of(folder / "model.safetensors")
    assert (line["status"], line["bytes"], line["purpose"]) == (200, 10240, "push")
    assert len(lines) == 2


def test_what_the_hub_refuses_is_said_and_noted(hub: Hub, folder: Path) -> None:
    hub.refuses = True
    with pytest.raises(UserError, match="the hub says: "):
        push("ann", folder, REPOSITORY, public=False)
    assert hub.repositories[REPOSITORY] == {}
    assert {line["status"] for line in read("ann")} == {None}
    assert all(line["error"] for line in read("ann"))


def test_without_a_token_nothing_begins(
    root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from huggingface_hub import constants

    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    with pytest.raises(UserError, match="no token of the hub"):
        check_token()


def test_a_name_that_is_no_repository_is_refused() -> None:
    for name in ("twin", "ann/twin/more", "https://huggingface.co/ann/twin", "ann/"):
        with pytest.raises(UserError, match="names no repository"):
            check_repository(name)


def test_the_command_shows_what_it_pushes(hub: Hub, root: Path) -> None:
    adapter_twin()
    words = ["--owner", "ann", "--merge", "--out", str(root / "out"), "--push", REPOSITORY]
    with pytest.raises(UserError, match="Say --yes"):
        CliRunner().invoke(app, words, catch_exceptions=False)
    assert not (root / "out").exists() and not hub.repositories
    done = CliRunner().invoke(app, [*words, "--yes"], catch_exceptions=False)
    assert done.exit_code == 0
    assert f"push: to {REPOSITORY} at {hub.url.split('//')[1]}, private:" in done.stderr
    assert "model.safetensors" in done.stderr and "/commit/" in done.stdout
    assert set(hub.repositories[REPOSITORY]) == {path.name for path in (root / "out").iterdir()}


def test_an_adapter_to_a_base_of_this_machine_is_not_pushed(hub: Hub, root: Path) -> None:
    adapter_twin()
    words = ["--owner", "ann", "--out", str(root / "out"), "--push", REPOSITORY, "--yes"]
    with pytest.raises(UserError, match="loads nowhere else"):
        CliRunner().invoke(app, words, catch_exceptions=False)
    assert not hub.repositories
