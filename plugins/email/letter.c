/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "letter.h"

#include "id.h"
#include "ours.h"

#include <cjson/cJSON.h>
#include <hilo/message.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* ---- the thread ----------------------------------------------------------------------------------- */

bool letter_threaded(struct hilo_str message)
{
    const uint64_t category = hilo_get_u64(message, HILO_T_MSG_CATEGORY);
    struct hilo_str s;

    return hilo_find(message, HILO_T_MSG_REPLY_TO, &s) || hilo_find(message, HILO_T_MSG_REPLY_EXT, &s) ||
           category == HILO_CATEGORY_SERVICE || category == 0;
}

static const char *text_of(const cJSON *o, const char *name)
{
    const cJSON *s = cJSON_GetObjectItemCaseSensitive(o, name);

    return cJSON_IsString(s) ? s->valuestring : "";
}

static bool id_good(const char *id)
{
    size_t n = strlen(id);

    return n > 2 && n < LETTER_ID_MAX && strchr(id, '@') && !strpbrk(id, " <>\t\r\n");
}

/* A mail of ours or to us that others can refer to. */
static bool refers(const cJSON *one, struct hilo_str channel, const char *self)
{
    return email_str_is(channel, text_of(one, "channel")) && strcmp(text_of(one, "id"), self) != 0 &&
           id_good(text_of(one, "provider_id"));
}

static const char *bare(const char *subject)
{
    while (strncasecmp(subject, "re:", 3) == 0 || *subject == ' ')
        subject += *subject == ' ' ? 1 : 3;
    return subject;
}

/* Somebody who writes of something else begins anew. */
static bool other_subject(struct hilo_str message, const char *theirs)
{
    struct hilo_str own = hilo_get_str(hilo_content(message), HILO_T_CONTENT_SUBJECT);
    char ours[LETTER_SUBJECT_MAX];

    email_copy(ours, sizeof ours, own);
    return own.n && strcasecmp(bare(ours), bare(theirs)) != 0;
}

void letter_thread_read(struct hilo_str json, struct hilo_str channel, const char *self,
                        struct hilo_str message, struct letter_thread *t)
{
    cJSON *page = json.n ? cJSON_ParseWithLength(json.p, (size_t)json.n) : NULL;
    const cJSON *one, *found[LETTER_REFERENCES_MAX], *answered = NULL, *all;
    struct hilo_str reply = hilo_get_str(message, HILO_T_MSG_REPLY_EXT);
    size_t n = 0, i;

    memset(t, 0, sizeof *t);
    all = cJSON_GetObjectItemCaseSensitive(page, "messages");
    cJSON_ArrayForEach(one, all)
    {
        if (!refers(one, channel, self))
            continue;
        if (n < LETTER_REFERENCES_MAX)
            found[n++] = one;
        if (!t->subject[0])
            email_copy(t->subject, sizeof t->subject,
                       email_str(text_of(cJSON_GetObjectItemCaseSensitive(one, "content"), "subject")));
        if (!answered && strcmp(text_of(one, "kind"), "inbound") == 0)
            answered = one;
    }
    if (!answered && n)
        answered = found[0];
    if (!reply.n && other_subject(message, t->subject)) {
        memset(t, 0, sizeof *t);
    } else {
        for (i = n; i-- > 0;)
            email_copy(t->reference[t->n++], LETTER_ID_MAX, email_str(text_of(found[i], "provider_id")));
        email_copy(t->in_reply_to, sizeof t->in_reply_to,
                   reply.n ? reply : email_str(answered ? text_of(answered, "provider_id") : ""));
    }
    if (!id_good(t->in_reply_to))
        t->in_reply_to[0] = '\0';
    cJSON_Delete(page);
}

/* ---- what it says ----------------------------------------------------------------------------------- */

/* Those that are not empty, a blank line between. */
static char *paragraphs(const struct hilo_str *part, size_t n)
{
    size_t bytes = 1, i;
    char *all, *p;

    for (i = 0; i < n; i++)
        bytes += (size_t)part[i].n + 2;
    all = p = malloc(bytes);
    for (i = 0; all && i < n; i++) {
        if (!part[i].n)
            continue;
        if (p > all)
            p = (char *)memcpy(p, "\n\n", 2) + 2;
        p = (char *)memcpy(p, part[i].p, (size_t)part[i].n) + part[i].n;
    }
    if (all)
        *p = '\0';
    return all;
}

static int32_t write_text(struct letter *l, struct hilo_str content)
{
    const uint64_t type = hilo_get_u64(content, HILO_T_CONTENT_TYPE);
    struct hilo_str text = hilo_get_str(content, HILO_T_CONTENT_TEXT);
    struct hilo_str part[4] = {hilo_get_str(content, HILO_T_CONTENT_HEADER), text,
                               hilo_get_str(content, HILO_T_CONTENT_FOOTER)};

    if (type == HILO_CONTENT_MEDIA)
        part[1] = hilo_get_str(content, HILO_T_CONTENT_CAPTION);
    if (type == HILO_CONTENT_APPOINTMENT && !text.n) {
        part[0] = hilo_get_str(content, HILO_T_CONTENT_TITLE);
        part[1] = hilo_get_str(content, HILO_T_CONTENT_DESCRIPTION);
        part[2] = hilo_get_str(content, HILO_T_CONTENT_ADDRESS);
    }
    l->text = paragraphs(part, 3);
    if (!l->text)
        return HILO_NOMEM;
    l->mail.text = email_str(l->text);
    l->mail.html = hilo_get_str(content, HILO_T_CONTENT_HTML);
    return HILO_OK;
}

static void write_links(struct letter *l, struct hilo_str content)
{
    struct hilo_str rest = content, url;
    struct hilo_field f;

    l->mail.link = l->links;
    if (hilo_get_u64(content, HILO_T_CONTENT_TYPE) == HILO_CONTENT_LINK) {
        l->links[l->mail.n_links++] = (struct compose_link){hilo_get_str(content, HILO_T_CONTENT_BUTTON),
                                                            hilo_get_str(content, HILO_T_CONTENT_URL)};
        return;
    }
    while (hilo_next(&rest, &f) == 1 && l->mail.n_links < LETTER_LINKS_MAX)
        if (f.tag == HILO_T_CONTENT_CHOICES && hilo_find(f.val, HILO_T_CHOICE_URL, &url))
            l->links[l->mail.n_links++] =
                (struct compose_link){hilo_get_str(f.val, HILO_T_CHOICE_TITLE), url};
}

static void write_event(const struct email *e, struct letter *l, struct hilo_str content, int64_t now_us)
{
    struct hilo_str x, domain = email_domain(e->conf->address), uid;
    struct compose_event *v = &l->mail.event;
    char token[TOKEN_MAX];
    struct hilo_id id;

    if (!hilo_find(content, HILO_T_CONTENT_INVITATION, &x))
        return;
    v->method = email_str_is(hilo_get_str(x, HILO_T_INVITATION_STATUS), "canceled") ? COMPOSE_CANCEL
                                                                                    : COMPOSE_REQUEST;
    uid = hilo_get_str(x, HILO_T_INVITATION_UID);
    /* The same for all mails about it. What answers it has nothing else that is sure to come back. */
    if (id_read("apt", uid, &id)) {
        token_make(TOKEN_EVENT, id, e->keys[e->n_keys - 1], token);
        uid = email_str(token);
    }
    (void)snprintf(l->uid, sizeof l->uid, "%.*s@%.*s", (int)uid.n, uid.p, (int)domain.n, domain.p);
    v->uid = email_str(l->uid);
    v->summary = hilo_get_str(x, HILO_T_INVITATION_TITLE);
    v->description = l->mail.text;
    v->location = hilo_get_str(x, HILO_T_INVITATION_PLACE);
    v->time_zone = hilo_get_str(x, HILO_T_INVITATION_TIME_ZONE);
    v->organizer_name = hilo_get_str(x, HILO_T_INVITATION_ORGANIZER);
    v->starts_us = (int64_t)hilo_get_u64(x, HILO_T_INVITATION_STARTS);
    v->ends_us = (int64_t)hilo_get_u64(x, HILO_T_INVITATION_ENDS);
    v->stamp_us = now_us;
    v->sequence = (uint32_t)hilo_get_u64(x, HILO_T_INVITATION_SEQUENCE);
}

static void write_subject(const struct email_conf *c, struct letter *l, struct hilo_str content,
                          const struct letter_thread *t)
{
    struct hilo_str own = hilo_get_str(content, HILO_T_CONTENT_SUBJECT);

    if (own.n)
        l->mail.subject = own;
    else if (t->subject[0]) {
        (void)snprintf(l->subject, sizeof l->subject, "Re: %s", bare(t->subject));
        l->mail.subject = email_str(l->subject);
    } else if (hilo_get_u64(content, HILO_T_CONTENT_TYPE) == HILO_CONTENT_APPOINTMENT &&
               hilo_find(content, HILO_T_CONTENT_TITLE, &own) && own.n)
        l->mail.subject = own;
    else
        l->mail.subject = c->subject.n ? c->subject : c->name.n ? c->name : c->address;
}

/* ---- where it goes, and who it is from -------------------------------------------------------------- */

static bool write_addresses(const struct email *e, struct hilo_id id, struct letter *l)
{
    const struct email_conf *c = e->conf;
    struct hilo_str domain = email_domain(c->address);
    char token[TOKEN_MAX];
    int n;

    token_make(TOKEN_BOUNCE, id, e->keys[0], token);
    if (!ours_tokened(c, token, l->mail_from))
        return false;
    token_make(TOKEN_REPLY, id, e->keys[0], token);
    n = snprintf(l->message_id, sizeof l->message_id, "%s@%.*s", token, (int)domain.n, domain.p);
    l->mail.message_id = email_str(l->message_id);
    l->mail.from = c->address;
    l->mail.from_name = c->name;
    if (n <= 0 || (size_t)n >= sizeof l->message_id || !ours_tokened(c, token, l->reply_to))
        return false;
    l->mail.reply_to = email_str(l->reply_to);
    return true;
}

static void write_dkim(const struct email_conf *c, struct letter *l)
{
    l->mail.dkim = l->dkim;
    if (c->dkim_key.n)
        l->dkim[l->mail.n_dkim++] = (struct compose_dkim){c->dkim_domain, c->dkim_selector, c->dkim_key};
    if (c->dkim_key2.n)
        l->dkim[l->mail.n_dkim++] = (struct compose_dkim){c->dkim_domain, c->dkim_selector2, c->dkim_key2};
}

int32_t letter_write(const struct email *e, struct hilo_id id, struct hilo_str message,
                     const struct letter_thread *t, struct letter *l, const char **why)
{
    struct hilo_str content = hilo_content(message), party = hilo_get_str(message, HILO_T_MSG_PARTY);
    const uint64_t category = hilo_get_u64(message, HILO_T_MSG_CATEGORY);
    const int64_t now_us = email_wall(e);
    size_t i;
    int32_t rc;

    memset(l, 0, sizeof *l);
    l->mail.to = hilo_get_str(party, HILO_T_IDENT_VALUE);
    l->mail.to_name = hilo_get_str(message, HILO_T_MSG_PARTY_NAME);
    if (hilo_get_u64(party, HILO_T_IDENT_SCHEME) != HILO_SCHEME_EMAIL || l->mail.to.n == 0) {
        *why = "the message is to no email address";
        return HILO_INVALID;
    }
    if (!write_addresses(e, id, l)) {
        *why = "the channel's address is too long for reply addresses; set reply_domain";
        return HILO_INVALID;
    }
    rc = write_text(l, content);
    if (rc != HILO_OK)
        return rc;
    write_subject(e->conf, l, content, t);
    write_links(l, content);
    write_event(e, l, content, now_us);
    write_dkim(e->conf, l);
    l->mail.in_reply_to = email_str(t->in_reply_to);
    for (i = 0; i < t->n; i++)
        l->references[i] = email_str(t->reference[i]);
    l->mail.reference = l->references;
    l->mail.n_references = t->n;
    l->mail.date_us = now_us;
    l->mail.language = hilo_get_str(message, HILO_T_MSG_LANGUAGE);
    if (!l->mail.language.n)
        l->mail.language = email_str(e->conf->language == EMAIL_EN ? "en" : "es");
    l->mail.automatic = category == HILO_CATEGORY_TRANSACTIONAL || category == HILO_CATEGORY_PROMOTIONAL ||
                        category == HILO_CATEGORY_AUTHENTICATION;
    l->mail.loop_mark = email_str(e->loop_mark);
    l->mail.unsubscribe_url = hilo_get_str(message, HILO_T_MSG_UNSUBSCRIBE_URL);
    return HILO_OK;
}

void letter_done(struct letter *l)
{
    free(l->text);
    l->text = NULL;
}
