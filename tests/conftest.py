"""Fixtures that tests of several subjects share."""

from __future__ import annotations

import pytest

from tests.services import postgres_url, redis_url

__all__ = ["postgres_url", "redis_url"]


def pytest_configure(config: pytest.Config) -> None:
    """With several processes, tests of one ``xdist_group`` go to one: the fault suite has one gateway."""
    if getattr(config.option, "dist", "no") == "load":
        config.option.dist = "loadgroup"
