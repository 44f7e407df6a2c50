/* The gateway's side of messages out: a queue, credit, reports, and receipts by the ids that were reported.
 */
#include "day.h"

#include <hilo/message.h>
#include <hilo/segment.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* ---- chance ---- */

uint64_t chance(struct world *w, uint64_t below)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return (w->random >> 11) % below;
}

/* About `mean` on average, never 0 and never more than eight times it. */
int64_t about(struct world *w, int64_t mean)
{
    int64_t sum = 1 + (int64_t)chance(w, (uint64_t)mean);

    for (int i = 0; i < 6 && chance(w, 2); i++)
        sum += (int64_t)chance(w, (uint64_t)mean);
    return sum;
}

void *more(void *p, uint32_t *cap, uint32_t n, size_t size)
{
    if (n < *cap)
        return p;
    *cap = *cap * 2 + 1024;
    p = realloc(p, *cap * size);
    assert_non_null(p);
    return p;
}

/* ---- messages out ---- */

static const char *const gsm_words[] = {"hola ",           "se\xc3\xb1or ", "su pedido ",
                                        "5 \xe2\x82\xac ", "[si] ",         "\xc2\xbfviene? "};
static const char *const wide_words[] = {"así ", "día 😀 ", "mañana ", "😀👍 ", "ú ", "кот "};

static char *text_of(struct world *w, uint32_t number)
{
    static const unsigned sizes[] = {20, 60, 90, 150, 170, 320, 500};
    bool wide = chance(w, 4) == 0;
    size_t want = sizes[chance(w, wide ? 5 : 7)], cap = want + 64, n;
    char *text = malloc(cap);

    assert_non_null(text);
    n = (size_t)snprintf(text, cap, "%u ", number);
    while (n < want) {
        const char *word = wide ? wide_words[chance(w, sizeof wide_words / sizeof *wide_words)]
                                : gsm_words[chance(w, sizeof gsm_words / sizeof *gsm_words)];
        n += (size_t)snprintf(text + n, cap - n, "%s", word);
    }
    return text;
}

static void enqueue(struct world *w, uint32_t number)
{
    w->message[number].state = QUEUED;
    if (w->q_n == w->q_cap) {
        uint32_t cap = w->q_cap * 2 + 1024, *queue = malloc(cap * sizeof *queue);
        assert_non_null(queue);
        for (uint32_t i = 0; i < w->q_n; i++)
            queue[i] = w->queue[(w->q_head + i) % w->q_cap];
        free(w->queue);
        w->queue = queue;
        w->q_cap = cap;
        w->q_head = 0;
    }
    w->queue[(w->q_head + w->q_n++) % w->q_cap] = number;
}

static void enqueue_later(struct world *w, uint32_t number, int64_t after_us)
{
    w->message[number].state = QUEUED;
    w->message[number].again_us = w->host.now_us + (after_us > 0 ? after_us : 2 * SECOND);
    w->later = more(w->later, &w->cap_later, w->n_later, sizeof *w->later);
    w->later[w->n_later++] = number;
}

void arrive(struct world *w)
{
    struct hilo_segments plan;
    struct message *m;

    if (w->n == w->cap) {
        w->message = more(w->message, &w->cap, w->n, sizeof *w->message);
    }
    m = &w->message[w->n];
    memset(m, 0, sizeof *m);
    m->text = text_of(w, w->n);
    assert_int_equal(
        hilo_segments_measure((struct hilo_str){m->text, strlen(m->text)}, &w->host.able.segment, &plan),
        HILO_OK);
    assert_true(plan.segments <= PARTS_MAX && plan.lost == 0);
    m->n = (uint8_t)plan.segments;
    enqueue(w, w->n++);
}

static struct hilo_id id_of(uint32_t number)
{
    struct hilo_id id = {{0}};

    id.b[0] = 1;
    for (int i = 0; i < 4; i++)
        id.b[12 + i] = (uint8_t)(number >> (24 - 8 * i));
    return id;
}

static uint32_t number_of(struct hilo_id id)
{
    assert_int_equal(id.b[0], 1);
    return (uint32_t)id.b[12] << 24 | (uint32_t)id.b[13] << 16 | (uint32_t)id.b[14] << 8 | id.b[15];
}

/* True: it was taken, or reported at once. */
static bool send_one(struct world *w, uint32_t number)
{
    struct message *m = &w->message[number];
    uint8_t bytes[4096];
    char phone[32];
    struct hilo_writer wr;
    int32_t code;

    (void)snprintf(phone, sizeof phone, "+5730%08u", number);
    hilo_writer_init(&wr, bytes, sizeof bytes);
    hilo_put_u64(&wr, HILO_T_MSG_KIND, HILO_KIND_OUTBOUND);
    hilo_put_id(&wr, HILO_T_MSG_ID, id_of(number));
    hilo_open(&wr, HILO_T_MSG_PARTY);
    hilo_put_u64(&wr, HILO_T_IDENT_SCHEME, HILO_SCHEME_PHONE);
    hilo_put_str(&wr, HILO_T_IDENT_VALUE, (struct hilo_str){phone, strlen(phone)});
    hilo_close(&wr);
    hilo_open(&wr, HILO_T_MSG_CONTENT);
    hilo_put_u64(&wr, HILO_T_CONTENT_TYPE, HILO_CONTENT_TEXT);
    hilo_put_str(&wr, HILO_T_CONTENT_TEXT, (struct hilo_str){m->text, strlen(m->text)});
    hilo_close(&wr);
    m->state = OUT;
    w->out++;
    code = w->host.plugin->send(w->host.inst, id_of(number), hilo_written(&wr));
    if (code == HILO_OK)
        return true;
    assert_int_equal(code, HILO_AGAIN); /* nothing else may be wrong with these */
    w->out--;
    enqueue_later(w, number, SECOND);
    return false;
}

bool send_some(struct world *w)
{
    bool any = false;

    while (w->q_n && w->host.inst && w->state == HILO_OK && w->out < w->credit &&
           w->rest_us <= w->host.now_us) {
        uint32_t number = w->queue[w->q_head];
        w->q_head = (w->q_head + 1) % w->q_cap;
        w->q_n--;
        any = true;
        if (!send_one(w, number))
            break;
    }
    return any;
}

bool requeue(struct world *w)
{
    bool any = false;

    for (uint32_t i = 0; i < w->n_later;) {
        if (w->message[w->later[i]].again_us > w->host.now_us) {
            i++;
            continue;
        }
        enqueue(w, w->later[i]);
        w->later[i] = w->later[--w->n_later];
        any = true;
    }
    return any;
}

/* ---- reports and receipts ---- */

void copy_str(char *out, size_t cap, struct hilo_str s)
{
    assert_true(s.n < cap);
    if (s.n)
        memcpy(out, s.p, s.n);
    out[s.n] = 0;
}

static void receipt_apply(struct world *w, const struct known *k, uint64_t status)
{
    char *final = w->message[k->message].final[k->part];

    if (status == HILO_STATUS_DELIVERED || (status == HILO_STATUS_FAILED && strcmp(final, "delivered") != 0))
        (void)snprintf(final, 16, "%s", status == HILO_STATUS_DELIVERED ? "delivered" : "failed");
    else
        assert_true(status == HILO_STATUS_SENT || status == HILO_STATUS_FAILED);
    w->receipts++;
}

static struct known *find(struct world *w, const struct parked *r)
{
    struct known *k;

    HASH_FIND_STR(w->known, r->id, k);
    for (unsigned i = 0; i < r->n && !k; i++)
        HASH_FIND_STR(w->known, r->spelling[i], k);
    return k;
}

static struct spelled *spelled(struct world *w, const char *id)
{
    struct spelled *p;

    HASH_FIND_STR(w->spelled, id, p);
    if (p)
        return p;
    p = calloc(1, sizeof *p);
    assert_non_null(p);
    (void)snprintf(p->id, sizeof p->id, "%s", id);
    HASH_ADD_STR(w->spelled, id, p);
    return p;
}

static void park(struct world *w, struct parked *r)
{
    struct spelled *p = spelled(w, r->id);

    for (unsigned i = 0; i < p->n; i++)
        if (!strcmp(p->r[i]->id, r->id) &&
            p->r[i]->status == r->status) { /* its answer was lost with a link */
            free(r);
            return;
        }
    r->next = w->parked;
    w->parked = r;
    for (unsigned i = 0; i <= r->n; i++) {
        p = spelled(w, i ? r->spelling[i - 1] : r->id);
        if (p->n == 0 || p->r[p->n - 1] != r) {
            assert_true(p->n < 4);
            p->r[p->n++] = r;
        }
    }
}

static void learn(struct world *w, uint32_t number, uint8_t part, struct hilo_str id)
{
    struct known *k = calloc(1, sizeof *k), *old;
    struct spelled *p;

    assert_non_null(k);
    copy_str(k->id, sizeof k->id, id);
    assert_true(k->id[0]);
    k->message = number;
    k->part = part;
    HASH_FIND_STR(w->known, k->id, old);
    if (old)
        fail_msg("id %s is of message %u and of %u", k->id, old->message, number);
    HASH_ADD_STR(w->known, id, k);
    copy_str(w->message[number].id[part], 66, id);
    HASH_FIND_STR(w->spelled, k->id, p);
    for (unsigned i = 0; p && i < p->n; i++)
        if (!p->r[i]->taken) {
            p->r[i]->taken = true;
            receipt_apply(w, k, p->r[i]->status);
        }
}

void day_on_report(void *arg, const struct hilo_report *r)
{
    struct world *w = arg;
    uint32_t number = number_of(r->id);
    struct message *m = &w->message[number];

    assert_true(number < w->n);
    assert_int_equal(m->state, OUT); /* one report for each send */
    w->out--;
    if (r->scope == HILO_SCOPE_CHANNEL && r->retry_after_us > 0 && r->code != HILO_OK)
        w->rest_us = w->host.now_us + r->retry_after_us;
    switch (r->code) {
    case HILO_OK:
        m->state = SENT;
        assert_int_equal(r->n_more_ext_ids + 1, m->n);
        break;
    case HILO_AGAIN:
    case HILO_TEMP:
    case HILO_DOWN:
        assert_int_equal(r->ext_id.n, 0);
        enqueue_later(w, number, r->retry_after_us);
        return;
    case HILO_PERM:
        m->state = FAILED;
        break;
    case HILO_IN_DOUBT:
        m->state = DOUBT;
        break;
    default:
        fail_msg("a report with code %d: %.*s", r->code, (int)r->detail.n, r->detail.p);
    }
    if (r->ext_id.n)
        learn(w, number, 0, r->ext_id);
    for (uint64_t i = 0; i < r->n_more_ext_ids; i++)
        if (r->more_ext_ids[i].n)
            learn(w, number, (uint8_t)(i + 1), r->more_ext_ids[i]);
}

void day_on_receipt(struct world *w, struct hilo_str msg)
{
    struct hilo_str receipt = hilo_get_str(msg, HILO_T_MSG_RECEIPT), echo, rest = receipt;
    struct parked *r = calloc(1, sizeof *r);
    struct hilo_field f;
    struct known *k;

    assert_non_null(r);
    copy_str(r->id, sizeof r->id, hilo_get_str(msg, HILO_T_MSG_EXT_ID));
    r->status = hilo_get_u64(receipt, HILO_T_RECEIPT_STATUS);
    if (hilo_find(receipt, HILO_T_RECEIPT_ECHO, &echo)) { /* a late response */
        struct message *m = &w->message[number_of(hilo_get_id(receipt, HILO_T_RECEIPT_ECHO))];
        /* Of one segment: others of the message may still be out, and its report to come. */
        assert_true(m->state == DOUBT || (m->state == OUT && m->n > 1));
        m->late = true;
        w->late++;
        if (r->id[0] && m->n == 1 && !m->id[0][0])
            learn(w, (uint32_t)(m - w->message), 0, hilo_get_str(msg, HILO_T_MSG_EXT_ID));
        free(r);
        return;
    }
    while (hilo_next(&rest, &f) == 1)
        if (f.tag == HILO_T_RECEIPT_SPELLINGS) {
            assert_true(r->n < 8);
            copy_str(r->spelling[r->n++], 66, f.val);
        }
    k = find(w, r);
    if (k) {
        receipt_apply(w, k, r->status);
        free(r);
    } else {
        park(w, r);
    }
}
