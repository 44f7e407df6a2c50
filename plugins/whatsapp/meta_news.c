/*
 * Changes of other fields than "messages": templates, the account, the number.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "json.h"
#include "meta_webhook.h"

#include <stdio.h>

enum { NEWS_WORD_MAX = 48 };

static bool news_is_one(struct hilo_str value, const char *const *words)
{
    for (; *words; words++)
        if (wa_json_is(value, *words))
            return true;
    return false;
}

static void news_template(struct webhook *h, struct hilo_str field, struct hilo_str value)
{
    uint8_t buf[META_CHANGE_MAX];
    struct hilo_str group;

    if (!wa_meta_template_change(field, value, h->in.scratch, buf, &group)) {
        wa_meta_note(h, WA_NOTE_MALFORMED, 0, wa_meta_str("a change of a template names none"));
        return;
    }
    if (group.n)
        h->sink->template_put(h->sink->arg, group);
    wa_meta_note(h, WA_NOTE_TEMPLATES, 0,
                 wa_json_text(wa_json_get(value, "message_template_name"), h->in.scratch));
}

/* Whether it is a word of Meta's; anything else may be about a person, and goes into no log. */
static bool news_is_word(struct hilo_str s)
{
    uint64_t i;

    for (i = 0; i < s.n; i++)
        if (!((s.p[i] >= 'A' && s.p[i] <= 'Z') || (s.p[i] >= 'a' && s.p[i] <= 'z') ||
              (s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '_'))
            return false;
    return s.n > 0 && s.n <= NEWS_WORD_MAX;
}

/* "field: event: detail" for people. */
static void news_news(struct webhook *h, enum wa_note what, struct hilo_str field, struct hilo_str event,
                      struct hilo_str detail)
{
    struct hilo_str part[3] = {field, event, detail};
    char line[3 * NEWS_WORD_MAX + 8];
    size_t n = 0, i;

    for (i = 0; i < 3; i++) {
        struct hilo_str s = wa_json_text(part[i], h->in.scratch);
        if (news_is_word(s))
            n += (size_t)snprintf(line + n, sizeof line - n, "%s%.*s", n ? ": " : "", (int)s.n, s.p);
    }
    wa_meta_note(h, what, 0, (struct hilo_str){line, n});
}

/* A ban stops the channel, its end lets it go; the rest is for people. */
static void news_account_update(struct webhook *h, struct hilo_str field, struct hilo_str value)
{
    static const char *const gone[] = {"ACCOUNT_DELETED", "PARTNER_REMOVED", NULL};
    struct hilo_str event = wa_json_get(value, "event"), states, rest, state = wa_meta_none;

    states = wa_json_get(wa_json_get(value, "ban_info"), "waba_ban_state");
    rest = wa_json_type(states) == WA_JSON_ARRAY ? wa_json_inside(states) : wa_meta_none;
    if (!wa_json_item(&rest, &state))
        state = wa_json_type(states) == WA_JSON_STRING ? states : wa_meta_none;
    if (wa_json_is(event, "DISABLED_UPDATE") && wa_json_is(state, "REINSTATE")) {
        news_news(h, WA_NOTE_ACCOUNT_UP, field, event, state);
        return;
    }
    news_news(h, WA_NOTE_ACCOUNT_NEWS, field, event, state);
    if (news_is_one(event, gone) || (wa_json_is(event, "DISABLED_UPDATE") && wa_json_is(state, "DISABLE")))
        wa_meta_note(h, WA_NOTE_ACCOUNT_STOP, 0, wa_meta_str("account_disabled"));
}

bool wa_meta_news(struct webhook *h, struct hilo_str field, struct hilo_str value)
{
    static const char *const templates[] = {
        "message_template_status_update", "message_template_components_update",
        "message_template_quality_update", "template_category_update", NULL};
    /* field, the member that says what happened, the one that says more */
    static const char *const news[][3] = {{"phone_number_quality_update", "event", "current_limit"},
                                          {"account_alerts", "alert_type", "alert_severity"},
                                          {"account_review_update", "decision", ""},
                                          {"phone_number_name_update", "decision", "rejection_reason"},
                                          {"security", "event", ""}};
    struct hilo_str waba = wa_json_text(h->waba, h->in.scratch);
    size_t i;

    if (h->account->waba_id.n && waba.n &&
        (waba.n != h->account->waba_id.n || memcmp(waba.p, h->account->waba_id.p, waba.n) != 0)) {
        wa_meta_note(h, WA_NOTE_FOREIGN, 0, waba);
        return true;
    }
    if (news_is_one(field, templates)) {
        news_template(h, field, value);
        return true;
    }
    if (wa_json_is(field, "account_update")) {
        news_account_update(h, field, value);
        return true;
    }
    for (i = 0; i < sizeof news / sizeof *news; i++) {
        if (wa_json_is(field, news[i][0])) {
            news_news(h, WA_NOTE_ACCOUNT_NEWS, field, wa_json_get(value, news[i][1]),
                      wa_json_get(value, news[i][2]));
            return true;
        }
    }
    return false;
}
