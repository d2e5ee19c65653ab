"""The same faults under gevent's patch, as in a serving worker; and what a fork must not break."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

PATCHED = """
from gevent import monkey
monkey.patch_all()
import sys, pytest
sys.exit(pytest.main(["-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", *sys.argv[1:]]))
"""

FORKED = """
import os, sys
from providers import transport
from providers.errors import UpstreamTimeout
from providers.wire import Limits, Trace, WireRequest
from tests.upstream import Upstream, reply, silent

def send(server, limits=Limits()):
    exchange = transport.open(WireRequest("POST", server.url + "/", {}, b"", "none"), limits, lambda: False, Trace())
    body = exchange.read()
    exchange.close()
    return body

with Upstream(reply(b"one"), reply(b"two"), silent()) as server:
    assert send(server) == b"one"
    child = os.fork()
    if child == 0:
        try:
            assert send(server) == b"two"
            send(server, Limits(headers=0.2))
        except UpstreamTimeout:
            os._exit(0)
        finally:
            os._exit(1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert server.connections == 2, server.connections
    os._exit(status)
"""


def run(script: str, *arguments: str) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_fault_of_the_transport_ends_the_same_under_gevent() -> None:
    run(PATCHED, "tests/faults/test_transport.py", "tests/faults/test_connections.py", "tests/faults/test_pictures.py")


def test_every_fault_of_an_upstream_ends_the_same_under_gevent() -> None:
    run(PATCHED, "tests/faults/test_upstream.py")


def test_a_forked_process_has_connections_and_a_watchdog_of_its_own() -> None:
    run(FORKED)
