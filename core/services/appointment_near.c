/*
 * That an appointment is about to begin: told once, by an event that takes its entry out of APPOINTMENT_OPEN,
 * so that neither a crash nor a clock that is set brings it twice or loses it. Due by the reading of the
 * clock that never goes back (delivery_time.c), from delivery's timer.
 */
#include "base/clock.h"
#include "base/str.h"
#include "services/appointment_say.h"
#include "store/keys.h"

enum { NEAR_A_TURN = 256 };
static const int64_t ROOM_US = 1000000;

struct ripe {
    struct hilo_id id[NEAR_A_TURN];
    unsigned n;
    uint64_t now, next;
};

static bool ripe_collect(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct ripe *x = arg;
    const uint64_t at = key_tail_u64(key, 16);

    (void)val;
    if (at > x->now || x->n == NEAR_A_TURN) {
        x->next = at;
        return false;
    }
    x->id[x->n++] = key_tail_id(key);
    return true;
}

static int32_t near_tell(struct gateway *gw, struct hilo_id id, struct err *e)
{
    const struct key k = key_of_id(id);
    struct rec_appointment r;
    int32_t rc =
        store_record(gw->store, TABLE_APPOINTMENT, key_str(&k), &rec_desc_appointment, gw->arena, &r, e);

    if (rc == HILO_CORRUPT || rc == HILO_NOTFOUND) {
        char text[ID_TEXT];
        id_format("apt", id, text);
        log_event(gw->log, HILO_LOG_ERROR, "store.unreadable",
                  "id=%s reason=%s next=\"stop the gateway, then: hilod --check-store\"", text,
                  LOG_VALUE(str(e->text)));
        return HILO_OK; /* it stays where it is, and the others go on */
    }
    if (rc == HILO_OK)
        rc = store_room(gw->store, STORE_RECORD, e);
    if (rc != HILO_OK)
        return rc;
    r.near = 0;
    r.told = (uint64_t)clock_wall_us();
    const struct ev_appointment_near ev = {.id = id, .appointment = appointment_pack(gw->arena, &r)};
    store_begin(gw->store);
    rc = store_append(gw->store, &ev_desc_appointment_near, &ev, &actor_core, (int64_t)r.told, NULL, e);
    store_end(gw->store);
    if (rc == HILO_OK) {
        char text[ID_TEXT];
        id_format("apt", id, text);
        log_event(gw->log, HILO_LOG_INFO, "appointment.near", "id=%s store=%s", text, LOG_WORD(r.store));
    }
    return rc;
}

int32_t appointments_near(struct gateway *gw, int64_t now, int64_t *next_out, struct err *e)
{
    const struct key prefix = key_appointments_near();
    struct ripe *x = ARENA_NEW(gw->arena, struct ripe);
    int32_t rc;

    x->now = (uint64_t)now;
    rc = store_scan(gw->store, TABLE_APPOINTMENT_OPEN, key_str(&prefix), (struct hilo_str){NULL, 0}, false,
                    ripe_collect, x, e);
    for (unsigned i = 0; i < x->n && rc == HILO_OK; i++)
        rc = near_tell(gw, x->id[i], e);
    *next_out = rc == HILO_OK ? (int64_t)x->next : now + ROOM_US;
    return rc;
}
