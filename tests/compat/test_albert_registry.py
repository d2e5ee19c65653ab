"""The Albert registry's example, imported under way: what callers of ``turbo`` meet at a gateway of three workers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.compat import documents
from tests.compat.shell import run_shell
from tests.running import RunningGateway, running_gateway, wait_for
from tests.switchboard import Switchboard, completion, reply

pytestmark = pytest.mark.gateway

SYSTEM = "The Albert registry"
# As in the document, whose keys and second address are dots.
FILE = """models:
  - id: turbo
    type: text-generation
    aliases: ["turbo-alias"]
    routing_strategy: round_robin
    clients:
      - model: gpt-3.5-turbo 
        type: openai
        args:
          base_url: https://api.openai.com/v1
          api_key: sk-...sA
          timeout: 60
      - model: meta-llama/Llama-3.1-8B-Instruct
        type: vllm
        args:
          base_url: http://.../v1
          api_key: sf...Df
          timeout: 60
"""  # noqa: W291 - as the document has it
CLIENTS = {"first": "gpt-3.5-turbo", "second": "meta-llama/Llama-3.1-8B-Instruct"}
HI = [{"role": "user", "content": "Bonjour"}]


@pytest.fixture(scope="module")
def clients() -> Iterator[Switchboard]:
    with Switchboard() as board:
        for name in CLIENTS:
            board.plug(name, reply(completion("Bonjour")))
        yield board


@pytest.fixture(scope="module")
def registry(clients: Switchboard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    folder = tmp_path_factory.mktemp("registry")
    with running_gateway(folder, workers=3, GATEWAY_AUTH="off") as gateway:
        file = folder / "config.yml"
        at_home = FILE.replace("https://api.openai.com/v1", clients.base_url("first"))
        file.write_text(at_home.replace("http://.../v1", clients.base_url("second")))
        gateway.manage("import_config", str(file))
        wait_for(lambda: known_to_all(gateway), "every worker knows turbo")
        yield gateway


def known_to_all(gateway: RunningGateway) -> bool:
    return all(gateway.get("/v1/models/turbo")[0] == 200 for _ in range(24))


def ask(gateway: RunningGateway, model: str = "turbo", path: str = "/v1/chat/completions", **more: object) -> int:
    return gateway.post({"model": model, "messages": HI, **more}, path)[0]


@pytest.mark.skipif(not documents.present(), reason="the documents are not beside this checkout")
def test_the_file_tried_here_is_that_of_the_document() -> None:
    assert FILE in documents.read(SYSTEM)


def test_the_list_of_models_has_the_registrys_fields(registry: RunningGateway) -> None:
    listed = json.loads(run_shell("curl -s -X GET http://localhost:8000/v1/models", registry.url))
    (turbo,) = [model for model in listed["data"] if model["id"] == "turbo"]
    assert (turbo["type"], turbo["aliases"]) == ("text-generation", ["turbo-alias"])
    assert turbo["max_context_length"] is None, "nothing is known of models at addresses of one's own"
    assert json.loads(registry.get("/v1/models/turbo-alias")[2]) == turbo


def test_both_clients_take_turns_each_under_its_own_name_and_key(
    registry: RunningGateway, clients: Switchboard
) -> None:
    before = {name: len(clients.seen(name)) for name in CLIENTS}
    for name in ("turbo", "turbo-alias") * 10:
        assert ask(registry, name) == 200
    asked = {name: clients.seen(name)[before[name] :] for name in CLIENTS}
    assert sum(len(requests) for requests in asked.values()) == 20
    assert abs(len(asked["first"]) - len(asked["second"])) <= registry.workers
    for name, model in CLIENTS.items():
        assert {request.json["model"] for request in asked[name]} == {model}
    keys = Counter(request.headers["authorization"] for requests in asked.values() for request in requests)
    assert set(keys) == {"Bearer sk-...sA", "Bearer sf...Df"}


def test_a_model_that_does_not_exist_is_a_404_model_not_found(registry: RunningGateway) -> None:
    status, _headers, raw = registry.post({"model": "guillaumetell-7b", "messages": HI})
    assert status == 404
    assert json.loads(raw)["error"]["message"].startswith("Model not found")


def test_a_type_that_an_endpoint_does_not_serve_is_refused_before_anyone_is_asked(
    registry: RunningGateway, clients: Switchboard
) -> None:
    before = len(clients.requests)
    status, _headers, raw = registry.post({"model": "turbo", "input": "Bonjour"}, "/v1/embeddings")
    assert (status, json.loads(raw)["error"]["code"]) == (400, "unsupported_operation")
    assert len(clients.requests) == before


def test_a_model_for_embeddings_asks_each_kind_of_client_at_its_own_path_and_refuses_chat(
    registry: RunningGateway, clients: Switchboard
) -> None:
    vectors = {"object": "list", "model": "m", "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 1.0]}],
               "usage": {"prompt_tokens": 1, "total_tokens": 1}}  # fmt: skip
    models = []
    for kind in ("tei", "openai", "albert"):
        clients.plug(f"vectors-{kind}", reply(vectors))
        client = {"model": "m", "type": kind, "args": {"base_url": f"{clients.url}/vectors-{kind}/v1", "api_key": "k"}}
        models.append({"id": f"vectors-{kind}", "type": "text-embeddings-inference", "clients": [client]})
    file = registry.folder / "vectors.json"
    file.write_text(json.dumps({"models": models}))
    registry.manage("import_config", str(file))
    for model in (one["id"] for one in models):
        wait_for(lambda name=model: all(registry.get(f"/v1/models/{name}")[0] == 200 for _ in range(24)), model)
        status, _headers, raw = registry.post({"model": model, "input": "Bonjour"}, "/v1/embeddings")
        assert (status, json.loads(raw)["data"][0]["embedding"]) == (200, [0.5, 1.0])
        assert [request.target for request in clients.seen(model)] == [f"/{model}/v1/embeddings"]
        status, _headers, raw = registry.post({"model": model, "messages": HI})
        assert (status, json.loads(raw)["error"]["code"]) == (400, "unsupported_operation")
        assert "/v1/embeddings" in json.loads(raw)["error"]["message"]


def test_with_shuffle_every_client_gets_its_share(registry: RunningGateway, clients: Switchboard) -> None:
    """The strategy is changed under way, as an operator would."""
    registry.configure("version: 1\nmodels: {turbo: {strategy: shuffle}}")
    wanted = '"strategy":"shuffle"'
    explained = {"model": "turbo", "messages": HI}
    wait_for(
        lambda: all(wanted in registry.post(explained, "/v1/route/explain")[2].decode() for _ in range(24)), "shuffle"
    )
    before = {name: len(clients.seen(name)) for name in CLIENTS}
    for _ in range(60):
        assert ask(registry) == 200
    shares = [len(clients.seen(name)) - before[name] for name in CLIENTS]
    assert sum(shares) == 60
    assert min(shares) >= 10  # 1 in 10 million that chance alone has it otherwise
