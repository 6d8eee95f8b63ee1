#pragma once
// Small vector loops with run-time dispatch: one header a user.
#include "CKernelsExactSum.h"
#include "CKernelsMemoryBank.h"
#include "CKernelsNetwork.h"
#include "CKernelsRankSum.h"
#include "CKernelsResize.h"
#include "CKernelsWinograd.h"
