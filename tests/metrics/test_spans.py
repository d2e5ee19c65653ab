"""Any stretch of time is made up of the fewest spans, without gap or overlap."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from metrics import spans

HOURS = st.integers(0, 24 * 365 * 3).map(lambda hours: datetime(2023, 12, 1, tzinfo=UTC) + timedelta(hours=hours))


@given(HOURS, HOURS)
def test_a_cover_is_the_stretch_itself(one: datetime, other: datetime) -> None:
    start, end = sorted((one, other))
    at, count = start, 0
    for stretch in spans.cover(start, end):
        for begins in spans.starts(stretch):
            assert begins == at
            assert spans.begin(stretch.span, at) == at
            at = spans.after(stretch.span, at)
            count += 1
    assert at == end
    assert count <= 23 * 2 + 30 * 2 + 37


def test_whole_days_and_months_are_taken_whole() -> None:
    start, end = datetime(2026, 1, 30, 22, tzinfo=UTC), datetime(2026, 4, 2, 1, tzinfo=UTC)
    assert [(stretch.span, len(list(spans.starts(stretch)))) for stretch in spans.cover(start, end)] == [
        ("hour", 2),
        ("day", 1),
        ("month", 2),
        ("day", 1),
        ("hour", 1),
    ]
