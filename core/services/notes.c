/* Notes are messages of a kind of their own: in the thread and the case as any, with no channel, no
 * conversation and no status, as nobody sends them. */
#include "services/notes.h"
#include "base/clock.h"
#include "base/str.h"
#include "services/cases.h"

int note_add(struct gateway *gw, const struct actor *actor, struct hilo_id case_id, const struct note *n,
             struct arena *a, struct hilo_id *out, struct fault *f)
{
    const int64_t now = clock_wall_us();
    struct hilo_writer w;
    struct rec_case c;
    struct err e = {0};

    if (place_check(&n->place, f) != 0 || case_get(gw, case_id, a, &c, f) != 0)
        return -1;
    if (n->text.n == 0 || str_utf8_count(n->text) > NOTE_MAX)
        return fault_set(f, 422, "invalid_field", "/text", "text: 1 to %d characters are expected", NOTE_MAX);
    const struct hilo_id id = idgen_next(store_ids(gw->store));
    arena_writer(a, &w);
    hilo_put_u64(&w, HILO_T_MSG_KIND, HILO_KIND_NOTE);
    hilo_put_id(&w, HILO_T_MSG_ID, id);
    hilo_put_id(&w, HILO_T_MSG_CUSTOMER, c.customer);
    hilo_put_id(&w, HILO_T_MSG_CASE, case_id);
    hilo_put_u64(&w, HILO_T_MSG_TIME, (uint64_t)(n->at ? n->at : now));
    hilo_put_u64(&w, HILO_T_MSG_ARRIVED, (uint64_t)now);
    if (n->place.clerk.n)
        hilo_put_str(&w, HILO_T_MSG_SENDER, n->place.clerk);
    hilo_open(&w, HILO_T_MSG_CONTENT);
    hilo_put_u64(&w, HILO_T_CONTENT_TYPE, HILO_CONTENT_NOTE);
    hilo_put_str(&w, HILO_T_CONTENT_TEXT, n->text);
    hilo_close(&w);
    const struct ev_case_noted ev = {.id = id,
                                     .message = hilo_written(&w),
                                     .store = n->place.store,
                                     .terminal = n->place.terminal,
                                     .clerk = n->place.clerk};
    int32_t rc = store_append(gw->store, &ev_desc_case_noted, &ev, actor, now, NULL, &e);
    *out = id;
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}
