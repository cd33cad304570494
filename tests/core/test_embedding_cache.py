"""The store of embeddings: bounded, shared between jobs, and never stuck when one of them stops."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from core.embedding_cache import EmbeddingCache, image_key
from core.errors import Cancelled
from core.tasks import Job


def _row(value: float, length: int = 4) -> np.ndarray:
    return np.full(length, value, np.float32)


class Worker:
    """Computes key number -> row of that number and counts what it was asked for."""

    def __init__(self, keys: list[int]) -> None:
        self.keys = keys
        self.asked: list[int] = []

    def __call__(self, indices: list[int]) -> Iterator[tuple[int, np.ndarray]]:
        for index in indices:
            self.asked.append(self.keys[index])
            yield index, _row(self.keys[index])


def _fetch(cache: EmbeddingCache, keys: list[int]) -> tuple[list[float], list[int]]:
    worker = Worker(keys)
    return [float(row[0]) for row in cache.fetch(keys, worker)], worker.asked


def test_each_key_is_computed_once_and_comes_back_in_order() -> None:
    cache = EmbeddingCache()
    assert _fetch(cache, [3, 1, 3, 2]) == ([3.0, 1.0, 3.0, 2.0], [3, 1, 2])
    assert _fetch(cache, [2, 4, 1]) == ([2.0, 4.0, 1.0], [4])
    assert _fetch(cache, []) == ([], [])


def test_least_recently_used_leave_first_and_the_bound_holds() -> None:
    cache = EmbeddingCache()
    _fetch(cache, [0])
    cache = EmbeddingCache(max_bytes=3 * cache.size_bytes)
    _fetch(cache, [1, 2, 3])
    _fetch(cache, [1])  # 1 is now younger than 2
    _fetch(cache, [4])
    assert len(cache) == 3 and cache.size_bytes <= cache.max_bytes
    assert _fetch(cache, [1, 3, 4])[1] == []
    assert _fetch(cache, [2])[1] == [2]


def test_more_than_fits_is_still_delivered() -> None:
    cache = EmbeddingCache(max_bytes=400)
    assert _fetch(cache, list(range(50)))[0] == [float(n) for n in range(50)]
    assert cache.size_bytes <= 400
    big = EmbeddingCache(max_bytes=10)
    assert _fetch(big, [7]) == ([7.0], [7]) and len(big) == 0


def test_clear_forgets() -> None:
    cache = EmbeddingCache()
    _fetch(cache, [1])
    cache.clear()
    assert (len(cache), cache.size_bytes) == (0, 0)
    assert _fetch(cache, [1])[1] == [1]


def test_rows_are_read_only_copies() -> None:
    cache, batch = EmbeddingCache(), np.ones((2, 4), np.float32)
    row = cache.fetch(["a"], lambda _: [(0, batch[0])])[0]
    batch[:] = 0.0
    assert row.all() and row.base is None
    with pytest.raises(ValueError, match="read-only"):
        row[0] = 2.0


def test_two_jobs_share_what_is_under_way() -> None:
    cache, asked, started = EmbeddingCache(), [], threading.Event()

    def slow(indices: list[int]) -> Iterator[tuple[int, np.ndarray]]:
        asked.extend(indices)
        started.set()
        time.sleep(0.3)
        yield from ((index, _row(index)) for index in indices)

    first = threading.Thread(target=cache.fetch, args=([0], slow))
    first.start()
    started.wait()
    assert float(cache.fetch([0], slow)[0][0]) == 0.0
    first.join()
    assert asked == [0]


def test_a_job_that_stops_hands_its_keys_to_those_who_wait() -> None:
    cache, started = EmbeddingCache(), threading.Event()

    def stops(indices: list[int]) -> Iterator[tuple[int, np.ndarray]]:
        yield indices[0], _row(10)
        started.set()
        time.sleep(0.2)
        raise Cancelled("The work was cancelled.")

    errors: list[BaseException] = []

    def first() -> None:
        try:
            cache.fetch([10, 11], stops)
        except Cancelled as error:
            errors.append(error)

    thread = threading.Thread(target=first)
    thread.start()
    started.wait()
    rows, asked = _fetch(cache, [10, 11])
    thread.join()
    assert rows == [10.0, 11.0] and asked == [11] and len(errors) == 1


def test_a_waiting_job_can_be_cancelled() -> None:
    cache, started, free = EmbeddingCache(), threading.Event(), threading.Event()

    def blocked(indices: list[int]) -> Iterator[tuple[int, np.ndarray]]:
        started.set()
        free.wait(5.0)
        yield indices[0], _row(1)

    thread = threading.Thread(target=cache.fetch, args=([1], blocked))
    thread.start()
    started.wait()
    job = Job()
    job.cancel()
    start_s = time.monotonic()
    with pytest.raises(Cancelled):
        cache.fetch([1], blocked, job=job)
    assert time.monotonic() - start_s < 1.0
    free.set()
    thread.join()


def test_compute_that_leaves_something_out_is_a_value_error() -> None:
    cache = EmbeddingCache()
    with pytest.raises(ValueError, match="1 embeddings of 2"):
        cache.fetch([1, 2], lambda indices: [(indices[0], _row(1))])
    assert _fetch(cache, [2])[1] == [2]


def test_image_key_is_the_content_not_the_memory(rng: np.random.Generator) -> None:
    rgb = rng.integers(0, 256, (6, 4, 3), dtype=np.uint8)
    assert image_key(rgb) == image_key(np.asfortranarray(rgb)) == image_key(rgb[::-1][::-1].copy())
    changed = rgb.copy()
    changed[0, 0, 0] ^= 1
    assert image_key(changed) != image_key(rgb)
    flat = np.zeros((6, 4, 3), np.uint8)
    assert image_key(flat) != image_key(flat.reshape(4, 6, 3))
