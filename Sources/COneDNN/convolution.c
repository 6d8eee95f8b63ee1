#include "COneDNN.h"

#include <dnnl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "CVectors.h"

// libgomp's setting is per thread; its header is not on every compiler's path.
extern void omp_set_num_threads(int);

typedef enum { ck_forward = 0, ck_backward_data = 1, ck_backward_weights = 2 } ck_pass;

struct ck_convolution {
  dnnl_engine_t engine;
  dnnl_stream_t stream;
  dnnl_primitive_desc_t descriptor[3];
  dnnl_primitive_t primitive[3];
  size_t scratch_size;
};

static void hold_to_level(void) {
  static const dnnl_cpu_isa_t levels[] = {
    [ck_cpu_baseline] = dnnl_cpu_isa_sse41,
    [ck_cpu_avx2] = dnnl_cpu_isa_avx2,
    [ck_cpu_avx512] = dnnl_cpu_isa_avx512_core,
    [ck_cpu_avx512_bf16] = dnnl_cpu_isa_avx512_core_bf16};
  // Elsewhere it may use what is above our levels, such as AMX.
  if (ck_cpu_is_held()) dnnl_set_max_cpu_isa(levels[ck_cpu_in_use()]);
}

/// Before anything else is asked of oneDNN, which then fixes what it uses.
static void prepare(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, hold_to_level);
}

static dnnl_cpu_isa_t instructions(void) {
  prepare();
  return dnnl_get_effective_cpu_isa();
}

int ck_onednn_block(void) { return (instructions() & dnnl_cpu_isa_avx512_core) == dnnl_cpu_isa_avx512_core ? 16 : 8; }

int ck_onednn_has_bfloat16(void) {
  return (instructions() & dnnl_cpu_isa_avx512_core_bf16) == dnnl_cpu_isa_avx512_core_bf16;
}

const char *ck_onednn_instruction_set(void) {
  switch (instructions()) {
  case dnnl_cpu_isa_sse41: return "sse41";
  case dnnl_cpu_isa_avx: return "avx";
  case dnnl_cpu_isa_avx2: return "avx2";
  case dnnl_cpu_isa_avx2_vnni: return "avx2_vnni";
  case dnnl_cpu_isa_avx512_core: return "avx512_core";
  case dnnl_cpu_isa_avx512_core_vnni: return "avx512_core_vnni";
  case dnnl_cpu_isa_avx512_core_bf16: return "avx512_core_bf16";
  case dnnl_cpu_isa_avx512_core_amx: return "avx512_core_amx";
  default: return "unknown";
  }
}

void ck_onednn_version(int *major, int *minor, int *patch) {
  const dnnl_version_t *version = dnnl_version();
  *major = version->major;
  *minor = version->minor;
  *patch = version->patch;
}

static dnnl_format_tag_t activation_tag(const ck_convolution_shape *shape) {
  return shape->block == 16 ? dnnl_nChw16c : dnnl_nChw8c;
}

static dnnl_format_tag_t weight_tag(const ck_convolution_shape *shape, ck_pass pass) {
  int wide = shape->block == 16;
  if (shape->plain_source) return wide ? dnnl_Ohwi16o : dnnl_Ohwi8o;
  if (shape->bfloat16 && pass == ck_forward) return dnnl_OIhw8i16o2i;
  if (shape->bfloat16 && pass == ck_backward_data) return shape->kernel == 1 ? dnnl_IOhw8o16i2o : dnnl_OIhw8o16i2o;
  if (pass == ck_backward_data) return wide ? dnnl_OIhw16o16i : dnnl_OIhw8o8i;
  return wide ? dnnl_OIhw16i16o : dnnl_OIhw8i8o;
}

static dnnl_status_t describe(
  ck_convolution *convolution, const ck_convolution_shape *shape, ck_pass pass,
  const_dnnl_primitive_attr_t attributes) {
  int out_height = (shape->height + 2 * shape->padding - shape->kernel) / shape->stride + 1;
  int out_width = (shape->width + 2 * shape->padding - shape->kernel) / shape->stride + 1;
  dnnl_dims_t source_dims = {shape->images, shape->input_channels, shape->height, shape->width};
  dnnl_dims_t weight_dims = {shape->output_channels, shape->input_channels, shape->kernel, shape->kernel};
  dnnl_dims_t destination_dims = {shape->images, shape->output_channels, out_height, out_width};
  dnnl_dims_t strides = {shape->stride, shape->stride}, padding = {shape->padding, shape->padding};
  dnnl_memory_desc_t source, weights, destination;
  dnnl_convolution_desc_t operation;
  const dnnl_alg_kind_t algorithm = dnnl_convolution_direct;

  dnnl_data_type_t type = shape->bfloat16 ? dnnl_bf16 : dnnl_f32;
  dnnl_data_type_t weight_type = pass == ck_backward_weights ? dnnl_f32 : type;

  dnnl_status_t status = dnnl_memory_desc_init_by_tag(
    &source, 4, source_dims, type, shape->plain_source ? dnnl_nchw : activation_tag(shape));
  if (!status) status = dnnl_memory_desc_init_by_tag(&weights, 4, weight_dims, weight_type, weight_tag(shape, pass));
  if (!status) status = dnnl_memory_desc_init_by_tag(&destination, 4, destination_dims, type, activation_tag(shape));
  if (status) return status;

  switch (pass) {
  case ck_forward:
    status = dnnl_convolution_forward_desc_init(
      &operation, dnnl_forward_training, algorithm, &source, &weights, NULL, &destination, strides, padding, padding);
    break;
  case ck_backward_data:
    status = dnnl_convolution_backward_data_desc_init(
      &operation, algorithm, &source, &weights, &destination, strides, padding, padding);
    break;
  case ck_backward_weights:
    status = dnnl_convolution_backward_weights_desc_init(
      &operation, algorithm, &source, &weights, NULL, &destination, strides, padding, padding);
    break;
  }
  if (status) return status;
  return dnnl_primitive_desc_create(
    &convolution->descriptor[pass], &operation, attributes, convolution->engine,
    pass == ck_forward ? NULL : convolution->descriptor[ck_forward]);
}

static const char *const pass_names[] = {"forward", "backward-data", "backward-weights"};

ck_convolution *ck_convolution_create(const ck_convolution_shape *shape, char *error, size_t error_size) {
  ck_convolution *convolution = calloc(1, sizeof *convolution);
  dnnl_primitive_attr_t attributes = NULL;
  dnnl_status_t status = dnnl_out_of_memory;
  const char *where = "allocation";
  if (!convolution) goto failed;
  prepare();
  omp_set_num_threads(1);
  where = "engine";
  if ((status = dnnl_engine_create(&convolution->engine, dnnl_cpu, 0))) goto failed;
  if ((status = dnnl_stream_create(&convolution->stream, convolution->engine, dnnl_stream_default_flags))) goto failed;
  if ((status = dnnl_primitive_attr_create(&attributes))) goto failed;
  if ((status = dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user))) goto failed;
  for (int pass = 0; pass < (shape->training ? 3 : 1); pass++) {
    // The image needs no gradient, and the weights' is the caller's: there is no fast one without AVX-512.
    if (pass != ck_forward && shape->plain_source) continue;
    where = pass_names[pass];
    if ((status = describe(convolution, shape, (ck_pass)pass, attributes))) goto failed;
    if ((status = dnnl_primitive_create(&convolution->primitive[pass], convolution->descriptor[pass]))) goto failed;
    const dnnl_memory_desc_t *scratch =
      dnnl_primitive_desc_query_md(convolution->descriptor[pass], dnnl_query_scratchpad_md, 0);
    size_t size = scratch ? dnnl_memory_desc_get_size(scratch) : 0;
    if (size > convolution->scratch_size) convolution->scratch_size = size;
  }
  dnnl_primitive_attr_destroy(attributes);
  return convolution;

failed:
  snprintf(error, error_size, "oneDNN status %d at %s", (int)status, where);
  if (attributes) dnnl_primitive_attr_destroy(attributes);
  if (convolution) ck_convolution_destroy(convolution);
  return NULL;
}

void ck_convolution_destroy(ck_convolution *convolution) {
  for (int pass = 0; pass < 3; pass++) {
    if (convolution->primitive[pass]) dnnl_primitive_destroy(convolution->primitive[pass]);
    if (convolution->descriptor[pass]) dnnl_primitive_desc_destroy(convolution->descriptor[pass]);
  }
  if (convolution->stream) dnnl_stream_destroy(convolution->stream);
  if (convolution->engine) dnnl_engine_destroy(convolution->engine);
  free(convolution);
}

size_t ck_convolution_scratch_size(const ck_convolution *convolution) { return convolution->scratch_size; }

static int run(
  const ck_convolution *convolution, ck_pass pass, const int *arguments, const void *const *data, void *scratch) {
  const_dnnl_primitive_desc_t descriptor = convolution->descriptor[pass];
  dnnl_exec_arg_t bound[4];
  int count = 0;
  dnnl_status_t status = dnnl_success;
  // A worker thread's own setting: oneDNN would otherwise open a parallel region on every core.
  omp_set_num_threads(1);
  for (; count < 4; count++) {
    int argument = count < 3 ? arguments[count] : DNNL_ARG_SCRATCHPAD;
    const void *pointer = count < 3 ? data[count] : scratch;
    const dnnl_memory_desc_t *layout = dnnl_primitive_desc_query_md(descriptor, dnnl_query_exec_arg_md, argument);
    bound[count].arg = argument;
    status = dnnl_memory_create(&bound[count].memory, layout, convolution->engine, (void *)pointer);
    if (status) break;
  }
  if (!status) status = dnnl_primitive_execute(convolution->primitive[pass], convolution->stream, count, bound);
  if (!status) status = dnnl_stream_wait(convolution->stream);
  while (count-- > 0) dnnl_memory_destroy(bound[count].memory);
  return (int)status;
}

int ck_convolution_run_forward(
  const ck_convolution *convolution, const void *source, const void *weights, void *destination, void *scratch) {
  const int arguments[] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST};
  const void *data[] = {source, weights, destination};
  return run(convolution, ck_forward, arguments, data, scratch);
}

int ck_convolution_run_backward_data(
  const ck_convolution *convolution, const void *destination_gradient, const void *weights, void *source_gradient,
  void *scratch) {
  const int arguments[] = {DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_SRC};
  const void *data[] = {destination_gradient, weights, source_gradient};
  return run(convolution, ck_backward_data, arguments, data, scratch);
}

int ck_convolution_run_backward_weights(
  const ck_convolution *convolution, const void *source, const void *destination_gradient, float *weight_gradient,
  void *scratch) {
  const int arguments[] = {DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_WEIGHTS};
  const void *data[] = {source, destination_gradient, weight_gradient};
  return run(convolution, ck_backward_weights, arguments, data, scratch);
}
