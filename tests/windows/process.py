"""Processes that share windows, as workers do: ``python -m tests.windows.process SCENARIO [ARGUMENT]``.

Which store they use, their environment says, as a worker's does. A scenario prints its result as JSON. Those that must
begin together say ``ready`` first and wait for a line.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from routing.limits import Ticket, Window

ROOT = Path(__file__).resolve().parents[2]


def start(place: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    """A process with the settings of ``place``."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "gateway_project.settings",
        "GATEWAY_IGNORE_DOTENV": "yes",
        "SECRET_KEY": "tests-only-" + "0123456789" * 5,
        "GATEWAY_ENCRYPTION_KEYS": "dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk=",
        "LOG_LEVEL": "error",
        **place,
    }
    command = [sys.executable, "-m", "tests.windows.process", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)


def play(place: dict[str, str], *arguments: str, together: int = 1) -> list[Any]:
    """What so many processes say that began together."""
    processes = [start(place, *arguments) for _ in range(together)]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        said = [process.communicate(timeout=60)[0] for process in processes]
        assert [process.returncode for process in processes] == [0] * together, said
        return [json.loads(text.splitlines()[-1]) for text in said]
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def migrate(argument: str) -> None:
    from django.core.management import call_command

    call_command("migrate", "routing", *filter(None, [argument]), verbosity=0)


def forget(argument: str) -> None:
    """As if the window had been empty for long."""
    from routing.models import LimitWindow
    from routing.windows import forget_old

    LimitWindow.objects.filter(key=argument).update(fades_at=1)
    forget_old()


def crowd(argument: str) -> dict[str, int]:
    """50 callers at once, twice each, on one window of 100; what they got from the store."""
    window = Window(argument, 100, None, 3600)
    ask = asking()
    return _together(lambda number: [ask((window,), f"{number}-{turn}") for turn in range(2)])


def pairs(argument: str) -> dict[str, int]:
    """50 callers, each on two windows of 100 and 60 in one order or the other."""
    one, other = Window(f"{argument}-1", 100, None, 3600), Window(f"{argument}-2", 60, 10**6, 3600)
    ask = asking()
    return _together(lambda number: [ask((one, other)[:: 1 if number % 2 else -1], str(number))])


def asking() -> Callable[[tuple[Window, ...], str], str]:
    """Asks the store for each caller, past this process's memory of refusals."""
    from routing.windows import WINDOWS
    from routing.windows.orders import Take

    pump = WINDOWS._running()
    return lambda windows, name: type(pump.take(Take(f"{os.getpid()}-{name}", windows, 7))).__name__


def _together(caller: Callable[[int], list[str]]) -> dict[str, int]:
    import gevent

    callers = [gevent.spawn(caller, number) for number in range(50)]
    gevent.joinall(callers, raise_error=True)
    return dict(Counter(name for got in callers for name in got.value))


def locked(argument: str) -> dict[str, Any]:
    """SQLite's write lock is held for 1.5 s by somebody else, while callers take and the event loop ticks."""
    import sqlite3
    import time

    import gevent
    from django.db import connection

    from routing.windows import WINDOWS

    windows = [Window(argument, 100, None, 3600)]
    WINDOWS.take(windows, 0)
    gaps = [0.0]

    def tick() -> None:
        while True:
            before = time.monotonic()
            gevent.sleep(0.005)
            gaps.append(time.monotonic() - before)

    lock = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    ticking = gevent.spawn(tick)
    callers = [gevent.spawn(lambda: type(WINDOWS.take(windows, 0)).__name__) for _ in range(20)]
    gevent.sleep(1.5)
    lock.execute("COMMIT")
    gevent.joinall(callers, raise_error=True)
    ticking.kill()
    until = time.monotonic() + 20
    while (verdict := WINDOWS.take(windows, 0)) is None and time.monotonic() < until:
        gevent.sleep(0.05)
    return {"gap": max(gaps), "got": dict(Counter(c.value for c in callers)), "after": type(verdict).__name__}


def forked(argument: str) -> dict[str, Any]:
    """A child uses the windows that its parent has used, and both find what the other did."""
    from routing.windows import WINDOWS

    windows = [Window(argument, 3, None, 3600)]
    WINDOWS.take(windows, 0)
    child = os.fork()
    if child == 0:
        verdict = WINDOWS.take(windows, 0)
        os._exit(0 if isinstance(verdict, Ticket) else 1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return {"child": code, "parent": [type(WINDOWS.take(windows, 0)).__name__ for _ in range(2)]}


def main(scenario: str, argument: str) -> None:
    if scenario not in ("migrate", "forget"):
        from gevent import monkey

        monkey.patch_all()
    import django

    django.setup()
    if scenario not in ("migrate", "forget"):
        from routing.windows import WINDOWS

        while WINDOWS.take([Window("test:warm", None, None, 1)], 0) is None:  # imports and connecting take their time
            pass
    print("ready", flush=True)
    sys.stdin.readline()
    scenarios = {function.__name__: function for function in (migrate, forget, crowd, pairs, locked, forked)}
    print(json.dumps(scenarios[scenario](argument)))


if __name__ == "__main__":
    main(sys.argv[1], "".join(sys.argv[2:]))
