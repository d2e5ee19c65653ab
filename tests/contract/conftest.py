"""A gateway with an upstream that answers everything the description's examples ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml

from tests.contract.vendor import Vendor, configuration
from tests.running import RunningGateway, running_gateway


@pytest.fixture(scope="package")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    folder = tmp_path_factory.mktemp("contract")
    with Vendor() as vendor, running_gateway(folder, yaml.safe_dump(configuration(vendor))) as running:
        yield running
