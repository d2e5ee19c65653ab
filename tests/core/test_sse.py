"""Server-sent events: the specification's rules, at every split."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.errors import MalformedReply
from providers.sse import SSEDecoder
from providers.wire import Event


def decode(*pieces: bytes) -> list[Event]:
    decoder = SSEDecoder()
    return [event for piece in pieces for event in decoder.feed(piece)]


def split(payload: bytes, places: list[int]) -> list[bytes]:
    marks = sorted({place % (len(payload) + 1) for place in places})
    return [payload[start:end] for start, end in zip([0, *marks], [*marks, len(payload)], strict=True)]


@pytest.mark.parametrize(
    ("payload", "events"),
    [
        (b"data: one\n\ndata:two\n\n", [Event("one"), Event("two")]),
        (b"data:  two spaces\n\n", [Event(" two spaces")]),
        (b"data: a\ndata: b\ndata:\n\n", [Event("a\nb\n")]),
        (b"data\n\n", [Event("")]),
        (b": comment\n\ndata: x\n: another\n\n", [Event("x")]),
        (b"event: error\ndata: {}\n\ndata: y\n\n", [Event("{}", "error"), Event("y")]),
        (b"event: lost\n\ndata: y\n\n", [Event("y")]),
        (b"id: 1\nretry: 5\nunknown: z\ndata: y\n\n", [Event("y")]),
        (b"\xef\xbb\xbfdata: bom\n\n", [Event("bom")]),
        (b"data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n", [Event("a\nb"), Event("c")]),
        (b"data: a\rdata: b\r\rdata: c\r\r", [Event("a\nb"), Event("c")]),
        ("data: é€🌊\n\n".encode(), [Event("é€🌊")]),
        (b"data: \xff\n\n", [Event("\ufffd")]),
        (b"\n\n\n", []),
        (b"data: unfinished\n", []),
    ],
)
def test_events_are_read_as_the_specification_says_at_any_split(payload: bytes, events: list[Event]) -> None:
    assert decode(payload) == events
    assert decode(*(payload[place : place + 1] for place in range(len(payload)))) == events
    for place in range(len(payload)):
        assert decode(payload[:place], b"", payload[place:]) == events


LINES = st.lists(
    st.sampled_from([b"data: a", b"data:", b"event: e", b": c", b"", b"", "data: ü🌊".encode(), b"id: 1", b"data"])
)


@settings(deadline=None)
@given(LINES, st.sampled_from([b"\n", b"\r\n", b"\r"]), st.lists(st.integers(0, 500), max_size=20))
def test_line_ends_and_splits_make_no_difference(lines: list[bytes], end: bytes, places: list[int]) -> None:
    plain = b"".join(line + b"\n" for line in lines)
    other = b"".join(line + end for line in lines)
    assert decode(*split(other, places)) == decode(plain)


@settings(deadline=None)
@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=10))
def test_any_bytes_at_any_split_give_the_same_events(payload: bytes, places: list[int]) -> None:
    assert decode(*split(payload, places)) == decode(payload)


@pytest.mark.parametrize("line", [b"data: " + b"x" * 200, b"data: xxxxxxxxxx\n" * 20])
def test_an_event_too_large_is_malformed_however_it_comes(line: bytes) -> None:
    for pieces in ([line], [line[place : place + 1] for place in range(len(line))]):
        decoder = SSEDecoder(max_event=100)
        with pytest.raises(MalformedReply):
            list(map(decoder.feed, pieces))


def test_many_small_events_never_add_up_to_one_too_large() -> None:
    decoder = SSEDecoder(max_event=100)
    assert sum(len(decoder.feed(b"data: 0123456789\n\n" * 5)) for _ in range(50)) == 250


def test_the_last_event_may_lack_its_blank_line() -> None:
    decoder = SSEDecoder()
    assert decoder.feed(b"data: last") == []
    assert decoder.flush() == [Event("last")]
    assert decoder.flush() == []
