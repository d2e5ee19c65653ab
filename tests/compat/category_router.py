"""The category router's document, letter by letter, and what is asked of a gateway that takes its place."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

from tests.compat.shell import run_shell
from tests.running import RunningGateway
from tests.services import FULL

MAP_TOOLS = """curl -X POST http://localhost:3456/config/model-mapping \\
  -H "Content-Type: application/json" \\
  -d '{
    "category": "tools",
    "models": [
      "openrouter/moonshotai/kimi-k2.5",
      "openai/gpt-4o",
      "anthropic/claude-3-sonnet"
    ]
  }'"""
MAP_CODE = """curl -X POST http://localhost:3456/config/model-mapping \\
  -H "Content-Type: application/json" \\
  -d '{"category": "code", "models": ["openai/gpt-4o", "anthropic/claude-3-sonnet"]}'"""
CREATE = """curl -X POST http://localhost:3456/config/category \\
  -H "Content-Type: application/json" \\
  -d '{"name": "creative", "models": ["openrouter/kimi-k2.5"], "keywords": ["story", "poem"]}'"""
RESET = "curl -X POST http://localhost:3456/circuit-breaker/reset/openai/gpt-4o"
RESET_ALL = "curl -X POST http://localhost:3456/circuit-breaker/reset-all"
FILE = """{
  "model_mappings": {
    "tools": ["openrouter/kimi-k2.5", "openai/gpt-4o"],
    "code": ["openrouter/glm-5", "anthropic/claude-3-sonnet"]
  }
}
"""
DEFAULTS = {
    "tools": ["openrouter/kimi-k2.5", "openrouter/glm-5", "openai/gpt-4o-mini"],
    "code": ["openrouter/glm-5", "openai/gpt-4o-mini", "openrouter/kimi-k2.5"],
    "reasoning": ["openrouter/kimi-k2.5", "openrouter/glm-5", "openai/gpt-4o-mini"],
    "conversation": ["openrouter/glm-5", "openai/gpt-4o-mini", "openrouter/kimi-k2.5"],
}
MAKE_KEYS = """
from routing.models import ApiKey
for scope in ("inference", "admin", "metrics"):
    key = ApiKey(name=f"for {scope}", scopes=[scope]); key.set_key(f"sk-test-for-{scope}-0123456789"); key.save()
"""
HI = [{"role": "user", "content": "Hi"}]


def key_for(scope: str) -> dict[str, str]:
    return {"Authorization": f"Bearer sk-test-for-{scope}-0123456789"}


def run(gateway: RunningGateway, script: str) -> Any:
    return json.loads(run_shell(script, gateway.url))


def config(gateway: RunningGateway) -> dict[str, Any]:
    status, _, body = gateway.get("/config")
    assert status == 200
    return dict(json.loads(body))


def revisions(gateway: RunningGateway) -> list[dict[str, Any]]:
    return gateway.rows("SELECT * FROM routing_configrevision ORDER BY number")


def refused(gateway: RunningGateway, path: str, body: Any) -> tuple[int, str, str]:
    """(status, param, message) of a change that is refused; fails where anything was changed."""
    before = revisions(gateway)
    status, _, raw = gateway.post(body, path)
    error = json.loads(raw)["error"]
    assert error["type"] == "invalid_request_error"
    assert revisions(gateway) == before
    return status, error["param"], error["message"]


def delete(gateway: RunningGateway, name: str) -> tuple[int, Any]:
    script = f"curl -X DELETE -w '\\n%{{http_code}}' http://localhost:3456/config/category/{quote(name, safe='')}"
    body, status = run_shell(script, gateway.url).rsplit("\n", 1)
    return int(status), json.loads(body)


def all_follow(gateway: RunningGateway, right: Callable[[dict[str, str]], bool], body: Any) -> None:
    """Called right after a change: chats that begin a second later are all answered ``right``, at every worker.

    Where other tests use the machine, too, three seconds.
    """
    end = time.monotonic() + (1.0 if FULL else 3.0)
    while time.monotonic() < end:
        gateway.post(body)
        time.sleep(0.05)
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _number: gateway.post(body), range(60)))
    wrong = [(status, body, headers) for status, headers, body in answers if status != 200 or not right(headers)]
    assert not wrong, f"{len(wrong)} of {len(answers)}: {wrong[0]}"
