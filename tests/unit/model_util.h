/* What the tests of the model share: messages from JSON and back, as strings. */
#ifndef TESTS_MODEL_UTIL_H
#define TESTS_MODEL_UTIL_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "model/codec.h"
#include "model/json.h"
#include "model/jsoncheck.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* JSON written with single quotes, to a group's bytes; they pass the check. */
static inline struct hilo_str bytes_of(struct arena *a, enum model_group group, const char *json)
{
    struct hilo_str text = arena_str(a, str(json));
    char *p = arena_z(a, text);
    struct hilo_writer w;
    struct err e = {0};
    cJSON *tree = NULL;
    size_t i;

    for (i = 0; i < text.n; i++) {
        if (p[i] == '\'')
            p[i] = '"';
    }
    if (json_parse(str(p), NULL, &e, &tree))
        fail_msg("%s: %s", p, e.text);
    arena_writer(a, &w);
    if (model_json_read(&w, group, tree, NULL, &e))
        fail_msg("%s: %s", p, e.text);
    cJSON_Delete(tree);
    if (model_check_group(group, hilo_written(&w), &e))
        fail_msg("%s: %s", p, e.text);
    return hilo_written(&w);
}

static inline struct hilo_str msg_of(struct arena *a, const char *json)
{
    return bytes_of(a, MODEL_G_MSG, json);
}

/* A group as JSON with single quotes, NUL-ended, in the arena. */
static inline const char *json_of(struct arena *a, enum model_group group, struct hilo_str bytes)
{
    struct buf b = {0};
    struct err e = {0};
    char *z;
    size_t i;

    if (model_json_write(&b, group, bytes, &e))
        fail_msg("not to be written as JSON: %s", e.text);
    z = arena_z(a, buf_str(&b));
    for (i = 0; i < b.n; i++) {
        if (z[i] == '"')
            z[i] = '\'';
    }
    buf_done(&b);
    return z;
}

#endif
