#!/usr/bin/env python3
"""Makes the DICOM files that DICOMTests.swift reads, and what pydicom makes of them.

Needs pydicom, pylibjpeg with its three plugins, pyjpegls, safetensors, and the tools of dcmtk and OpenJPEG:

    python3 -m venv env && env/bin/pip install pydicom pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg pylibjpeg-rle \
      pyjpegls numpy safetensors
    apt-get install dcmtk libopenjp2-tools
    env/bin/python dicom.py ../RadiographsTests/Fixtures/dicom

SYNTAX-PIXELS.dcm     one picture in each transfer syntax that can hold it
gray-NAME.dcm         the way from stored values to gray
dicom.safetensors     gray values in 0...1, float32 of doubles: of each file by its name; of a picture without loss by
                      its pixels' name alone, since all syntaxes must agree (this script makes sure that pydicom's do)

Made with pydicom 3.0.2, pylibjpeg 2.1.0 (libjpeg 2.5.0, openjpeg 2.6.0, rle 2.2.0), pyjpegls 1.5.1, dcmtk 3.6.7,
OpenJPEG 2.5.0.
"""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels import apply_modality_lut, apply_voi_lut
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian
from safetensors.numpy import save_file

ROWS, COLUMNS = 40, 32
ROOT = "1.2.840.10008.1.2"

# Pixels by name: bits allocated, bits stored, signed, interpretation.
PIXELS = {
    "8bit": (8, 8, 0, "MONOCHROME2"),
    "10bit": (16, 10, 0, "MONOCHROME2"),
    "12bit": (16, 12, 0, "MONOCHROME2"),
    "16bit": (16, 16, 0, "MONOCHROME2"),
    "signed12": (16, 12, 1, "MONOCHROME2"),
    "signed16": (16, 16, 1, "MONOCHROME2"),
    "inverted12": (16, 12, 0, "MONOCHROME1"),
}


def stored(bits, signed):
    """A smooth picture with some noise, over the whole range."""
    y, x = np.mgrid[0:ROWS, 0:COLUMNS]
    random = np.random.default_rng(7)
    shape = 0.5 + 0.35 * np.sin(x / 6.0) * np.cos(y / 9.0) + 0.1 * (x / COLUMNS - y / ROWS)
    values = np.round((shape + random.normal(0, 0.01, shape.shape)).clip(0, 1) * (2**bits - 1)).astype(np.int64)
    values[0, 0], values[-1, -1] = 0, 2**bits - 1
    return values - 2 ** (bits - 1) if signed else values


def dataset(allocated, bits, signed, interpretation, values=None):
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
    data.file_meta.MediaStorageSOPInstanceUID = "1.2.826.0.1.3680043.10.1.1"
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID
    data.Modality = "DX"
    data.PresentationIntentType = "FOR PRESENTATION"
    data.Manufacturer = "Example Works"
    data.ManufacturerModelName = "Ray 1"
    data.PatientName = "Doe^Jane"
    data.PatientID = "P0042"
    data.PatientSex = "F"
    data.PatientAge = "045Y"
    data.ViewPosition = "PA"
    data.StudyInstanceUID = "1.2.826.0.1.3680043.10.1.2"
    data.SeriesInstanceUID = "1.2.826.0.1.3680043.10.1.3"
    data.ImageLaterality = "U"
    data.BurnedInAnnotation = "NO"
    data.SamplesPerPixel = 1
    data.PhotometricInterpretation = interpretation
    data.Rows, data.Columns = ROWS, COLUMNS
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = allocated, bits, bits - 1, signed
    values = stored(bits, signed) if values is None else values
    data.PixelData = values.astype(f"<i{allocated // 8}" if signed else f"<u{allocated // 8}").tobytes()
    data["PixelData"].VR = "OB" if allocated == 8 else "OW"
    return data


def with_window(data):
    """Brighter and darker pixels are cut on either side."""
    bits, signed = data.BitsStored, data.PixelRepresentation
    data.WindowCenter = 2 ** (bits - 1) - (2 ** (bits - 1) if signed else 0)
    data.WindowWidth = int(0.8 * 2**bits)
    return data


def save(data, path, syntax=ROOT + ".1"):
    data.file_meta.TransferSyntaxUID = UID(syntax)
    implicit, little = syntax == ROOT, syntax != ROOT + ".2"
    if not little and data.BitsAllocated > 8:
        # pydicom writes words as they are.
        data.PixelData = np.frombuffer(data.PixelData, f"<u{data.BitsAllocated // 8}").byteswap().tobytes()
    data.save_as(path, enforce_file_format=True, implicit_vr=implicit, little_endian=little)


def run(*command):
    subprocess.run([str(c) for c in command], check=True, stdout=subprocess.DEVNULL)


def jpeg2000(data, path, lossy, scratch):
    raw, codestream = scratch / "a.raw", scratch / "a.j2k"
    bits = data.BitsStored
    values = stored(bits, data.PixelRepresentation)
    # opj_compress takes big-endian words.
    raw.write_bytes(values.astype(np.int64).astype(">i2" if bits > 8 else "u1").tobytes())
    sign = "s" if data.PixelRepresentation else "u"
    options = ["-I", "-r", "4"] if lossy else []
    run("opj_compress", "-i", raw, "-o", codestream, "-F", f"{COLUMNS},{ROWS},1,{bits},{sign}", "-n", 4, *options)
    data.PixelData = encapsulate([codestream.read_bytes()])
    data["PixelData"].is_undefined_length = True
    data["PixelData"].VR = "OB"
    save(data, path, ROOT + (".4.91" if lossy else ".4.90"))


def gray(data, values=None):
    """0...1 as docs/dicom.md has it, by pydicom as far as it goes."""
    values = data.pixel_array if values is None else values
    measured = apply_modality_lut(values, data)
    low, high = measured.min(), measured.max()
    if "VOILUTSequence" in data:
        count, first, bits = data.VOILUTSequence[0].LUTDescriptor
        low, high = 0, 2**bits - 1
        entries = data.VOILUTSequence[0].LUTData
        order = "<" if data.file_meta.TransferSyntaxUID.is_little_endian else ">"
        entries = np.frombuffer(entries, order + "u2") if isinstance(entries, bytes) else np.array(entries)
        result = entries[(measured.astype(np.int64) - first).clip(0, len(entries) - 1)]
        # Beyond the ends of a table of 8 bits pydicom counts modulo 256.
        assert bits == 8 or np.array_equal(result, apply_voi_lut(measured, data))
    elif "WindowWidth" in data:
        # The range that pydicom maps a window to.
        if "ModalityLUTSequence" in data:
            low, high = 0, 2 ** data.ModalityLUTSequence[0].LUTDescriptor[2] - 1
        else:
            bits = data.BitsStored
            low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if data.PixelRepresentation else (0, 2**bits - 1)
            if "RescaleSlope" in data:
                low, high = (float(data.RescaleSlope) * v + float(data.RescaleIntercept) for v in (low, high))
        result = apply_voi_lut(measured, data)
    else:
        # Nearest ranks of what is no padding.
        inside = np.ones(values.shape, bool)
        if "PixelPaddingValue" in data:
            ends = [data.PixelPaddingValue, data.get("PixelPaddingRangeLimit", data.PixelPaddingValue)]
            inside = (values < min(ends)) | (values > max(ends))
        ranked = np.sort(measured[inside].astype(np.float64))
        skipped = int(len(ranked) * 0.01)
        low, high = ranked[skipped], ranked[-1 - skipped]
        result = measured
    result = ((np.asarray(result, np.float64) - low) / (high - low)).clip(0, 1)
    if data.PhotometricInterpretation == "MONOCHROME1" or data.get("PresentationLUTShape") == "INVERSE":
        result = 1 - result
    return result.astype(np.float32)


def table(first, bits, entries, signed=False, vr="US"):
    item = Dataset()
    item.add_new("LUTDescriptor", "SS" if signed else "US", [len(entries) % 65536, first, bits])
    item.add_new("LUTData", vr, list(entries) if vr == "US" else bytes(entries))
    return Sequence([item])


def syntaxes(folder, expected, scratch):
    for name, (allocated, bits, signed, interpretation) in PIXELS.items():
        made = {}

        def fresh():
            return with_window(dataset(allocated, bits, signed, interpretation))

        for label, syntax in [("implicit", ""), ("explicit", ".1"), ("deflated", ".1.99"), ("bigendian", ".2")]:
            made[label] = folder / f"{label}-{name}.dcm"
            save(fresh(), made[label], ROOT + syntax)
        source = made["explicit"]
        tools = [("rle", ["dcmcrle"]), ("jpeg57", ["dcmcjpeg", "+el", "+sv", "4"]), ("jpeg70", ["dcmcjpeg", "+e1"])]
        tools.append(("jpegls80", ["dcmcjpls", "+el"]))
        if not signed:
            tools.append(("jpegls81", ["dcmcjpls", "+en", "+md", "2"]))
        if bits == 8:
            tools.append(("jpeg50", ["dcmcjpeg", "+eb", "+q", "90"]))
        if bits in (8, 10, 12) and not signed:
            tools.append(("jpeg51", ["dcmcjpeg", "+ee", "+q", "90"]))
        for label, command in tools:
            made[label] = folder / f"{label}-{name}.dcm"
            run(*command, source, made[label])
        made["jpeg2000-90"] = folder / f"jpeg2000-90-{name}.dcm"
        jpeg2000(fresh(), made["jpeg2000-90"], False, scratch)
        if not signed:
            made["jpeg2000-91"] = folder / f"jpeg2000-91-{name}.dcm"
            jpeg2000(fresh(), made["jpeg2000-91"], True, scratch)
        lossy = {"jpeg50", "jpeg51", "jpegls81", "jpeg2000-91"}
        expected[name] = gray(pydicom.dcmread(source))
        for label, path in made.items():
            data = pydicom.dcmread(path)
            found = gray(data)
            if label in lossy:
                expected[path.stem] = found
            else:
                assert np.array_equal(found, expected[name]), path
                assert np.array_equal(data.pixel_array, stored(bits, signed)), path


def grays(folder, expected):
    def add(name, data, syntax=ROOT + ".1", values=None):
        path = folder / f"gray-{name}.dcm"
        save(data, path, syntax)
        expected[path.stem] = gray(pydicom.dcmread(path), values)

    twelve, signed = (16, 12, 0, "MONOCHROME2"), (16, 12, 1, "MONOCHROME2")

    def window(centre, width, function=None, kind=twelve, slope=None, intercept=0):
        data = dataset(*kind)
        data.WindowCenter, data.WindowWidth = centre, width
        if function:
            data.VOILUTFunction = function
        if slope:
            data.RescaleSlope, data.RescaleIntercept = slope, intercept
        return data

    add("linear", window(1800.5, 2000))
    add("linear-exact", window(1800.5, 2000, "LINEAR_EXACT"))
    add("sigmoid", window(1800.5, 1200, "SIGMOID"))
    add("two-windows", window([1800, 100], [2000, 50]))
    add("threshold", window(2000, 1))
    add("rescale", window(400, 900, slope="0.5", intercept="-300"))
    add("rescale-signed", window(-40, 400, kind=signed, slope="1.5", intercept="-24"))
    add("sigmoid-inverted", window(1800, 1200, "SIGMOID", kind=(16, 12, 0, "MONOCHROME1")))

    shape = window(1800, 2000)
    shape.PresentationLUTShape = "INVERSE"
    add("shape", shape)
    both = window(1800, 2000, kind=(16, 12, 0, "MONOCHROME1"))
    both.PresentationLUTShape = "INVERSE"
    add("shape-inverted", both)

    curve = (65535 * (np.arange(4096) / 4095) ** 2.2).astype(int)
    voi = window(10, 10)
    voi.VOILUTSequence = table(0, 16, curve)
    add("table", voi)
    add("table-implicit", voi, ROOT)
    add("table-bigendian", voi, ROOT + ".2")
    part = dataset(*twelve)
    part.VOILUTSequence = table(1000, 8, range(256))
    add("table-part", part)
    packed = dataset(*signed)
    packed.VOILUTSequence = table(-128, 8, range(0, 256), signed=True)
    add("table-signed", packed)
    modality = window(30000, 50000)
    modality.ModalityLUTSequence = table(0, 16, curve)
    modality.ModalityLUTSequence[0].ModalityLUTType = "US"
    add("modality-table", modality)

    add("percentiles", dataset(*twelve))
    add("percentiles-signed", dataset(*signed))
    slope = dataset(*twelve)
    slope.RescaleSlope, slope.RescaleIntercept = -2, 10
    add("percentiles-falling", slope)
    padded_values = stored(12, 0).clip(100, 4000)
    padded_values[:, :12] = 4095
    padded = dataset(*twelve, values=padded_values)
    padded.PixelPaddingValue = 4095
    add("padding", padded)
    padded_values = stored(12, 1).clip(-1500, 2000)
    padded_values[:12] = -2000
    padded_values[12:14] = -1900
    padded = dataset(*signed, values=padded_values)
    padded.add_new("PixelPaddingValue", "SS", -2048)
    padded.add_new("PixelPaddingRangeLimit", "SS", -1800)
    add("padding-range", padded)

    # Twelve bits in the upper ones of sixteen, and other things in the lower: pydicom leaves those to its user.
    high = window(1800, 2000)
    high.PixelData = (stored(12, 0) << 4 | stored(4, 0)).astype("<u2").tobytes()
    high.HighBit = 15
    add("high-bits", high, values=stored(12, 0))
    overlay = window(1800, 2000)
    overlay.PixelData = (stored(12, 0) | stored(4, 0) << 12).astype("<u2").tobytes()
    add("overlay-bits", overlay, values=stored(12, 0))
    wide = dataset(32, 20, 0, "MONOCHROME2")
    wide.WindowCenter, wide.WindowWidth = 500000, 800000
    add("32-bits", wide)
    wide = dataset(32, 32, 1, "MONOCHROME2")
    add("32-bits-signed", wide)
    # Words of two pixels, which big-endian machines swapped.
    swapped = with_window(dataset(*PIXELS["8bit"]))
    swapped.PixelData = stored(8, 0).astype("u1").tobytes()
    path = folder / "gray-words-bigendian.dcm"
    swapped["PixelData"].VR = "OW"
    swapped.PixelData = stored(8, 0).astype("u1").reshape(-1, 2)[:, ::-1].tobytes()
    save(swapped, path, ROOT + ".2")
    expected[path.stem] = expected["8bit"]
    # Compressed pixels in several fragments, and a table of offsets.
    whole = pydicom.dcmread(folder / "jpeg70-12bit.dcm")
    frame = next(generate_frames(whole.PixelData, number_of_frames=1))
    whole.PixelData = encapsulate([frame], fragments_per_frame=3, has_bot=True)
    path = folder / "gray-fragments.dcm"
    save(whole, path, ROOT + ".4.70")
    expected[path.stem] = gray(pydicom.dcmread(path))
    # Sequences in sequences, of undefined length, which nobody asks for.
    nested = window(1800, 2000)
    inner, outer = Dataset(), Dataset()
    inner.CodeValue = "121326"
    outer.PurposeOfReferenceCodeSequence = Sequence([inner])
    outer["PurposeOfReferenceCodeSequence"].is_undefined_length = True
    outer.is_undefined_length_sequence_item = True
    nested.ReferencedImageSequence = Sequence([outer, outer])
    nested["ReferencedImageSequence"].is_undefined_length = True
    add("nested", nested)


def bare(folder):
    """Data sets without a preamble or a transfer syntax."""
    for label in ["implicit", "explicit", "bigendian"]:
        whole = (folder / f"{label}-12bit.dcm").read_bytes()
        for group in ["meta", "bare"]:
            if group == "meta":
                (folder / f"bare-{group}-{label}").write_bytes(whole[132:])
            else:
                first = b"\x00\x08\x00\x16" if label == "bigendian" else b"\x08\x00\x16\x00"
                (folder / f"bare-{group}-{label}").write_bytes(whole[whole.index(first, 132 + 12) :])


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    expected = {}
    with tempfile.TemporaryDirectory() as scratch:
        syntaxes(folder, expected, pathlib.Path(scratch))
    grays(folder, expected)
    bare(folder)
    save_file(expected, str(folder / "dicom.safetensors"))
    print(f"{len(list(folder.iterdir())) - 1} files, {len(expected)} tensors")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
