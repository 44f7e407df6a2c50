/* Any text as the JSON of a message: what json_parse lets through and the table takes
 * must be a well-formed message whose JSON is stable. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/str.h"
#include "model/codec.h"
#include "model/json.h"
#include "model/jsoncheck.h"
#include "model/validate.h"
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new();
    struct buf first = {0}, second = {0};
    struct hilo_writer w;
    cJSON *tree = NULL, *again = NULL;
    struct err e = {0};

    if (json_parse(str_n(data, size), NULL, &e, &tree)) {
        CHECK(str_utf8_valid(str(e.text)));
        goto out;
    }
    CHECK(str_utf8_valid(str_n(data, size)));
    arena_writer(a, &w);
    if (model_json_read(&w, MODEL_G_MSG, tree, NULL, &e)) {
        CHECK(str_utf8_valid(str(e.text)));
        goto out;
    }
    CHECK(model_check(hilo_written(&w), &e) == HILO_OK);
    (void)model_validate_outbound(hilo_written(&w), &e);
    CHECK(model_json_write(&first, MODEL_G_MSG, hilo_written(&w), &e) == HILO_OK);
    CHECK(json_parse(buf_str(&first), NULL, &e, &again) == HILO_OK);
    arena_writer(a, &w);
    CHECK(model_json_read(&w, MODEL_G_MSG, again, NULL, &e) == HILO_OK);
    CHECK(model_json_write(&second, MODEL_G_MSG, hilo_written(&w), &e) == HILO_OK);
    CHECK(str_eq(buf_str(&first), buf_str(&second)));
out:
    cJSON_Delete(again);
    cJSON_Delete(tree);
    buf_done(&first);
    buf_done(&second);
    arena_free(&a);
    return 0;
}
