/* Appointments, to be looked at: by id, by code, by customer, store and time, and as JSON. */
#include "base/clock.h"
#include "base/str.h"
#include "model/table.h"
#include "services/appointment_say.h"
#include "store/keys.h"
#include <stdio.h>

static const char *const statuses[] = {"",          "booked",   "confirmed", "checked_in",
                                       "completed", "canceled", "no_show"};
static const char *const answers[] = {"", "confirm", "change", "cancel"};
static const char *const kinds[] = {"", "confirmation", "reminder", "cancellation"};

static const char *name_of(const char *const *names, size_t n, uint64_t v)
{
    return v < n ? names[v] : "";
}
#define NAME(names, v) name_of(names, sizeof(names) / sizeof *(names), v)

const char *appointment_status_name(uint64_t status)
{
    return NAME(statuses, status);
}

uint32_t appointment_status_parse(struct hilo_str name)
{
    for (uint32_t i = APPOINTMENT_BOOKED; i <= APPOINTMENT_NO_SHOW; i++)
        if (str_eqz(name, statuses[i]))
            return i;
    return 0;
}

/* ---- one ---- */

int appointment_get(struct gateway *gw, struct hilo_id id, struct arena *a, struct rec_appointment *out,
                    struct fault *f)
{
    const struct key k = key_of_id(id);
    struct err e = {0};
    int32_t rc = store_record(gw->store, TABLE_APPOINTMENT, key_str(&k), &rec_desc_appointment, a, out, &e);

    if (rc == HILO_NOTFOUND)
        return fault_set(f, 404, "unknown_appointment", NULL, "there is no such appointment");
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}

/* As people write it: "k7q-m2p". false: it can be no code. */
static bool code_read(struct hilo_str s, char out[APPOINTMENT_CODE])
{
    unsigned n = 0;

    for (uint64_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == ' ' || c == '-')
            continue;
        if (c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        if (n == APPOINTMENT_CODE || !((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')))
            return false;
        out[n++] = c;
    }
    return n == APPOINTMENT_CODE;
}

int32_t appointment_by_code(struct gateway *gw, struct hilo_str said, struct arena *a, struct hilo_id *out,
                            struct err *e)
{
    char code[APPOINTMENT_CODE];
    struct hilo_str val;

    if (!code_read(said, code))
        return HILO_NOTFOUND;
    const struct key k = key_appointment_code(str_n(code, sizeof code));
    int32_t rc = store_get(gw->store, TABLE_APPOINTMENT_OPEN, key_str(&k), a, &val, e);
    if (rc == HILO_OK)
        *out = key_tail_id(val);
    return rc;
}

int appointment_find(struct gateway *gw, struct hilo_str id_or_code, struct arena *a, struct hilo_id *out,
                     struct fault *f)
{
    struct err e = {0};
    int32_t rc;

    if (id_parse("apt", id_or_code, out))
        return 0;
    rc = appointment_by_code(gw, id_or_code, a, out, &e);
    if (rc == HILO_NOTFOUND)
        return fault_set(f, 404, "unknown_appointment", NULL,
                         "there is no such appointment, nor an open one with this code");
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}

/* ---- many ---- */

enum { CHUNK = 100, LOOK_MAX = 20000, CURSOR = 8 + 16 };

struct page {
    struct hilo_id id[CHUNK];
    uint64_t starts[CHUNK];
    unsigned n;
    uint64_t to;          /* 0: no end */
    struct hilo_str skip; /* the key that the last page ended with */
    bool over;            /* of the time asked for */
};

static bool page_collect(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct page *p = arg;
    const uint64_t starts = key_tail_u64(key, 16);

    (void)val;
    if (p->skip.n && str_eq(key, p->skip))
        return true;
    p->over = p->to && starts >= p->to;
    if (p->over)
        return false;
    p->id[p->n] = key_tail_id(key);
    p->starts[p->n++] = starts;
    return p->n < CHUNK;
}

struct wanted {
    const struct appointment_filter *f;
    bool open; /* only those */
};

static bool fits(const struct wanted *w, const struct rec_appointment *r)
{
    return (id_none(w->f->customer) || id_eq(w->f->customer, r->customer)) &&
           (w->f->store.n == 0 || str_eq(w->f->store, r->store)) &&
           (w->f->status == 0 || w->f->status == r->status) && (!w->open || appointment_is_open(r->status));
}

static struct hilo_str cursor_of(struct arena *a, uint64_t starts, struct hilo_id id)
{
    struct key k;

    key_init(&k);
    key_u64(&k, starts);
    key_id(&k, id);
    return arena_str(a, key_str(&k));
}

static int list(struct gateway *gw, const struct wanted *w, struct hilo_str after, unsigned limit,
                struct arena *a, appointment_fn *fn, void *arg, struct hilo_str *next_out, struct fault *f)
{
    const struct appointment_filter *want = w->f;
    const struct key prefix = !id_none(want->customer) ? key_appointments_customer(want->customer)
                              : want->store.n          ? key_appointments_store(want->store)
                                                       : key_appointments();
    struct key from =
        key_appointment_at(prefix, want->from > 0 ? (uint64_t)want->from : 0, (struct hilo_id){{0}});
    unsigned shown = 0, looked = 0;
    struct page *p = ARENA_NEW(a, struct page);

    *next_out = (struct hilo_str){NULL, 0};
    if (after.n && after.n != CURSOR)
        return fault_set(f, 400, "invalid_cursor", NULL, "this cursor is not of this list");
    if (after.n) {
        from = key_appointment_at(prefix, key_tail_u64(after, 16), key_tail_id(after));
        p->skip = key_str(&from);
    }
    p->to = want->to > 0 ? (uint64_t)want->to : 0;
    for (;;) {
        struct err e = {0};
        p->n = 0;
        int32_t rc = store_scan(gw->store, TABLE_APPOINTMENT_INDEX, key_str(&prefix), key_str(&from), false,
                                page_collect, p, &e);
        if (rc != HILO_OK)
            return fault_store(f, rc, &e);
        for (unsigned i = 0; i < p->n; i++) {
            struct rec_appointment r;
            if (appointment_get(gw, p->id[i], a, &r, f) != 0)
                return -1;
            looked++;
            if (fits(w, &r)) {
                fn(arg, p->id[i], &r);
                shown++;
            }
            /* A filter that fits little ends the page early rather than holding the loop. */
            if ((shown == limit || looked == LOOK_MAX) && !(i + 1 == p->n && (p->over || p->n < CHUNK))) {
                *next_out = cursor_of(a, p->starts[i], p->id[i]);
                return 0;
            }
        }
        if (p->over || p->n < CHUNK)
            return 0;
        from = key_appointment_at(prefix, p->starts[p->n - 1], p->id[p->n - 1]);
        p->skip = key_str(&from);
    }
}

int appointment_list(struct gateway *gw, const struct appointment_filter *want, struct hilo_str after,
                     unsigned limit, struct arena *a, appointment_fn *fn, void *arg,
                     struct hilo_str *next_out, struct fault *f)
{
    const struct wanted w = {.f = want};

    return list(gw, &w, after, limit, a, fn, arg, next_out, f);
}

int appointment_open(struct gateway *gw, struct hilo_id customer, int64_t from, unsigned limit,
                     struct arena *a, appointment_fn *fn, void *arg, struct fault *f)
{
    const struct appointment_filter want = {.customer = customer, .from = from};
    const struct wanted w = {.f = &want, .open = true};
    struct hilo_str next;

    return list(gw, &w, (struct hilo_str){NULL, 0}, limit, a, fn, arg, &next, f);
}

/* ---- JSON ---- */

/* The largest unit that leaves no rest: PT24H, PT90M, PT45S. */
static struct hilo_str duration(uint64_t us, char *out, size_t cap)
{
    const uint64_t s = us / 1000000;
    const int n = s % 3600 == 0 ? snprintf(out, cap, "PT%lluH", (unsigned long long)(s / 3600))
                  : s % 60 == 0 ? snprintf(out, cap, "PT%lluM", (unsigned long long)(s / 60))
                                : snprintf(out, cap, "PT%lluS", (unsigned long long)s);

    return str_n(out, n > 0 ? (size_t)n : 0);
}

static void members_remind(struct out *o, struct hilo_str rest)
{
    struct hilo_field f;
    char text[32];

    out_begin(o, "remind_before", '[');
    while (hilo_next(&rest, &f) == 1)
        if (f.tag == 1)
            out_str(o, NULL, duration(hilo_u64(f.val), text, sizeof text));
    out_end(o, ']');
}

/* gw: NULL: without what changes by itself. */
static void notice_status(struct gateway *gw, struct arena *a, struct out *o, struct hilo_id id)
{
    const struct key k = key_of_id(id);
    struct rec_message m;
    struct err e = {0};

    if (gw && !id_none(id) &&
        store_record(gw->store, TABLE_MESSAGE, key_str(&k), &rec_desc_message, a, &m, &e) == HILO_OK)
        out_opt(o, "status", str(model_value_text(MODEL_E_STATUS, m.status)));
}

static void members_notices(struct gateway *gw, struct arena *a, struct out *o, struct hilo_str bytes)
{
    struct appointment_notices x;
    char text[32];

    appointment_notices_read(bytes, &x);
    out_begin(o, "messages", '[');
    for (unsigned i = 0; i < x.count; i++) {
        const struct rec_notice *n = &x.n[i];
        out_begin(o, NULL, '{');
        out_str(o, "kind", str(NAME(kinds, n->kind)));
        out_id(o, "id", "msg", n->message);
        notice_status(gw, a, o, n->message);
        if (n->before)
            out_str(o, "before", duration(n->before, text, sizeof text));
        out_time(o, "due", n->due);
        out_opt(o, "code", n->code);
        out_opt(o, "detail", n->detail);
        out_end(o, '}');
    }
    out_end(o, ']');
}

static void members(struct gateway *gw, struct arena *a, struct out *o, struct hilo_id id,
                    const struct rec_appointment *r)
{
    out_id(o, "id", "apt", id);
    out_str(o, "code", r->code);
    out_id(o, "customer", "cus", r->customer);
    out_id(o, "case", "cas", r->case_id);
    out_str(o, "status", str(appointment_status_name(r->status)));
    out_str(o, "store", r->store);
    out_opt(o, "place", r->place);
    out_opt(o, "subject", r->subject);
    out_time(o, "starts_at", r->starts);
    out_time(o, "ends_at", r->ends);
    out_opt(o, "time_zone", r->time_zone);
    out_opt(o, "channel", r->channel);
    members_remind(o, r->remind);
    members_notices(gw, a, o, r->messages);
    out_opt(o, "answer", str(NAME(answers, r->answer)));
    out_time(o, "answered", r->answered);
    out_time(o, "checked_in", r->checked_in);
    out_time(o, "booked", r->booked);
    out_time(o, "changed", r->changed);
    out_u64(o, "version", r->version);
}

void appointment_members(struct out *o, struct hilo_id id, const struct rec_appointment *r)
{
    members(NULL, NULL, o, id, r);
}

void appointment_shape(struct out *o, const char *key, struct hilo_id id, const struct rec_appointment *r)
{
    out_begin(o, key, '{');
    members(NULL, NULL, o, id, r);
    out_end(o, '}');
}

void appointment_shape_now(struct gateway *gw, struct arena *a, struct out *o, const char *key,
                           struct hilo_id id, const struct rec_appointment *r)
{
    out_begin(o, key, '{');
    members(gw, a, o, id, r);
    out_end(o, '}');
}
