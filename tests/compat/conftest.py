"""A gateway as those who ran the LLM API gateway would start it: keys in the environment, no key asked of callers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.compat.vendors import KEYS, at_board, plug_all
from tests.running import RunningGateway, running_gateway
from tests.switchboard import Switchboard


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
