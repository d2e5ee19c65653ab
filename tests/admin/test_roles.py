"""Who may open and change what: every page of the admin, whatever it will have, for each group and for nobody."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import URLPattern, URLResolver, reverse
from django.urls.resolvers import RoutePattern

from gateway_project.pages import PAGES
from metrics.models import RequestLog
from providers.secrets import mask
from routing.config.serialize import read
from routing.models import ApiKey, CircuitState, ConfigRevision
from tests.admin.conftest import HEADER_SECRET, PROXY_PASSWORD, SECRET
from tests.admin.test_pages import fill

RECORD = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
ROLES = ("Viewer", "Auditor", "Operator", "Key manager")
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)

# v: list, row and history open; a, c, d: adding, changing, deleting. What is not named here opens for nobody.
OPERATED = {"Viewer": "v", "Auditor": "v", "Operator": "vacd", "Key manager": "v"}
OBSERVED = dict.fromkeys(ROLES, "v")
MAY = {
    "routing.PublicModel": OPERATED,
    "routing.Endpoint": OPERATED,
    "routing.Category": OPERATED,
    "providers.Provider": OPERATED,
    "providers.ProviderModel": OPERATED,
    "routing.CircuitState": OBSERVED,
    "routing.CircuitEvent": OBSERVED,
    "routing.EndpointStats": OBSERVED,
    "routing.KeyState": OBSERVED,
    "metrics.RequestLog": OBSERVED,
    "metrics.UsageHour": OBSERVED,
    "routing.ApiKey": {"Auditor": "v", "Operator": "v", "Key manager": "vacd"},
    "routing.ConfigRevision": {"Auditor": "v", "Operator": "v"},
    "metrics.RequestContent": {"Auditor": "v"},
    "auth.User": {"Auditor": "v"},
    "auth.Group": {"Auditor": "v"},
    "admin.LogEntry": {"Auditor": "v"},
}
# Whom a page's permission lets in.
PERMITTED = {
    "routing.view_publicmodel": ROLES,
    "routing.view_endpoint": ROLES,
    "routing.view_configrevision": ("Auditor", "Operator"),
    "routing.add_configrevision": ("Operator",),
    "routing.change_circuitstate": ("Operator",),
    "metrics.add_requestlog": ("Operator",),
    "metrics.view_requestlog": ROLES,
    "metrics.view_usagehour": ROLES,
    "metrics.view_requestcontent": ("Auditor",),
    "providers.view_provider": ROLES,
    "providers.change_providerkey": ("Operator", "Key manager"),
}


@pytest.fixture
def rows(acme, turbo):
    """A row of everything."""
    fill(0, 1)
    key = ApiKey(name="app")
    key.set_key("sk-sy-of-the-application-0123456789")
    key.save()
    CircuitState.objects.create(identity="acme|first|https://api.acme.example/v1", phase="open")
    RequestLog.objects.create(id=RECORD, at=datetime.now(UTC), status=200)


def member(role: str) -> Client:
    """A browser of somebody who is signed in, and in this group alone."""
    user = User.objects.create_user(f"a {role}", password="pw", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


def row_of(model):
    return model._default_manager.order_by("pk").last()


def address(model, what: str, row=None) -> str:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_{what}"
    return reverse(name, args=() if row is None else (admin.utils.quote(row.pk),))


def routes(patterns, before: str = "/admin/"):
    """(address with its arguments in brackets, model or None) of everything below /admin/."""
    for pattern in patterns:
        if not isinstance(pattern.pattern, RoutePattern):
            continue
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, before + str(pattern.pattern))
        elif isinstance(pattern, URLPattern):
            yield before + str(pattern.pattern)


def addresses() -> list[str]:
    """Every address of the admin, with a row's where it needs one."""
    by_prefix = {f"/admin/{model._meta.app_label}/{model._meta.model_name}/": model for model in MODELS}
    found = []
    for route in routes(admin.site.get_urls()):
        model = next((by_prefix[prefix] for prefix in by_prefix if route.startswith(prefix)), None)
        row = row_of(model) if model else None
        route = re.sub(r"<(\w+:)?(object_id|id|pk)>", str(admin.utils.quote(row.pk)) if row else "1", route)
        route = re.sub(r"<int:\w+>", "1", route)
        found.append(re.sub(r"<[^>]+>", "x", route))
    return found


OPEN = re.compile(r"/admin/(login|logout|jsi18n|language|oidc)/")


@pytest.mark.parametrize("role", ROLES)
def test_what_opens_for_whom(rows, role):
    browser = member(role)
    found, expected = {}, {}
    for model in MODELS:
        may = MAY.get(model._meta.label, {}).get(role, "")
        writable = admin.site._registry[model].has_add_permission(request_of_a_superuser())
        pages = {"changelist": "v", "add": "a" if writable else "-"}
        row = row_of(model)
        if row is not None:
            pages |= {"change": "v", "history": "v", "delete": "d" if writable else "-"}
        for page, right in pages.items():
            where = address(model, page, row if page in ("change", "history", "delete") else None)
            found[where] = browser.get(where).status_code
            expected[where] = 200 if right in may else 403
    assert found == expected


def request_of_a_superuser():
    from django.test import RequestFactory

    request = RequestFactory().get("/admin/")
    request.user = User(is_superuser=True, is_staff=True, is_active=True)
    return request


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
@pytest.mark.parametrize("role", ROLES)
def test_which_of_our_own_pages_open_for_whom(rows, role, page):
    where = f"/admin/{re.sub(r'<[^>]+>', 'x', page.route)}"
    allowed = role in PERMITTED[page.permission]
    assert (member(role).get(where).status_code == 403) is not allowed


def test_nobody_sees_nothing(rows):
    for where in addresses():
        if not OPEN.match(where):
            for answer in (Client().get(where), Client().post(where, {"x": "y"})):
                assert answer.status_code == 302, where
                assert answer.headers["Location"].startswith("/admin/login/"), where


@pytest.mark.parametrize("role", ROLES)
def test_no_page_shows_a_secret_and_masks_only_to_those_who_change_keys(rows, role):
    browser = member(role)
    masked = mask(SECRET)
    seen = []
    for where in addresses():
        if OPEN.match(where):
            continue
        answer = browser.get(where)
        if not hasattr(answer, "content"):
            continue
        text = answer.content.decode()
        for secret in (SECRET, HEADER_SECRET, PROXY_PASSWORD, "sk-sy-of-the-application-0123456789"):
            assert secret not in text, where
        seen += [where] if masked in text or SECRET[:10] in text or SECRET[-5:] in text else []
    assert bool(seen) is (role in ("Operator", "Key manager")), seen


@pytest.mark.parametrize("role", ["Viewer", "Auditor"])
def test_who_only_looks_changes_nothing_by_any_action_or_form(rows, role):
    browser = member(role)
    before = everything()
    for where in addresses():
        if not OPEN.match(where) and "/account/" not in where and "/code/" not in where:
            browser.post(where, {"post": "yes", "_save": "1", "name": "forged", "enabled": "", "confirm": "yes"})
    for model in MODELS:
        row = row_of(model)
        actions = admin.site._registry[model].get_actions(request_of_a_superuser())
        for action in actions if row is not None else ():
            chosen = {"action": action, "_selected_action": [row.pk], "post": "yes"}
            browser.post(address(model, "changelist"), chosen)
    assert everything() == before
    assert not LogEntry.objects.exists()


def everything():
    """What the admin can change."""
    return (
        read(),
        list(ApiKey.objects.values()),
        list(CircuitState.objects.values()),
        list(User.objects.order_by("pk").values("username", "password", "is_superuser", "is_staff")),
        [(group.name, group.permissions.count()) for group in Group.objects.order_by("name")],
        ConfigRevision.objects.count(),
        list(RequestLog.objects.filter(pk=RECORD).values()),
    )


def test_the_groups_can_be_taken_away_and_made_again(db):
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    migration = executor.loader.get_migration("gateway_project", "0001_groups")
    apps = executor.loader.project_state(("gateway_project", "0001_groups")).apps
    forwards, backwards = migration.operations[0].code, migration.operations[0].reverse_code
    before = {group.name: set(group.permissions.values_list("codename", flat=True)) for group in Group.objects.all()}
    assert set(before) == set(ROLES)
    backwards(apps, None)
    assert not Group.objects.exists()
    forwards(apps, None)
    again = {group.name: set(group.permissions.values_list("codename", flat=True)) for group in Group.objects.all()}
    assert again == before
    assert "view_requestcontent" in before["Auditor"]
    assert not any("view_requestcontent" in allowed for name, allowed in before.items() if name != "Auditor")
