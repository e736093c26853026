#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/netlink.h>
#include <linux/openat2.h>
#include <linux/rtnetlink.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif
#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif

const int linux_o_tmpfile = O_TMPFILE;
const int linux_o_path = O_PATH;
const int linux_o_directory = O_DIRECTORY;
const int linux_o_noatime = O_NOATIME;
const uint32_t linux_rename_noreplace = RENAME_NOREPLACE;
const uint32_t linux_rename_exchange = RENAME_EXCHANGE;

static int checked(long result) { return result < 0 ? -errno : (int)result; }

// Of times that 64 bits do not hold, the nearest that they do.
static int64_t nanoseconds(struct timespec t) {
  int64_t result;
  if (__builtin_mul_overflow((int64_t)t.tv_sec, 1000000000, &result)) return t.tv_sec < 0 ? INT64_MIN : INT64_MAX;
  if (__builtin_add_overflow(result, (int64_t)t.tv_nsec, &result)) return INT64_MAX;
  return result;
}

static void convert(const struct stat *s, struct linux_status *out) {
  out->device = s->st_dev;
  out->inode = s->st_ino;
  out->links = s->st_nlink;
  out->size = (uint64_t)s->st_size;
  out->blocks = (uint64_t)s->st_blocks;
  out->modified_ns = nanoseconds(s->st_mtim);
  out->changed_ns = nanoseconds(s->st_ctim);
  out->mode = s->st_mode;
  out->owner = s->st_uid;
  out->group = s->st_gid;
}

int linux_fstatat(int directory, const char *path, int flags, struct linux_status *out) {
  struct stat s;
  if (fstatat(directory, path, &s, flags) < 0) return -errno;
  convert(&s, out);
  return 0;
}

int64_t linux_birth(const char *path) {
  struct statx s;
  if (statx(AT_FDCWD, path, 0, STATX_BTIME, &s) < 0 || !(s.stx_mask & STATX_BTIME)) return 0;
  return (int64_t)s.stx_btime.tv_sec * 1000000000 + s.stx_btime.tv_nsec;
}

int linux_fstat(int descriptor, struct linux_status *out) {
  struct stat s;
  if (fstat(descriptor, &s) < 0) return -errno;
  convert(&s, out);
  return 0;
}

int linux_openat(int directory, const char *path, int flags, uint32_t mode) {
  return checked(openat(directory, path, flags, mode));
}

int linux_open_beneath(int directory, const char *path, int flags, uint32_t mode) {
  struct open_how how = {
      .flags = (uint64_t)(uint32_t)flags,
      .mode = mode,
      .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
  };
  return checked(syscall(SYS_openat2, directory, path, &how, sizeof how));
}

int linux_rename(int from_directory, const char *from, int to_directory, const char *to, uint32_t flags) {
  return checked(syscall(SYS_renameat2, from_directory, from, to_directory, to, flags));
}

int linux_link_descriptor(int descriptor, int to_directory, const char *to) {
  // By descriptor alone it is for root, and since Linux 6.10 for whoever opened it; the /proc path works for every user.
  static atomic_bool needs_path;
  if (!atomic_load_explicit(&needs_path, memory_order_relaxed)) {
    if (linkat(descriptor, "", to_directory, to, AT_EMPTY_PATH) == 0) return 0;
    // ENOENT is also what a missing target directory answers.
    if (errno != ENOENT && errno != EPERM && errno != EINVAL) return -errno;
  }
  char path[40];
  snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
  int result = checked(linkat(AT_FDCWD, path, to_directory, to, AT_SYMLINK_FOLLOW));
  if (result == 0) atomic_store_explicit(&needs_path, true, memory_order_relaxed);
  return result;
}

int linux_syncfs(int descriptor) { return checked(syncfs(descriptor)); }

int linux_allocate(int descriptor, int mode, int64_t offset, int64_t length) {
  return checked(fallocate(descriptor, mode, offset, length));
}

int64_t linux_copy_range(int from, int64_t from_offset, int to, int64_t to_offset, size_t length) {
  off64_t source = from_offset, target = to_offset;
  ssize_t done = copy_file_range(from, &source, to, &target, length, 0);
  return done < 0 ? -errno : done;
}

int64_t linux_getdents(int descriptor, void *buffer, size_t capacity) {
  long done = syscall(SYS_getdents64, descriptor, buffer, capacity);
  return done < 0 ? -errno : done;
}

static struct timespec from_nanoseconds(int64_t ns) {
  // tv_nsec must be 0..999999999 also for times before 1970.
  int64_t seconds = ns / 1000000000, rest = ns % 1000000000;
  if (rest < 0) {
    rest += 1000000000;
    seconds -= 1;
  }
  return (struct timespec){.tv_sec = seconds, .tv_nsec = rest};
}

// The access time goes with it: many filesystems in user space set either both times or, silently, none.
int linux_set_modified(int descriptor, int64_t modified_ns) {
  struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, from_nanoseconds(modified_ns)};
  return checked(futimens(descriptor, times));
}

int linux_set_modified_at(int directory, const char *path, int64_t modified_ns) {
  struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, from_nanoseconds(modified_ns)};
  return checked(utimensat(directory, path, times, AT_SYMLINK_NOFOLLOW));
}

int linux_eventfd(void) { return checked(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

uint64_t linux_filesystem_type(int descriptor) {
  struct statfs s;
  return fstatfs(descriptor, &s) < 0 ? 0 : (uint64_t)s.f_type;
}

int linux_space(int descriptor, uint64_t *available, uint64_t *total) {
  struct statvfs s;
  if (fstatvfs(descriptor, &s) < 0) return -errno;
  *available = (uint64_t)s.f_bavail * s.f_frsize;
  *total = (uint64_t)s.f_blocks * s.f_frsize;
  return 0;
}

int linux_has_writers(int descriptor) {
  // The kernel grants a read lease only while nobody has the file open for writing. Whoever opens it in the moment in
  // between makes the kernel send a signal, which must be one that is ignored by default.
  if (fcntl(descriptor, F_SETSIG, SIGURG) < 0) return -errno;
  if (fcntl(descriptor, F_SETLEASE, F_RDLCK) < 0) return errno == EAGAIN ? 1 : -errno;
  fcntl(descriptor, F_SETLEASE, F_UNLCK);
  return 0;
}

int linux_is_open_elsewhere(int descriptor) {
  // As above: a write lease is granted only to the one who has the file open.
  if (fcntl(descriptor, F_SETSIG, SIGURG) < 0) return -errno;
  if (fcntl(descriptor, F_SETLEASE, F_WRLCK) < 0) return errno == EAGAIN ? 1 : -errno;
  fcntl(descriptor, F_SETLEASE, F_UNLCK);
  return 0;
}

uint32_t linux_dirent_kind(uint8_t type) { return (uint32_t)type << 12; }

void linux_name_thread(unsigned long thread, const char *name) { pthread_setname_np((pthread_t)thread, name); }

// Headers of Debian 12 do not name it; the number is the same on all machines that Swift knows.
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

int linux_change_mode(int descriptor, uint32_t mode) {
  // fchmod refuses O_PATH descriptors, and an unreadable file cannot be opened otherwise.
  int result = checked(syscall(SYS_fchmodat2, descriptor, "", mode, AT_EMPTY_PATH));
  // Before Linux 6.6; in a sandbox that does not know the call, EPERM means the same.
  if (result != -ENOSYS && result != -EPERM) return result;
  char path[40];
  snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
  return checked(chmod(path, mode));
}

int linux_change_modified(int descriptor, int64_t modified_ns) {
  // As above, and so does futimens.
  char path[40];
  snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
  struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, from_nanoseconds(modified_ns)};
  return checked(utimensat(AT_FDCWD, path, times, 0));
}

int linux_unlinkat(int directory, const char *path, int flags) { return checked(unlinkat(directory, path, flags)); }

int linux_mkdirat(int directory, const char *path, uint32_t mode) { return checked(mkdirat(directory, path, mode)); }

int linux_symlinkat(const char *target, int directory, const char *path) {
  return checked(symlinkat(target, directory, path));
}

int linux_linkat(int from_directory, const char *from, int to_directory, const char *to) {
  return checked(linkat(from_directory, from, to_directory, to, 0));
}

int64_t linux_readlinkat(int directory, const char *path, void *buffer, size_t capacity) {
  ssize_t count = readlinkat(directory, path, buffer, capacity);
  return count < 0 ? -errno : count;
}

int64_t linux_pread(int descriptor, void *buffer, size_t count, int64_t offset) {
  ssize_t done = pread(descriptor, buffer, count, offset);
  return done < 0 ? -errno : done;
}

int64_t linux_pwrite(int descriptor, const void *buffer, size_t count, int64_t offset) {
  ssize_t done = pwrite(descriptor, buffer, count, offset);
  return done < 0 ? -errno : done;
}

int64_t linux_read(int descriptor, void *buffer, size_t count) {
  ssize_t done = read(descriptor, buffer, count);
  return done < 0 ? -errno : done;
}

int linux_truncate(int descriptor, int64_t size) { return checked(ftruncate(descriptor, size)); }

int linux_datasync(int descriptor) { return checked(fdatasync(descriptor)); }

void linux_begin_writeback(int descriptor) { sync_file_range(descriptor, 0, 0, SYNC_FILE_RANGE_WRITE); }

int64_t linux_seek_data(int descriptor, int64_t offset) {
  off_t at = lseek(descriptor, offset, SEEK_DATA);
  return at < 0 ? -errno : at;
}

int64_t linux_seek_hole(int descriptor, int64_t offset) {
  off_t at = lseek(descriptor, offset, SEEK_HOLE);
  return at < 0 ? -errno : at;
}

int linux_inotify(void) { return checked(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)); }

int linux_watch(int inotify, int directory, uint32_t mask) {
  // By descriptor: no path length limit, and no symlink can be swapped in on the way.
  char path[40];
  snprintf(path, sizeof path, "/proc/self/fd/%d", directory);
  return checked(inotify_add_watch(inotify, path, mask));
}

int linux_watch_interfaces(void) {
  int descriptor = checked(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  struct sockaddr_nl address = {
      .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR};
  if (descriptor < 0) return descriptor;
  int result = checked(bind(descriptor, (struct sockaddr *)&address, sizeof address));
  if (result < 0) close(descriptor);
  return result < 0 ? result : descriptor;
}

int linux_unwatch(int inotify, int watch) { return checked(inotify_rm_watch(inotify, watch)); }

int linux_readable(int descriptor) {
  int count = 0;
  return ioctl(descriptor, FIONREAD, &count) < 0 ? -errno : count;
}

int linux_wait(int first, int second, int64_t timeout_ns) {
  struct pollfd descriptors[2] = {{.fd = first, .events = POLLIN}, {.fd = second, .events = POLLIN}};
  struct timespec limit = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
  int count = ppoll(descriptors, 2, timeout_ns < 0 ? NULL : &limit, NULL);
  if (count < 0) return errno == EINTR ? 0 : -errno;
  return (descriptors[0].revents ? 1 : 0) | (descriptors[1].revents ? 2 : 0);
}

// Of each arena: what a burst needs again and again is not cleared by the kernel each time.
static const int kept_bytes = 32 << 20;
enum { arenas = 4 };
static atomic_bool keeps_memory;

void linux_keep_freed_memory(void) {
  atomic_store(&keeps_memory, true);
  mallopt(M_MMAP_THRESHOLD, 8 << 20);
  mallopt(M_TRIM_THRESHOLD, kept_bytes);
  // With fewer, threads wait for each other's allocations.
  mallopt(M_ARENA_MAX, arenas);
}

static pthread_mutex_t are_touching = PTHREAD_MUTEX_INITIALIZER;
static atomic_int touched;

// Freeing a large block makes the thread's arena give back its end, if that is above the threshold.
static void *touch_arena(void *unused) {
  // A compiler leaves out what is only taken and given back.
  void *volatile block = malloc(256 << 10);
  free(block);
  atomic_fetch_add(&touched, 1);
  // Stays until all have touched theirs: a new thread is given the arena of one that has ended.
  pthread_mutex_lock(&are_touching);
  pthread_mutex_unlock(&are_touching);
  return unused;
}

// malloc_trim does not shrink the end of other arenas than the first. Threads are given those that no other thread has,
// and then all in turn: with twice as many threads as arenas none is left out.
static void shrink_arenas(void) {
  pthread_t threads[2 * arenas];
  int count = 0;
  pthread_mutex_lock(&are_touching);
  atomic_store(&touched, 0);
  while (count < 2 * arenas && pthread_create(&threads[count], NULL, touch_arena, NULL) == 0) count++;
  while (atomic_load(&touched) < count) usleep(100);
  pthread_mutex_unlock(&are_touching);
  for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
}

// Unmaps the program's own code and constants: never written to, so they stay in the page cache and are mapped
// again, page by page, as they are used.
static int unmap_program(struct dl_phdr_info *object, size_t size, void *page) {
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr) *part = &object->dlpi_phdr[i];
    if (part->p_type != PT_LOAD || part->p_flags & PF_W) continue;
    uintptr_t mask = ~((uintptr_t)page - 1);
    uintptr_t start = (object->dlpi_addr + part->p_vaddr + (uintptr_t)page - 1) & mask;
    uintptr_t end = (object->dlpi_addr + part->p_vaddr + part->p_memsz) & mask;
    if (end > start) madvise((void *)start, end - start, MADV_DONTNEED);
  }
  return 1;  // The program itself comes first; libraries are shared with others.
}

void linux_return_freed_memory(void) {
  if (atomic_load(&keeps_memory)) {
    mallopt(M_TRIM_THRESHOLD, 128 << 10);
    shrink_arenas();
  }
  malloc_trim(0);
  if (atomic_load(&keeps_memory)) mallopt(M_TRIM_THRESHOLD, kept_bytes);
}

void linux_unmap_program(void) {
  if (atomic_load(&keeps_memory)) dl_iterate_phdr(unmap_program, (void *)sysconf(_SC_PAGESIZE));
}
