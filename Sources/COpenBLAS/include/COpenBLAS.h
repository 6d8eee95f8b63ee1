#pragma once

// OpenBLAS, loaded when it is first asked for and not with the program. Once loaded it starts a thread for each hardware
// thread, and each takes 128 MB of addresses and tries for ever where it cannot have them: where threads or addresses are
// limited, no command would come to its own first line.

// Loads it, with one thread. Returns NULL, or why it could not be. Before the threads that call the others.
const char *blas_load(void);

// Its own names for itself and for the kernels that it chose.
const char *blas_name(void);
const char *blas_kernels(void);

// product = left * right, each (side, side), row by row.
void blas_multiply(int side, const float *left, const float *right, float *product);
