"""``manage.py export_config``: one text for one configuration, wherever it is; secrets stay where they are."""

from __future__ import annotations

import copy
import io
import os
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.models import Provider, ProviderHeader, ProviderKey
from routing import catalog
from routing.config import text
from routing.config.apply import apply
from routing.config.serialize import serialize
from routing.models import ConfigRevision
from tests.config.conftest import document
from tests.config.test_apply import documents
from tests.running import ROOT

pytestmark = pytest.mark.django_db
PROXY = "http://user:proxy-very-secret@proxy.example:3128"


def export(*words):
    out = io.StringIO()
    call_command("export_config", *words, stdout=out)
    return out.getvalue()


def load(written, *, drop_secrets=False):
    return apply(text.load(written), "ada", "test", drop_secrets=drop_secrets)


def enter_secrets():
    """Every stored secret that the configuration speaks of."""
    for key in ProviderKey.objects.filter(env_var=""):
        key.secret = f"sk-{key.label}-very-secret"
        key.save()
    for header in ProviderHeader.objects.filter(secret=True):
        header.value = "header-very-secret"
        header.save()
    for provider in Provider.objects.filter(description__contains="#"):
        provider.proxy = PROXY
        provider.save()


def secrets():
    keys = sorted((str(key), key.secret) for key in ProviderKey.objects.select_related("provider"))
    proxies = sorted(Provider.objects.values_list("name", "proxy"))
    return keys, sorted(ProviderHeader.objects.values_list("provider__name", "name", "value")), proxies


AWKWARD = ["yes", "null", "~", "1", "0x1", "1e3", "2026-01-31", "*a", "&a", "!a", "a: b", " a ", "\ta"]
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=60)
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e299, 1e299) | st.sampled_from(AWKWARD)
KEYS = [
    [{"label": "k1", "stored": True}],
    [{"label": "k2", "env": "K2"}, {"label": "k1", "enabled": False, "stored": True}],
]
PARTS = st.fixed_dictionaries(
    {},
    optional={
        "description": ANY_TEXT,
        "extra_body": st.dictionaries(
            st.text("a1-:'\"#é<=\n \u2028\x85", max_size=4),
            st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner), max_leaves=4),
            min_size=1,
            max_size=3,
        ),
        "keys": st.sampled_from(KEYS),
        "headers": st.just([{"name": "X-A", "value": "1"}, {"name": "X-S", "secret": True}]),
        "proxy": st.sampled_from(["http://proxy.example:3128", "none", {"stored": True}]),
    },
)


@st.composite
def rich(draw):
    """``documents()`` with stored secrets and any text."""
    said = copy.deepcopy(draw(documents()))
    for provider in said.get("providers", {}).values():
        provider.update(draw(PARTS))
    return said


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rich(), rich())
def test_an_export_says_the_same_after_its_import_on_an_empty_and_on_another_installation(db, said, other):
    load(text.dump(said), drop_secrets=True)  # what the example before left behind was sent elsewhere
    enter_secrets()
    written, kept, count = export(), secrets(), ConfigRevision.objects.count()
    assert "very-secret" not in written
    assert load(written) == []
    assert (export(), secrets(), ConfigRevision.objects.count()) == (written, kept, count)
    for installation in ({"version": 1}, other):
        apply({"version": 1}, "ada", "test")
        apply(installation, "ada", "test")
        enter_secrets()
        apply(text.load(written), "ada", "test", drop_secrets=True)
        assert export() == written
        assert load(written) == []


def test_the_product_as_installed_is_the_same_after_export_and_import():
    written = export()
    assert load(written) == []
    apply({"version": 1}, "ada", "test")
    load(written)
    assert export() == written


def test_a_file_is_written_whole_and_keeps_its_mode(small, tmp_path):
    file = tmp_path / "gateway.yaml"
    assert "secrets and API keys are not part of it" in export(str(file))
    assert (file.read_text(), oct(file.stat().st_mode & 0o777)) == (export(), "0o644")
    assert text.load(export()) == serialize() == small
    file.write_text("old")
    file.chmod(0o600)
    export(str(file))
    assert (file.read_text(), oct(file.stat().st_mode & 0o777)) == (export(), "0o600")
    assert os.listdir(tmp_path) == ["gateway.yaml"]


def test_a_place_that_cannot_be_written_is_named(small, tmp_path):
    with pytest.raises(CommandError, match=r"nowhere/gateway\.yaml: No such file or directory"):
        export(str(tmp_path / "nowhere" / "gateway.yaml"))


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path):
    environment = {"PATH": os.environ["PATH"], "GATEWAY_IGNORE_DOTENV": "yes", "GATEWAY_DATA_DIR": str(tmp_path)}
    for command in ("migrate -v0", "export_config | head -1"):
        done = subprocess.run(
            f"{sys.executable} manage.py {command}",
            shell=True,
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "version: 1\n"


def test_a_proxy_that_is_still_to_be_entered_stops_requests_from_going_out_without_it(small):
    said = document()
    said["providers"]["home"]["proxy"] = {"stored": True}
    load(text.dump(said))
    assert serialize() == said
    one = catalog.current().endpoints["home-1"]
    assert (one.skip_code, one.reason_skipped) == (
        "no_key",
        "provider home has no proxy: enter it in the admin, its password is in no document",
    )
    home = Provider.objects.get(name="home")
    home.proxy = PROXY
    home.save()
    catalog.forget()
    assert serialize() == said
    assert catalog.current().endpoints["home-1"].reason_skipped is None
