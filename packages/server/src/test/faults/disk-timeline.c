/*
 * Preloaded into a server, writes down in which order its log reaches the disk and its answers leave. One line each:
 *
 *   W evt_…   a write to the log that has returned contained this event
 *   S n       sync n of the log begins        E n   it has returned, and reported success
 *   A evt_…   a 202 that names this event is about to be handed to the network
 *
 *   TIMELINE   the file that the lines are added to
 *   TIMELINE_LOG   the end of the log's path, such as broxi.db-wal
 *
 * A line about something that must come first is written after it happened, and one about something that must come later
 * before it happens: the order of the lines never flatters.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define ID_LENGTH 36 /* evt_ and 32 hexadecimal digits */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int timeline = -1;
static unsigned long syncs;
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);

__attribute__((constructor)) static void open_timeline(void) {
  real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
  real_write = dlsym(RTLD_NEXT, "write");
  real_writev = dlsym(RTLD_NEXT, "writev");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  timeline = open(getenv("TIMELINE"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int is_log(int fd) {
  char link[64], path[PATH_MAX];
  struct stat status;
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  const char *end = getenv("TIMELINE_LOG");
  if (length < 0 || (size_t)length < strlen(end)) return 0;
  path[length] = 0;
  return strcmp(path + length - strlen(end), end) == 0;
}

static void note(const char *line, size_t length) {
  if (real_write(timeline, line, length) != (ssize_t)length) abort();
}

static void note_ids(char kind, const char *bytes, size_t count) {
  const char *end = bytes + count;
  pthread_mutex_lock(&lock);
  for (const char *at = bytes; (at = memmem(at, end - at, "evt_", 4)) && at + ID_LENGTH <= end; at += 4) {
    char line[ID_LENGTH + 4];
    note(line, snprintf(line, sizeof line, "%c %.*s\n", kind, ID_LENGTH, at));
  }
  pthread_mutex_unlock(&lock);
}

static unsigned long note_sync(char kind, unsigned long number) {
  char line[32];
  pthread_mutex_lock(&lock);
  if (kind == 'S') number = ++syncs;
  note(line, snprintf(line, sizeof line, "%c %lu\n", kind, number));
  pthread_mutex_unlock(&lock);
  return number;
}

static int sync_with(int (*real)(int), int fd) {
  if (!is_log(fd)) return real(fd);
  unsigned long number = note_sync('S', 0);
  int result = real(fd);
  int error = errno;
  if (result == 0) note_sync('E', number);
  errno = error;
  return result;
}

int fsync(int fd) { return sync_with(real_fsync, fd); }
int fdatasync(int fd) { return sync_with(real_fdatasync, fd); }

ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t at) {
  ssize_t length = real_pwrite(fd, bytes, count, at);
  int error = errno;
  if (length > 0 && is_log(fd)) note_ids('W', bytes, length);
  errno = error;
  return length;
}
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) { return pwrite64(fd, bytes, count, at); }

static int is_acknowledgement(const char *bytes, size_t count) {
  return count >= 12 && memcmp(bytes, "HTTP/1.1 202", 12) == 0;
}

ssize_t write(int fd, const void *bytes, size_t count) {
  if (is_acknowledgement(bytes, count)) note_ids('A', bytes, count);
  return real_write(fd, bytes, count);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  if (count > 0 && is_acknowledgement(parts[0].iov_base, parts[0].iov_len))
    for (int i = 0; i < count; i++) note_ids('A', parts[i].iov_base, parts[i].iov_len);
  return real_writev(fd, parts, count);
}
