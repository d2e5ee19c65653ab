"""Strategies over two workers, counted where the requests arrive."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import yaml

from tests.api.limited import HI
from tests.running import RunningGateway, running_gateway, wait_for
from tests.switchboard import DONE, Switchboard, completion, delta, reply, stream, whole_stream

pytestmark = pytest.mark.gateway

WORKERS = 2
PRICES = {"a": "9", "b": "3", "c": "6"}


@pytest.fixture(scope="module")
def spread(switchboard: Switchboard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """A model for each strategy, named for it, over the endpoints ``<strategy>-a`` to ``-c``."""
    offers = {name: {"prices": [{"input": price, "output": price}]} for name, price in PRICES.items()}
    shop = {"kind": "openai-compatible", "base_url": switchboard.base_url("shop"), "keyless": True, "models": offers}
    endpoints: dict[str, Any] = {}
    models: dict[str, Any] = {}
    for strategy in ("round_robin", "weighted", "least_busy", "fastest", "cheapest", "affinity"):
        entries: list[dict[str, Any]] = []
        for letter, weight in zip("abc", (3, 1, 0), strict=True):
            name = f"{strategy}-{letter}"
            place = {"provider": "shop", "upstream_model": letter, "base_url": switchboard.base_url(name)}
            endpoints[name] = {**place, "retries": 0, "circuit_failures": 2, "circuit_pause": 1, "circuit_pause_max": 1}
            entries.append({"endpoint": name, "weight": weight})
            switchboard.plug(name, reply(completion()))
        models[strategy] = {"strategy": strategy, "entries": entries}
    models["outer"] = {"strategy": "round_robin", "entries": [{"model": "cheapest"}, {"endpoint": "weighted-a"}]}
    config = {"version": 1, "providers": {"shop": shop}, "endpoints": endpoints, "models": models}
    with running_gateway(tmp_path_factory.mktemp("spread"), yaml.safe_dump(config), workers=WORKERS) as running:
        yield running


def who(gateway: RunningGateway, model: str, times: int, **more: Any) -> Counter[str]:
    """Who answered so many requests, asked two at a time."""

    def ask(_: int) -> str:
        status, told, body = gateway.post({"model": model, "messages": HI, **more})
        assert status == 200, body
        return told["x-gateway-endpoint"]

    with ThreadPoolExecutor(2) as pool:
        return Counter(pool.map(ask, range(times)))


def test_shares_of_round_robin_differ_by_no_more_than_there_are_workers(spread: RunningGateway) -> None:
    shares = who(spread, "round_robin", 61)
    assert len(shares) == 3
    assert max(shares.values()) - min(shares.values()) <= WORKERS


def test_a_model_within_a_model_takes_its_turn_as_one_entry(spread: RunningGateway) -> None:
    shares = who(spread, "outer", 40)
    assert set(shares) == {"cheapest-b", "weighted-a"}
    assert abs(shares["cheapest-b"] - shares["weighted-a"]) <= WORKERS


def test_weights_are_shares_and_weight_0_waits_until_no_other_is_left(spread: RunningGateway) -> None:
    shares = who(spread, "weighted", 200)
    assert set(shares) == {"weighted-a", "weighted-b"}
    assert 115 <= shares["weighted-a"] <= 185  # 150, and more than five standard deviations


def test_the_cheapest_answers(spread: RunningGateway) -> None:
    assert who(spread, "cheapest", 10) == {"cheapest-b": 10}


def test_the_least_busy_gets_the_next_one(spread: RunningGateway, switchboard: Switchboard) -> None:
    gate = threading.Event()
    for letter in "abc":
        slow = stream(delta("Hel", role="assistant"), gate, delta("lo"), delta(finish="stop"), DONE)
        switchboard.plug(f"least_busy-{letter}", slow)
    with ThreadPoolExecutor(12) as pool:
        body = {"model": "least_busy", "messages": HI, "stream": True}
        asked = [pool.submit(spread.post, body) for _ in range(12)]
        places = [f"least_busy-{letter}" for letter in "abc"]
        wait_for(lambda: sum(len(switchboard.seen(place)) for place in places) == 12, "all are under way")
        busy = [len(switchboard.seen(place)) for place in places]
        gate.set()
        assert [done.result()[0] for done in asked] == [200] * 12
    assert max(busy) - min(busy) <= WORKERS


def test_every_worker_turns_to_the_fastest_once_anyone_has_measured(
    spread: RunningGateway, switchboard: Switchboard
) -> None:
    def late(peer: Any) -> None:
        threading.Event().wait(0.3)
        whole_stream("late")(peer)

    for letter in "ac":
        switchboard.plug(f"fastest-{letter}", late)
    switchboard.plug("fastest-b", whole_stream("quick"))
    wait_for(lambda: who(spread, "fastest", 8, stream=True) == {"fastest-b": 8}, "the averages are known", 30)


def test_a_conversation_stays_where_it_is_and_comes_back_after_an_illness(
    spread: RunningGateway, switchboard: Switchboard
) -> None:
    homes = {}
    for number in range(12):
        talk = [{"role": "user", "content": f"Conversation {number}"}]
        [homes[number]] = who(spread, "affinity", 6, messages=talk)
        later = [*talk, {"role": "assistant", "content": "Yes?"}, {"role": "user", "content": "Go on"}]
        assert set(who(spread, "affinity", 2, messages=later)) == {homes[number]}
    assert len(set(homes.values())) > 1
    talk, home = [{"role": "user", "content": "Conversation 0"}], homes[0]
    switchboard.plug(home, reply({"error": {"message": "ill"}}, status=503))
    [refuge] = who(spread, "affinity", 6, messages=talk)
    assert refuge != home
    others = [number for number in homes if homes[number] != home]
    elsewhere = [{"role": "user", "content": f"Conversation {others[0]}"}]
    assert set(who(spread, "affinity", 4, messages=elsewhere)) == {homes[others[0]]}
    switchboard.plug(home, reply(completion()))
    wait_for(lambda: set(who(spread, "affinity", 4, messages=talk)) == {home}, "it is at home again")


def test_a_model_that_leads_back_to_itself_is_refused_when_it_is_saved(spread: RunningGateway) -> None:
    circle = {"snake": {"entries": [{"model": "tail"}]}, "tail": {"entries": [{"model": "snake"}]}}
    with pytest.raises(AssertionError, match=r"back to (the model )?itself|circle|cycle"):
        spread.configure(yaml.safe_dump({"version": 1, "models": circle}))
    assert spread.post({"model": "snake", "messages": HI})[0] == 404
