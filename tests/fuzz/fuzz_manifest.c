/*
 * A backup's manifest from any bytes. A restore makes files by the names in it, so no name
 * may lead out of a folder; and what is taken as whole, written again from what was read, is
 * byte for byte the same.
 */
#include "base/check.h"
#include "base/str.h"
#include "store/manifest.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    struct manifest_writer *again;
    uint64_t files, bytes;
};

static int32_t on_file(void *arg, const struct manifest_file *f, struct err *err)
{
    struct seen *s = arg;

    CHECK(f->name[0] != '/' && !strstr(f->name, "/.") && strlen(f->name) < MANIFEST_NAME);
    CHECK(strncmp(f->name, "journal/", 8) == 0 || strncmp(f->name, "media/", 6) == 0 ||
          strncmp(f->name, "files/", 6) == 0 || strcmp(f->name, "context/data.mdb") == 0);
    s->files++;
    s->bytes += f->bytes;
    return manifest_add(s->again, f, err);
}

/* All of a file's bytes are these. */
static void same(int fd, const uint8_t *data, size_t size)
{
    char *p = malloc(size + 1);

    CHECK(p && pread(fd, p, size + 1, 0) == (ssize_t)size && memcmp(p, data, size) == 0);
    free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct manifest m = {0}, copy;
    struct seen s = {0};
    struct err e = {0};
    int fd = memfd_create("again", MFD_CLOEXEC), in = memfd_create("in", MFD_CLOEXEC);
    FILE *f = fdopen(in, "r+");

    CHECK(fd >= 0 && f);
    CHECK(write(in, data, size) == (ssize_t)size && lseek(in, 0, SEEK_SET) == 0);
    s.again = manifest_begin(fd);
    int32_t rc = manifest_read(f, "manifest", on_file, &s, &m, &e);
    CHECK(rc == HILO_OK || ((rc == HILO_CORRUPT || rc == HILO_NOSUP) && e.text[0]));
    /* Zeros before a number would be taken, too, under the right sum; no fuzzer comes to that. */
    if (rc == HILO_OK && s.files) {
        CHECK(m.files == s.files && m.bytes == s.bytes);
        copy = m;
        CHECK(manifest_finish(&s.again, &copy, &e) == HILO_OK);
        same(fd, data, size);
    }
    manifest_abort(&s.again);
    (void)fclose(f);
    (void)close(fd);
    return 0;
}
