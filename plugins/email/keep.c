/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "keep_impl.h"

#include "ask.h"
#include "mail.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEEP_MARK "hilo mail 1 "

/* A fetch() that is under way. */
struct copying {
    struct work work;
    struct email *email;
    struct kept *kept;
    uint64_t job;
    int from, into;
    bool mark; /* the file's head does not say its message yet */
    char message[ID_TEXT_MAX], path[4 * MAIL_DEPTH_MAX + 1];
    int32_t code;
    const char *detail;
    LIST_ENTRY(copying) at;
};

/* ---- files -------------------------------------------------------------------------------------- */

void keep_head(const char *message, char out[KEEP_HEAD])
{
    memset(out, ' ', KEEP_HEAD);
    memcpy(out, KEEP_MARK, sizeof KEEP_MARK - 1);
    memcpy(out + sizeof KEEP_MARK - 1, message, strlen(message));
    out[KEEP_HEAD - 1] = '\n';
}

bool keep_head_read(const char head[KEEP_HEAD], char message[ID_TEXT_MAX])
{
    const char *at = head + sizeof KEEP_MARK - 1;

    if (memcmp(head, KEEP_MARK, sizeof KEEP_MARK - 1) != 0 || head[KEEP_HEAD - 1] != '\n')
        return false;
    memcpy(message, at, ID_TEXT_MAX - 1);
    message[ID_TEXT_MAX - 1] = '\0';
    if (!id_text_good("msg", message))
        message[0] = '\0';
    return true;
}

static int write_all(int fd, const char *p, size_t n)
{
    ssize_t done;

    for (; n; p += done, n -= (size_t)done) {
        done = write(fd, p, n);
        if (done < 0 && errno == EINTR)
            done = 0;
        else if (done < 0)
            return errno;
    }
    return 0;
}

int keep_write(int fd, struct hilo_str mail)
{
    char head[KEEP_HEAD];
    int rc;

    keep_head("", head);
    rc = write_all(fd, head, sizeof head);
    if (rc == 0)
        rc = write_all(fd, mail.p, (size_t)mail.n);
    if (rc == 0 && fdatasync(fd) != 0)
        rc = errno;
    return rc;
}

void keep_name(struct email *e, char out[KEEP_NAME_MAX])
{
    uint64_t chance = 0;

    if (RAND_bytes((unsigned char *)&chance, sizeof chance) != 1)
        chance = (uint64_t)email_now(e); /* it need not be secret, only new */
    (void)snprintf(out, KEEP_NAME_MAX, "m-%013llx-%016llx.eml", (unsigned long long)(email_wall(e) / 1000),
                   (unsigned long long)chance);
}

void keep_which(const char *name, const char *path, char out[KEEP_WHICH_MAX])
{
    (void)snprintf(out, KEEP_WHICH_MAX, "%s/%s", name, path);
}

/* ---- which there are ---------------------------------------------------------------------------- */

static size_t bucket_of(const char *name)
{
    size_t h = 5381;

    for (; *name; name++)
        h = h * 33 + (unsigned char)*name;
    return h % KEEP_BUCKETS;
}

struct kept *keep_find(struct keep *k, const char *name)
{
    struct kept *f;

    LIST_FOREACH(f, &k->bucket[bucket_of(name)], in_bucket)
    if (strcmp(f->name, name) == 0)
        return f;
    return NULL;
}

struct kept *keep_new_one(struct keep *k, const char *name)
{
    struct kept *f = calloc(1, sizeof *f);

    if (!f)
        return NULL;
    email_copy(f->name, sizeof f->name, email_str(name));
    LIST_INSERT_HEAD(&k->all, f, at);
    LIST_INSERT_HEAD(&k->bucket[bucket_of(name)], f, in_bucket);
    k->n++;
    return f;
}

static void kept_free(struct keep *k, struct kept *f)
{
    LIST_REMOVE(f, at);
    LIST_REMOVE(f, in_bucket);
    k->n--;
    free(f->media);
    free(f);
}

bool keep_room(const struct email *e)
{
    return e->keep->n < HILO_FILES_MAX - 10; /* what a sweep has not seen yet is not counted */
}

int32_t keep_add(struct email *e, const char *name)
{
    struct kept *f = keep_new_one(e->keep, name);

    if (!f)
        return HILO_NOMEM;
    f->taking = true;
    return HILO_OK;
}

void keep_taken(struct email *e, const char *name)
{
    struct kept *f = keep_find(e->keep, name);

    if (f)
        f->taking = false;
}

static void keep_removed(void *arg, int32_t code, int32_t fd, uint64_t size)
{
    struct email *e = arg;

    (void)fd;
    (void)size;
    if (code != HILO_OK && code != HILO_NOTFOUND)
        email_log(
            e, HILO_LOG_WARN,
            "email.keep code=%d: a mail's file can't be removed; it is tried again in a day, and at the "
            "next start",
            (int)code);
}

void keep_leave(struct email *e, struct kept *f)
{
    f->leaving = true;
    if (f->busy)
        return;
    if (!email_ask_file_remove(e, f->name, keep_removed, e))
        email_log(e, HILO_LOG_WARN, "email.keep: no memory to remove a mail's file; the next start does");
    kept_free(e->keep, f);
}

void keep_drop(struct email *e, const char *name)
{
    struct kept *f = keep_find(e->keep, name);

    if (f)
        keep_leave(e, f);
    else if (!email_ask_file_remove(e, name, keep_removed, e))
        email_log(e, HILO_LOG_WARN, "email.keep: no memory to remove a mail's file; the next start does");
}

void keep_look(struct email *e, struct kept *f)
{
    size_t i;

    for (i = 0; i < f->n_media && f->media[i].over; i++)
        ;
    if (f->leaving || (f->n_media && i == f->n_media))
        keep_leave(e, f);
}

/* ---- fetch() ------------------------------------------------------------------------------------ */

static bool learn_media(struct kept *f, struct hilo_id id)
{
    struct keep_media *more = realloc(f->media, (f->n_media + 1) * sizeof *more);

    if (!more)
        return false;
    f->media = more;
    id_write("med", id, more[f->n_media].id);
    more[f->n_media++].over = false;
    return true;
}

/* What of its message is in this file: each is asked for, or was. */
static bool keep_learn(struct kept *f, struct hilo_str message)
{
    struct hilo_str rest = hilo_content(message), ext;
    struct hilo_field x;
    size_t n = strlen(f->name);
    bool ok = true;

    if (f->n_media)
        return true;
    while (ok && hilo_next(&rest, &x) == 1) {
        if (x.tag != HILO_T_CONTENT_ATTACHMENTS && x.tag != HILO_T_CONTENT_ORIGINAL)
            continue;
        ext = hilo_get_str(x.val, HILO_T_ATTACHMENT_EXT_MEDIA);
        if (ext.n > n && memcmp(ext.p, f->name, n) == 0)
            ok = learn_media(f, hilo_get_id(x.val, HILO_T_ATTACHMENT_MEDIA));
    }
    return ok;
}

static void copying_end(struct copying *c)
{
    struct email *e = c->email;
    struct kept *f = c->kept;

    if (c->from >= 0)
        (void)close(c->from);
    if (c->into >= 0)
        (void)close(c->into);
    LIST_REMOVE(c, at);
    e->host.fetched(e->self, c->job, c->code, email_none(), email_str(c->code == HILO_OK ? "" : c->detail),
                    0);
    if (c->code == HILO_OK && c->mark)
        memcpy(f->message, c->message, sizeof f->message);
    f->busy--;
    keep_look(e, f);
    free(c);
}

static void copying_fail(struct copying *c, int32_t code, const char *detail)
{
    c->code = code;
    c->detail = detail;
}

/* On a thread. */
static void copying_run(struct work *w)
{
    struct copying *c = (struct copying *)w;
    char head[KEEP_HEAD];
    struct stat st;
    char *map;
    int rc;

    if (fstat(c->from, &st) != 0 || st.st_size <= KEEP_HEAD) {
        copying_fail(c, HILO_PERM, "the mail's file is damaged");
        return;
    }
    keep_head(c->message, head);
    if (c->mark &&
        (pwrite(c->from, head, sizeof head, 0) != (ssize_t)sizeof head || fdatasync(c->from) != 0)) {
        copying_fail(c, HILO_TEMP, "the mail's file can't be written");
        return;
    }
    map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, c->from, 0);
    if (map == MAP_FAILED) {
        copying_fail(c, HILO_TEMP, "the mail's file can't be read");
        return;
    }
    const struct hilo_str mail = {map + KEEP_HEAD, (uint64_t)st.st_size - KEEP_HEAD};
    if (c->path[0] == '\0') {
        rc = write_all(c->into, mail.p, (size_t)mail.n);
        if (rc)
            copying_fail(c, HILO_TEMP, rc == ENOSPC ? "the disk is full" : "the mail can't be copied");
    } else {
        switch (mail_part_write(mail, c->path, c->into)) {
        case HILO_OK:
            break;
        case HILO_NOTFOUND:
            copying_fail(c, HILO_PERM, "the mail has no such part");
            break;
        default:
            copying_fail(c, HILO_TEMP, "the part can't be written");
        }
    }
    (void)munmap(map, (size_t)st.st_size);
}

static void copying_done(struct work *w)
{
    copying_end((struct copying *)w);
}

static void copying_opened(void *arg, int32_t code, int32_t fd, uint64_t size)
{
    struct copying *c = arg;

    (void)size;
    c->from = fd;
    if (code == HILO_OK) {
        works_put(c->email->works, &c->work);
        return;
    }
    copying_fail(c, code == HILO_NOTFOUND ? HILO_PERM : HILO_TEMP,
                 code == HILO_NOTFOUND ? "the mail is not in the channel's files any more"
                                       : "the mail's file can't be opened");
    copying_end(c);
}

static struct copying *copying_new(struct email *e, struct hilo_str message, struct hilo_str which)
{
    const char *slash = which.n ? memchr(which.p, '/', (size_t)which.n) : NULL;
    struct copying *c = slash ? calloc(1, sizeof *c) : NULL;
    char name[KEEP_NAME_MAX];

    if (!c)
        return NULL;
    email_copy(name, sizeof name, (struct hilo_str){which.p, (uint64_t)(slash - which.p)});
    email_copy(c->path, sizeof c->path,
               (struct hilo_str){slash + 1, which.n - (uint64_t)(slash + 1 - which.p)});
    id_write("msg", hilo_get_id(message, HILO_T_MSG_ID), c->message);
    c->kept = keep_find(e->keep, name);
    if (!c->kept)
        c->kept = keep_new_one(e->keep, name); /* of before the start; no sweep has come to it */
    if (!c->kept || !keep_learn(c->kept, message)) {
        free(c);
        return NULL;
    }
    c->mark = c->kept->message[0] == '\0';
    return c;
}

void keep_fetch(struct email *e, uint64_t job, struct hilo_str message, struct hilo_str which, int32_t fd)
{
    struct copying *c = copying_new(e, message, which);

    if (!c) {
        (void)close(fd);
        e->host.fetched(e->self, job, HILO_TEMP, email_none(), email_str("no memory, or no name of a part"),
                        0);
        return;
    }
    c->email = e;
    c->job = job;
    c->into = fd;
    c->from = -1;
    c->work.run = copying_run;
    c->work.done = copying_done;
    c->kept->busy++;
    LIST_INSERT_HEAD(&e->keep->copying, c, at);
    if (!email_ask_file(e, c->kept->name, 0, copying_opened, c)) {
        copying_fail(c, HILO_TEMP, "no memory");
        copying_end(c);
    }
}

/* ---- what became of it -------------------------------------------------------------------------- */

static struct kept *kept_of(struct keep *k, const char *message)
{
    struct kept *f;

    LIST_FOREACH(f, &k->all, at)
    if (strcmp(f->message, message) == 0)
        return f;
    return NULL;
}

void keep_event(struct email *e, struct hilo_str json)
{
    cJSON *event = json.n ? cJSON_ParseWithLength(json.p, (size_t)json.n) : NULL;
    const cJSON *data = cJSON_GetObjectItemCaseSensitive(event, "data");
    const cJSON *media = cJSON_GetObjectItemCaseSensitive(data, "id");
    const cJSON *message = cJSON_GetObjectItemCaseSensitive(data, "message");
    const cJSON *channel = cJSON_GetObjectItemCaseSensitive(data, "channel");
    bool ours = cJSON_IsString(message) && cJSON_IsString(media) && cJSON_IsString(channel) &&
                email_str_is(e->host.channel(e->self), channel->valuestring);
    struct kept *f = ours ? kept_of(e->keep, message->valuestring) : NULL;
    size_t i;

    for (i = 0; f && i < f->n_media; i++)
        if (strcmp(f->media[i].id, media->valuestring) == 0)
            f->media[i].over = true;
    if (f)
        keep_look(e, f);
    cJSON_Delete(event);
}

/* ---- life --------------------------------------------------------------------------------------- */

struct keep *keep_new(struct email *e)
{
    (void)e;
    return calloc(1, sizeof(struct keep));
}

void keep_start(struct email *e)
{
    if (e->host.follow(e->self, email_str("media.stored,media.failed"), email_none()) != HILO_OK)
        email_log(
            e, HILO_LOG_ERROR,
            "email.keep: the gateway's events can't be followed; mails stay in the channel's files until "
            "they are looked at, once a day");
    keep_sweep(e);
}

bool keep_on_timer(struct email *e, uint32_t id)
{
    if (id != EMAIL_TIMER_SWEEP)
        return false;
    keep_sweep(e);
    return true;
}

void keep_free(struct email *e)
{
    struct keep *k = e->keep;
    struct copying *c;
    struct kept *f;

    if (!k)
        return;
    keep_sweep_free(e);
    while ((c = LIST_FIRST(&k->copying))) {
        if (c->from >= 0)
            (void)close(c->from);
        (void)close(c->into);
        LIST_REMOVE(c, at);
        free(c);
    }
    while ((f = LIST_FIRST(&k->all)))
        kept_free(k, f);
    free(k);
    e->keep = NULL;
}
