internal import CLinux

/// What the C library's allocator does with memory that is free: a node is idle for hours and busy for seconds.
public enum ProcessMemory {
  /// Keeps buffers of messages and batches for the next ones instead of returning each to the kernel and having it
  /// cleared again. For programs, at their start, before there are threads; a library leaves its host's allocator alone.
  public static func prepareForBursts() { linux_keep_freed_memory() }

  /// Returns what is free to the kernel. Cost: milliseconds after a burst.
  public static func giveBack() { linux_return_freed_memory() }

  /// Returns the pages of the program's own code, which stay in the page cache and come back, 64 KiB at a time, with what
  /// runs next. Does nothing but after `prepareForBursts`. Cost: with the faults that follow it does not stand out from the
  /// one to two milliseconds that a node at rest uses in five seconds.
  public static func unmapProgram() { linux_unmap_program() }
}
