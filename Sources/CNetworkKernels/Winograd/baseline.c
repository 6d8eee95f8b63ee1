#define BLOCK 8
#define MOST_WIDE 1
#define TARGET
#include "stored.h"

STORED_AS(8_baseline, 0)
