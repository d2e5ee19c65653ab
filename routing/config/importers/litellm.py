"""LiteLLM's ``config.yaml``: the proxy's deployments, aliases, fallbacks and router settings.

Source: LiteLLM's documentation of its proxy ("All settings", "Retries, fallbacks and cooldowns"). A model that exists
is replaced by the file's; others stay. What concerns that proxy alone (callers' keys, callbacks, caches, its database)
is noted, with what stands for it here where there is something.
"""

from __future__ import annotations

from typing import Any

from routing.config.amend import Draft
from routing.config.importers import accounts, succession
from routing.config.importers.fields import Fields
from routing.config.importers.format import Format
from routing.config.importers.litellm_deployments import MOST_RETRIES, Setting, deployment, note_strictness
from routing.config.importers.litellm_groups import Fallbacks, Groups
from routing.config.importers.source import Source

SECTIONS = ("router_settings", "litellm_settings")
KEYS_IN_ADMIN = "not taken over: callers' keys are made in the admin"
OWN_DATABASE = "not taken over: this gateway keeps its own database (DATABASE_URL) and windows (REDIS_URL)"
HINTS = {
    "master_key": KEYS_IN_ADMIN,
    "key_generation_settings": KEYS_IN_ADMIN,
    "database_url": OWN_DATABASE,
    "redis_host": OWN_DATABASE,
    "redis_port": OWN_DATABASE,
    "redis_password": OWN_DATABASE,
    "redis_url": OWN_DATABASE,
    "cache": "answers are not cached here, left out",
    "cache_params": "answers are not cached here, left out",
    "include": "not read; import those files together with this one: import_config FILE FILE…",
    "content_policy_fallbacks": "a refusal for its content is passed on here and never routed around, left out",
    "retry_policy": "which failures are retried is the same for all here (docs/routing.md), left out",
    "allowed_fails_policy": "which failures count is the same for all here (docs/routing.md), left out",
    "enable_pre_call_checks": "a request that is too long for one goes to a larger one without this",
    "callbacks": "records are kept in the database, and shown in the admin and at /metrics; left out",
    "success_callback": "records are kept in the database, and shown in the admin and at /metrics; left out",
    "failure_callback": "records are kept in the database, and shown in the admin and at /metrics; left out",
}


def _recognises(source: Source) -> bool:
    return any(name in source.mapping for name in ("model_list", *SECTIONS))


def _read(source: Source, draft: Draft) -> None:
    succession.take_over(draft, lambda one: _sections(source, one))


def _sections(source: Source, draft: Draft) -> None:
    setting = Setting(draft)
    file = Fields(draft, "", source.mapping, setting.expand)
    variables = file.inner("environment_variables")
    setting.variables = {str(name): str(value) for name, value in variables.said.items() if value is not None}
    setting.credentials = _credentials(file)
    router, general = file.inner(SECTIONS[0]), file.inner(SECTIONS[1])
    setting.defaults = _defaults(router, general)
    groups = Groups(draft, router.text("routing_strategy"), router.at("routing_strategy"))
    for row in file.rows("model_list"):
        name = row.name("model_name")
        found = deployment(setting, row, name=name)
        if name and (found is not None or "*" not in name):
            groups.add(name, row.path, found)
    groups.alias(router)
    fallbacks = Fallbacks()
    for section in (router, general):
        fallbacks.read(section)
        section.note_others(HINTS)
    groups.write(fallbacks)
    file.inner("general_settings").note_others(HINTS)
    file.note_others(HINTS)


def _credentials(file: Fields) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for row in file.rows("credential_list"):
        row.raw("credential_info")
        name = row.name("credential_name")
        if name in found:
            file.draft.complain(row.at("credential_name"), "a second credential of this name")
        found[name] = dict(row.inner("credential_values").said)
        row.note_others()
    return found


def _defaults(router: Fields, general: Fields) -> dict[str, Any]:
    """An endpoint's settings unless its row says otherwise; the router's own count before the library's."""

    def either(key: str, other: str = "") -> Any:
        found = [section.decimal(name) for section, name in ((router, key), (general, other or key))]
        return next((value for value in found if value is not None), None)

    retries, fails, pause = either("num_retries"), either("allowed_fails"), either("cooldown_time")
    timeout = either("timeout", "request_timeout")
    settings = accounts.timeouts(None if timeout is None else float(timeout))
    streams = router.seconds("stream_timeout")
    if streams is not None:
        settings |= {"first_content_timeout": streams, "idle_timeout": streams}
    if retries is not None:
        settings["retries"] = min(int(retries), MOST_RETRIES)
    if fails is not None:
        settings["circuit_failures"] = min(int(fails), 1000) + 1
    if pause:
        settings |= {"circuit_pause": float(pause), "circuit_pause_max": float(pause)}
    note_strictness(general)
    return settings


FORMAT = Format("LiteLLM's config.yaml", "“model_list:”", _recognises, _read)
