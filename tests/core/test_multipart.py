"""Forms as they are sent: a plain parser reads back what was put in, whatever the names and values are."""

from __future__ import annotations

import io
from email.parser import BytesParser
from email.policy import HTTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.adapters.multipart import render_form
from providers.wire import Upload

SOUND = b"\x00\xff--\r\n" * 100


def upload(filename: str = "a.mp3", content_type: str = "audio/mpeg", content: bytes = SOUND) -> Upload:
    return Upload(filename, content_type, len(content), io.BytesIO(content))


def headers_of(raw: bytes) -> list[bytes]:
    """The header block of each part."""
    boundary = raw[: raw.index(b"\r\n")]
    return [part.split(b"\r\n\r\n", 1)[0] for part in raw.split(boundary)[1:-1]]


def test_fields_come_first_the_file_last_and_the_length_is_known() -> None:
    fields = {"model": "m", "stream": True, "temperature": "0.2", "timestamp_granularities[]": ["word", "segment"]}
    body, media_type = render_form(fields, upload("réunion.mp3"))
    raw = b"".join(body)
    assert len(raw) == len(body)
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {media_type}\r\n\r\n".encode() + raw)
    parts = [(part.get_param("name", header="content-disposition"), part.get_payload(decode=True))
             for part in message.iter_parts()]  # fmt: skip
    assert parts == [
        ("model", b"m"),
        ("stream", b"true"),
        ("temperature", b"0.2"),
        ("timestamp_granularities[]", b"word"),
        ("timestamp_granularities[]", b"segment"),
        ("file", SOUND),
    ]
    assert 'filename="réunion.mp3"'.encode() in raw
    assert raw.endswith(b"--\r\n")


def test_a_form_can_be_sent_again_and_is_another_with_another_boundary() -> None:
    body, media_type = render_form({"model": "m"}, upload())
    assert b"".join(body) == b"".join(body)
    assert render_form({"model": "m"}, upload())[1] != media_type


@pytest.mark.parametrize(
    "content_type", ["", "audio/mpeg\r\nX-Evil: 1", "audio", "a b/c", "audio/mpeg; charset=x", "é/x", "text/html\n"]
)
def test_a_media_type_that_is_none_is_not_passed_on(content_type: str) -> None:
    (_, part) = headers_of(b"".join(render_form({"model": "m"}, upload(content_type=content_type))[0]))
    assert part.endswith(b"\r\nContent-Type: application/octet-stream")


@given(st.text(max_size=50), st.text(max_size=50))
def test_no_name_ends_its_header(filename: str, field: str) -> None:
    raw = b"".join(render_form({field: "x"}, upload(filename, content=b"abc"))[0])
    first, last = headers_of(raw)
    for block, lines in ((first, 1), (last, 2)):
        block = block.removeprefix(b"\r\n")
        assert block.count(b"\r\n") == lines - 1
        assert not {b"\r", b"\n"} & {bytes([byte]) for byte in block.replace(b"\r\n", b"")}
        assert block.split(b"\r\n")[0].count(b'"') == 2 * lines
