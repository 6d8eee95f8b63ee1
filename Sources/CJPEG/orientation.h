#pragma once

#include <stddef.h>
#include <stdint.h>

// EXIF's orientation, 1...8, in the contents of an APP1 marker; 0 where there is none.
uint32_t cjpeg_orientation(const uint8_t *bytes, size_t count);
