"""Copies of rows: "copy of …", switched off, with everything that the original says."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext as _

from routing.models import Alias, Category, Endpoint, Entry, PublicModel

COPIED = "copy"
LONGEST = 200


def free_name(table: type[models.Model], wanted: str) -> str:
    """``wanted``, or with a number behind it where that is taken; names of lists are taken by any of the three."""
    tables = (table,) if table is Endpoint else (PublicModel, Alias, Category)
    taken = {name for one in tables for name in one._default_manager.values_list("name", flat=True)}
    name, number = wanted[:LONGEST], 2
    while name in taken:
        end = f" {number}"
        name, number = f"{wanted[: LONGEST - len(end)]}{end}", number + 1
    return name


def copy_name(table: type[models.Model], name: str) -> str:
    """The name of a copy."""
    return free_name(table, _("copy of %(name)s") % {"name": name})


def said_of(row: Endpoint) -> dict[str, Any]:
    """The fields of a form for a new endpoint like ``row``."""
    said = {field.name: field.value_from_object(row) for field in row._meta.concrete_fields if not field.primary_key}
    return {**said, "name": copy_name(Endpoint, row.name), "enabled": False}


def copy_list(row: PublicModel | Category) -> PublicModel | Category:
    """A saved copy of a list with its entries; aliases stay with the original."""
    table = type(row)
    entries = list(row.entries.all())
    owner = "owner_model" if isinstance(row, PublicModel) else "owner_category"
    said = {field.name: getattr(row, field.name) for field in row._meta.concrete_fields if not field.primary_key}
    fresh = table(**{**said, "name": copy_name(table, row.name), "enabled": False})
    fresh.save()
    for entry in entries:
        values = {
            field.name: getattr(entry, field.name) for field in Entry._meta.concrete_fields if not field.primary_key
        }
        Entry(**{**values, owner: fresh}).save()
    return fresh
