"""A provider's own list beside its rows, and ``manage.py read_models``."""

from __future__ import annotations

from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from providers.adapters.listings import OTHER, ListedUpstreamModel
from providers.configuration import one_change
from providers.models import Provider, ProviderKey, ProviderModel
from providers.offers import OWN_LIST, add, compare
from routing.models import ConfigRevision
from tests.switchboard import Switchboard, reply

pytestmark = pytest.mark.django_db

CHAT = "text-generation"


@pytest.fixture
def board():
    with Switchboard() as served:
        yield served


def provider_at(base_url: str, name: str = "acme", kind: str = "openai-compatible") -> Provider:
    row = Provider(name=name, kind=kind, base_url=base_url, proxy="none")
    row.save()
    ProviderKey(provider=row, secret="sk-secret-0123456789").save()
    return row


def run(*words: str) -> str:
    out = StringIO()
    call_command("read_models", *words, stdout=out, no_color=True)
    return out.getvalue()


def by_name(offers):
    return {offer.name: offer for offer in offers}


def test_new_known_gone_and_what_is_not_served_are_told_apart():
    row = provider_at("https://acme.example/v1")
    ProviderModel(provider=row, name="ours", upstream_name="theirs").save()
    ProviderModel(provider=row, name="retired").save()
    ProviderModel(provider=row, name="llama").save()
    names = ("fresh", "theirs", "llama:latest")
    offers = compare(row, [*(ListedUpstreamModel(n, CHAT) for n in names), ListedUpstreamModel("painter", OTHER)])
    assert [(offer.name, offer.state) for offer in offers] == [
        ("fresh", "new"),
        ("llama:latest", "known"),
        ("theirs", "known"),
        ("retired", "gone"),
        ("painter", "other"),
    ]


def test_the_vendors_figures_come_first_then_the_catalogue_and_the_rest_stays_unknown():
    openai = Provider.objects.get(name="openai")
    listed = [
        ListedUpstreamModel("gpt-4o", CHAT),
        ListedUpstreamModel("gpt-4", CHAT, max_input_tokens=9000, prices={"input": Decimal(7), "output": Decimal(8)}),
        ListedUpstreamModel("gpt-nobody-knows", CHAT),
    ]
    offers = by_name(compare(openai, listed))
    assert offers["gpt-4o"].max_input_tokens == 128000
    assert dict(offers["gpt-4o"].figures)["input"] == Decimal("2.5")
    assert (offers["gpt-4"].max_input_tokens, offers["gpt-4"].source) == (9000, OWN_LIST)
    assert dict(offers["gpt-4"].figures) == {"input": Decimal(7), "output": Decimal(8)}
    unknown = offers["gpt-nobody-knows"]
    assert (unknown.max_input_tokens, unknown.max_output_tokens, unknown.figures) == (None, None, ())


def test_figures_of_a_vendor_are_not_lent_to_a_server_that_only_speaks_its_format():
    row = provider_at("http://localhost:9/v1")
    (offer,) = compare(row, [ListedUpstreamModel("gpt-4o", CHAT)])
    assert (offer.max_input_tokens, offer.figures) == (None, ())


def test_adding_writes_limits_and_price_and_leaves_present_rows_alone():
    row = provider_at("https://acme.example/v1")
    ProviderModel(provider=row, name="b", max_input_tokens=1).save()
    prices = {"input": Decimal("0.5"), "output": Decimal(1), "request": Decimal(10)}
    offers = compare(row, [ListedUpstreamModel("a", CHAT, 4096, 1024, ("vision",), prices)])
    twin = compare(row, [ListedUpstreamModel("b", CHAT, 4096)])
    with one_change("olga", "admin"):
        assert add(row, offers + offers + twin) == ["a"]
    made = row.models.get(name="a")
    assert (made.type, made.max_input_tokens, made.max_output_tokens, made.capabilities) == (
        CHAT,
        4096,
        1024,
        ["vision"],
    )
    price = made.prices.get()
    assert (price.input, price.output, price.request, price.source) == (Decimal("0.5"), 1, 10, OWN_LIST)
    assert row.models.get(name="b").max_input_tokens == 1


def test_the_command_says_what_is_new_and_changes_nothing(board):
    board.plug("acme", reply({"data": [{"id": "fresh", "max_model_len": 4096}, {"id": "whisper-x"}, {"id": "tts-1"}]}))
    row = provider_at(board.base_url("acme"))
    ProviderModel(provider=row, name="retired").save()
    before = ConfigRevision.objects.count()
    told = run("--provider", "acme")
    assert "[1/1] acme: 3 listed, 2 new, 0 known, 1 configured but not listed" in told
    assert "fresh      text-generation, 4096 tokens, price unknown" in told
    assert "whisper-x  automatic-speech-recognition" in told
    assert "acme: Configured, but not listed\n  retired" in told
    assert "does not serve\n  tts-1" in told
    assert "sk-secret" not in told
    assert ConfigRevision.objects.count() == before


def test_all_that_is_new_is_added_as_one_revision(board):
    for name in ("acme", "beta"):
        board.plug(name, reply({"data": [{"id": f"{name}-1"}, {"id": f"{name}-2"}]}))
        provider_at(board.base_url(name), name)
    before = ConfigRevision.objects.count()
    words = ("--provider", "acme", "--provider", "beta", "--add", "all")
    assert run(*words, "--dry-run").endswith("4 would be added.\n")
    assert ConfigRevision.objects.count() == before
    assert not ProviderModel.objects.filter(provider__name="acme").exists()
    told = run(*words)
    assert "+ acme/acme-1\n" in told
    assert told.endswith("4 added.\n")
    assert ConfigRevision.objects.count() == before + 1
    assert ConfigRevision.objects.first().origin == "command"
    assert run(*words).endswith("0 added.\n")


def test_single_models_are_added_by_name_and_ambiguous_names_are_refused(board):
    for name in ("acme", "beta"):
        board.plug(name, reply({"data": [{"id": "same"}, {"id": f"{name}-only"}]}))
        provider_at(board.base_url(name), name)
    both = ("--provider", "acme", "--provider", "beta", "--add")
    with pytest.raises(CommandError, match="say which of acme/same, beta/same"):
        run(*both, "same")
    with pytest.raises(CommandError, match="nobody is not among the new models"):
        run(*both, "nobody")
    assert run(*both, "beta/same", "acme-only").endswith("2 added.\n")
    assert set(ProviderModel.objects.filter(provider__name__in=("acme", "beta")).values_list("name", flat=True)) == {
        "same",
        "acme-only",
    }


def test_what_cannot_be_read_is_told_in_words_and_fails_the_command(board):
    board.plug("acme", reply({"error": {"message": "Incorrect API key sk-secret-0123456789"}}, status=401))
    provider_at(board.base_url("acme"))
    out = StringIO()
    with pytest.raises(CommandError, match=r"Not read:\nacme: the key was rejected"):
        call_command("read_models", "--provider", "acme", stdout=out, no_color=True)
    assert "acme: the key was rejected (401): Incorrect API key [redacted]" in out.getvalue()
    with pytest.raises(CommandError, match="There is no provider named nobody"):
        run("--provider", "nobody")


def test_a_provider_without_a_list_does_not_fail_the_others(board):
    for name in ("acme", "beta"):
        board.plug(name, reply({"data": [{"id": "m"}]}) if name == "acme" else reply({}, status=404))
        provider_at(board.base_url(name), name)
    told = run()
    assert "acme: 1 listed" in told
    assert "beta: There is no list of models at this address." in told


def test_without_a_key_nothing_is_sent_and_the_variable_is_named(board, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(
        CommandError, match="Not read:\nopenai: There is no key, so nothing was sent: set OPENAI_API_KEY"
    ):
        run("--provider", "openai")
    row = provider_at(board.base_url("acme"), kind="mistral")
    row.keys.get().delete()
    with pytest.raises(
        CommandError, match=r"its variable \(MISTRAL_API_KEY\)\. If none is needed, tick “works without"
    ):
        run("--provider", "acme")
    assert board.requests == []


def test_a_provider_that_works_without_a_key_is_asked_without(board):
    board.plug("acme", reply({"data": [{"id": "m"}]}))
    row = provider_at(board.base_url("acme"))
    row.keys.get().delete()
    row.keyless = True
    row.save()
    assert "acme: 1 listed" in run("--provider", "acme")
    assert "authorization" not in board.seen("acme")[0].headers


def test_providers_without_a_key_are_left_out_in_one_line(board, monkeypatch):
    for name in ("OPENAI_API_KEY", "MISTRAL_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(CommandError, match="No provider has a key"):
        run()
    board.plug("acme", reply({"data": [{"id": "m"}]}))
    provider_at(board.base_url("acme"))
    (line,) = [line for line in run().splitlines() if line.startswith("Left out, for they have no key: ")]
    assert {"openai", "mistral"} <= set(line.removesuffix(".").split(": ")[1].split(", "))
    assert "ollama" not in line, "it is disabled"


def test_adding_what_is_there_already_says_so_and_succeeds(board):
    board.plug("acme", reply({"data": [{"id": "there"}, {"id": "fresh"}]}))
    row = provider_at(board.base_url("acme"))
    for name in ("there", "retired"):
        ProviderModel(provider=row, name=name).save()
    told = run("--provider", "acme", "--add", "there", "acme/retired", "fresh")
    assert "= acme/there: configured already\n" in told
    assert "= acme/retired: configured already\n" in told
    assert told.endswith("+ acme/fresh\n1 added.\n")
