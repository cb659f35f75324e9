"""What tokens cost."""

import subprocess
import sys

import pytest

from align.claude.prices import CACHE_MINIMUM, Usage, price_of
from align.errors import UserError


@pytest.mark.parametrize(
    ("model", "usd"), [("claude-haiku-5-5", 0.545), ("claude-sonnet-5-5", 10.9)]
)
def test_a_thousand_pairs_in_a_batch_cost_what_was_worked_out_by_hand(
    model: str, usd: float
) -> None:
    # Both orders; 3,000 shared and 700 own tokens read, 350 written; nothing cached.
    one = Usage(3700, 350)
    assert 2000 * price_of(model).cost(one, batch=True) == pytest.approx(usd)
    assert 2000 * price_of(model).cost(one, batch=False) == pytest.approx(2 * usd)


def test_the_cache_costs_more_to_write_and_less_to_read() -> None:
    price = price_of("claude-opus-5-5")
    million = 1_000_000
    assert price.cost(Usage(million, 0), batch=False) == pytest.approx(4)
    assert price.cost(Usage(0, million), batch=False) == pytest.approx(20)
    assert price.cost(Usage(0, 0, million), batch=False) == pytest.approx(0.2)
    assert price.cost(Usage(0, 0, 0, million), batch=False) == pytest.approx(5)


def test_usage_is_read_as_the_provider_states_it() -> None:
    usage = {
        "input_tokens": 10,
        "output_tokens": 20,
        "cache_read_input_tokens": 30,
        "cache_creation_input_tokens": 12,
    }
    assert Usage.of(usage) == Usage(10, 20, 30, 12)
    assert Usage.of({**usage, "cache_read_input_tokens": None}) == Usage(10, 20, 0, 12)
    assert Usage.of({"input_tokens": 10}) is None
    assert Usage.of({}) is None


def test_usages_add_up() -> None:
    assert Usage(1, 2, 3, 4) + Usage(10, 20, 30, 40) == Usage(11, 22, 33, 44)
    assert Usage(1, 2, 3, 4).read_tokens == 8


def test_an_unknown_model_is_told_what_is_near_and_how_to_get_newer_prices() -> None:
    with pytest.raises(UserError) as caught:
        price_of("claude-haiku-55")
    assert "claude-haiku-5-5" in str(caught.value)
    assert "pip install --upgrade genai-prices" in str(caught.value)


def test_a_name_with_a_date_has_the_price_of_the_one_without() -> None:
    dated = price_of("claude-haiku-5-5-20260901")
    assert (dated.model, dated.input) == ("claude-haiku-5-5-20260901", 0.10)


def test_a_longer_prompt_may_have_another_price() -> None:
    price = price_of("claude-haiku-5-5")
    assert price.cost(Usage(100_000, 1000), batch=False) == pytest.approx(0.0105)
    # One token more, and all tokens cost five times as much.
    assert price.cost(Usage(1, 1000, 100_000), batch=False) == pytest.approx(0.0075005)
    assert price.cost(Usage(100_001, 1000), batch=True) == pytest.approx(0.02625025)


def test_what_has_no_price_for_the_cache_or_for_batches_costs_the_full_one() -> None:
    price = price_of("claude-2")
    assert (price.batch, price.cache_read, price.cache_write) == (1, 1, 1)


def test_prices_come_with_the_package_and_none_is_fetched() -> None:
    script = (
        "import socket, threading\n"
        "def refuse(*args): raise AssertionError('a connection')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from align.claude.prices import price_of\n"
        "assert price_of('claude-opus-5-5').input == 4 and threading.active_count() == 1\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_models_that_are_named_here_are_known() -> None:
    models = [price_of(f"claude-{name}-5-5") for name in ("haiku", "sonnet", "opus")]
    assert [(price.input, price.output) for price in models] == [(0.1, 0.5), (2, 10), (4, 20)]
    assert {(price.batch, price.cache_minimum) for price in models} == {(0.5, CACHE_MINIMUM)}
