"""Upstreams, and a gateway as users of the LLM API gateway would start it: keys in the environment, none asked for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.compat.failover import FALLBACK, PRIMARY
from tests.compat.vendors import KEYS, at_board, plug_all
from tests.running import RunningGateway, running_gateway
from tests.switchboard import Switchboard, completion, reply


@pytest.fixture(scope="module")
def board() -> Iterator[Switchboard]:
    with Switchboard() as made:
        yield made


@pytest.fixture
def healthy(board: Switchboard) -> Switchboard:
    """Both services of the failover router answer."""
    for name in (PRIMARY, FALLBACK):
        board.plug(name, reply(completion()))
    return board


@pytest.fixture(scope="package")
def vendors() -> Iterator[Switchboard]:
    with Switchboard() as board:
        plug_all(board)
        yield board


@pytest.fixture(scope="package")
def open_gateway(vendors: Switchboard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """Three workers; every vendor has a key, and its address is the switchboard's."""
    folder = tmp_path_factory.mktemp("open")
    with running_gateway(folder, at_board(vendors), workers=3, GATEWAY_AUTH="off", **KEYS) as gateway:
        yield gateway
