"""``/``: a browser is sent to the admin, a program with a key learns what this is."""

from __future__ import annotations

from functools import wraps

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect

from gateway_project.api.failover_router import Home

_for_programs = Home.as_view()


@wraps(_for_programs)  # so that what looks for views of the API finds one here
def home(request: HttpRequest) -> HttpResponseBase:
    """Browsers ask for HTML."""
    if "text/html" in request.META.get("HTTP_ACCEPT", ""):
        return HttpResponseRedirect("/admin/")
    return _for_programs(request)
