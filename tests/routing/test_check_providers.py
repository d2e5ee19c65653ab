"""``manage.py check_providers`` against upstreams that behave and misbehave."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from providers.models import Price, Provider, ProviderKey, ProviderModel
from routing import catalog
from routing.models import PublicModel
from tests.running import free_port
from tests.switchboard import Switchboard, completion, delta, reply, stream, whole_stream

pytestmark = pytest.mark.django_db

SECRET = "sk-secret-0123456789abcdef"


@pytest.fixture
def board():
    with Switchboard() as served:
        yield served
    catalog.forget()


def provider(board: Switchboard, name: str, *models: str, kind: str = "openai-compatible", **facts) -> Provider:
    row = Provider(name=name, kind=kind, base_url=board.base_url(name), proxy="none")
    row.save()
    ProviderKey(provider=row, secret=SECRET).save()
    for model in models:
        ProviderModel(provider=row, name=model, **facts).save()
    return row


def run(tmp_path: Path, *words: str) -> tuple[str, str]:
    """(what was printed, the failure's sentence or "")."""
    catalog.forget()
    out, failure = StringIO(), ""
    try:
        call_command("check_providers", *words, "--report", str(tmp_path / "report"), stdout=out, no_color=True)
    except CommandError as error:
        failure = str(error)
    return out.getvalue(), failure


def by_mode(board: Switchboard, name: str, whole, streamed) -> None:
    """``name`` answers each request as it asks: whole or streamed."""

    def behave(peer):
        (streamed if board.seen(name)[-1].json.get("stream") else whole)(peer)

    board.plug(name, behave)


def test_both_modes_are_tried_and_summed_up_in_two_blocks(board, tmp_path):
    by_mode(board, "acme", reply(completion("pong")), whole_stream("po", "ng"))
    row = provider(board, "acme", "small")
    Price(model=row.models.get(), input=1, output=2).save()
    told, failure = run(tmp_path, "--provider", "acme", "--jobs", "1")
    assert failure == ""
    assert "=== SUMMARY OF THE NON-STREAMING TESTS ===\nacme/small: ✅ Success\n" in told
    assert "=== SUMMARY OF THE STREAMING TESTS ===\nacme/small: ✅ Success\n" in told
    assert "[2/2] acme/small: ✅ Success (streaming, " in told
    assert "2 success, 0 failure, 0 skipped. Cost: 0.000014 USD." in told
    asked = board.seen("acme")
    assert [request.json["max_tokens"] for request in asked] == [64, 64]
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["counts"] == {"success": 2, "failure": 0, "skipped": 0}
    whole, streamed = report["results"]
    assert (whole["mode"], whole["usage"]["total_tokens"], whole["cost"]) == ("non-streaming", 5, "0.000007")
    assert streamed["first_content_seconds"] is not None
    markdown = (tmp_path / "report.md").read_text()
    assert re.search(r"\| acme/small \| chat \| ✅ success \| \d", markdown)
    assert SECRET not in told + markdown + (tmp_path / "report.json").read_text()


def test_the_summaries_can_be_had_in_french(board, tmp_path):
    by_mode(board, "acme", reply(completion("pong")), whole_stream("pong"))
    provider(board, "acme", "small")
    told, _failure = run(tmp_path, "--provider", "acme", "--language", "fr", "--jobs", "1")
    assert re.search(r"\[1/2\] acme/small: ✅ Succès \(sans streaming, \d", told)
    assert "2 succès, 0 échec(s), 0 ignoré(s). Coût : inconnu. Rapport : " in told
    assert "=== RÉSUMÉ DES TESTS NON-STREAMING ===\nacme/small: ✅ Succès\n" in told
    assert "=== RÉSUMÉ DES TESTS STREAMING ===\nacme/small: ✅ Succès\n" in told


def test_a_rejected_key_is_told_once_in_words_and_not_tried_again(board, tmp_path):
    board.plug("acme", reply({"error": {"message": f"Incorrect API key {SECRET}"}}, status=401))
    provider(board, "acme", "a", "b", "c")
    told, failure = run(tmp_path, "--provider", "acme", "--jobs", "1")
    assert failure == "6 of 6 tests failed."
    assert "acme/a: ❌ Failure: the key was rejected (401): Incorrect API key" in told
    assert "(not asked again)" in told
    assert len(board.seen("acme")) == 1
    assert SECRET not in told


def test_one_model_that_is_missing_does_not_spoil_the_others(board, tmp_path):
    def behave(peer):
        request = board.seen("acme")[-1].json
        if request["model"] == "gone":
            reply({"error": {"message": "The model 'gone' does not exist", "code": "model_not_found"}}, status=404)(
                peer
            )
        else:
            (whole_stream("pong") if request.get("stream") else reply(completion("pong")))(peer)

    board.plug("acme", behave)
    provider(board, "acme", "gone", "here")
    told, failure = run(tmp_path, "--provider", "acme", "--jobs", "1")
    assert failure == "2 of 4 tests failed."
    assert "acme/gone: ❌ Failure: the provider does not know this (404): The model 'gone' does not exist" in told
    assert told.count("acme/here: ✅ Success") == 4


@pytest.mark.parametrize(
    ("whole", "streamed", "faults"),
    [
        (reply(completion("")), whole_stream(""), "the answer is empty"),
        (reply(b"<html>"), reply(b"<html>", media="text/html"), "the reply is not what the format promises"),
        (reply(completion("pong")), stream(delta("po", role="assistant"), end="close"), "broke"),
        (reply({}, status=500), reply({}, status=503), "the provider failed (500)"),
        (reply({}, status=429), reply({}, status=429), "rate limit or quota is used up (429)"),
    ],
)
def test_answers_that_are_wrong_fail_in_words(board, tmp_path, whole, streamed, faults):
    by_mode(board, "acme", whole, streamed)
    provider(board, "acme", "small")
    told, failure = run(tmp_path, "--provider", "acme")
    assert faults in told
    assert "of 2 tests failed." in failure


def test_a_server_that_never_answers_is_given_up(board, tmp_path):
    board.plug("acme", lambda peer: peer.wait_until_left())
    provider(board, "acme", "small")
    told, failure = run(tmp_path, "--provider", "acme", "--timeout", "0.3")
    assert failure == "2 of 2 tests failed."
    assert told.count("took too long") >= 2


def test_a_dry_run_asks_nobody_and_says_what_it_may_cost(board, tmp_path):
    row = provider(board, "acme", "priced", "unpriced")
    Price(model=row.models.get(name="priced"), input=10, output=100).save()
    provider(board, "beta", "thinker", capabilities=["reasoning"])
    Price(model=ProviderModel.objects.get(name="thinker"), input=1, output=1, currency="EUR").save()
    told, failure = run(tmp_path, "--provider", "acme", "--provider", "beta", "--dry-run")
    assert failure == ""
    assert "acme/priced (chat, streaming): would be tried" in told
    assert (
        "6 requests would be sent, for at most about 0.0134 USD + 0.004156 EUR; the price of 2 of them is not known."
        in told
    )
    assert board.requests == []
    assert not (tmp_path / "report.json").exists()


def test_models_that_think_get_the_tokens_to_do_so(board, tmp_path):
    by_mode(board, "acme", reply(completion("pong")), whole_stream("pong"))
    provider(board, "acme", "thinker", capabilities=["reasoning"])
    run(tmp_path, "--provider", "acme")
    assert {request.json["max_tokens"] for request in board.seen("acme")} == {2048}


def test_what_has_no_price_limit_is_only_tried_by_name(board, tmp_path):
    by_mode(board, "acme", reply(completion("pong")), whole_stream("pong"))
    provider(board, "acme", "x-deep-research", "small")
    told, failure = run(tmp_path, "--provider", "acme")
    assert failure == ""
    assert "acme/x-deep-research: ⏭️ Skipped: its answers cannot be kept short and cheap" in told
    told, _failure = run(tmp_path, "--model", "acme/x-deep-research")
    assert told.count("acme/x-deep-research: ✅ Success") == 4


EMBEDDED = {
    "object": "list",
    "model": "m-1",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.25, -0.5]}],
    "usage": {"prompt_tokens": 2, "total_tokens": 2},
}
RANKED = {"results": [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.1}]}


@pytest.mark.parametrize(
    ("type_", "answer", "path", "operation"),
    [
        ("text-embeddings-inference", EMBEDDED, "/embeddings", "embeddings"),
        ("text-classification", RANKED, "/rerank", "rerank"),
        ("automatic-speech-recognition", {"text": "hum"}, "/audio/transcriptions", "transcription"),
    ],
)
def test_other_models_are_tried_on_the_operation_of_their_type(board, tmp_path, type_, answer, path, operation):
    board.plug("acme", reply(answer))
    provider(board, "acme", "special", type=type_)
    told, failure = run(tmp_path, "--provider", "acme")
    assert failure == "", told
    assert told.count("acme/special: ✅ Success") == 2
    assert [request.target for request in board.seen("acme")] == [f"/acme/v1{path}"]
    assert json.loads((tmp_path / "report.json").read_text())["results"][0]["operation"] == operation
    board.plug("acme", reply({"object": "list", "data": [], "results": []}))
    assert run(tmp_path, "--provider", "acme")[1] == "1 of 1 tests failed."


def test_models_that_do_something_else_are_asked_for_that_or_left_out_with_the_reason(board, tmp_path):
    provider(board, "acme", "embedder", kind="anthropic", type="text-embeddings-inference")
    told, failure = run(tmp_path, "--provider", "acme")
    assert "acme/embedder: ⏭️ Skipped: anthropic upstreams know no embeddings" in told
    assert told.count("acme/embedder") == 2, "it has no streaming mode"
    assert failure == "Nothing was tried."
    assert board.requests == []


def test_models_are_chosen_by_name_and_pattern_and_wrong_names_are_told(board, tmp_path, monkeypatch):
    by_mode(board, "acme", reply(completion("pong")), whole_stream("pong"))
    provider(board, "acme", "a-1", "a-2", "b-1")
    told, _failure = run(tmp_path, "--model", "acme/a-*", "--dry-run")
    assert "acme/a-1" in told
    assert "acme/a-2" in told
    assert "acme/b-1" not in told
    assert "acme/b-1 (chat" in run(tmp_path, "--model", "b-1", "--dry-run")[0]
    assert run(tmp_path, "--model", "a-1", "--model", "nobody")[1].startswith(
        "No model of a provider with a key is called"
    )
    assert run(tmp_path, "--provider", "nobody")[1] == "There is no provider named nobody."
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    no_key = "provider openai has no key: set OPENAI_API_KEY, or add a key in the admin."
    assert run(tmp_path, "--provider", "openai")[1] == f"Nothing can be sent: {no_key}"
    assert run(tmp_path, "--model", "openai/gpt-4o")[1] == f"openai/gpt-4o cannot be tried: {no_key}"
    PublicModel(name="house").save()
    assert run(tmp_path, "--model", "house")[1].startswith("house is a public model: these are not tried, only")
    assert board.requests == []


def keyed(board: Switchboard, *accepted: str):
    """Answers those who bring an accepted key, and refuses the others."""

    def behave(peer):
        request = board.seen("acme")[-1]
        if request.headers["authorization"].removeprefix("Bearer ") not in accepted:
            reply({"error": {"message": "Incorrect API key"}}, status=401)(peer)
        else:
            (whole_stream("pong") if request.json.get("stream") else reply(completion("pong")))(peer)

    return behave


def test_a_dead_key_is_told_although_the_next_one_answers(board, tmp_path):
    board.plug("acme", keyed(board, "sk-second-0123456789"))
    row = provider(board, "acme", "small")
    ProviderKey(provider=row, label="second", secret="sk-second-0123456789", position=1).save()
    told, failure = run(tmp_path, "--provider", "acme", "--jobs", "1")
    assert failure == ""
    remark = "the key was rejected (401): Incorrect API key [key acme/default]; the key acme/second answered"
    assert told.count(f"acme/small: ✅ Success: {remark}") == 4
    assert "2 success, 0 failure, 0 skipped." in told
    assert told.endswith("\nRejected keys: acme/default.\n")
    assert json.loads((tmp_path / "report.json").read_text())["results"][0]["rejected_keys"] == ["acme/default"]


def test_where_every_key_is_dead_each_is_named(board, tmp_path):
    board.plug("acme", keyed(board))
    row = provider(board, "acme", "small")
    ProviderKey(provider=row, label="second", secret="sk-second-0123456789", position=1).save()
    told, failure = run(tmp_path, "--provider", "acme", "--jobs", "1")
    assert failure == "2 of 2 tests failed."
    assert (
        "Incorrect API key [key acme/default]; the key was rejected (401): Incorrect API key [key acme/second]" in told
    )
    assert told.endswith("\nRejected keys: acme/default, acme/second.\n")


def test_a_cost_that_nobody_knows_is_said_in_a_sentence(board, tmp_path):
    by_mode(board, "acme", reply(completion("pong")), whole_stream("pong"))
    provider(board, "acme", "small")
    told, _failure = run(tmp_path, "--provider", "acme", "--dry-run")
    assert told.endswith("2 requests would be sent; what this would cost is not known.\n")
    assert "Cost: not known." in run(tmp_path, "--provider", "acme")[0]
    assert "Cost: not known." in (tmp_path / "report.md").read_text()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--timeout", "0"), "argument --timeout: expected a number above 0, not 0"),
        (("--timeout", "nan"), "argument --timeout: expected a number above 0, not nan"),
        (("--jobs", "-1"), "argument --jobs: expected a number above 0, not -1"),
        (("--jobs", "many"), "argument --jobs: expected a number above 0, not many"),
    ],
)
def test_deadline_and_number_of_jobs_must_be_above_zero(board, tmp_path, words, told):
    provider(board, "acme", "small")
    assert told in run(tmp_path, "--provider", "acme", *words)[1]
    assert board.requests == []


def test_a_report_into_a_folder_that_does_not_exist_is_refused_before_anyone_is_asked(board, tmp_path):
    provider(board, "acme", "small")
    assert run(tmp_path / "nowhere", "--provider", "acme")[1] == f"--report: there is no folder {tmp_path / 'nowhere'}."
    assert board.requests == []


def test_a_server_that_is_not_there_is_said_so_once(board, tmp_path):
    row = provider(board, "acme", "small")
    row.base_url = f"http://127.0.0.1:{free_port()}/v1"
    row.save()
    told, _failure = run(tmp_path, "--provider", "acme")
    assert "acme/small: ❌ Failure: cannot be reached: connection refused" in told


def test_reasons_are_told_in_french_too_while_the_report_keeps_to_english(board, tmp_path):
    board.plug("acme", keyed(board))
    provider(board, "acme", "small")
    told, _failure = run(tmp_path, "--provider", "acme", "--language", "fr", "--jobs", "1")
    assert "acme/small: ❌ Échec: la clé a été refusée (401): Incorrect API key [clé acme/default]" in told
    assert "Clés refusées : acme/default." in told
    assert "the key was rejected" in (tmp_path / "report.json").read_text()
