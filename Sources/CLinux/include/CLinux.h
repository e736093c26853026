// The Linux calls and constants that Swift's Glibc module does not carry. Nothing else is in C.
#ifndef SOFTADASTRA_CLINUX_H
#define SOFTADASTRA_CLINUX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// What lstat tells, with times in nanoseconds since 1970.
struct linux_status {
  uint64_t device;
  uint64_t inode;
  uint64_t links;
  uint64_t size;
  uint64_t blocks;
  int64_t modified_ns;
  int64_t changed_ns;
  uint32_t mode;
  uint32_t owner;
  uint32_t group;
};

// All calls return 0 (or a descriptor, or a count) on success and -errno on failure.
int linux_fstatat(int directory, const char *path, int flags, struct linux_status *out);
int linux_fstat(int descriptor, struct linux_status *out);
// When a file or directory was made, in nanoseconds since 1970; 0 where that is not known.
int64_t linux_birth(const char *path);
int linux_openat(int directory, const char *path, int flags, uint32_t mode);
// openat2 with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS; -ENOSYS where the kernel lacks it.
int linux_open_beneath(int directory, const char *path, int flags, uint32_t mode);
int linux_rename(int from_directory, const char *from, int to_directory, const char *to, uint32_t flags);
int linux_link_descriptor(int descriptor, int to_directory, const char *to);
int linux_syncfs(int descriptor);
int linux_allocate(int descriptor, int mode, int64_t offset, int64_t length);
int64_t linux_copy_range(int from, int64_t from_offset, int to, int64_t to_offset, size_t length);
// Fills buffer with linux_dirent64 records (inode u64, offset s64, record length u16, type u8, name).
int64_t linux_getdents(int descriptor, void *buffer, size_t capacity);
int linux_set_modified(int descriptor, int64_t modified_ns);
int linux_set_modified_at(int directory, const char *path, int64_t modified_ns);
int linux_eventfd(void);
// Filesystem magic number, or 0.
uint64_t linux_filesystem_type(int descriptor);
// Bytes free for this user and in all.
int linux_space(int descriptor, uint64_t *available, uint64_t *total);
// 1 if the file is open for writing anywhere, 0 if not; -errno where leases do not work.
int linux_has_writers(int descriptor);
// 1 if anybody else has the file open, for reading too; 0 if nobody; -errno where that cannot be told.
int linux_is_open_elsewhere(int descriptor);
// The first 15 bytes show in ps and top.
void linux_name_thread(unsigned long thread, const char *name);
// Kind of a directory entry, without stat: 0 unknown, or S_IFMT bits.
uint32_t linux_dirent_kind(uint8_t type);

// chmod of what an O_PATH descriptor refers to; the descriptor must not be of a symlink.
int linux_change_mode(int descriptor, uint32_t mode);
int linux_change_modified(int descriptor, int64_t modified_ns);
int linux_unlinkat(int directory, const char *path, int flags);
int linux_mkdirat(int directory, const char *path, uint32_t mode);
int linux_symlinkat(const char *target, int directory, const char *path);
int linux_linkat(int from_directory, const char *from, int to_directory, const char *to);
int64_t linux_readlinkat(int directory, const char *path, void *buffer, size_t capacity);
int64_t linux_pread(int descriptor, void *buffer, size_t count, int64_t offset);
int64_t linux_pwrite(int descriptor, const void *buffer, size_t count, int64_t offset);
int64_t linux_read(int descriptor, void *buffer, size_t count);
int linux_truncate(int descriptor, int64_t size);
int linux_datasync(int descriptor);
// Starts to write dirty pages and does not wait; says nothing of durability.
void linux_begin_writeback(int descriptor);
// The next data (or hole) at or after offset; -ENXIO where there is none.
int64_t linux_seek_data(int descriptor, int64_t offset);
int64_t linux_seek_hole(int descriptor, int64_t offset);
int linux_inotify(void);
// Watches the directory that the descriptor refers to.
int linux_watch(int inotify, int directory, uint32_t mask);
int linux_unwatch(int inotify, int watch);
// Bytes that can be read at once.
int linux_readable(int descriptor);
// Waits until one of two descriptors can be read (the second may be -1): bit 0, bit 1; 0 on timeout.
int linux_wait(int first, int second, int64_t timeout_ns);

// A socket on which the kernel tells that interfaces or their addresses changed: rtnetlink(7).
int linux_watch_interfaces(void);

// The allocator: large buffers come from the heap, which shrinks only when asked to.
void linux_keep_freed_memory(void);
void linux_return_freed_memory(void);
// Does nothing but after linux_keep_freed_memory: a library leaves its host's pages alone.
void linux_unmap_program(void);

extern const int linux_o_tmpfile;
extern const int linux_o_path;
extern const int linux_o_directory;
extern const int linux_o_noatime;
extern const uint32_t linux_rename_noreplace;
extern const uint32_t linux_rename_exchange;

#endif
