#pragma once

// 1.5 * 2^52. The double t + MAGIC, for |t| < 2^51, holds t rounded to an integer, ties to even, in its lowest bits.
// It works on every x86-64, where the instructions that convert a vector to int64 need AVX-512.
static const double MAGIC = 0x1.8p52;
