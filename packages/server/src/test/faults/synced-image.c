/*
 * Preloaded into a server, keeps beside its data folder what the disk would hold if the power failed now: of every file the
 * bytes that an fsync or fdatasync which has returned was called after. What was only written is not in it.
 *
 *   DISK_FOLDER    the data folder, absolute
 *   IMAGE_FOLDER   where the image is kept; it outlives this process
 *   IMAGE_LAGS     so many syncs of the log must follow before one reaches the image, as if the server answered before it;
 *                  shows that this would be noticed. Default 0
 *
 * A file is written through pwrite, write and their vectors, cut with ftruncate. Under the lock a write and the note of its
 * range are one step, and so is the copy that a sync takes when it is called. The copies reach the image in the order in
 * which they were taken, when a sync that was called after them has returned: it covers the earlier ones too. The memory that
 * SQLite maps (-shm) is not data. Mapping anything else for shared writing would bypass all this and ends the process.
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
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

struct range { off_t from, to; struct range *next; };
struct copy { off_t at; size_t length; char *bytes; struct copy *next; };
/* What one sync promises to bring to disk. */
struct promise { unsigned long ticket; off_t cut_to, size; struct copy *copies; struct promise *next; };
struct file {
  dev_t device; ino_t inode; int image;
  struct range *dirty; off_t cut_to; /* The shortest that it was since the last copy; -1: it was not cut. */
  struct promise *promises;
  struct file *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct file *files;
static unsigned long last_ticket;

static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_pwritev)(int, const struct iovec *, int, off_t);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_unlink)(const char *);
static void *(*real_mmap)(void *, size_t, int, int, int, off_t);

__attribute__((constructor)) static void find_real(void) {
  real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
  real_pwritev = dlsym(RTLD_NEXT, "pwritev64");
  real_write = dlsym(RTLD_NEXT, "write");
  real_writev = dlsym(RTLD_NEXT, "writev");
  real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  real_unlink = dlsym(RTLD_NEXT, "unlink");
  real_mmap = dlsym(RTLD_NEXT, "mmap64");
}

static void fail(const char *what) {
  dprintf(2, "synced-image: %s: %s\n", what, strerror(errno));
  abort();
}

/* The name of a file in the data folder; NULL for everything else, and for what is no data. */
static const char *name_in_folder(const char *path) {
  const char *folder = getenv("DISK_FOLDER");
  size_t length = folder ? strlen(folder) : 0;
  if (length == 0 || strncmp(path, folder, length) != 0 || path[length] != '/') return NULL;
  const char *name = path + length + 1;
  const char *end = strrchr(name, '-');
  const char *dot = strrchr(name, '.');
  return (end && strcmp(end, "-shm") == 0) || (dot && strcmp(dot, ".lock") == 0) ? NULL : name;
}

static const char *name_of(int fd, char *path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  if (length < 0) return NULL;
  path[length] = 0;
  return name_in_folder(path);
}

static void image_path(char *path, const char *name) {
  snprintf(path, PATH_MAX, "%s/%s", getenv("IMAGE_FOLDER"), name);
}

/* With the lock held. Opens nothing that is not synced: an image appears with the first sync of its file. */
static struct file *tracked(int fd) {
  struct stat status;
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return NULL;
  for (struct file *file = files; file; file = file->next)
    if (file->inode == status.st_ino && file->device == status.st_dev) return file;
  char path[PATH_MAX];
  if (name_of(fd, path) == NULL) return NULL;
  struct file *file = calloc(1, sizeof *file);
  *file = (struct file){ status.st_dev, status.st_ino, -1, NULL, -1, NULL, files };
  return files = file;
}

static void note_write(struct file *file, off_t from, ssize_t length) {
  if (length <= 0) return;
  struct range *last = file->dirty;
  if (last && last->to == from) { last->to += length; return; }
  struct range *range = malloc(sizeof *range);
  *range = (struct range){ from, from + length, last };
  file->dirty = range;
}

static size_t read_back(int fd, char *bytes, size_t count, off_t at) {
  ssize_t length = pread64(fd, bytes, count, at);
  if (length < 0 && errno == EBADF) {
    /* Open for writing alone. Closing a second descriptor drops the locks of the process on the file: such a file has none. */
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int reader = open64(link, O_RDONLY | O_CLOEXEC);
    length = pread64(reader, bytes, count, at);
    close(reader);
  }
  if (length < 0) fail("what was synced cannot be read");
  return length;
}

static void take_copy(int fd, struct file *file, unsigned long ticket) {
  struct stat status;
  if (fstat(fd, &status) != 0) fail("fstat");
  struct promise *promise = malloc(sizeof *promise);
  *promise = (struct promise){ ticket, file->cut_to, status.st_size, NULL, NULL };
  for (struct range *range = file->dirty, *next; range; range = next) {
    next = range->next;
    struct copy *copy = malloc(sizeof *copy);
    *copy = (struct copy){ range->from, range->to - range->from, malloc(range->to - range->from), promise->copies };
    copy->length = read_back(fd, copy->bytes, copy->length, copy->at);
    promise->copies = copy;
    free(range);
  }
  file->dirty = NULL;
  file->cut_to = -1;
  struct promise **end = &file->promises;
  while (*end) end = &(*end)->next;
  *end = promise;
}

static void keep(struct file *file, struct promise *promise) {
  if (promise->cut_to >= 0 && real_ftruncate(file->image, promise->cut_to) != 0) fail("ftruncate");
  for (struct copy *copy = promise->copies, *next; copy; copy = next) {
    next = copy->next;
    if (real_pwrite(file->image, copy->bytes, copy->length, copy->at) != (ssize_t)copy->length) fail("pwrite");
    free(copy->bytes);
    free(copy);
  }
  if (real_ftruncate(file->image, promise->size) != 0) fail("ftruncate");
}

static void keep_promises(int fd, struct file *file, unsigned long ticket) {
  char path[PATH_MAX], image[PATH_MAX];
  const char *name = name_of(fd, path);
  if (name == NULL) fail("a file has lost its name");
  const char *lags = getenv("IMAGE_LAGS");
  unsigned long behind = lags && strstr(name, "-wal") ? strtoul(lags, NULL, 10) : 0;
  if (file->image < 0) {
    image_path(image, name);
    file->image = open64(image, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file->image < 0) fail(image);
  }
  while (file->promises && file->promises->ticket + behind <= ticket) {
    struct promise *promise = file->promises;
    keep(file, promise);
    file->promises = promise->next;
    free(promise);
  }
}

static int sync_with(int (*real)(int), int fd) {
  pthread_mutex_lock(&lock);
  struct file *file = tracked(fd);
  unsigned long ticket = ++last_ticket;
  if (file) take_copy(fd, file, ticket);
  pthread_mutex_unlock(&lock);
  int result = real(fd);
  int error = errno;
  if (file && result == 0) {
    pthread_mutex_lock(&lock);
    keep_promises(fd, file, ticket);
    pthread_mutex_unlock(&lock);
  }
  errno = error;
  return result;
}

int fsync(int fd) { return sync_with(real_fsync, fd); }
int fdatasync(int fd) { return sync_with(real_fdatasync, fd); }

/* The part that a lock must hold together: the call, and the note of what it did. */
#define WRITE_NOTED(call, position)                          \
  pthread_mutex_lock(&lock);                                 \
  struct file *file = tracked(fd);                           \
  if (!file) {                                               \
    pthread_mutex_unlock(&lock);                             \
    return call;                                             \
  }                                                          \
  off_t from = position;                                     \
  ssize_t length = call;                                     \
  int error = errno;                                         \
  note_write(file, from, length);                            \
  pthread_mutex_unlock(&lock);                               \
  errno = error;                                             \
  return length

ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t at) { WRITE_NOTED(real_pwrite(fd, bytes, count, at), at); }
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) { return pwrite64(fd, bytes, count, at); }
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t at) { WRITE_NOTED(real_pwritev(fd, parts, count, at), at); }
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) { return pwritev64(fd, parts, count, at); }
ssize_t write(int fd, const void *bytes, size_t count) { WRITE_NOTED(real_write(fd, bytes, count), lseek64(fd, 0, SEEK_CUR)); }
ssize_t writev(int fd, const struct iovec *parts, int count) { WRITE_NOTED(real_writev(fd, parts, count), lseek64(fd, 0, SEEK_CUR)); }

int ftruncate64(int fd, off_t size) {
  pthread_mutex_lock(&lock);
  struct file *file = tracked(fd);
  int result = real_ftruncate(fd, size);
  if (file && result == 0 && (file->cut_to < 0 || size < file->cut_to)) file->cut_to = size;
  pthread_mutex_unlock(&lock);
  return result;
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

/* Reaches the image at once: only a journal that is no longer valid and the log of a closed database are removed. */
int unlink(const char *path) {
  pthread_mutex_lock(&lock);
  const char *name = name_in_folder(path);
  struct stat status;
  if (name && stat(path, &status) == 0) {
    for (struct file **link = &files; *link; link = &(*link)->next) {
      if ((*link)->inode != status.st_ino || (*link)->device != status.st_dev) continue;
      *link = (*link)->next;
      break;
    }
    char image[PATH_MAX];
    image_path(image, name);
    real_unlink(image);
  }
  int result = real_unlink(path);
  pthread_mutex_unlock(&lock);
  return result;
}

void *mmap64(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
  char path[PATH_MAX];
  if (fd >= 0 && (protection & PROT_WRITE) && (flags & MAP_SHARED) && name_of(fd, path)) fail("shared memory over data");
  return real_mmap(address, length, protection, flags, fd, offset);
}
void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
  return mmap64(address, length, protection, flags, fd, offset);
}
