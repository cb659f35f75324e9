"""What tokens cost."""

from pathlib import Path

import pytest

from align.claude.prices import Usage, known_models, price_of
from align.errors import UserError

pytestmark = pytest.mark.usefixtures("root")


@pytest.mark.parametrize(
    ("model", "usd"), [("claude-haiku-5-5", 0.545), ("claude-sonnet-5-5", 10.9)]
)
def test_a_thousand_pairs_in_a_batch_cost_what_was_worked_out_by_hand(
    model: str, usd: float
) -> None:
    # Both orders; 3,000 shared and 700 own tokens read, 350 written; nothing cached.
    thousand = Usage(2000 * 3700, 2000 * 350)
    assert price_of(model).cost(thousand, batch=True) == pytest.approx(usd)
    assert price_of(model).cost(thousand, batch=False) == pytest.approx(2 * usd)


def test_the_cache_costs_more_to_write_and_less_to_read() -> None:
    price = price_of("claude-opus-5-5")
    million = 1_000_000
    assert price.cost(Usage(million, 0), batch=False) == pytest.approx(4)
    assert price.cost(Usage(0, million), batch=False) == pytest.approx(20)
    assert price.cost(Usage(0, 0, million), batch=False) == pytest.approx(0.4)
    assert price.cost(Usage(0, 0, 0, million), batch=False) == pytest.approx(5)
    assert price.cost(Usage(0, 0, 0, 0, million), batch=False) == pytest.approx(8)


def test_usage_is_read_as_the_provider_states_it() -> None:
    said = {
        "input_tokens": 10,
        "output_tokens": 20,
        "cache_read_input_tokens": 30,
        "cache_creation_input_tokens": 12,
        "cache_creation": {"ephemeral_5m_input_tokens": 5, "ephemeral_1h_input_tokens": 7},
    }
    assert Usage.of(said) == Usage(10, 20, 30, 5, 7)
    without = {**said, "cache_creation": None, "cache_read_input_tokens": None}
    assert Usage.of(without) == Usage(10, 20, 0, 12, 0)
    assert Usage.of({"input_tokens": 10}) is None
    assert Usage.of({}) is None


def test_usages_add_up() -> None:
    assert Usage(1, 2, 3, 4, 5) + Usage(10, 20, 30, 40, 50) == Usage(11, 22, 33, 44, 55)
    assert Usage(1, 2, 3, 4, 5).read_tokens == 13


def test_an_unknown_model_is_told_what_is_near_and_where_prices_stand() -> None:
    with pytest.raises(UserError) as caught:
        price_of("claude-haiku-55")
    assert "claude-haiku-5-5" in str(caught.value) and "recipes/prices.yaml" in str(caught.value)


def test_a_name_with_a_date_has_the_price_of_the_one_without() -> None:
    dated = price_of("claude-haiku-5-5-20260901")
    assert (dated.model, dated.input) == ("claude-haiku-5-5-20260901", 0.10)


def test_all_shipped_prices_are_dated_and_read() -> None:
    assert "claude-haiku-5-5" in known_models()
    assert {price_of(model).read for model in known_models()} == {"2026-11"}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("input: 0.10", "input: -1", "models.claude-haiku-5-5.input"),
        ("input: 0.10", "input: cheap", "models.claude-haiku-5-5.input"),
        ("batch: 0.5", "bath: 0.5", "bath"),
        ("read: 2026-11", "read: lately", "read"),
        ("models:", "models: [", "not YAML"),
    ],
)
def test_a_mistake_in_the_prices_is_named(root: Path, old: str, new: str, says: str) -> None:
    shipped = root / "recipes"
    text = (shipped / "prices.yaml").read_text()
    assert old in text
    shipped.unlink()
    shipped.mkdir()
    (shipped / "prices.yaml").write_text(text.replace(old, new))
    with pytest.raises(UserError) as caught:
        price_of("claude-haiku-5-5")
    assert says in str(caught.value) and "recipes/prices.yaml" in str(caught.value)
