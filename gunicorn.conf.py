"""gunicorn's configuration: `make run` and `python -m gunicorn -c gunicorn.conf.py gateway_project.wsgi` read it.

The master loads the settings but no Django app, no database driver and no TLS: workers are patched by gevent after the
fork, and nothing that was imported before could be.
"""

import os
import resource
import signal
import sys

from django.core.exceptions import ImproperlyConfigured

# While it patches, gevent looks at every object there is, Django's lazy settings included: they must know their module.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gateway_project.settings")
try:
    from gateway_project import listening, settings
except ImproperlyConfigured as error:
    print(error, file=sys.stderr)  # noqa: T201 - the reason why there is no gateway
    sys.exit(2)

bind = f"[{settings.HOST}]:{settings.PORT}" if ":" in settings.HOST else f"{settings.HOST}:{settings.PORT}"
worker_class = "gateway_project.worker.GatewayWorker"
workers = settings.WORKERS
# More than MAX_INFLIGHT: connections at rest and health probes must find a place, and a refusal needs one to be said.
worker_connections = max(2000, 4 * settings.MAX_INFLIGHT)
backlog = 2048
preload_app = False  # gevent patches each worker after the fork
# Longer than load balancers keep theirs (60 s), so that it is never we who close a connection they are about to use.
keepalive = 75
# A gevent worker beats from its loop: this is how long the loop may stand still, not how long a request may take.
timeout = 60
# The master waits a little longer than the workers (see post_fork), so that they can record what they had to cut.
graceful_timeout = settings.GRACE_SECONDS + 10
limit_request_line = 8190
limit_request_fields = 100
limit_request_field_size = 16_380
forwarded_allow_ips = ",".join(settings.TRUSTED_PROXIES)
control_socket_disable = True
forwarder_headers = ""  # nobody in front may set SCRIPT_NAME or PATH_INFO
accesslog = None
loglevel = settings.LOG_LEVEL
logconfig_dict = settings.LOGGING
proc_name = "switchyard"

_first_key = None
if "GATEWAY_FIRST_KEY_FD" in os.environ and "GUNICORN_PID" not in os.environ:
    with os.fdopen(int(os.environ.pop("GATEWAY_FIRST_KEY_FD"))) as _pipe:
        _first_key = _pipe.read()


def on_starting(server):
    """Refuse a taken port with a sentence; let each worker open as many files as the system allows."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 1_048_576 if hard == resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 65_536), hard))
    if "GUNICORN_FD" in os.environ or "LISTEN_FDS" in os.environ:
        return
    try:
        listening.refuse_unusable(settings.HOST, settings.PORT)
    except ImproperlyConfigured as error:
        print(error, file=sys.stderr)  # noqa: T201
        sys.exit(2)


def when_ready(server):
    """Ctrl-C drains like SIGTERM; a second one stops at once."""
    presses = []

    def interrupted(number, frame):
        presses.append(number)
        if len(presses) == 1:
            wait = f"Finishing what is in flight (at most {settings.GRACE_SECONDS} s); Ctrl-C again stops at once.\n"
            os.write(2, f"\n{wait}".encode())
        server.signal(signal.SIGTERM if len(presses) == 1 else signal.SIGINT, frame)

    signal.signal(signal.SIGINT, interrupted)


def post_fork(server, worker):
    """The worker's own grace is the one promised. Until it has handlers of its own, a signal simply ends it: the
    master's, which it inherits, would swallow it."""
    # A native thread at work (building a catalog) takes the interpreter for so long each time the loop lets go of it,
    # and it lets go with every read and write: at Python's 5 ms, a hundred streams would stand still together.
    sys.setswitchinterval(0.0002)
    for number in (signal.SIGTERM, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    worker.cfg.set("graceful_timeout", settings.GRACE_SECONDS)


def post_worker_init(worker):
    """Start what runs beside the requests; the first worker of a start greets."""
    import metrics.loop
    from routing import catalog

    metrics.loop.start()
    catalog.start_polling()
    if worker.age == 1 and "GUNICORN_PID" not in os.environ:
        from gateway_project.greeting import announce

        print(announce(_first_key), flush=True)  # noqa: T201 - the end of `make run`


def worker_exit(server, worker):
    """Write out what the worker still holds. The master calls this too for a worker that was already gone."""
    if worker.pid == os.getpid():
        import metrics.loop
        from routing.windows import WINDOWS

        metrics.loop.stop(timeout=3)
        WINDOWS.close()
