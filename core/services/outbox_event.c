/* The outbox's events: which of them an endpoint gets, and as what. */
#include "base/clock.h"
#include "model/out.h"
#include "services/outbox_run.h"
#include "services/public_event.h"

/* HILO_NOSUP: it is nothing to the outside, or nothing that this endpoint gets. */
static int32_t look(struct endpoint *ep, const struct event *ev, bool filtered, struct public_event *out,
                    struct err *e)
{
    int32_t rc = public_event_look(ep->run->gw, ev, ep->run->arena, out, e);

    return rc == HILO_OK && filtered && !public_filter_takes(&ep->filter, out) ? HILO_NOSUP : rc;
}

static int32_t make(struct endpoint *ep, const struct event *ev, struct hilo_id name,
                    const struct public_event *p, struct letter **out, struct err *e)
{
    struct hilo_str body;
    char id[ID_TEXT];
    int32_t rc = public_event_write(ep->run->gw, ev, name, p, ep->run->arena, &body, e);

    if (rc != HILO_OK)
        return rc;
    public_event_id(name, id);
    *out = outbox__letter_new(ep, ev->head.seq, ev->head.time_us, str(id), body);
    return HILO_OK;
}

int32_t outbox__event_wanted(struct endpoint *ep, const struct event *ev, struct public_event *out,
                             struct err *e)
{
    return look(ep, ev, true, out, e);
}

int32_t outbox__event_make(struct endpoint *ep, const struct event *ev, const struct public_event *p,
                           struct letter **out, struct err *e)
{
    return make(ep, ev, tail_id(ep->tail), p, out, e);
}

int32_t outbox__event_at(struct endpoint *ep, uint64_t seq, struct letter **out, struct err *e)
{
    struct run *r = ep->run;
    struct public_event p;
    struct event ev;
    int32_t rc = tail_to_seq(r->spot, seq - 1, e);

    if (rc == HILO_OK)
        rc = tail_next(r->spot, &ev, e);
    if (rc == HILO_OK && ev.head.seq != seq)
        rc = err_set(e, HILO_CORRUPT, "event %llu stands where %llu should", (unsigned long long)ev.head.seq,
                     (unsigned long long)seq);
    /* What was parked is sent, though the endpoint may have been given another filter since. */
    if (rc == HILO_OK)
        rc = look(ep, &ev, false, &p, e);
    if (rc == HILO_OK)
        rc = make(ep, &ev, tail_id(r->spot), &p, out, e);
    tail_to_end(r->spot); /* holds no segment */
    arena_reset(r->arena);
    return rc;
}

void outbox__event_test(struct endpoint *ep, char id[ID_TEXT], struct buf *body)
{
    struct hilo_id name = idgen_next(store_ids(ep->run->gw->store));
    char time[CLOCK_TEXT];
    int32_t rc;

    id_format("tst", name, id);
    clock_format(clock_wall_us(), time);
    rc = buf_fmt(body,
                 "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"%.*s\",\"type\":\"hilo.webhook.test\","
                 "\"time\":\"%s\",\"datacontenttype\":\"application/json\",\"data\":{\"webhook\":\"%s\"}}",
                 id, STR_FMT(public_event_source(ep->run->gw, ep->run->arena)), time, ep->name);
    if (rc != HILO_OK)
        check_nomem();
    arena_reset(ep->run->arena);
}
