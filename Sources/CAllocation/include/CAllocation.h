#pragma once
#include <stddef.h>

// The C allocator of the whole program, libraries and Swift's arrays included: glibc's own, except that an allocation
// which fails is told of.
//
// Few of those who allocate look at what they get. Swift's runtime ends the program with a dump, C++ throws what nobody
// catches, C libraries read address 0. A handler that knows the limits says it in a sentence.

// From now on the first allocation that fails calls `handler` with the bytes that it wanted. Some memory that was kept
// back is free then, so that the handler may allocate a little. It ends the process, and must not return.
//
// Where the allocator is another one - a sanitizer's, or that of another system - this does nothing.
void allocation_on_failure(void (*handler)(size_t wanted));

// Threads share one heap from now on, before there are any threads. Otherwise each has one, which takes 64 MB of addresses.
void allocation_keep_few_heaps(void);
