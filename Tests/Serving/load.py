#!/usr/bin/env python3
"""Loads salad serve on this host: its rate beside salad score's, and thousands of good and bad requests of which none may
be lost.

    Tests/Serving/load.py --salad .build/release/salad --deploy deploy --images folder

Prints a table; ends with status 1 where an answer is missing or of another kind than it must be, or scores differ from
salad score's.
"""

import argparse
import asyncio
import csv
import io
import json
import os
import pathlib
import random
import resource
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import zlib

BOUNDARY = "----------------salad-load"


def png_of_zeros(side):
    """Small as a file, side x side bytes once it is decoded."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(b"\0" * (side + 1) * side, 9)
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def request(body, path="/v1/score?nearest=0", kind="image/png", headers=""):
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def form(files):
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="{index}.png"\r\n\r\n'.encode() + content
        for index, content in enumerate(files)
    ]
    body = b"\r\n".join(parts) + f"\r\n--{BOUNDARY}--\r\n".encode()
    return request(body, kind=f"multipart/form-data; boundary={BOUNDARY}")


class Client:
    """A connection that is kept as long as the server keeps it."""

    def __init__(self, port):
        self.port, self.reader, self.writer = port, None, None

    async def ask(self, data, pause=None):
        """The status and the body; `pause`: sends half, and the rest so many seconds later."""
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            if pause is None:
                self.writer.write(data)
                await self.writer.drain()
            else:
                self.writer.write(data[: len(data) // 2])
                await self.writer.drain()
                await asyncio.sleep(pause)
        except ConnectionError:
            pass  # what it does not want to read it may refuse; its answer may be there all the same
        head = await self.reader.readuntil(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        body = await self.reader.readexactly(int(fields.get("content-length", 0)))
        if fields.get("connection") == "close":
            self.close()
        return int(lines[0].split()[1]), body

    def close(self):
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None


class Server:
    def __init__(self, salad, deploy, *options):
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [salad, "serve", deploy, "--port", "0", *options], stdout=subprocess.PIPE, stderr=self.errors, text=True)
        self.port = int(self.process.stdout.readline().strip().rsplit(":", 1)[1])

    def children(self):
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task")
        return [int(child) for task in tasks.iterdir() for child in (task / "children").read_text().split()]

    def processor_seconds(self):
        """Of the server and its children so far: user and system."""
        seconds = 0
        for number in [self.process.pid, *self.children()]:
            fields = pathlib.Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()
            seconds += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return seconds

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


def score(salad, deploy, paths):
    """Rows of salad score, its seconds, and those of the processor."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run([salad, "score", deploy, "--csv", *paths], check=True, capture_output=True, text=True)
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return list(csv.DictReader(io.StringIO(done.stdout))), seconds, used


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


async def rate(port, files, expected, connections, per_request):
    """Images a second, latencies in seconds, and how many scores differ from salad score's."""
    groups = [list(range(start, min(len(files), start + per_request))) for start in range(0, len(files), per_request)]
    waiting, latencies, wrong = list(reversed(groups)), [], 0

    async def work():
        nonlocal wrong
        client = Client(port)
        while waiting:
            group = waiting.pop()
            data = request(files[group[0]]) if per_request == 1 else form([files[index] for index in group])
            start = time.perf_counter()
            status, body = await client.ask(data)
            latencies.append(time.perf_counter() - start)
            images = json.loads(body)["images"] if status == 200 else [{}] * len(group)
            wrong += sum(image.get("score") != expected[index] for index, image in zip(group, images))
        client.close()

    start = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(connections)))
    return len(files) / (time.perf_counter() - start), latencies, wrong


def kinds(files, limits):
    """What is sent, by name: how often, the request, the status it must have, and whether it is sent slowly."""
    good = lambda: random.choice(files)
    bomb = png_of_zeros(8000)
    return {
        "one good image": (50, lambda: request(good()), 200, False),
        "four good images": (10, lambda: form([good() for _ in range(4)]), 200, False),
        "three good images and a bad one": (6, lambda: form([good(), b"no image", good(), good()]), 200, False),
        "cut short": (8, lambda: request(good()[: random.randrange(20, 2000)]), 422, False),
        "random bytes": (8, lambda: request(random.randbytes(random.randrange(1, 4000))), 422, False),
        "more memory than decoding may take": (1, lambda: request(bomb), 422, False),
        "another content type": (4, lambda: request(good(), kind="text/plain"), 415, False),
        "a form without its boundary": (3, lambda: request(good(), kind="multipart/form-data; boundary=x"), 400, False),
        "a parameter that cannot be": (3, lambda: request(good(), path="/v1/score?nearest=many"), 400, False),
        "a path that is none": (2, lambda: request(good(), path="/v1/scores"), 404, False),
        "a header of 100 kB": (2, lambda: request(good(), headers=f"X-Long: {'x' * 100_000}\r\n"), 400, False),
        "more bytes than it may have": (2, lambda: request(b"\x89PNG" * (limits["bytes"] // 4 + 1)), 413, False),
        "sent too slowly": (1, lambda: request(good()), 408, True),
    }


async def mix(server, files, count, connections, limits):
    """What came of a mixture: by kind sent, answered as they must be, and latencies; and children that were killed."""
    random.seed(1)
    table = kinds(files, limits)
    names = random.choices(list(table), [entry[0] for entry in table.values()], k=count)
    results = {name: [0, 0, []] for name in table}
    odd, killed, is_over = [], 0, False

    async def kill():
        nonlocal killed
        while not is_over:
            await asyncio.sleep(2)
            for child in server.children()[:1]:
                os.kill(child, signal.SIGKILL)
                killed += 1

    async def work():
        client = Client(server.port)
        while names:
            name = names.pop()
            _, make, status, is_slow = table[name]
            results[name][0] += 1
            data, start = make(), time.perf_counter()
            try:
                found, body = await asyncio.wait_for(client.ask(data, limits["patience"] + 1 if is_slow else None), 120)
            except (ConnectionError, asyncio.IncompleteReadError, asyncio.TimeoutError) as error:
                odd.append(f"{name}: no answer ({error!r})")
                client.close()
                continue
            results[name][2].append(time.perf_counter() - start)
            # Its child was killed under it.
            is_victim = b"the process that decoded it was ended by signal 9" in body
            if found == status or (is_victim and found in (200, 422)):
                results[name][1] += 1
            else:
                odd.append(f"{name}: {found} instead of {status}: {body[:200]!r}")
        client.close()

    killer = asyncio.create_task(kill())
    await asyncio.gather(*(work() for _ in range(connections)))
    is_over = True
    await killer
    return results, odd, killed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--salad", required=True, help="the program")
    parser.add_argument("--deploy", required=True, help="the deployment")
    parser.add_argument("--images", required=True, help="a folder of PNG files")
    parser.add_argument("--count", type=int, default=512, help="images whose rate is measured (512)")
    parser.add_argument("--repeats", type=int, default=3, help="turns in which all rates are measured, of which the median counts (3)")
    parser.add_argument("--requests", type=int, default=10_000, help="good and bad requests (10,000)")
    parser.add_argument("--connections", type=int, default=32, help="clients at a time (32)")
    options = parser.parse_args()

    paths = sorted(str(path) for path in pathlib.Path(options.images).rglob("*.png"))[: options.count]
    files = [pathlib.Path(path).read_bytes() for path in paths]
    print(f"{len(files)} images, {options.connections} clients, median of {options.repeats} turns, load "
          f"{os.getloadavg()[0]:.1f}\n")
    turns = {}
    failures = []
    server = Server(options.salad, options.deploy)
    for _ in range(options.repeats):
        # Interleaved, so that whatever else the host does strikes all alike; the start is subtracted.
        starts = [score(options.salad, options.deploy, paths[:1])[1:] for _ in range(2)]
        rows, seconds, used = score(options.salad, options.deploy, paths)
        expected = [float(row["score"]) for row in rows]
        reference = len(files) / (seconds - min(start[0] for start in starts))
        used -= min(start[1] for start in starts)
        turns.setdefault("salad score", []).append((reference, 1, used / len(files), []))
        for per_request in (1, 8):
            before = server.processor_seconds()
            found, latencies, wrong = asyncio.run(rate(server.port, files, expected, options.connections, per_request))
            used = server.processor_seconds() - before
            turns.setdefault(f"serve, {per_request} a request", []).append(
                (found, found / reference, used / len(files), latencies))
            if wrong:
                failures.append(f"{wrong} scores differ from salad score's")
    if server.stop() != 0:
        failures.append("the server did not end well")
    print("|  | images a second | of `salad score` | processor, ms an image | p50, ms | p99, ms |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, runs in turns.items():
        found, part, used = (statistics.median(run[place] for run in runs) for place in range(3))
        spread = f" ({min(run[1] for run in runs):.2f} to {max(run[1] for run in runs):.2f})" if runs[0][3] else ""
        times = [
            f"{1000 * statistics.median(percentile(run[3], share) for run in runs):.0f}" if runs[0][3] else ""
            for share in (0.5, 0.99)
        ]
        print(f"| {name} | {found:.1f} | {part:.2f}{spread} | {1000 * used:.2f} | {times[0]} | {times[1]} |")

    limits = {"bytes": 4 << 20, "patience": 10}
    server = Server(
        options.salad, options.deploy, "--max-bytes", f"{limits['bytes']}", "--decode-memory", "32M",
        "--request-timeout", f"{limits['patience']}", "--log-level", "error")
    began = time.perf_counter()
    results, odd, killed = asyncio.run(
        mix(server, files, options.requests, options.connections, limits))
    seconds = time.perf_counter() - began
    if server.stop() != 0:
        failures.append("the server did not end well")
    sent = sum(entry[0] for entry in results.values())
    answered = sum(entry[1] for entry in results.values())
    print(f"\n{sent} requests in {seconds:.0f} s, {killed} decoding processes killed: {sent - answered} lost or wrong\n")
    print("| request | sent | answered as it must be | p50, ms | p99, ms |\n|---|---:|---:|---:|---:|")
    for name, (count, fine, latencies) in results.items():
        times = [f"{1000 * percentile(latencies, share):.0f}" if latencies else "" for share in (0.5, 0.99)]
        print(f"| {name} | {count} | {fine} | {times[0]} | {times[1]} |")
    failures += odd
    for failure in failures[:20]:
        print(failure, file=sys.stderr)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
