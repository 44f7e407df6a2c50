/* Public events of calls: the call as the API gives it, as it was from the event on; offered, what an
 * agent's screen shows; and what is said in a message's media. */
#include "base/str.h"
#include "services/calls.h"
#include "services/public_event_part.h"
#include "services/transcripts.h"
#include <stddef.h>

/* What those of a call begin with. */
struct public__call_head {
    struct hilo_id id;
    struct hilo_str entry, call;
    uint64_t set, at;
};
#define SAME_HEAD(event)                                                                                     \
    _Static_assert(offsetof(struct ev_##event, id) == offsetof(struct public__call_head, id) &&              \
                       offsetof(struct ev_##event, call) == offsetof(struct public__call_head, call) &&      \
                       offsetof(struct ev_##event, set) == offsetof(struct public__call_head, set) &&        \
                       offsetof(struct ev_##event, at) == offsetof(struct public__call_head, at),            \
                   "its id, the call, what changed and when come first")
SAME_HEAD(call_started);
SAME_HEAD(call_changed);
SAME_HEAD(call_offered);

static enum public_type type_of(const struct event *ev, const struct public__call_head *head,
                                const struct rec_call *r)
{
    if (ev->head.type == EVENT_call_started)
        return PUBLIC_CALL_STARTED;
    if (ev->head.type == EVENT_call_offered)
        return PUBLIC_CALL_OFFERED;
    if (!(head->set & CALL_SET_STATUS))
        return PUBLIC_CALL_UPDATED;
    return r->status == CALL_ANSWERED      ? PUBLIC_CALL_ANSWERED
           : r->status == CALL_TRANSFERRED ? PUBLIC_CALL_TRANSFERRED
                                           : PUBLIC_CALL_ENDED;
}

int32_t public_call_look(const struct event *ev, struct arena *a, struct public_event *out, struct err *err)
{
    struct rec_call *r = ARENA_NEW(a, struct rec_call);
    struct public__call_head head;

    memcpy(&head, out->body, sizeof head);
    int32_t rc = rec_unpack(&rec_desc_call, head.call, r, err);
    if (rc != HILO_OK)
        return rc;
    r->changed = (uint64_t)ev->head.time_us;
    r->version = ev->head.seq;
    out->type = type_of(ev, &head, r);
    out->call = r;
    out->customer = r->customer;
    out->case_id = r->case_id;
    out->channel = r->channel;
    return HILO_OK;
}

static void put_changes(struct out *o, uint64_t set)
{
    static const char *const words[] = {"status", "customer", "case", "details"};

    out_begin(o, "changes", '[');
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        if (set >> i & 1)
            out_str(o, NULL, str(words[i]));
    out_end(o, ']');
}

void public_call_put(struct out *o, const struct event *ev, const struct public_event *p)
{
    struct public__call_head head;

    memcpy(&head, p->body, sizeof head);
    call_members(o, head.id, p->call);
    if (ev->head.type != EVENT_call_started)
        put_changes(o, head.set);
    if (ev->head.type == EVENT_call_offered) {
        const struct ev_call_offered *e = p->body;
        out_raw(o, "context", e->context.n ? e->context : STR("{}"));
    }
    public_origin_put(o, (struct hilo_str){0}, (struct hilo_str){0}, (struct hilo_str){0}, head.at);
}

void public_transcript_put(struct out *o, const struct event *ev, const struct public_event *p)
{
    const struct ev_message_transcribed *e = p->body;

    out_id(o, "id", "msg", e->id);
    out_id(o, "customer", "cus", p->customer);
    out_id(o, "case", "cas", p->case_id);
    out_opt(o, "channel", p->channel);
    if (p->message)
        out_id(o, "media", "med", p->message->media);
    transcript_members(o, e, (uint64_t)ev->head.time_us);
}
