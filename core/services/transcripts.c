/* Transcripts: their event has the text, the message's record its position, as a record stays small. */
#include "services/transcripts.h"
#include "base/clock.h"
#include "base/str.h"
#include "services/messages.h"
#include "store/keys.h"

int transcript_add(struct gateway *gw, const struct actor *actor, struct hilo_id message,
                   const struct transcript *t, struct arena *a, struct fault *f)
{
    const struct ev_message_transcribed ev = {
        .id = message, .text = t->text, .language = t->language, .service = t->service};
    struct hilo_str bytes;
    struct rec_message m;
    struct err e = {0};

    if (message_get(gw, message, a, &m, &bytes, f) != 0)
        return -1;
    if (hilo_content_type(bytes) != HILO_CONTENT_MEDIA || m.deleted)
        return fault_set(f, 409, "not_media", NULL,
                         "this message has no media that could be transcribed, or it was taken back");
    int32_t rc = store_append(gw->store, &ev_desc_message_transcribed, &ev, actor, clock_wall_us(), NULL, &e);
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}

void transcript_members(struct out *o, const struct ev_message_transcribed *t, uint64_t time_us)
{
    out_begin(o, "transcript", '{');
    out_str(o, "text", t->text);
    out_opt(o, "language", t->language);
    out_opt(o, "service", t->service);
    out_time(o, "time", time_us);
    out_end(o, '}');
}

int transcript_put(struct gateway *gw, const struct rec_message *m, struct arena *a, struct out *o,
                   struct fault *f)
{
    struct ev_message_transcribed t;
    struct event ev;
    struct err e = {0};
    int32_t rc;

    if (!m->transcript || m->deleted)
        return 0;
    rc = store_event(gw->store, m->transcript, a, &ev, &e);
    if (rc == HILO_OK)
        rc = rec_unpack(&ev_desc_message_transcribed, ev.body, &t, &e);
    if (rc != HILO_OK)
        return fault_store(f, rc, &e);
    transcript_members(o, &t, (uint64_t)ev.head.time_us);
    return 0;
}
