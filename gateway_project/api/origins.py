"""Which web pages a request may come from."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest

from gateway_project.api.errors import ApiError


def own_origins(request: HttpRequest) -> tuple[str, str]:
    """The origins of the gateway's own pages. Raises ``ApiError`` 400 for a Host that is not ours."""
    try:
        return f"{request.scheme}://{request.get_host()}", settings.PUBLIC_URL
    except DisallowedHost as error:
        raise ApiError(400, "This Host is not one of GATEWAY_ALLOWED_HOSTS.") from error
