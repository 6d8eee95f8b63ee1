#!/usr/bin/env python3
"""Makes the images that JPEGTests.swift, TIFFTests.swift and SampleBitsTests.swift read, and what Pillow makes of them.

Made with Pillow 13.0.0, numpy, jpegtran of libjpeg-turbo 2.1.5 and tiffcp of libtiff 4.5:  python3 make_format_fixtures.py

jpeg/NAME.jpg      baseline and progressive, gray and colours of every sampling, EXIF's eight orientations
jpeg/NAME.gray     (height, width) bytes, upright: ImageOps.exif_transpose(Image.open(NAME.jpg)).convert("L")
jpeg/NAME-FIT-SIDE.png   that, padded or stretched, then Image.resize((SIDE, SIDE), Image.BILINEAR)
jpeg/refused/      what is not read
tiff/NAME.tif      strips and tiles, compressions, orders of bytes, gray and RGB
tiff/NAME.gray     (height, width) bytes: the samples that were written, colours by convert("L"), of JPEG as Pillow reads
tiff/NAME.float    16 bits a sample: value / 65535, little-endian float32
tiff/refused/      what is not read
deep/BITS[-sbitBITS][-spread].png   16-bit files of fewer bits; spread over 16 as PNG's standard asks for
"""

import pathlib
import shutil
import subprocess

import numpy as np
from PIL import Image, ImageOps

from make_fixtures import GRAY, chunk, png

HERE = pathlib.Path(__file__).parent
JPEG, TIFF = HERE / "jpeg", HERE / "tiff"
random = np.random.default_rng(2010_09856)


def samples(width, height, channels, largest=255, noise=0.05):
    """Waves with noise, so that neither a wrong row nor a wrong weight goes unnoticed."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [0.5 + 0.4 * np.sin(x / (3 + c) + c) * np.cos(y / (4 - c / 2)) for c in range(channels)]
    noisy = np.stack(waves, -1) + random.normal(0, noise, (height, width, channels))
    return np.clip(np.rint(noisy * largest), 0, largest).astype(int)


def image(width, height, mode):
    values = samples(width, height, len(mode)).astype(np.uint8)
    return Image.fromarray(values[..., 0] if mode == "L" else values)


# MARK: JPEG


def jpeg(name, picture, **options):
    path = JPEG / f"{name}-{picture.width}x{picture.height}.jpg"
    picture.save(path, "JPEG", **({"quality": 85} | options))
    upright = ImageOps.exif_transpose(Image.open(path)).convert("L")
    path.with_suffix(".gray").write_bytes(upright.tobytes())
    return path


def squared(picture, fit):
    if fit == "stretch":
        return picture
    edge = max(picture.size)
    canvas = Image.new(picture.mode, (edge, edge), 0)
    canvas.paste(picture, ((edge - picture.width) // 2, (edge - picture.height) // 2))
    return canvas


def patched(path, name, change):
    data = bytearray(path.read_bytes())
    change(data)
    (JPEG / "refused" / f"{name}.jpg").write_bytes(data)


def frame(data):
    """Where the frame header's marker is."""
    return data.index(b"\xff\xc0")


def make_jpeg():
    gray = jpeg("gray", image(45, 37, "L"))
    jpeg("gray-progressive", image(45, 37, "L"), progressive=True)
    jpeg("gray-optimized-poor", image(45, 37, "L"), quality=20, optimize=True)
    jpeg("gray-restarts", image(45, 37, "L"), restart_marker_blocks=2)
    for width, height in ((1, 1), (1, 9), (9, 1), (8, 8), (17, 16)):
        jpeg("gray", image(width, height, "L"))
        jpeg("rgb420", image(width, height, "RGB"), subsampling="4:2:0")
    for sampling in ("4:4:4", "4:2:2", "4:2:0"):
        name = "rgb" + sampling.replace(":", "")
        jpeg(name, image(45, 37, "RGB"), subsampling=sampling)
        jpeg(f"{name}-progressive", image(45, 37, "RGB"), subsampling=sampling, progressive=True)
    jpeg("rgb-stored", image(45, 37, "RGB"), keep_rgb=True)
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0110] = "a scanner"
        exif[0x0112] = orientation
        jpeg(f"gray-turned{orientation}", image(21, 14, "L"), exif=exif)
        if orientation in (3, 6):
            exif.endian = ">"
            jpeg(f"rgb420-turned{orientation}", image(21, 14, "RGB"), exif=exif, subsampling="4:2:0")

    for name, mode, sides in (("gray", "L", (64, 128)), ("rgb420", "RGB", (64,))):
        path = jpeg(name, image(200, 151, mode), **({"subsampling": "4:2:0"} if mode == "RGB" else {}))
        picture = Image.open(path).convert("L")
        for fit in ("pad", "stretch"):
            for side in sides:
                resized = squared(picture, fit).resize((side, side), Image.BILINEAR)
                resized.save(path.with_name(f"{path.stem}-{fit}-{side}.png"), optimize=True)

    Image.fromarray(samples(45, 37, 4).astype(np.uint8), "CMYK").save(JPEG / "refused" / "cmyk.jpg", "JPEG")

    def ycck(data):
        data[data.index(b"Adobe") + 11] = 2

    patched(JPEG / "refused" / "cmyk.jpg", "ycck", ycck)

    def twelve_bits(data):
        data[frame(data) + 4] = 12
        data[frame(data) + 1] = 0xC1

    def lossless(data):
        data[frame(data) + 1] = 0xC3

    def hierarchical(data):
        data[frame(data) + 1] = 0xC5

    patched(gray, "12-bit", twelve_bits)
    patched(gray, "lossless", lossless)
    patched(gray, "hierarchical", hierarchical)
    for name in ("gray", "rgb420"):
        for progressive in ([], ["-progressive"]):
            target = JPEG / "refused" / f"arithmetic-{name}{''.join(progressive)}.jpg"
            source = JPEG / f"{name}-17x16.jpg"
            subprocess.run(["jpegtran", "-arithmetic", *progressive, "-outfile", target, source], check=True)


# MARK: TIFF


def tiff(name, values, **options):
    """Of samples (height, width, channels), at most 255 as 8 bits."""
    values = np.asarray(values)
    deep = options.pop("deep", False)
    stored = values.astype(np.uint16 if deep else np.uint8)
    stored = stored[..., 0] if stored.shape[2] == 1 else stored
    path = TIFF / f"{name}.tif"
    Image.fromarray(stored).save(path, "TIFF", **options)
    expect(path, values, deep)
    return path


def expect(path, values, deep):
    values = np.asarray(values)
    if deep:
        weights = np.array([19595.0, 38470.0, 7471.0]) / 65536
        gray = values[..., :3] @ weights if values.shape[2] >= 3 else values[..., 0]
        path.with_suffix(".float").write_bytes((gray / 65535.0).astype("<f4").tobytes())
    elif values.shape[2] >= 3:
        gray = Image.fromarray(values[..., :3].astype(np.uint8)).convert("L")
        path.with_suffix(".gray").write_bytes(gray.tobytes())
    else:
        path.with_suffix(".gray").write_bytes(values[..., 0].astype(np.uint8).tobytes())


def copied(path, name, values, deep, *options):
    target = TIFF / f"{name}.tif"
    subprocess.run(["tiffcp", *options, path, target], check=True)
    if values is not None:
        expect(target, values, deep)
    return target


def refused(name, picture, **options):
    picture.save(TIFF / "refused" / f"{name}.tif", "TIFF", **options)


def deep_rgb(path, values):
    """16-bit RGB, which Pillow does not write: one strip, no compression, most significant byte first."""
    height, width, _ = values.shape
    pixels = values.astype(">u2").tobytes()
    tags = [(256, 3, 1, width), (257, 3, 1, height), (258, 3, 3, 8), (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 1, 14),
            (277, 3, 1, 3), (278, 3, 1, height), (279, 4, 1, len(pixels))]

    def number(value, size):
        return value.to_bytes(size, "big")

    start = 14 + len(pixels)
    data = b"MM\0\x2a" + number(start, 4) + number(16, 2) * 3 + pixels + number(len(tags), 2)
    for tag, kind, count, value in tags:
        short = kind == 3 and count == 1
        data += number(tag, 2) + number(kind, 2) + number(count, 4) + (number(value, 2) + b"\0\0" if short else number(value, 4))
    path.write_bytes(data + number(0, 4))
    expect(path, values, True)


def make_tiff():
    gray, deep, rgb = samples(45, 37, 1), samples(45, 37, 1, 65535), samples(45, 37, 3)
    plain = tiff("gray8", gray)
    for name, compression in (("lzw", "tiff_lzw"), ("deflate", "tiff_adobe_deflate"), ("packbits", "packbits")):
        tiff(f"gray8-{name}", gray, compression=compression)
        tiff(f"gray16-{name}", deep, deep=True, compression=compression)
        tiff(f"rgb8-{name}", rgb, compression=compression)
    plain16 = tiff("gray16", deep, deep=True)
    plain_rgb = tiff("rgb8", rgb)
    tiff("rgba8", samples(45, 37, 4), compression="tiff_lzw")
    tiff("grayalpha8", samples(45, 37, 2), compression="tiff_lzw")
    tiff("gray8-big", gray, big_tiff=True)
    tiff("gray16-12-bits", samples(45, 37, 1, 4095), deep=True)
    deep_rgb(TIFF / "rgb16.tif", samples(20, 11, 3, 65535))
    for name, path, values, is_deep in (
        ("gray8", plain, gray, False), ("gray16", plain16, deep, True), ("rgb8", plain_rgb, rgb, False),
    ):
        copied(path, f"{name}-tiles", values, is_deep, "-t", "-w", "16", "-l", "32")
        copied(path, f"{name}-tiles-lzw", values, is_deep, "-t", "-w", "32", "-l", "16", "-c", "lzw:2")
        copied(path, f"{name}-strips", values, is_deep, "-s", "-r", "5", "-c", "zip:2")
        copied(path, f"{name}-big-endian", values, is_deep, "-B", "-s", "-r", "8")
    # Where 0 is white.
    white = tiff("gray8-white", gray, tiffinfo={262: 0})
    assert Image.open(white).tag_v2[262] == 0
    stored = np.array(Image.open(plain))
    data = bytearray(plain.read_bytes())
    white.write_bytes(with_tag(data, 262, 0))
    expect(white, 255 - stored[..., None].astype(int), False)
    for name, source, largest in (
        ("gray16-white", plain16, 65535), ("gray16-white-12-bits", TIFF / "gray16-12-bits.tif", 4095),
    ):
        target = TIFF / f"{name}.tif"
        target.write_bytes(with_tag(bytearray(source.read_bytes()), 262, 0))
        expect(target, largest - np.array(Image.open(source)).astype(int)[..., None], True)
    # Two pages: the first counts.
    first, second = (Image.fromarray(v[..., 0].astype(np.uint8)) for v in (gray, 255 - gray))
    first.save(TIFF / "pages.tif", "TIFF", save_all=True, append_images=[second])
    expect(TIFF / "pages.tif", gray, False)
    for orientation in (3, 6, 8):
        path = TIFF / f"turned{orientation}.tif"
        Image.fromarray(gray[..., 0].astype(np.uint8)).save(path, "TIFF", tiffinfo={274: orientation})
        way = {3: Image.ROTATE_180, 6: Image.ROTATE_270, 8: Image.ROTATE_90}[orientation]
        path.with_suffix(".gray").write_bytes(Image.fromarray(gray[..., 0].astype(np.uint8)).transpose(way).tobytes())
    path = TIFF / "gray8-jpeg.tif"
    Image.fromarray(gray[..., 0].astype(np.uint8)).save(path, "TIFF", compression="jpeg", quality=90)
    path.with_suffix(".gray").write_bytes(Image.open(path).convert("L").tobytes())

    picture = Image.fromarray(rgb.astype(np.uint8))
    refused("palette", picture.quantize(16))
    refused("cmyk", picture.convert("CMYK"))
    refused("lab", Image.fromarray(rgb.astype(np.uint8), "LAB"))
    refused("ycbcr", picture.convert("YCbCr"))
    refused("bilevel", picture.convert("1"), compression="group4")
    refused("float", Image.fromarray(gray[..., 0].astype(np.float32)))
    refused("signed", Image.fromarray(gray[..., 0].astype(np.int32)))
    refused("lzma", picture.convert("L"), compression="lzma")
    copied(plain_rgb, "refused/planes", None, False, "-p", "separate")


# MARK: PNG of fewer bits


def make_deep():
    (HERE / "deep").mkdir()
    for bits, said, spread in (
        (8, None, False), (10, None, False), (12, None, False), (14, None, False), (16, None, False), (9, 12, False),
        (12, 12, False), (12, 12, True), (12, 10, False),
    ):
        values = samples(23, 17, 1, 2**bits - 1)
        values[0, 0] = 2**bits - 1
        values[0, 1] = 0
        if spread:
            values = values << (16 - bits) | values >> (2 * bits - 16)
        name = f"{bits}" + (f"-sbit{said}" if said else "") + ("-spread" if spread else "")
        extra = chunk(b"sBIT", bytes([said])) if said else b""
        (HERE / "deep" / f"{name}.png").write_bytes(png(values, GRAY, 16, extra=extra))


def with_tag(data, tag, value):
    """The same file with another number in one tag of its first directory; little ends first."""
    directory = int.from_bytes(data[4:8], "little")
    for i in range(int.from_bytes(data[directory : directory + 2], "little")):
        entry = directory + 2 + 12 * i
        if int.from_bytes(data[entry : entry + 2], "little") == tag:
            data[entry + 8 : entry + 10] = value.to_bytes(2, "little")
            return data
    raise ValueError(f"no tag {tag}")


if __name__ == "__main__":
    for folder in (JPEG, TIFF):
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "refused").mkdir(parents=True)
    shutil.rmtree(HERE / "deep", ignore_errors=True)
    make_jpeg()
    make_tiff()
    make_deep()
