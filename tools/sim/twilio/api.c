/* POST /2010-04-01/Accounts/{Sid}/Messages.json, as strictly as it is documented. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- answers ---- */

static enum MHD_Result error(struct request *r, unsigned status, int code, const char *text)
{
    cJSON *e = must(cJSON_CreateObject());
    char info[64], seconds[24], *body;
    int64_t retry_after;
    enum MHD_Result rc;

    pthread_mutex_lock(&r->sim->lock);
    retry_after = status == 429 || status == 503 ? r->sim->faults.retry_after : 0;
    r->sim->refused++;
    pthread_mutex_unlock(&r->sim->lock);
    snprintf(info, sizeof info, "https://www.twilio.com/docs/errors/%d", code);
    cJSON_AddNumberToObject(e, "code", code);
    cJSON_AddStringToObject(e, "message", text);
    cJSON_AddStringToObject(e, "more_info", info);
    cJSON_AddNumberToObject(e, "status", status);
    snprintf(seconds, sizeof seconds, "%lld", (long long)retry_after);
    body = must(cJSON_PrintUnformatted(e));
    rc = http_answer(r, status, "application/json", body, strlen(body), retry_after ? "Retry-After" : NULL,
                     seconds);
    free(body);
    cJSON_Delete(e);
    return rc;
}

static bool basic_is(const char *given, const char *user, const char *password)
{
    char plain[512], *coded;
    bool same;

    if (!*user)
        return false;
    snprintf(plain, sizeof plain, "%s:%s", user, password);
    coded = base64(plain, strlen(plain));
    same = !strcmp(given, coded);
    free(coded);
    return same;
}

static bool authorised(struct request *r)
{
    const char *given = http_header(r, "Authorization");
    const struct conf *c = &r->sim->conf;
    bool ok;

    pthread_mutex_lock(&r->sim->lock);
    r->sim->requests++;
    ok = given && !strncmp(given, "Basic ", 6) &&
         (basic_is(given + 6, c->account_sid, c->auth_token) ||
          basic_is(given + 6, c->api_key, c->api_secret));
    pthread_mutex_unlock(&r->sim->lock);
    return ok;
}

/* ---- what is wrong with a message ---- */

struct wrong {
    int code;
    const char *text;
};

static size_t chars(const char *s)
{
    size_t n = 0;

    for (; *s; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

static bool e164(const char *s)
{
    size_t n = *s == '+' ? strspn(s + 1, "0123456789") : 0;

    return n >= 7 && n <= 15 && !s[n + 1];
}

static bool owned(const char *list, const char *from)
{
    size_t n = strlen(from);

    for (const char *p = list; *p; p += strcspn(p, ","), p += *p == ',')
        if (strcspn(p, ",") == n && !memcmp(p, from, n))
            return true;
    return !*list;
}

static struct wrong check_locked(const struct sim *s, const struct params *p)
{
    static const char *const known[] = {
        "To",           "From",     "MessagingServiceSid", "Body",   "StatusCallback", "ValidityPeriod",
        "SmartEncoded", "MediaUrl", "ScheduleType",        "SendAt", "ShortenUrls",    NULL};
    const char *to = params_get(p, "To"), *from = params_get(p, "From"), *body = params_get(p, "Body"),
               *service = params_get(p, "MessagingServiceSid"), *callback = params_get(p, "StatusCallback"),
               *validity = params_get(p, "ValidityPeriod"), *smart = params_get(p, "SmartEncoded");

    for (size_t i = 0, k; i < p->n; i++) {
        for (k = 0; known[k] && strcmp(known[k], p->v[i].name) != 0; k++)
            ;
        if (!known[k]) /* Twilio passes it by; here it is a mistake */
            return (struct wrong){20001, "an unknown parameter"};
    }
    if (!to || !*to)
        return (struct wrong){21604, "A 'To' phone number is required."};
    if (!e164(to))
        return (struct wrong){21211, "Invalid 'To' Phone Number: 5730000xxxx"};
    if ((!from || !*from) && (!service || !*service))
        return (struct wrong){21603, "A 'From' phone number is required."};
    if (service && strcmp(service, s->conf.service_sid) != 0)
        return (struct wrong){21701, "The Messaging Service does not exist"};
    if (from && !service && !owned(s->conf.from, from))
        return (struct wrong){21606,
                              "The 'From' phone number provided is not a valid message-capable Twilio phone "
                              "number for this destination"};
    if (!body || !*body)
        return (struct wrong){21602, "Message body is required."};
    if (chars(body) > 1600)
        return (struct wrong){21617, "The concatenated message body exceeds the 1600 character limit"};
    if (callback && strncmp(callback, "http://", 7) != 0 && strncmp(callback, "https://", 8) != 0)
        return (struct wrong){21609, "Invalid 'StatusCallback' URL"};
    if (validity &&
        (strspn(validity, "0123456789") != strlen(validity) || atol(validity) < 1 || atol(validity) > 36000))
        return (struct wrong){21624, "ValidityPeriod is out of the range of 1 to 36000"};
    if (smart && strcmp(smart, "true") != 0 && strcmp(smart, "false") != 0)
        return (struct wrong){20001, "SmartEncoded must be true or false"};
    for (unsigned i = 0; i < s->n_opted_out; i++)
        if (!strcmp(s->opted_out[i], to))
            return (struct wrong){21610, "Attempt to send to unsubscribed recipient"};
    return (struct wrong){0, NULL};
}

/* ---- segments, by GSM 03.38 and UCS-2 ---- */

static unsigned septets(uint32_t c)
{
    static const char others[] = "£¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà";
    char utf8[4] = {0};

    if (c == '\n' || c == '\r' || (c >= ' ' && c < 0x7f && !strchr("[\\]^`{|}~", (int)c)))
        return 1;
    if (c == 0x20ac || (c < 0x7f && c >= ' ' && c != '`'))
        return 2;
    if (c < 0x80 || c >= 0x800)
        return 0;
    utf8[0] = (char)(0xc0 | c >> 6);
    utf8[1] = (char)(0x80 | (c & 0x3f));
    return strstr(others, utf8) != NULL;
}

static unsigned count(const char *text)
{
    unsigned gsm = 0, ucs2 = 0;
    bool fits = true;

    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        uint32_t c = *p++;
        int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
        if (more)
            c &= 0x3fu >> more;
        while (more-- > 0 && *p)
            c = c << 6 | (*p++ & 0x3f);
        fits = fits && septets(c);
        gsm += septets(c);
        ucs2 += c > 0xffff ? 2 : 1;
    }
    if (fits)
        return gsm <= 160 ? 1 : (gsm + 152) / 153;
    return ucs2 <= 70 ? 1 : (ucs2 + 66) / 67;
}

/* ---- sends ---- */

static cJSON *accept_locked(struct sim *s, const struct params *p)
{
    const struct faults *f = &s->faults;
    const char *callback = params_get(p, "StatusCallback"), *from = params_get(p, "From");
    struct message *m = must(calloc(1, sizeof *m));
    cJSON *out = must(cJSON_CreateObject());
    time_t now = time(NULL);
    char date[64], text[24];
    struct tm tm;

    make_sid(m->sid, "SM");
    (void)copy(m->to, sizeof m->to, params_get(p, "To"));
    (void)copy(m->callback, sizeof m->callback, callback ? callback : "");
    m->segments = count(params_get(p, "Body"));
    m->form = must(cJSON_CreateObject());
    for (size_t i = 0; i < p->n; i++)
        cJSON_AddStringToObject(m->form, p->v[i].name, p->v[i].value);
    m->seq = ++s->seq;
    *s->last = m;
    s->last = &m->next;
    s->accepted++;
    for (int i = 0; i < f->n_statuses; i++) {
        bool bad = !strcmp(f->statuses[i], "failed") || !strcmp(f->statuses[i], "undelivered");
        status_add_locked(s, m, f->statuses[i], bad ? f->error_code : 0, f->status_delay_ms * (i + 1));
    }
    pthread_cond_broadcast(&s->changed);
    gmtime_r(&now, &tm);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", &tm);
    snprintf(text, sizeof text, "%u", m->segments);
    cJSON_AddStringToObject(out, "sid", m->sid);
    cJSON_AddStringToObject(out, "account_sid", s->conf.account_sid);
    cJSON_AddStringToObject(out, "api_version", "2010-04-01");
    cJSON_AddStringToObject(out, "body", params_get(p, "Body"));
    cJSON_AddItemToObject(out, "from", from ? cJSON_CreateString(from) : cJSON_CreateNull());
    cJSON_AddStringToObject(out, "to", m->to);
    cJSON_AddStringToObject(out, "status", from ? "queued" : "accepted");
    cJSON_AddStringToObject(out, "direction", "outbound-api");
    cJSON_AddStringToObject(out, "num_segments", text);
    cJSON_AddStringToObject(out, "num_media", "0");
    cJSON_AddNullToObject(out, "error_code");
    cJSON_AddNullToObject(out, "error_message");
    cJSON_AddNullToObject(out, "price");
    cJSON_AddStringToObject(out, "price_unit", "USD");
    cJSON_AddStringToObject(out, "date_created", date);
    return out;
}

/* The fault that this send meets; waits where sends are held before. */
static enum reply meet(struct sim *s)
{
    enum reply reply = REPLY_OK;

    pthread_mutex_lock(&s->lock);
    while (s->faults.hold == HOLD_BEFORE && wait_locked(s, now_us() + 1000000000))
        ;
    if (s->faults.reply != REPLY_OK && s->faults.count != 0) {
        reply = s->faults.reply;
        s->faults.count -= s->faults.count > 0;
    }
    pthread_mutex_unlock(&s->lock);
    return reply;
}

static enum MHD_Result send_message(struct request *r)
{
    static const char page[] = "<html>Bad Gateway</html>";
    const char *type = http_header(r, "Content-Type");
    struct sim *s = r->sim;
    enum reply reply = meet(s);
    struct params p;
    struct wrong wrong;
    cJSON *out = NULL;
    bool held;

    if (reply == REPLY_DROP_BEFORE)
        return MHD_NO;
    if (reply == REPLY_ERROR)
        return error(r, (unsigned)s->faults.error_status, (int)s->faults.error,
                     "as the faults say, for 573001112233");
    if (reply == REPLY_500)
        return error(r, 500, 20500, "Internal Server Error");
    if (!type || strncmp(type, "application/x-www-form-urlencoded", 33) != 0 ||
        !params_read(&p, r->body.p ? r->body.p : "", r->body.n))
        return error(r, 400, 20001, "the body is no form");
    pthread_mutex_lock(&s->lock);
    wrong = check_locked(s, &p);
    if (!wrong.code)
        out = accept_locked(s, &p);
    pthread_mutex_unlock(&s->lock);
    params_free(&p);
    if (wrong.code)
        return error(r, 400, wrong.code, wrong.text);
    pthread_mutex_lock(&s->lock);
    for (held = true; s->faults.hold == HOLD_AFTER && held;)
        held = wait_locked(s, now_us() + 1000000000);
    pthread_mutex_unlock(&s->lock);
    if (reply == REPLY_OK)
        return http_json(r, 201, out);
    cJSON_Delete(out);
    if (reply == REPLY_DROP_AFTER)
        return MHD_NO;
    return reply == REPLY_GARBAGE ? http_answer(r, 201, "application/json", "{\"sid\":", 7, NULL, NULL)
                                  : http_answer(r, 502, "text/html", page, sizeof page - 1, NULL, NULL);
}

enum MHD_Result api_handle(struct request *r)
{
    char path[128];

    if (!authorised(r))
        return error(r, 401, 20003, "Authenticate");
    snprintf(path, sizeof path, "/2010-04-01/Accounts/%s/Messages.json", r->sim->conf.account_sid);
    if (strcmp(r->path, path) != 0 || strcmp(r->method, "POST") != 0)
        return error(r, 404, 20404, "The requested resource was not found");
    return send_message(r);
}
