"""Planning is pure: the same route, state and moment give the same plan."""

from __future__ import annotations

from dataclasses import replace

from providers.wire import Credential, Limits, Target
from routing.circuit import WELL, Circuit
from routing.limits import Window
from routing.outlook import Moment
from routing.plan import plan
from routing.types import Candidate, Facts, Need, Route

CHAT = Need()


class Rests(dict):  # type: ignore[type-arg]
    """Shared state in which only some things rest: identity → (until, code, cause)."""

    def rest_of(self, identity: str) -> tuple[float, str, str] | None:
        return self.get(identity)

    def circuit_of(self, identity: str) -> Circuit:
        return WELL

    def drained(self, identity: str) -> bool:
        return False

    def refused(self, window: Window) -> float | None:
        return None

    def under_way(self, identity: str) -> int:
        return 0

    def first_content_ms(self, endpoint: str) -> float | None:
        return None

    def turn(self, name: str, count: bool = True) -> int:
        return 0


def candidate(
    name: str, *keys: str, priority: int = 0, reason: str | None = None, code: str = "", type: str = ""
) -> Candidate:
    target = Target("acme", "openai-compatible", "openai", "http://upstream/v1", name)
    credentials = tuple(Credential(key, "secret") for key in keys)
    return Candidate(
        name,
        f"acme|{name}|",
        target,
        credentials,
        Facts(type=type),
        Limits(),
        priority=priority,
        reason_skipped=reason,
        skip_code=code,
    )


def route(*candidates: Candidate, strategy: str = "ordered") -> Route:
    return Route("turbo", "turbo", "model", "text-generation", strategy, candidates)


def names(candidates: tuple[Candidate, ...]) -> list[str]:
    return [each.endpoint for each in candidates]


def test_candidates_keep_the_order_of_the_list() -> None:
    made = plan(route(candidate("b"), candidate("a")), CHAT, Moment(Rests(), 0.0))
    assert names(made.candidates) == ["b", "a"]
    assert made.skipped == ()


def test_priority_puts_the_lowest_first_and_keeps_equals_in_order() -> None:
    rows = (candidate("late", priority=5), candidate("x", priority=1), candidate("y", priority=1))
    assert names(plan(route(*rows, strategy="priority"), CHAT, Moment(Rests(), 0.0)).candidates) == ["x", "y", "late"]


def test_what_configuration_rules_out_is_skipped_with_its_reason() -> None:
    made = plan(route(candidate("a", reason="set ACME_KEY", code="no_key"), candidate("b")), CHAT, Moment(Rests(), 0.0))
    assert names(made.candidates) == ["b"]
    assert [(skip.endpoint, skip.code, skip.reason) for skip in made.skipped] == [("a", "no_key", "set ACME_KEY")]


def test_a_resting_endpoint_is_skipped_until_its_time_has_come() -> None:
    rests = Rests({"acme|a|": (100.0, "rate_limited", "limit reached")})
    early = plan(route(candidate("a"), candidate("b")), CHAT, Moment(rests, 90.0))
    assert names(early.candidates) == ["b"]
    assert (early.skipped[0].code, early.skipped[0].wait) == ("rate_limited", 10.0)
    assert names(plan(route(candidate("a"), candidate("b")), CHAT, Moment(rests, 100.0)).candidates) == ["a", "b"]


def test_an_endpoint_is_skipped_only_when_all_its_keys_rest() -> None:
    one = Rests({"k1#": (100.0, "credential_rejected", "invalid")})
    assert names(plan(route(candidate("a", "k1", "k2")), CHAT, Moment(one, 0.0)).candidates) == ["a"]
    both = Rests({**one, "k2#": (50.0, "credential_rejected", "invalid")})
    made = plan(route(candidate("a", "k1", "k2")), CHAT, Moment(both, 0.0))
    assert made.candidates == ()
    assert (made.skipped[0].code, made.skipped[0].wait) == ("credential_rejected", 50.0)


def test_a_model_of_another_type_is_left_out_and_one_of_unknown_type_is_tried() -> None:
    rows = tuple(
        replace(row, target=replace(row.target, paths={"embeddings": "/embeddings"}))
        for row in (candidate("embedder", type="text-embeddings-inference"), candidate("unknown"))
    )
    made = plan(route(*rows), CHAT, Moment(Rests(), 0.0))
    assert names(made.candidates) == ["unknown"]
    assert (made.skipped[0].code, made.skipped[0].endpoint) == ("incapable", "embedder")
    assert names(plan(route(*rows), Need("embeddings"), Moment(Rests(), 0.0)).candidates) == ["embedder", "unknown"]


def test_an_upstream_whose_format_has_no_words_for_the_operation_is_left_out() -> None:
    native = candidate("claude")
    native = replace(native, target=replace(native.target, kind="anthropic", wire="anthropic"))
    made = plan(route(native), Need("embeddings"), Moment(Rests(), 0.0))
    assert made.candidates == ()
    assert made.skipped[0].reason == "anthropic upstreams know no embeddings"
