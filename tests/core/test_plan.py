"""Planning is pure: the same route, state and moment give the same plan."""

from __future__ import annotations

from providers.wire import Credential, Limits, Target
from routing.plan import plan
from routing.types import Candidate, Facts, Route


class Rests(dict):  # type: ignore[type-arg]
    """A snapshot of state: identity → (until, code, cause)."""

    def rest_of(self, identity: str) -> tuple[float, str, str] | None:
        return self.get(identity)


def candidate(name: str, *keys: str, priority: int = 0, reason: str | None = None, code: str = "") -> Candidate:
    target = Target("acme", "openai-compatible", "openai", "http://upstream/v1", name)
    credentials = tuple(Credential(key, "secret") for key in keys)
    return Candidate(
        name,
        f"acme|{name}|",
        target,
        credentials,
        Facts(),
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
    made = plan(route(candidate("b"), candidate("a")), Rests(), 0.0)
    assert names(made.candidates) == ["b", "a"]
    assert made.skipped == ()


def test_priority_puts_the_lowest_first_and_keeps_equals_in_order() -> None:
    rows = (candidate("late", priority=5), candidate("x", priority=1), candidate("y", priority=1))
    assert names(plan(route(*rows, strategy="priority"), Rests(), 0.0).candidates) == ["x", "y", "late"]


def test_what_configuration_rules_out_is_skipped_with_its_reason() -> None:
    made = plan(route(candidate("a", reason="set ACME_KEY", code="no_key"), candidate("b")), Rests(), 0.0)
    assert names(made.candidates) == ["b"]
    assert [(skip.endpoint, skip.code, skip.reason) for skip in made.skipped] == [("a", "no_key", "set ACME_KEY")]


def test_a_resting_endpoint_is_skipped_until_its_time_has_come() -> None:
    rests = Rests({"acme|a|": (100.0, "rate_limited", "limit reached")})
    early = plan(route(candidate("a"), candidate("b")), rests, 90.0)
    assert names(early.candidates) == ["b"]
    assert (early.skipped[0].code, early.skipped[0].wait) == ("rate_limited", 10.0)
    assert names(plan(route(candidate("a"), candidate("b")), rests, 100.0).candidates) == ["a", "b"]


def test_an_endpoint_is_skipped_only_when_all_its_keys_rest() -> None:
    one = Rests({"k1#": (100.0, "credential_rejected", "invalid")})
    assert names(plan(route(candidate("a", "k1", "k2")), one, 0.0).candidates) == ["a"]
    both = Rests({**one, "k2#": (50.0, "credential_rejected", "invalid")})
    made = plan(route(candidate("a", "k1", "k2")), both, 0.0)
    assert made.candidates == ()
    assert (made.skipped[0].code, made.skipped[0].wait) == ("credential_rejected", 50.0)
