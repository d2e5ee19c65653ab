from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from metrics import histogram, record, rollup
from tests.metrics.records import NOON, made

OUTCOMES = st.sampled_from(["success", "cancelled", "timeout", "server_failed"])
PLACES = st.sampled_from([("acme", "acme/large"), ("zeta", "zeta/large"), ("", "")])
TOKENS = st.none() | st.integers(0, 5000)


@st.composite
def records(draw: st.DrawFn) -> dict[str, Any]:
    """A record of any outcome at any of a few places."""
    provider, endpoint = draw(PLACES)
    tried = draw(st.lists(st.tuples(PLACES, OUTCOMES), max_size=3))
    cost = draw(st.none() | st.decimals(0, 5, places=9))
    return record.fit(
        made(
            at=NOON + draw(st.sampled_from([0, 1799.9, 1800, -7200])),
            outcome=draw(OUTCOMES),
            provider=provider,
            endpoint=endpoint,
            route=draw(st.sampled_from(["fast", "smart"])),
            duration_ms=draw(st.floats(0, 1e6)),
            first_ms=draw(st.none() | st.floats(0, 1e4)),
            prompt_tokens=draw(TOKENS),
            completion_tokens=draw(TOKENS),
            cost=None if cost is None else str(cost),
            currency="" if cost is None else draw(st.sampled_from(["USD", "EUR"])),
            attempts=[
                {"endpoint": place[1], "provider": place[0], "outcome": outcome, "started_ms": 1.0}
                for place, outcome in tried
            ],
            skipped=draw(
                st.lists(
                    st.sampled_from(
                        [{"endpoint": "x", "code": "over_limit"}, {"endpoint": "x", "code": "rate_limited"}]
                    )
                )
            ),
        )
    )


def counted(entries: list[Mapping[str, Any]], name: str) -> Any:
    """The whole sum, by brute force, of what the rows must add up to."""
    tries = [(entry["attempts"], number) for entry in entries for number in range(len(entry["attempts"]))]
    failed = [(all_of, number) for all_of, number in tries if all_of[number]["outcome"] not in ("success", "cancelled")]
    return {
        "requests": len(entries),
        "succeeded": len([entry for entry in entries if entry["outcome"] == "success"]),
        "cancelled": len([entry for entry in entries if entry["outcome"] == "cancelled"]),
        "failed": len([entry for entry in entries if entry["outcome"] not in ("success", "cancelled")]),
        "tries": len(tries),
        "failed_tries": len(failed),
        "failovers": len([number for all_of, number in failed if number + 1 < len(all_of)]),
        "limit_skips": len([skip for entry in entries for skip in entry["skipped"] if skip["code"] == "over_limit"]),
        "prompt_tokens": sum(entry["prompt_tokens"] or 0 for entry in entries),
        "completion_tokens": sum(entry["completion_tokens"] or 0 for entry in entries),
        "cost": sum((Decimal(entry["cost"] or 0) for entry in entries), Decimal(0)),
        "unpriced": len([entry for entry in entries if entry["cost"] is None]),
    }[name]


NAMES = (
    "requests succeeded cancelled failed tries failed_tries failovers limit_skips "
    "prompt_tokens completion_tokens cost unpriced"
)


@given(st.lists(records(), max_size=12))
def test_rows_add_up_to_what_brute_force_counts(entries: list[dict[str, Any]]) -> None:
    rows = rollup.sums(entries)
    for name in NAMES.split():
        assert sum(getattr(row, name) for row in rows.values()) == counted(entries, name), name
    latency = histogram.merge(*(row.latency for row in rows.values()))
    assert latency == histogram.of(entry["duration_ms"] for entry in entries)


@given(st.lists(records(), max_size=6), st.lists(records(), max_size=6))
def test_sums_of_parts_add_up_to_the_sums_of_the_whole(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> None:
    first, second, whole = rollup.sums(one), rollup.sums(other), rollup.sums(one + other)
    assert first.keys() | second.keys() == whole.keys()
    for key, row in whole.items():
        added = first.get(key, rollup.Sums()).plus(second.get(key, rollup.Sums()))
        assert abs(added.duration_ms - row.duration_ms) < 1e-3
        added.duration_ms = row.duration_ms
        assert added == row


def test_a_request_belongs_to_the_hour_in_which_it_began() -> None:
    rows = rollup.sums([record.fit(made(at=NOON + shift)) for shift in (0, 1799.9, 1800)])
    requests = {key.hour - NOON: row.requests for key, row in rows.items() if key.endpoint == "acme/large"}
    assert requests == {-1800: 2, 1800: 1}


def test_tries_count_where_they_were_made_and_failovers_where_they_began() -> None:
    rows = {key.endpoint: row for key, row in rollup.sums([record.fit(made())]).items()}
    assert (rows["acme/large"].requests, rows["acme/large"].tries, rows["acme/large"].failed_tries) == (1, 1, 0)
    assert (rows["zeta/large"].requests, rows["zeta/large"].tries, rows["zeta/large"].failovers) == (0, 1, 1)
    assert (rows["slow"].requests, rows["slow"].tries, rows["slow"].limit_skips) == (0, 0, 1)


def test_only_the_endpoint_that_ended_a_request_has_its_currency() -> None:
    currencies = {key.endpoint: key.currency for key in rollup.sums([record.fit(made())])}
    assert currencies == {"acme/large": "USD", "zeta/large": "", "slow": ""}


def test_names_too_long_for_an_index_entry_are_shortened() -> None:
    long = "\N{GRINNING FACE}" * 200
    key = next(iter(rollup.sums([record.fit(made(route=long, category=long, endpoint=long, api_key=long))])))
    assert sum(len(name.encode()) for name in key[1:]) <= rollup.LONGEST_KEY
