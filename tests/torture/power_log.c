/*
 * A record of a run (power_log.h) as operations on inodes and names.
 *
 * The model is what POSIX promises and no more: a sync of a file makes its contents and its
 * size durable, not its name; a sync of a folder the names in it, not what they name; a rename
 * is durable when the folder that it goes to is synced. A sync that fails makes nothing durable,
 * nor does a later one in the same life what that was to cover.
 */
#include "power.h"
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uthash.h>
#include <cmocka.h>

struct name { /* of a path that is there now */
    UT_hash_handle hh;
    struct power_inode *inode;
    char path[];
};

struct number { /* of an inode that is there now */
    UT_hash_handle hh;
    uint64_t ino;
    struct power_inode *inode;
};

struct reader {
    struct power_log *log;
    struct name *names;
    struct number *numbers;
    unsigned cap_ops, cap_syncs;
};

/* ---- what it began with ---- */

static struct power_base *base_now; /* nftw has no argument of ours */
static size_t base_skip;

static int base_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    struct power_base *b = base_now;
    struct power_base_file f = {.ino = st->st_ino, .folder = type == FTW_D};

    if (ftw->level == 0 || (type != FTW_D && !S_ISREG(st->st_mode)))
        return 0;
    f.path = strdup(path + base_skip + 1);
    assert_non_null(f.path);
    if (!f.folder) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        f.size = (uint64_t)st->st_size;
        f.bytes = malloc(f.size + 1);
        assert_true(fd >= 0 && f.bytes);
        for (uint64_t n = 0; n < f.size;) {
            ssize_t got = pread(fd, f.bytes + n, f.size - n, (off_t)n);
            assert_true(got > 0);
            n += (uint64_t)got;
        }
        close(fd);
    }
    b->file = realloc(b->file, (b->n + 1) * sizeof *b->file);
    assert_non_null(b->file);
    b->file[b->n++] = f;
    return 0;
}

void power_base_read(struct power_base *b, const char *dir)
{
    *b = (struct power_base){0};
    base_now = b;
    base_skip = strlen(dir);
    assert_int_equal(nftw(dir, base_one, 16, FTW_PHYS), 0);
    base_now = NULL;
}

void power_base_free(struct power_base *b)
{
    for (unsigned i = 0; i < b->n; i++) {
        free(b->file[i].path);
        free(b->file[i].bytes);
    }
    free(b->file);
    *b = (struct power_base){0};
}

/* ---- the records ---- */

static void map_it(struct power_log *l, const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint32_t cap = 0;

    assert_true(fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0);
    l->map_bytes = (size_t)st.st_size;
    l->map = mmap(NULL, l->map_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    assert_true(l->map != MAP_FAILED);
    close(fd);
    for (size_t at = 0; at < l->map_bytes;) {
        const struct power_rec *r = (const struct power_rec *)(const void *)((const char *)l->map + at);
        assert_true(l->map_bytes - at >= sizeof *r && r->magic == POWER_MAGIC && r->bytes >= sizeof *r);
        assert_true(r->bytes <= l->map_bytes - at);
        if (l->n == cap) {
            cap = cap ? 2 * cap : 4096;
            l->rec = realloc(l->rec, cap * sizeof *l->rec);
            assert_non_null(l->rec);
        }
        l->rec[l->n++] = r;
        at += r->bytes;
    }
}

/* ---- inodes and names ---- */

static struct power_inode *inode_new(struct reader *x, bool folder, const char *path)
{
    struct power_log *l = x->log;
    struct power_inode *i = calloc(1, sizeof *i);

    l->inode = realloc(l->inode, (l->n_inodes + 1) * sizeof *l->inode);
    assert_true(i && l->inode);
    i->number = l->n_inodes;
    i->folder = folder;
    i->path = strdup(path);
    assert_non_null(i->path);
    l->inode[l->n_inodes++] = i;
    return i;
}

static struct power_inode *by_number(struct reader *x, uint64_t ino)
{
    struct number *n;

    HASH_FIND(hh, x->numbers, &ino, sizeof ino, n);
    return n ? n->inode : NULL;
}

static void set_number(struct reader *x, uint64_t ino, struct power_inode *inode)
{
    struct number *n;

    HASH_FIND(hh, x->numbers, &ino, sizeof ino, n);
    if (!n) {
        n = calloc(1, sizeof *n);
        assert_non_null(n);
        n->ino = ino;
        HASH_ADD(hh, x->numbers, ino, sizeof n->ino, n);
    }
    n->inode = inode;
}

static struct power_inode *by_path(struct reader *x, const char *path)
{
    struct name *n;

    HASH_FIND_STR(x->names, path, n);
    return n ? n->inode : NULL;
}

static void set_path(struct reader *x, const char *path, struct power_inode *inode)
{
    struct name *n;

    HASH_FIND_STR(x->names, path, n);
    if (!n) {
        n = calloc(1, sizeof *n + strlen(path) + 1);
        assert_non_null(n);
        (void)strcpy(n->path, path);
        HASH_ADD_KEYPTR(hh, x->names, n->path, strlen(n->path), n);
    }
    n->inode = inode;
}

/* What is in a folder that is called otherwise now. */
static void move_below(struct reader *x, const char *from, const char *to)
{
    size_t n = strlen(from);
    struct name *i, *next;
    char path[2048];

    HASH_ITER(hh, x->names, i, next)
    {
        struct power_inode *inode = i->inode;
        if (!inode || strncmp(i->path, from, n) != 0 || i->path[n] != '/')
            continue;
        (void)snprintf(path, sizeof path, "%s%s", to, i->path + n);
        i->inode = NULL;
        set_path(x, path, inode);
    }
}

/* The folder of a path, and the last name of it. */
static struct power_inode *folder_of(struct reader *x, const char *path, const char **name_out)
{
    char folder[1024];
    const char *slash = strrchr(path, '/');
    struct power_inode *i;

    *name_out = slash ? slash + 1 : path;
    (void)snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) : 0, path);
    i = by_path(x, folder);
    if (!i || !i->folder)
        fail_msg("the record names %s, whose folder it has not seen made", path);
    return i;
}

/* ---- operations ---- */

static struct power_op *op_new(struct reader *x, uint32_t at, struct power_inode *inode)
{
    struct power_log *l = x->log;

    if (l->n_ops == x->cap_ops) {
        x->cap_ops = x->cap_ops ? 2 * x->cap_ops : 4096;
        l->op = realloc(l->op, x->cap_ops * sizeof *l->op);
        assert_non_null(l->op);
    }
    l->op[l->n_ops] = (struct power_op){.kind = (enum power_kind)l->rec[at]->kind,
                                        .at = at,
                                        .synced = POWER_NEVER,
                                        .by = POWER_NEVER,
                                        .inode = inode};
    return &l->op[l->n_ops++];
}

static bool all_zero(const uint8_t *p, uint64_t n)
{
    while (n && p[n - 1] == 0)
        n--;
    return n == 0;
}

/* Its contents are operations before the first record. */
static void begin_with(struct reader *x, const struct power_base_file *f)
{
    enum { PIECE = 64 << 10 };
    struct power_inode *inode = inode_new(x, f->folder, f->path);
    struct power_op *op = op_new(x, 0, inode);

    op->kind = f->folder ? POWER_MKDIR : POWER_CREATE;
    op->base = true;
    op->path = strdup(f->path);
    assert_non_null(op->path);
    op->folder = folder_of(x, op->path, &op->name);
    set_number(x, f->ino, inode);
    set_path(x, f->path, inode);
    for (uint64_t at = 0; at < f->size; at += PIECE) {
        uint64_t n = f->size - at < PIECE ? f->size - at : PIECE;
        if (all_zero(f->bytes + at, n))
            continue;
        op = op_new(x, 0, inode);
        op->kind = POWER_WRITE;
        op->base = true;
        op->offset = at;
        op->length = n;
        op->data = f->bytes + at;
    }
    if (!f->folder) {
        op = op_new(x, 0, inode);
        op->kind = POWER_TRUNCATE;
        op->base = true;
        op->length = f->size;
    }
}

/* The log stays mapped, but paths in it end with no zero. */
static char *copy_path(const char *p, size_t n)
{
    char *z = strndup(p, n);

    assert_non_null(z);
    return z;
}

static void on_name(struct reader *x, uint32_t at)
{
    const struct power_rec *r = x->log->rec[at];
    char *path = copy_path(power_path(r), r->n_path), *to = NULL;
    struct power_inode *inode;
    struct power_op *op;

    if (r->kind == POWER_RENAME || r->kind == POWER_LINK)
        to = copy_path(power_path(r) + strlen(path) + 1, r->n_path - strlen(path) - 1);
    inode = r->kind == POWER_CREATE || r->kind == POWER_MKDIR ? inode_new(x, r->kind == POWER_MKDIR, path)
                                                              : by_path(x, path);
    if (!inode) { /* a socket's name, which bind made */
        free(path);
        free(to);
        return;
    }
    op = op_new(x, at, inode);
    op->path = path;
    op->to_path = to;
    op->folder = folder_of(x, path, &op->name);
    if (r->kind == POWER_CREATE || r->kind == POWER_MKDIR)
        set_number(x, r->ino, inode);
    set_path(x, path, r->kind == POWER_UNLINK || r->kind == POWER_RENAME ? NULL : inode);
    if (to) {
        op->to_folder = folder_of(x, to, &op->to_name);
        set_path(x, to, inode);
        if (r->kind == POWER_RENAME && inode->folder)
            move_below(x, path, to);
    }
}

static void on_data(struct reader *x, uint32_t at)
{
    const struct power_rec *r = x->log->rec[at];
    struct power_inode *inode = by_number(x, r->ino);
    struct power_op *op;

    if (!inode)
        fail_msg("the record writes to %.*s, which it has not seen made", (int)r->n_path, power_path(r));
    op = op_new(x, at, inode);
    op->offset = r->offset;
    op->length = r->length;
    op->data = r->kind == POWER_WRITE && r->n_data ? power_data(r) : NULL;
}

static void on_sync(struct reader *x, uint32_t at)
{
    struct power_log *l = x->log;
    const struct power_rec *r = l->rec[at];
    struct power_inode *inode = r->n_path ? by_number(x, r->ino) : l->inode[0];

    if (!inode)
        fail_msg("the record syncs %.*s, which it has not seen made", (int)r->n_path, power_path(r));
    if (l->n_syncs == x->cap_syncs) {
        x->cap_syncs = x->cap_syncs ? 2 * x->cap_syncs : 1024;
        l->sync = realloc(l->sync, x->cap_syncs * sizeof *l->sync);
        assert_non_null(l->sync);
    }
    l->sync[l->n_syncs++] = (struct power_sync){.begin = at, .end = POWER_NEVER, .inode = inode};
}

static void on_synced(struct reader *x, uint32_t at)
{
    struct power_log *l = x->log;
    const struct power_rec *r = l->rec[at];

    for (unsigned i = l->n_syncs; i-- > 0;) {
        const struct power_rec *began = l->rec[l->sync[i].begin];
        if (began->pid == r->pid && began->offset == r->offset) {
            l->sync[i].end = at;
            l->sync[i].failed = r->kind == POWER_FAILED;
            return;
        }
    }
    fail_msg("the record ends a sync that did not begin");
}

static void read_all(struct reader *x)
{
    for (uint32_t i = 0; i < x->log->n; i++)
        switch ((enum power_kind)x->log->rec[i]->kind) {
        case POWER_CREATE:
        case POWER_MKDIR:
        case POWER_UNLINK:
        case POWER_RENAME:
        case POWER_LINK:
            on_name(x, i);
            break;
        case POWER_WRITE:
        case POWER_TRUNCATE:
        case POWER_ALLOCATE:
            on_data(x, i);
            break;
        case POWER_SYNC:
            on_sync(x, i);
            break;
        case POWER_SYNCED:
        case POWER_FAILED:
            on_synced(x, i);
            break;
        default:
            break;
        }
}

/* Ops no longer move: the inodes' lists. */
static void list_ops(struct power_log *l)
{
    for (unsigned i = 0; i < l->n_ops; i++) {
        struct power_op *op = &l->op[i];
        struct power_inode *inode = op->inode;
        if (op->folder)
            continue;
        if (inode->n_ops == inode->cap) {
            inode->cap = inode->cap ? 2 * inode->cap : 16;
            inode->op = realloc(inode->op, inode->cap * sizeof *inode->op);
            assert_non_null(inode->op);
        }
        inode->op[inode->n_ops++] = op;
    }
}

/* ---- what covers what ---- */

static bool covers(const struct power_sync *s, const struct power_op *op)
{
    if (op->at > s->begin)
        return false;
    if (!op->folder)
        return s->inode == op->inode;
    return s->inode == (op->to_folder ? op->to_folder : op->folder);
}

void power_log_cover(struct power_log *l, int site)
{
    uint32_t *given_up = calloc(l->n_ops + 1, sizeof *given_up); /* by the life of this process */
    unsigned first = 0; /* ops before it are all covered, so syncs need not look there */

    assert_non_null(given_up);
    for (unsigned i = 0; i < l->n_ops; i++)
        l->op[i].synced = POWER_NEVER;
    for (unsigned s = 0; s < l->n_syncs; s++) {
        const struct power_sync *sync = &l->sync[s];
        if (sync->end == POWER_NEVER || (site >= 0 && sync->site == (unsigned)site))
            continue;
        for (unsigned i = first; i < l->n_ops && l->op[i].at < sync->begin; i++) {
            struct power_op *op = &l->op[i];
            if (op->base || given_up[i] == l->rec[sync->begin]->pid || !covers(sync, op))
                continue;
            if (sync->failed && op->synced == POWER_NEVER)
                given_up[i] = l->rec[sync->begin]->pid;
            else if (!sync->failed && sync->end < op->synced)
                op->synced = sync->end;
        }
        while (first < l->n_ops && (l->op[first].base || l->op[first].synced <= sync->begin))
            first++;
    }
    free(given_up);
    if (site < 0)
        for (unsigned i = 0; i < l->n_ops; i++)
            l->op[i].by = l->op[i].synced;
}

/* ---- all of it ---- */

void power_log_read(struct power_log *l, const char *path, const char *program, const struct power_base *base)
{
    struct reader x = {.log = l};
    struct name *n, *next_name;
    struct number *m, *next_number;

    *l = (struct power_log){0};
    map_it(l, path);
    set_path(&x, "", inode_new(&x, true, ""));
    for (unsigned i = 0; base && i < base->n; i++)
        begin_with(&x, &base->file[i]);
    read_all(&x);
    list_ops(l);
    HASH_ITER(hh, x.names, n, next_name)
    {
        HASH_DEL(x.names, n);
        free(n);
    }
    HASH_ITER(hh, x.numbers, m, next_number)
    {
        HASH_DEL(x.numbers, m);
        free(m);
    }
    power_sites(l, program);
    power_log_cover(l, -1);
}

void power_log_free(struct power_log *l)
{
    for (unsigned i = 0; i < l->n_ops; i++) {
        free(l->op[i].path);
        free(l->op[i].to_path);
    }
    for (unsigned i = 0; i < l->n_inodes; i++) {
        free(l->inode[i]->path);
        free(l->inode[i]->op);
        free(l->inode[i]);
    }
    free(l->inode);
    free(l->op);
    free(l->sync);
    free(l->site);
    free(l->rec);
    if (l->map)
        (void)munmap(l->map, l->map_bytes);
    *l = (struct power_log){0};
}
