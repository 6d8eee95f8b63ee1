#!/usr/bin/env python3
"""Time what others make of the memory bank's work: FAISS and PyTorch, on random unit rows.

    bank.py --top-k --rows 100000 --dimension 896 --queries 32 --threads 2
    bank.py --anchors --rows 10000 --threads 2

--top-k is an exact search of the K = 30 nearest of N rows by Euclidean distance: FAISS's IndexFlatL2, and PyTorch's matrix product,
with the rows' squared lengths at hand, and topk. D is --dimension: 896 for the levels e3, e4, e5, 200 for z. --anchors, of D = 200, is what PyTorch makes of anchor discovery with its own operations: the N x N similarities, the entropies of
their softmax, and the 10 nearest other rows of every row. Where N x N does not fit, blocks of rows follow each other: --block
says how many, and the output repeats it. --cpu avx2 holds PyTorch, its libraries and FAISS to the instructions of CPUs without AVX-512.

Prints one JSON object a line for each peer, times in milliseconds: the median, the fastest and the slowest repetition.
"""

import argparse
import json
import os
import time

# PyTorch is imported by what uses it: it reads its environment, which --cpu sets, when it is loaded.

BOTTLENECK = 200
NEIGHBOURS = 30
ANCHOR_NEIGHBOURS = 10
TEMPERATURE = 0.1
HELD_TO = {
    "avx2": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "FAISS_OPT_LEVEL": "avx2",
    },
}


def unit_rows(count, dimension, seed):
    import torch

    generator = torch.Generator().manual_seed(seed)
    return torch.nn.functional.normalize(torch.randn(count, dimension, generator=generator), dim=1)


def milliseconds(work, repetitions, shortest):
    """Time of one call, over `repetitions` of as many calls as take `shortest` seconds, after one to warm up."""
    start = time.perf_counter()
    work()
    calls = max(1, int(shortest / max(time.perf_counter() - start, 1e-6)))
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        for _ in range(calls):
            work()
        times.append(1000 * (time.perf_counter() - start) / calls)
    times.sort()
    return {"milliseconds": times[len(times) // 2], "fastest": times[0], "slowest": times[-1]}


def top_k(arguments):
    import torch

    dimension = arguments.dimension
    rows, queries = unit_rows(arguments.rows, dimension, 1), unit_rows(arguments.queries, dimension, 2)
    squares = (rows * rows).sum(dim=1)
    neighbours = min(NEIGHBOURS, arguments.rows)

    def torch_search():
        # |q|^2 is the same for every row and changes no order.
        return torch.topk(torch.addmm(squares, queries, rows.T, alpha=-2), neighbours, dim=1, largest=False)

    yield "torch", milliseconds(torch_search, arguments.repetitions, 0.1)

    import faiss  # after PyTorch's turn: each brings threads of its own

    faiss.omp_set_num_threads(arguments.threads)
    index = faiss.IndexFlatL2(dimension)
    index.add(rows.numpy())
    del rows
    asked = queries.numpy()
    yield "faiss", milliseconds(lambda: index.search(asked, neighbours), arguments.repetitions, 0.1)


def anchors(arguments):
    import torch

    rows = unit_rows(arguments.rows, BOTTLENECK, 1)
    block = arguments.block or arguments.rows

    def discover():
        entropies, nearest = [], []
        for first in range(0, arguments.rows, block):
            similarities = rows[first : first + block] @ rows.T
            probabilities = torch.softmax(similarities / TEMPERATURE, dim=1)
            entropies.append(-(probabilities * torch.log(probabilities + 1e-30)).sum(dim=1))
            # A row is not its own neighbour.
            similarities[torch.arange(len(similarities)), torch.arange(first, first + len(similarities))] = -2
            nearest.append(torch.topk(similarities, ANCHOR_NEIGHBOURS, dim=1).indices)
        return torch.cat(entropies), torch.cat(nearest)

    yield "torch", milliseconds(discover, arguments.repetitions, 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    subject = parser.add_mutually_exclusive_group(required=True)
    subject.add_argument("--top-k", action="store_true")
    subject.add_argument("--anchors", action="store_true")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--dimension", type=int, default=BOTTLENECK)
    parser.add_argument("--queries", type=int, default=32)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--block", type=int, default=0, help="rows of N x N at once in --anchors (default: all)")
    parser.add_argument("--cpu", choices=sorted(HELD_TO), help="the best instructions to use (default: the CPU's)")
    arguments = parser.parse_args()
    os.environ.update(HELD_TO.get(arguments.cpu, {}))
    import torch

    torch.set_num_threads(arguments.threads)
    torch.set_grad_enabled(False)
    for peer, times in (top_k if arguments.top_k else anchors)(arguments):
        line = {"peer": peer, "rows": arguments.rows, "threads": arguments.threads, **times}
        if arguments.top_k:
            line |= {"queries": arguments.queries, "dimension": arguments.dimension}
        elif arguments.block:
            line["block"] = arguments.block
        if arguments.cpu:
            line["cpu"] = arguments.cpu
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
