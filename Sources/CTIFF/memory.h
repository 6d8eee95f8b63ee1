#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tiffio.h>

#include "CTIFF.h"

// A file in memory, and what libtiff said of it.
typedef struct {
  const uint8_t *bytes;
  size_t count;
  size_t position;
  bool ended_early;  // somebody asked for bytes behind the end
  bool warnings_are_errors;
  bool has_complaint;  // the first one counts: what follows is often its consequence
  char message[CTIFF_MESSAGE_SIZE];
} Memory;

// Opens the file for reading. NULL where it is no TIFF, with a message; to be closed by TIFFClose.
TIFF *ctiff_open(Memory *memory);
