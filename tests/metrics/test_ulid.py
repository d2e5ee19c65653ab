import itertools
import os
import re
import threading
import time

from metrics import ulid


def test_ids_are_26_characters_of_crockfords_alphabet_and_say_when() -> None:
    before = time.time_ns() // 1_000_000
    made = ulid.new()
    after = time.time_ns() // 1_000_000
    assert re.fullmatch(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", made)
    said = 0
    for letter in made[:10]:
        said = said * 32 + ulid.ALPHABET.index(letter)
    assert before <= said <= after


def test_ids_of_one_process_strictly_increase() -> None:
    made = [ulid.new() for _ in range(20_000)]
    assert all(one < next_one for one, next_one in itertools.pairwise(made))


def test_threads_never_make_the_same_id() -> None:
    made: list[str] = []

    def make() -> None:
        made.extend([ulid.new() for _ in range(5_000)])

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 20_000


def test_a_clock_that_runs_backwards_does_not_disturb_the_order() -> None:
    now = time.time_ns()
    made = [ulid.new(lambda: now), ulid.new(lambda: now - 10**9), ulid.new(lambda: now)]
    assert made == sorted(set(made))


def test_forked_children_make_other_ids_even_within_the_same_millisecond() -> None:
    now = time.time_ns() + 10**9
    ulid.new(lambda: now)
    readers = []
    for _ in range(4):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(writer, "\n".join(ulid.new(lambda: now) for _ in range(300)).encode())
            os._exit(0)
        os.close(writer)
        readers.append((child, reader))
    made = [ulid.new(lambda: now) for _ in range(300)]
    for child, reader in readers:
        with os.fdopen(reader) as pipe:
            made += pipe.read().split("\n")
        os.waitpid(child, 0)
    assert len(made) == len(set(made)) == 1500
