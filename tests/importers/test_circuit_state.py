"""The category router's ``circuit_breaker_state.json``, in the forms that it may have."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from routing import catalog, sharing
from routing.circuit import tripped
from routing.config.revisions import reconcile
from routing.models import CircuitEvent, CircuitState, ConfigRevision

pytestmark = pytest.mark.django_db

NAME = "circuit_breaker_state.json"
MINI, GLM = "openai/gpt-4o-mini", "openrouter/glm-5"
Import = Callable[..., str]


def identity(endpoint: str) -> str:
    catalog.forget()
    found = catalog.current().endpoints[endpoint].identity
    catalog.forget()
    return found


def circuit(endpoint: str) -> CircuitState | None:
    return CircuitState.objects.filter(identity=identity(endpoint)).first()


def soon() -> float:
    return float(int(time.time()) + 120)


def iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


FORMS: dict[str, Callable[[float], Any]] = {
    "until": lambda end: {MINI: {"failures": 3, "state": "open", "open_until": end}},
    "since": lambda end: {MINI: {"failures": 3, "state": "OPEN", "opened_at": end - 300}},
    "last failure": lambda end: {MINI: {"failure_count": 4, "last_failure": end - 300}},
    "ISO": lambda end: {MINI: {"state": "open", "open_until": iso(end)}},
    "ISO without a zone": lambda end: {MINI: {"state": "open", "opened_at": iso(end - 300).partition("+")[0]}},
    "milliseconds": lambda end: {MINI: {"is_open": True, "open_until": end * 1000}},
    "a nest": lambda end: {"circuits": {MINI: {"state": "open", "open_until": end}}},
    "open circuits": lambda end: {"open_circuits": {MINI: end}},
    "open circuits since": lambda end: {"open_circuits": {MINI: end - 300}},
    "as GET /metrics": lambda end: {"circuit_breaker": {"open_circuits": {MINI: iso(end)}}},
    "by fact": lambda end: {"failures": {MINI: 3, GLM: 1}, "opened_at": {MINI: end - 300}},
    "open": lambda end: {"open": {MINI: end}},
}


@pytest.mark.parametrize("form", FORMS)
def test_a_circuit_that_was_open_stays_open_until_its_end(imported: Import, form: str) -> None:
    end = soon()
    said = imported(NAME, FORMS[form](end))
    row = circuit(MINI)
    assert row is not None
    assert (row.phase, row.next_probe_at, row.pause) == ("open", end, 300.0)
    assert row.failures >= 3
    assert circuit(GLM) is None
    told = datetime.fromtimestamp(end, UTC).strftime("%Y-%m-%d %H:%M:%S+00:00")
    assert said == f"~ circuit of {MINI}: open until {told}\n1 changed.\n"
    event = CircuitEvent.objects.get()
    assert (event.after, event.cause, bool(event.by)) == ("open", f"imported from {NAME}", True)


def test_a_rehearsal_tells_and_changes_nothing_and_a_second_import_finds_nothing_to_do(imported: Import) -> None:
    file = {MINI: {"state": "open", "open_until": soon()}}
    assert "Dry run: 1 to change" in imported(NAME, file, "--dry-run")
    assert not CircuitState.objects.exists()
    reconcile()
    revisions = ConfigRevision.objects.count()
    imported(NAME, file)
    assert imported(NAME, file) == "Nothing to change.\n"
    assert CircuitEvent.objects.count() == 1
    assert ConfigRevision.objects.count() == revisions, "state is no configuration"


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"open_circuits": {}},
        {MINI: {"state": "closed", "failures": 0}},
        {MINI: {"state": "half_open", "opened_at": 1_700_000_000}},
        {MINI: {"state": "open", "opened_at": 1_700_000_000}},
        {"openrouter/z-ai/glm-5": {"state": "open", "opened_at": "2024-01-31T00:00:00Z"}},
        {MINI: {"failures": 2, "last_failure": time.time()}},
        {MINI: 2},
        {MINI: "closed"},
        {MINI: {"state": "open", "open_until": None, "opened_at": 12345.6}},
    ],
)
def test_what_was_closed_or_is_over_changes_nothing(imported: Import, said: Any) -> None:
    assert imported(NAME, said) == "Nothing to change.\n"
    assert not CircuitState.objects.exists()


def test_what_an_operator_opened_and_what_is_open_for_longer_stays(imported: Import) -> None:
    sharing.change_circuit(identity(MINI), lambda _seen: tripped(1.0, "by hand"), "ada")
    imported(NAME, {MINI: {"state": "open", "open_until": soon() + 60}, "openrouter/z-ai/glm-5": soon() + 60})
    assert imported(NAME, {MINI: soon(), GLM: soon()}) == "Nothing to change.\n"
    row = circuit(MINI)
    assert row is not None
    assert (row.next_probe_at, row.circuit_cause) == (None, "by hand")


def test_what_is_not_understood_or_not_known_here_is_named(imported: Import) -> None:
    said = imported(
        NAME,
        {
            "saved_by": "router",
            MINI: {"state": "open", "colour": "red", "open_until": soon()},
            "nowhere/model": soon(),
            "openai/never-catalogued": {"state": "open", "open_until": soon()},
            "open_circuits": [GLM],
        },
    )
    assert f"! {NAME}, saved_by: not understood, and left out\n" in said
    assert f"! {NAME}, {MINI}/colour: not understood, and left out\n" in said
    assert f"! {NAME}, nowhere/model: nothing here is called 'nowhere/model': its circuit is left out\n" in said
    assert "nothing here is called 'openai/never-catalogued'" in said
    assert f"! {NAME}, open_circuits: open, but nothing says since or until when: it is left as it is\n" in said
    assert "1 changed." in said


def test_it_speaks_of_models_that_another_file_brings_whatever_their_order(tmp_path: Path) -> None:
    state, config = tmp_path / NAME, tmp_path / "router_config.json"
    state.write_text(json.dumps({"anthropic/new-model": soon()}))
    config.write_text(json.dumps({"model_mappings": {"code": ["anthropic/new-model"]}}))
    call_command("import_config", str(state), str(config), verbosity=0)
    row = circuit("anthropic/new-model")
    assert row is not None
    assert row.phase == "open"


def test_nothing_is_opened_where_another_file_is_wrong(tmp_path: Path, refused: Import) -> None:
    refused(NAME, {MINI: soon(), GLM: {"state": "ajar"}})
    assert not CircuitState.objects.exists()


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("[]", f"{NAME}: expected an object of models and what is known of them, not []"),
        ('{"a/b": 17', "line 1: not JSON"),
        ({MINI: {"state": 3}}, f"{NAME}, {MINI}/state: expected one of open, closed, half_open, half-open, not 3"),
        ({MINI: {"failures": "3"}}, f"{MINI}/failures: expected a whole number of failures, not '3'"),
        ({MINI: {"open_until": "soon"}}, f"{MINI}/open_until: expected a time as Unix seconds or ISO 8601, not 'soon'"),
        ({MINI: [1]}, f"{NAME}, {MINI}: expected a time as Unix seconds or ISO 8601, not [1]"),
        ({MINI: {"open_until": 10**400}}, "expected a number of at most 300 digits"),
        ({MINI: {"open_until": 32503680000}}, "expected a time within the next year"),
        ({"open_circuits": {MINI: 1, "x" * 10: {"state": {}}}}, "open_circuits/xxxxxxxxxx/state: expected one of"),
        (json.dumps({}).encode("utf-16"), "expected UTF-8 text"),
        (b'{"a":' * 100_000, "nested too deep"),
    ],
)
def test_a_wrong_file_is_refused_in_words(refused: Import, said: Any, expected: str) -> None:
    assert expected in refused(NAME, said)
    assert not CircuitState.objects.exists()
