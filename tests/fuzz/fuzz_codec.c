/* Any bytes as a message: check, readers, edit, JSON, dump, lower, lift. What passes the
 * check must survive JSON, and an edit must leave it well-formed. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/str.h"
#include "model/codec.h"
#include "model/dump.h"
#include "model/json.h"
#include "model/jsoncheck.h"
#include "model/lift.h"
#include "model/lower.h"
#include "model/validate.h"
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_back(struct arena *a, struct hilo_str m)
{
    const struct json_limits wide = {.bytes_max = (size_t)64 << 20};
    struct buf first = {0}, second = {0};
    struct hilo_writer w;
    cJSON *tree = NULL;
    struct err e = {0};

    CHECK(model_json_write(&first, MODEL_G_MSG, m, &e) == HILO_OK);
    CHECK(json_parse(buf_str(&first), &wide, &e, &tree) == HILO_OK);
    arena_writer(a, &w);
    CHECK(model_json_read(&w, MODEL_G_MSG, tree, NULL, &e) == HILO_OK);
    CHECK(model_check(hilo_written(&w), &e) == HILO_OK);
    CHECK(model_json_write(&second, MODEL_G_MSG, hilo_written(&w), &e) == HILO_OK);
    CHECK(str_eq(buf_str(&first), buf_str(&second)));
    cJSON_Delete(tree);
    buf_done(&first);
    buf_done(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct hilo_abilities able = {.contents =
                                                   1u << HILO_CONTENT_TEXT | 1u << HILO_CONTENT_CHOICES,
                                               .text_max = 40,
                                               .buttons_max = 3,
                                               .button_title_max = 8,
                                               .list_max = 10,
                                               .list_title_max = 12,
                                               .list_description_max = 9,
                                               .body_max = 20,
                                               .list_body_max = 30,
                                               .choice_id_max = 20};
    static const struct hilo_abilities voice = {.contents =
                                                    1u << HILO_CONTENT_TEXT | 1u << HILO_CONTENT_MEDIA,
                                                .media_kinds = 1u << HILO_MEDIA_AUDIO,
                                                .text_max = 90,
                                                .caption_max = 20,
                                                .flags = HILO_ABLE_SPOKEN | HILO_ABLE_MEDIA_FILE};
    const struct lower_env env = {.language = "es"};
    struct hilo_str m = str_n(data, size), out;
    struct model_change in = change_str(HILO_T_CONTENT_TEXT, STR("1")), c[2];
    struct arena *a = arena_new();
    struct buf b = {0};
    struct lowered low;
    struct err e = {0};
    size_t i;

    c[0] = change_into(HILO_T_MSG_CONTENT, &in, 1);
    c[1] = change_remove(HILO_T_MSG_PARTY);
    (void)hilo_get_u64(m, HILO_T_MSG_TIME);
    (void)hilo_get_f64(hilo_content(m), HILO_T_CONTENT_LATITUDE);
    (void)hilo_get_id(m, HILO_T_MSG_ID);
    CHECK(model_dump(&b, MODEL_G_MSG, m) == HILO_OK);
    if (model_check(m, &e) == HILO_OK) {
        read_back(a, m);
        (void)model_validate_outbound(m, &e);
        CHECK(model_edit(a, m, c, 2, &out, &e) == HILO_OK);
        CHECK(model_check(out, &e) == HILO_OK);
        if (lower(m, &able, &env, a, &low, &e) == HILO_OK) {
            for (i = 0; i < low.n; i++)
                CHECK(model_check(low.message[i], &e) == HILO_OK);
        }
        if (lower(m, &voice, &env, a, &low, &e) == HILO_OK) {
            CHECK(low.n >= 1);
            for (i = 0; i < low.n; i++)
                CHECK(model_check(low.message[i], &e) == HILO_OK);
        }
        CHECK(lift(out, m, (size & 1) != 0, a, &out, &e) == HILO_OK);
        CHECK(model_check(out, &e) == HILO_OK);
    } else {
        buf_clear(&b);
        (void)model_json_write(&b, MODEL_G_MSG, m, &e);
        (void)model_edit(a, m, c, 2, &out, &e);
    }
    buf_done(&b);
    arena_free(&a);
    return 0;
}
