"""A port that cannot be had is said in one sentence."""

from __future__ import annotations

import socket

import pytest
from django.core.exceptions import ImproperlyConfigured

from gateway_project import listening


def test_a_taken_port_is_named_with_what_to_do() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ImproperlyConfigured) as caught:
            listening.refuse_unusable("127.0.0.1", port)
    assert str(caught.value) == f"Port {port} on 127.0.0.1 is taken; set PORT in .env or stop what listens there."
    listening.refuse_unusable("127.0.0.1", port)


@pytest.mark.parametrize("host", ["203.0.113.7", "no-such-host.invalid"])
def test_an_address_of_another_machine_is_refused(host: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"HOST {host} is not"):
        listening.refuse_unusable(host, 8000)


@pytest.mark.parametrize(
    ("host", "public", "url"),
    [
        ("127.0.0.1", "", "http://127.0.0.1:8000"),
        ("0.0.0.0", "", "http://127.0.0.1:8000"),
        ("::", "", "http://[::1]:8000"),
        ("::1", "", "http://[::1]:8000"),
        ("0.0.0.0", "https://gateway.example.com", "https://gateway.example.com"),
    ],
)
def test_the_printed_address_is_one_that_works_here(host: str, public: str, url: str) -> None:
    assert listening.base_url(host, 8000, public) == url
