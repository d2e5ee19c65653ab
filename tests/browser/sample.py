"""A small installation as it might be, for pictures: vendors played by a local server, and a day's traffic."""

from __future__ import annotations

import json
import random
import threading
import urllib.error
import urllib.request
from typing import Any

from tests.running import RunningGateway, wait_for
from tests.switchboard import DONE, completion, delta, event
from tests.upstream import Behaviour, Peer, Request, Upstream, chunk, head, reply

VENDORS = {
    "mistral": ("mistral", {"mistral-large": ("2", "6"), "mistral-small": ("0.1", "0.3")}),
    "openai": ("openai", {"gpt-4o": ("2.5", "10"), "gpt-4o-mini": ("0.15", "0.6")}),
    "anthropic": ("anthropic", {"claude-sonnet": ("3", "15")}),
    "own-servers": ("vllm", {"qwen3-32b": None}),
}
MODELS = {
    "assistant": ("priority", ["mistral/mistral-large", "openai/gpt-4o"], ["chat"]),
    "fast": ("fastest", ["mistral/mistral-small", "openai/gpt-4o-mini"], ["small"]),
    "private": ("round_robin", ["own-servers/rack-a", "own-servers/rack-b"], []),
}
CATEGORIES = {
    "code": (["traceback", "refactor", "unit test", "python"], ["mistral/mistral-large", "openai/gpt-4o"]),
    "reasoning": (["prove", "step by step", "why"], ["openai/gpt-4o", "mistral/mistral-large"]),
    "conversation": (["hello", "thank you"], ["mistral/mistral-small", "openai/gpt-4o-mini"]),
}
KEYS = {name: f"sk-sy-{name.replace('-', ''):x<43}" for name in ("shop-assistant", "support-desk", "nightly-reports")}
QUESTIONS = (
    "Refactor this function and add a unit test.",
    "Why is the sky red in the evening? Explain step by step.",
    "Hello! Which trains leave for the coast tonight?",
    "Summarise the attached minutes in three sentences.",
)
ANSWER = (
    "A prism parts white light. In the evening it comes a longer way through the air, which scatters the blue aside."
)
PEOPLE = """
import json
from routing.models import ApiKey
from providers.configuration import one_change
for name, plain in json.loads({keys!r}).items():
    with one_change("admin", "admin"):
        key = ApiKey(name=name, limit_requests=600 if name == "shop-assistant" else None)
        key.set_key(plain)
        key.save()
"""
# What was asked just now is remembered for each of the past hours, too: more by day, and none quite like another.
EARLIER = """
import math
import random
from metrics import record, spool
from metrics.models import AttemptLog, RequestLog
chance = random.Random(7)
tried = {}
for row in AttemptLog.objects.values():
    tried.setdefault(row.pop("request"), []).append(row)
asked = list(RequestLog.objects.order_by("at").values())
now = max(row["at"] for row in asked).timestamp()
for hours in range(47, 0, -1):
    for row in chance.choices(asked, k=int(40 + 25 * (1 + math.sin(hours / 3.8)))):
        slower = chance.uniform(0.6, 1.9)
        times = {name: row[name] * slower for name in ("duration_ms", "first_ms") if row[name]}
        attempts = [{**one, **{name: one[name] * slower for name in one if name.endswith("_ms") and one[name]}}
                    for one in tried.get(row["id"], [])]
        again = {"id": record.new_id(), "at": now - hours * 3600 + chance.uniform(0, 3600), "attempts": attempts}
        record.append({**row, **times, **again, "request_id": f"req-{chance.getrandbits(48):012x}"})
spool.own().rotate()
"""


class Vendors(Upstream):
    """Answers as each vendor does, in its own time; the server ``rack-b`` is out of order."""

    def __init__(self) -> None:
        super().__init__(reply({"error": {"message": "no such place"}}, status=404))
        self._chance = random.Random(5)
        self._never = threading.Event()

    def _next(self, request: Request) -> Behaviour:
        place, asked = request.target.split("/")[1], request.json
        if place == "rack-b":
            return reply({"error": {"message": "the server is being restarted"}}, status=503)
        if place == "mistral" and self._chance.random() < 0.12:
            return reply({"message": "Requests rate limit exceeded"}, status=429, Retry_After="1")
        waits = self._chance.uniform(0.08, 0.4)
        told = {"prompt_tokens": self._chance.randint(300, 2400), "completion_tokens": self._chance.randint(60, 500)}
        usage = {**told, "total_tokens": sum(told.values())}

        def whole(peer: Peer) -> None:
            self._never.wait(waits)
            reply(completion(ANSWER, model=asked["model"], usage=usage))(peer)

        def streamed(peer: Peer) -> None:
            self._never.wait(waits)
            peer.send(head(200, "text/event-stream", Transfer_Encoding="chunked"))
            for word in ANSWER.split(" "):
                peer.send(chunk(delta(f"{word} ")))
                self._never.wait(0.01)
            last = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": asked["model"], "choices": []}
            peer.send(chunk(delta(finish="stop")), chunk(event({**last, "usage": usage})), chunk(DONE), chunk(b""))

        return streamed if asked.get("stream") else whole


def configuration(vendors: Vendors) -> dict[str, Any]:
    """The whole document."""
    providers: dict[str, Any] = {}
    endpoints: dict[str, Any] = {}
    for position, (name, (kind, offered)) in enumerate(VENDORS.items()):
        version = "" if kind == "anthropic" else "/v1"
        models = {model: {"prices": [dict(zip(("input", "output"), price, strict=True))]} if price else {}
                  for model, price in offered.items()}  # fmt: skip
        providers[name] = {
            "kind": kind,
            "base_url": f"{vendors.url}/{name}{version}",
            "position": position,
            "models": models,
        }
        providers[name] |= {"keyless": True} if kind == "vllm" else {"keys": [{"label": "team", "stored": True}]}
        endpoints |= {f"{name}/{model}": {"provider": name, "upstream_model": model} for model in offered}
    endpoints["mistral/mistral-large"] |= {"limit_requests": 60, "limit_window": 60.0}
    del endpoints["own-servers/qwen3-32b"]
    for rack in ("rack-a", "rack-b"):
        place = {"provider": "own-servers", "upstream_model": "qwen3-32b", "base_url": f"{vendors.url}/{rack}/v1"}
        endpoints[f"own-servers/{rack}"] = place
    models = {
        name: {"strategy": strategy, "aliases": aliases, "entries": _entries(places)}
        for name, (strategy, places, aliases) in MODELS.items()
    }
    categories = {
        name: {"keywords": keywords, "entries": _entries(places)} for name, (keywords, places) in CATEGORIES.items()
    }
    return {"version": 1, "providers": providers, "endpoints": endpoints, "models": models, "categories": categories}


def _entries(places: list[str]) -> list[dict[str, Any]]:
    return [{"endpoint": place, "priority": number} for number, place in enumerate(places, 1)]


def ask(gateway: RunningGateway, requests: int) -> None:
    """That many requests, by three applications, and two days of such as if they had been made then."""
    gateway.manage("shell", "-v", "0", "-c", PEOPLE.format(keys=json.dumps(KEYS)))
    wait_for(lambda: _asked(gateway, KEYS["support-desk"], "assistant", False) == 200, "the keys are known")
    chance = random.Random(3)
    _ask_some(gateway, chance, requests // 2)
    gateway.records(requests // 2)
    gateway.manage("shell", "-v", "0", "-c", EARLIER)
    gateway.records(requests * 5)
    _ask_some(gateway, chance, requests - requests // 2)
    gateway.records(requests * 6)


def _ask_some(gateway: RunningGateway, chance: random.Random, requests: int) -> None:
    for number in range(requests):
        model = chance.choice(["assistant", "assistant", "fast", "router", "router", "private", "gpt-4o-mini", "chat"])
        key = chance.choice(list(KEYS.values()))
        _asked(gateway, key, "gpt-5o" if number % 29 == 28 else model, number % 3 == 0, chance.choice(QUESTIONS))


def _asked(gateway: RunningGateway, key: str, model: str, streamed: bool, text: str = QUESTIONS[0]) -> int:
    body = json.dumps({"model": model, "stream": streamed, "messages": [{"role": "user", "content": text}]}).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(gateway.url + "/v1/chat/completions", body, headers)) as got:
            got.read()
            return int(got.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
