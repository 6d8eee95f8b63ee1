#include "COpenBLAS.h"

#include <dlfcn.h>
#include <stdlib.h>

#include "CVectors.h"

#if defined(__APPLE__)
static const char *const names[] = {"libopenblas.dylib", "/opt/homebrew/opt/openblas/lib/libopenblas.dylib"};
#else
static const char *const names[] = {"libopenblas.so.0", "libopenblas.so"};
#endif

// As <cblas.h> has them, with its orders and transpositions as numbers.
enum { row_major = 101, not_transposed = 111 };
typedef void (*multiply_function)(
  int order, int left, int right, int m, int n, int k, float alpha, const float *a, int lda, const float *b, int ldb,
  float beta, float *c, int ldc);

static char *(*get_config)(void);
static char *(*get_corename)(void);
static multiply_function multiply;

const char *blas_load(void) {
  if (multiply) return NULL;
  // It reads these once, while it is loaded.
  setenv("OPENBLAS_NUM_THREADS", "1", 1);
  static const char *const cores[] = {
    [ck_cpu_baseline] = "Nehalem",
    [ck_cpu_avx2] = "Haswell",
    [ck_cpu_avx512] = "SkylakeX",
    [ck_cpu_avx512_bf16] = "Cooperlake"};
  if (ck_cpu_is_held()) setenv("OPENBLAS_CORETYPE", cores[ck_cpu_in_use()], 1);
  void *library = NULL;
  for (size_t index = 0; !library && index < sizeof names / sizeof *names; index++)
    library = dlopen(names[index], RTLD_NOW | RTLD_LOCAL);
  if (!library) return dlerror();
  get_config = (char *(*)(void))dlsym(library, "openblas_get_config");
  get_corename = (char *(*)(void))dlsym(library, "openblas_get_corename");
  multiply_function found = (multiply_function)dlsym(library, "cblas_sgemm");
  if (!get_config || !get_corename || !found) return "the library is not OpenBLAS";
  multiply = found;
  return NULL;
}

const char *blas_name(void) { return get_config(); }

const char *blas_kernels(void) { return get_corename(); }

void blas_multiply(int side, const float *left, const float *right, float *product) {
  multiply(row_major, not_transposed, not_transposed, side, side, side, 1, left, side, right, side, 0, product, side);
}
