"""The examples of docs/clients.md run as they stand there, against a gateway; others' packages where they are found."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.running import ROOT, RunningGateway, running_gateway
from tests.services import missing
from tests.switchboard import completion, delta, whole_stream
from tests.upstream import DONE, Peer, Upstream, reply, stream

pytestmark = pytest.mark.gateway

PAGE = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
CALL = {
    "index": 0,
    "id": "call_1",
    "type": "function",
    "function": {"name": "weather", "arguments": '{"city": "Lyon"}'},
}


def answer(peer: Peer) -> None:
    """What a vendor would say to the last request: vectors, a call of the first tool, a text, whole or streamed."""
    request = peer.server.requests[-1]
    body = request.json
    if request.target.endswith("/embeddings"):
        data = [{"object": "embedding", "index": i, "embedding": [0.5, i]} for i in range(len(body["input"]))]
        usage = {"prompt_tokens": 2, "total_tokens": 2}
        reply({"object": "list", "data": data, "model": body["model"], "usage": usage})(peer)
    elif body.get("stream") and not body.get("tools"):
        whole_stream("Hello", " you")(peer)
    elif body.get("stream"):
        stream(delta("Hello you", role="assistant"), delta(finish="stop"), DONE)(peer)
    elif body.get("tools"):
        message = {"role": "assistant", "content": None, "tool_calls": [CALL]}
        reply(completion(choices=[{"index": 0, "message": message, "finish_reason": "tool_calls"}]))(peer)
    else:
        reply(completion("Hello you"))(peer)


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream(answer) as running:
        yield running


@pytest.fixture(scope="module")
def gateway(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    vectors = {"type": "text-embeddings-inference"}
    models = {"chat": {"capabilities": ["tools"]}, "vectors": vectors}
    acme = {"kind": "openai-compatible", "base_url": f"{upstream.url}/v1", "keyless": True, "models": models}
    endpoints = {
        name: {"provider": "acme", "upstream_model": name, "base_url": f"{upstream.url}/v1"} for name in models
    }
    public = {
        "gpt-4o-mini": {"entries": [{"endpoint": "chat"}]},
        "text-embedding-3-small": {"entries": [{"endpoint": "vectors"}], **vectors},
    }
    categories = {"conversation": {"entries": [{"endpoint": "chat"}]}}
    document = {"version": 1, "providers": {"acme": acme}, "endpoints": endpoints, "models": public}
    config = yaml.safe_dump({**document, "categories": categories}, sort_keys=False)
    with running_gateway(tmp_path_factory.mktemp("clients"), config) as running:
        yield running


def example(section: str, language: str) -> str:
    """The first block of a language below a heading of the page."""
    below = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    found = re.search(rf"```{language}\n(.*?)```", below, re.DOTALL)
    assert found, f"docs/clients.md has no {language} below {section}"
    return found[1]


def run(gateway: RunningGateway, command: list[str], folder: Path, **environment: str) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=110, cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "GATEWAY_API_KEY": gateway.key, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def pointed_at(gateway: RunningGateway, text: str) -> str:
    assert "http://127.0.0.1:8000" in text
    return text.replace("http://127.0.0.1:8000", gateway.url)


def python_with(module: str) -> str:
    for python in filter(None, (sys.executable, os.environ.get("CLIENTS_PYTHON"))):
        if subprocess.run([python, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0:
            return python
    pytest.skip(f"no {module} here: CLIENTS_PYTHON names a Python that has it")


def told(output: str) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in output.splitlines() if ": " in line)


EVERYTHING = {"chat": "Hello you", "stream": "Hello you", "tools": "weather", "embeddings": "2"}


@pytest.mark.parametrize(
    ("section", "module"),
    [
        ("OpenAI SDK, Python", "openai"),
        ("LangChain", "langchain_openai"),
        ("LlamaIndex", "llama_index.llms.openai_like"),
    ],
)
def test_the_python_examples_work_as_they_stand(
    gateway: RunningGateway, tmp_path: Path, section: str, module: str
) -> None:
    script = tmp_path / "example.py"
    script.write_text(pointed_at(gateway, example(section, "python")))
    found = told(run(gateway, [python_with(module), str(script)], tmp_path))
    assert EVERYTHING.items() <= found.items()
    if module == "openai":
        assert {"gpt-4o-mini", "text-embedding-3-small"} <= set(re.findall(r"'([^']+)'", found["models"]))
        assert found["headers"] == "chat 1"


def test_the_node_example_works_as_it_stands(gateway: RunningGateway, tmp_path: Path) -> None:
    folder = os.environ.get("CLIENTS_NODE", "")
    if not (shutil.which("node") and (Path(folder) / "node_modules" / "openai").is_dir()):
        pytest.skip("no node with the package openai: CLIENTS_NODE names a folder with node_modules")
    (tmp_path / "node_modules").symlink_to(Path(folder) / "node_modules")
    script = tmp_path / "example.mjs"
    script.write_text(pointed_at(gateway, example("OpenAI SDK, Node", "javascript")))
    assert EVERYTHING.items() <= told(run(gateway, ["node", str(script)], tmp_path)).items()


def test_the_curl_lines_work_as_they_stand(gateway: RunningGateway, tmp_path: Path) -> None:
    if not shutil.which("curl"):
        missing("no curl here")
    output = run(gateway, ["bash", "-ec", pointed_at(gateway, example("curl", "bash"))], tmp_path)
    assert '"content":"Hello you"' in output
    assert output.rstrip().endswith("data: [DONE]")


def send(gateway: RunningGateway, base: str, key: str, model: str) -> Any:
    """What a client of OpenAI's kind does with its settings."""
    path = base.removeprefix(gateway.url) + "/chat/completions"
    body = {"model": model, "messages": [{"role": "user", "content": "Hi, how are you?"}]}
    status, _, answer = gateway.post(
        body, path, Authorization=f"Bearer {key.replace('${GATEWAY_API_KEY}', gateway.key)}"
    )
    assert status == 200, answer
    return json.loads(answer)


def test_the_address_and_names_of_openclaws_settings_are_served(gateway: RunningGateway) -> None:
    settings = json.loads(pointed_at(gateway, example("OpenClaw", "json")))
    router = settings["models"]["providers"]["router"]
    for model in (router["models"][0]["id"], settings["agents"]["defaults"]["model"]["primary"]):
        for base in (router["baseUrl"], router["baseUrl"] + "/v1"):
            assert send(gateway, base, router["apiKey"], model)["choices"][0]["message"]["content"] == "Hello you"


def test_the_address_and_names_of_continues_settings_are_served(gateway: RunningGateway) -> None:
    settings = yaml.safe_load(pointed_at(gateway, example("Continue", "yaml")))
    chat, vectors = settings["models"]
    assert send(gateway, chat["apiBase"], gateway.key, chat["model"])["choices"]
    status, _, _ = gateway.post({"model": vectors["model"], "input": ["one"]}, "/v1/embeddings")
    assert status == 200
