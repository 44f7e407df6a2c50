/*
 * JSON-RPC 2.0 as PROTOCOL.md frames it: one value a line, at most 64 KiB, nested at most 16 deep, UTF-8.
 * What goes out is checked against that before it is queued: a frame that the gateway can't read would
 * stop all behind it.
 */
#include "till.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- bytes that grow -------------------------------------------------------------------- */

bool till_buf_add(struct till_buf *b, const void *p, size_t n)
{
    size_t cap = b->cap ? b->cap : 1024;
    char *grown;

    while (cap - b->n < n)
        cap *= 2;
    if (cap != b->cap) {
        grown = realloc(b->p, cap);
        if (!grown)
            return false;
        b->p = grown;
        b->cap = cap;
    }
    if (n)
        memcpy(b->p + b->n, p, n);
    b->n += n;
    return true;
}

void till_buf_take(struct till_buf *b, size_t n)
{
    if (n)
        memmove(b->p, b->p + n, b->n - n);
    b->n -= n;
    if (b->n == 0 && b->cap > 16384)
        till_buf_done(b);
}

void till_buf_done(struct till_buf *b)
{
    free(b->p);
    *b = (struct till_buf){0};
}

static bool till__put(struct till_buf *b, const char *s)
{
    return till_buf_add(b, s, strlen(s));
}

/* ---- what may be sent --------------------------------------------------------------------- */

bool till_utf8(const char *s, size_t n)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    const uint8_t *p = (const uint8_t *)s, *end = p + n;
    uint32_t cp, more, i;

    while (p < end) {
        more = p[0] < 0x80 ? 0 : p[0] < 0xc2 ? 4 : p[0] < 0xe0 ? 1 : p[0] < 0xf0 ? 2 : p[0] < 0xf5 ? 3 : 4;
        if (more == 4 || more > (size_t)(end - p - 1))
            return false;
        cp = more ? p[0] & (0x3fu >> more) : p[0];
        for (i = 1; i <= more; i++) {
            if ((p[i] & 0xc0) != 0x80)
                return false;
            cp = cp << 6 | (p[i] & 0x3fu);
        }
        if (cp < least[more] || cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000))
            return false;
        p += more + 1;
    }
    return true;
}

bool till_method_valid(const char *method)
{
    size_t n = method ? strspn(method, "abcdefghijklmnopqrstuvwxyz0123456789_.") : 0;

    return n >= 1 && n <= 64 && !method[n];
}

int till_depth(const cJSON *v)
{
    const cJSON *child;
    int deepest = 0, d;

    if (!cJSON_IsObject(v) && !cJSON_IsArray(v))
        return 0;
    cJSON_ArrayForEach(child, v)
    {
        d = till_depth(child);
        if (d > deepest)
            deepest = d;
    }
    return deepest + 1;
}

/* What PROTOCOL.md forbids besides: an escaped NUL, two equal keys, integers that not everybody reads alike.
 */
static bool till__nul(const char *s)
{
    for (; (s = strchr(s, '\\')) && s[1]; s += 2)
        if (strncmp(s, "\\u0000", 6) == 0)
            return true;
    return false;
}

static bool till__clean(const cJSON *v)
{
    const cJSON *child, *other;

    if (cJSON_IsNumber(v))
        return v->valuedouble > -9007199254740992.0 && v->valuedouble < 9007199254740992.0;
    cJSON_ArrayForEach(child, v)
    {
        if (!till__clean(child))
            return false;
        for (other = child->next; cJSON_IsObject(v) && other; other = other->next)
            if (strcmp(child->string, other->string) == 0)
                return false;
    }
    return true;
}

int till_params(bool spanish, const char *params, const char *clerk, const char *at, char **out,
                struct hilotill_error *e)
{
    const char *text = params ? params : "{}", *end = NULL;
    size_t n = strlen(text);
    cJSON *o = NULL;
    char *made = NULL;
    int rc;

    if (n > TILL_FRAME_MAX) {
        rc = till_fail(e, HILOTILL_EARG,
                       TILL_SAY(spanish, "this is too long for one request (64 KiB): make it shorter",
                                "esto es demasiado largo para una sola solicitud (64 KiB): acórtelo"));
        goto out;
    }
    if (till_utf8(text, n) && !till__nul(text))
        o = cJSON_ParseWithLengthOpts(text, n + 1, &end, 1);
    if (!cJSON_IsObject(o) || (till_depth(o) < TILL_DEPTH_MAX && !till__clean(o))) {
        rc = till_fail(e, HILOTILL_EARG,
                       TILL_SAY(spanish, "the parameters are no JSON object in UTF-8",
                                "los parámetros no son un objeto JSON en UTF-8"));
        goto out;
    }
    /* The frame around it is one level more. */
    if (till_depth(o) > TILL_DEPTH_MAX - 1) {
        rc = till_fail(e, HILOTILL_EARG,
                       TILL_SAY(spanish, "the parameters are nested too deep (15 levels)",
                                "los parámetros tienen demasiados niveles (15 a lo sumo)"));
        goto out;
    }
    if ((clerk && clerk[0] && !cJSON_HasObjectItem(o, "clerk") &&
         !cJSON_AddStringToObject(o, "clerk", clerk)) ||
        (at && !cJSON_HasObjectItem(o, "at") && !cJSON_AddStringToObject(o, "at", at)) ||
        !(made = cJSON_PrintUnformatted(o))) {
        rc = till_fail(e, HILOTILL_ENOMEM, TILL_SAY(spanish, "out of memory", "no hay memoria suficiente"));
        goto out;
    }
    /* What is around it: {"jsonrpc":"2.0","id":"36","method":"64","params":} and the line's end. */
    if (strlen(made) + 200 > TILL_FRAME_MAX) {
        rc = till_fail(e, HILOTILL_EARG,
                       TILL_SAY(spanish, "this is too long for one request (64 KiB): make it shorter",
                                "esto es demasiado largo para una sola solicitud (64 KiB): acórtelo"));
        goto out;
    }
    *out = made;
    made = NULL;
    rc = HILOTILL_OK;
out:
    cJSON_free(made);
    cJSON_Delete(o);
    return rc;
}

/* ---- frames out ------------------------------------------------------------------------------ */

bool till_frame_request(struct till_buf *b, const char *id, const char *method, const char *params)
{
    return till__put(b, "{\"jsonrpc\":\"2.0\",\"id\":\"") && till__put(b, id) &&
           till__put(b, "\",\"method\":\"") && till__put(b, method) && till__put(b, "\",\"params\":") &&
           till__put(b, params) && till__put(b, "}\n");
}

bool till_frame_answer(struct till_buf *b, const char *id, int code, const char *answer)
{
    cJSON *o = cJSON_CreateObject(), *error;
    char *s = NULL;
    bool ok = o && cJSON_AddStringToObject(o, "jsonrpc", "2.0") && cJSON_AddStringToObject(o, "id", id);

    if (ok && code) {
        error = cJSON_AddObjectToObject(o, "error");
        ok = error && cJSON_AddNumberToObject(error, "code", code) &&
             cJSON_AddStringToObject(error, "message", answer);
    } else if (ok) {
        ok = cJSON_AddRawToObject(o, "result", answer) != NULL;
    }
    ok = ok && (s = cJSON_PrintUnformatted(o)) && till__put(b, s) && till__put(b, "\n");
    cJSON_free(s);
    cJSON_Delete(o);
    return ok;
}

/* ---- frames in --------------------------------------------------------------------------------- */

void till_frame_read(const char *p, size_t n, struct till_frame *out)
{
    const cJSON *id, *method, *version, *code, *message;
    cJSON *o;

    *out = (struct till_frame){.kind = TILL_FRAME_BAD, .message = ""};
    if (n && p[n - 1] == '\r')
        n--;
    /* A NUL within would end the value early. */
    if (n == 0 || memchr(p, 0, n) || !till_utf8(p, n))
        return;
    out->json = o = cJSON_ParseWithLength(p, n);
    version = cJSON_GetObjectItemCaseSensitive(o, "jsonrpc");
    if (!cJSON_IsObject(o) || !cJSON_IsString(version) || strcmp(version->valuestring, "2.0") != 0 ||
        till_depth(o) > TILL_DEPTH_MAX)
        return;
    id = cJSON_GetObjectItemCaseSensitive(o, "id");
    if (cJSON_IsString(id))
        out->id = id->valuestring;
    else if (id && !cJSON_IsNull(id))
        return;
    method = cJSON_GetObjectItemCaseSensitive(o, "method");
    if (method) {
        out->params = cJSON_GetObjectItemCaseSensitive(o, "params");
        if (!cJSON_IsString(method) || (out->params && !cJSON_IsObject(out->params)))
            return;
        out->method = method->valuestring;
        out->kind = TILL_FRAME_REQUEST;
        return;
    }
    out->result = cJSON_GetObjectItemCaseSensitive(o, "result");
    out->error = cJSON_GetObjectItemCaseSensitive(o, "error");
    if (!out->result == !out->error)
        return;
    if (out->error) {
        code = cJSON_GetObjectItemCaseSensitive(out->error, "code");
        message = cJSON_GetObjectItemCaseSensitive(out->error, "message");
        if (!cJSON_IsNumber(code) || code->valueint == 0)
            return;
        out->code = code->valueint;
        if (cJSON_IsString(message))
            out->message = message->valuestring;
    } else if (!out->id) {
        return;
    }
    out->kind = TILL_FRAME_ANSWER;
}

void till_frame_done(struct till_frame *f)
{
    cJSON_Delete(f->json);
    f->json = NULL;
}

/* ---- times -------------------------------------------------------------------------------------- */

void till_time(int64_t unix_ms, char out[32])
{
    time_t s = (time_t)(unix_ms / 1000);
    struct tm tm;
    char day[24] = "";

    if (gmtime_r(&s, &tm))
        strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out, 32, "%s.%03dZ", day, (int)(unix_ms % 1000));
}

bool till_time_read(const char *s, int64_t *unix_ms_out)
{
    struct tm tm = {0};
    const char *rest = strptime(s, "%Y-%m-%dT%H:%M:%S", &tm);
    int64_t ms = 0, unit = 100;

    if (!rest)
        return false;
    if (*rest == '.')
        for (rest++; *rest >= '0' && *rest <= '9'; rest++, unit /= 10)
            ms += unit * (*rest - '0');
    if (strcmp(rest, "Z") != 0)
        return false;
    *unix_ms_out = (int64_t)timegm(&tm) * 1000 + ms;
    return true;
}
