"""The table of contents of the product: a line an endpoint."""

from django.contrib import admin
from django.urls import path

from gateway_project.api import explaining, inference, views
from gateway_project.home import home

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
    path("health", views.Health.as_view()),
    path("health/live", views.Health.as_view()),
    path("health/ready", views.Ready.as_view()),
    path("admin/", admin.site.urls),
]

handler404 = "gateway_project.api.errors.no_such_url"
handler500 = "gateway_project.api.errors.server_error"
