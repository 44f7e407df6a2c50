/*
 * store_check: events, and the context that follows from them.
 *
 * The same apply as the daemon's builds a context in a temporary folder. When it has
 * come to the sequence that the real one names, the two LMDBs are walked side by side:
 * every key, of whatever table, must be in both with the same value. Beyond META's own
 * two keys there is no exception, so a difference is a fault of one of the two.
 *
 * Once an event can't be applied, the rest is verified only.
 */
#include "store/check.h"
#include "base/check.h"
#include "base/str.h"
#include "store/apply.h"
#include "store/context_priv.h"
#include "store/context_table.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FLUSH_KEYS = 500000 };

struct rebuild {
    struct check *check;
    char *dir;
    struct context *context, *real;
    struct arena *arena;
    uint64_t seq;     /* of the last event seen */
    uint64_t applied; /* up to here */
    position end;     /* of the last batch */
    bool broken;      /* an event could not be applied */
    uint64_t reached; /* where real stands */
    position reached_end;
    bool compared;
    uint64_t differ; /* findings of the comparison */
};

/* ---- opening ---- */

static char *temporary_folder(const char *store, struct err *err)
{
    const char *tmp = getenv("TMPDIR");
    size_t n = strlen(store);
    char *path = NULL;

    while (n > 1 && store[n - 1] == '/')
        n--;
    if ((tmp && *tmp ? asprintf(&path, "%s/hilo-check-XXXXXX", tmp)
                     : asprintf(&path, "%.*s.check-XXXXXX", (int)n, store)) < 0)
        check_nomem();
    if (!mkdtemp(path)) {
        (void)err_errno(err, "no temporary folder %s (TMPDIR says where it is made)", path);
        free(path);
        return NULL;
    }
    return path;
}

int32_t rebuild_new(struct check *ck, uint64_t map_bytes, struct err *err, struct rebuild **out)
{
    struct rebuild *r = calloc(1, sizeof *r);
    int32_t rc = HILO_IO;

    if (!r)
        check_nomem();
    r->check = ck;
    r->arena = arena_new();
    r->dir = temporary_folder(ck->dir, err);
    if (r->dir) {
        const struct context_options o = {.dir = r->dir, .map_bytes = map_bytes};
        rc = context_open(&o, err, &r->context);
    }
    if (rc != HILO_OK) {
        rebuild_free(&r);
        return rc;
    }
    *out = r;
    return HILO_OK;
}

static void remove_file(const char *dir, const char *name)
{
    char *path = NULL;

    if (asprintf(&path, "%s/%s", dir, name) < 0)
        check_nomem();
    (void)unlink(path);
    free(path);
}

void rebuild_free(struct rebuild **rp)
{
    struct rebuild *r = *rp;

    if (!r)
        return;
    context_close(&r->context);
    if (r->dir) {
        remove_file(r->dir, "data.mdb");
        remove_file(r->dir, "lock.mdb");
        (void)rmdir(r->dir);
    }
    free(r->dir);
    arena_free(&r->arena);
    free(r);
    *rp = NULL;
}

/* ---- the comparison ---- */

/* One of the two, at a key, or, without more, at its end. */
struct side {
    struct lmdb_reader *reader;
    struct hilo_str key, val;
    bool more;
};

static bool own_key(struct hilo_str key)
{
    return str_eq(key, STR("!format")) || str_eq(key, STR("!reached")) || str_eq(key, STR("!time"));
}

static int32_t side_next(struct side *s, bool first, struct err *err)
{
    int32_t rc;

    do {
        rc = first ? lmdb_seek(s->reader, STR("\0"), true, false, &s->key, &s->val, err)
                   : lmdb_next(s->reader, false, &s->key, &s->val, err);
        first = false;
    } while (rc == HILO_OK && own_key(s->key));
    s->more = rc == HILO_OK;
    return rc == HILO_NOTFOUND ? HILO_OK : rc;
}

static void differs(struct rebuild *r, struct hilo_str whole, const char *words)
{
    const char *table = "?";

    for (unsigned t = 0; t < TABLE__COUNT; t++)
        if (whole.n && table_infos[t].letter == whole.p[0])
            table = table_name((enum table)t);
    r->differ++;
    if (*table != '?')
        whole = (struct hilo_str){whole.p + 1, whole.n - 1};
    check__found(r->check, table, whole, "%s", words);
}

static int32_t walk_both(struct rebuild *r, struct side *real, struct side *built, struct err *err)
{
    int32_t rc = side_next(real, true, err);

    if (rc == HILO_OK)
        rc = side_next(built, true, err);
    while (rc == HILO_OK && (real->more || built->more)) {
        int cmp = !real->more ? 1 : !built->more ? -1 : str_cmp(real->key, built->key);
        if (cmp < 0)
            differs(r, real->key, "it does not follow from the journal");
        else if (cmp > 0)
            differs(r, built->key, "it follows from the journal and is missing");
        else if (!str_eq(real->val, built->val))
            differs(r, real->key, "its value is not the one that follows from the journal");
        if (cmp <= 0)
            rc = side_next(real, false, err);
        if (rc == HILO_OK && cmp >= 0)
            rc = side_next(built, false, err);
    }
    return rc;
}

static int32_t compare(struct rebuild *r, struct err *err)
{
    struct side real = {0}, built = {0};
    struct err e = {0};
    int32_t rc = lmdb_read_begin(r->real->lmdb, &e, &real.reader);

    r->compared = true;
    if (rc == HILO_OK)
        rc = lmdb_read_begin(r->context->lmdb, &e, &built.reader);
    if (rc == HILO_OK)
        rc = walk_both(r, &real, &built, &e);
    lmdb_read_end(&real.reader);
    lmdb_read_end(&built.reader);
    if (rc == HILO_CORRUPT) {
        r->differ++;
        check__found(r->check, "META", (struct hilo_str){0}, "%s", e.text);
        return HILO_OK;
    }
    return rc == HILO_OK ? rc : err_set(err, rc, "%s", e.text);
}

/* ---- events ---- */

/* All that was applied so far is in LMDB afterwards. What is read is on disk. */
static int32_t flush(struct rebuild *r, struct err *err)
{
    int32_t rc = context_wait(r->context, err);

    if (rc == HILO_OK && context_rotate(r->context, r->applied, r->end)) {
        context_synced(r->context, r->applied);
        rc = context_wait(r->context, err);
    }
    return rc;
}

int32_t rebuild_real(struct rebuild *r, struct context *real, struct err *err)
{
    r->real = real;
    if (!real)
        return HILO_OK;
    context_reached(real, &r->reached, &r->reached_end);
    return r->reached == 0 ? compare(r, err) : HILO_OK;
}

static void event_found(struct rebuild *r, const struct event *ev, const char *words)
{
    char at[64];

    (void)snprintf(at, sizeof at, "segment %" PRIu32 " offset %" PRIu32, POSITION_SEGMENT(ev->at),
                   POSITION_OFFSET(ev->at));
    check__found(r->check, "EVENT", (struct hilo_str){0}, "%s, sequence %" PRIu64 ": %s", at, ev->head.seq,
                 words);
}

/* A message within an event: whether its fields can be walked to the end. */
static bool fields_well(struct hilo_str bytes)
{
    struct hilo_field f;
    int more;

    while ((more = hilo_next(&bytes, &f)) == 1)
        continue;
    return more == 0;
}

static void verify(struct rebuild *r, const struct event *ev)
{
    const struct rec_desc *d = event_desc(ev->head.type);
    struct err e = {0};

    if (r->seq == 0 && ev->head.seq != 1)
        event_found(r, ev, "the events before it are not there, so no context can be built");
    r->seq = ev->head.seq;
    if (!d) {
        event_found(r, ev, "its type is unknown");
        return;
    }
    if (ev->head.version != 1)
        event_found(r, ev, "its form is unknown");
    if (ev->head.flags & ~EVENT_QUIET)
        event_found(r, ev, "it has flags that are unknown");
    if (ev->head.actor_kind < ACTOR_CORE || ev->head.actor_kind > ACTOR_CHANNEL)
        event_found(r, ev, "its actor is unknown");
    void *body = arena_alloc(r->arena, d->bytes);
    if (rec_unpack(d, ev->body, body, &e) != HILO_OK) {
        event_found(r, ev, e.text);
        return;
    }
    for (uint32_t i = 0; i < d->n; i++) {
        struct hilo_str s;
        const bool entry = strcmp(d->field[i].name, "entry") == 0; /* of a call: there may be none */
        if (d->field[i].type != REC_STR || (!entry && strcmp(d->field[i].name, "message") != 0))
            continue;
        memcpy(&s, (const char *)body + d->field[i].offset, sizeof s);
        if ((s.n == 0 && !entry) || !fields_well(s))
            event_found(r, ev, "the message in it is malformed");
    }
}

static int32_t apply_one(struct rebuild *r, const struct event *ev, struct err *err)
{
    struct err e = {0};
    int32_t rc = apply_event(r->context, r->arena, ev, NULL, &e);

    if (rc == HILO_OK) {
        r->applied = ev->head.seq;
        return HILO_OK;
    }
    if (rc == HILO_IO || rc == HILO_FULL || rc == HILO_NOMEM)
        return err_set(err, rc, "%s", e.text);
    r->broken = true;
    event_found(r, ev, e.text);
    return HILO_OK;
}

int32_t rebuild_event(struct rebuild *r, const struct event *ev, position batch_end, struct err *err)
{
    struct context_stats st;
    int32_t rc = HILO_OK;

    verify(r, ev);
    arena_reset(r->arena);
    if (ev->head.seq != r->applied + 1)
        r->broken = true;
    if (!r->broken)
        rc = apply_one(r, ev, err);
    arena_reset(r->arena);
    if (batch_end)
        r->end = batch_end;
    if (rc != HILO_OK || r->broken)
        return rc;
    if (r->real && !r->compared && ev->head.seq == r->reached) {
        if (batch_end != r->reached_end)
            check__found(r->check, "META", STR("reached"),
                         "it names a position at which the batch of event %" PRIu64 " does not end",
                         r->reached);
        rc = flush(r, err);
        return rc == HILO_OK ? compare(r, err) : rc;
    }
    if (batch_end) {
        context_stats(r->context, &st);
        if (st.active_keys >= FLUSH_KEYS)
            rc = flush(r, err);
    }
    return rc;
}

int32_t rebuild_finish(struct rebuild *r, const struct journal_recovery *rec, struct err *err)
{
    if (r->real && r->reached > rec->last_seq)
        check__found(r->check, "META", STR("reached"),
                     "the context has reached event %" PRIu64 ", but the journal ends with %" PRIu64,
                     r->reached, rec->last_seq);
    return r->broken ? HILO_OK : flush(r, err);
}

struct context *rebuild_context(const struct rebuild *r)
{
    return r->broken || r->check->journal == NULL ? NULL : r->context;
}

bool rebuild_equal(const struct rebuild *r)
{
    return r->compared && r->differ == 0 && r->reached == r->seq && !r->broken;
}
