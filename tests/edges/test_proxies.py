"""HTTP_PROXY, HTTPS_PROXY and NO_PROXY lead to upstreams; a provider's own proxy wins; nobody reads its password."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from providers.transport import lanes
from tests import certificates
from tests.edges.forward_proxy import ForwardProxy
from tests.running import RunningGateway, running_gateway
from tests.switchboard import completion
from tests.upstream import Upstream, reply

HI = [{"role": "user", "content": "Hi"}]
PASSWORD = "pass-word-4711"


@dataclass
class Stage:
    """A gateway, the proxies of its environment, a proxy that one provider has for itself, and the upstreams."""

    gateway: RunningGateway
    plain_proxy: ForwardProxy
    tls_proxy: ForwardProxy
    own_proxy: ForwardProxy
    plain: Upstream
    secure: Upstream

    def ask(self, provider: str) -> tuple[int, dict[str, object]]:
        status, _, body = self.gateway.post({"model": f"{provider}/m", "messages": HI})
        return status, json.loads(body)


def providers_at(plain: Upstream, secure: Upstream, bundle: Path, own: ForwardProxy) -> str:
    places = {
        "far": {"base_url": "http://api.far.example/v1"},
        "far-tls": {"base_url": f"https://localhost:{secure.port}/v1", "ca_bundle": str(bundle)},
        "near": {"base_url": f"http://127.0.0.1:{plain.port}/v1"},
        "inside": {"base_url": "http://api.inside.example/v1"},
        "own": {"base_url": "http://api.far.example:8080/v1", "proxy": own.url},
        "direct": {"base_url": f"http://localhost:{plain.port}/v1", "proxy": "none"},
    }
    providers = {
        name: {"kind": "openai-compatible", "keyless": True, "models": {"m": {}}, **place}
        for name, place in places.items()
    }
    return yaml.safe_dump({"version": 1, "providers": providers})


@pytest.fixture(scope="module", params=["upper", "lower"])
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("proxies")
    bundle, context = certificates.make(folder, "localhost")
    with (
        Upstream(reply(completion("plain"))) as plain,
        Upstream(reply(completion("secure")), tls=context) as secure,
        ForwardProxy(f"user:{PASSWORD}") as plain_proxy,
        ForwardProxy(f"user:{PASSWORD}") as tls_proxy,
        ForwardProxy() as own_proxy,
    ):
        plain_proxy.target = own_proxy.target = plain.port
        tls_proxy.target = secure.port
        names = {
            "HTTP_PROXY": plain_proxy.url,
            "HTTPS_PROXY": tls_proxy.url,
            "NO_PROXY": "127.0.0.0/8, .inside.example",
        }
        names = {name if request.param == "upper" else name.lower(): value for name, value in names.items()}
        config = providers_at(plain, secure, bundle, own_proxy)
        with running_gateway(folder, config, workers=1, LOG_LEVEL="debug", **names) as gateway:
            yield Stage(gateway, plain_proxy, tls_proxy, own_proxy, plain, secure)


@pytest.mark.gateway
def test_upstreams_are_reached_by_the_proxies_of_the_environment(stage: Stage) -> None:
    for _ in range(2):
        status, body = stage.ask("far")
        assert (status, stage.plain_proxy.asked[-1]) == (200, ("POST", "http://api.far.example/v1/chat/completions"))
        assert body["choices"][0]["message"]["content"] == "plain"  # type: ignore[index]
        assert "proxy-authorization" not in stage.plain.requests[-1].headers
        assert stage.ask("far-tls")[0] == 200
    assert stage.tls_proxy.asked == [("CONNECT", f"localhost:{stage.secure.port}")], "one tunnel, kept"
    assert len(stage.secure.requests) == 2
    assert "proxy-authorization" not in stage.secure.requests[-1].headers


@pytest.mark.gateway
def test_a_providers_own_word_and_no_proxy_win(stage: Stage) -> None:
    before = (len(stage.plain_proxy.asked), len(stage.tls_proxy.asked))
    assert stage.ask("own")[0] == 200
    assert stage.own_proxy.asked[-1] == ("POST", "http://api.far.example:8080/v1/chat/completions")
    for direct in ("direct", "near"):
        assert stage.ask(direct)[0] == 200
    assert stage.ask("inside")[0] == 503, "there is no such host, and no proxy was asked for it"
    assert (len(stage.plain_proxy.asked), len(stage.tls_proxy.asked)) == before


@pytest.mark.gateway
def test_a_proxy_that_refuses_us_is_no_fault_of_the_callers_and_no_password_is_told(stage: Stage) -> None:
    wanted, stage.plain_proxy._wanted = stage.plain_proxy._wanted, "Basic another"
    try:
        status, body = stage.ask("far")
    finally:
        stage.plain_proxy._wanted = wanted
    assert (status, body["error"]["code"]) == (503, "service_unavailable")  # type: ignore[index]
    told = [json.dumps(body), stage.gateway.log, stage.gateway.manage("export_config")]
    told += [file.read_text(errors="replace") for file in (stage.gateway.folder / "data").glob("*.log*")]
    assert not [text for text in told if PASSWORD in text or wanted.split()[1] in text]


@pytest.mark.parametrize(
    ("url", "exempt", "proxied"),
    [
        ("http://api.example.com", "example.com", False),
        ("http://api.example.com:8080", ".example.com", False),
        ("http://api.example.com", "example.com:8080", True),
        ("http://api.example.com", "example.org, other.example", True),
        ("http://10.1.2.3", "10.0.0.0/8", False),
        ("http://11.1.2.3", "10.0.0.0/8", True),
        ("http://api.example.com", "*", False),
    ],
)
def test_hosts_suffixes_and_networks_are_exempt(
    monkeypatch: pytest.MonkeyPatch, url: str, exempt: str, proxied: bool
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", "proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", exempt)
    lanes.lane.cache_clear()
    try:
        assert bool(lanes.lane(url, None, None)._prefix) is proxied
    finally:
        lanes.lane.cache_clear()


def test_the_environment_is_read_once_for_an_upstream(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = lanes.get_environ_proxies
    monkeypatch.setattr(lanes, "get_environ_proxies", lambda url: asked.append(url) or real(url))
    lanes.lane.cache_clear()
    for _ in range(100):
        lanes.lane("http://api.example.com", None, None)
    lanes.lane.cache_clear()
    assert asked == ["http://api.example.com"]
