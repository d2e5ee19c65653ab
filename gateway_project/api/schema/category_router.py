"""The category router's endpoints: ``api.category_router`` answers them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.views import APIView

from gateway_project.api import category_router
from gateway_project.api.schema import routing
from gateway_project.api.schema.operations import READ, SENT, Operation, answer, json_body, sent
from gateway_project.api.schema.words import (
    Schema,
    array,
    either,
    maybe,
    nullable,
    number,
    record,
    ref,
    switch,
    table,
    text,
    whole,
)
from routing.config.importers.categories import LONGEST_CHAIN

_CATEGORY = {"name": "creative", "models": ["openrouter/kimi-k2.5"], "keywords": ["story", "poem"]}
_MAPPING = {"category": "code", "models": ["openai/gpt-4o", "anthropic/claude-3-sonnet"]}
_NAME = text("The category's name, which callers may ask for as `model`.", minLength=1, maxLength=200)
_MODELS = array(
    ref("ChainedModel"),
    "The fallback chain, in order.",
    minItems=1,
    maxItems=LONGEST_CHAIN,
)
_OWN: Mapping[str, Schema] = {
    "keywords": array(text(), "Words and phrases that speak for it."),
    "weights": table("Where a keyword counts more or less than 1.", number()),
    "strategy": text("How the chain is ordered: ordered unless said otherwise."),
    "enabled": switch("true unless said otherwise."),
    "description": text("For people."),
}
_OUTCOME: Mapping[str, Schema] = {
    "revision": maybe(whole("The revision that was made of it; null: nothing had to be changed.")),
    "notes": array(text(), "What is worth knowing: a model of a disabled provider, one that is named twice."),
}


def _part(name: str, about: str, example: str) -> dict[str, Any]:
    schema = text(minLength=1)
    return {"name": name, "in": "path", "required": True, "example": example, "description": about, "schema": schema}


def _exact(schema: Schema) -> Schema:
    """Nothing else may stand in it."""
    return {**schema, "additionalProperties": False}


COMPONENTS: Mapping[str, Schema] = {
    "ProviderList": record(
        "Who can be asked.",
        {
            "providers": array(
                record(
                    "One provider.",
                    {
                        "name": text("Its name."),
                        "kind": text("Its kind."),
                        "enabled": switch("Whether it is meant to be used."),
                        "configured": switch(
                            "Whether requests can be sent there: enabled, with a key or in need of none."
                        ),
                        "reason": maybe(text("Why not, where they cannot.")),
                        "missing": array(text(), "Environment variables of which one would give it a key."),
                        "base_url": text("Where requests go, unless an endpoint says otherwise."),
                        "models": array(text(), "What it offers, by name: put its own name and a slash before them."),
                    },
                    "name kind enabled configured reason missing base_url models",
                )
            )
        },
        "providers",
    ),
    "ChainedModel": either(
        "An endpoint's name, `provider/model`, or a public model's name; or an entry with a weight or priority.",
        text(maxLength=264),
        _exact(
            record(
                "An entry: an endpoint or a public model.",
                {
                    "endpoint": text("An endpoint's name."),
                    "model": text("A public model's name."),
                    "priority": whole("Lowest first."),
                    "weight": whole("For the strategy weighted.", minimum=0),
                    "enabled": switch("Whether it is used."),
                },
            )
        ),
    ),
    "CategoryRouterConfig": record(
        "All categories. As `router_config.json` it can be imported, and changes nothing here.",
        {
            "model_mappings": table("The chain of each category.", array(ref("ChainedModel"))),
            "categories": table(
                "What else there is to say of each.", record("A category; defaults are left out.", _OWN, "keywords")
            ),
            "circuits": table(
                "Endpoints of the chains whose circuits differ from the usual.",
                record(
                    "When it opens, and for how long.",
                    {
                        "failures": whole("Failed requests in a row that open it."),
                        "pause": number("Seconds until the first probe."),
                        "pause_max": number("Seconds: the longest pause."),
                    },
                ),
            ),
        },
        "model_mappings categories circuits",
    ),
    "CategoryRequest": _exact(
        record(
            "A category. One of the same name is replaced: what is not said is as in a new one.",
            {"name": _NAME, "models": _MODELS, **nullable(_OWN)},
            "name models",
        )
    ),
    "ModelMappingRequest": _exact(
        record("Another chain for a category.", {"category": _NAME, "models": _MODELS}, "category models")
    ),
    "CategoryChanged": record(
        "The category as it is now; of another chain, that alone.",
        {
            "category": text("Its name."),
            "created": switch("Whether there was none of this name."),
            "models": array(ref("ChainedModel"), "Its chain."),
            **_OWN,
            **_OUTCOME,
        },
        "category models revision notes",
    ),
    "CategoryDeleted": record(
        "It is gone.",
        {
            "category": text("Its name."),
            "deleted": switch("Always true.", const=True),
            "unused_endpoints": array(text(), "Endpoints of its chain that are in no other list. They stay."),
            **_OUTCOME,
        },
        "category deleted unused_endpoints revision notes",
    ),
    "CircuitsReset": record(
        "Whose circuits were closed and rests ended.", {"reset": array(text(), "Endpoints.")}, "reset"
    ),
}

_CHANGED = {"200": answer("It is.", "CategoryChanged")}
_ABOUT = "Needs a key with the scope `admin`. A revision of the configuration; every worker follows within a second."

DESCRIBED: Mapping[tuple[type[APIView], str], Operation] = {
    (category_router.Providers, "GET"): Operation(
        "listProviders", "/providers", "Models", "Who can be asked",
        "All providers by their position, what those lack who cannot be asked, and their models. Never keys. Needs a "
        "key with the scope `metrics`.",
        {"200": answer("The list.", "ProviderList")},
    ),
    (category_router.Config, "GET"): Operation(
        "getCategories", "/config", "Configuration", "All categories",
        "As a `router_config.json`, which `manage.py import_config` takes. Needs a key with the scope `admin`.",
        {"200": answer("The categories.", "CategoryRouterConfig")}, f"{READ} 503",
    ),
    (category_router.ConfigCategory, "POST"): Operation(
        "putCategory", "/config/category", "Configuration", "A category, new or replaced", _ABOUT,
        _CHANGED, f"{SENT} 503", json_body("CategoryRequest", {"A category": _CATEGORY}), curl=sent(_CATEGORY),
    ),
    (category_router.ModelMapping, "POST"): Operation(
        "putModelMapping", "/config/model-mapping", "Configuration", "Another chain for a category",
        f"Its keywords stay. {_ABOUT}",
        _CHANGED, f"{SENT} 404 503", json_body("ModelMappingRequest", {"A chain": _MAPPING}), curl=sent(_MAPPING),
    ),
    (category_router.ConfigCategoryNamed, "DELETE"): Operation(
        "deleteCategory", "/config/category/{name}", "Configuration", "A category less",
        f"Endpoints stay; those that are in no list any more are named. {_ABOUT}",
        {"200": answer("It is gone.", "CategoryDeleted")}, f"{READ} 404 503", curl="-X DELETE",
        parameters=(_part("name", "The category; it may hold slashes.", "creative"), routing.REQUEST_ID),
    ),
    (category_router.CircuitReset, "POST"): Operation(
        "resetCircuit", "/circuit-breaker/reset/{model}", "Configuration", "A model is well again",
        "Closes the circuits of a model's endpoints and ends their rests. Needs a key with the scope `admin`.",
        {"200": answer("They are closed.", "CircuitsReset")}, f"{READ} 404 503", curl="-X POST",
        parameters=(_part("model", "An endpoint's name or provider/model.", "openai/gpt-4o"), routing.REQUEST_ID),
    ),
    (category_router.CircuitResetAll, "POST"): Operation(
        "resetCircuits", "/circuit-breaker/reset-all", "Configuration", "All models are well again",
        "The same for every endpoint that failed or rests. Needs a key with the scope `admin`.",
        {"200": answer("They are closed.", "CircuitsReset")}, f"{READ} 503", curl="-X POST",
    ),
}  # fmt: skip
