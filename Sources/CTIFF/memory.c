#include "memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// What one table or buffer of libtiff's may take: those of the pixels are ours, a compressed strip is at most the file.
enum { MAX_ALLOCATION = 1 << 30 };

static tmsize_t read_bytes(thandle_t handle, void *destination, tmsize_t size) {
  Memory *memory = handle;
  size_t left = memory->position < memory->count ? memory->count - memory->position : 0;
  size_t taken = (size_t)size < left ? (size_t)size : left;
  if (taken < (size_t)size) memory->ended_early = true;
  if (taken > 0) memcpy(destination, memory->bytes + memory->position, taken);
  memory->position += taken;
  return (tmsize_t)taken;
}

static tmsize_t write_nothing(thandle_t handle, void *source, tmsize_t size) {
  (void)handle, (void)source, (void)size;
  return 0;
}

static toff_t seek(thandle_t handle, toff_t offset, int whence) {
  Memory *memory = handle;
  toff_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? memory->position : memory->count;
  // Behind the end there is nothing, wherever that is.
  toff_t target = base + offset;
  memory->position = target > SIZE_MAX / 2 ? SIZE_MAX / 2 : (size_t)target;
  return (toff_t)memory->position;
}

static int close_nothing(thandle_t handle) {
  (void)handle;
  return 0;
}

static toff_t size_of(thandle_t handle) { return ((Memory *)handle)->count; }

// Without a map libtiff reads by `read_bytes`, which sees where a file ends early.
static int map_nothing(thandle_t handle, void **base, toff_t *size) {
  (void)handle, (void)base, (void)size;
  return 0;
}

static void unmap_nothing(thandle_t handle, void *base, toff_t size) { (void)handle, (void)base, (void)size; }

static void complain(Memory *memory, const char *format, va_list arguments) {
  if (memory == NULL || memory->has_complaint) return;
  memory->has_complaint = true;
  vsnprintf(memory->message, sizeof memory->message, format, arguments);
}

#if TIFFLIB_VERSION >= 20221213
// Each file has handlers of its own.
static int on_error(TIFF *tiff, void *user_data, const char *module, const char *format, va_list arguments) {
  (void)tiff, (void)module;
  complain(user_data, format, arguments);
  return 1;
}

static int on_warning(TIFF *tiff, void *user_data, const char *module, const char *format, va_list arguments) {
  (void)tiff, (void)module;
  Memory *memory = user_data;
  if (memory->warnings_are_errors) complain(memory, format, arguments);
  return 1;
}

TIFF *ctiff_open(Memory *memory) {
  TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
  if (options == NULL) return NULL;
  TIFFOpenOptionsSetMaxSingleMemAlloc(options, MAX_ALLOCATION);
  TIFFOpenOptionsSetErrorHandlerExtR(options, on_error, memory);
  TIFFOpenOptionsSetWarningHandlerExtR(options, on_warning, memory);
  TIFF *tiff = TIFFClientOpenExt(
    "image", "rm", memory, read_bytes, write_nothing, seek, close_nothing, size_of, map_nothing, unmap_nothing,
    options);
  TIFFOpenOptionsFree(options);
  return tiff;
}
#else
// Before libtiff 4.5 there is one handler for all files, which is told whose error it is.
#include <pthread.h>

static void on_error(thandle_t handle, const char *module, const char *format, va_list arguments) {
  (void)module;
  complain(handle, format, arguments);
}

static void on_warning(thandle_t handle, const char *module, const char *format, va_list arguments) {
  (void)module;
  Memory *memory = handle;
  if (memory != NULL && memory->warnings_are_errors) complain(memory, format, arguments);
}

static void set_handlers(void) {
  TIFFSetErrorHandler(NULL);
  TIFFSetWarningHandler(NULL);
  TIFFSetErrorHandlerExt(on_error);
  TIFFSetWarningHandlerExt(on_warning);
}

TIFF *ctiff_open(Memory *memory) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, set_handlers);
  return TIFFClientOpen(
    "image", "rm", memory, read_bytes, write_nothing, seek, close_nothing, size_of, map_nothing, unmap_nothing);
}
#endif
