/*
 * Infobip's webhooks: delivery reports and inbound messages, told by what they hold, many in one.
 *
 * Nothing is given before all of it is known to be JSON. What is of another shape than documented
 * is noted, and does not keep what is beside it from being read.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "infobip.h"

#include "text_in.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* ---- who calls --------------------------------------------------------------------------------- */

static bool caller_basic(const struct sms_conf *conf, struct hilo_str given)
{
    char *want = sms_basic(conf->hook_user, conf->hook_password);
    bool same = want && sms_secret_eq((struct hilo_str){want, strlen(want)}, given);

    free(want);
    return same;
}

enum sms_caller sms_ib_caller(const struct sms_conf *conf, const struct hilo_http *h)
{
    struct hilo_str query = h->url, path = sms_split(&query, '?');

    if (path.n && path.p[0] == '/') {
        path.p++;
        path.n--;
    }
    if (!sms_secret_eq(path, conf->hook_secret)) /* also where there is none: then the path is empty */
        return SMS_CALLER_LOST;
    if (conf->hook_user.n && !caller_basic(conf, sms_header(h, "Authorization")))
        return SMS_CALLER_UNKNOWN;
    return SMS_CALLER_KNOWN;
}

/* ---- time -------------------------------------------------------------------------------------- */

bool sms_ib_time(struct hilo_str text, int64_t *us_out)
{
    char s[40], sign = 'Z', *end;
    int y, mo, d, h, mi, sec, at = 0, off_h = 0, off_m = 0;
    int64_t us = 0, scale = 100000, unix_s;
    struct tm tm = {0};

    if (text.n == 0 || text.n >= sizeof s)
        return false;
    memcpy(s, text.p, (size_t)text.n);
    s[text.n] = '\0';
    if (strspn(s, "0123456789-T:.+Z") != text.n ||
        sscanf(s, "%4d-%2d-%2dT%2d:%2d:%2d%n", &y, &mo, &d, &h, &mi, &sec, &at) != 6 || at != 19)
        return false;
    end = s + at;
    if (*end == '.')
        for (end++; *end >= '0' && *end <= '9'; end++, scale /= 10)
            us += (*end - '0') * scale;
    if (strcmp(end, "Z") != 0) {
        sign = *end;
        at = 0;
        if ((sign != '+' && sign != '-') || (sscanf(end + 1, "%2d:%2d%n", &off_h, &off_m, &at) != 2 &&
                                             sscanf(end + 1, "%2d%2d%n", &off_h, &off_m, &at) != 2))
            return false;
        if (at == 0 || end[1 + at] != '\0' || off_h < 0 || off_h > 23 || off_m < 0 || off_m > 59)
            return false;
    }
    if (y < 1970 || mo < 1 || mo > 12 || d < 1 || d > 31 || h < 0 || h > 23 || mi < 0 || mi > 59 || sec < 0 ||
        sec > 60)
        return false;
    tm.tm_year = y - 1900;
    tm.tm_mon = mo - 1;
    tm.tm_mday = d;
    tm.tm_hour = h;
    tm.tm_min = mi;
    tm.tm_sec = sec;
    unix_s = (int64_t)timegm(&tm) - (sign == '-' ? -1 : 1) * (off_h * 3600 + off_m * 60);
    if (unix_s < 0)
        return false;
    *us_out = unix_s * 1000000 + us;
    return true;
}

static int64_t read_time(const cJSON *result, const char *name, int64_t now_us)
{
    int64_t us;

    return sms_ib_time(sms_json_text(result, name), &us) ? us : now_us;
}

/* ---- reports ----------------------------------------------------------------------------------- */

/* False: stop. */
static bool read_report(struct sms_in *in, const cJSON *result, const cJSON *status, int64_t now_us,
                        const struct sms_sink *sink)
{
    const cJSON *error = cJSON_GetObjectItemCaseSensitive(result, "error");
    struct hilo_str ext = sms_json_text(result, "messageId"), echo = sms_json_text(result, "callbackData");
    int64_t group = sms_json_int(status, "groupId"), id = sms_json_int(status, "id");
    int64_t error_id = sms_json_int(error, "id");
    const struct sms_code *c = error_id > 0 ? sms_ib_error(error_id) : NULL;
    const cJSON *from = error_id > 0 ? error : status;
    struct sms_verdict words = {0};
    uint32_t word = HILO_STATUS_SENT;

    if (ext.n == 0 || ext.n >= SMS_API_ID_MAX || group < 0 || group > SMS_IB_REJECTED) {
        sink->note(sink->arg, "a report without a message's id or a status is passed by");
        return true;
    }
    if (group == SMS_IB_DELIVERED && id != 2) /* 2: to the operator, nobody has it in hand yet */
        word = HILO_STATUS_DELIVERED;
    else if (group == SMS_IB_UNDELIVERABLE || group >= SMS_IB_EXPIRED)
        word = HILO_STATUS_FAILED;
    if (echo.n == 0)
        echo = ext;
    sms_in_receipt(in, read_time(result, "doneAt", now_us), ext, echo, word);
    if (word == HILO_STATUS_FAILED) {
        if (!c && id >= 0)
            c = sms_ib_status(id);
        sms_verdict_words(&words, sms_json_text(from, "description"));
        hilo_put_str(&in->w, HILO_T_RECEIPT_REASON,
                     c && c->code != HILO_OK
                         ? (struct hilo_str){c->reason, strlen(c->reason)}
                         : (struct hilo_str){sms_ib_group_reason(group), strlen(sms_ib_group_reason(group))});
        hilo_put_str(&in->w, HILO_T_RECEIPT_CODE, sms_json_text(from, "name"));
        hilo_put(&in->w, HILO_T_RECEIPT_DETAIL, words.detail, strlen(words.detail));
        if (c && c->code == HILO_CONFIG)
            sink->stop(sink->arg, c->reason);
    }
    sms_in_receipt_end(in);
    return sms_in_give(in, sink);
}

/* ---- messages ---------------------------------------------------------------------------------- */

/* What has no field: the destination, as every driver of this plugin calls it, and what came later. */
static bool read_extra(struct sms_in *in, const cJSON *result)
{
    static const char *const known[] = {"messageId", "from",       "to",    "text",         "cleanText",
                                        "smsCount",  "receivedAt", "price", "callbackData", NULL};
    cJSON *extra = cJSON_CreateObject(), *copy;
    struct hilo_str to = sms_json_text(result, "to");
    const cJSON *v;
    bool ok = extra && (to.n == 0 || cJSON_AddStringToObject(extra, "destination", to.p));
    unsigned i;

    cJSON_ArrayForEach(v, result)
    {
        for (i = 0; known[i] && strcmp(known[i], v->string) != 0; i++)
            ;
        if (!ok || known[i] || cJSON_IsNull(v) || cJSON_GetObjectItemCaseSensitive(extra, v->string) ||
            (cJSON_IsString(v) && !*v->valuestring))
            continue;
        copy = cJSON_Duplicate(v, true);
        ok = copy && cJSON_AddItemToObject(extra, v->string, copy);
    }
    if (ok)
        sms_in_extra(in, extra);
    cJSON_Delete(extra);
    return ok;
}

static int32_t read_message(struct sms_in *in, const cJSON *result, int64_t now_us,
                            const struct sms_sink *sink)
{
    struct hilo_str ext = sms_json_text(result, "messageId"), from = sms_json_text(result, "from");

    if (ext.n == 0 || from.n == 0 || !cJSON_GetObjectItemCaseSensitive(result, "text")) {
        sink->note(sink->arg, "a result that is neither a message nor a report is passed by");
        return HILO_OK;
    }
    sms_in_message(in, read_time(result, "receivedAt", now_us), ext, from);
    sms_in_text(in, sms_json_text(result, "text"));
    if (!read_extra(in, result))
        return HILO_NOMEM;
    return sms_in_give(in, sink) ? HILO_OK : HILO_AGAIN;
}

int32_t sms_ib_read(int64_t now_us, const struct hilo_http *h, const struct sms_sink *sink)
{
    cJSON *root = sms_json_read(h->body);
    const cJSON *results = cJSON_GetObjectItemCaseSensitive(root, "results"), *one, *status;
    struct sms_in *in = malloc(sizeof *in);
    int32_t code = HILO_OK;

    if (!in)
        code = HILO_NOMEM;
    else if (!cJSON_IsObject(root))
        code = HILO_INVALID;
    else if (!cJSON_IsArray(results))
        sink->note(sink->arg, "news without results is passed by");
    if (code == HILO_OK) {
        cJSON_ArrayForEach(one, results)
        {
            status = cJSON_GetObjectItemCaseSensitive(one, "status");
            if (!cJSON_IsObject(status))
                code = read_message(in, one, now_us, sink);
            else if (!read_report(in, one, status, now_us, sink))
                code = HILO_AGAIN;
            if (code != HILO_OK)
                break;
        }
    }
    free(in);
    cJSON_Delete(root);
    return code;
}
