"""The category router's endpoints and files, as its document writes them, against a gateway of several workers."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.compat.category_router import (
    CREATE,
    DEFAULTS,
    FILE,
    HI,
    MAKE_KEYS,
    MAP_CODE,
    MAP_TOOLS,
    RESET,
    RESET_ALL,
    all_follow,
    config,
    delete,
    key_for,
    refused,
    revisions,
    run,
)  # fmt: skip
from tests.compat.vendors import KEYS, at_board, model_asked, plug_all
from tests.running import ROOT, RunningGateway, running_gateway, wait_for
from tests.switchboard import Switchboard, completion, reply

pytestmark = pytest.mark.gateway


@pytest.fixture(scope="module")
def board() -> Iterator[Switchboard]:
    with Switchboard() as made:
        plug_all(made)
        yield made


@pytest.fixture(scope="module")
def running(board: Switchboard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """Three workers; every vendor has a key, and nobody is asked for one."""
    config = at_board(board) + "\nmodels: {turbo: {aliases: [fast]}}\n"
    folder = tmp_path_factory.mktemp("opened")
    with running_gateway(folder, config, workers=3, GATEWAY_AUTH="off", **KEYS) as gateway:
        yield gateway


@pytest.fixture
def opened(running: RunningGateway, board: Switchboard) -> Iterator[RunningGateway]:
    """The same, as it was installed; a test's changes are undone after it."""
    number = revisions(running)[-1]["number"]
    yield running
    plug_all(board)
    run(running, RESET_ALL)
    if revisions(running)[-1]["number"] != number:
        running.manage("config", "rollback", str(number))
        wait_for(lambda: config(running)["model_mappings"] == DEFAULTS, "all is as it was")


@pytest.fixture(scope="module")
def keyed(board: Switchboard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """Two workers that ask for keys; there is one of each scope."""
    with running_gateway(tmp_path_factory.mktemp("keyed"), at_board(board), workers=2, **KEYS) as gateway:
        gateway.manage("shell", "-c", MAKE_KEYS)
        for _time in range(24):  # each worker looks twice a second
            wait_for(lambda: gateway.get("/providers", **key_for("metrics"))[0] == 200, "workers know the keys")
        yield gateway


def test_the_documents_lines_change_the_configuration_as_written(opened: RunningGateway) -> None:
    assert config(opened)["model_mappings"] == DEFAULTS
    told = run(opened, MAP_TOOLS)
    tools = ["openrouter/kimi-k2.5", "openai/gpt-4o", "anthropic/claude-3-sonnet"]
    assert told == {"category": "tools", "models": tools, "revision": told["revision"], "notes": []}
    told = run(opened, MAP_CODE)
    assert told["models"] == ["openai/gpt-4o", "anthropic/claude-3-sonnet"]
    told = run(opened, CREATE)
    assert told == {
        "category": "creative",
        "created": True,
        "models": ["openrouter/kimi-k2.5"],
        "keywords": ["story", "poem"],
        "revision": told["revision"],
        "notes": [],
    }
    now = config(opened)
    assert now["model_mappings"] == {
        **DEFAULTS,
        "tools": tools,
        "code": ["openai/gpt-4o", "anthropic/claude-3-sonnet"],
        "creative": ["openrouter/kimi-k2.5"],
    }
    assert now["categories"]["creative"] == {"keywords": ["story", "poem"]}
    assert "refactor" in now["categories"]["code"]["keywords"], "another chain leaves the keywords"
    newest = revisions(opened)[-3:]
    assert [(row["actor"], row["origin"]) for row in newest] == [("anonymous", "api")] * 3
    assert "categories/creative" in newest[2]["diff"]
    assert run(opened, CREATE)["revision"] is None, "the same again is no change"


def test_a_new_chain_is_followed_by_every_worker_within_a_second(opened: RunningGateway, board: Switchboard) -> None:
    story = {"model": "router", "messages": [{"role": "user", "content": "Write a story about a ship"}]}
    run(opened, CREATE)
    all_follow(opened, lambda headers: headers.get("x-gateway-category") == "creative", story)
    status, _, _ = opened.post({"category": "creative", "models": ["openai/gpt-4o"]}, "/config/model-mapping")
    assert status == 200
    all_follow(opened, lambda headers: headers["x-gateway-endpoint"] == "openai/gpt-4o", story)
    assert model_asked(board.seen("openai")[-1]) == "gpt-4o"
    assert delete(opened, "creative")[0] == 200
    all_follow(opened, lambda headers: headers["x-gateway-category"] == "conversation", story)


def test_a_category_is_replaced_and_goes_whatever_its_name(opened: RunningGateway) -> None:
    name = "50% off/été? #1"
    body = {"name": name, "models": ["openai/gpt-4o", "x/y"], "keywords": ["sale"], "weights": {"sale": 2}}
    assert refused(opened, "/config/category", body)[:2] == (400, "models[1]")
    body["models"] = ["openai/gpt-4o", "google/new-model"]
    assert json.loads(opened.post(body, "/config/category")[2])["created"] is True
    told = json.loads(opened.post({"name": name, "models": ["google/new-model"]}, "/config/category")[2])
    assert (told["created"], told["models"], told["keywords"]) == (False, ["google/new-model"], [])
    assert config(opened)["categories"][name] == {"keywords": []}
    status, gone = delete(opened, name)
    assert (status, gone["category"], gone["unused_endpoints"]) == (200, name, ["google/new-model"])
    status, error = delete(opened, name)
    assert (status, error["error"]["code"]) == (404, "category_not_found")
    assert name not in config(opened)["categories"]
    _, gone = delete(opened, "conversation")
    assert gone["unused_endpoints"] == []
    assert gone["notes"] == ["without the category conversation, auto, router, router/auto, router/router answer 404"]


def test_wrong_changes_are_refused_and_change_nothing(opened: RunningGateway) -> None:
    models = ["openai/gpt-4o"]
    mapping, category = "/config/model-mapping", "/config/category"
    assert refused(opened, mapping, {"category": "nope", "models": models})[:2] == (404, "category")
    status, param, message = refused(opened, mapping, {"category": "code", "models": ["openai/gpt-4o", "opnai/x"]})
    assert (status, param) == (400, "models[1]")
    assert "there is no provider 'opnai'; providers: ai21, albert, anthropic" in message
    for path, body, expected in (
        (mapping, {"category": "code"}, "models"),
        (mapping, {"category": "code", "models": None}, "models"),
        (mapping, {"category": "code", "models": []}, "models"),
        (mapping, {"category": "code", "models": "openai/gpt-4o"}, "models"),
        (mapping, {"category": "code", "models": ["gpt-4o"]}, "models[0]"),
        (mapping, {"category": "code", "models": [{"model": "turbo", "weight": "2"}]}, "models[0].weight"),
        (mapping, {"category": "code", "models": [{"endpoint": ["x"]}]}, "models[0]"),
        (mapping, {"category": ["code"], "models": models}, "category"),
        (mapping, {"category": "code", "models": models, "keywords": []}, "keywords"),
        (category, {"models": models}, "name"),
        (category, {"name": "", "models": models}, "name"),
        (category, {"name": "auto", "models": models}, "name"),
        (category, {"name": "x" * 300, "models": models}, "name"),
        (category, {"name": "a\u0000b", "models": models}, "name"),
        (category, {"name": "new", "models": models, "keywords": "word"}, "keywords"),
        (category, {"name": "new", "models": models, "keywords": [1]}, "keywords"),
        (category, {"name": "new", "models": models, "keywords": ["\u0000"]}, "keywords[0]"),
        (category, {"name": "new", "models": models, "weights": {"word": "2"}}, "weights"),
        (category, {"name": "new", "models": models, "strategy": "best"}, "strategy"),
        (category, {"name": "new", "models": models, "temperature": 1}, "temperature"),
        (category, [], None),
    ):  # fmt: skip
        status, param, message = refused(opened, path, body)
        assert (status, param) == (400, expected), message
        assert expected is None or expected in message
    for raw in (b"", b"{", b"\xff\xfe", b"[" * 10_000):
        assert refused(opened, category, raw)[0] == 400


def test_a_name_that_a_public_model_or_alias_has_is_refused(opened: RunningGateway) -> None:
    for name in ("turbo", "fast"):
        body = {"name": name, "models": ["openai/gpt-4o"]}
        assert refused(opened, "/config/category", body)[:2] == (400, "name")


def test_what_config_answers_imports_and_changes_nothing(opened: RunningGateway, tmp_path: Path) -> None:
    run(opened, CREATE)
    file = tmp_path / "router_config.json"
    file.write_text(json.dumps(config(opened)))
    assert opened.manage("import_config", str(file)) == "Nothing to change.\n"


def test_the_documents_file_and_the_shipped_example_are_imported_under_way(
    opened: RunningGateway, tmp_path: Path
) -> None:
    file = tmp_path / "router_config.json"
    file.write_text(FILE)
    opened.manage("import_config", str(file))
    assert {**DEFAULTS, **json.loads(FILE)["model_mappings"]} == config(opened)["model_mappings"]
    pauses = {"failures": 3, "pause": 300.0, "pause_max": 300.0}
    assert config(opened)["circuits"]["openai/gpt-4o"] == pauses, "three errors, five minutes"
    all_follow(
        opened, lambda headers: headers["x-gateway-endpoint"] == "openrouter/glm-5", {"model": "code", "messages": HI}
    )
    opened.manage("import_config", str(ROOT / "router_config.json.example"))
    assert config(opened)["categories"]["creative"]["keywords"] == ["story", "poem"]


def test_changes_at_once_lose_nothing(opened: RunningGateway) -> None:
    before = len(revisions(opened))

    def create(number: int) -> int:
        body = {"name": f"made-{number}", "models": [f"openai/model-{number % 5}"], "keywords": [f"word{number}"]}
        return opened.post(body, "/config/category")[0]

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(create, range(20))) == [200] * 20
    now = config(opened)
    assert {f"made-{number}": [f"openai/model-{number % 5}"] for number in range(20)}.items() <= now[
        "model_mappings"
    ].items()
    made = revisions(opened)[before:]
    assert len(made) == 20
    assert {row["origin"] for row in made} == {"api"}


def test_circuits_are_reset_by_name_and_all_at_once(opened: RunningGateway, board: Switchboard) -> None:
    chat = {"model": "openai/gpt-4o", "messages": HI, "stream": False}

    def fail_until_open() -> None:
        board.plug("openai", reply({"error": {"message": "down"}}, status=500))
        wait_for(lambda: opened.post(chat)[0] == 503 and is_open(), "the circuit opens")
        board.plug("openai", reply(completion("Bonjour")))

    def is_open() -> bool:
        rows = opened.rows("SELECT identity FROM routing_circuitstate WHERE phase <> 'closed'")
        return any("|gpt-4o|" in row["identity"] for row in rows)

    for script, told in ((RESET, {"reset": ["openai/gpt-4o"]}), (RESET_ALL, {"reset": ["openai/gpt-4o"]})):
        fail_until_open()
        assert run(opened, script) == told
        assert not is_open()
        all_follow(opened, lambda headers: headers["x-gateway-provider"] == "openai", chat)
    assert run(opened, RESET_ALL) == {"reset": []}
    events = opened.rows("SELECT * FROM routing_circuitevent WHERE after = 'closed' AND \"by\" <> ''")
    assert len(events) == 2
    for name in ("nowhere/gpt-4o", "openai/never-heard-of", "gpt-4o-nothing"):
        status, _, body = opened.post({}, f"/circuit-breaker/reset/{name}")
        assert (status, json.loads(body)["error"]["code"]) == (404, "model_not_found")


def test_the_names_of_one_place_all_reset_it(opened: RunningGateway) -> None:
    for name in ("openrouter/kimi-k2.5", "openrouter/moonshotai/kimi-k2.5", "openrouter%2Fkimi-k2.5"):
        told = json.loads(opened.post({}, f"/circuit-breaker/reset/{name}")[2])
        assert told == {"reset": ["openrouter/kimi-k2.5"]}


def test_a_state_file_keeps_a_circuit_open_at_every_worker(opened: RunningGateway, tmp_path: Path) -> None:
    file = tmp_path / "circuit_breaker_state.json"
    file.write_text(json.dumps({"open_circuits": {"openrouter/glm-5": time.time() + 600}}))
    assert "circuit of openrouter/glm-5: open until" in opened.manage("import_config", str(file))
    all_follow(
        opened, lambda headers: headers["x-gateway-endpoint"] == "openai/gpt-4o-mini", {"model": "code", "messages": HI}
    )
    assert opened.manage("import_config", str(file)) == "Nothing to change.\n"
    assert run(opened, RESET_ALL) == {"reset": ["openrouter/glm-5"]}


def test_providers_are_told_with_what_they_lack_and_never_a_key(opened: RunningGateway) -> None:
    status, _, raw = opened.get("/providers")
    told = {one["name"]: one for one in json.loads(raw)["providers"]}
    assert status == 200
    assert told["openai"]["configured"] is True
    assert (told["openai"]["reason"], told["openai"]["missing"]) == (None, [])
    assert {"gpt-4o", "gpt-4o-mini"} <= set(told["openai"]["models"])
    assert told["cerebras"]["configured"] is False
    assert told["cerebras"]["missing"] == ["CEREBRAS_API_KEY"]
    assert "set CEREBRAS_API_KEY" in told["cerebras"]["reason"]
    assert (told["vllm"]["enabled"], told["vllm"]["reason"]) == (False, "provider vllm is disabled")
    for secret in KEYS.values():
        assert secret.encode() not in raw


def test_each_scope_opens_what_is_its_own(keyed: RunningGateway) -> None:
    change = {"name": "creative", "models": ["openai/gpt-4o"], "keywords": ["poem"]}
    calls: list[tuple[str, str, Any]] = [
        ("admin", "/config", None),
        ("admin", "/config/category", change),
        ("admin", "/config/model-mapping", {"category": "creative", "models": ["openai/gpt-4o-mini"]}),
        ("admin", "/circuit-breaker/reset/openai/gpt-4o", {}),
        ("admin", "/circuit-breaker/reset-all", {}),
        ("metrics", "/providers", None),
    ]
    for needed, path, body in calls:
        for scope in ("inference", "admin", "metrics", "nobody"):
            call = (lambda: keyed.get(path, **key_for(scope))) if body is None else (  # noqa: B023
                lambda: keyed.post(body, path, **key_for(scope)))  # noqa: B023  # fmt: skip
            status = call()[0]
            assert status == (401 if scope == "nobody" else 200 if scope == needed else 403), (path, scope)
    rows = revisions(keyed)
    assert [(row["actor"], row["origin"]) for row in rows[-2:]] == [("for admin", "api")] * 2
    log = keyed.manage("config", "log", "--limit", "2")
    assert log.count("for admin (api)") == 2


def test_with_a_key_the_documents_lines_need_its_header_alone(keyed: RunningGateway) -> None:
    header = f'curl -H "Authorization: Bearer {keyed.key}" '
    for script in (MAP_TOOLS, MAP_CODE, CREATE, RESET, RESET_ALL):
        assert "error" in run(keyed, script)
        assert "error" not in run(keyed, script.replace("curl ", header))


def test_a_change_that_waits_for_the_database_holds_nobody_up(opened: RunningGateway) -> None:
    """Another process keeps SQLite's lock for longer than is waited for it."""
    before = revisions(opened)
    file = opened.folder / "data" / "gateway.sqlite3"
    locked, release = threading.Event(), threading.Event()

    def lock() -> None:
        connection = sqlite3.connect(file, isolation_level=None, timeout=10)
        connection.execute("BEGIN IMMEDIATE")
        locked.set()
        release.wait(30)
        connection.rollback()
        connection.close()

    with ThreadPoolExecutor(13) as pool:
        pool.submit(lock)
        locked.wait(10)
        change = {"category": "code", "models": ["openai/gpt-4o"]}
        waiting = [pool.submit(opened.post, change, "/config/model-mapping") for _number in range(3)]
        chats = [pool.submit(opened.post, {"model": "openai/gpt-4o", "messages": HI}) for _number in range(30)]
        assert {chat.result()[0] for chat in chats} == {200}
        assert not any(one.done() for one in waiting)
        status, headers, body = waiting[0].result()
        release.set()
    assert (status, json.loads(body)["error"]["code"]) == (503, "database_unavailable")
    assert headers["retry-after"] == "1"
    wait_for(lambda: opened.post(change, "/config/model-mapping")[0] == 200, "a change that is tried again is made")
    assert len(revisions(opened)) == len(before) + 1
