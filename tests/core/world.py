"""A world without a network for what dispatches and relays: scripted upstreams, a clock that only sleeping moves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from providers.chat import Call
from providers.errors import UpstreamError
from providers.wire import Credential, Limits, Target
from routing.dispatch import dispatch
from routing.ports import Hold, Ledger, Ports
from routing.types import Candidate, Facts, Need, Plan, Route, Skip

CALL = Call("chat", {"messages": [{"role": "user", "content": "Hi"}]})
STREAMED = replace(CALL, stream=True)


class FakeState:
    """Remembers what dispatch says of endpoints and keys."""

    def __init__(self) -> None:
        self.rests: dict[str, tuple[float, str]] = {}
        self.refuse: dict[str, Skip] = {}
        self.probes: set[str] = set()
        self.failures: list[tuple[str, str]] = []
        self.held = 0

    def acquire(self, candidate: Candidate, need: Need) -> Hold | Skip:
        refusal = self.refuse.get(candidate.endpoint)
        if refusal is not None:
            return refusal
        self.held += 1
        return Hold(candidate, probe="lease" if candidate.endpoint in self.probes else "")

    def let_go(self, hold: Hold, tokens: int | None) -> None:
        self.held -= 1

    def give_back(self, hold: Hold) -> None:
        self.held -= 1

    def key_free(self, credential: Credential) -> bool:
        return credential.state_key not in self.rests

    def rest(self, identity: str, seconds: float, code: str, cause: str) -> None:
        self.rests[identity] = (seconds, code)

    def answered(self, hold: Hold, credential: Credential | None) -> None: ...
    def succeeded(self, hold: Hold, credential: Credential | None) -> None: ...

    def failed(self, hold: Hold, error: UpstreamError) -> None:
        self.failures.append((hold.candidate.endpoint, error.outcome))


class World:
    """A scripted outside world. ``script[endpoint or key]`` is a list of results; the last one repeats."""

    def __init__(self, script: dict[str, list[Any]]) -> None:
        self.script = {name: list(results) for name, results in script.items()}
        self.state = FakeState()
        self.now = 0.0
        self.sent: list[str] = []
        self.limits: list[Limits] = []
        self.slept: list[float] = []
        self.left = False

    def send(
        self, target: Target, credential: Credential | None, call: Any, limits: Limits, gone: Any, trace: Any
    ) -> Any:
        name = credential.identity if credential and credential.identity in self.script else target.upstream_model
        self.sent.append(name)
        self.limits.append(limits)
        results = self.script[name]
        result = results.pop(0) if len(results) > 1 else results[0]
        if isinstance(result, Exception):
            raise result
        return result

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def ports(self) -> Ports:
        return Ports(
            self.send, self.state, lambda: self.now, self.sleep, lambda attempt: 0.1 * attempt, lambda: self.left
        )

    def run(self, *candidates: Candidate, skipped: tuple[Skip, ...] = (), call: Call = CALL) -> tuple[Any, Ledger]:
        route = Route("turbo", "turbo", "model", "text-generation", "ordered", candidates)
        ledger = Ledger(0.0)
        self.ledger = ledger
        return dispatch(Plan(route, candidates, skipped), call, Need(), self.ports(), ledger), ledger


def endpoint(name: str, *keys: str, window: int | None = None, retries: int = 1) -> Candidate:
    target = Target("acme", "openai-compatible", "openai", "http://upstream/v1", name)
    credentials = tuple(Credential(key, "secret") for key in keys)
    limits = Limits(first_content=10.0)
    return Candidate(name, f"acme|{name}|", target, credentials, Facts(max_input_tokens=window), limits, retries)


def chunk(text: str | None = None, finish: str | None = None) -> dict[str, Any]:
    delta = {"content": text} if text else {}
    return {"id": "x", "model": "m-1", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


class FakeReply:
    """A stream: held chunks, live ones, and perhaps an error at the end."""

    def __init__(self, held: list[dict[str, Any]], live: list[Any], body: dict[str, Any] | None = None) -> None:
        self.held = held
        self.live = live
        self.body = body
        self.closed = 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for item in self.live:
            if isinstance(item, Exception):
                raise item
            yield item

    def close(self) -> None:
        self.closed += 1
