"""Money is exact, and what is unknown stays unknown."""

from __future__ import annotations

from decimal import Decimal

from routing.pricing import cost, price_at
from routing.types import PriceInForce

D = Decimal


def price(**figures: Decimal | None) -> PriceInForce:
    return PriceInForce(**{"valid_from": 0.0, "currency": "USD", "input": D("2.5"), "output": D(10), **figures})  # type: ignore[arg-type]


def test_tokens_cost_what_the_price_says_to_the_last_digit() -> None:
    assert cost(price(), {"prompt_tokens": 3, "completion_tokens": 7}) == D("0.0000775")


def test_cached_and_written_tokens_are_parts_of_the_prompt_with_their_own_price() -> None:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 0,
        "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 30},
    }
    assert cost(price(cached_input=D(1), cache_write=D(4)), usage) == D(10 * D("2.5") + 60 + 120) / 1_000_000


def test_cached_tokens_without_a_price_of_their_own_cost_what_input_costs() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 0, "prompt_tokens_details": {"cached_tokens": 10}}
    assert cost(price(), usage) == D("0.000025")


def test_an_unknown_figure_makes_the_cost_unknown_never_zero() -> None:
    assert cost(None, {"prompt_tokens": 1, "completion_tokens": 1}) is None
    assert cost(price(output=None), {"prompt_tokens": 1, "completion_tokens": 1}) is None
    assert cost(price(output=None), {"prompt_tokens": 2, "completion_tokens": 0}) == D("0.000005")


def test_a_price_of_zero_is_known() -> None:
    assert cost(price(input=D(0), output=D(0)), {"prompt_tokens": 5, "completion_tokens": 5}) == 0


def test_a_price_for_requests_alone_counts_requests_whatever_they_hold() -> None:
    searches = price(input=None, output=None, request=D(2000))
    assert cost(searches, {"prompt_tokens": 5}) == D("0.002")
    assert cost(searches, {"prompt_tokens": 5}, requests=3) == D("0.006")
    assert cost(price(request=D(2000)), {"prompt_tokens": 2}) == D("0.002005")


def test_the_latest_price_that_has_begun_counts() -> None:
    old, new = price(), PriceInForce(1000.0, "USD", D(1), D(1))
    assert price_at((old, new), 999.0) is old
    assert price_at((old, new), 1000.0) is new
    assert price_at((new,), 1.0) is None
