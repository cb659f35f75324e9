"""What the tests of `align judge` share: the command, and where its provider is."""

import pytest

from tests.anthropic_server import Server
from tests.commands.line import Line
from tests.e2e.judged_owner import KEY, GoingTo


@pytest.fixture
def align(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Line:
    """`align ...` with a key, that waits for nothing as long as it would out there."""
    from align.claude.channel import Poll

    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setattr(Poll.__init__, "__defaults__", (0.02, 0.05))
    monkeypatch.setattr("align.claude.batch_service.FIRST_WAIT", 0.05)
    monkeypatch.setattr("anthropic._base_client.INITIAL_RETRY_DELAY", 0.05)
    return Line(capsys)


@pytest.fixture
def going_to(monkeypatch: pytest.MonkeyPatch) -> GoingTo:
    """Says where the provider is."""

    def lead(server: Server) -> Server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        return server

    return lead
