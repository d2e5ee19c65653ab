"""The path of a request that goes well: what the official client reads, what the record says."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.running import RunningGateway
from tests.switchboard import Switchboard, completion, reply, whole_stream

pytestmark = pytest.mark.gateway

HI: Any = [{"role": "user", "content": "Hi"}]


def test_a_whole_answer_and_its_record(
    case: str, client: OpenAI, gateway: RunningGateway, switchboard: Switchboard
) -> None:
    switchboard.plug(f"primary-{case}", reply(completion("Hello")))
    answer = client.chat.completions.with_raw_response.create(model=case, messages=HI, temperature=0.5)
    assert answer.parse().choices[0].message.content == "Hello"
    assert answer.headers["x-gateway-provider"] == "acme"
    assert answer.headers["x-gateway-endpoint"] == f"primary-{case}"
    assert answer.headers["x-gateway-attempts"] == "1"
    assert float(answer.headers["x-gateway-overhead-ms"]) >= 0
    (sent,) = switchboard.seen(f"primary-{case}")
    assert sent.json == {"model": "m-1", "messages": HI, "temperature": 0.5}
    assert "authorization" not in sent.headers
    (row,) = gateway.records(1, f"requested_model = '{case}'")
    assert (row["outcome"], row["status"], row["endpoint"]) == ("success", 200, f"primary-{case}")
    assert (row["prompt_tokens"], row["completion_tokens"], row["usage_source"]) == (3, 2, "vendor")
    assert Decimal(str(row["cost"])) == Decimal("0.000007")
    assert (row["api_key"], row["answered_model"], row["finish_reason"]) == ("first", "m-1", "stop")


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/chat/completions"])
def test_both_paths_answer(path: str, case: str, gateway: RunningGateway, switchboard: Switchboard) -> None:
    switchboard.plug(f"primary-{case}", reply(completion("Hello")))
    assert gateway.post({"model": case, "messages": HI}, path=path)[0] == 200


def test_a_stream_and_its_usage(case: str, client: OpenAI, gateway: RunningGateway, switchboard: Switchboard) -> None:
    switchboard.plug(f"primary-{case}", whole_stream("Hel", "lo"))
    chunks = list(client.chat.completions.create(model=case, messages=HI, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Hello"
    assert all(chunk.usage is None for chunk in chunks)
    options: Any = {"include_usage": True}
    asked = list(client.chat.completions.create(model=case, messages=HI, stream=True, stream_options=options))
    assert asked[-1].usage is not None
    assert asked[-1].usage.total_tokens == 5
    rows = gateway.records(2, f"requested_model = '{case}'")
    assert [row["prompt_tokens"] for row in rows] == [3, 3]
    assert all(row["first_ms"] is not None and row["stream"] for row in rows)


def test_a_dynamic_name_and_a_bare_name_reach_the_provider(client: OpenAI, switchboard: Switchboard) -> None:
    switchboard.plug("acme", reply(completion("Hello")))
    for name in ("acme/m-1", "m-1", "acme/never-catalogued"):
        assert client.chat.completions.create(model=name, messages=HI).choices[0].message.content == "Hello"
    assert [request.json["model"] for request in switchboard.seen("acme")[-3:]] == ["m-1", "m-1", "never-catalogued"]


def test_a_vendor_without_a_key_says_what_to_set(client: OpenAI) -> None:
    with pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(model="gpt-4o", messages=HI)
    assert caught.value.status_code == 503
    assert caught.value.code == "provider_not_configured"
    assert "OPENAI_API_KEY" in caught.value.message


def test_the_list_tells_what_can_be_called_now(client: OpenAI, gateway: RunningGateway, case: str) -> None:
    listed = {model.id: model for model in client.models.list()}
    assert {case, "acme/m-1"} <= set(listed)
    assert "gpt-4o" not in listed
    model: Any = client.models.retrieve(case)
    assert (model.object, model.type, model.aliases) == ("model", "text-generation", [])
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("no-such-model")
    assert gateway.get("/models")[2] == gateway.get("/v1/models")[2]
