#pragma once
#include <stdio.h>

// It names FILE, and leaves its declaration to others.
#include <jpeglib.h>
