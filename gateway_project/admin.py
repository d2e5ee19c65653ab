"""The pages of the people who may use the admin, in the admin's own look."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as PlainGroupAdmin
from django.contrib.auth.admin import UserAdmin as PlainUserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.db.models import ManyToManyField, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_static.admin import StaticDevice
from django_otp.plugins.otp_totp.admin import TOTPDevice
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from gateway_project.actions import LogEntryAdmin as LogEntryAdmin

# What can be done in the admin, and so be permitted.
APPS = ("routing", "providers", "metrics", "auth", "admin")

for shown in (User, Group, TOTPDevice, StaticDevice):  # a second factor's secret is on no page but its owner's
    admin.site.unregister(shown)


class Ticked:
    """Mixin of a page whose lists of choices are ticked: two lists side by side are too wide for a phone."""

    filter_horizontal: Any = ()

    def formfield_for_manytomany(self, db_field: ManyToManyField, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget()
        field = super().formfield_for_manytomany(db_field, request, **kwargs)  # type: ignore[misc]  # the next class's
        if field is not None:
            field.help_text = ""
        return field


@admin.register(User)
class UserAdmin(Ticked, PlainUserAdmin, ModelAdmin):
    """What people may do is said by their groups."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "full_name", "email", "member_of", "is_active", "last_login")
    list_filter = ("groups", "is_active", "is_superuser")
    list_filter_sheet = False
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Person"), {"fields": ("first_name", "last_name", "email")}),
        (_("What this person may do"), {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("username", "usable_password", "password1", "password2")}),
        (_("What this person may do"), {"fields": ("is_staff", "groups")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Accounts are made for this admin: who is added may sign in."""
        return {"is_staff": True, **super().get_changeform_initial_data(request)}

    @display(description=_("name"), ordering="last_name")
    def full_name(self, user: User) -> str:
        return user.get_full_name()

    @display(description=_("groups"))
    def member_of(self, user: User) -> str:
        if user.is_superuser:
            return str(_("may do everything"))
        return ", ".join(group.name for group in user.groups.all())


@admin.register(Group)
class GroupAdmin(Ticked, PlainGroupAdmin, ModelAdmin):
    list_display = ("name", "people")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        return super().get_queryset(request).prefetch_related("user_set")

    def formfield_for_manytomany(self, db_field: ManyToManyField, request: Any = None, **kwargs: Any) -> Any:
        rows = Permission.objects.filter(content_type__app_label__in=APPS).select_related("content_type")
        return super().formfield_for_manytomany(db_field, request, **kwargs | {"queryset": rows})

    @display(description=_("people"))
    def people(self, group: Group) -> str:
        return ", ".join(user.get_username() for user in group.user_set.all())
