#include <math.h>

#include "CNetworkKernels.h"
#include "vectors.h"

#pragma STDC FP_CONTRACT OFF

DISPATCHED(
  void, ck_adam,
  (float *weights, float *first_moment, float *second_moment, const float *gradient, int64_t count, double decay1,
   double decay2, float step_size, float inverse_root_correction, float epsilon, float weight_decay),
  (weights, first_moment, second_moment, gradient, count, decay1, decay2, step_size, inverse_root_correction, epsilon,
   weight_decay)) {
  // Subtracted in double: 1 - 0.999f is off by 1.3e-5 of itself.
  float beta1 = (float)decay1, beta2 = (float)decay2, rest1 = (float)(1 - decay1), rest2 = (float)(1 - decay2);
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) {
    lanes16 w = *(lanes16 *)(weights + i);
    lanes16 g = *(const lanes16 *)(gradient + i) + w * weight_decay;
    lanes16 m = *(lanes16 *)(first_moment + i) * beta1 + g * rest1;
    lanes16 v = *(lanes16 *)(second_moment + i) * beta2 + g * g * rest2;
    *(lanes16 *)(first_moment + i) = m;
    *(lanes16 *)(second_moment + i) = v;
    *(lanes16 *)(weights + i) = w - m * step_size / (__builtin_elementwise_sqrt(v) * inverse_root_correction + epsilon);
  }
  for (; i < count; i++) {
    float g = gradient[i] + weights[i] * weight_decay;
    first_moment[i] = first_moment[i] * beta1 + g * rest1;
    second_moment[i] = second_moment[i] * beta2 + g * g * rest2;
    weights[i] -= first_moment[i] * step_size / (sqrtf(second_moment[i]) * inverse_root_correction + epsilon);
  }
}
