from hypothesis import given
from hypothesis import strategies as st

from metrics import histogram

DURATIONS = st.floats(min_value=0.1, max_value=3_600_000, allow_nan=False)


@given(st.lists(DURATIONS, min_size=1, max_size=60), st.sampled_from([0.0, 0.01, 0.5, 0.9, 0.95, 0.99, 1.0]))
def test_every_quantile_is_within_five_percent_of_the_exact_one(durations: list[float], fraction: float) -> None:
    rank = max(1, -int(-fraction * len(durations) // 1))
    exact = sorted(durations)[rank - 1]
    told = histogram.quantile(histogram.of(durations), fraction)
    assert told is not None
    assert abs(told - exact) <= 0.05 * exact


@given(st.lists(DURATIONS, max_size=30), st.lists(DURATIONS, max_size=30))
def test_merged_histograms_equal_the_histogram_of_all(one: list[float], other: list[float]) -> None:
    parts = histogram.of(one), histogram.of(other)
    assert histogram.merge(*parts) == histogram.of(one + other)
    assert parts == (histogram.of(one), histogram.of(other))


@given(st.lists(DURATIONS, max_size=20))
def test_adding_one_by_one_gives_the_same_and_changes_no_argument(durations: list[float]) -> None:
    empty: histogram.Histogram = {}
    grown = empty
    for duration in durations:
        grown = histogram.add(grown, duration)
    assert grown == histogram.of(durations)
    assert empty == {}


def test_durations_outside_the_range_count_at_its_ends() -> None:
    assert histogram.bucket(0.0) == histogram.bucket(-3.0) == histogram.bucket(0.1) == "0"
    assert histogram.bucket(1e9) == histogram.bucket(3_600_000)


def test_an_empty_histogram_has_no_quantile() -> None:
    assert histogram.quantile({}, 0.5) is None
