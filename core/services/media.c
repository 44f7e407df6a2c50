/* Media as a service. */
#include "services/media.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/str.h"
#include "services/links.h"
#include "store/keys.h"

int media_add(struct gateway *gw, const struct actor *actor, const uint8_t sha256[32], uint64_t size,
              struct hilo_str mime, struct hilo_str filename, struct hilo_id *out, struct fault *f)
{
    struct err e = {0};
    const struct ev_media_added ev = {.id = idgen_next(store_ids(gw->store)),
                                      .sha256 = str_n(sha256, 32),
                                      .size = size,
                                      .mime = str_utf8_head(mime, 100),
                                      .filename = str_utf8_head(filename, 255)};
    int32_t rc = store_append(gw->store, &ev_desc_media_added, &ev, actor, clock_wall_us(), NULL, &e);

    if (rc != HILO_OK)
        return fault_store(f, rc, &e);
    *out = ev.id;
    return 0;
}

int media_get(struct gateway *gw, struct hilo_id id, struct arena *a, struct rec_media *out, int *fd_out,
              struct fault *f)
{
    struct key k = key_of_id(id);
    struct err e = {0};
    uint64_t size;
    int32_t rc = store_record(gw->store, TABLE_MEDIA, key_str(&k), &rec_desc_media, a, out, &e);

    if (rc == HILO_NOTFOUND)
        return fault_set(f, 404, "unknown_media", NULL, "there is no such media");
    if (rc != HILO_OK)
        return fault_store(f, rc, &e);
    if (!fd_out)
        return 0;
    if (out->state == MEDIA_PENDING)
        return fault_set(f, 409, "media_pending", NULL,
                         "this media is still being fetched from the channel; retry in a moment");
    if (out->state == MEDIA_FAILED)
        return fault_set(f, 410, "media_failed", NULL, "this media could not be fetched: %.200s",
                         out->reason.n ? arena_z(a, out->reason) : "no reason known");
    CHECK(out->sha256.n == MEDIA_HASH);
    rc = media_open(gw->media, (const uint8_t *)out->sha256.p, fd_out, &size, &e);
    if (rc != HILO_OK)
        return fault_set(f, 500, "media_lost", NULL,
                         "the file of this media can't be opened; see hilo store check");
    return 0;
}

int media_link(struct gateway *gw, struct hilo_id id, int64_t now_us, struct arena *a, struct hilo_str *out,
               struct fault *f)
{
    const struct link l = {.id = id, .until_us = now_us + gw->link_life_us};

    if (gw->public_url.n == 0)
        return fault_set(
            f, 409, "no_public_url", NULL,
            "links need http.public_url in the configuration, the address under which this gateway is "
            "reached");
    *out = link_make(gw, LINK_MEDIA, &l, a);
    return 0;
}

int media_token(struct gateway *gw, struct hilo_str token, int64_t now_us, struct hilo_id *out,
                struct fault *f)
{
    struct link l;

    if (link_read(gw, LINK_MEDIA, token, now_us, &l, f) != 0)
        return -1;
    *out = l.id;
    return 0;
}
