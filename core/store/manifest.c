/*
 * Manifests. Reading is strict: what the writer does not write is damage, for a
 * restore follows the names in here.
 */
#include "store/manifest.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/str.h"
#include "store/files.h"
#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES = 256, HASH_HEX = 2 * MANIFEST_HASH };

static EVP_MD_CTX *md_new(void)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();

    if (!md)
        check_nomem();
    CHECK(EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1);
    return md;
}

/* ---- writing ---- */

struct manifest_writer {
    int fd;
    EVP_MD_CTX *md;
    uint64_t files, bytes;
    bool begun;
};

struct manifest_writer *manifest_begin(int fd)
{
    struct manifest_writer *w = calloc(1, sizeof *w);

    if (!w)
        check_nomem();
    w->fd = fd;
    w->md = md_new();
    return w;
}

void manifest_abort(struct manifest_writer **wp)
{
    if (!*wp)
        return;
    EVP_MD_CTX_free((*wp)->md);
    free(*wp);
    *wp = NULL;
}

static int32_t put(struct manifest_writer *w, const char *text, size_t n, struct err *err)
{
    CHECK(EVP_DigestUpdate(w->md, text, n) == 1);
    while (n) {
        ssize_t done = write(w->fd, text, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return errno == ENOSPC || errno == EDQUOT || errno == EFBIG
                       ? err_set(err, HILO_FULL, "manifest: no room (writing)")
                       : err_errno(err, "manifest: writing");
        text += done;
        n -= (size_t)done;
    }
    return HILO_OK;
}

__attribute__((format(printf, 3, 4))) static int32_t line(struct manifest_writer *w, struct err *err,
                                                          const char *fmt, ...)
{
    char text[LINE_BYTES];
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    CHECK(n > 0 && n < (int)sizeof text);
    return put(w, text, (size_t)n, err);
}

int32_t manifest_add(struct manifest_writer *w, const struct manifest_file *f, struct err *err)
{
    char hex[HASH_HEX + 1];
    int32_t rc = w->begun ? HILO_OK : line(w, err, "# hilo backup %d\n", MANIFEST_FORMAT);

    w->begun = true;
    w->files++;
    w->bytes += f->bytes;
    str_hex(hex, f->hash, MANIFEST_HASH);
    return rc == HILO_OK ? line(w, err, "# size %" PRIu64 "\n%s  %s\n", f->bytes, hex, f->name) : rc;
}

int32_t manifest_finish(struct manifest_writer **wp, struct manifest *m, struct err *err)
{
    struct manifest_writer *w = *wp;
    char made[CLOCK_TEXT], hex[HASH_HEX + 1];
    uint8_t hash[MANIFEST_HASH];
    int32_t rc;

    m->files = w->files;
    m->bytes = w->bytes;
    clock_format(m->made_us, made);
    rc = line(w, err,
              "# made %s\n# seq %" PRIu64 "\n# end %" PRIu32 " %" PRIu32 "\n# files %" PRIu64
              "\n# bytes %" PRIu64 "\n",
              made, m->seq, POSITION_SEGMENT(m->end), POSITION_OFFSET(m->end), m->files, m->bytes);
    if (rc == HILO_OK) {
        CHECK(EVP_DigestFinal_ex(w->md, hash, NULL) == 1);
        CHECK(EVP_DigestInit_ex(w->md, EVP_sha256(), NULL) == 1);
        str_hex(hex, hash, sizeof hash);
        rc = line(w, err, "# complete %s\n", hex);
    }
    manifest_abort(wp);
    return rc;
}

/* ---- reading ---- */

struct reader {
    FILE *file;
    const char *name;
    struct err *err;
    EVP_MD_CTX *md;
    uint64_t line;
    char text[LINE_BYTES]; /* the present line without its end */
    struct manifest_file present;
    bool sized; /* present.bytes is of the file that comes next */
    uint64_t files, bytes;
    struct manifest m;
    unsigned facts; /* in the writer's order: how many have come */
    bool complete;
};

static int32_t damaged(const struct reader *r, const char *why)
{
    return err_set(r->err, HILO_CORRUPT,
                   "%s, line %" PRIu64 ": %s; this is no whole backup, take another one", r->name, r->line,
                   why);
}

static bool is_hex(struct hilo_str s)
{
    for (uint64_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
            return false;
    return true;
}

/* One of the four forms, so that no name leads out of the folder. */
static bool name_good(struct hilo_str s)
{
    static const struct hilo_str journal = {"journal/", 8}, media = {"media/", 6},
                                 files = {FILES_FOLDER "/", sizeof FILES_FOLDER};
    struct hilo_str channel, name;
    uint64_t number;

    if (str_eqz(s, "context/data.mdb"))
        return true;
    if (str_starts(s, journal))
        return s.n == 22 && str_eqz(str_n(s.p + 18, 4), ".seg") && str_u64(str_n(s.p + 8, 10), &number) &&
               number > 0 && number <= UINT32_MAX;
    if (str_starts(s, files))
        return str_cut(str_n(s.p + files.n, (size_t)(s.n - files.n)), '/', &channel, &name) &&
               str_file_name(channel, CHANNEL_NAME_MAX) && str_file_name(name, HILO_FILE_NAME_MAX);
    return str_starts(s, media) && s.n == 6 + 2 + 1 + HASH_HEX - 2 && s.p[8] == '/' &&
           is_hex(str_n(s.p + 6, 2)) && is_hex(str_n(s.p + 9, HASH_HEX - 2));
}

static int32_t read_file_line(struct reader *r, struct hilo_str s, manifest_file_fn *fn, void *arg)
{
    struct hilo_str name;

    if (s.n < HASH_HEX + 2 || s.p[HASH_HEX] != ' ' || s.p[HASH_HEX + 1] != ' ' ||
        !is_hex(str_n(s.p, HASH_HEX)) || !str_unhex(str_n(s.p, HASH_HEX), r->present.hash, MANIFEST_HASH))
        return damaged(r, "a SHA-256 and a name are expected");
    name = str_n(s.p + HASH_HEX + 2, (size_t)s.n - HASH_HEX - 2);
    if (!name_good(name) || name.n >= sizeof r->present.name)
        return damaged(r, "no backup holds a file of this name");
    if (!r->sized)
        return damaged(r, "the file's size is missing before it");
    memcpy(r->present.name, name.p, (size_t)name.n);
    r->present.name[name.n] = 0;
    r->sized = false;
    r->files++;
    r->bytes += r->present.bytes;
    return fn ? fn(arg, &r->present, r->err) : HILO_OK;
}

static bool read_end(struct reader *r, struct hilo_str value)
{
    struct hilo_str a, b;
    uint64_t segment, offset;

    if (!str_cut(value, ' ', &a, &b) || !str_u64(a, &segment) || !str_u64(b, &offset) ||
        segment > UINT32_MAX || offset > UINT32_MAX)
        return false;
    r->m.end = POSITION(segment, offset);
    return true;
}

static bool read_complete(struct reader *r, struct hilo_str value)
{
    uint8_t said[MANIFEST_HASH], is[MANIFEST_HASH];

    CHECK(EVP_DigestFinal_ex(r->md, is, NULL) == 1);
    CHECK(EVP_DigestInit_ex(r->md, EVP_sha256(), NULL) == 1);
    r->complete = true;
    return is_hex(value) && str_unhex(value, said, sizeof said) && memcmp(said, is, sizeof is) == 0;
}

/* "# key value" behind the files. */
static int32_t read_fact(struct reader *r, struct hilo_str key, struct hilo_str value)
{
    static const char *const keys[] = {"made", "seq", "end", "files", "bytes", "complete"};
    bool good = false;

    if (r->sized || r->facts >= sizeof keys / sizeof *keys || !str_eqz(key, keys[r->facts]))
        return damaged(r, "an unexpected line");
    switch (r->facts++) {
    case 0:
        good = clock_parse(value, &r->m.made_us);
        break;
    case 1:
        good = str_u64(value, &r->m.seq);
        break;
    case 2:
        good = read_end(r, value);
        break;
    case 3:
        good = str_u64(value, &r->m.files) && r->m.files == r->files;
        break;
    case 4:
        good = str_u64(value, &r->m.bytes) && r->m.bytes == r->bytes;
        break;
    default:
        good = read_complete(r, value);
        break;
    }
    return good ? HILO_OK : damaged(r, "what it says is not so");
}

static int32_t read_line(struct reader *r, manifest_file_fn *fn, void *arg)
{
    struct hilo_str s = str(r->text), key, value;
    uint64_t format;

    if (r->complete)
        return damaged(r, "nothing is expected behind the end");
    if (!str_starts(s, STR("# ")))
        return r->line == 1 || r->facts ? damaged(r, "an unexpected line") : read_file_line(r, s, fn, arg);
    if (r->line == 1) {
        if (!str_starts(s, STR("# hilo backup ")) || !str_u64(str_n(s.p + 14, (size_t)s.n - 14), &format))
            return damaged(r, "this is no manifest of Hilo");
        if (format != MANIFEST_FORMAT)
            return err_set(r->err, HILO_NOSUP,
                           "%s: its format is version %" PRIu64
                           ", this program knows version %d: use the program that made it, or a newer one",
                           r->name, format, MANIFEST_FORMAT);
        return HILO_OK;
    }
    if (!str_cut(str_n(s.p + 2, (size_t)s.n - 2), ' ', &key, &value))
        return damaged(r, "an unexpected line");
    if (!str_eqz(key, "size"))
        return read_fact(r, key, value);
    if (r->sized || r->facts || !str_u64(value, &r->present.bytes))
        return damaged(r, "an unexpected size");
    r->sized = true;
    return HILO_OK;
}

/* The next line; false at the end. */
static bool next_line(struct reader *r, int32_t *rc)
{
    size_t n;

    if (!fgets(r->text, sizeof r->text, r->file))
        return false;
    r->line++;
    n = strlen(r->text); /* a NUL within ends it, too */
    if (n && r->text[n - 1] == '\n')
        r->text[n - 1] = 0;
    else
        *rc = damaged(r, "the line has no end");
    return true;
}

int32_t manifest_read(FILE *file, const char *name, manifest_file_fn *fn, void *arg, struct manifest *out,
                      struct err *err)
{
    struct reader r = {.file = file, .name = name, .err = err, .md = md_new()};
    int32_t rc = HILO_OK;

    while (rc == HILO_OK && next_line(&r, &rc)) {
        if (rc == HILO_OK)
            rc = read_line(&r, fn, arg);
        CHECK(EVP_DigestUpdate(r.md, r.text, strlen(r.text)) == 1 && EVP_DigestUpdate(r.md, "\n", 1) == 1);
    }
    if (rc == HILO_OK && ferror(file))
        rc = err_errno(err, "%s", name);
    if (rc == HILO_OK && !r.complete)
        rc = damaged(&r, "it ends too early");
    if (rc == HILO_OK)
        *out = r.m;
    EVP_MD_CTX_free(r.md);
    return rc;
}
