#define BLOCK 8
#define MOST_WIDE 3
#define TARGET AVX2
#include "stored.h"

STORED_AS(8, 0)
