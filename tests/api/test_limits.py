"""Limits as callers meet them: four workers, two hundred callers at once, counted where the requests arrive."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.api.limited import HI, Answer, configuration, crowd, gateway, new_key, statuses
from tests.running import RunningGateway, wait_for
from tests.switchboard import Switchboard, completion, reply

pytestmark = pytest.mark.gateway

HOUR = {"limit_window": 3600}
UNIQUE = uuid.uuid4().hex[:8]  # windows of providers and keys in a Redis that others may use, too


def named(name: str) -> str:
    return f"{name}-{UNIQUE}"


PROVIDERS = {
    named("alone"): {"a": {"limit_requests": 100, **HOUR}},
    named("pair"): {"a": {"limit_requests": 100, **HOUR}, "b": {}},
    named("house"): {"limit": {"limit_requests": 100, **HOUR}, "a": {}, "b": {}},
    named("tokens"): {"a": {"limit_tokens": 1000, **HOUR}},
    named("short"): {"a": {"limit_requests": 5, "limit_window": 2}},
    named("open"): {"a": {}},
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "redis"])
def limited(
    request: pytest.FixtureRequest, switchboard: Switchboard, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningGateway]:
    for name in PROVIDERS:
        for letter in ("a", "b"):
            switchboard.plug(f"{name}-{letter}", reply(completion()))
    with gateway(tmp_path_factory.mktemp("limited"), configuration(switchboard, PROVIDERS), request.param) as running:
        running.store = request.param  # type: ignore[attr-defined]
        switchboard.requests.clear()
        yield running
    switchboard.requests.clear()


def arrived(board: Switchboard, name: str) -> int:
    return len(board.seen(name))


def test_a_limit_of_100_admits_exactly_100_of_200_callers_and_the_others_are_told_when_to_come(
    limited: RunningGateway, switchboard: Switchboard
) -> None:
    answers = crowd(limited, f"model-{named('alone')}")
    assert statuses(answers) == {200: 100, 429: 100}
    assert arrived(switchboard, f"{named('alone')}-a") == 100
    for status, headers, body in answers:
        if status == 429:
            error = json.loads(body)["error"]
            assert error["message"] == "All configured services are rate limited"
            assert [tried["outcome"] for tried in error["attempts"]] == ["skipped:over_limit"]
            assert 3000 < int(headers["retry-after"]) <= 3600
            assert headers["x-should-retry"] == "true"


def test_beyond_its_limit_the_fallback_answers_and_the_record_says_why(
    limited: RunningGateway, switchboard: Switchboard
) -> None:
    name = named("pair")
    answers = crowd(limited, f"model-{name}")
    assert statuses(answers) == {200: 200}
    assert (arrived(switchboard, f"{name}-a"), arrived(switchboard, f"{name}-b")) == (100, 100)
    if limited.store == "sqlite":  # type: ignore[attr-defined]
        records = limited.records(200, f"route = 'model-{name}'")
        limits = [json.loads(row["skipped"]) for row in records if row["endpoint"] == f"{name}-b"]
        assert len(limits) == 100
        assert {(skip["endpoint"], skip["code"]) for skips in limits for skip in skips} == {(f"{name}-a", "over_limit")}
        assert {row["tries"] for row in records} == {1}


def test_a_providers_limit_holds_over_all_its_endpoints(limited: RunningGateway, switchboard: Switchboard) -> None:
    name = named("house")
    answers = crowd(limited, f"model-{name}")
    assert statuses(answers) == {200: 100, 429: 100}
    assert arrived(switchboard, f"{name}-a") + arrived(switchboard, f"{name}-b") == 100


def knocking(limited: RunningGateway, key: str) -> list[Answer]:
    """Answers from all workers: so many at once that none is left out."""
    with ThreadPoolExecutor(30) as pool:
        return list(pool.map(lambda _: limited.get("/v1/models", Authorization=f"Bearer {key}"), range(60)))


def test_a_keys_limit_is_its_own_and_names_it(limited: RunningGateway, switchboard: Switchboard) -> None:
    name, app = named("open"), f"app-{uuid.uuid4().hex[:8]}"
    key = new_key(limited, app, limit_requests="100", limit_window="3600")
    wait_for(
        lambda: all(statuses(knocking(limited, key)) == {200: 60} for _ in range(3)),
        "every worker knows the key",
    )
    before = arrived(switchboard, f"{name}-a")
    answers = crowd(limited, f"model-{name}", key=key)
    assert statuses(answers) == {200: 100, 429: 100}
    assert arrived(switchboard, f"{name}-a") - before == 100
    told = {json.loads(body)["error"]["message"] for status, _, body in answers if status == 429}
    assert told == {f"The API key '{app}' has used up its limit of 100 requests in 3600 s."}
    waits = [headers["retry-after"] for status, headers, _ in answers if status == 429]
    assert all(3000 < int(wait) <= 3600 for wait in waits)
    assert {headers["x-should-retry"] for status, headers, _ in answers if status == 429} == {"true"}
    assert crowd(limited, f"model-{name}", callers=1)[0][0] == 200


def test_tokens_are_reserved_by_estimate_and_settled_by_what_it_was(
    limited: RunningGateway, switchboard: Switchboard
) -> None:
    """Each reserves 1 + 300 and uses 5: at once three fit into 1,000; one after another, many do."""
    name = named("tokens")
    body = {"model": f"model-{name}", "messages": HI, "max_tokens": 300}
    for _ in range(20):
        assert limited.post(body)[0] == 200
    answers = limited.post({**body, "max_tokens": 950})
    assert answers[0] == 429


def test_places_are_free_again_one_by_one_as_they_leave_the_window(
    limited: RunningGateway, switchboard: Switchboard
) -> None:
    body = {"model": f"model-{named('short')}", "messages": HI}
    ends = []
    for _ in range(5):
        began = time.monotonic()
        assert limited.post(body)[0] == 200
        ends.append((began, time.monotonic()))
        time.sleep(0.1)  # so that they leave apart
    status, headers, _ = limited.post(body)
    if time.monotonic() - ends[0][0] < 2:
        assert (status, headers["retry-after"]) in ((429, "1"), (429, "2"))
    wait_for(lambda: limited.post(body)[0] == 200, "the first place is free", 5)
    assert time.monotonic() - ends[0][0] >= 2
