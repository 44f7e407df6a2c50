/*
 * Receipts: what a provider says of a message that was sent. Which message that is: by our
 * id, if it echoes it, else by the provider's, in whichever of its spellings the report
 * had it; if none is known, it is parked until a report is.
 *
 * Whatever says nothing new (the same again, less of a segment than is known) is a
 * duplicate, and nothing is written.
 */
#include "services/receipts.h"
#include "base/clock.h"
#include "base/str.h"
#include "model/table.h"
#include "services/delivery.h"
#include "store/keys.h"
#include "store/several.h"

enum { EXT_ID_MAX = 512 };

struct incoming {
    struct gateway *gw;
    struct gw_channel *channel;
    struct arena *arena;
    struct hilo_str message;
};

static bool step_known(const struct rec_message *m, uint64_t status, uint64_t time)
{
    struct hilo_str rest = m->history;
    struct hilo_field f;
    struct rec_step s;

    while (hilo_next(&rest, &f) == 1)
        if (rec_unpack(&rec_desc_step, f.val, &s, NULL) == HILO_OK && s.status == status && s.time == time)
            return true;
    return false;
}

static int32_t receipt_message(const struct incoming *in, struct hilo_id id, struct rec_message *m,
                               struct err *e)
{
    struct key k = key_of_id(id);
    int32_t rc = store_record(in->gw->store, TABLE_MESSAGE, key_str(&k), &rec_desc_message, in->arena, m, e);

    /* An echo is only as good as the channel that brings it. */
    if (rc == HILO_OK && (!str_eq(m->channel, in->channel->name) || m->kind != HILO_KIND_OUTBOUND))
        return HILO_NOTFOUND;
    return rc;
}

/* A provider's words end up in a record of the context, so they are cut. */
static struct hilo_str receipt_word(struct hilo_str group, uint32_t tag)
{
    return str_utf8_head(hilo_get_str(group, tag), 64);
}

/* Of a receipt, what it cost; empty if it does not say. */
static struct hilo_str receipt_cost(const struct incoming *in, struct hilo_str r)
{
    static const uint32_t words[] = {HILO_T_RECEIPT_PRICING_MODEL, HILO_T_RECEIPT_PRICING_CATEGORY,
                                     HILO_T_RECEIPT_PRICING_TYPE};
    struct hilo_writer w;

    arena_writer(in->arena, &w);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        struct hilo_str word = receipt_word(r, words[i]);
        if (word.n)
            hilo_put_str(&w, words[i], word);
    }
    if (w.n)
        hilo_put_u64(&w, HILO_T_RECEIPT_BILLABLE, hilo_get_u64(r, HILO_T_RECEIPT_BILLABLE));
    return hilo_written(&w);
}

/* Every way that its id may be written, the one that it came with first; each once. */
static int32_t receipt_ids(const struct incoming *in, struct hilo_str r,
                           struct hilo_str id[1 + HILO_SPELLINGS_MAX], unsigned *n, struct err *e)
{
    struct hilo_str came = hilo_get_str(in->message, HILO_T_MSG_EXT_ID);
    struct hilo_field f;

    *n = 0;
    if (came.n)
        id[(*n)++] = came;
    while (hilo_next(&r, &f) == 1) {
        bool again = f.val.n == 0;
        if (f.tag != HILO_T_RECEIPT_SPELLINGS)
            continue;
        for (unsigned i = 0; i < *n; i++)
            again |= str_eq(id[i], f.val);
        if (again)
            continue;
        if (f.val.n > EXT_ID_MAX)
            return err_set(e, HILO_INVALID, "a spelling of a provider_id has at most %d bytes", EXT_ID_MAX);
        if (*n == 1 + HILO_SPELLINGS_MAX)
            return err_set(e, HILO_INVALID, "a receipt has more than %d spellings of its provider_id",
                           HILO_SPELLINGS_MAX);
        id[(*n)++] = f.val;
    }
    return HILO_OK;
}

/* The message that one of them names: the first counts that is known. HILO_NOTFOUND: none is. echo: only
 * what is this message's counts. */
static int32_t receipt_find(const struct incoming *in, const struct hilo_str *id, unsigned n,
                            struct hilo_id echo, struct hilo_str *ext_id, struct ext *x,
                            struct rec_message *m, struct err *e)
{
    struct hilo_str val;

    for (unsigned i = 0; i < n; i++) {
        struct key k = key_ext(in->channel->name, id[i]);
        int32_t rc = store_get(in->gw->store, TABLE_EXT, key_str(&k), in->arena, &val, e);
        if (rc == HILO_OK && ext_read(val, x))
            rc = !id_none(echo) && !id_eq(echo, x->id) ? HILO_NOTFOUND : receipt_message(in, x->id, m, e);
        if (rc == HILO_OK)
            *ext_id = id[i];
        if (rc != HILO_NOTFOUND)
            return rc;
    }
    *x = (struct ext){.several = false};
    return HILO_NOTFOUND;
}

static struct hilo_str spellings_of(const struct incoming *in, const struct hilo_str *id, unsigned n)
{
    struct hilo_writer w;

    arena_writer(in->arena, &w);
    for (unsigned i = 1; i < n; i++)
        hilo_put_str(&w, 1, id[i]);
    return hilo_written(&w);
}

/* Of one of several: what the message comes to by it, 0: no further. False: it says nothing new. */
static bool segment_news(const struct incoming *in, const struct rec_message *m, const struct ext *x,
                         uint64_t status, uint64_t *moved_to)
{
    struct hilo_str after = m->segments;
    uint64_t outcome;
    char *bytes;

    *moved_to = 0;
    if (!several_moves(m->segments, x->segment, status))
        return false;
    bytes = arena_dup(in->arena, after.p, (size_t)after.n);
    bytes[SEVERAL_HEAD + x->segment] = (char)status;
    after.p = bytes;
    outcome = several_outcome(after);
    /* Of the last of its parts, as apply_receipt.c has it. */
    if (m->part + 1 >= m->parts && model_status_rank(outcome) > model_status_rank(m->status))
        *moved_to = outcome;
    return true;
}

int32_t receipt_submitted(struct gateway *gw, struct gw_channel *channel, struct hilo_str message,
                          struct arena *a, struct err *e)
{
    const struct incoming incoming = {gw, channel, a, message}, *in = &incoming;
    const struct actor actor = {.kind = ACTOR_CHANNEL};
    struct hilo_str r = hilo_get_str(in->message, HILO_T_MSG_RECEIPT), id[1 + HILO_SPELLINGS_MAX];
    struct ev_message_receipt ev = {.channel = in->channel->name,
                                    .ext_id = hilo_get_str(in->message, HILO_T_MSG_EXT_ID),
                                    .status = hilo_get_u64(r, HILO_T_RECEIPT_STATUS),
                                    .time = hilo_get_u64(in->message, HILO_T_MSG_TIME),
                                    .reason = receipt_word(r, HILO_T_RECEIPT_REASON),
                                    .provider_code = receipt_word(r, HILO_T_RECEIPT_CODE),
                                    .detail = str_utf8_head(hilo_get_str(r, HILO_T_RECEIPT_DETAIL), 300)};
    struct hilo_id echo = hilo_get_id(r, HILO_T_RECEIPT_ECHO);
    struct rec_message m = {0};
    struct ext x = {.several = false};
    int32_t rc = HILO_NOTFOUND, named;
    uint64_t moved_to = ev.status;
    unsigned n;

    if (ev.status != HILO_STATUS_SENT && ev.status != HILO_STATUS_DELIVERED &&
        ev.status != HILO_STATUS_READ && ev.status != HILO_STATUS_FAILED)
        return err_set(e, HILO_INVALID,
                       "a receipt has status %llu; sent, delivered, read or failed was expected",
                       (unsigned long long)ev.status);
    named = receipt_ids(in, r, id, &n, e);
    if (named != HILO_OK)
        return named;
    if (!id_none(echo))
        rc = receipt_message(in, echo, &m, e);
    if (rc == HILO_NOTFOUND)
        echo = (struct hilo_id){{0}};
    if (rc == HILO_OK || rc == HILO_NOTFOUND) {
        named = receipt_find(in, id, n, echo, &ev.ext_id, &x, &m, e);
        rc = named == HILO_NOTFOUND ? rc : named;
        ev.id = named == HILO_OK ? x.id : echo;
        if (named == HILO_NOTFOUND && n) {
            ev.ext_id = id[0];
            several_unnamed(&m, &x);
        }
    }
    if (rc == HILO_NOTFOUND) {
        if (n == 0)
            return err_set(e, HILO_INVALID, "a receipt names no message");
        /* parked */
        ev.spellings = spellings_of(in, id, n);
    } else if (rc != HILO_OK) {
        return rc;
    } else if (x.several && x.part == several_part(m.segments) && x.segment < several_n(m.segments)) {
        if (!segment_news(in, &m, &x, ev.status, &moved_to))
            return HILO_DUPLICATE;
    } else if (model_status_rank(m.status) >= model_status_rank(ev.status) &&
               step_known(&m, ev.status, ev.time)) {
        /* By its rank: two parts may be delivered in the same second, and the last counts. */
        return HILO_DUPLICATE;
    }
    ev.cost = receipt_cost(in, r);
    rc = store_room(in->gw->store, STORE_RECORD, e);
    if (rc != HILO_OK)
        return rc;
    rc = store_append(gw->store, &ev_desc_message_receipt, &ev, &actor, clock_wall_us(), NULL, e);
    if (rc != HILO_OK)
        return rc;
    in->channel->receipts++;
    if (!id_none(ev.id))
        delivery_moved(in->gw->delivery, in->channel, ev.id, m.place, moved_to);
    return HILO_OK;
}
