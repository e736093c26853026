// Only for measuring: nothing of the product uses these libraries, but for LZ4.
#pragma once
#include <lmdb.h>
#include <lz4.h>
#include <rocksdb/c.h>
#include <sqlite3.h>
#include <sys/inotify.h>
