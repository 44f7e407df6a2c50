/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "said.h"

#include "ask.h"
#include "id.h"
#include "timer.h"

#include <hilo/message.h>
#include <stdlib.h>

enum { SAID_ROOM = 8192, SAID_FIRST_US = 500000, SAID_MOST_US = 30000000, SAID_GIVE_UP = 40 };

struct said {
    struct voice *voice;
    said_done *done;
    void *arg;
    uint64_t asking;
    int64_t wait_us;
    uint32_t tries;
    struct voice_timer again;
    LIST_ENTRY(said) at;
    uint64_t n;
    uint8_t bytes[];
};

static void said_end(struct said *s, int32_t code)
{
    said_done *done = s->done;
    void *arg = s->arg;

    LIST_REMOVE(s, at);
    free(s);
    if (done)
        done(arg, code);
}

static void said_ask(void *arg);

static void said_committed(void *arg, int32_t code)
{
    struct said *s = arg;

    s->asking = 0;
    if (code != HILO_OK && code != HILO_DUPLICATE && code != HILO_INVALID && ++s->tries < SAID_GIVE_UP) {
        voice_timer_in(s->voice, &s->again, s->wait_us, said_ask, s);
        s->wait_us = s->wait_us * 2 > SAID_MOST_US ? SAID_MOST_US : s->wait_us * 2;
        return;
    }
    if (code != HILO_OK && code != HILO_DUPLICATE)
        voice_log(
            s->voice, HILO_LOG_ERROR,
            "voice.said code=%d: the gateway does not take what a caller said; message.refused says why",
            (int)code);
    said_end(s, code);
}

static void said_ask(void *arg)
{
    struct said *s = arg;
    struct hilo_str message = {(const char *)s->bytes, s->n};

    s->asking = voice_ask_submit(s->voice, message, said_committed, s);
    if (s->asking == 0)
        voice_timer_in(s->voice, &s->again, SAID_MOST_US, said_ask, s);
}

/* Takes what was written. */
static bool said_submit(struct voice *v, const struct hilo_writer *w, said_done *done, void *arg)
{
    struct said *s = w->failed ? NULL : calloc(1, sizeof *s + w->n);

    if (!s) {
        voice_log(v, HILO_LOG_ERROR, "voice.said: %s",
                  w->failed ? "longer than a message may be" : "no memory");
        return false;
    }
    s->voice = v;
    s->done = done;
    s->arg = arg;
    s->wait_us = SAID_FIRST_US;
    s->n = w->n;
    memcpy(s->bytes, w->p, w->n);
    LIST_INSERT_HEAD(&v->said, s, at);
    said_ask(s);
    return true;
}

static void put_party(struct hilo_writer *w, uint32_t scheme, struct hilo_str value)
{
    hilo_open(w, HILO_T_MSG_PARTY);
    hilo_put_u64(w, HILO_T_IDENT_SCHEME, scheme);
    hilo_put_str(w, HILO_T_IDENT_VALUE, value);
    hilo_close(w);
}

static void put_head(struct voice *v, struct hilo_writer *w, const struct said_by *by)
{
    struct hilo_id id;

    hilo_put_u64(w, HILO_T_MSG_KIND, HILO_KIND_INBOUND);
    hilo_put_str(w, HILO_T_MSG_EXT_ID, by->ext_id);
    hilo_put_u64(w, HILO_T_MSG_TIME, (uint64_t)voice_wall(v));
    /* One of them: together they would say that they are the same person's, which nobody has proved. */
    if (by->document.n)
        put_party(w, HILO_SCHEME_DOCUMENT, by->document);
    else if (by->phone.n)
        put_party(w, HILO_SCHEME_PHONE, by->phone);
    else
        put_party(w, HILO_SCHEME_WEB_VISITOR, by->visitor);
    hilo_put_str(w, HILO_T_MSG_LANGUAGE, voice_str(by->language == SAY_EN ? "en" : "es"));
    if (id_read("cas", by->casus, &id))
        hilo_put_id(w, HILO_T_MSG_CASE, id);
    if (id_read("cal", by->call, &id))
        hilo_put_id(w, HILO_T_MSG_CALL, id);
}

bool said_choice(struct voice *v, const struct said_by *by, struct hilo_str choice, struct hilo_str title,
                 struct hilo_str asked)
{
    uint8_t room[SAID_ROOM];
    struct hilo_writer w;

    hilo_writer_init(&w, room, sizeof room);
    put_head(v, &w, by);
    hilo_open(&w, HILO_T_MSG_CONTENT);
    hilo_put_u64(&w, HILO_T_CONTENT_TYPE, HILO_CONTENT_CHOICE_REPLY);
    hilo_put_str(&w, HILO_T_CONTENT_CHOICE, choice);
    hilo_put_str(&w, HILO_T_CONTENT_TITLE, title);
    /* As it was heard; a prompt with places or marks was heard otherwise than it is written. */
    if (asked.n && !memchr(asked.p, '{', asked.n) && !memchr(asked.p, '<', asked.n))
        hilo_put_str(&w, HILO_T_CONTENT_TEXT, asked);
    hilo_close(&w);
    return said_submit(v, &w, NULL, NULL);
}

bool said_keys(struct voice *v, const struct said_by *by, struct hilo_id reply_to, struct hilo_str keys)
{
    uint8_t room[SAID_ROOM];
    struct hilo_writer w;

    hilo_writer_init(&w, room, sizeof room);
    put_head(v, &w, by);
    if (!id_is_none(reply_to))
        hilo_put_id(&w, HILO_T_MSG_REPLY_TO, reply_to);
    hilo_open(&w, HILO_T_MSG_CONTENT);
    hilo_put_u64(&w, HILO_T_CONTENT_TYPE, HILO_CONTENT_TEXT);
    hilo_put_str(&w, HILO_T_CONTENT_TEXT, keys);
    hilo_close(&w);
    return said_submit(v, &w, NULL, NULL);
}

bool said_recording(struct voice *v, const struct said_by *by, struct hilo_str name, said_done *done,
                    void *arg)
{
    uint8_t room[SAID_ROOM];
    struct hilo_writer w;

    hilo_writer_init(&w, room, sizeof room);
    put_head(v, &w, by);
    hilo_open(&w, HILO_T_MSG_CONTENT);
    hilo_put_u64(&w, HILO_T_CONTENT_TYPE, HILO_CONTENT_MEDIA);
    hilo_put_u64(&w, HILO_T_CONTENT_KIND, HILO_MEDIA_VOICE);
    hilo_put_str(&w, HILO_T_CONTENT_MIME, voice_str("audio/wav"));
    hilo_put_str(&w, HILO_T_CONTENT_FILENAME, name);
    hilo_put_str(&w, HILO_T_CONTENT_EXT_MEDIA, name);
    hilo_close(&w);
    return said_submit(v, &w, done, arg);
}

void said_receipt(struct voice *v, struct hilo_id message, uint32_t status)
{
    uint8_t room[256];
    struct hilo_writer w;

    hilo_writer_init(&w, room, sizeof room);
    hilo_put_u64(&w, HILO_T_MSG_KIND, HILO_KIND_RECEIPT);
    hilo_put_u64(&w, HILO_T_MSG_TIME, (uint64_t)voice_wall(v));
    hilo_open(&w, HILO_T_MSG_RECEIPT);
    hilo_put_u64(&w, HILO_T_RECEIPT_STATUS, status);
    hilo_put_id(&w, HILO_T_RECEIPT_ECHO, message);
    hilo_close(&w);
    (void)said_submit(v, &w, NULL, NULL);
}

void said_free(struct voice *v)
{
    struct said *s;

    while ((s = LIST_FIRST(&v->said))) {
        voice_timer_cancel(v, &s->again);
        voice_ask_forget(v, s->asking);
        LIST_REMOVE(s, at);
        free(s);
    }
}
