/*
 * /v1/backups: the daemon copies its store into a folder of its own machine. A path in
 * a request is trusted from the operator alone, so a backup is begun by the control socket and
 * no key; how it goes may be read by whoever reads metrics.
 */
#include "api/fields.h"
#include "api/http.h"
#include "api/reply.h"
#include "api/route.h"
#include "base/str.h"
#include "store/backup.h"
#include <string.h>

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
