/*
 * Writes. With an Idempotency-Key the answer is stored in the same begin and end as what
 * it speaks of: after a crash either both are there or neither. Refusals are not stored,
 * for nothing happened: the same request may succeed later.
 */
#include "api/idempotent.h"
#include "api/http.h"
#include "base/sha256.h"
#include "base/str.h"
#include "services/access.h"
#include <string.h>

static int idempotent__key(struct request *rq, const uint8_t content[32], struct fault *f)
{
    struct hilo_str key = request_header(rq, "Idempotency-Key");

    if (!key.p)
        return 0;
    /* The draft standard writes it as a quoted string; many clients do not. */
    if (key.n >= 2 && key.p[0] == '"' && key.p[key.n - 1] == '"')
        key = str_n(key.p + 1, key.n - 2);
    if (key.n < 1 || key.n > IDEMPOTENCY_KEY_MAX)
        return fault_set(f, 400, "invalid_idempotency_key", "", "Idempotency-Key may have 1 to %d characters",
                         IDEMPOTENCY_KEY_MAX);
    for (uint64_t i = 0; i < key.n; i++)
        if (key.p[i] < 0x21 || key.p[i] > 0x7e)
            return fault_set(f, 400, "invalid_idempotency_key", "",
                             "Idempotency-Key may have printable ASCII without spaces only");
    access_once(&rq->once, &rq->actor, key, rq->method, rq->uri,
                content ? str_n(content, SHA256_BYTES) : buf_str(&rq->body));
    return 0;
}

static int idempotent__begin(struct request *rq, enum store_use use, struct fault *f)
{
    struct err e = {0};
    int32_t rc = store_room(rq->api->gw->store, use, &e);

    if (rc != HILO_OK)
        return fault_store(f, rc, &e);
    store_begin(rq->api->gw->store);
    return 0;
}

int write_begin(struct request *rq, struct fault *f)
{
    return idempotent__begin(rq, STORE_NEW, f);
}

int write_begin_anyway(struct request *rq, struct fault *f)
{
    return idempotent__begin(rq, STORE_RECORD, f);
}

int write_end(struct request *rq, int rc)
{
    store_end(rq->api->gw->store);
    return rc;
}

static int idempotent__first(struct request *rq, enum store_use use, const uint8_t content[32],
                             struct access_first *first, struct fault *f)
{
    struct access_first before;
    struct fault later = {0};
    bool room;
    int rc;

    if (idempotent__key(rq, content, f) != 0)
        return -1;
    room = idempotent__begin(rq, use, f) == 0;
    if (!rq->once.given)
        return room ? 0 : -1;
    /* A first answer needs no room. */
    rc = access_idempotency(rq->api->gw, &rq->once, rq->arena, &before, room ? f : &later);
    if (rc == 0)
        return room ? 0 : -1;
    if (room)
        store_end(rq->api->gw->store);
    if (rc < 0 && !room)
        return -1;
    if (rc < 0) {
        if (f->status == 409)
            f->retry_after_s = 1;
        return -1;
    }
    rq->answer.status = before.status;
    rq->answer.type = before.answer.n ? STR("application/json") : (struct hilo_str){NULL, 0};
    rq->answer.body = before.answer;
    rq->answer.location = before.location;
    rq->answer.replayed = true;
    rq->api->replays++;
    if (first)
        *first = before;
    return 1;
}

int idempotent_begin(struct request *rq, const uint8_t content[32], struct access_first *first,
                     struct fault *f)
{
    return idempotent__first(rq, STORE_NEW, content, first, f);
}

int idempotent_begin_anyway(struct request *rq, struct fault *f)
{
    return idempotent__first(rq, STORE_RECORD, NULL, NULL, f);
}

int idempotent_end(struct request *rq, int rc, struct fault *f)
{
    if (rc == 0 && rq->once.given)
        rc = access_idempotency_store(rq->api->gw, &rq->actor, &rq->once, rq->answer.status, rq->answer.body,
                                      rq->answer.location, f);
    return write_end(rq, rc);
}
