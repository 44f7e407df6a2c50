/*
 * /v1/store: what the store holds, and how it is. /v1/backups: the daemon copies it into a
 * folder of its own machine. A path in a request is trusted from the operator alone, so a backup is
 * begun by the control socket and no key; how it goes may be read by whoever reads metrics.
 */
#include "api/fields.h"
#include "api/http.h"
#include "api/reply.h"
#include "api/route.h"
#include "base/str.h"
#include "store/backup.h"
#include "store/count.h"
#include <string.h>

/* ---- the store ---- */

static void store__journal(struct out *o, const struct store_stats *s)
{
    out_begin(o, "journal", '{');
    out_u64(o, "segments", s->journal.segments);
    out_u64(o, "bytes", s->journal.segment_bytes);
    if (s->oldest_seq)
        out_u64(o, "oldest_sequence", s->oldest_seq);
    out_time(o, "oldest_event", (uint64_t)s->oldest_us);
    out_time(o, "newest_event", (uint64_t)s->newest_us);
    out_u64(o, "appended_sequence", s->seq);
    out_u64(o, "synced_sequence", s->synced);
    out_end(o, '}');
}

static void store__context(struct out *o, const struct store_stats *s)
{
    out_begin(o, "context", '{');
    out_u64(o, "sequence", s->reached);
    out_u64(o, "map_bytes", s->context.map_bytes);
    out_u64(o, "used_bytes", s->context.used_bytes);
    out_u64(o, "pending_keys", s->context.active_keys + s->context.frozen_keys);
    out_u64(o, "pending_bytes", s->context.pending_bytes);
    out_u64(o, "flushes", s->context.flushes);
    out_u64(o, "failed_flushes", s->context.failed_flushes);
    out_end(o, '}');
}

static void store__room(struct out *o, const struct store_stats *s)
{
    out_begin(o, "room", '{');
    out_bool(o, "full", s->full);
    out_u64(o, "disk_free_bytes", s->disk_free_bytes);
    out_u64(o, "journal_bytes", s->room_bytes);
    out_u64(o, "reserve_bytes", s->reserve_bytes);
    out_u64(o, "promised_reports", s->promised);
    out_end(o, '}');
}

/* "CASE_INDEX" as "case_index". */
static struct hilo_str store__table(enum table t, char name[40])
{
    const char *z = table_name(t);
    size_t n = 0;

    for (; z[n] && n < 39; n++)
        name[n] = (char)(z[n] >= 'A' && z[n] <= 'Z' ? z[n] + 32 : z[n]);
    return str_n(name, n);
}

static void store__counted(struct out *o, struct count *count)
{
    struct counted c;
    char name[40];

    count_get(count, &c);
    if (!c.running && !c.at_us && !c.err.code)
        return;
    out_begin(o, "counted", '{');
    out_bool(o, "running", c.running);
    out_time(o, "at", (uint64_t)c.at_us);
    if (c.err.code)
        out_str(o, "error", str(c.err.text));
    if (c.at_us) {
        out_u64(o, "free_bytes", c.free_bytes);
        out_u64(o, "media_files", c.media_files);
        out_u64(o, "media_bytes", c.media_bytes);
        out_begin(o, "tables", '[');
        for (unsigned t = 0; t < TABLE__COUNT; t++) {
            out_begin(o, NULL, '{');
            out_str(o, "name", store__table((enum table)t, name));
            out_u64(o, "entries", c.entries[t]);
            out_end(o, '}');
        }
        out_end(o, ']');
    }
    out_end(o, '}');
}

int store_show(struct request *rq, struct fault *f)
{
    static const char *const known[] = {"count", NULL};
    struct store *store = rq->api->gw->store;
    struct hilo_str count = request_query(rq, "count");
    struct store_stats s;
    struct err e = {0};
    struct out o = {0};

    if (request_query_known(rq, known, f) != 0)
        return -1;
    if (count.p && !str_eqz(count, "true"))
        return fault_set(f, 400, "invalid_parameter", "", "count takes only: true");
    if (count.p && count_start(store_count(store), &e) != HILO_OK)
        return fault_store(f, e.code, &e);
    store_stats(store, &s);
    out_begin(&o, NULL, '{');
    store__journal(&o, &s);
    store__context(&o, &s);
    store__room(&o, &s);
    out_bool(&o, "accepting", store_room(store, STORE_NEW, &e) == HILO_OK);
    if (e.code)
        out_str(&o, "why", str(e.text));
    if (s.backup_us) {
        out_begin(&o, "last_backup", '{');
        out_time(&o, "made", (uint64_t)s.backup_us);
        out_u64(&o, "sequence", s.backup_seq);
        out_end(&o, '}');
    }
    store__counted(&o, store_count(store));
    out_end(&o, '}');
    return reply_json(rq, 200, &o, f);
}

/* ---- backups ---- */

static void backup__shape(struct out *o, const struct backup_state *s)
{
    static const char *const phases[] = {"none", "running", "done", "failed"};

    out_begin(o, NULL, '{');
    out_id(o, "id", "bak", s->id);
    out_str(o, "state", str(phases[s->phase]));
    out_str(o, "directory", str(s->dir));
    out_time(o, "started", (uint64_t)s->began_us);
    out_time(o, "ended", (uint64_t)s->ended_us);
    out_u64(o, "bytes", s->bytes);
    out_u64(o, "bytes_expected", s->total);
    if (s->seq)
        out_u64(o, "sequence", s->seq);
    if (s->phase == BACKUP_DONE) {
        out_u64(o, "files", s->files);
        out_u64(o, "files_linked", s->linked);
    }
    if (s->phase == BACKUP_FAILED)
        out_str(o, "error", str(s->err.text));
    out_end(o, '}');
}

struct wanted {
    struct hilo_str directory, since;
};
static const struct field backup_fields[] = {
    {.name = "directory",
     .type = FIELD_STR,
     .flags = FIELD_REQUIRED,
     .min = 2,
     .max = BACKUP_PATH - 1,
     .offset = offsetof(struct wanted, directory)},
    {.name = "since", .type = FIELD_STR, .max = BACKUP_PATH - 1, .offset = offsetof(struct wanted, since)},
};

int backup_post(struct request *rq, struct fault *f)
{
    struct store *store = rq->api->gw->store;
    struct wanted w = {{NULL, 0}, {NULL, 0}};
    struct backup_state s;
    const cJSON *root;
    struct err e = {0};
    struct out o = {0};
    int32_t rc;

    if (rq->actor.kind != ACTOR_CONTROL)
        return fault_set(f, 403, "control_only", "",
                         "a backup is begun on the gateway's machine by its control socket: hilo backup DIR");
    if (fields_body(rq, &root, f) != 0 || fields_read(root, "", backup_fields, 2, &w, NULL, f) != 0)
        return -1;
    const struct backup_order order = {
        .id = idgen_next(store_ids(store)), .dir = w.directory, .since = w.since};
    rc = backup_start(store_backup(store), &order, &e);
    if (rc == HILO_AGAIN)
        return fault_set(f, 409, "backup_running", "", "%s", e.text);
    if (rc == HILO_INVALID)
        return fault_set(f, 422, "invalid_field", "/directory", "%s", e.text);
    if (rc != HILO_OK)
        return fault_store(f, rc, &e);
    backup_state(store_backup(store), &s);
    backup__shape(&o, &s);
    reply_location(rq, "backups", "bak", order.id);
    return reply_json(rq, 202, &o, f);
}

int backup_show(struct request *rq, struct fault *f)
{
    struct backup_state s;
    struct hilo_id id;
    struct out o = {0};

    if (reply_param_id(rq, 0, "bak", "unknown_backup", &id, f) != 0)
        return -1;
    backup_state(store_backup(rq->api->gw->store), &s);
    if (s.phase == BACKUP_NONE || !id_eq(s.id, id))
        return fault_set(f, 404, "unknown_backup", "",
                         "the gateway remembers only the last backup begun since its start");
    backup__shape(&o, &s);
    return reply_json(rq, 200, &o, f);
}
