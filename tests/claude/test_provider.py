"""The key, and the address that it opens."""

import copy
import pickle
import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest

from align.claude.provider import PROVIDER, Key, api_key, base_url, checked_url, host_of
from align.errors import UserError


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    monkeypatch.delenv("ANTHROPIC_BASE_URL", raising=False)
    monkeypatch.setitem(sys.modules, "keyring", None)


def store_with(monkeypatch: pytest.MonkeyPatch, get: Any) -> None:
    module = ModuleType("keyring")
    module.get_password = get  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", module)


def test_the_environment_comes_before_the_key_store(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {("soundalike", "anthropic"): "sk-kept"}
    store_with(monkeypatch, lambda service, account: kept.get((service, account)))
    assert api_key().reveal() == "sk-kept"
    monkeypatch.setenv("ANTHROPIC_API_KEY", " sk-said \n")
    assert api_key().reveal() == "sk-said"


def test_without_a_key_both_ways_are_named() -> None:
    with pytest.raises(UserError) as caught:
        api_key()
    assert "ANTHROPIC_API_KEY" in str(caught.value)
    assert "python -m keyring set soundalike anthropic" in str(caught.value)


def test_a_broken_key_store_is_as_an_empty_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(service: str, account: str) -> str:
        raise RuntimeError("no backend")

    store_with(monkeypatch, broken)
    with pytest.raises(UserError, match="no key"):
        api_key()


@pytest.mark.parametrize("odd", ["sk-a b", "sk-a\nX-Header: 1", "“sk-a”", "sk-\x00"])
def test_what_can_be_no_key_is_refused_and_not_shown(
    odd: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_with(monkeypatch, lambda service, account: odd)
    with pytest.raises(UserError) as caught:
        api_key()
    assert odd not in str(caught.value)


def test_a_key_shows_itself_nowhere() -> None:
    key = Key("sk-secret")
    shown = [repr(key), str(key), f"{key}", f"{[key]}", repr({"key": key})]
    assert not any("sk-secret" in text for text in shown)
    for write in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            write(key)
    assert not hasattr(key, "__dict__")


def test_the_address_is_the_providers_unless_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert base_url() == PROVIDER
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "https://gateway.example/anthropic")
    assert base_url() == "https://gateway.example/anthropic"


@pytest.mark.parametrize(
    "url",
    ["http://10.0.0.1", "http://example.com", "ftp://example.com", "example.com", "https://",
     "https://example.com:port", "https://example.com/?to=else", "http://localhost.example"],
)  # fmt: skip
def test_writing_goes_to_no_such_address(url: str) -> None:
    with pytest.raises(UserError, match="ANTHROPIC_BASE_URL"):
        checked_url(url)


@pytest.mark.parametrize("url", ["http://localhost:8080", "http://127.0.0.1:1", "http://[::1]:9"])
def test_plain_http_stays_on_this_machine(url: str) -> None:
    assert checked_url(url) == url


def test_a_password_in_an_address_is_refused_and_not_shown() -> None:
    with pytest.raises(UserError) as caught:
        checked_url("https://ann:hunter2@example.com")
    assert "hunter2" not in str(caught.value)


def test_a_host_is_named_with_the_port_that_is_unusual() -> None:
    assert host_of(PROVIDER) == "api.anthropic.com"
    assert host_of("https://API.anthropic.com:443/v1") == "api.anthropic.com"
    assert host_of("https://api.anthropic.com:8443") == "api.anthropic.com:8443"
    assert host_of("http://[::1]:9/x") == "[::1]:9"


def test_what_is_only_counted_needs_no_anthropic() -> None:
    light = ["budget", "channel", "estimates", "failures", "prices", "provider", "replies"]
    script = f"import sys, {', '.join('align.claude.' + name for name in light)}\n"
    script += "assert not {'anthropic', 'genai_prices', 'torch', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)
