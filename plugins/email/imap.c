/*
 * The thread of a mailbox, and what crosses it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "imap.h"

#include "imap_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { AGAIN_US = 1000000, AGAIN_MAX_US = 300000000, CONFIG_US = 600000000 };

/* ---- the thread's side ------------------------------------------------------------------------------- */

bool imap_ending(struct imap *i)
{
    bool ending;

    (void)pthread_mutex_lock(&i->lock);
    ending = i->ending;
    (void)pthread_mutex_unlock(&i->lock);
    return ending;
}

void imap_pause(struct imap *i, int64_t us)
{
    struct timespec at;

    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    us += at.tv_nsec / 1000;
    at.tv_sec += us / 1000000;
    at.tv_nsec = us % 1000000 * 1000;
    (void)pthread_mutex_lock(&i->lock);
    while (!i->ending && pthread_cond_timedwait(&i->changed, &i->lock, &at) == 0)
        ;
    (void)pthread_mutex_unlock(&i->lock);
}

/* Under the lock. */
static void tell(struct imap *i, const struct imap_event *event, const char *words)
{
    struct told *t = calloc(1, sizeof *t);
    size_t k;

    if (!t)
        return; /* MAIL: it is given again; all else is for the log */
    t->event = *event;
    (void)snprintf(t->words, sizeof t->words, "%s", words);
    for (k = 0; t->words[k]; k++)
        if ((unsigned char)t->words[k] < ' ' || (unsigned char)t->words[k] > '~')
            t->words[k] = '?';
    t->event.words = (struct hilo_str){t->words, k};
    TAILQ_INSERT_TAIL(&i->told, t, at);
    if (!i->ending)
        i->wake(i->arg);
}

void imap_tell(struct imap *i, enum imap_event_type type, uint32_t uid, const char *words)
{
    const struct imap_event event = {.type = type, .uidvalidity = i->validity, .uid = uid};

    (void)pthread_mutex_lock(&i->lock);
    tell(i, &event, words);
    (void)pthread_mutex_unlock(&i->lock);
}

bool imap_give(struct imap *i, uint32_t uid, uint32_t cursor, struct hilo_str bytes)
{
    const struct imap_event event = {
        .type = IMAP_MAIL, .uidvalidity = i->validity, .uid = uid, .cursor = cursor, .bytes = bytes};
    int64_t again = AGAIN_US;
    enum mail_state state;

    for (;;) {
        (void)pthread_mutex_lock(&i->lock);
        i->mail = MAIL_OUT;
        i->out_uid = uid;
        tell(i, &event, "");
        while (!i->ending && i->mail == MAIL_OUT)
            (void)pthread_cond_wait(&i->changed, &i->lock);
        state = i->ending ? MAIL_NONE : i->mail;
        i->mail = MAIL_NONE;
        (void)pthread_mutex_unlock(&i->lock);
        if (state != MAIL_NOT)
            return state == MAIL_TAKEN;
        imap_pause(i, again);
        again = again < AGAIN_MAX_US / 2 ? again * 2 : AGAIN_MAX_US;
    }
}

static void free_all(struct imap *i)
{
    struct told *t;

    while ((t = TAILQ_FIRST(&i->told))) {
        TAILQ_REMOVE(&i->told, t, at);
        free(t);
    }
    free(i->shown);
    if (i->cancel >= 0)
        (void)close(i->cancel);
    (void)pthread_cond_destroy(&i->changed);
    (void)pthread_mutex_destroy(&i->lock);
    free(i->host);
    free(i->mailbox);
    free(i->user);
    if (i->secret)
        explicit_bzero(i->secret, strlen(i->secret));
    free(i->secret);
    free(i->ca);
    free(i->move_to);
    free(i);
}

static void *thread_main(void *arg)
{
    struct imap *i = arg;
    char words[IMAP_WIRE_WORDS];
    int64_t again = AGAIN_US;
    enum imap_event_type what;
    bool orphan;

    while (!imap_ending(i)) {
        i->up = false;
        words[0] = '\0';
        what = imap_box(i, words);
        if (imap_ending(i))
            break;
        if (i->up)
            again = AGAIN_US;
        /* Said once, however often it is tried. */
        if (i->up || strcmp(words, i->last_words) != 0)
            imap_tell(i, what, 0, words);
        memcpy(i->last_words, words, sizeof words);
        imap_pause(i, what == IMAP_CONFIG ? CONFIG_US : again);
        again = again < AGAIN_MAX_US / 2 ? again * 2 : AGAIN_MAX_US;
    }
    (void)pthread_mutex_lock(&i->lock);
    orphan = i->orphan;
    (void)pthread_mutex_unlock(&i->lock);
    if (orphan)
        free_all(i);
    return NULL;
}

/* ---- the loop's side
 * --------------------------------------------------------------------------------------- */

bool imap_next(struct imap *i, struct imap_event *out)
{
    struct told *t;

    free(i->shown);
    (void)pthread_mutex_lock(&i->lock);
    t = TAILQ_FIRST(&i->told);
    if (t)
        TAILQ_REMOVE(&i->told, t, at);
    (void)pthread_mutex_unlock(&i->lock);
    i->shown = t;
    if (t)
        *out = t->event;
    return t != NULL;
}

void imap_taken(struct imap *i, uint32_t uid, bool ok)
{
    (void)pthread_mutex_lock(&i->lock);
    if (i->mail == MAIL_OUT && i->out_uid == uid) {
        i->mail = ok ? MAIL_TAKEN : MAIL_NOT;
        (void)pthread_cond_broadcast(&i->changed);
    }
    (void)pthread_mutex_unlock(&i->lock);
}

/* ---- the URL
 * ------------------------------------------------------------------------------------------------ */

static char *copy(struct hilo_str s)
{
    if (s.n && memchr(s.p, '\0', (size_t)s.n))
        return NULL;
    return strndup(s.n ? s.p : "", (size_t)s.n);
}

/* imaps://host:993/INBOX. The mailbox is what follows, as it is (in the server's own spelling). */
static bool url_read(struct imap *i, struct hilo_str text)
{
    char *url = copy(text), *p = url, *slash, *colon, *end;
    unsigned long port;
    bool good = false;

    if (!url)
        return false;
    if (strncasecmp(p, "imaps://", 8) == 0) {
        i->imaps = true;
        p += 8;
    } else if (strncasecmp(p, "imap://", 7) == 0) {
        p += 7;
    } else {
        goto out;
    }
    slash = strchr(p, '/');
    if (slash)
        *slash = '\0';
    i->mailbox = strdup(slash && slash[1] ? slash + 1 : "INBOX");
    port = i->imaps ? 993 : 143;
    end = p;
    if (*p == '[') { /* an address of version 6 */
        end = strchr(++p, ']');
        if (!end)
            goto out;
        *end++ = '\0';
    }
    colon = strchr(end, ':');
    if (colon) {
        *colon = '\0';
        port = strtoul(colon + 1, &end, 10);
        if (*end || colon[1] < '0' || colon[1] > '9' || port == 0 || port > 65535)
            goto out;
    }
    i->port = (uint16_t)port;
    i->host = strdup(p);
    good = i->host && i->host[0] && !strchr(i->host, '@') && i->mailbox;
out:
    free(url);
    return good;
}

/* ---- life
 * ---------------------------------------------------------------------------------------------------- */

struct imap *imap_new(const struct imap_conf *conf, uint32_t uidvalidity, uint32_t after_uid,
                      void (*wake)(void *), void *arg, char why[256])
{
    struct imap *i = calloc(1, sizeof *i);
    pthread_condattr_t clock;

    (void)snprintf(why, 256, "no memory");
    if (!i)
        return NULL;
    TAILQ_INIT(&i->told);
    (void)pthread_mutex_init(&i->lock, NULL);
    (void)pthread_condattr_init(&clock);
    (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&i->changed, &clock);
    (void)pthread_condattr_destroy(&clock);
    i->cancel = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    i->oauth = conf->oauth != 0;
    i->tls = conf->tls;
    i->poll_us = conf->poll_us;
    i->size_max = conf->size_max;
    i->wake = wake;
    i->arg = arg;
    i->validity = uidvalidity;
    i->after = after_uid;
    i->user = copy(conf->user);
    i->secret = copy(conf->secret);
    i->ca = copy(conf->ca);
    i->move_to = copy(conf->move_to);
    if (i->cancel < 0 || !i->user || !i->secret || !i->ca || !i->move_to)
        goto fail;
    if (!url_read(i, conf->url)) {
        (void)snprintf(
            why, 256, "imap must be a URL such as imaps://mail.example:993/INBOX, without user and password");
        goto fail;
    }
    if (strpbrk(i->user, "\r\n") || strpbrk(i->secret, "\r\n") || strpbrk(i->mailbox, "\r\n") ||
        strpbrk(i->move_to, "\r\n")) {
        (void)snprintf(why, 256, "imap, imap_user, imap_password and imap_move_to must be one line each");
        goto fail;
    }
    if (pthread_create(&i->thread, NULL, thread_main, i) != 0) {
        (void)snprintf(why, 256, "no thread for the mailbox");
        goto fail;
    }
    return i;
fail:
    free_all(i);
    return NULL;
}

void imap_free(struct imap *i)
{
    const uint64_t one = 1;
    bool orphan;

    (void)pthread_mutex_lock(&i->lock);
    i->ending = true;
    i->orphan = orphan = i->resolving;
    (void)pthread_cond_broadcast(&i->changed);
    (void)!write(i->cancel, &one, sizeof one);
    if (orphan)
        (void)pthread_detach(i->thread);
    (void)pthread_mutex_unlock(&i->lock);
    if (orphan)
        return;
    (void)pthread_join(i->thread, NULL);
    free_all(i);
}
