/* Infobip's SMS API, version 3: what a request may hold, how many segments a text is, and messages in. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what a request may hold ---- */

static const struct field destination[] = {{"to", F_TEXT, true, 1, 64, NULL, NULL, NULL},
                                           {"messageId", F_TEXT, false, 1, 200, NULL, NULL, NULL},
                                           {"networkId", F_NUMBER, false, 0, 1000000, NULL, NULL, NULL},
                                           {0}};
static const char *const languages[] = {"TR", "ES", "PT", "AUTODETECT", NULL};
static const struct field language[] = {{"languageCode", F_TEXT, false, 0, 0, NULL, NULL, languages}, {0}};
static const char *const transliterations[] = {
    "NONE",   "TURKISH",          "GREEK",      "CYRILLIC",  "SERBIAN_CYRILLIC", "BULGARIAN_CYRILLIC",
    "BALTIC", "CENTRAL_EUROPEAN", "PORTUGUESE", "COLOMBIAN", "NON_UNICODE",      "ALL",
    NULL};
static const struct field content[] = {{"text", F_TEXT, true, 1, 4000, NULL, NULL, NULL},
                                       {"transliteration", F_TEXT, false, 0, 0, NULL, NULL, transliterations},
                                       {"language", F_OBJECT, false, 0, 0, language, NULL, NULL},
                                       {0}};
static const char *const units[] = {"SECONDS", "MINUTES", "HOURS", "DAYS", NULL};
static const struct field period[] = {{"amount", F_NUMBER, true, 1, 172800, NULL, NULL, NULL},
                                      {"timeUnit", F_TEXT, false, 0, 0, NULL, NULL, units},
                                      {0}};
static const struct field options[] = {{"validityPeriod", F_OBJECT, false, 0, 0, period, NULL, NULL},
                                       {"flash", F_BOOL, false, 0, 0, NULL, NULL, NULL},
                                       {"campaignReferenceId", F_TEXT, false, 0, 255, NULL, NULL, NULL},
                                       {0}};
static const struct field delivery[] = {{"url", F_URL, false, 0, 0, NULL, NULL, NULL},
                                        {"intermediateReport", F_BOOL, false, 0, 0, NULL, NULL, NULL},
                                        {"notify", F_BOOL, false, 0, 0, NULL, NULL, NULL},
                                        {0}};
static const char *const types[] = {"application/json", "application/xml", NULL};
static const struct field webhooks[] = {{"delivery", F_OBJECT, false, 0, 0, delivery, NULL, NULL},
                                        {"contentType", F_TEXT, false, 0, 0, NULL, NULL, types},
                                        {"callbackData", F_TEXT, false, 0, 4000, NULL, NULL, NULL},
                                        {0}};
static const struct field message[] = {{"sender", F_TEXT, true, 1, 20, NULL, NULL, NULL},
                                       {"destinations", F_LIST, true, 1, 1000, destination, NULL, NULL},
                                       {"content", F_OBJECT, true, 0, 0, content, NULL, NULL},
                                       {"options", F_OBJECT, false, 0, 0, options, NULL, NULL},
                                       {"webhooks", F_OBJECT, false, 0, 0, webhooks, NULL, NULL},
                                       {0}};
static const struct field schedule[] = {{"bulkId", F_TEXT, false, 1, 100, NULL, NULL, NULL},
                                        {"sendAt", F_TEXT, false, 20, 40, NULL, NULL, NULL},
                                        {0}};
static const struct field request_options[] = {
    {"schedule", F_OBJECT, false, 0, 0, schedule, NULL, NULL},
    {"includeSmsCountInResponse", F_BOOL, false, 0, 0, NULL, NULL, NULL},
    {0}};
static const struct field request[] = {{"messages", F_LIST, true, 1, 1000, message, NULL, NULL},
                                       {"options", F_OBJECT, false, 0, 0, request_options, NULL, NULL},
                                       {0}};

static bool is_number(const char *s)
{
    size_t n = strspn(s, "0123456789");

    return !s[n] && n >= 7 && n <= 15;
}

void sms_check(struct check *c, const cJSON *sent)
{
    const cJSON *m, *d;
    char at[80];
    int i = 0, k;

    check_object(c, sent, "", request);
    if (c->violations->child)
        return;
    cJSON_ArrayForEach(m, cJSON_GetObjectItemCaseSensitive(sent, "messages"))
    {
        if (member(m, "sender") && !is_number(member(m, "sender")) && strlen(member(m, "sender")) > 11) {
            snprintf(at, sizeof at, "messages[%d].sender", i);
            violate(c, at, "must be a number, or at most 11 characters");
        }
        k = 0;
        cJSON_ArrayForEach(d, cJSON_GetObjectItemCaseSensitive(m, "destinations"))
        {
            snprintf(at, sizeof at, "messages[%d].destinations[%d].to", i, k++);
            if (!is_number(member(d, "to")))
                violate(c, at, "must be a number in international format");
        }
        i++;
    }
}

/* ---- how many segments ---- */

static uint32_t next_char(const unsigned char **p)
{
    uint32_t c = *(*p)++;
    int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;

    if (more)
        c &= 0x3fu >> more;
    while (more-- > 0 && **p)
        c = c << 6 | (*(*p)++ & 0x3f);
    return c;
}

/* Septets of a character in GSM 03.38; 0: it has none. spanish: with that single shift table. */
static unsigned septets(uint32_t c, bool spanish)
{
    static const uint32_t others[] = {0xa3,  0xa5,  0xe8,  0xe9,  0xf9,  0xec,  0xf2,  0xc7,  0xd8,  0xf8,
                                      0xc5,  0xe5,  0x394, 0x3a6, 0x393, 0x39b, 0x3a9, 0x3a0, 0x3a8, 0x3a3,
                                      0x398, 0x39e, 0xc6,  0xe6,  0xdf,  0xc9,  0xa4,  0xa1,  0xc4,  0xd6,
                                      0xd1,  0xdc,  0xa7,  0xbf,  0xe4,  0xf6,  0xf1,  0xfc,  0xe0};
    static const uint32_t shifted[] = {0xe7, 0xc1, 0xcd, 0xd3, 0xda, 0xe1, 0xed, 0xf3, 0xfa};

    if (c == '\n' || c == '\r' || (c >= ' ' && c < 0x7f && !strchr("[\\]^`{|}~", (int)c)))
        return 1;
    if (c == 0x20ac || (c < 0x7f && c >= ' ' && c != '`'))
        return 2;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (others[i] == c)
            return 1;
    for (size_t i = 0; spanish && i < sizeof shifted / sizeof *shifted; i++)
        if (shifted[i] == c)
            return 2;
    return 0;
}

/* For texts of characters that are not cut: a shift at a border costs one more, which is not looked at. */
static unsigned count(const char *text, bool spanish)
{
    const unsigned char *p = (const unsigned char *)text;
    unsigned gsm = 0, ucs2 = 0, n;
    unsigned one = spanish ? 155 : 160, more = spanish ? 149 : 153;
    bool fits = true;

    while (*p) {
        uint32_t c = next_char(&p);
        n = septets(c, spanish);
        fits = fits && n;
        gsm += n;
        ucs2 += c > 0xffff ? 2 : 1;
    }
    if (fits)
        return gsm <= one ? 1 : (gsm + more - 1) / more;
    return ucs2 <= 70 ? 1 : (ucs2 + 66) / 67;
}

/* ---- what is taken ---- */

/* To one destination. Its part of the answer. There is no suppression of duplicates: an id that comes twice
 * is sent twice. */
static cJSON *accept_one(struct sim *s, const cJSON *sent, const cJSON *d, unsigned segments)
{
    const cJSON *hooks = cJSON_GetObjectItemCaseSensitive(sent, "webhooks");
    const char *id = member(d, "messageId"), *to = member(d, "to"), *status = s->faults.status,
               *callback = member(hooks, "callbackData"),
               *url = member(cJSON_GetObjectItemCaseSensitive(hooks, "delivery"), "url");
    cJSON *out = must(cJSON_CreateObject());
    struct message *m = NULL;
    char made[48];

    make_id(made, "");
    if (!id)
        id = made;
    if (!*status || (s->faults.only_to[0] && strcmp(s->faults.only_to, to) != 0))
        status = "PENDING_ACCEPTED";
    HASH_FIND_STR(s->messages, id, m);
    if (m) {
        m->times++;
        s->duplicates++;
    } else if (!strncmp(status, "PENDING", 7)) {
        m = must(calloc(1, sizeof *m));
        (void)copy(m->id, sizeof m->id, id);
        (void)copy(m->to, sizeof m->to, to);
        (void)copy(m->kind, sizeof m->kind, "sms");
        (void)copy(m->callback, sizeof m->callback, callback ? callback : "");
        (void)copy(m->notify_url, sizeof m->notify_url, url ? url : "");
        stamp(m->sent_at);
        m->body = must(cJSON_Duplicate(sent, true));
        m->segments = segments;
        m->seq = ++s->seq;
        m->times = 1;
        HASH_ADD_STR(s->messages, id, m);
        s->accepted++;
        reports_plan_locked(s, m);
        pthread_cond_broadcast(&s->changed);
    }
    cJSON_AddStringToObject(out, "messageId", id);
    cJSON_AddItemToObject(out, "status", status_json(status));
    cJSON_AddStringToObject(out, "destination", to);
    cJSON_AddNumberToObject(cJSON_AddObjectToObject(out, "details"), "messageCount", segments);
    return out;
}

cJSON *sms_accept_locked(struct sim *s, const cJSON *sent)
{
    cJSON *out = must(cJSON_CreateObject()), *list;
    const cJSON *m, *d;
    char bulk[48];

    make_id(bulk, "");
    if (cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(sent, "messages")) > 1)
        cJSON_AddStringToObject(out, "bulkId", bulk);
    list = cJSON_AddArrayToObject(out, "messages");
    cJSON_ArrayForEach(m, cJSON_GetObjectItemCaseSensitive(sent, "messages"))
    {
        const cJSON *text = cJSON_GetObjectItemCaseSensitive(m, "content");
        const char *code = member(cJSON_GetObjectItemCaseSensitive(text, "language"), "languageCode");

        cJSON_ArrayForEach(d, cJSON_GetObjectItemCaseSensitive(m, "destinations")) cJSON_AddItemToArray(
            list, accept_one(s, m, d, count(member(text, "text"), code && !strcmp(code, "ES"))));
    }
    return out;
}

/* ---- messages in ---- */

const char *sms_inbound_locked(struct sim *s, const cJSON *ask, char why[200])
{
    const char *from = member(ask, "from"), *text = member(ask, "text"), *to = member(ask, "to");
    struct inbound *in;
    cJSON *result, *price;
    char now[40], id[48];

    if (!from || !text || strlen(from) >= NUMBER_MAX) {
        snprintf(why, 200, "from and text are needed");
        return NULL;
    }
    make_id(id, "");
    in = must(calloc(1, sizeof *in));
    (void)copy(in->id, sizeof in->id, member(ask, "id") ? member(ask, "id") : id);
    (void)copy(in->from, sizeof in->from, from);
    HASH_ADD_STR(s->inbound, id, in);
    stamp(now);
    result = must(cJSON_CreateObject());
    cJSON_AddStringToObject(result, "messageId", in->id);
    cJSON_AddStringToObject(result, "from", from);
    cJSON_AddStringToObject(result, "to", to ? to : s->conf.sender);
    cJSON_AddStringToObject(result, "text", text);
    cJSON_AddStringToObject(result, "cleanText", text);
    cJSON_AddStringToObject(result, "keyword", member(ask, "keyword") ? member(ask, "keyword") : "");
    cJSON_AddStringToObject(result, "receivedAt", now);
    cJSON_AddNumberToObject(result, "smsCount", count(text, false));
    price = cJSON_AddObjectToObject(result, "price");
    cJSON_AddNumberToObject(price, "pricePerMessage", 0);
    cJSON_AddStringToObject(price, "currency", "EUR");
    cJSON_AddStringToObject(result, "callbackData", "");
    webhook_add_locked(s, E_INBOUND, s->conf.webhook_url, in->id, result, NULL, 0);
    return in->id;
}
