"""Draws phantoms and writes them in the formats that `images.py` and `salad bench --data-loading` read: 1024 x 1024 as
PNG, JPEG (quality 90) and TIFF, 3000 x 2500 of 16 bits as uncompressed DICOM without a window.
"""

import argparse
import subprocess
from pathlib import Path

import numpy
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

COUNT = 96
DICOM_COUNT = 24
DICOM_SIZE = (2500, 3000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--salad", required=True, help="the program that draws")
    parser.add_argument("--folder", type=Path, required=True, help="to make")
    arguments = parser.parse_args()
    subprocess.run(
        [arguments.salad, "phantom", arguments.folder, "--train", str(COUNT), "--test-normal", "0", "--test-anomalous", "0",
         "--size", "1024"], check=True)
    for place, path in enumerate(sorted(arguments.folder.rglob("*.png"))):
        image = Image.open(path)
        image.save(path.with_suffix(".jpg"), quality=90)
        image.save(path.with_suffix(".tif"))
        if place < DICOM_COUNT:
            write_dicom(image, path.with_suffix(".dcm"))


def write_dicom(image: Image.Image, path: Path) -> None:
    gray = numpy.asarray(image.convert("F").resize(DICOM_SIZE, Image.Resampling.BICUBIC))
    noise = numpy.random.default_rng(0).normal(0, 40, gray.shape)
    pixels = numpy.clip(gray * 200 + 3000 + noise, 0, 65535).astype(numpy.uint16)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID = meta.MediaStorageSOPClassUID
    data.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    data.Modality = "DX"
    data.PresentationIntentType = "FOR PRESENTATION"
    data.PhotometricInterpretation = "MONOCHROME2"
    data.SamplesPerPixel = 1
    data.Rows, data.Columns = pixels.shape
    data.BitsAllocated = data.BitsStored = 16
    data.HighBit = 15
    data.PixelRepresentation = 0
    data.PixelData = pixels.tobytes()
    data.save_as(path, enforce_file_format=True)


if __name__ == "__main__":
    main()
