/*
 * A session with a mailbox.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "imap_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    IDLE_US =
        2 * 60 * 1000000, /* anew: for what forgets a quiet connection, and servers that forget to tell */
    ANSWER_MAX = 4 * 1024 * 1024 /* bytes of an answer that is no mail */
};

struct box {
    struct imap *imap;
    struct imap_wire *wire; /* the session's once there is a stream */
    mailstream *stream;
    mailimap *session;
    enum imap_event_type what; /* why it ended */
    char *words;
};

/* Always false. */
static bool ends(struct box *b, enum imap_event_type what, const char *doing, const char *why)
{
    const char *said = b->session ? b->session->imap_response : NULL;
    const char *broken = b->wire ? imap_wire_words(b->wire) : "";

    if (broken[0])
        what = IMAP_DOWN;
    b->what = what;
    if (!why)
        why = broken[0] ? broken : said && said[0] ? said : "the server answers what is not understood";
    (void)snprintf(b->words, IMAP_WIRE_WORDS, "%.60s: %.130s", doing, why);
    return false;
}

static bool good(int rc)
{
    return rc == MAILIMAP_NO_ERROR;
}

/* ---- beginning ------------------------------------------------------------------------------------------
 */

static bool box_connect(struct box *b)
{
    struct imap *i = b->imap;
    char words[IMAP_WIRE_WORDS] = "no memory";
    bool ending;

    (void)pthread_mutex_lock(&i->lock);
    ending = i->ending;
    i->resolving = !ending;
    (void)pthread_mutex_unlock(&i->lock);
    if (ending)
        return ends(b, IMAP_DOWN, "connecting", "it ends");
    b->wire = imap_wire_open(i->host, i->port, i->cancel, words);
    (void)pthread_mutex_lock(&i->lock);
    i->resolving = false;
    (void)pthread_mutex_unlock(&i->lock);
    if (!b->wire)
        return ends(b, IMAP_DOWN, "the mail server", words);
    imap_wire_allow(b->wire, ANSWER_MAX);
    if (i->imaps && !imap_wire_tls(b->wire, i->host, i->ca))
        return ends(b, IMAP_DOWN, "the mail server", NULL);
    return true;
}

/* After STARTTLS nothing that came before may count: a stranger could have said it. */
static bool box_starttls(struct box *b)
{
    struct imap *i = b->imap;

    if (!mailimap_has_extension(b->session, "STARTTLS"))
        return i->tls == IMAP_TLS_MAY ||
               ends(b, IMAP_CONFIG, "STARTTLS", "the server does not have it; imap_tls says that it must");
    if (!good(mailimap_starttls(b->session)))
        return ends(b, IMAP_DOWN, "STARTTLS", NULL);
    if (b->stream->read_buffer_len > 0)
        return ends(b, IMAP_DOWN, "STARTTLS", "there was more behind its answer, which nobody may believe");
    if (!imap_wire_tls(b->wire, i->host, i->ca))
        return ends(b, IMAP_DOWN, "STARTTLS", NULL);
    return true;
}

static bool capabilities(struct box *b)
{
    struct mailimap_capability_data *had = NULL;

    if (!good(mailimap_capability(b->session, &had)))
        return ends(b, IMAP_DOWN, "CAPABILITY", NULL);
    mailimap_capability_data_free(had);
    return true;
}

/* RFC 5530: it is not that they are wrong. */
static bool only_now(const char *atom)
{
    return atom && (strcasecmp(atom, "UNAVAILABLE") == 0 || strcasecmp(atom, "INUSE") == 0 ||
                    strcasecmp(atom, "LIMIT") == 0 || strcasecmp(atom, "SERVERBUG") == 0);
}

static bool box_login(struct box *b)
{
    struct imap *i = b->imap;
    const struct mailimap_response_info *said;
    int rc;

    if (i->oauth)
        rc = mailimap_oauth2_authenticate(b->session, i->user, i->secret);
    else if (mailimap_has_extension(b->session, "LOGINDISABLED"))
        return ends(b, IMAP_CONFIG, "LOGIN",
                    "the server takes no password on this connection; use imaps:// or imap_tls: required");
    else
        rc = mailimap_login(b->session, i->user, i->secret);
    if (good(rc))
        return true;
    said = b->session->imap_response_info;
    if (rc == MAILIMAP_ERROR_STREAM || (said && only_now(said->rsp_atom)))
        return ends(b, IMAP_DOWN, "LOGIN", NULL);
    return ends(b, IMAP_CONFIG, "the mailbox refuses imap_user or imap_password", NULL);
}

static bool box_begin(struct box *b)
{
    struct imap *i = b->imap;
    int rc;

    if (!box_connect(b))
        return false;
    b->session = mailimap_new(0, NULL);
    b->stream = b->session ? imap_wire_stream(b->wire) : NULL;
    if (!b->stream)
        return ends(b, IMAP_DOWN, "the mail server", "no memory");
    rc = mailimap_connect(b->session, b->stream);
    if (rc != MAILIMAP_NO_ERROR_AUTHENTICATED && rc != MAILIMAP_NO_ERROR_NON_AUTHENTICATED)
        return ends(b, IMAP_DOWN, "the server's greeting", NULL);
    /* STARTTLS is not for who is known already, so who says so in the clear may be anybody. */
    if (!i->imaps && i->tls == IMAP_TLS_REQUIRED && rc == MAILIMAP_NO_ERROR_AUTHENTICATED)
        return ends(b, IMAP_CONFIG, "the server's greeting", "it is PREAUTH without TLS; use imaps://");
    if (!capabilities(b))
        return false;
    if (!i->imaps && i->tls != IMAP_TLS_NEVER && rc == MAILIMAP_NO_ERROR_NON_AUTHENTICATED &&
        (!box_starttls(b) || !capabilities(b)))
        return false;
    return rc == MAILIMAP_NO_ERROR_AUTHENTICATED || (box_login(b) && capabilities(b));
}

/* The folder for what was taken; made, if it is not there. */
static bool box_folder(struct box *b)
{
    const char *name = b->imap->move_to;
    clist *found = NULL;
    bool there;

    if (!name[0])
        return true;
    if (!good(mailimap_list(b->session, "", name, &found)))
        return ends(b, IMAP_DOWN, "imap_move_to", NULL);
    there = clist_count(found) > 0;
    mailimap_list_result_free(found);
    if (!there && !good(mailimap_create(b->session, name)))
        return ends(b, IMAP_CONFIG, "imap_move_to can't be made", NULL);
    return true;
}

static bool box_select(struct box *b)
{
    struct imap *i = b->imap;
    uint32_t validity;
    int rc = mailimap_select(b->session, i->mailbox);

    if (!good(rc))
        return ends(b, rc == MAILIMAP_ERROR_SELECT ? IMAP_CONFIG : IMAP_DOWN, "the mailbox can't be opened",
                    NULL);
    validity = b->session->imap_selection_info->sel_uidvalidity;
    if (validity == 0)
        return ends(b, IMAP_CONFIG, "the mailbox can't be opened", "its server keeps no UIDs (UIDVALIDITY)");
    if (validity == i->validity)
        return true;
    rc = i->validity != 0;
    i->validity = validity;
    i->after = i->finish = 0;
    if (rc)
        imap_tell(i, IMAP_RESET, 0, "");
    return true;
}

/* ---- flags and folders ------------------------------------------------------------------------------------
 */

/* Takes flag, NULL too. */
static bool flag_add(struct box *b, uint32_t uid, struct mailimap_flag *flag)
{
    struct mailimap_flag_list *list = flag ? mailimap_flag_list_new_empty() : NULL;
    struct mailimap_set *set = mailimap_set_new_single(uid);
    struct mailimap_store_att_flags *att = NULL;
    int rc = MAILIMAP_ERROR_MEMORY;

    if (list && mailimap_flag_list_add(list, flag) == MAILIMAP_NO_ERROR) {
        flag = NULL;
        att = mailimap_store_att_flags_new_add_flags_silent(list);
        if (att)
            list = NULL;
    }
    if (att && set)
        rc = mailimap_uid_store(b->session, set, att);
    if (att)
        mailimap_store_att_flags_free(att);
    if (list)
        mailimap_flag_list_free(list);
    if (flag)
        mailimap_flag_free(flag);
    if (set)
        mailimap_set_free(set);
    return good(rc) || ends(b, IMAP_DOWN, "a mail can't be flagged", NULL);
}

static bool move(struct box *b, uint32_t uid)
{
    struct mailimap_set *set = mailimap_set_new_single(uid);
    const char *to = b->imap->move_to;
    bool moves = mailimap_has_extension(b->session, "MOVE");
    int rc = MAILIMAP_ERROR_MEMORY;

    if (set && moves)
        rc = mailimap_uid_move(b->session, set, to);
    else if (set)
        rc = mailimap_uid_copy(b->session, set, to);
    if (good(rc) && !moves) {
        if (!flag_add(b, uid, mailimap_flag_new_deleted())) {
            mailimap_set_free(set);
            return false;
        }
        /* EXPUNGE alone would take along what others have marked. */
        if (mailimap_has_uidplus(b->session))
            rc = mailimap_uid_expunge(b->session, set);
    }
    if (set)
        mailimap_set_free(set);
    return good(rc) || ends(b, IMAP_DOWN, "a mail can't be moved to imap_move_to", NULL);
}

/* What is done with a mail that was taken; again after the connection broke. */
static bool box_finish(struct box *b)
{
    struct imap *i = b->imap;

    if (!i->finish)
        return true;
    if (!flag_add(b, i->finish, mailimap_flag_new_seen()) || (i->move_to[0] && !move(b, i->finish)))
        return false;
    i->finish = 0;
    return true;
}

/* ---- fetching
 * ------------------------------------------------------------------------------------------------ */

/* One attribute of one mail. result: to be freed by mailimap_fetch_list_free(); NULL with true: it is gone.
 */
static bool fetch(struct box *b, uint32_t uid, struct mailimap_fetch_att *att, clist **result,
                  struct mailimap_msg_att_static **item)
{
    struct mailimap_fetch_type *type = att ? mailimap_fetch_type_new_fetch_att(att) : NULL;
    struct mailimap_set *set = mailimap_set_new_single(uid);
    int want = att && att->att_type == MAILIMAP_FETCH_ATT_RFC822_SIZE ? MAILIMAP_MSG_ATT_RFC822_SIZE
                                                                      : MAILIMAP_MSG_ATT_BODY_SECTION;
    int rc = MAILIMAP_ERROR_MEMORY;
    clistiter *m, *a;

    *result = NULL;
    *item = NULL;
    if (type && set)
        rc = mailimap_uid_fetch(b->session, set, type, result);
    if (type)
        mailimap_fetch_type_free(type);
    else if (att)
        mailimap_fetch_att_free(att);
    if (set)
        mailimap_set_free(set);
    if (!good(rc))
        return ends(b, IMAP_DOWN, "a mail can't be fetched", NULL);
    /* An answer may tell of other mails too; ours says its UID. */
    for (m = clist_begin(*result); m; m = clist_next(m)) {
        const struct mailimap_msg_att *msg = clist_content(m);
        struct mailimap_msg_att_static *found = NULL;
        bool ours = false;

        for (a = clist_begin(msg->att_list); a; a = clist_next(a)) {
            const struct mailimap_msg_att_item *one = clist_content(a);

            if (one->att_type != MAILIMAP_MSG_ATT_ITEM_STATIC)
                continue;
            if (one->att_data.att_static->att_type == want)
                found = one->att_data.att_static;
            else if (one->att_data.att_static->att_type == MAILIMAP_MSG_ATT_UID)
                ours = one->att_data.att_static->att_data.att_uid == uid;
        }
        if (ours && found)
            *item = found;
    }
    return true;
}

static bool box_mail(struct box *b, uint32_t uid, uint32_t cursor)
{
    struct imap *i = b->imap;
    struct mailimap_msg_att_static *item;
    struct mailimap_section *section;
    uint64_t size = 0;
    clist *result;
    bool ok = true;

    imap_wire_allow(b->wire, ANSWER_MAX);
    if (!fetch(b, uid, mailimap_fetch_att_new_rfc822_size(), &result, &item))
        return false;
    if (item)
        size = item->att_data.att_rfc822_size;
    mailimap_fetch_list_free(result);
    if (!item)
        return true; /* somebody has moved it away */
    if (size > i->size_max) {
        if (!flag_add(b, uid, mailimap_flag_new_flagged()))
            return false;
        imap_tell(i, IMAP_TOO_LARGE, uid, "");
        return true;
    }
    /* Servers count line ends in their own ways, so their word is not taken to the byte. */
    imap_wire_allow(b->wire, i->size_max + ANSWER_MAX);
    section = mailimap_section_new(NULL);
    if (!section)
        return ends(b, IMAP_DOWN, "a mail can't be fetched", "no memory");
    if (!fetch(b, uid, mailimap_fetch_att_new_body_peek_section(section), &result, &item))
        return false;
    imap_wire_allow(b->wire, ANSWER_MAX);
    if (item && item->att_data.att_body_section->sec_body_part) {
        const struct mailimap_msg_att_body_section *body = item->att_data.att_body_section;

        ok = imap_give(i, uid, cursor, (struct hilo_str){body->sec_body_part, body->sec_length});
        if (ok) {
            i->finish = uid;
            i->after = cursor ? cursor : i->after;
        }
    }
    mailimap_fetch_list_free(result);
    return ok ? box_finish(b) : ends(b, IMAP_DOWN, "fetching", "it ends");
}

static int by_number(const void *a, const void *b)
{
    uint32_t x, y;

    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x < y ? -1 : x > y;
}

/* Behind the cursor, or, without one, all unseen. uids: ascending; free(). */
static bool search(struct box *b, uint32_t **uids, size_t *n)
{
    uint32_t after = b->imap->after;
    struct mailimap_search_key *key;
    struct mailimap_set *set = NULL;
    clist *found = NULL;
    clistiter *at;
    int rc;

    *uids = NULL;
    *n = 0;
    if (after == UINT32_MAX)
        return true;
    if (after)
        set = mailimap_set_new_interval(after + 1, 0);
    key = !after ? mailimap_search_key_new(MAILIMAP_SEARCH_KEY_UNSEEN, NULL, NULL, NULL, NULL, NULL, NULL,
                                           NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL,
                                           NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL)
          : set  ? mailimap_search_key_new_uid(set)
                 : NULL;
    if (!key) {
        if (set)
            mailimap_set_free(set);
        return ends(b, IMAP_DOWN, "SEARCH", "no memory");
    }
    rc = mailimap_uid_search(b->session, NULL, key, &found);
    mailimap_search_key_free(key);
    if (!good(rc))
        return ends(b, IMAP_DOWN, "SEARCH", NULL);
    *uids = calloc((size_t)clist_count(found) + 1, sizeof **uids);
    for (at = clist_begin(found); at && *uids; at = clist_next(at)) {
        const uint32_t *uid = clist_content(at);

        if (*uid > after) /* "n:*" means the last one, even if that is before n */
            (*uids)[(*n)++] = *uid;
    }
    mailimap_search_result_free(found);
    if (!*uids)
        return ends(b, IMAP_DOWN, "SEARCH", "no memory");
    qsort(*uids, *n, sizeof **uids, by_number);
    return true;
}

static bool box_fetch(struct box *b)
{
    struct imap *i = b->imap;
    bool first = i->after == 0, ok;
    /* Old ones that are read stay out, whichever of them is the newest. */
    uint32_t uidnext = b->session->imap_selection_info->sel_uidnext, cursor;
    uint32_t *uids;
    size_t n, k;

    imap_wire_allow(b->wire, ANSWER_MAX);
    b->session->imap_selection_info->sel_has_exists = 0;
    ok = search(b, &uids, &n);
    for (k = 0; ok && k < n; k++) {
        cursor = first ? 0 : uids[k];
        if (first && k == n - 1)
            cursor = uidnext > uids[k] ? uidnext - 1 : uids[k];
        ok = !imap_ending(i) && box_mail(b, uids[k], cursor);
        if (ok && cursor > i->after)
            i->after = cursor;
    }
    if (ok && first && n == 0 && uidnext > 1)
        i->after = uidnext - 1;
    free(uids);
    return ok;
}

/* Until there may be more. What came while we fetched was told with other answers: IDLE does not say it
 * again. */
static bool box_wait(struct box *b)
{
    struct imap *i = b->imap;
    bool idles = mailimap_has_idle(b->session);
    int n;

    if (b->session->imap_selection_info->sel_has_exists)
        return true;
    imap_wire_allow(b->wire, ANSWER_MAX);
    if (idles && !good(mailimap_idle(b->session)))
        return ends(b, IMAP_DOWN, "IDLE", NULL);
    n = imap_wire_wait(b->wire, b->stream, idles ? IDLE_US : i->poll_us);
    if (n < 0)
        return ends(b, IMAP_DOWN, "waiting", "it ends");
    if (idles ? !good(mailimap_idle_done(b->session)) : !good(mailimap_noop(b->session)))
        return ends(b, IMAP_DOWN, "waiting for mails", NULL);
    return true;
}

enum imap_event_type imap_box(struct imap *i, char words[IMAP_WIRE_WORDS])
{
    struct box b = {.imap = i, .what = IMAP_DOWN, .words = words};

    if (box_begin(&b) && box_folder(&b) && box_select(&b)) {
        i->up = true;
        imap_tell(i, IMAP_UP, 0, "");
        while (box_finish(&b) && box_fetch(&b) && box_wait(&b))
            ;
    }
    if (b.wire && !b.stream)
        imap_wire_free(b.wire);
    if (b.session)
        mailimap_free(b.session);
    return b.what;
}
