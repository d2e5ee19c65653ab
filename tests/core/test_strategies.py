"""In which order candidates are tried: exact where it is exact, statistical (with fixed seeds) where chance decides."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from providers.wire import Limits, Target
from routing.circuit import WELL, Circuit
from routing.limits import Window
from routing.outlook import Moment
from routing.plan import plan
from routing.strategies import STRATEGIES, Sight
from routing.types import Candidate, Facts, Group, Need, PriceInForce, Route, Steering


class World:
    """What strategies ask of shared state, said by the test."""

    def __init__(self, busy: dict[str, int] | None = None, averages: dict[str, float] | None = None, start: int = 0):
        self.busy = busy or {}
        self.averages = averages or {}
        self.turns: Counter[str] = Counter()
        self.start = start

    def rest_of(self, identity: str) -> tuple[float, str, str] | None:
        return None

    def circuit_of(self, identity: str) -> Circuit:
        return WELL

    def drained(self, identity: str) -> bool:
        return False

    def refused(self, window: Window) -> float | None:
        return None

    def under_way(self, identity: str) -> int:
        return self.busy.get(identity, 0)

    def first_content_ms(self, endpoint: str) -> float | None:
        return self.averages.get(endpoint)

    def turn(self, name: str, count: bool = True) -> int:
        turn = self.start + self.turns[name]
        self.turns[name] += count
        return turn


def endpoint(name: str, weight: int = 1, price: tuple[str, str] | None = None, currency: str = "USD") -> Candidate:
    target = Target("acme", "openai-compatible", "openai", "http://upstream/v1", name)
    prices = (PriceInForce(0.0, currency, Decimal(price[0]), Decimal(price[1])),) if price else ()
    return Candidate(name, name, target, (), Facts(prices=prices), Limits(), weight=weight)


THREE = [endpoint("a"), endpoint("b"), endpoint("c")]


def order(
    strategy: str, candidates: list[Candidate], world: World | None = None, need: Need | None = None, seed: int = 1
) -> list[str]:
    moment = Moment(world or World(), 1.0, random=Random(seed))
    sight = Sight("list", need or Need(), moment)
    return [candidate.endpoint for candidate in STRATEGIES[strategy].order(candidates, sight)]


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_returns_all_candidates_once(name: str) -> None:
    assert sorted(order(name, THREE)) == ["a", "b", "c"]


def test_round_robin_alternates_strictly() -> None:
    world = World()
    assert ["".join(order("round_robin", THREE, world)) for _ in range(4)] == ["abc", "bca", "cab", "abc"]


@pytest.mark.parametrize("requests", [7, 100, 301])
def test_shares_of_round_robin_differ_by_at_most_the_number_of_workers(requests: int) -> None:
    workers = [World(start=number) for number in (17, 18, 19, 23)]
    chance = Random(5)
    shares = Counter(order("round_robin", THREE, chance.choice(workers))[0] for _ in range(requests))
    assert max(shares.values()) - min(shares[name] for name in "abc") <= len(workers)


def test_shuffle_gives_every_order_its_share() -> None:
    chance = Random(7)
    orders = Counter("".join(order("shuffle", THREE, seed=chance.randrange(1 << 30))) for _ in range(6000))
    assert len(orders) == 6
    assert all(abs(count - 1000) < 150 for count in orders.values())


def test_weights_are_the_shares_and_zero_is_the_last_resort() -> None:
    candidates = [endpoint("one", 1), endpoint("three", 3), endpoint("never", 0)]
    chance = Random(11)
    orders = [order("weighted", candidates, seed=chance.randrange(1 << 30)) for _ in range(4000)]
    shares = Counter(names[0] for names in orders)
    assert abs(shares["three"] / shares["one"] - 3) < 0.4
    assert all(names[-1] == "never" for names in orders)


def test_the_least_busy_comes_first_and_equals_take_turns() -> None:
    world = World(busy={"a": 2, "b": 0, "c": 0})
    assert [order("least_busy", THREE, world)[0] for _ in range(6)].count("a") == 0
    firsts = Counter(order("least_busy", THREE, world)[0] for _ in range(30))
    assert firsts["b"] >= 10
    assert firsts["c"] >= 10


def test_the_fastest_comes_first_after_those_not_measured_lately() -> None:
    assert order("fastest", THREE, World(averages={"a": 300.0, "b": 120.0})) == ["c", "b", "a"]


def test_the_cheapest_is_reckoned_for_this_very_request() -> None:
    talker, listener = endpoint("talker", price=("5", "1")), endpoint("listener", price=("1", "5"))
    short_question = Need(prompt_tokens=100, answer_tokens=2000)
    long_question = Need(prompt_tokens=50_000, answer_tokens=100)
    assert order("cheapest", [listener, talker], need=short_question) == ["talker", "listener"]
    assert order("cheapest", [listener, talker], need=long_question) == ["listener", "talker"]


def test_unknown_prices_come_last_and_other_currencies_before_them() -> None:
    candidates = [
        endpoint("unknown"),
        endpoint("dear", price=("9", "9")),
        endpoint("euro", price=("1", "1"), currency="EUR"),
    ]
    assert order("cheapest", candidates) == ["dear", "euro", "unknown"]


def test_a_conversation_stays_where_it_is_and_others_do_not_move_when_a_place_goes() -> None:
    conversations = [f"conversation {number}" for number in range(600)]
    before = {said: order("affinity", THREE, need=Need(conversation=said)) for said in conversations}
    shares = Counter(names[0] for names in before.values())
    assert all(abs(shares[name] - 200) < 60 for name in "abc")
    for said, names in before.items():
        assert order("affinity", THREE, need=Need(conversation=said), seed=99) == names
        left = order("affinity", THREE[:2], need=Need(conversation=said))
        assert left == [name for name in names if name != "c"]


def route(strategy: str, candidates: list[Candidate], members: tuple[Any, ...] = ()) -> Route:
    return Route("turbo", "turbo", "model", "text-generation", strategy, tuple(candidates), members=members)


def planned(chosen: Route, need: Need | None = None, world: World | None = None) -> list[str]:
    made = plan(chosen, need or Need(), Moment(world or World(), 1.0, random=Random(3)))
    return [candidate.endpoint for candidate in made.candidates]


def test_a_list_within_a_list_keeps_its_own_order_and_stands_together() -> None:
    inner = Group("inner", "round_robin", ("b", "c"))
    chosen = route("ordered", THREE, (inner, "a"))
    world = World()
    assert [planned(chosen, world=world) for _ in range(2)] == [["b", "c", "a"], ["c", "b", "a"]]


def test_a_list_within_a_list_is_ranked_by_its_entry() -> None:
    candidates = [replace(endpoint("a"), priority=5), replace(endpoint("b"), priority=9), endpoint("c")]
    chosen = route("priority", candidates, ("a", Group("inner", "ordered", ("b", "c"), priority=1)))
    assert planned(chosen) == ["b", "c", "a"]


def test_an_endpoint_reached_twice_is_tried_once() -> None:
    assert planned(route("ordered", THREE, ("a", Group("inner", "ordered", ("b", "a", "c"))))) == ["a", "b", "c"]


def test_a_request_may_name_an_order_of_its_own() -> None:
    assert planned(route("ordered", THREE), Need(steering=Steering(order=("c", "a")))) == ["c", "a", "b"]


def test_a_request_may_want_only_some_and_ignore_others() -> None:
    assert planned(route("ordered", THREE), Need(steering=Steering(only=frozenset({"b", "c"})))) == ["b", "c"]
    assert planned(route("ordered", THREE), Need(steering=Steering(ignore=frozenset({"b"})))) == ["a", "c"]
    assert planned(route("ordered", THREE), Need(steering=Steering(only=frozenset({"acme"})))) == ["a", "b", "c"]


def test_a_request_may_bound_the_price_and_an_unknown_one_is_not_within_it() -> None:
    candidates = [endpoint("dear", price=("3", "9")), endpoint("unknown"), endpoint("cheap", price=("1", "2"))]
    bounded = Need(steering=Steering(max_prompt_price=Decimal(2)))
    assert planned(route("ordered", candidates), bounded) == ["cheap"]


def test_a_request_may_sort_otherwise_and_forbid_fallbacks() -> None:
    candidates = [endpoint("dear", price=("3", "9")), endpoint("cheap", price=("1", "2"))]
    assert planned(route("ordered", candidates), Need(steering=Steering(sort="cheapest"))) == ["cheap", "dear"]
    alone = plan(route("ordered", THREE), Need(steering=Steering(fallbacks=False)), Moment(World(), 1.0))
    assert [candidate.endpoint for candidate in alone.candidates] == ["a"]
    assert [skip.code for skip in alone.skipped] == ["not_wanted", "not_wanted"]


def test_a_plan_that_only_looks_takes_no_turn() -> None:
    world = World()
    looking = Moment(world, 1.0, counts=False)
    assert [plan(route("round_robin", THREE), Need(), looking).candidates[0].endpoint for _ in range(3)] == ["a"] * 3
