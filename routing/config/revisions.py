from contextlib import contextmanager

from providers.configuration import revision_open


@contextmanager
def join_or_open():
    token = revision_open.set(True)
    try:
        yield
    finally:
        revision_open.reset(token)
