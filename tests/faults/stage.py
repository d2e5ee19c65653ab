"""The stage of the fault suite: an upstream that knows its callers, a gateway before it, and cells to be played on it.

A row of the table is one fault. A cell is a row in one wire format, streamed or whole, by one caller or by twenty at
once; it has a public model and endpoints of its own, so that all cells may be played at the same time.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.callers import LONGEST, Heard, ask, question
from tests.faults.wires import WIRES, Wire
from tests.running import RunningGateway, running_gateway
from tests.upstream import Behaviour, Peer, Request, Upstream

CROWD = 20
QUICK, WAITING, LONG = "quick", "waiting", "long"  # what a row needs most: work, a deadline to pass, its own pace
CALLER = re.compile(rb"I am caller (\w+)")
MODELS: Mapping[str, Mapping[str, Any]] = {
    "m-primary": {},
    "m-fallback": {"capabilities": ["assistant_prefill"]},
    "m-small": {"max_input_tokens": 8_000},
    "m-large": {"max_input_tokens": 128_000},
    "m-smaller": {"max_input_tokens": 4_000},
}
PRICE = {"prices": [{"input": "1", "output": "2"}]}


@dataclass(frozen=True)
class Turn:
    """One try as the upstream sees it. ``nth``: how often the same caller came here before; ``elapsed``: seconds since
    the cell began; ``scale``: what the table's seconds are multiplied by."""

    wire: Wire
    request: Request
    nth: int
    elapsed: float
    scale: float
    model: str

    @property
    def streamed(self) -> bool:
        return "stream" in self.request.target or b'"stream":true' in self.request.body.replace(b" ", b"")


Script = Callable[[Turn], Behaviour]


@dataclass
class Try:
    """One try that the upstream saw. ``ended``: when it was over with it, or the gateway had hung up."""

    at: float
    caller: str
    request: Request
    ended: float | None = None


@dataclass(frozen=True)
class Row:
    """One line of the table. ``check`` raises AssertionError. ``settings`` of the primary endpoint are seconds of the
    table, to be scaled. ``bases``: where an endpoint is instead of behind a script, by role."""

    fault: str
    must: str
    primary: Script
    check: Callable[[Cell], None]
    fallback: Script
    modes: tuple[str, ...] = ("streamed", "whole")
    settings: Mapping[str, float] = field(default_factory=dict)
    whole_settings: Mapping[str, float] = field(default_factory=dict)
    policy: str = "error"
    models: tuple[str, str] = ("m-primary", "m-fallback")
    base: Callable[[Stage], str] | None = None
    play: Callable[[Stage, Cell], list[Heard]] | None = None
    crowd: bool = True
    pace: str = QUICK


@dataclass
class Cell:
    """One row in one wire format and mode. What was heard and seen is filled in by playing it."""

    row: Row
    wire: Wire
    mode: str
    callers: int
    scale: float
    name: str = ""
    began: float = 0.0
    heard: list[Heard] = field(default_factory=list)
    tries: dict[str, list[Try]] = field(default_factory=lambda: {"primary": [], "fallback": []})
    records: list[dict[str, Any]] = field(default_factory=list)
    attempts: list[dict[str, Any]] = field(default_factory=list)
    circuits: dict[str, dict[str, Any]] = field(default_factory=dict)
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def streamed(self) -> bool:
        return self.mode == "streamed"

    @property
    def alone(self) -> bool:
        return self.callers == 1

    @property
    def label(self) -> str:
        return self.mode if self.alone else f"{self.mode} ×{self.callers}"

    def of(self, caller: str, role: str = "primary") -> list[Try]:
        return [one for one in self.tries[role] if one.caller == caller]

    def begins(self, role: str, request: Request) -> tuple[Try, int]:
        found = CALLER.search(request.body)
        caller = found[1].decode() if found else ""
        with self.changed:
            nth = len(self.of(caller, role))
            one = Try(time.monotonic(), caller, request)
            self.tries[role].append(one)
            self.changed.notify_all()
        return one, nth

    def await_try(self, caller: str) -> None:
        """Until the primary has been asked for ``caller``."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.of(caller), LONGEST), "the primary was never asked"

    def await_ends(self) -> None:
        """Until the upstream is over with every try, or patience ends."""

        def over() -> bool:
            return all(one.ended is not None for tries in self.tries.values() for one in tries)

        with self.changed:
            self.changed.wait_for(over, 10)


class Stage(Upstream):
    """The upstream of all cells: ``/<cell>/<role>/…`` is answered by that role's script of the cell's row."""

    patience = 200.0

    def __init__(self, cells: list[Cell]) -> None:
        super().__init__(lambda peer: peer.close())
        self.cells = cells
        for number, cell in enumerate(cells):
            cell.name = f"cell{number}"
        self._by_name = {cell.name: cell for cell in cells}
        self.gateway: RunningGateway

    def _next(self, request: Request) -> Behaviour:
        _, name, role, _ = request.target.split("/", 3)
        cell = self._by_name[name]
        one, nth = cell.begins(role, request)
        model = cell.row.models[0 if role == "primary" else 1]
        turn = Turn(cell.wire, request, nth, one.at - cell.began, cell.scale, model)
        behaviour = (cell.row.primary if role == "primary" else cell.row.fallback)(turn)

        def noted(peer: Peer) -> None:
            try:
                behaviour(peer)
            finally:
                with cell.changed:
                    one.ended = time.monotonic()
                    cell.changed.notify_all()

        return noted

    def document(self) -> str:
        """The configuration of all cells, as JSON, which is YAML without anchors."""
        models = {name: {**PRICE, **facts} for name, facts in MODELS.items()}
        providers = {
            wire.name: {
                "kind": wire.kind,
                "base_url": f"{self.url}/{wire.name}/primary{wire.base}",
                "keys": [{"label": "main", "env": "FAULTS_KEY"}],
                "models": models,
            }
            for wire in WIRES
        }
        endpoints: dict[str, Any] = {}
        public: dict[str, Any] = {}
        for cell in self.cells:
            endpoints |= self._endpoints(cell)
            entries = [{"endpoint": f"{cell.name} {role}"} for role in cell.tries]
            public[cell.name] = {"entries": entries, "mid_stream": cell.row.policy}
        return json.dumps({"version": 1, "providers": providers, "endpoints": endpoints, "models": public})

    def _endpoints(self, cell: Cell) -> dict[str, Any]:
        row, made = cell.row, {}
        settings = dict(row.settings) | ({} if cell.streamed else dict(row.whole_settings))
        for role, model in zip(cell.tries, row.models, strict=True):
            base = f"{self.url}/{cell.name}/{role}{cell.wire.base}"
            if role == "primary" and row.base is not None:
                base = f"{row.base(self)}/{cell.name}/{role}{cell.wire.base}"
            made[f"{cell.name} {role}"] = {"provider": cell.wire.name, "upstream_model": model, "base_url": base}
        scaled = {name: seconds * cell.scale for name, seconds in settings.items()}
        made[f"{cell.name} primary"] |= scaled
        return made

    def ask(self, cell: Cell, caller: str) -> Heard:
        return ask(self.gateway.port, self.gateway.key, question(cell.name, caller, cell.streamed), caller)

    def play(self, cell: Cell) -> None:
        cell.began = time.monotonic()
        cell.heard = (cell.row.play or together)(self, cell)
        cell.await_ends()


def together(stage: Stage, cell: Cell, one: Callable[[str], Heard] | None = None) -> list[Heard]:
    """All callers of a cell at the same moment."""
    ready = threading.Barrier(cell.callers)
    heard: list[Heard] = []

    def call(caller: str) -> None:
        ready.wait(LONGEST)
        try:
            heard.append((one or (lambda name: stage.ask(cell, name)))(caller))
        except (AssertionError, OSError) as error:
            heard.append(Heard(caller, broke=repr(error)))

    threads = [threading.Thread(target=call, args=(f"c{number}",)) for number in range(cell.callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return heard


@contextmanager
def raised(cells: list[Cell], folder: Path) -> Iterator[Stage]:
    """The stage with its gateway, for ``cells``."""
    with (
        Stage(cells) as stage,
        running_gateway(folder, stage.document(), FAULTS_KEY="sk-faults-0123456789", LOG_LEVEL="WARNING") as gateway,
    ):
        stage.gateway = gateway
        yield stage
