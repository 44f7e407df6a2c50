/*
 * The folder that a power cut may leave.
 *
 * Of what no sync covers each operation is kept, lost, or, if it writes, torn: some of its
 * sectors of 512 bytes (or pages of 4 KiB, or only a beginning) are on disk. A sector is never
 * torn in itself, and holds all that was written to it before what it holds of the newest: both
 * are what disks and page caches do, and what LMDB stands on. A file's size may be there without
 * what was written, which then reads as zeros. Names are kept or lost one by one.
 */
#include "power.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECTOR = 512, PAGE = 4096 };

const char *const power_how_name[POWER_HOWS] = {"all kept",
                                                "none kept",
                                                "only sizes kept",
                                                "one lost",
                                                "one kept",
                                                "one torn",
                                                "random",
                                                "the site's lost",
                                                "the site's lost, sized",
                                                "one of the site's lost",
                                                "the site's random"};

enum fate { LOST, SIZED, KEPT, TORN_SECTORS, TORN_PAGES, TORN_END };

struct build {
    const struct power_log *log;
    const struct power_plan *plan;
    unsigned n_unsynced, n_focus;
    enum fate *fate; /* of each op in the log */
};

uint64_t power_mix(uint64_t z) /* splitmix64's */
{
    z += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* ---- fates ---- */

static bool open_to_loss(const struct power_op *op, uint32_t cut)
{
    return op->at < cut && op->synced >= cut && !op->base;
}

/* It is so only because of the site without effect. */
static bool in_focus(const struct power_op *op, uint32_t cut)
{
    return open_to_loss(op, cut) && op->by < cut;
}

unsigned power_unsynced(const struct power_log *l, uint32_t cut)
{
    unsigned n = 0;

    for (unsigned i = 0; i < l->n_ops && l->op[i].at < cut; i++)
        n += open_to_loss(&l->op[i], cut);
    return n;
}

unsigned power_focus(const struct power_log *l, uint32_t cut)
{
    unsigned n = 0;

    for (unsigned i = 0; i < l->n_ops && l->op[i].at < cut; i++)
        n += in_focus(&l->op[i], cut);
    return n;
}

static enum fate drawn(const struct build *b, const struct power_op *op)
{
    uint64_t d = power_mix(b->plan->seed ^ power_mix(op->at));
    static const enum fate fates[] = {LOST, LOST,         SIZED,      KEPT,    KEPT,
                                      KEPT, TORN_SECTORS, TORN_PAGES, TORN_END};

    return fates[d % (sizeof fates / sizeof *fates)];
}

/* nth: among those open to loss; nth_focus: among those in focus, or -1. */
static enum fate fate_of(const struct build *b, const struct power_op *op, unsigned nth, int nth_focus)
{
    const struct power_plan *p = b->plan;
    bool picked = b->n_unsynced && nth == p->pick % b->n_unsynced;
    bool focus_picked = b->n_focus && nth_focus >= 0 && (unsigned)nth_focus == p->pick % b->n_focus;

    switch (p->how) {
    case POWER_NONE:
        return LOST;
    case POWER_NONE_SIZED:
        return SIZED;
    case POWER_ONE_LOST:
        return picked ? (p->seed & 1 ? SIZED : LOST) : KEPT;
    case POWER_ONE_KEPT:
        return picked ? KEPT : (p->seed & 1 ? SIZED : LOST);
    case POWER_ONE_TORN:
        return picked ? (enum fate)(TORN_SECTORS + p->seed % 3) : KEPT;
    case POWER_RANDOM:
        return drawn(b, op);
    case POWER_FOCUS_LOST:
        return nth_focus >= 0 ? LOST : KEPT;
    case POWER_FOCUS_SIZED:
        return nth_focus >= 0 ? SIZED : KEPT;
    case POWER_FOCUS_ONE:
        return focus_picked ? LOST : KEPT;
    case POWER_FOCUS_RANDOM:
        return nth_focus >= 0 ? drawn(b, op) : KEPT;
    case POWER_ALL:
    case POWER_HOWS:
        break;
    }
    return KEPT;
}

static void decide(struct build *b)
{
    const struct power_log *l = b->log;
    uint32_t cut = b->plan->cut;
    unsigned nth = 0, nth_focus = 0;

    b->n_unsynced = power_unsynced(l, cut);
    b->n_focus = power_focus(l, cut);
    for (unsigned i = 0; i < l->n_ops && l->op[i].at < cut; i++) {
        const struct power_op *op = &l->op[i];
        b->fate[i] = KEPT;
        if (!open_to_loss(op, cut))
            continue;
        b->fate[i] = fate_of(b, op, nth, in_focus(op, cut) ? (int)nth_focus : -1);
        nth++;
        nth_focus += in_focus(op, cut);
    }
}

/* ---- a file ---- */

/* Whether this sector of the file has got this write. */
static bool has_sector(const struct build *b, const struct power_op *op, uint64_t sector)
{
    uint64_t first = op->offset / SECTOR, last = (op->offset + op->length - 1) / SECTOR;
    uint64_t d = power_mix(b->plan->seed ^ power_mix(op->at ^ UINT64_C(0x5ec7) << 32));

    switch (b->fate[op - b->log->op]) {
    case KEPT:
        return true;
    case TORN_SECTORS:
        return power_mix(d ^ sector) & 1;
    case TORN_PAGES:
        return power_mix(d ^ sector / (PAGE / SECTOR)) & 1;
    case TORN_END:
        return sector < first + d % (last - first + 1);
    default:
        return false;
    }
}

static bool touches(const struct power_op *op, uint64_t sector)
{
    return op->kind == POWER_WRITE && op->length && op->offset < (sector + 1) * SECTOR &&
           op->offset + op->length > sector * SECTOR;
}

struct file {
    int fd;
    uint64_t size, used; /* used: behind it there are only zeros */
};

static bool put(struct file *f, const struct power_op *op, uint64_t from, uint64_t to)
{
    static const uint8_t zeros[64 << 10];

    if (to > f->size)
        f->size = to;
    if (op->data) {
        if (to > f->used)
            f->used = to;
        return pwrite(f->fd, op->data + (from - op->offset), to - from, (off_t)from) == (ssize_t)(to - from);
    }
    if (to > f->used)
        to = f->used;
    for (; from < to; from += sizeof zeros) {
        size_t n = to - from < sizeof zeros ? to - from : sizeof zeros;
        if (pwrite(f->fd, zeros, n, (off_t)from) != (ssize_t)n)
            return false;
    }
    return true;
}

/* Does this write, or one after it, reach the sector? Then the sector has it. */
static bool reached(const struct build *b, const struct power_inode *inode, unsigned i, uint64_t sector)
{
    for (; i < inode->n_ops && inode->op[i]->at < b->plan->cut; i++)
        if (touches(inode->op[i], sector) && has_sector(b, inode->op[i], sector))
            return true;
    return false;
}

static bool write_op(const struct build *b, struct file *f, const struct power_inode *inode, unsigned i)
{
    const struct power_op *op = inode->op[i];
    uint64_t end = op->offset + op->length;
    enum fate fate = b->fate[op - b->log->op];

    if (op->length == 0)
        return true;
    if (fate == KEPT)
        return put(f, op, op->offset, end);
    for (uint64_t s = op->offset / SECTOR; s * SECTOR < end; s++) {
        uint64_t from = s * SECTOR > op->offset ? s * SECTOR : op->offset;
        uint64_t to = (s + 1) * SECTOR < end ? (s + 1) * SECTOR : end;
        if (reached(b, inode, i, s) && !put(f, op, from, to))
            return false;
    }
    if (fate != LOST && fate != TORN_END && end > f->size)
        f->size = end;
    return true;
}

static bool file_make(const struct build *b, const struct power_inode *inode, int dir, const char *name)
{
    struct file f = {.fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
    bool good = f.fd >= 0;

    for (unsigned i = 0; good && i < inode->n_ops && inode->op[i]->at < b->plan->cut; i++) {
        const struct power_op *op = inode->op[i];
        bool lost = b->fate[op - b->log->op] == LOST;
        if (op->kind == POWER_WRITE)
            good = write_op(b, &f, inode, i);
        else if (op->kind == POWER_ALLOCATE && !lost && op->offset + op->length > f.size)
            f.size = op->offset + op->length;
        else if (op->kind == POWER_TRUNCATE && !lost) {
            good = ftruncate(f.fd, (off_t)op->length) == 0;
            f.size = op->length;
            f.used = f.used < f.size ? f.used : f.size;
        }
    }
    good = good && ftruncate(f.fd, (off_t)f.size) == 0;
    if (f.fd >= 0)
        (void)close(f.fd);
    return good;
}

/* ---- names ---- */

struct entry {
    const struct power_inode *folder, *inode; /* inode NULL: removed */
    const char *name;
};

struct entries {
    struct entry *entry;
    unsigned n;
};

static void enter(struct entries *e, const struct power_inode *folder, const char *name,
                  const struct power_inode *inode)
{
    for (unsigned i = 0; i < e->n; i++)
        if (e->entry[i].folder == folder && strcmp(e->entry[i].name, name) == 0) {
            e->entry[i].inode = inode;
            return;
        }
    e->entry[e->n++] = (struct entry){folder, inode, name};
}

/* Takes a name away, if it is this inode's. */
static void leave(struct entries *e, const struct power_op *op)
{
    for (unsigned i = 0; i < e->n; i++)
        if (e->entry[i].folder == op->folder && e->entry[i].inode == op->inode &&
            strcmp(e->entry[i].name, op->name) == 0)
            e->entry[i].inode = NULL;
}

static void names(const struct build *b, struct entries *e)
{
    for (unsigned i = 0; i < b->log->n_ops && b->log->op[i].at < b->plan->cut; i++) {
        const struct power_op *op = &b->log->op[i];
        if (!op->folder || b->fate[i] == LOST || b->fate[i] == SIZED)
            continue;
        if (op->kind == POWER_CREATE || op->kind == POWER_MKDIR)
            enter(e, op->folder, op->name, op->inode);
        if (op->kind == POWER_UNLINK || op->kind == POWER_RENAME)
            leave(e, op);
        if (op->to_folder)
            enter(e, op->to_folder, op->to_name, op->inode);
    }
}

static bool folder_make(const struct build *b, const struct entries *e, const struct power_inode *folder,
                        int dir)
{
    bool good = true;

    for (unsigned i = 0; good && i < e->n; i++) {
        const struct entry *x = &e->entry[i];
        if (x->folder != folder || !x->inode)
            continue;
        if (!x->inode->folder) {
            good = file_make(b, x->inode, dir, x->name);
            continue;
        }
        int sub =
            mkdirat(dir, x->name, 0700) == 0 ? openat(dir, x->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
        good = sub >= 0 && folder_make(b, e, x->inode, sub);
        if (sub >= 0)
            (void)close(sub);
    }
    return good;
}

bool power_state_make(const struct power_log *l, const struct power_plan *plan, const char *dir)
{
    struct build b = {.log = l, .plan = plan, .fate = calloc(l->n_ops + 1, sizeof *b.fate)};
    struct entries e = {.entry = calloc(2 * (size_t)l->n_ops + 1, sizeof *e.entry)};
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = b.fate && e.entry && fd >= 0;

    if (good) {
        decide(&b);
        names(&b, &e);
        good = folder_make(&b, &e, l->inode[0], fd);
    }
    if (fd >= 0)
        (void)close(fd);
    free(b.fate);
    free(e.entry);
    return good;
}
