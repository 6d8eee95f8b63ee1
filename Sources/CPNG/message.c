#include "message.h"

#include <stdio.h>

void cpng_on_error(png_structp png, png_const_charp text) {
  Complaint *complaint = png_get_error_ptr(png);
  snprintf(complaint->text, sizeof complaint->text, "%s", text);
  png_longjmp(png, 1);
}

void cpng_on_warning(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}
