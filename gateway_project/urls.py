"""The table of contents of the product: a line an endpoint."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, path
from django.views.i18n import set_language

from gateway_project.api import category_router, explaining, failover_router, inference, monitoring, views
from gateway_project.docs import docs, openapi
from gateway_project.home import home


def oidc_urls() -> list[URLPattern]:
    """Those of signing in with an account from elsewhere, where that is set up: nobody else loads what it needs."""
    if settings.OIDC is None:
        return []
    from gateway_project import oidc

    return [
        path("admin/oidc/begin/", oidc.begin, name="oidc_authentication_init"),
        path("admin/oidc/callback/", oidc.Callback.as_view(), name="oidc_authentication_callback"),
    ]


urlpatterns = [
    path("", home),
    path("v1/chat/completions", inference.ChatCompletions.as_view()),
    path("chat/completions", inference.ChatCompletions.as_view()),
    path("v1/completions", inference.Completions.as_view()),
    path("completions", inference.Completions.as_view()),
    path("v1/embeddings", inference.Embeddings.as_view()),
    path("embeddings", inference.Embeddings.as_view()),
    path("v1/rerank", inference.Rerank.as_view()),
    path("v2/rerank", inference.Rerank.as_view()),
    path("rerank", inference.Rerank.as_view()),
    path("v1/audio/transcriptions", inference.Transcriptions.as_view()),
    path("audio/transcriptions", inference.Transcriptions.as_view()),
    path("v1/models", views.Models.as_view()),
    path("v1/models/<path:name>", views.Model.as_view()),
    path("models", views.Models.as_view()),
    path("v1/route/explain", explaining.ExplainRoute.as_view()),
    path("providers", category_router.Providers.as_view()),
    path("config", category_router.Config.as_view()),
    path("config/category", category_router.ConfigCategory.as_view()),
    path("config/category/<path:name>", category_router.ConfigCategoryNamed.as_view()),
    path("config/model-mapping", category_router.ModelMapping.as_view()),
    path("circuit-breaker/reset-all", category_router.CircuitResetAll.as_view()),
    path("circuit-breaker/reset/<path:model>", category_router.CircuitReset.as_view()),
    path("health", views.Health.as_view()),
    path("health/live", views.Health.as_view()),
    path("health/ready", views.Ready.as_view()),
    path("metrics", monitoring.Metrics.as_view()),
    path("metrics/prometheus", monitoring.Prometheus.as_view()),
    path("backend/info", failover_router.BackendInfo.as_view()),
    path("router/stats", failover_router.RouterStats.as_view()),
    path("router/health", failover_router.RouterHealth.as_view()),
    path("router/rate-limits", failover_router.RouterRateLimits.as_view()),
    path("router/reset-stats", failover_router.ResetStats.as_view()),
    path("openapi.json", openapi),
    path("docs", docs),
    path("admin/language/", set_language, name="set_language"),
    *oidc_urls(),
    path("admin/", admin.site.urls),
]

handler404 = "gateway_project.api.errors.no_such_url"
handler500 = "gateway_project.api.errors.server_error"
