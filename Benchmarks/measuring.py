"""What the measuring scripts share: threads, times of repeated calls, memory, and how they are told."""

import json
import os
import resource
import statistics
import time
from collections.abc import Callable


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0))


def seconds(call: Callable[[], object], repetitions: int, warm_up: int) -> list[float]:
    times = []
    for repetition in range(warm_up + repetitions):
        start = time.perf_counter()
        call()
        if repetition >= warm_up:
            times.append(time.perf_counter() - start)
    return times


def rates(images: int, times: list[float]) -> dict[str, float]:
    """Images a second."""
    return {
        "images_per_second": images / statistics.median(times),
        "fastest": images / min(times), "slowest": images / max(times),
    }


def milliseconds(times: list[float]) -> dict[str, float]:
    return {"milliseconds": 1000 * statistics.median(times), "fastest": 1000 * min(times), "slowest": 1000 * max(times)}


def peak_resident_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def report(**numbers: object) -> None:
    print(json.dumps(numbers, sort_keys=True))
