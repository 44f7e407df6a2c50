/*
 * /v1/keys. A key is shown once, in the answer that makes it. So no Idempotency-Key
 * here: its answer would be stored with the secret in it. A key can't give more than it
 * may itself.
 */
#include "api/fields.h"
#include "api/http.h"
#include "api/idempotent.h"
#include "api/reply.h"
#include "api/route.h"
#include "api/shapes.h"
#include "api/streams.h"
#include "base/str.h"
#include "model/json.h"
#include "services/access.h"
#include <stdio.h>
#include <string.h>

struct wanted {
    struct hilo_str name;
    const cJSON *scopes;
};
static const struct field key_fields[] = {
    {.name = "name",
     .type = FIELD_STR,
     .flags = FIELD_REQUIRED,
     .min = 1,
     .max = 100,
     .offset = offsetof(struct wanted, name)},
    {.name = "scopes", .type = FIELD_ANY, .flags = FIELD_REQUIRED, .offset = offsetof(struct wanted, scopes)},
};

static int key__scope(struct hilo_str words, const char *pointer, uint32_t *scopes, struct fault *f)
{
    struct hilo_str unknown = {NULL, 0};
    uint32_t more = 0;

    if (!access_scopes_parse(words, &more, &unknown))
        return fault_set(f, 422, "unknown_scope", pointer, "\"%.*s\" is no scope; see /openapi.json",
                         (int)(unknown.n > 60 ? 60 : unknown.n), unknown.p ? unknown.p : "");
    *scopes |= more;
    return 0;
}

/* "messages:read messages:write", "all", or an array of such words. */
static int key__scopes(const cJSON *v, uint32_t *scopes, struct fault *f)
{
    const cJSON *word;
    char pointer[32];
    unsigned i = 0;

    *scopes = 0;
    if (cJSON_IsString(v)) {
        if (key__scope(json_str(v), "/scopes", scopes, f) != 0)
            return -1;
    } else if (cJSON_IsArray(v)) {
        cJSON_ArrayForEach(word, v)
        {
            (void)snprintf(pointer, sizeof pointer, "/scopes/%u", i++);
            if (!cJSON_IsString(word))
                return fault_set(f, 422, "invalid_field", pointer, "a scope is a string");
            if (key__scope(json_str(word), pointer, scopes, f) != 0)
                return -1;
        }
    }
    if (*scopes == 0)
        return fault_set(f, 422, "invalid_field", "/scopes",
                         "scopes: words such as messages:write, or \"all\"");
    return 0;
}

int key_post(struct request *rq, struct fault *f)
{
    struct wanted w = {{NULL, 0}, NULL};
    struct hilo_str secret;
    struct hilo_id id;
    const cJSON *root;
    struct out o = {0};
    uint32_t scopes;
    int rc;

    if (fields_body(rq, &root, f) != 0 || fields_read(root, "", key_fields, 2, &w, NULL, f) != 0 ||
        key__scopes(w.scopes, &scopes, f) != 0)
        return -1;
    if (scopes & ~rq->scopes)
        return fault_set(f, 403, "insufficient_scope", "/scopes", "a key can't give what it has not: %.*s",
                         STR_FMT(access_scopes_text(scopes & ~rq->scopes, rq->arena)));
    if (write_begin(rq, f) != 0)
        return -1;
    rc =
        write_end(rq, access_key_create(rq->api->gw, &rq->actor, w.name, scopes, rq->arena, &secret, &id, f));
    if (rc != 0)
        return rc;
    out_begin(&o, NULL, '{');
    out_id(&o, "id", "key", id);
    out_str(&o, "name", w.name);
    shape_scopes(&o, access_scopes_text(scopes, rq->arena));
    out_str(&o, "key", secret);
    out_end(&o, '}');
    reply_location(rq, "keys", "key", id);
    return reply_json(rq, 201, &o, f);
}

static void key__each(void *arg, const struct rec_key *k)
{
    struct out *o = arg;

    out_begin(o, NULL, '{');
    out_id(o, "id", "key", k->id);
    out_str(o, "name", k->name);
    shape_scopes(o, k->scopes);
    out_time(o, "created", k->created);
    out_time(o, "revoked", k->revoked);
    out_end(o, '}');
}

int key_index(struct request *rq, struct fault *f)
{
    struct out o = {0};

    out_begin(&o, NULL, '{');
    out_begin(&o, "keys", '[');
    if (access_key_list(rq->api->gw, rq->arena, key__each, &o, f) != 0) {
        buf_done(&o.b);
        return -1;
    }
    out_end(&o, ']');
    out_end(&o, '}');
    return reply_json(rq, 200, &o, f);
}

int key_delete(struct request *rq, struct fault *f)
{
    struct hilo_id id;
    int rc;

    if (reply_param_id(rq, 0, "key", "unknown_key", &id, f) != 0)
        return -1;
    if (write_begin_anyway(rq, f) != 0)
        return -1;
    rc = write_end(rq, access_key_revoke(rq->api->gw, &rq->actor, id, f));
    if (rc == 0) {
        streams_key_gone(rq->api->streams, id);
        reply_empty(rq, 204);
    }
    return rc;
}
