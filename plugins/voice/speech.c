/*
 * What is to be said, once for all who want it, and the cache of it. See speech_int.h for an item's ways.
 *
 * done() is called from one place (tell), one waiter after the other from a list, so that whatever is called
 * from within it finds everything in order. SPDX-License-Identifier: Apache-2.0
 */
#include "speech_int.h"
#include "ssml.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 64 << 20, RENDERED_MAX = 4 * SSML_BYTES_MAX };

/* ---- what it is made of ------------------------------------------------------------------------ */

/* Each part with its length, so that no two lists of parts are the same bytes. */
static void key_of(const struct hilo_str *part, unsigned n, unsigned char out[SPEECH_KEY])
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    bool good = digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1;
    unsigned i;

    for (i = 0; i < n; i++)
        good = good && EVP_DigestUpdate(digest, &part[i].n, sizeof part[i].n) == 1 &&
               EVP_DigestUpdate(digest, part[i].p, (size_t)part[i].n) == 1;
    if (!good || EVP_DigestFinal_ex(digest, out, NULL) != 1)
        abort(); /* no memory */
    EVP_MD_CTX_free(digest);
}

static struct hilo_str str(const char *s)
{
    return (struct hilo_str){s, strlen(s)};
}

/* ---- those who wait -------------------------------------------------------------------------------- */

static void waiter_free(struct speech *s, struct waiter *w)
{
    HASH_DEL(s->waiters, w);
    pcm_drop(w->pcm);
    free(w->why);
    free(w);
}

static struct waiter *waiter_new(struct speech *s, uint64_t token)
{
    struct waiter *w = calloc(1, sizeof *w);

    if (!w)
        abort();
    w->token = token;
    HASH_ADD(hh, s->waiters, token, sizeof w->token, w);
    return w;
}

/* pcm NULL: why. */
static void hear(struct speech *s, struct waiter *w, struct pcm *pcm, const char *why)
{
    w->item = NULL;
    w->pcm = pcm ? pcm_hold(pcm) : NULL;
    w->why = pcm ? NULL : strdup(why);
    DL_APPEND(s->told, w);
}

static void tell(struct speech *s)
{
    if (s->telling)
        return;
    s->telling = true;
    while (s->told) {
        struct waiter *w = s->told;
        struct waiter told = *w;
        DL_DELETE(s->told, w);
        HASH_DEL(s->waiters, w);
        free(w);
        s->done(s->arg, told.token, told.pcm, told.pcm ? NULL : told.why ? told.why : "no memory is left");
        pcm_drop(told.pcm);
        free(told.why);
    }
    s->telling = false;
}

/* ---- items --------------------------------------------------------------------------------------------- */

static int64_t bytes_of(const struct item *i)
{
    return (int64_t)(sizeof *i + sizeof *i->pcm + (uint64_t)i->pcm->n * sizeof i->pcm->sample[0]);
}

/* Out of its list and of the table; whoever waited has been moved. */
static void item_free(struct speech *s, struct item *i)
{
    switch (i->state) {
    case ITEM_QUEUED:
        DL_DELETE(s->queued, i);
        s->n_queued--;
        break;
    case ITEM_SPOKEN:
        speech__child_drop(s, i);
        break;
    case ITEM_CONVERTED:
        DL_DELETE(s->converted, i);
        break;
    case ITEM_READY:
        DL_DELETE(s->ready, i);
        s->ready_bytes -= bytes_of(i);
        break;
    }
    HASH_DEL(s->items, i);
    convert_free(i->convert);
    pcm_drop(i->pcm);
    free(i->file);
    free(i->ssml);
    free(i);
}

static void item_failed(struct speech *s, struct item *i, const char *why)
{
    while (i->waiters) {
        struct waiter *w = i->waiters;
        DL_DELETE(i->waiters, w);
        hear(s, w, NULL, why);
    }
    item_free(s, i);
}

static void item_ready(struct speech *s, struct item *i)
{
    DL_DELETE(s->converted, i);
    i->pcm = convert_take(i->convert);
    convert_free(i->convert);
    i->convert = NULL;
    free(i->file);
    i->file = NULL;
    i->state = ITEM_READY;
    DL_APPEND(s->ready, i);
    s->ready_bytes += bytes_of(i);
    while (i->waiters) {
        struct waiter *w = i->waiters;
        DL_DELETE(i->waiters, w);
        hear(s, w, i->pcm, NULL);
    }
    while (s->ready && s->ready_bytes > s->cache_bytes)
        item_free(s, s->ready); /* this one, too, if it alone is too large */
}

/* Its file is there, and given away; name: whose it is, for errors. */
static void item_convert(struct speech *s, struct item *i, char *file, size_t n, const char *name)
{
    char wrong[200], why[SPEECH_WHY];

    i->file = file;
    i->state = ITEM_CONVERTED;
    DL_APPEND(s->converted, i);
    i->convert = convert_new((struct hilo_str){file, n}, wrong);
    if (!i->convert) {
        (void)snprintf(why, sizeof why, "%s %s", name, wrong);
        item_failed(s, i, why);
    } else if (convert_step(i->convert)) { /* the rest by the timer, a slice a turn */
        item_ready(s, i);
    }
}

void speech__spoken(struct speech *s, struct item *i, char *file, size_t n, const char *why)
{
    char name[128];

    if (!file) {
        item_failed(s, i, why);
        return;
    }
    (void)snprintf(name, sizeof name, "what %s wrote", s->program);
    item_convert(s, i, file, n, name);
}

/* ---- what is asked ----------------------------------------------------------------------------------------
 */

/* At the end of whatever was called: the timer stands right, and who can be told is. */
static void settle(struct speech *s)
{
    const int64_t now = s->host->mono_us(s->self), next = speech__children_overdue(s, now);

    (void)s->host->timer(s->self, SPEECH_TIMER, s->converted ? now : next == INT64_MAX ? 0 : next);
    tell(s);
}

static void refuse(struct speech *s, uint64_t token, const char *why)
{
    hear(s, waiter_new(s, token), NULL, why);
    settle(s);
}

/* Whether there is, or will be, such a sound: then token has it or waits for it. */
static bool known(struct speech *s, uint64_t token, const unsigned char key[SPEECH_KEY])
{
    struct waiter *w;
    struct item *i;

    HASH_FIND(hh, s->items, key, SPEECH_KEY, i);
    if (!i)
        return false;
    w = waiter_new(s, token);
    if (i->state == ITEM_READY) {
        DL_DELETE(s->ready, i);
        DL_APPEND(s->ready, i);
        hear(s, w, i->pcm, NULL);
    } else {
        w->item = i;
        DL_APPEND(i->waiters, w);
    }
    settle(s);
    return true;
}

static struct item *item_new(struct speech *s, uint64_t token, const unsigned char key[SPEECH_KEY])
{
    struct item *i = calloc(1, sizeof *i);
    struct waiter *w = waiter_new(s, token);

    if (!i)
        abort();
    memcpy(i->key, key, SPEECH_KEY);
    HASH_ADD(hh, s->items, key, SPEECH_KEY, i);
    w->item = i;
    DL_APPEND(i->waiters, w);
    return i;
}

/* A text as the program takes it, to be freed; NULL: wrong. */
static char *render(const struct speech *s, enum say_language language, struct hilo_str text, bool ssml,
                    size_t *n_out, char wrong[256])
{
    const struct hilo_str voices[2] = {str(s->voice[SAY_ES]), str(s->voice[SAY_EN])},
                          currency = s->currency ? str(s->currency) : (struct hilo_str){0};
    char *out = malloc(RENDERED_MAX), *words = NULL;
    size_t n;

    if (!out || !(words = malloc(RENDERED_MAX)))
        abort();
    if (text.n > SSML_BYTES_MAX) {
        (void)snprintf(wrong, 256, "it is longer than 16,384 bytes; part it");
        n = 0;
    } else if (ssml) {
        n = ssml_for_espeak(text, language, voices, out, RENDERED_MAX, wrong);
    } else {
        n = say_text(language, text, currency, words, RENDERED_MAX);
        (void)snprintf(wrong, 256, "it is too long to be spoken at once; part it");
        n = ssml_of_text(n ? (struct hilo_str){words, n} : text, out, RENDERED_MAX);
    }
    free(words);
    if (n == 0) {
        free(out);
        return NULL;
    }
    *n_out = n;
    words = realloc(out, n);
    return words ? words : out;
}

static void say(struct speech *s, uint64_t token, enum say_language language, struct hilo_str text, bool ssml)
{
    const char speed[2] = {(char)(s->words_per_minute >> 8), (char)s->words_per_minute};
    const struct hilo_str made_of[] = {
        str(ssml ? "ssml" : "text"), str(s->voice[language]), {speed, sizeof speed}, text};
    unsigned char key[SPEECH_KEY];
    char wrong[256], why[SPEECH_WHY], *rendered;
    size_t n = 0;
    struct item *i;

    key_of(made_of, sizeof made_of / sizeof *made_of, key);
    if (known(s, token, key))
        return;
    if (s->n_queued >= SPEECH_WAITING_MAX) {
        refuse(s, token, "too many texts wait to be spoken (1,024); raise the channel's speech_children");
        return;
    }
    rendered = render(s, language, text, ssml, &n, wrong);
    if (!rendered) {
        (void)snprintf(why, sizeof why, "the text can't be spoken: %s", wrong);
        refuse(s, token, why);
        return;
    }
    i = item_new(s, token, key);
    i->language = language;
    i->ssml = rendered;
    i->n_ssml = n;
    DL_APPEND(s->queued, i);
    s->n_queued++;
    speech__children_start(s);
    settle(s);
}

void speech_say(struct speech *s, uint64_t token, enum say_language language, struct hilo_str text)
{
    say(s, token, language, text, false);
}

void speech_say_ssml(struct speech *s, uint64_t token, enum say_language language, struct hilo_str ssml)
{
    say(s, token, language, ssml, true);
}

void speech_file(struct speech *s, uint64_t token, const char *path)
{
    unsigned char key[SPEECH_KEY];
    char why[SPEECH_WHY], *file = NULL;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    size_t n = 0;

    if (fd < 0 || fstat(fd, &st) != 0) {
        (void)snprintf(why, sizeof why, "%s can't be read: %s", path, strerror(errno));
        refuse(s, token, why);
        goto out;
    }
    const struct hilo_str made_of[] = {str("file"),
                                       str(path),
                                       {(const char *)&st.st_dev, sizeof st.st_dev},
                                       {(const char *)&st.st_ino, sizeof st.st_ino},
                                       {(const char *)&st.st_size, sizeof st.st_size},
                                       {(const char *)&st.st_mtim, sizeof st.st_mtim}};
    key_of(made_of, sizeof made_of / sizeof *made_of, key);
    if (known(s, token, key))
        goto out;
    if (S_ISREG(st.st_mode))
        file = speech__read(fd, FILE_BYTES_MAX, &n);
    if (!file) {
        (void)snprintf(why, sizeof why, "%s can't be read: %s", path,
                       !S_ISREG(st.st_mode) ? "it is no file"
                       : errno == EFBIG     ? "it is larger than 64 MiB"
                                            : strerror(errno));
        refuse(s, token, why);
        goto out;
    }
    item_convert(s, item_new(s, token, key), file, n, path);
    settle(s);
out:
    if (fd >= 0)
        (void)close(fd);
}

void speech_forget(struct speech *s, uint64_t token)
{
    struct waiter *w;

    HASH_FIND(hh, s->waiters, &token, sizeof token, w);
    if (!w)
        return;
    if (w->item) {
        struct item *i = w->item;
        DL_DELETE(i->waiters, w);
        if (!i->waiters)
            item_free(s, i);
    } else {
        DL_DELETE(s->told, w);
    }
    waiter_free(s, w);
    settle(s);
}

/* ---- its life ---------------------------------------------------------------------------------------------
 */

struct speech *speech_new(const struct speech_conf *conf, const struct hilo_host *host,
                          struct hilo_self *self, speech_done *done, void *arg)
{
    struct speech *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    *s = (struct speech){.host = host,
                         .self = self,
                         .done = done,
                         .arg = arg,
                         .program = strndup(conf->program.p, (size_t)conf->program.n),
                         .voice = {[SAY_ES] = strndup(conf->voice_es.p, (size_t)conf->voice_es.n),
                                   [SAY_EN] = strndup(conf->voice_en.p, (size_t)conf->voice_en.n)},
                         .currency =
                             conf->currency.n ? strndup(conf->currency.p, (size_t)conf->currency.n) : NULL,
                         .words_per_minute = conf->words_per_minute,
                         .children = conf->children,
                         .cache_bytes = conf->cache_bytes,
                         .limit_us = conf->limit_us ? conf->limit_us : 20000000};
    if (s->children > SPEECH_CHILDREN_MAX)
        s->children = SPEECH_CHILDREN_MAX;
    if (s->children == 0)
        s->children = 1;
    if (!s->program || !s->voice[SAY_ES] || !s->voice[SAY_EN] || (conf->currency.n && !s->currency)) {
        speech_free(s);
        return NULL;
    }
    return s;
}

bool speech_on_fd(struct speech *s, int32_t fd, uint32_t events)
{
    struct child *c = speech__child_of(s, fd);

    (void)events;
    if (!c)
        return false;
    speech__child_ended(s, c);
    settle(s);
    return true;
}

bool speech_on_timer(struct speech *s, uint32_t id)
{
    if (id != SPEECH_TIMER)
        return false;
    /* In turn, so that a long one doesn't hold up a short one. */
    struct item *i = s->converted;
    if (i) {
        DL_DELETE(s->converted, i);
        DL_APPEND(s->converted, i);
        if (convert_step(i->convert))
            item_ready(s, i);
    }
    settle(s);
    return true;
}

void speech_free(struct speech *s)
{
    struct waiter *w, *next_waiter;
    struct item *i, *next_item;

    if (!s)
        return;
    speech__children_end(s);
    (void)s->host->timer(s->self, SPEECH_TIMER, 0);
    HASH_ITER(hh, s->waiters, w, next_waiter)
    waiter_free(s, w);
    HASH_ITER(hh, s->items, i, next_item)
    item_free(s, i);
    free(s->program);
    free(s->voice[SAY_ES]);
    free(s->voice[SAY_EN]);
    free(s->currency);
    free(s);
}
