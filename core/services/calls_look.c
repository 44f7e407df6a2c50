/* Calls, to be looked at: one, a list, as JSON, as an entry of the timeline. */
#include "base/clock.h"
#include "base/str.h"
#include "model/codec.h"
#include "model/table.h"
#include "services/calls.h"
#include "store/keys.h"

static const char *const statuses[] = {"",      "ringing", "answered", "offered", "transferred",
                                       "ended", "broken"};
static const char *const consents[] = {"", "granted", "denied", "announced"};

const char *call_status_name(uint64_t status)
{
    return status <= CALL_BROKEN ? statuses[status] : "";
}

uint32_t call_status_parse(struct hilo_str name)
{
    for (uint32_t i = CALL_RINGING; i <= CALL_BROKEN; i++)
        if (str_eqz(name, statuses[i]))
            return i;
    return 0;
}

int call_get(struct gateway *gw, struct hilo_id id, struct arena *a, struct rec_call *out, struct fault *f)
{
    const struct key k = key_of_id(id);
    struct err e = {0};
    int32_t rc = store_record(gw->store, TABLE_CALL, key_str(&k), &rec_desc_call, a, out, &e);

    if (rc == HILO_NOTFOUND)
        return fault_set(f, 404, "unknown_call", NULL, "there is no such call");
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}

/* ---- a list ---- */

enum { CHUNK = 100, LOOK_MAX = 20000, CURSOR = 16 };

struct page {
    struct hilo_id id[CHUNK];
    unsigned n;
    struct hilo_str skip; /* the key that the last page ended with */
};

static bool page_collect(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct page *p = arg;

    (void)val;
    if (p->skip.n && str_eq(key, p->skip))
        return true;
    p->id[p->n++] = key_tail_id(key);
    return p->n < CHUNK;
}

static bool fits(const struct call_filter *w, const struct rec_call *r)
{
    return (id_none(w->customer) || id_eq(w->customer, r->customer)) &&
           (w->channel.n == 0 || str_eq(w->channel, r->channel)) &&
           (w->status == 0 || w->status == r->status) && (!w->open || call_is_open(r->status));
}

int call_list(struct gateway *gw, const struct call_filter *want, struct hilo_str after, unsigned limit,
              struct arena *a, call_fn *fn, void *arg, struct hilo_str *next_out, struct fault *f)
{
    const bool open = want->open || (want->status && call_is_open(want->status));
    const struct key prefix = !id_none(want->customer)  ? key_calls_customer(want->customer)
                              : want->channel.n && open ? key_calls_open(want->channel)
                              : want->channel.n         ? key_calls_channel(want->channel)
                                                        : key_calls();
    struct page *p = ARENA_NEW(a, struct page);
    struct key from = {.n = 0};
    unsigned shown = 0, looked = 0;

    *next_out = (struct hilo_str){NULL, 0};
    if (after.n && after.n != CURSOR)
        return fault_set(f, 400, "invalid_cursor", NULL, "this cursor is not of this list");
    if (after.n) {
        from = key_call_at(prefix, key_tail_id(after));
        p->skip = key_str(&from);
    }
    for (;;) {
        struct err e = {0};
        p->n = 0;
        int32_t rc = store_scan(gw->store, TABLE_CALL_INDEX, key_str(&prefix), key_str(&from), true,
                                page_collect, p, &e);
        if (rc != HILO_OK)
            return fault_store(f, rc, &e);
        for (unsigned i = 0; i < p->n; i++) {
            struct rec_call r;
            if (call_get(gw, p->id[i], a, &r, f) != 0)
                return -1;
            looked++;
            if (fits(want, &r)) {
                fn(arg, p->id[i], &r);
                shown++;
            }
            /* A filter that fits little ends the page early rather than holding the loop. */
            if ((shown == limit || looked == LOOK_MAX) && !(i + 1 == p->n && p->n < CHUNK)) {
                *next_out = arena_str(a, str_n(p->id[i].b, sizeof p->id[i].b));
                return 0;
            }
        }
        if (p->n < CHUNK)
            return 0;
        from = key_call_at(prefix, p->id[p->n - 1]);
        p->skip = key_str(&from);
    }
}

/* ---- JSON ---- */

static void put_party(struct out *o, struct hilo_str party)
{
    if (party.n == 0)
        return;
    out_begin(o, "party", '{');
    out_opt(o, "scheme", str(model_value_text(MODEL_E_SCHEME, hilo_get_u64(party, HILO_T_IDENT_SCHEME))));
    out_opt(o, "value", hilo_get_str(party, HILO_T_IDENT_VALUE));
    out_end(o, '}');
}

void call_members(struct out *o, struct hilo_id id, const struct rec_call *r)
{
    out_id(o, "id", "cal", id);
    out_str(o, "direction", r->direction == CALL_INBOUND ? STR("inbound") : STR("outbound"));
    out_str(o, "status", str(call_status_name(r->status)));
    out_str(o, "channel", r->channel);
    out_id(o, "customer", "cus", r->customer);
    out_id(o, "case", "cas", r->case_id);
    put_party(o, r->party);
    out_opt(o, "provider_id", r->provider_id);
    out_id(o, "message", "msg", r->message);
    out_id(o, "entry", "msg", r->entry);
    out_opt(o, "to", r->to);
    out_opt(o, "digits", r->digits);
    out_time(o, "started", r->started);
    out_time(o, "answered", r->answered);
    out_time(o, "offered", r->offered);
    out_time(o, "transferred", r->transferred);
    out_time(o, "ended", r->ended);
    if (r->duration_ms || r->ended)
        out_u64(o, "duration_ms", r->duration_ms);
    if (r->sip || r->reason.n || r->text.n) {
        out_begin(o, "cause", '{');
        if (r->sip)
            out_u64(o, "sip", r->sip);
        out_opt(o, "reason", r->reason);
        out_opt(o, "text", r->text);
        out_end(o, '}');
    }
    if (r->consent)
        out_str(o, "recording_consent", str(r->consent < 4 ? consents[r->consent] : ""));
    out_time(o, "changed", r->changed);
    out_u64(o, "version", r->version);
}

void call_shape(struct out *o, const char *key, struct hilo_id id, const struct rec_call *r)
{
    out_begin(o, key, '{');
    call_members(o, id, r);
    out_end(o, '}');
}

/* ---- in the timeline ---- */

int call_entry_now(struct gateway *gw, const struct rec_message *m, struct arena *a, struct hilo_str *bytes,
                   struct fault *f)
{
    struct model_change c[3], content;
    struct err e = {0};
    struct rec_call r;
    size_t n = 0;

    if (call_get(gw, m->call, a, &r, f) != 0)
        return -1;
    if (id_eq(r.customer, m->customer)) {
        c[n++] = change_str(HILO_T_CONTENT_OUTCOME, str(call_status_name(r.status)));
        if (r.duration_ms)
            c[n++] = change_u64(HILO_T_CONTENT_DURATION_MS, r.duration_ms);
        if (r.digits.n)
            c[n++] = change_str(HILO_T_CONTENT_DIGITS, r.digits);
    } else {
        c[n++] = change_str(HILO_T_CONTENT_OUTCOME, STR("moved"));
    }
    content = change_into(HILO_T_MSG_CONTENT, c, n);
    if (model_edit(a, *bytes, &content, 1, bytes, &e) != HILO_OK)
        return fault_set(f, 500, "corrupt", "", "stored bytes can't be read: %s; run hilo store check",
                         e.text);
    return 0;
}
