#define _GNU_SOURCE
#include "CAllocation.h"

// Tells which C library this is.
#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif

// With 64-bit addresses mmap is one system call, whatever the size of its offset.
#if defined(__GLIBC__) && defined(__LP64__) && !defined(HAS_SANITIZER)
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

// glibc's allocator under the names that it keeps for those who replace it.
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

// Kept back for the handler: enough for glibc to make a heap of, also where writable pages are what is limited.
static const size_t reserve_size = 8 << 20;
static void *reserve = MAP_FAILED;
static void (*_Atomic handler)(size_t wanted);
static atomic_flag is_ending = ATOMIC_FLAG_INIT;
static _Atomic pthread_t ending_thread;

void allocation_on_failure(void (*new_handler)(size_t wanted)) {
  // Never touched, so that it costs nothing but addresses.
  if (reserve == MAP_FAILED)
    reserve = mmap(NULL, reserve_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  atomic_store(&handler, new_handler);
}

void allocation_keep_few_heaps(void) { mallopt(M_ARENA_MAX, 1); }

static void *failed(size_t wanted) {
  void (*handle)(size_t) = atomic_load(&handler);
  if (!handle) return NULL;
  if (!atomic_flag_test_and_set(&is_ending)) {
    atomic_store(&ending_thread, pthread_self());
    if (reserve != MAP_FAILED) munmap(reserve, reserve_size);
    handle(wanted);
  }
  // Another thread is ending the process.
  if (!pthread_equal(atomic_load(&ending_thread), pthread_self()))
    for (;;) pause();
  // The handler's own want is more than was kept back.
  static const char sentence[] = "salad: no memory is left: raise ulimit -v, or give fewer --workers\n";
  if (write(STDERR_FILENO, sentence, sizeof sentence - 1) < 0) {
  }
  _exit(74);
}

void *malloc(size_t size) {
  void *memory = __libc_malloc(size);
  return memory ? memory : failed(size);
}

void *calloc(size_t count, size_t size) {
  void *memory = __libc_calloc(count, size);
  if (memory) return memory;
  size_t wanted;
  return failed(__builtin_mul_overflow(count, size, &wanted) ? SIZE_MAX : wanted);
}

void *realloc(void *old, size_t size) {
  void *memory = __libc_realloc(old, size);
  // Of size 0 it frees, and has nothing to give.
  return memory || size == 0 ? memory : failed(size);
}

void *memalign(size_t alignment, size_t size) {
  void *memory = __libc_memalign(alignment, size);
  return memory ? memory : failed(size);
}

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **memory, size_t alignment, size_t size) {
  if (alignment % sizeof(void *) != 0 || alignment == 0 || (alignment & (alignment - 1)) != 0) return EINVAL;
  int before = errno;
  void *new = memalign(alignment, size);
  errno = before;
  if (!new) return ENOMEM;
  *memory = new;
  return 0;
}

// oneDNN's code generator asks the kernel for its pages, does not look, and writes to address 0. Larger wants are our own
// or MPI's, who do look.
void *mmap(void *address, size_t size, int protection, int flags, int file, off_t offset) {
  long result = syscall(SYS_mmap, address, size, protection, flags, file, offset);
  if (result == -1 && errno == ENOMEM && (flags & MAP_ANONYMOUS) && size < 2 << 20) failed(size);
  return result == -1 ? MAP_FAILED : (void *)result;
}
#else
void allocation_on_failure(void (*handler)(size_t wanted)) { (void)handler; }

void allocation_keep_few_heaps(void) {}
#endif
