"""Browser requests run in threads of their own; what they send may come in pieces."""

from __future__ import annotations

import http.client

import pytest

from tests.running import RunningGateway

pytestmark = pytest.mark.gateway


@pytest.mark.parametrize("media", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_form_that_arrives_after_its_head_is_read(gateway: RunningGateway, media: str) -> None:
    body = b"username=admin&password=x" if "form-url" in media else b"--x\r\n\r\nx\r\n--x--\r\n"
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
    connection.putrequest("POST", "/admin/login/")
    connection.putheader("Content-Type", media)
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders()
    connection.sock.settimeout(0.3)
    with pytest.raises(TimeoutError):  # the head alone is not answered
        connection.sock.recv(1)
    connection.sock.settimeout(20)
    connection.send(body)
    answer = connection.getresponse()
    assert answer.status == 403, answer.read()  # it was read, and lacks its token
    connection.close()


def test_a_caller_who_leaves_in_the_midst_of_a_form_costs_nothing(gateway: RunningGateway) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
    connection.putrequest("POST", "/admin/login/")
    connection.putheader("Content-Length", "1000")
    connection.endheaders()
    connection.send(b"half")
    connection.close()
    assert gateway.get("/admin/login/")[0] == 200
    assert "Traceback" not in gateway.log
