/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "route.h"

#include "json.h"
#include "pos.h"
#include "text.h"

#include <stdio.h>

#define HOUR INT64_C(3600000000)
enum { CASE_DAYS = 1, WISH_DAYS = 3 };

static int64_t time_of(const cJSON *o, const char *name, int64_t absent)
{
    const char *text = pos_json_text(o, name);
    int64_t us;

    return text && pos_text_time(pos_str(text), &us) ? us : absent;
}

/* Those members of data that are there, into an object of this name. */
static bool take(cJSON *params, const char *as, const cJSON *data, const char *const *names)
{
    cJSON *o = as ? cJSON_AddObjectToObject(params, as) : params;
    bool ok = o != NULL;

    for (; ok && *names; names++)
        ok = pos_json_copy(o, data, *names, *names);
    return ok;
}

static bool route_appointment(const cJSON *data, const char *why, int64_t now_us, struct pos_route *r)
{
    static const char *const names[] = {"id",      "code",    "case",   "store", "starts_at",
                                        "ends_at", "subject", "status", NULL};
    const char *id = pos_json_text(data, "id"), *store = pos_json_text(data, "store");

    if (!id || !store || strlen(store) > POS_NAME_MAX)
        return false;
    r->to = POS_ROUTE_STORE;
    r->method = "customer.arriving";
    r->until_us = time_of(data, "starts_at", now_us) + HOUR;
    if (strcmp(why, "checked_in") == 0 && r->until_us < now_us + HOUR)
        r->until_us = now_us + HOUR;
    (void)snprintf(r->store, sizeof r->store, "%.32s", store);
    (void)snprintf(r->key, sizeof r->key, "arriving %.40s", id);
    return cJSON_AddStringToObject(r->params, "why", why) && take(r->params, "appointment", data, names);
}

static bool route_case(const cJSON *data, int64_t now_us, struct pos_route *r)
{
    static const char *const names[] = {"id", "customer", "status", "subject", "owner", "version", NULL};
    const char *id = pos_json_text(data, "id");

    if (!id)
        return false;
    r->to = POS_ROUTE_ATTENDED;
    r->method = "case.updated";
    r->until_us = now_us + CASE_DAYS * 24 * HOUR;
    (void)snprintf(r->key, sizeof r->key, "case %.40s", id);
    return take(r->params, "case", data, names);
}

static bool route_wish(const cJSON *data, int64_t now_us, struct pos_route *r)
{
    static const char *const names[] = {"sku", "size", "colour", "until", NULL};
    const char *id = pos_json_text(data, "id"), *store = pos_json_text(data, "store");

    if (!id)
        return false;
    r->to = store ? POS_ROUTE_STORE : POS_ROUTE_ATTENDED;
    r->method = "stock.arrived";
    r->until_us = time_of(data, "until", now_us + WISH_DAYS * 24 * HOUR);
    if (store)
        (void)snprintf(r->store, sizeof r->store, "%.32s", store);
    (void)snprintf(r->key, sizeof r->key, "wish %.40s", id);
    return pos_json_copy(r->params, data, "id", "wish") && take(r->params, NULL, data, names);
}

bool pos_route(struct hilo_str id, struct hilo_str json, int64_t now_us, struct pos_route *r)
{
    cJSON *event = cJSON_ParseWithLength(json.p, json.n);
    const cJSON *data = pos_json_get(event, "data");
    const char *type = pos_json_text(event, "type"), *customer = pos_json_text(data, "customer");
    bool ok = false;

    memset(r, 0, sizeof *r);
    if (!customer)
        customer = pos_json_text(event, "partitionkey");
    if (!type || !cJSON_IsObject(data) || id.n > 60 || !(r->params = cJSON_CreateObject()))
        goto out;
    (void)snprintf(r->id, sizeof r->id, "p-%.*s", (int)id.n, id.p);
    pos_text_copy(r->customer, sizeof r->customer, pos_str(customer));
    if (strcmp(type, "hilo.appointment.near") == 0)
        ok = route_appointment(data, "near", now_us, r);
    else if (strcmp(type, "hilo.appointment.checked_in") == 0)
        ok = route_appointment(data, "checked_in", now_us, r);
    else if (strcmp(type, "hilo.case.updated") == 0)
        ok = route_case(data, now_us, r);
    else if (strcmp(type, "hilo.wish.offered") == 0)
        ok = route_wish(data, now_us, r);
    ok = ok && (!customer || cJSON_AddStringToObject(r->params, "customer", r->customer)) &&
         pos_json_copy(r->params, event, "time", "at");
out:
    if (!ok) {
        cJSON_Delete(r->params);
        memset(r, 0, sizeof *r);
    }
    cJSON_Delete(event);
    return ok;
}
