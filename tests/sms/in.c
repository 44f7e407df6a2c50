/* The gateway's side of messages in: what is known already, parts, and the answers that it was stored; and
 * the mobiles. */
#include "day.h"

#include <hilo/message.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static bool seen_before(struct world *w, const char *id)
{
    struct seen *s;

    HASH_FIND_STR(w->seen, id, s);
    if (s)
        return true;
    s = calloc(1, sizeof *s);
    assert_non_null(s);
    (void)snprintf(s->id, sizeof s->id, "%s", id);
    HASH_ADD_STR(w->seen, id, s);
    return false;
}

/* A whole text from a mobile: "mo NUMBER …", that it ends with "#NUMBER" shows that all of it is there. */
static void mobile_came(struct world *w, const char *text)
{
    unsigned number, last;
    const char *end = strrchr(text, '#');

    if (sscanf(text, "mo %u ", &number) != 1 || number >= w->mobiles || !end ||
        sscanf(end, "#%u", &last) != 1 || last != number)
        fail_msg("nobody wrote \"%s\"", text);
    w->came[number]++;
}

static bool part_came(struct world *w, struct hilo_str part, struct hilo_str text)
{
    char key[520], whole[4096] = "";
    uint64_t index = hilo_get_u64(part, HILO_T_PART_INDEX), total = hilo_get_u64(part, HILO_T_PART_TOTAL);
    struct joined *j;

    copy_str(key, sizeof key, hilo_get_str(part, HILO_T_PART_KEY));
    assert_true(index >= 1 && index <= total && total <= PARTS_MAX);
    HASH_FIND_STR(w->joined, key, j);
    if (!j) {
        j = calloc(1, sizeof *j);
        assert_non_null(j);
        (void)snprintf(j->key, sizeof j->key, "%s", key);
        j->total = (unsigned)total;
        HASH_ADD_STR(w->joined, key, j);
    }
    assert_int_equal(j->total, total);
    if (j->text[index - 1])
        return false;
    j->text[index - 1] = malloc(text.n + 1);
    assert_non_null(j->text[index - 1]);
    copy_str(j->text[index - 1], text.n + 1, text);
    if (++j->n < j->total)
        return true;
    for (unsigned i = 0; i < j->total; i++) {
        (void)snprintf(whole + strlen(whole), sizeof whole - strlen(whole), "%s", j->text[i]);
        free(j->text[i]);
        j->text[i] = NULL;
    }
    mobile_came(w, whole);
    HASH_DEL(w->joined, j);
    free(j);
    return true;
}

static int32_t on_inbound(struct world *w, struct hilo_str msg)
{
    struct hilo_str content = hilo_get_str(msg, HILO_T_MSG_CONTENT),
                    text = hilo_get_str(content, HILO_T_CONTENT_TEXT), part;
    char id[600];

    copy_str(id, sizeof id, hilo_get_str(msg, HILO_T_MSG_EXT_ID));
    assert_true(id[0]);
    if (seen_before(w, id))
        return HILO_DUPLICATE;
    if (hilo_find(msg, HILO_T_MSG_PART, &part))
        return part_came(w, part, text) ? HILO_OK : HILO_DUPLICATE;
    copy_str(id, sizeof id, text);
    mobile_came(w, id);
    return HILO_OK;
}

int32_t day_on_submit(void *arg, uint64_t token, struct hilo_str msg)
{
    struct world *w = arg;
    uint64_t kind = hilo_get_u64(msg, HILO_T_MSG_KIND);
    int32_t code = HILO_OK;

    if (w->host.now_us < w->full_until)
        code = HILO_FULL;
    else if (kind == HILO_KIND_RECEIPT)
        day_on_receipt(w, msg);
    else
        code = on_inbound(w, msg);
    w->answer = more(w->answer, &w->cap_answer, w->n_answer, sizeof *w->answer);
    w->answer[w->n_answer++] = (struct answer){w->host.now_us + (int64_t)chance(w, 20000), token, code};
    return HILO_OK;
}

bool commit_some(struct world *w)
{
    bool any = false;

    for (uint32_t i = 0; i < w->n_answer;) {
        struct answer a = w->answer[i];
        if (a.at_us > w->host.now_us) {
            i++;
            continue;
        }
        w->answer[i] = w->answer[--w->n_answer];
        w->host.plugin->committed(w->host.inst, a.token, a.code);
        any = true;
    }
    return any;
}

void mobile_writes(struct world *w)
{
    char text[800], json[1200];
    uint32_t number = w->mobiles++;
    unsigned n = (unsigned)chance(w, 3) ? 20 : 380;
    static const char *const concats[] = {"udh8", "udh16", "sar"};
    cJSON *ids = cJSON_CreateArray(), *ask;
    char why[200];

    n = (unsigned)snprintf(
        text, sizeof text, "mo %u %.*s#%u", number, (int)n,
        "abcdefghij abcdefghij abcdefghij abcdefghij abcdefghij abcdefghij abcdefghij abcdefghij "
        "abcdefghij abcdefghij abcdefghij abcdefghij abcdefghij abcdefghij abcdefghij abcdefghij "
        "abcdefghij abcdefghij abcdefghij abcdefghij abcdefghij abcdefghij abcdefghij abcdefghij "
        "abcdefghij abcdefghij abcdefghij abcdefghij abcdefghij abcdefghij abcdefghij abcdefghij ",
        number);
    (void)snprintf(json, sizeof json, "{\"from\":\"57310%07u\",\"to\":\"890123\",\"text\":\"%s\"", number,
                   text);
    if (n > 160)
        (void)snprintf(json + strlen(json), sizeof json - strlen(json),
                       ",\"concat\":\"%s\",\"ref\":%u,\"order\":[%s]", concats[chance(w, 3)], number & 0xff,
                       chance(w, 2)   ? "1,2,3"
                       : chance(w, 2) ? "3,1,2"
                                      : "2,3,1");
    (void)snprintf(json + strlen(json), sizeof json - strlen(json), "}");
    ask = cJSON_Parse(json);
    w->first_delivery[number] = (uint32_t)w->peer.smsc.n_deliveries;
    if (!inbound_make(&w->peer.smsc, ask, ids, why))
        fail_msg("%s: %s", json, why);
    w->n_deliveries[number] = (uint8_t)cJSON_GetArraySize(ids);
    cJSON_Delete(ask);
    cJSON_Delete(ids);
}
