#include "orientation.h"

#include <stdbool.h>
#include <string.h>

// EXIF is a TIFF file behind six bytes: byte order, 42, where the first directory is, its entries of 12 bytes.
enum { PREFIX = 6, HEADER = 8, ENTRY = 12, TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3 };

static uint32_t number(const uint8_t *bytes, int size, bool little) {
  uint32_t value = 0;
  for (int i = 0; i < size; i++) value = value << 8 | bytes[little ? size - 1 - i : i];
  return value;
}

uint32_t cjpeg_orientation(const uint8_t *bytes, size_t count) {
  if (count < PREFIX + HEADER || memcmp(bytes, "Exif\0", 5) != 0) return 0;
  const uint8_t *tiff = bytes + PREFIX;
  size_t size = count - PREFIX;
  bool little = tiff[0] == 'I' && tiff[1] == 'I';
  if (!little && !(tiff[0] == 'M' && tiff[1] == 'M')) return 0;
  if (number(tiff + 2, 2, little) != 42) return 0;
  size_t directory = number(tiff + 4, 4, little);
  if (directory > size - 2) return 0;
  size_t entries = number(tiff + directory, 2, little);
  for (size_t i = 0; i < entries; i++) {
    size_t start = directory + 2 + i * ENTRY;
    if (start + ENTRY > size) return 0;
    const uint8_t *entry = tiff + start;
    if (number(entry, 2, little) != TAG_ORIENTATION) continue;
    if (number(entry + 2, 2, little) != TYPE_SHORT) return 0;
    uint32_t value = number(entry + 8, 2, little);
    return value >= 1 && value <= 8 ? value : 0;
  }
  return 0;
}
