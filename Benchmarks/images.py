"""Images per second that Pillow decodes and resizes, in several processes: what `salad bench --data-loading` does.

Prints one JSON object: the median, fastest and slowest of the repetitions.
"""

import argparse
import json
import multiprocessing
import statistics
import time
from pathlib import Path

from PIL import Image

SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff"}


def load(job: tuple[str, int]) -> int:
    path, size = job
    image = Image.open(path).convert("L").resize((size, size), Image.Resampling.BILINEAR)
    return len(image.tobytes())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="of PNG, JPEG or TIFF images, at any depth")
    parser.add_argument("--size", type=int, default=256, help="side to resize to")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--repetitions", type=int, default=3, help="after one to warm up")
    arguments = parser.parse_args()
    paths = sorted(path for path in arguments.folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        parser.error(f"{arguments.folder} holds no PNG, JPEG or TIFF image")
    jobs = [(str(path), arguments.size) for path in paths]
    times = []
    with multiprocessing.Pool(arguments.processes) as pool:
        for _ in range(arguments.repetitions + 1):
            start = time.perf_counter()
            for pixels in pool.imap_unordered(load, jobs):
                assert pixels == arguments.size**2
            times.append(time.perf_counter() - start)
    times = times[1:]
    rates = [len(jobs) / seconds for seconds in times]
    print(json.dumps({
        "images_per_second": statistics.median(rates), "fastest": max(rates), "slowest": min(rates),
        "images": len(jobs), "processes": arguments.processes, "peer": "pillow",
    }))


if __name__ == "__main__":
    main()
