/*
 * Bodies of POST /v1/messages from JSON text to what the service is asked, and the
 * other bytes that clients choose: cursors and traceparent. What is accepted must be
 * a well-formed content group; what is refused names its status and reason.
 */
#include "api/auth.h"
#include "api/cursor.h"
#include "api/messages.h"
#include "base/check.h"
#include "base/str.h"
#include "model/codec.h"
#include "model/jsoncheck.h"
#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* The tree that is made in an arena is cJSON's own, to the byte. */
static void same_tree(struct arena *arena, struct hilo_str text, const cJSON *theirs)
{
    const cJSON *ours = NULL;
    struct err e = {0};
    int32_t rc = json_parse_in(arena, text, NULL, &e, &ours);
    char *a, *b;

    CHECK((rc == HILO_OK) == (theirs != NULL));
    if (rc != HILO_OK)
        return;
    a = cJSON_PrintUnformatted(ours);
    b = cJSON_PrintUnformatted(theirs);
    CHECK(a && b && strcmp(a, b) == 0 && cJSON_Compare(ours, theirs, 1));
    cJSON_free(a);
    cJSON_free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena *arena = arena_new();
    struct hilo_str text = str_n(data, n), out;
    struct message_request wanted;
    struct fault f = {0};
    struct err e = {0};
    struct hilo_id trace;
    cJSON *root = NULL;

    (void)json_parse(text, NULL, &e, &root);
    same_tree(arena, text, root);
    if (root) {
        if (message_request_read(arena, root, &wanted, &f) == 0) {
            CHECK(model_check_group(MODEL_G_CONTENT, wanted.content, &e) == HILO_OK);
            CHECK(wanted.priority <= 2 && wanted.expires_in_us >= 0);
        } else {
            CHECK(f.status >= 400 && f.status < 600 && f.code && f.text[0]);
            CHECK(str_utf8_valid(str(f.pointer)));
        }
        cJSON_Delete(root);
    }
    if (cursor_decode(arena, 'T', text, &out))
        CHECK(str_eq(cursor_encode(arena, 'T', out), text));
    (void)auth_traceparent(text, &trace);
    arena_free(&arena);
    return 0;
}
