"""Images per second that Pillow, of DICOM files pydicom, decodes and resizes, in several processes: what
`salad bench --data-loading` does.

Prints one JSON object: for each format the median, fastest and slowest of the repetitions.
"""

import argparse
import json
import multiprocessing
import multiprocessing.pool
import statistics
import time
from pathlib import Path

import numpy
import pydicom
from PIL import Image

FORMATS = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".tif": "tiff", ".tiff": "tiff", ".dcm": "dicom"}


def load(job: tuple[str, int]) -> int:
    path, size = job
    side = (size, size)
    if path.endswith(".dcm"):
        # What has no window is stretched between percentiles, as it is here.
        pixels = pydicom.dcmread(path).pixel_array.astype(numpy.float32)
        low, high = numpy.percentile(pixels, (1, 99))
        image = Image.fromarray(numpy.clip((pixels - low) / max(high - low, 1), 0, 1))
    else:
        image = Image.open(path).convert("L")
    resized = image.resize(side, Image.Resampling.BILINEAR)
    return resized.width * resized.height


def seconds(pool: multiprocessing.pool.Pool, jobs: list[tuple[str, int]]) -> float:
    start = time.perf_counter()
    for pixels in pool.imap_unordered(load, jobs):
        assert pixels == jobs[0][1] ** 2
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="of PNG, JPEG, TIFF or DICOM images, at any depth")
    parser.add_argument("--size", type=int, default=256, help="side to resize to")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--repetitions", type=int, default=3, help="after one to warm up")
    arguments = parser.parse_args()
    paths = sorted(path for path in arguments.folder.rglob("*") if path.suffix.lower() in FORMATS)
    if not paths:
        parser.error(f"{arguments.folder} holds no PNG, JPEG, TIFF or DICOM image")
    record: dict[str, object] = {"images": len(paths), "processes": arguments.processes, "peer": "pillow"}
    with multiprocessing.Pool(arguments.processes) as pool:
        for name in sorted({FORMATS[path.suffix.lower()] for path in paths}):
            jobs = [(str(path), arguments.size) for path in paths if FORMATS[path.suffix.lower()] == name]
            times = [seconds(pool, jobs) for _ in range(arguments.repetitions + 1)][1:]
            rates = [len(jobs) / taken for taken in times]
            record[f"{name}_images_per_second"] = {
                "median": statistics.median(rates), "fastest": max(rates), "slowest": min(rates)}
    print(json.dumps(record))


if __name__ == "__main__":
    main()
