/*
 * People: found, read, changed.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "method.h"

#include "attend.h"
#include "json.h"
#include "op.h"
#include "person.h"
#include "pos.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>

enum { TIMELINE_DEFAULT = 20 };

static void no_memory(struct pos_op *op)
{
    pos_op_fail_as(op, POS_E_LATER, "try_later", NULL, "no memory");
}

static const char *country_of(const struct pos_op *op)
{
    return op->pos->conf.country.n ? op->pos->conf.country.p : "";
}

/* ---- find ---------------------------------------------------------------------------------------------- */

static void find_found(struct pos_op *op, cJSON *body)
{
    cJSON *timeline = cJSON_GetObjectItemCaseSensitive(body, "timeline");
    const char *customer = pos_json_text(pos_json_get(body, "customer"), "id");
    bool more = pos_json_text(body, "timeline_next") != NULL;
    cJSON *result;
    int cut;

    if (customer)
        pos_attend_begin(op->pos, op->till, customer, pos_op_text(op, "at"));
    if (!pos_person_entries(timeline) || !pos_role_prune_lookup(op->till->who.role, body)) {
        pos_op_fail_as(op, POS_E_INTERNAL, "internal", NULL, "the answer could not be made");
        return;
    }
    timeline = cJSON_GetObjectItemCaseSensitive(body, "timeline");
    cut = pos_person_fit(body, timeline);
    if (cut < 0) {
        pos_op_fail_as(op, POS_E_INTERNAL, "internal", NULL, "the answer is longer than a frame may be");
        return;
    }
    /* The cursor is behind the last entry that the gateway gave. */
    if (cut > 0 && more)
        (void)cJSON_ReplaceItemInObjectCaseSensitive(body, "timeline_next", cJSON_CreateNull());
    if (timeline && !cJSON_AddBoolToObject(body, "timeline_more", more || cut > 0)) {
        no_memory(op);
        return;
    }
    result = cJSON_Duplicate(body, true);
    pos_op_result(op, result);
}

/* As the gateway wrote it, where a terminal may see all of it and it fits: to parse and print it again would
 * cost more than the look-up. It begins with as_of and the customer, and ends with timeline_next; else it is
 * parsed. */
static bool find_as_it_is(struct pos_op *op, uint32_t status, struct hilo_str body)
{
    static const char begin[] = "{\"as_of\":\"",
                      who[] = "\",\"customer\":", last[] = "\"timeline_next\":null}";
    const char *at, *end, *customer;
    bool done = false, none;
    cJSON *one;

    if (!pos_op_good(status) || op->till->who.role != POS_ROLE_CLERK || body.n > POS_PERSON_ROOM ||
        body.n < sizeof begin + sizeof who + sizeof last || memcmp(body.p, begin, sizeof begin - 1) != 0)
        return false;
    at = memchr(body.p + sizeof begin - 1, '"', body.n - (sizeof begin - 1));
    if (!at || (size_t)(body.p + body.n - at) < sizeof who || memcmp(at, who, sizeof who - 1) != 0)
        return false;
    at += sizeof who - 1;
    one = cJSON_ParseWithLengthOpts(at, (size_t)(body.p + body.n - at), &end, false);
    customer = pos_json_text(one, "id");
    none = memcmp(body.p + body.n - (sizeof last - 1), last, sizeof last - 1) == 0;
    if (customer)
        pos_attend_begin(op->pos, op->till, customer, pos_op_text(op, "at"));
    if (customer || cJSON_IsNull(one))
        done = pos_op_result_text(op, body,
                                  pos_str(none ? "{\"timeline_more\":false}" : "{\"timeline_more\":true}"));
    cJSON_Delete(one);
    return done;
}

static void find_answered(struct pos_op *op, uint32_t status, cJSON *body)
{
    if (pos_op_good(status) && cJSON_IsObject(body))
        find_found(op, body);
    else
        pos_op_fail_api(op, status, body);
}

void pos_do_customer_find(struct pos_op *op)
{
    const cJSON *by = pos_json_get(op->rpc.params, "by");
    const struct pos_who *who = &op->till->who;
    int64_t wait_us = 0;
    struct pos_fault f;
    cJSON *body, *what;

    if (!pos_role_may_find_by(who->role, pos_str(by->child->string))) {
        pos_op_fail_as(op, POS_E_ROLE, "role", "/by", "not by this, at terminals of the role %s",
                       pos_role_name(who->role));
        return;
    }
    what = pos_person_by(by, country_of(op), &f);
    if (!what) {
        pos_op_fail(op, &f);
        return;
    }
    /* What is mistyped costs nothing; what could be somebody does. */
    if (pos_limits_take(op->pos->limits, pos_str(who->store), pos_str(who->terminal),
                        pos_str(pos_op_text(op, "clerk")), pos_now(op->pos), &wait_us) != POS_LIMITED_NOT) {
        cJSON_Delete(what);
        (void)pos_fault(&f, POS_E_RATE, "rate", NULL, "too many look-ups from here");
        f.retry_after_ms = wait_us / 1000 + 1;
        pos_op_fail(op, &f);
        return;
    }
    body = pos_op_body(op);
    if (body)
        cJSON_DeleteItemFromObjectCaseSensitive(body, "at");
    if (!body || !cJSON_AddItemToObject(body, "by", what)) {
        cJSON_Delete(body);
        cJSON_Delete(what);
        no_memory(op);
        return;
    }
    if (!pos_json_copy(body, op->rpc.params, "reason", "reason") ||
        !cJSON_AddNumberToObject(body, "timeline", (double)pos_op_int(op, "timeline", TIMELINE_DEFAULT))) {
        cJSON_Delete(body);
        no_memory(op);
        return;
    }
    op->text = find_as_it_is;
    pos_op_api(op, "POST", "/v1/customers/lookup", body, false, "", -1, find_answered);
}

/* ---- timeline --------------------------------------------------------------------------------------------
 */

struct timeline {
    int64_t limit;
};

static void timeline_ask(struct pos_op *op);

static void timeline_answered(struct pos_op *op, uint32_t status, cJSON *body)
{
    struct timeline *t = op->work;
    cJSON *result, *entries;
    char now[POS_TEXT_TIME];
    bool ok;

    if (!pos_op_good(status)) {
        pos_op_fail_api(op, status, body);
        return;
    }
    pos_text_of_time(now, pos_wall(op->pos));
    result = cJSON_CreateObject();
    entries = cJSON_DetachItemFromObjectCaseSensitive(body, "messages");
    ok = result && entries && cJSON_AddStringToObject(result, "as_of", now) && pos_person_entries(entries) &&
         pos_json_copy(result, body, "next", "next");
    if (!ok || !cJSON_AddItemToObject(result, "timeline", entries)) {
        cJSON_Delete(entries);
        cJSON_Delete(result);
        no_memory(op);
        return;
    }
    /* The cursor is behind the last entry, so none may be left out: a shorter page instead. */
    if (pos_person_fit(result, entries) == 0) {
        pos_op_result(op, result);
        return;
    }
    cJSON_Delete(result);
    if (t->limit == 1) {
        pos_op_fail_as(op, POS_E_INTERNAL, "internal", NULL, "an entry is longer than a frame may be");
        return;
    }
    t->limit /= 2;
    timeline_ask(op);
}

static void timeline_ask(struct pos_op *op)
{
    struct timeline *t = op->work;
    const char *cursor = pos_op_text(op, "cursor");
    char path[2048], escaped[1600];

    if (!pos_text_escape(escaped, sizeof escaped, pos_str(cursor))) {
        pos_op_fail_as(op, POS_E_PARAMS, "value", "/cursor", "send \"next\" of the last page, as it came");
        return;
    }
    (void)snprintf(path, sizeof path, "/v1/customers/%.40s/timeline?limit=%d%s%s",
                   pos_op_text(op, "customer"), (int)t->limit, cursor ? "&cursor=" : "", escaped);
    pos_op_api(op, "GET", path, NULL, false, "", -1, timeline_answered);
}

void pos_do_customer_timeline(struct pos_op *op)
{
    struct timeline *t;

    if (!pos_attend_here(op->pos, op->till, pos_op_text(op, "customer"))) {
        pos_op_fail_as(op, POS_E_ROLE, "not_attended", "/customer",
                       "find her first: she is not attended here");
        return;
    }
    t = calloc(1, sizeof *t);
    if (!t) {
        no_memory(op);
        return;
    }
    t->limit = pos_op_int(op, "limit", TIMELINE_DEFAULT);
    op->work = t;
    op->work_free = free;
    timeline_ask(op);
}

/* ---- upsert ----------------------------------------------------------------------------------------------
 */

static void upsert_done(struct pos_op *op, uint32_t status, cJSON *body)
{
    static const char *const map[][2] = {{"customer", "id"}, {"version", "version"}, {NULL, NULL}};

    pos_op_result_of(op, status, body, map);
}

/* -1: f says why. */
static int upsert_identifiers(struct pos_op *op, cJSON *body, const char *as, struct pos_fault *f)
{
    const cJSON *list = pos_json_get(op->rpc.params, "identifiers"), *i;
    cJSON *to, *one;

    if (!list)
        return 0;
    to = cJSON_AddArrayToObject(body, as);
    cJSON_ArrayForEach(i, list)
    {
        one = to ? pos_person_identifier(i, country_of(op), f) : NULL;
        if (to && !one)
            return -1;
        if (!to || !cJSON_AddItemToArray(to, one)) {
            cJSON_Delete(one);
            return pos_fault(f, POS_E_LATER, "try_later", NULL, "no memory");
        }
    }
    return 0;
}

void pos_do_customer_upsert(struct pos_op *op)
{
    static const char *const names[] = {"name", "language", "attributes", NULL};
    const char *customer = pos_op_text(op, "customer");
    cJSON *body = pos_op_body(op);
    struct pos_fault f;
    char path[96];

    if (!body || !pos_op_copy(op, body, names)) {
        cJSON_Delete(body);
        no_memory(op);
        return;
    }
    if (upsert_identifiers(op, body, customer ? "add_identifiers" : "identifiers", &f) != 0) {
        cJSON_Delete(body);
        pos_op_fail(op, &f);
        return;
    }
    (void)snprintf(path, sizeof path, "/v1/customers%s%.40s", customer ? "/" : "", customer ? customer : "");
    pos_op_api(op, customer ? "PATCH" : "POST", path, body, true, "",
               customer ? pos_op_int(op, "version", -1) : -1, upsert_done);
}
