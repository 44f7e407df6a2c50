/* At the end of the day: what the SMSC was given, message by message, beside what the gateway was told. */
#include "day.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char *const state_names[] = {"queued", "out", "sent", "failed", "in doubt"};

struct tally {
    uint32_t accepted[PARTS_MAX], refused[PARTS_MAX]; /* by the SMSC, of each segment */
    const struct submit *last[PARTS_MAX];
};

static unsigned segment_of(const struct submit *r)
{
    const struct sm *m = &r->sm;
    const struct tlv *sar = sm_tlv(m, TLV_SAR_INDEX);

    if (sar)
        return sar->p[0] - 1u;
    if (!(m->esm_class & 0x40))
        return 0;
    assert_true(m->text[1] == 0 || m->text[1] == 8);
    return m->text[m->text[1] == 0 ? 5 : 6] - 1u;
}

static void add_text(struct sbuf *out, const struct submit *r)
{
    size_t header = r->sm.esm_class & 0x40 ? r->sm.text[0] + 1u : 0;

    text_decode(coding_of(r->sm.coding), 0, r->sm.text + header, r->sm.n - header, out);
}

static void check_message(struct world *w, uint32_t number, const struct tally *t, uint32_t states[5],
                          uint32_t *segments)
{
    const struct message *m = &w->message[number];
    struct sbuf text = {0};
    bool refused = false;

    states[m->state]++;
    for (unsigned i = 0; i < m->n; i++) {
        *segments += t->accepted[i];
        refused = refused || t->refused[i];
        if (t->accepted[i] > 1)
            fail_msg("segment %u of message %u, which is %s, was accepted %u times", i + 1, number,
                     state_names[m->state], t->accepted[i]);
        if (m->id[i][0]) {
            assert_int_equal(t->accepted[i], 1);
            assert_string_equal(m->id[i], t->last[i]->id);
            if (t->last[i]->receipts_acked)
                assert_string_equal(m->final[i],
                                    !strcmp(t->last[i]->state, "DELIVRD") ? "delivered" : "failed");
        }
    }
    switch (m->state) {
    case SENT:
        for (unsigned i = 0; i < m->n; i++) {
            assert_true(m->id[i][0]);
            assert_int_equal(t->last[i]->receipts, t->last[i]->receipts_acked);
            assert_true(t->last[i]->receipts >= 1);
            add_text(&text, t->last[i]);
        }
        assert_string_equal((char *)text.p, m->text);
        break;
    case FAILED:
        assert_true(refused);
        break;
    case DOUBT:
        break;
    default:
        fail_msg("message %u is still %s", number, state_names[m->state]);
    }
    free(text.p);
}

void check_all(struct world *w, double took_s)
{
    struct tally *t = calloc(w->n + 1, sizeof *t);
    struct smsc *s = &w->peer.smsc;
    uint32_t states[5] = {0}, segments = 0, unknown = 0, parked = 0, mine = 0;
    unsigned number;

    assert_non_null(t);
    for (size_t i = 0; i < s->n_submits; i++) {
        const struct submit *r = s->submits[i];
        unsigned part = segment_of(r);
        assert_int_equal(sscanf(r->sm.dest, "5730%08u", &number), 1);
        assert_true(number < w->n && part < PARTS_MAX);
        if (r->accepted) {
            t[number].accepted[part]++;
            t[number].last[part] = r;
            unknown += w->message[number].id[part][0] ? 0 : r->receipts;
        } else {
            t[number].refused[part]++;
        }
        mine += r->accepted;
    }
    for (uint32_t i = 0; i < w->n; i++)
        check_message(w, i, &t[i], states, &segments);
    assert_int_equal(segments, mine);
    assert_int_equal(mine, s->counts.accepted);
    /* Receipts that name no message that was reported are of segments whose response never came. */
    for (const struct parked *r = w->parked; r; r = r->next)
        parked += !r->taken;
    if (parked > unknown)
        fail_msg("%u receipts are of no message; %u segments have no reported id", parked, unknown);
    for (uint32_t i = 0; i < w->mobiles; i++) {
        uint32_t lost = 0;
        for (uint32_t k = 0; k < w->n_deliveries[i]; k++) {
            assert_int_equal(s->deliveries[w->first_delivery[i] + k]->state, D_ACKED);
            lost += s->deliveries[w->first_delivery[i] + k]->lost;
        }
        if (w->came[i] < 1 || w->came[i] > 1 + lost)
            fail_msg("message %u from a mobile came %u times, its answer was lost %u times", i, w->came[i],
                     lost);
        w->again += w->came[i] - 1u;
    }
    if (s->violations)
        fail_msg("%llu violations, the last: %s", (unsigned long long)s->violations,
                 s->violation[(s->violations - 1) % VIOLATIONS_KEPT]);
    print_message("seed %llu: %u messages, %u sent, %u failed, %u in doubt (%u answered late), %u segments; "
                  "%u receipts, "
                  "%u of what is in doubt; %u from mobiles, %u again after a cut\n",
                  (unsigned long long)w->seed, w->n, states[SENT], states[FAILED], states[DOUBT], w->late,
                  segments, w->receipts, parked, w->mobiles, w->again);
    print_message("  %u cuts, %u restarts, %u kills, %u throttles and %llu throttled, %u refusals, %u "
                  "silences, %u broken "
                  "answers, down %u times, %llu binds; %llu callbacks, %.1f s\n",
                  w->cuts, w->restarts, w->kills, w->throttles, (unsigned long long)s->counts.throttled,
                  w->refusals, w->silences, w->garbage, w->downs, (unsigned long long)s->counts.binds,
                  (unsigned long long)w->host.wakeups, took_s);
    free(t);
}
