/* POST /v1/cases/{id}/notes: what people write down about a case. */
#include "services/notes.h"
#include "api/http.h"
#include "api/idempotent.h"
#include "api/place.h"
#include "api/route.h"
#include "api/shapes.h"

static const struct field note_fields[] = {
    {.name = "text",
     .type = FIELD_STR,
     .flags = FIELD_REQUIRED,
     .min = 1,
     .max = NOTE_MAX,
     .offset = offsetof(struct note, text)},
    PLACE_FIELDS(struct note),
};

int case_note_post(struct request *rq, struct fault *f)
{
    struct gateway *gw = rq->api->gw;
    struct note n = {.at = 0};
    struct rec_message m;
    struct hilo_str bytes;
    struct hilo_id id, note;
    const cJSON *root;
    struct out o = {0};

    if (reply_param_id(rq, 0, "cas", "unknown_case", &id, f) != 0 || fields_body(rq, &root, f) != 0 ||
        fields_read(root, "", note_fields, sizeof note_fields / sizeof *note_fields, &n, NULL, f) != 0 ||
        place_at(&n.at, f) != 0)
        return -1;
    int rc = idempotent_begin(rq, NULL, NULL, f);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    rc = note_add(gw, &rq->actor, id, &n, rq->arena, &note, f);
    if (rc == 0)
        rc = message_get(gw, note, rq->arena, &m, &bytes, f);
    if (rc == 0)
        rc = shape_message(rq, &o, NULL, note, &m, bytes, f);
    if (rc == 0) {
        reply_location(rq, "messages", "msg", note);
        rc = reply_json(rq, 201, &o, f);
    } else {
        buf_done(&o.b);
    }
    return idempotent_end(rq, rc, f);
}
