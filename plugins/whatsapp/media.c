/*
 * Media: uploaded before a message that has one is sent, and downloaded after a
 * message that came with one.
 *
 * Upload: the host opens the stored file, the provider gives an id for it, the id is
 * remembered. Messages that need the same media meanwhile wait for that one upload.
 * It has no effect that a customer sees, so a failed one is simply tried again.
 *
 * Download: perhaps in two steps, the first of which asks for an address; the bytes go from the host's HTTP
 * client straight into the file given. Whether they are the right ones the core tells by CONTENT.SHA256.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "whatsapp.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    MEDIA_LINK_RETRY_US = 1000000,
    MEDIA_CONFIG_RETRY_US = 300000000, /* until an operator has acted */
    MEDIA_TIMEOUT_MS = 300000,         /* 100 MB on a slow line */
    MEDIA_UPLOADS_MAX = 8              /* of one message */
};
#define MEDIA_MAX_BYTES (UINT64_C(128) << 20)

/* ---- upload -------------------------------------------------------------------------- */

void wa_upload_begin(struct wa *wa, struct wa_op *op, struct hilo_id media)
{
    const struct wa_op *other;
    uint32_t i;

    op->media = media;
    for (i = 0; i < wa->ops.n; i++) {
        other = wa_slots_at(&wa->ops, i);
        if (other && other != op && (other->step == WA_STEP_FILE || other->step == WA_STEP_UPLOAD) &&
            memcmp(&other->media, &media, sizeof media) == 0) {
            op->step = WA_STEP_WAIT;
            return;
        }
    }
    if (op->uploads++ == MEDIA_UPLOADS_MAX) {
        wa_send_fail(wa, op, HILO_PERM, "invalid_content", "the message has too many media", 0);
        return;
    }
    op->step = WA_STEP_FILE;
    if (wa->host.media_get(wa->self, op->key, media) != HILO_OK)
        wa_send_fail(wa, op, HILO_AGAIN, "link_full", "the gateway has too many requests under way",
                     MEDIA_LINK_RETRY_US);
}

static struct wa_op *media_waiter(const struct wa *wa, uint32_t i, struct hilo_id media)
{
    struct wa_op *op = wa_slots_at(&wa->ops, i);

    return op && op->step == WA_STEP_WAIT && memcmp(&op->media, &media, sizeof media) == 0 ? op : NULL;
}

void wa_upload_abandoned(struct wa *wa, struct hilo_id media)
{
    struct wa_op *op;
    uint32_t i, n = wa->ops.n;

    for (i = 0; i < n; i++)
        if ((op = media_waiter(wa, i, media)) != NULL)
            wa_send_advance(wa, op);
}

/* The upload failed: for the message that did it and for all that wait. */
static void media_failed(struct wa *wa, struct wa_op *op, const struct wa_verdict *v)
{
    struct hilo_id media = op->media;
    uint32_t i, n = wa->ops.n;

    wa_send_end(wa, op, v);
    for (i = 0; i < n; i++)
        if ((op = media_waiter(wa, i, media)) != NULL)
            wa_send_end(wa, op, v);
}

static void media_failed_so(struct wa *wa, struct wa_op *op, int32_t code, const char *reason,
                            const char *detail, int64_t retry_after_us)
{
    struct wa_verdict v = {.code = code, .retry_after_us = retry_after_us};

    snprintf(v.reason, sizeof v.reason, "%s", reason);
    snprintf(v.detail, sizeof v.detail, "%s", detail);
    media_failed(wa, op, &v);
}

/* The stored file is open: off it goes. */
static void media_upload(struct wa *wa, struct wa_op *op, int32_t fd, struct hilo_str mime,
                         struct hilo_str filename)
{
    struct hilo_part part[WA_PARTS_MAX + 1];
    struct hilo_http request;
    char url[WA_URL_MAX];
    uint64_t n;

    if (mime.n == 0)
        mime = hilo_get_str(hilo_content((struct hilo_str){op->message, op->n}), HILO_T_CONTENT_MIME);
    if (mime.n == 0)
        mime = wa_str("application/octet-stream");
    op->step = WA_STEP_UPLOAD;
    if (!wa->provider->upload || !wa->provider->upload(&wa->conf, mime, url, part, &n)) {
        close(fd);
        media_failed_so(wa, op, HILO_CONFIG, "invalid_option", "the URL for uploads is too long", 0);
        return;
    }
    part[n] = (struct hilo_part){
        .name = wa_str("file"), .filename = filename.n ? filename : wa_str("file"), .type = mime, .fd = fd};
    request = wa_request(wa, "POST", url);
    request.part = part;
    request.n_part = n + 1;
    request.timeout_ms = MEDIA_TIMEOUT_MS;
    if (wa_request_begin(wa, op, &request) != HILO_OK) {
        close(fd);
        media_failed_so(wa, op, HILO_AGAIN, "link_full", "the gateway has too many requests under way",
                        MEDIA_LINK_RETRY_US);
    }
}

void wa_on_media(void *inst, uint64_t token, int32_t code, int32_t fd, struct hilo_str mime,
                 struct hilo_str filename, uint64_t size)
{
    struct wa *wa = inst;
    struct wa_op *op;

    (void)size;
    op = wa && wa->magic == WA_MAGIC ? wa_slots_get(&wa->ops, token) : NULL;
    if (!op || op->step != WA_STEP_FILE) { /* revoked meanwhile, or drained */
        if (fd >= 0)
            close(fd);
        return;
    }
    if (code == HILO_OK && fd >= 0)
        media_upload(wa, op, fd, mime, filename);
    else if (code == HILO_NOTFOUND || code == HILO_PERM || code == HILO_INVALID || code == HILO_CORRUPT)
        media_failed_so(wa, op, HILO_PERM, "media_missing", "the stored media can't be had", 0);
    else
        media_failed_so(wa, op, HILO_TEMP, "media_unavailable", "the stored media can't be had now", 0);
}

void wa_upload_on_http(struct wa *wa, struct wa_op *op, int32_t code, const struct hilo_http *h)
{
    char ext[WA_UPLOAD_ID_MAX];
    struct wa_verdict v;
    struct hilo_id media = op->media;
    struct wa_op *waiter;
    uint32_t i, n = wa->ops.n;

    if (code != HILO_OK || !h) {
        media_failed_so(wa, op, HILO_TEMP, "unreachable", "the upload of a media got no answer", 0);
        return;
    }
    if (h->status < 200 || h->status > 299) {
        wa->provider->judge(h, &v);
        if (v.code == HILO_IN_DOUBT)
            v.code = HILO_TEMP;
        media_failed(wa, op, &v);
        return;
    }
    if (!wa->provider->uploaded(h, ext, sizeof ext) ||
        !wa_uploads_put(&wa->uploads, media, ext, wa->host.mono_us(wa->self))) {
        media_failed_so(wa, op, HILO_TEMP, "unclear_answer",
                        "the upload of a media was answered without an id", 0);
        return;
    }
    op->uploaded = true;
    wa_send_advance(wa, op);
    for (i = 0; i < n; i++) {
        if ((waiter = media_waiter(wa, i, media)) != NULL) {
            waiter->uploaded = true;
            wa_send_advance(wa, waiter);
        }
    }
}

/* ---- download ----------------------------------------------------------------------------- */

void wa_fetch_end(struct wa *wa, struct wa_op *op, int32_t code, const char *detail, int64_t retry_after_us)
{
    if (op->fd >= 0)
        close(op->fd);
    wa->host.fetched(wa->self, op->job, code, wa_str(code == HILO_OK ? op->mime : ""), wa_str(detail),
                     retry_after_us);
    wa_op_free(wa, op);
}

/* The token goes only where it is protected as well as on its usual way. */
static bool media_safe_url(const struct wa *wa, const char *url)
{
    static const char http[] = "http://", https[] = "https://";

    if (strncmp(url, https, sizeof https - 1) == 0)
        return true;
    return strncmp(url, http, sizeof http - 1) == 0 &&
           strncmp(wa->conf.base_url.p, http, sizeof http - 1) == 0;
}

/* The bytes, straight into the file. The host gets a descriptor of its own, so that an
 * answer which sends us elsewhere leaves one; elsewhere the key is not shown. */
static void media_fill(struct wa *wa, struct wa_op *op, const char *url, bool with_key)
{
    struct hilo_http request;
    int32_t rc, sink;

    if (!media_safe_url(wa, url)) {
        wa_fetch_end(wa, op, HILO_TEMP, "the address of the media is not a safe one", 0);
        return;
    }
    sink = fcntl(op->fd, F_DUPFD_CLOEXEC, 0);
    if (sink < 0 || ftruncate(op->fd, 0) != 0 || lseek(op->fd, 0, SEEK_SET) != 0) {
        if (sink >= 0)
            close(sink);
        wa_fetch_end(wa, op, HILO_TEMP, "the file for a media can't be written", MEDIA_LINK_RETRY_US);
        return;
    }
    request = wa_request(wa, "GET", url);
    request.timeout_ms = MEDIA_TIMEOUT_MS;
    request.max_bytes = MEDIA_MAX_BYTES;
    request.sink_fd = sink;
    op->step = with_key ? WA_STEP_FILL : WA_STEP_FOLLOW;
    rc = with_key ? wa_request_begin(wa, op, &request) : wa->host.http(wa->self, op->key, &request);
    if (rc == HILO_OK)
        return;
    close(sink);
    wa_fetch_end(wa, op, HILO_TEMP, "the gateway has too many requests under way", MEDIA_LINK_RETRY_US);
}

/* Where the provider keeps the bytes, if the answer says so; once. */
static bool media_elsewhere(const struct wa_op *op, const struct hilo_http *h, char url[WA_URL_MAX])
{
    struct hilo_str where = wa_header(h, "Location");

    if (op->step != WA_STEP_FILL || h->status < 301 || h->status > 308 || where.n == 0 ||
        where.n >= WA_URL_MAX || memchr(where.p, 0, where.n))
        return false;
    memcpy(url, where.p, where.n);
    url[where.n] = 0;
    return true;
}

/* Its type, where nothing said so before: without parameters. */
static void media_mime(struct wa_op *op, const struct hilo_http *h)
{
    struct hilo_str type = wa_header(h, "Content-Type");

    type = wa_split(&type, ';');
    if (op->mime[0] == 0 && type.n < sizeof op->mime && wa_header_clean(type)) {
        if (type.n)
            memcpy(op->mime, type.p, type.n);
        op->mime[type.n] = 0;
    }
}

void wa_fetch(void *inst, uint64_t job, struct hilo_str message, struct hilo_str which, int32_t fd)
{
    struct wa *wa = inst;
    struct hilo_http request;
    enum wa_fetch first;
    char url[WA_URL_MAX];
    struct wa_op *op;

    (void)message;
    if (!wa || wa->magic != WA_MAGIC)
        return;
    op = wa->draining ? NULL : wa_op_new(wa, WA_STEP_ADDRESS, (struct hilo_str){NULL, 0});
    if (!op) {
        close(fd);
        wa->host.fetched(wa->self, job, HILO_TEMP, wa_str(""), wa_str("the channel takes no more work now"),
                         MEDIA_LINK_RETRY_US);
        return;
    }
    op->job = job;
    op->fd = fd;
    first = wa->provider->fetch(&wa->conf, which, url);
    if (first == WA_FETCH_IMPOSSIBLE) {
        wa_fetch_end(wa, op, HILO_PERM, "the message has no media that could be asked for", 0);
    } else if (first == WA_FETCH_BYTES) {
        op->direct = true;
        media_fill(wa, op, url, true);
    } else {
        request = wa_request(wa, "GET", url);
        if (wa_request_begin(wa, op, &request) != HILO_OK)
            wa_fetch_end(wa, op, HILO_TEMP, "the gateway has too many requests under way",
                         MEDIA_LINK_RETRY_US);
    }
}

static void media_address_refused(struct wa *wa, struct wa_op *op, const struct hilo_http *h)
{
    struct wa_verdict v;

    wa->provider->judge(h, &v);
    if (v.code == HILO_CONFIG) {
        wa_set_state(wa, HILO_CONFIG, v.detail[0] ? v.detail : v.reason);
        wa_fetch_end(wa, op, HILO_TEMP, v.detail, MEDIA_CONFIG_RETRY_US);
    } else if (h->status == 404 || v.code == HILO_PERM) {
        wa_fetch_end(wa, op, HILO_PERM, v.detail, 0);
    } else {
        wa_fetch_end(wa, op, HILO_TEMP, v.detail, v.retry_after_us);
    }
}

static void media_address(struct wa *wa, struct wa_op *op, const struct hilo_http *h)
{
    char url[WA_URL_MAX];

    if (wa->provider->fetch_address(h, url, op->mime, sizeof op->mime))
        media_fill(wa, op, url, true);
    else
        wa_fetch_end(wa, op, HILO_TEMP, "the provider gave no usable address of the media", 0);
}

void wa_fetch_on_http(struct wa *wa, struct wa_op *op, int32_t code, const struct hilo_http *h)
{
    struct wa_verdict v;
    char url[WA_URL_MAX], words[64];

    if (code != HILO_OK || !h) {
        if (code == HILO_FULL) /* our disk, not their media: the core counts no attempt */
            wa_fetch_end(wa, op, HILO_FULL, "the disk has no room for the media", 0);
        else
            wa_fetch_end(wa, op, HILO_TEMP, "the download of a media broke off", 0);
        return;
    }
    if (h->status >= 200 && h->status <= 299) {
        if (op->step == WA_STEP_ADDRESS) {
            media_address(wa, op, h);
        } else {
            media_mime(op, h);
            wa_fetch_end(wa, op, HILO_OK, "", 0);
        }
        return;
    }
    if (media_elsewhere(op, h, url)) {
        media_fill(wa, op, url, false);
        return;
    }
    if (op->step == WA_STEP_ADDRESS || (op->step == WA_STEP_FILL && op->direct)) {
        media_address_refused(wa, op, h);
        return;
    }
    /* 401 and 404 mean that the address has run out; the next try asks for a new one */
    wa->provider->judge(h, &v);
    snprintf(words, sizeof words, "HTTP status %u for the bytes of a media", (unsigned)h->status);
    wa_fetch_end(wa, op, HILO_TEMP, words, v.retry_after_given ? v.retry_after_us : 0);
}
