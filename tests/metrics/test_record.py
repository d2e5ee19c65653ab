import math

import orjson
import pytest
from django.db import models
from hypothesis import given
from hypothesis import strategies as st

from metrics import record
from metrics.models import AttemptLog, RequestLog
from tests.metrics.records import made

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.just("\ud800\x00")
    | st.text("é", min_size=600),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = [field.name for field in RequestLog._meta.concrete_fields if field.name != "id"]
ATTEMPT_FIELDS = [field.name for field in AttemptLog._meta.concrete_fields]


def check(model: type[models.Model], values: dict) -> None:
    for name, value in values.items():
        field = model._meta.get_field(name)
        if isinstance(field, models.CharField):
            assert len(value) <= (field.max_length or 0)
            assert "\x00" not in value
        elif value is None:
            assert field.null
        elif isinstance(field, models.FloatField):
            assert math.isfinite(value)
        elif isinstance(field, models.IntegerField):
            assert 0 <= value < 2**63


@given(
    st.dictionaries(st.sampled_from(FIELDS), ANYTHING, max_size=8),
    st.lists(st.dictionaries(st.sampled_from(ATTEMPT_FIELDS), ANYTHING, max_size=4), max_size=2),
)
def test_whatever_is_recorded_becomes_a_line_that_fits_the_columns(fields: dict, attempts: list) -> None:
    line = record.encode(record.fit(fields | {"attempts": attempts}))
    assert line.count(b"\n") == 1
    read = record.decode(line)
    tried = read.pop("attempts")
    check(RequestLog, read)
    for attempt in tried:
        check(AttemptLog, attempt)


def test_a_good_record_passes_unchanged() -> None:
    original = made()
    fitted = record.decode(record.encode(record.fit(original)))
    for name, value in original.items():
        if name not in ("attempts", "cost"):
            assert fitted[name] == value
    assert fitted["cost"] == "0.000125000000"
    assert [attempt["outcome"] for attempt in fitted["attempts"]] == ["timeout", "success"]


def test_an_unknown_cost_stays_unknown() -> None:
    for cost in (None, "", "NaN", "1e999", "abc"):
        assert record.fit(made(cost=cost))["cost"] is None
    assert record.fit(made(cost="0"))["cost"] == "0.000000000000"


@pytest.mark.parametrize("line", [b"", b"{", b"[]\n", b"null\n", b'{"id": 4}\n', b"\xff\n"])
def test_a_line_that_is_no_record_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError):
        record.decode(line)


def test_fitting_twice_changes_nothing_more() -> None:
    once = record.fit(made(error="x" * 900, prompt_tokens=-4, overhead_ms=math.inf))
    assert record.fit(orjson.loads(orjson.dumps(once))) == once
