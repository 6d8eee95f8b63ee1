#pragma once

#include <png.h>

#include "CPNG.h"

// What libpng said last. Its address is libpng's error pointer.
typedef struct {
  char text[CPNG_MESSAGE_SIZE];
} Complaint;

// Keeps the message and jumps to the setjmp of the function that called libpng.
PNG_NORETURN void cpng_on_error(png_structp png, png_const_charp text);

// libpng would print warnings to standard error; an image that it can still read is good enough.
void cpng_on_warning(png_structp png, png_const_charp text);
