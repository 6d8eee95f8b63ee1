#define BLOCK 16
#define MOST_WIDE 2
#define TARGET AVX512
#include "stored.h"

STORED_AS(16, 0)
STORED_AS(16_bfloat16, 1)
