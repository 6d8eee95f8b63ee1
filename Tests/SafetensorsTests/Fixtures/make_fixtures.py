"""Writes reference.safetensors beside this script: python3 make_fixtures.py (pip install safetensors numpy).

The reference implementation (safetensors 0.8.0) chose its tensors' order: by element type, then by name.
"""

import pathlib

import numpy
from safetensors.numpy import save_file

save_file(
    {
        "steps": numpy.array(-7, dtype=numpy.int64),
        "doubles": numpy.array([0.1, -2.5e300], dtype=numpy.float64),
        "weight": numpy.arange(6, dtype=numpy.float32).reshape(2, 3) / 4,
        "größe \"1\"\n": numpy.array([-0.0, numpy.inf], dtype=numpy.float32),
        "empty": numpy.zeros((0, 4), dtype=numpy.float32),
        "bytes": numpy.array([0, 127, 255], dtype=numpy.uint8),
        "halves": numpy.array([1.5], dtype=numpy.float16),
    },
    pathlib.Path(__file__).with_name("reference.safetensors"),
    metadata={"format": "pt"},
)
