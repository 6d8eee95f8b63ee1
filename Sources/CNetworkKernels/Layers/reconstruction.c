#include <math.h>

#include "CNetworkKernels.h"

#pragma STDC FP_CONTRACT OFF

void ck_tanh(float *values, int64_t count) {
  for (int64_t i = 0; i < count; i++) values[i] = tanhf(values[i]);
}
