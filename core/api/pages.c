/*
 * /c/{token} and /u/{token}: what links in messages open. GET and HEAD show a page and change nothing,
 * for mail scanners open every link; only POST acts. No cookies, no redirects (RFC 8058, 3.1). A query, which
 * mailers add for their counting, says nothing here.
 *
 * Limits: LINK_BURST requests of one message at once, then one every two seconds; of tokens that are none,
 * STRAY_BURST for everybody together.
 */
#include "api/pages.h"
#include "api/http.h"
#include "api/idempotent.h"
#include "api/route.h"
#include "base/clock.h"
#include "base/str.h"
#include "services/linked.h"

enum { LINK_BURST = 30, STRAY_BURST = 200 };
static const int64_t LINK_EVERY_US = 2000000, STRAY_EVERY_US = 20000;

static bool reads_spanish(struct request *rq)
{
    struct hilo_str accepts = request_header(rq, "Accept-Language");

    if (str_starts(accepts, STR("es")) || str_starts(accepts, STR("en")))
        return accepts.p[1] == 's';
    return str_starts(rq->api->gw->language, STR("es"));
}

static int page_answer(struct request *rq, uint32_t status, enum page page, const struct linked *x,
                       struct fault *f)
{
    static const struct hilo_kv headers[] = {{{"Referrer-Policy", 15}, {"no-referrer", 11}},
                                             {{"X-Content-Type-Options", 22}, {"nosniff", 7}},
                                             {{"X-Robots-Tag", 12}, {"noindex", 7}}};
    enum { HEADERS = sizeof headers / sizeof *headers };
    const struct page_words words = {.spanish =
                                         x->language.n ? str_eqz(x->language, "es") : reads_spanish(rq),
                                     .name = rq->api->gw->name,
                                     .question = x->question,
                                     .title = x->title};
    struct hilo_kv *header = ARENA_ARRAY(rq->arena, struct hilo_kv, HEADERS + 1);
    struct buf b = {0};

    if (page_write(&b, page, &words) != HILO_OK) {
        buf_done(&b);
        return fault_set(f, 503, "no_memory", "", "out of memory; try again later");
    }
    memcpy(header, headers, sizeof headers);
    header[HEADERS] = (struct hilo_kv){STR("Content-Security-Policy"), str(page_policy)};
    rq->answer.status = status;
    rq->answer.type = STR("text/html; charset=utf-8");
    rq->answer.body = arena_str(rq->arena, buf_str(&b));
    rq->answer.header = header;
    rq->answer.n_header = HEADERS + 1;
    buf_done(&b);
    return 0;
}

/* A fault as a page. */
static int page_fault(struct request *rq, const struct linked *x, struct fault *f)
{
    const struct fault why = *f;
    const enum page page = why.status == 404   ? PAGE_UNKNOWN
                           : why.status == 410 ? PAGE_EXPIRED
                           : why.status == 429 ? PAGE_OFTEN
                                               : PAGE_BUSY;

    rq->answer.retry_after_s = why.retry_after_s;
    return page_answer(rq, why.status, page, x, f);
}

/* Not too often, by what a token leads to; tokens that lead nowhere together. */
static int often(struct request *rq, const struct linked *x, int rc, struct fault *f)
{
    struct api *api = rq->api;
    uint64_t key = 0;
    int64_t wait;

    for (unsigned i = 8; i < sizeof x->message.b; i++)
        key = key << 8 | x->message.b[i];
    if (rc == 0 ? limit_take(&api->links, key, LINK_EVERY_US, LINK_BURST, clock_mono_us(), &wait)
                : limit_take(&api->strays, 0, STRAY_EVERY_US, STRAY_BURST, clock_mono_us(), &wait))
        return rc;
    (void)fault_set(f, 429, "too_often", NULL, "this link is asked for too often; try again later");
    f->retry_after_s = (uint32_t)(wait / 1000000 + 1);
    return -1;
}

static int find(struct request *rq, enum link_kind kind, struct linked *x, struct fault *f)
{
    int rc = linked_find(rq->api->gw, kind, rq->param[0], clock_wall_us(), rq->arena, x, f);

    if (rc != 0 && f->status >= 500)
        return -1;
    return often(rq, x, rc, f);
}

int choice_page(struct request *rq, struct fault *f)
{
    struct linked x;

    if (find(rq, LINK_CHOICE, &x, f) != 0)
        return page_fault(rq, &x, f);
    return page_answer(rq, 200, x.done ? PAGE_CHOSEN_BEFORE : PAGE_CHOOSE, &x, f);
}

int choice_post(struct request *rq, struct fault *f)
{
    struct linked x;
    int rc;

    if (find(rq, LINK_CHOICE, &x, f) != 0)
        return page_fault(rq, &x, f);
    if (x.done)
        return page_answer(rq, 200, PAGE_CHOSEN_BEFORE, &x, f);
    store_begin(rq->api->gw->store);
    rc = write_end(rq, linked_choose(rq->api->gw, &x, clock_wall_us(), rq->arena, f));
    return rc == 0 ? page_answer(rq, 200, x.done ? PAGE_CHOSEN_BEFORE : PAGE_CHOSEN, &x, f)
                   : page_fault(rq, &x, f);
}

int unsubscribe_page(struct request *rq, struct fault *f)
{
    struct linked x;

    if (find(rq, LINK_UNSUBSCRIBE, &x, f) != 0)
        return page_fault(rq, &x, f);
    return page_answer(rq, 200, x.done ? PAGE_UNSUBSCRIBED : PAGE_UNSUBSCRIBE, &x, f);
}

/* ---- the form ---- */

enum { POSTED_MAX = 16, POSTED_BUFFER = 1024 };
struct posted {
    char value[POSTED_MAX]; /* of List-Unsubscribe */
    size_t n;
    bool wrong;
};

static enum MHD_Result each_field(void *arg, enum MHD_ValueKind kind, const char *key, const char *filename,
                                  const char *type, const char *encoding, const char *data, uint64_t at,
                                  size_t n)
{
    struct posted *p = arg;

    (void)kind, (void)filename, (void)type, (void)encoding;
    if (!key || strcmp(key, "List-Unsubscribe") != 0)
        return MHD_YES;
    p->wrong |= at != p->n || n > sizeof p->value - p->n;
    if (!p->wrong && n)
        memcpy(p->value + p->n, data, n);
    p->n += n;
    return MHD_YES;
}

/* How it was said, for the proof: by one click of a mail program, or by the page's button; empty: not. */
static struct hilo_str said(struct request *rq)
{
    struct MHD_PostProcessor *pp;
    struct posted p = {.n = 0};

    pp = MHD_create_post_processor(rq->conn, POSTED_BUFFER, each_field, &p);
    if (!pp) /* neither of the two types of a form */
        return (struct hilo_str){0};
    /* Whether it was well-formed to its end says nothing about what was said; the second gives the last
     * value of a form that is not multipart. */
    if (rq->body.n)
        (void)MHD_post_process(pp, rq->body.p, rq->body.n);
    (void)MHD_destroy_post_processor(pp);
    if (p.wrong)
        return (struct hilo_str){0};
    if (str_eq_nocase(str_n(p.value, p.n), STR("One-Click")))
        return STR("one_click");
    return str_eqz(str_n(p.value, p.n), "page") ? STR("page") : (struct hilo_str){0};
}

int unsubscribe_post(struct request *rq, struct fault *f)
{
    struct hilo_str how;
    struct linked x;
    int rc;

    if (find(rq, LINK_UNSUBSCRIBE, &x, f) != 0)
        return page_fault(rq, &x, f);
    how = said(rq);
    if (how.n == 0)
        return page_answer(rq, 400, PAGE_UNCLEAR, &x, f);
    /* A person's wish to be left alone is taken on a full disk, too. */
    rc = write_begin_anyway(rq, f);
    if (rc == 0)
        rc = write_end(rq, linked_unsubscribe(rq->api->gw, &x, how, clock_wall_us(), rq->arena, f));
    return rc == 0 ? page_answer(rq, 200, PAGE_UNSUBSCRIBED, &x, f) : page_fault(rq, &x, f);
}
