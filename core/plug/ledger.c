/*
 * What a plugin owes the core, and the core's trust in it.
 *
 * Invariants, whatever the plugin does:
 *   - every SEND frame is followed by exactly one REPORT frame, at the latest when the
 *     instance closes (in doubt if the plugin had taken it, else again);
 *   - a send is passed on only against credit, so credit never falls below zero; a report
 *     gives its one back;
 *   - every FETCH is followed by exactly one FETCHED, every request is answered at most once.
 *
 * A send that the plugin answers with HILO_AGAIN stays here until the plugin gives
 * credit again, drains or closes, and only then goes back: so the core does not offer it
 * the next one in a busy circle.
 */
#include "base/check.h"
#include "base/ids.h"
#include "plug/instance_impl.h"
#include <stdlib.h>
#include <uthash.h>

enum { WORDS_MAX = 4096 }; /* of a plugin's words in one field */

enum sent_state {
    SENT_CALLING = 1, /* send() runs */
    SENT_TAKEN,
    SENT_HELD /* it said HILO_AGAIN */
};
struct sent {
    struct hilo_id id;
    enum sent_state state;
    UT_hash_handle hh;
};

struct numbered {
    uint64_t n;
    UT_hash_handle hh;
};

static struct hilo_str cut(struct hilo_str s)
{
    if (s.n > WORDS_MAX)
        s.n = WORDS_MAX;
    return s;
}

static void breach(struct hilo_self *s, const char *what, struct hilo_id id)
{
    char text[ID_TEXT];

    id_format("msg", id, text);
    log_event(s->o.log, HILO_LOG_ERROR, "plugin.breach", "channel=%s message=%s what=\"%s\"", s->o.name, text,
              what);
}

/* ---- sends ------------------------------------------------------------------------------- */

static struct sent *sent_find(struct hilo_self *s, struct hilo_id id)
{
    struct sent *x = NULL;

    HASH_FIND(hh, s->sends, &id, sizeof id, x);
    return x;
}

static struct sent *sent_add(struct hilo_self *s, struct hilo_id id)
{
    struct sent *x = calloc(1, sizeof *x);

    if (!x)
        check_nomem();
    x->id = id;
    x->state = SENT_CALLING;
    HASH_ADD(hh, s->sends, id, sizeof x->id, x);
    return x;
}

static void sent_del(struct hilo_self *s, struct sent *x)
{
    if (x->state == SENT_HELD)
        s->held--;
    HASH_DEL(s->sends, x);
    free(x);
}

/* A code that the core knows what to do with, from whatever a plugin gives. */
static int32_t outcome(int32_t code)
{
    switch (code) {
    case HILO_OK:
    case HILO_AGAIN:
    case HILO_TEMP:
    case HILO_PERM:
    case HILO_IN_DOUBT:
    case HILO_DOWN:
    case HILO_CONFIG:
        return code;
    case HILO_NOMEM:
    case HILO_FULL:
    case HILO_IO:
    case HILO_STALE:
        return HILO_TEMP;
    case HILO_NOSUP:
    case HILO_BUG:
    case HILO_INVALID:
    case HILO_NOTFOUND:
    case HILO_DUPLICATE:
        return HILO_PERM;
    default:
        return HILO_IN_DOUBT;
    }
}

static void report_up(struct hilo_self *s, const struct hilo_report *r)
{
    struct frame f = instance_frame(FRAME_REPORT, 0);
    struct hilo_str more[FRAME_MORE_MAX];

    for (uint64_t i = 0; i < r->n_more_ext_ids; i++)
        more[i] = cut(r->more_ext_ids[i]);
    f.more = more;
    f.n_more = r->n_more_ext_ids;
    f.id = r->id;
    f.code = outcome(r->code);
    f.ext_id = cut(r->ext_id);
    f.reason = cut(r->reason);
    f.provider_code = cut(r->provider_code);
    f.detail = cut(r->detail);
    f.retry_after = r->retry_after_us > 0 ? (uint64_t)r->retry_after_us : 0;
    f.scope = r->scope <= HILO_SCOPE_CHANNEL ? r->scope : HILO_SCOPE_MESSAGE;
    f.flags = f.code == HILO_TEMP ? r->flags & HILO_REPORT_UNTAKEN : 0;
    instance_must(s, &f);
}

static void report_words(struct hilo_self *s, struct hilo_id id, int32_t code, struct hilo_str reason)
{
    report_up(s, &(struct hilo_report){
                     .size = sizeof(struct hilo_report), .code = code, .id = id, .reason = reason});
}

/* The end of one that was credited. */
static void settle(struct hilo_self *s, struct sent *x, int32_t code, struct hilo_str reason)
{
    report_words(s, x->id, code, reason);
    s->credit++;
    sent_del(s, x);
}

void ledger_send(struct hilo_self *s, const struct frame *f)
{
    struct sent *x = sent_find(s, f->id);
    int32_t code;

    if (x) { /* it has its report coming already */
        breach(s, "the core sent a message that is still out", f->id);
        return;
    }
    if (s->phase != INSTANCE_RUNNING || s->credit == 0) {
        if (s->phase == INSTANCE_RUNNING)
            breach(s, "the core sent without credit", f->id);
        report_words(s, f->id, HILO_AGAIN, s->credit == 0 ? STR("no_credit") : STR("draining"));
        return;
    }
    s->credit--;
    sent_add(s, f->id);
    instance_enter(s, CALLBACK_SEND);
    code = s->o.desc->send(s->inst, f->id, f->message);
    instance_leave(s, CALLBACK_SEND);
    x = sent_find(s, f->id); /* not, if it was reported within send() */
    if (!x) {
        if (code != HILO_OK)
            breach(s, "send() failed after it had reported; the code is ignored", f->id);
    } else if (code == HILO_OK) {
        x->state = SENT_TAKEN;
    } else if (code == HILO_AGAIN) {
        x->state = SENT_HELD;
        s->held++;
    } else {
        settle(s, x, code, STR("refused"));
    }
}

void ledger_revoke(struct hilo_self *s, struct hilo_id id)
{
    struct sent *x = sent_find(s, id);

    if (!x)
        return; /* reported meanwhile */
    if (x->state == SENT_HELD) {
        settle(s, x, HILO_AGAIN, STR("revoked"));
    } else if (s->o.desc->revoke) {
        instance_enter(s, CALLBACK_REVOKE);
        s->o.desc->revoke(s->inst, id);
        instance_leave(s, CALLBACK_REVOKE);
    }
}

void ledger_report(struct hilo_self *s, const struct hilo_report *r)
{
    struct hilo_report full = {0};
    struct sent *x;

    memcpy(&full, r, r->size < sizeof full ? r->size : sizeof full);
    x = sent_find(s, full.id);
    if (!x || x->state == SENT_HELD) {
        breach(s,
               x ? "report of a message that send() did not take; it is ignored"
                 : "a second report, or one of a message never sent; it is ignored",
               full.id);
        return;
    }
    if (full.code != outcome(full.code))
        breach(s, "report with a code that is no outcome", full.id);
    if (full.n_more_ext_ids > FRAME_MORE_MAX || (full.n_more_ext_ids && !full.more_ext_ids)) {
        breach(s, "report with more ids than one can have, or without them; those beyond are ignored",
               full.id);
        full.n_more_ext_ids = full.more_ext_ids ? FRAME_MORE_MAX : 0;
    }
    report_up(s, &full);
    s->credit++;
    sent_del(s, x);
}

void ledger_credit(struct hilo_self *s, uint32_t n)
{
    /* Those that were not taken go back first, each giving the core its one. */
    while (n > 0 && s->held > 0) {
        struct sent *x = s->sends;

        while (x->state != SENT_HELD)
            x = x->hh.next;
        settle(s, x, HILO_AGAIN, STR("not_taken"));
        n--;
    }
    if (n > INSTANCE_CREDIT_MAX - s->credit) {
        log_event(s->o.log, HILO_LOG_ERROR, "plugin.breach", "channel=%s what=\"credit above %d; cut\"",
                  s->o.name, INSTANCE_CREDIT_MAX);
        n = s->credit < INSTANCE_CREDIT_MAX ? (uint32_t)(INSTANCE_CREDIT_MAX - s->credit) : 0;
    }
    s->credit += n;
    s->credit_up += n;
}

void ledger_give_back(struct hilo_self *s)
{
    struct sent *x, *next;

    HASH_ITER(hh, s->sends, x, next)
    if (x->state == SENT_HELD)
        settle(s, x, HILO_AGAIN, STR("draining"));
}

/* ---- requests and jobs ---------------------------------------------------------------------- */

static struct numbered *numbered_find(struct numbered *all, uint64_t n)
{
    struct numbered *x = NULL;

    HASH_FIND(hh, all, &n, sizeof n, x);
    return x;
}

static void numbered_add(struct numbered **all, uint64_t n)
{
    struct numbered *x = calloc(1, sizeof *x);

    if (!x)
        check_nomem();
    x->n = n;
    HASH_ADD(hh, *all, n, sizeof x->n, x);
}

static bool numbered_del(struct numbered **all, uint64_t n)
{
    struct numbered *x = numbered_find(*all, n);

    if (!x)
        return false;
    HASH_DEL(*all, x);
    free(x);
    return true;
}

void ledger_job_add(struct hilo_self *s, uint64_t job)
{
    numbered_add(&s->jobs, job);
}
bool ledger_job_has(struct hilo_self *s, uint64_t job)
{
    return numbered_find(s->jobs, job) != NULL;
}
void ledger_request_add(struct hilo_self *s, uint64_t request)
{
    numbered_add(&s->requests, request);
}
bool ledger_request_has(struct hilo_self *s, uint64_t request)
{
    return numbered_find(s->requests, request) != NULL;
}
void ledger_request_del(struct hilo_self *s, uint64_t request)
{
    (void)numbered_del(&s->requests, request);
}

void ledger_fetched(struct hilo_self *s, uint64_t job, int32_t code, struct hilo_str mime,
                    struct hilo_str detail, int64_t retry_after_us)
{
    struct frame f = instance_frame(FRAME_FETCHED, job);

    if (!numbered_del(&s->jobs, job)) {
        log_event(s->o.log, HILO_LOG_ERROR, "plugin.breach",
                  "channel=%s job=%llu what=\"fetched() of a job that is not its own; it is ignored\"",
                  s->o.name, (unsigned long long)job);
        return;
    }
    f.code = outcome(code);
    f.mime = cut(mime);
    f.detail = cut(detail);
    f.retry_after = retry_after_us > 0 ? (uint64_t)retry_after_us : 0;
    instance_must(s, &f);
}

/* ---- the end ----------------------------------------------------------------------------------- */

void ledger_settle(struct hilo_self *s)
{
    struct sent *x, *next;
    struct numbered *y, *after;

    HASH_ITER(hh, s->sends, x, next)
    {
        if (x->state == SENT_HELD) {
            settle(s, x, HILO_AGAIN, STR("not_taken"));
        } else {
            breach(s, "closed without a report; it is in doubt", x->id);
            settle(s, x, HILO_IN_DOUBT, STR("no_report"));
        }
    }
    HASH_ITER(hh, s->jobs, y, after)
    ledger_fetched(s, y->n, HILO_TEMP, STR(""), STR("the channel closed before the download ended"), 0);
    HASH_ITER(hh, s->requests, y, after)
    ledger_request_del(s, y->n);
}

bool ledger_quiet(const struct hilo_self *s)
{
    return !s->sends && !s->jobs && !s->requests && s->asked == 0;
}
