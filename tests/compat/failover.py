"""A gateway that stands for the failover router: two services behind ``*``, scripted upstreams, several workers."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from gateway_project.api.schema.document import document
from tests.api.limited import place
from tests.compat.shell import run_shell
from tests.running import RunningGateway, running_gateway
from tests.switchboard import Switchboard

PRIMARY, FALLBACK = "primary-cerebras", "fallback-openai"
KEY_VARIABLE = "KEY_OF_A_SERVICE"  # not a vendor's own: its preset endpoints would be services, too
Body = dict[str, Any]


def configuration(board: Switchboard, primary: Body, fallback: Body) -> str:
    """Both services with their limits."""
    providers, endpoints = {}, {}
    for name, kind, limits in ((PRIMARY, "cerebras", primary), (FALLBACK, "openai", fallback)):
        key = {"label": "default", "env": KEY_VARIABLE}
        providers[name] = {"kind": kind, "base_url": board.base_url(name), "keys": [key], "models": {"m-1": {}}}
        providers[name]["models"] = {"m-1": {"prices": [{"input": "1000", "output": "2000"}]}}
        endpoints[name] = {"provider": name, "upstream_model": "m-1", "retries": 0, **limits}
    entries = [{"endpoint": FALLBACK, "priority": 1}, {"endpoint": PRIMARY, "priority": 0}]
    star = {"strategy": "priority", "entries": entries}
    return yaml.safe_dump({"version": 1, "providers": providers, "endpoints": endpoints, "models": {"*": star}})


@contextlib.contextmanager
def failover_gateway(folder: Path, config: str, store: str, **environment: str) -> Iterator[RunningGateway]:
    """Three workers, no keys asked for."""
    settings = {"GATEWAY_AUTH": "off", KEY_VARIABLE: "sk-0123456789abcdef", **environment}
    with place(store) as there, running_gateway(folder, config, workers=3, **there, **settings) as running:
        yield running


def told(gateway: RunningGateway, line: str) -> Body:
    """What a curl line of the document answers."""
    body: Body = json.loads(run_shell(line, gateway.url))
    return body


def assert_same_shape(document: Any, answer: Any, where: str = "$") -> None:
    """The document's fields, all of them and no others, in its order, each of its type."""
    assert type(document) is type(answer), f"{where}: {document!r} in the document, {answer!r} here"
    if isinstance(document, dict):
        assert list(document) == list(answer), where
        for name in document:
            assert_same_shape(document[name], answer[name], f"{where}.{name}")
    if isinstance(document, list):
        assert len(document) == len(answer), where
        for number, (said, given) in enumerate(zip(document, answer, strict=True)):
            assert_same_shape(said, given, f"{where}[{number}]")


def fits(value: Any, component: str) -> None:
    """Fails where a reply is not as ``/openapi.json`` describes it."""
    described = document()
    schema = {"$ref": f"#/components/schemas/{component}", "components": described["components"]}
    errors = [f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(value)]
    assert not errors, f"{component}: {errors}"
