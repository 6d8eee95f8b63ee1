#!/usr/bin/env python3
"""Makes the images that PNGTests.swift and ResizeTests.swift read, and what Pillow makes of them.

Made with Pillow 12.3.0 and numpy 2.4.6:  python3 make_fixtures.py
(Pillow 13 resizes images that are taller than wide and taller than SIDE along the columns first, which rounds
differently: `stretch` follows all releases before it. Images padded to a square are the same in both.)

decode/NAME.png    every colour type and bit depth, plain and interlaced, written here byte by byte (Pillow cannot
                   write most of them), each row with another of the five filters
decode/NAME.gray   (height, width) bytes: Image.open(NAME.png).convert("L")
decode/NAME.float  (height, width) little-endian float32, for 16 bits a sample, where Pillow loses precision:
                   value / 65535; colours (19595 R + 38470 G + 7471 B) / 65536 / 65535 in double
resize/NAME.png                  gray images of 8 and 16 bits
resize/NAME-FIT-SIDE.png         8 bits: padded or stretched, then Image.resize((SIDE, SIDE), Image.BILINEAR)
resize/NAME-FIT-SIDE.float       16 bits: the same in mode "F", (SIDE, SIDE) little-endian float32
"""

import pathlib
import shutil
import struct
import zlib

import numpy as np
import PIL
from PIL import Image

HERE = pathlib.Path(__file__).parent
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
GRAY, RGB, PALETTE, GRAY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS = {GRAY: 1, RGB: 3, PALETTE: 1, GRAY_ALPHA: 2, RGBA: 4}
random = np.random.default_rng(2010_09856)


def chunk(name, data=b""):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def packed(row, depth):
    """One row of samples (columns, channels) as bytes."""
    if depth == 16:
        return row.astype(">u2").tobytes()
    if depth == 8:
        return row.astype(np.uint8).tobytes()
    bits = "".join(format(v, f"0{depth}b") for v in row.ravel())
    return bytes(int(bits[i : i + 8].ljust(8, "0"), 2) for i in range(0, len(bits), 8))


def filtered(rows, pixel_bytes):
    """PNG's filters 0 ... 4 in turn, beginning with one that has no row above."""
    result, above = b"", bytes(len(rows[0]))
    for y, row in enumerate(rows):
        kind = (y + 1) % 5
        out = bytearray([kind])
        for i, value in enumerate(row):
            a = row[i - pixel_bytes] if i >= pixel_bytes else 0
            b = above[i]
            c = above[i - pixel_bytes] if i >= pixel_bytes else 0
            p = a + b - c
            paeth = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            out.append((value - [0, a, b, (a + b) // 2, paeth][kind]) & 255)
        result += out
        above = row
    return result


def png(samples, colour, depth, interlaced=False, extra=b""):
    """A PNG file of samples (height, width, channels)."""
    height, width, channels = samples.shape
    parts = [samples[y0::dy, x0::dx] for x0, y0, dx, dy in ADAM7] if interlaced else [samples]
    data = b""
    for part in parts:
        if part.size:
            data += filtered([packed(row, depth) for row in part], max(1, channels * depth // 8))
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    data = zlib.compress(data, 9)
    half = len(data) // 2  # two chunks, as large files have many
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra
        + chunk(b"IDAT", data[:half]) + chunk(b"IDAT", data[half:]) + chunk(b"IEND")
    )


def samples(width, height, colour, depth, noise=0.1):
    """Waves with noise, so that neither a wrong row nor a wrong weight goes unnoticed."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [0.5 + 0.4 * np.sin(x / (3 + c) + c) * np.cos(y / (4 - c / 2)) for c in range(CHANNELS[colour])]
    noisy = np.stack(waves, -1) + random.normal(0, noise, (height, width, CHANNELS[colour]))
    return np.clip(np.rint(noisy * (2**depth - 1)), 0, 2**depth - 1).astype(int)


def decode_fixture(name, width, height, colour, depth, interlaced, extra=b""):
    values = samples(width, height, colour, depth)
    path = HERE / "decode" / f"{name}-{width}x{height}{'-adam7' if interlaced else ''}.png"
    path.write_bytes(png(values, colour, depth, interlaced, extra))
    image = Image.open(path)
    assert image.size == (width, height)
    if depth < 16:
        path.with_suffix(".gray").write_bytes(image.convert("L").tobytes())
    else:
        weights = np.array([19595.0, 38470.0, 7471.0]) / 65536
        gray = values[..., :3] @ weights if colour in (RGB, RGBA) else values[..., 0]
        if colour == GRAY:
            assert (np.array(image) == gray).all()
        path.with_suffix(".float").write_bytes((gray / 65535.0).astype("<f4").tobytes())


def palette(entries):
    return chunk(b"PLTE", random.integers(0, 256, 3 * entries, dtype=np.uint8).tobytes())


def make_decode():
    gamma = chunk(b"gAMA", struct.pack(">I", 100000))
    for interlaced in (False, True):
        for depth in (1, 2, 4, 8, 16):
            decode_fixture(f"gray{depth}", 23, 17, GRAY, depth, interlaced)
            transparent = chunk(b"tRNS", struct.pack(">H", 1))
            decode_fixture(f"gray{depth}-trns", 11, 6, GRAY, depth, interlaced, transparent)
        for depth in (1, 2, 4, 8):
            decode_fixture(f"palette{depth}", 23, 17, PALETTE, depth, interlaced, palette(2**depth))
            transparent = chunk(b"tRNS", bytes([0, 128][: 2**depth]))
            decode_fixture(f"palette{depth}-trns", 11, 6, PALETTE, depth, interlaced, palette(2**depth) + transparent)
        for depth in (8, 16):
            decode_fixture(f"rgb{depth}", 23, 17, RGB, depth, interlaced)
            transparent = chunk(b"tRNS", struct.pack(">HHH", 1, 2, 3))
            decode_fixture(f"rgb{depth}-trns", 11, 6, RGB, depth, interlaced, transparent)
            decode_fixture(f"grayalpha{depth}", 23, 17, GRAY_ALPHA, depth, interlaced)
            decode_fixture(f"rgba{depth}", 23, 17, RGBA, depth, interlaced)
    # Images that leave passes of Adam7 empty.
    for width, height in ((1, 1), (1, 9), (9, 1), (2, 2), (3, 5), (5, 3)):
        decode_fixture("gray1", width, height, GRAY, 1, True)
        decode_fixture("rgb8", width, height, RGB, 8, True)
    decode_fixture("short-palette4", 23, 17, PALETTE, 4, False, palette(5))  # indices beyond the palette
    decode_fixture("gamma-gray8", 23, 17, GRAY, 8, False, gamma)


def squared(image, fit):
    if fit == "stretch":
        return image
    edge = max(image.size)
    canvas = Image.new(image.mode, (edge, edge), 0)
    canvas.paste(image, ((edge - image.width) // 2, (edge - image.height) // 2))
    return canvas


def make_resize():
    sides = {
        (200, 151): (64,), (97, 130): (64, 128), (41, 30): (256,), (64, 64): (64, 128), (300, 40): (64,), (3, 2): (64,),
        (1, 7): (64,), (1, 1): (64,), (128, 37): (128,), (37, 64): (64,),
    }
    for (width, height), sides in sides.items():
        image = Image.fromarray(samples(width, height, GRAY, 8, noise=0.02)[..., 0].astype(np.uint8))
        path = HERE / "resize" / f"{width}x{height}.png"
        image.save(path, optimize=True)
        for fit in ("pad", "stretch"):
            for side in sides:
                resized = squared(image, fit).resize((side, side), Image.BILINEAR)
                resized.save(path.with_name(f"{path.stem}-{fit}-{side}.png"), optimize=True)
    for width, height in ((61, 44), (9, 30), (24, 24)):
        values = samples(width, height, GRAY, 16)
        path = HERE / "resize" / f"deep{width}x{height}.png"
        path.write_bytes(png(values, GRAY, 16))
        image = Image.fromarray((values[..., 0] / 65535.0).astype(np.float32))
        for fit in ("pad", "stretch"):
            for side in (24, 40):
                resized = squared(image, fit).resize((side, side), Image.BILINEAR)
                path.with_name(f"{path.stem}-{fit}-{side}.float").write_bytes(np.array(resized, "<f4").tobytes())


if __name__ == "__main__":
    assert int(PIL.__version__.split(".")[0]) < 13, "see above"
    for folder in ("decode", "resize"):
        shutil.rmtree(HERE / folder, ignore_errors=True)
        (HERE / folder).mkdir()
    make_decode()
    make_resize()
