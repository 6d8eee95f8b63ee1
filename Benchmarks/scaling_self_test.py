"""Checks of the scaling model: what must hold whatever the numbers are, and that a fit finds the terms behind made-up runs."""

import math
from dataclasses import asdict, replace

from scaling_fit import Measured, fit
from scaling_model import WIRE_BYTES, Layout, Terms, bank, efficiency, exchange, loads, sent, shared, step, wire
from scaling_runs import Run, runs

CORES = 2
TERMS = Terms(
    forward={8: 0.2, 4: 0.12, 2: 0.07}, backward={8: 0.9, 4: 0.5, 2: 0.3}, pack={1: 0.02, 2: 0.015}, adam={1: 0.04, 2: 0.03},
    sigma=0, bank_pair=2e-9, bank_image=1e-5, round=5e-5, elements=32_500_000, statistics=10_000, buckets=9,
    last_bucket=(1 << 20) / 32_500_000, local={"exact": 2e-9, "float32": 3e-9, "bfloat16": 4e-9}, bucket=2e-4, message=1e-5,
    byte_tcp=4e-10, byte_memory=2e-10, goodput=0.95, window=0.4)


def self_test() -> None:
    for check in (bytes_on_the_wire, sharing, bounds, idling, fitting):
        check()
        print(f"scaling: {check.__name__.replace('_', ' ')}: as it should be")


def bytes_on_the_wire() -> None:
    # 12 bytes an element, half of the elements to the other of two ranks.
    expect(sent(TERMS, Layout(2)), 6 * TERMS.elements)
    expect(sent(TERMS, Layout(1)), 0)
    expect(sent(TERMS, Layout(4, reduction="bfloat16")), 3 * TERMS.elements)
    # A megabyte, a rank a host: 8 megabits at 95 % of 1 Gb/s.
    expect(wire(TERMS, Layout(4, gigabits=1), 1e6), 8e-3 / 0.95)
    # Four ranks on each of two hosts: 4 of 7 parts of what each sends leave the host.
    expect(wire(TERMS, Layout(8, gigabits=1, ranks_per_host=4), 1e6), 4 * 4 / 7 * 8e-3 / 0.95)
    expect(wire(TERMS, Layout(4, gigabits=1, ranks_per_host=4), 1e6), 0)


def sharing() -> None:
    expect(loads(Layout(3)), [1, 1, 2])
    expect(loads(Layout(2, workers=3)), [0, 1, 1, 0, 1, 1])
    expect(sum(loads(Layout(5, workers=2, batch=200))), 25)
    # Three of one and one of two on two cores: all at two thirds of a core until two are done.
    expect(shared([1, 1, 2], 2), 2.5)
    expect(shared([1, 1, 1, 1], 2), 2)
    expect(shared([1, 1, 2], None), 2)


def bounds() -> None:
    for ranks in (2, 8, 1024):
        layout = Layout(ranks, batch=8 * ranks, gigabits=10)
        # On a slow link fewer bytes are less time, whatever their arithmetic.
        kinds = [step(TERMS, replace(layout, reduction=kind, gigabits=1)).seconds for kind in WIRE_BYTES]
        expect(kinds, sorted(kinds, reverse=True))
        links = [step(TERMS, replace(layout, gigabits=link)).seconds for link in (1, 10, 25, 100, None)]
        expect(links, sorted(links, reverse=True))
        assert 0 < efficiency(TERMS, layout) < 1, layout
        # Longer steps hide more.
        assert efficiency(TERMS, replace(layout, batch=64 * ranks)) > efficiency(TERMS, layout), layout
    expect(efficiency(TERMS, Layout(1)), 1)
    expect(exchange(TERMS, Layout(1)), 0)


def idling() -> None:
    expect([Layout(ranks).idle_workers for ranks in (1, 4, 8, 1024)], [0, 0, 4, 1020])
    expect(Layout(8, batch=64).idle_workers, 0)
    expect(Layout(8, micro_batch=4).idle_workers, 0)
    # More ranks than micro-batches are never faster.
    assert step(TERMS, Layout(8, gigabits=10)).seconds >= step(TERMS, Layout(4, gigabits=10)).seconds


def fitting() -> None:
    made_up = {one.name: {"rounds": [printed(one)]} for one in runs(CORES)}
    found = asdict(fit(Measured(runs(CORES), made_up), TERMS.statistics, CORES))
    for name, value in asdict(TERMS).items():
        expect(found[name], value, name)


def printed(one: Run) -> dict:
    """What `salad bench --json` would say of a machine that is as TERMS has it."""
    layout = one.layout
    narrow = "--max-width" in one.flags
    terms = replace(TERMS, elements=0, statistics=0, buckets=2) if narrow else TERMS
    if "--reduce" in one.flags:
        record: dict = {"elements": terms.elements, "buckets": terms.buckets}
        for kind in WIRE_BYTES:
            local = terms.local[kind] * terms.elements * shared([1] * layout.ranks, layout.cores)
            exchanged = exchange(terms, replace(layout, reduction=kind)) - local
            record[kind] = {"encode": 0, "exchange": 1000 * exchanged, "sum": 1000 * local, "decode": 0}
        return {"reduce": record}
    parts = step(terms, layout)
    depth, m = shared(loads(layout), layout.cores), layout.micro_batch
    phases = {
        "forward": parts.compute - depth * terms.backward[m], "backward": depth * terms.backward[m], "adam": parts.adam,
        # Without the sixth collective, which stands at the end of the step.
        "bank": bank(terms, replace(layout, ranks=1)) + (5 * terms.round if layout.ranks > 1 else 0),
        "reduce": parts.exposed, "step": parts.seconds}
    rate = {key: layout.batch / parts.seconds for key in ("median", "slowest", "fastest")}
    return {"train": {"milliseconds": {name: 1000 * value for name, value in phases.items()}, "images_per_second": rate}}


def expect(found: object, wanted: object, what: str = "") -> None:
    def same(a: object, b: object) -> bool:
        if isinstance(b, dict):
            return all(same(a[key], value) for key, value in b.items())
        if isinstance(b, list):
            return len(a) == len(b) and all(map(same, a, b))
        return math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-15)

    assert same(found, wanted), f"{what} is {found}, expected {wanted}"
