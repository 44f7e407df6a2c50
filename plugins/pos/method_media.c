/*
 * The photo and the invoice: only of a message to or from a customer who is attended here.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "method.h"

#include "attend.h"
#include "json.h"
#include "op.h"
#include "painter.h"
#include "pos.h"
#include "text.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 32768, PX_DEFAULT = 1024 };

struct media {
    struct hilo_id id;
    uint64_t ticket; /* of the painter */
    struct pos *pos;
};

static void media_free(void *arg)
{
    struct media *m = arg;

    if (m->ticket)
        pos_painter_forget(m->pos, m->ticket);
    free(m);
}

static void no_memory(struct pos_op *op)
{
    pos_op_fail_as(op, POS_E_LATER, "try_later", NULL, "no memory");
}

/* ---- the answer
 * -------------------------------------------------------------------------------------------- */

/* piece: of a whole of size bytes, from offset on. */
static cJSON *media_result(struct pos_op *op, const char *mime, uint64_t size, uint64_t offset,
                           struct hilo_str piece, const char *etag)
{
    cJSON *o = cJSON_CreateObject();
    char *data = malloc(4 * ((piece.n + 2) / 3) + 1);
    bool ok = false;

    if (o && data) {
        (void)EVP_EncodeBlock((unsigned char *)data, (const unsigned char *)piece.p, (int)piece.n);
        ok = cJSON_AddStringToObject(o, "media", pos_op_text(op, "media")) &&
             cJSON_AddStringToObject(o, "mime", mime) && cJSON_AddNumberToObject(o, "size", (double)size) &&
             cJSON_AddNumberToObject(o, "offset", (double)offset) &&
             cJSON_AddStringToObject(o, "data", data) &&
             cJSON_AddBoolToObject(o, "eof", offset + piece.n >= size) &&
             cJSON_AddStringToObject(o, "etag", etag);
    }
    free(data);
    if (ok)
        return o;
    cJSON_Delete(o);
    return NULL;
}

/* Which bytes are asked for of so many; false: none are there. */
static bool media_piece(const struct pos_op *op, uint64_t size, uint64_t *offset, size_t *n)
{
    int64_t from = pos_op_int(op, "offset", 0), length = pos_op_int(op, "length", PIECE);

    if ((uint64_t)from > size)
        return false;
    *offset = (uint64_t)from;
    *n = size - (uint64_t)from < (uint64_t)length ? (size_t)(size - (uint64_t)from) : (size_t)length;
    return true;
}

static void media_beyond(struct pos_op *op)
{
    pos_op_fail_as(op, POS_E_PARAMS, "value", "/offset", "it is beyond the end");
}

/* ---- a picture
 * ----------------------------------------------------------------------------------------------- */

static void media_painted(void *arg, const char *why, const struct pos_picture *p, const char *etag)
{
    struct pos_op *op = arg;
    struct media *m = op->work;
    struct hilo_str piece;
    uint64_t offset;
    cJSON *o;

    m->ticket = 0;
    if (why && strcmp(why, "memory") == 0) {
        no_memory(op);
    } else if (why) {
        pos_op_fail_as(op, POS_E_PARAMS, "value", "/original",
                       "%s: it can be had with \"original\":true alone", why);
    } else if (!media_piece(op, p->n, &offset, &piece.n)) {
        media_beyond(op);
    } else {
        piece.p = (const char *)p->p + offset;
        o = media_result(op, "image/jpeg", p->n, offset, piece, etag);
        if (o && cJSON_AddNumberToObject(o, "width", p->width) &&
            cJSON_AddNumberToObject(o, "height", p->height)) {
            pos_op_result(op, o);
        } else {
            cJSON_Delete(o);
            no_memory(op);
        }
    }
}

/* ---- the file as it is
 * ----------------------------------------------------------------------------------------- */

static void media_original(struct pos_op *op, int fd, struct hilo_str mime, struct hilo_str filename,
                           uint64_t size)
{
    char buf[PIECE], type[128], name[256];
    struct hilo_str piece = {buf, 0};
    uint64_t offset;
    size_t n;
    ssize_t got;
    cJSON *o;

    if (!media_piece(op, size, &offset, &n)) {
        media_beyond(op);
        return;
    }
    while (piece.n < n && (got = pread(fd, buf + piece.n, n - piece.n, (off_t)(offset + piece.n))) > 0)
        piece.n += (uint64_t)got;
    if (piece.n < n) {
        pos_op_fail_as(op, POS_E_LATER, "try_later", NULL, "the file can't be read now");
        return;
    }
    pos_text_copy(type, sizeof type, mime);
    pos_text_copy(name, sizeof name, filename);
    /* A media's bytes are the same for ever, so its id is their tag. */
    o = media_result(op, type, size, offset, piece, pos_op_text(op, "media"));
    if (o && (!name[0] || cJSON_AddStringToObject(o, "filename", name))) {
        pos_op_result(op, o);
    } else {
        cJSON_Delete(o);
        no_memory(op);
    }
}

static void media_opened(void *arg, int32_t code, int32_t fd, struct hilo_str mime, struct hilo_str filename,
                         uint64_t size)
{
    struct pos_op *op = arg;
    struct media *m = op->work;

    op->token = 0;
    if (code == HILO_NOTFOUND) {
        pos_op_fail_as(op, POS_E_NOT_FOUND, "not_found", "/media", "its file is not there (yet)");
    } else if (code != HILO_OK) {
        pos_op_fail_as(op, POS_E_LATER, "try_later", NULL, "the file can't be had now (%d)", (int)code);
    } else if (cJSON_IsTrue(pos_json_get(op->rpc.params, "original"))) {
        media_original(op, fd, mime, filename, size);
        (void)close(fd);
    } else {
        m->ticket = pos_painter_paint(op->pos, m->id, (uint32_t)pos_op_int(op, "max_px", PX_DEFAULT), fd,
                                      media_painted, op);
        if (m->ticket == 0)
            pos_op_fail_as(op, POS_E_LATER, "try_later", NULL, "too many pictures wait to be scaled");
    }
}

/* ---- whose it is
 * ------------------------------------------------------------------------------------------------- */

static bool media_of(const cJSON *message, const char *media)
{
    const char *top = pos_json_text(message, "media"),
               *in = pos_json_text(pos_json_get(message, "content"), "media");

    return (top && strcmp(top, media) == 0) || (in && strcmp(in, media) == 0);
}

static void media_message(struct pos_op *op, uint32_t status, cJSON *message)
{
    const char *customer = pos_json_text(message, "customer");
    struct media *m = op->work;

    if (!pos_op_good(status)) {
        pos_op_fail_api(op, status, message);
        return;
    }
    if (!customer || !pos_attend_here(op->pos, op->till, customer)) {
        pos_op_fail_as(op, POS_E_ROLE, "not_attended", "/message",
                       "find its customer first: she is not attended here");
        return;
    }
    if (!media_of(message, pos_op_text(op, "media"))) {
        pos_op_fail_as(op, POS_E_NOT_FOUND, "not_found", "/media", "this message does not carry it");
        return;
    }
    if (!cJSON_IsTrue(pos_json_get(op->rpc.params, "original")) &&
        pos_painter_have(op->pos, m->id, (uint32_t)pos_op_int(op, "max_px", PX_DEFAULT), media_painted, op))
        return;
    op->token = pos_ask_media(op->pos, m->id, media_opened, op);
    if (op->token == 0)
        no_memory(op);
}

void pos_do_media_get(struct pos_op *op)
{
    struct media *m = calloc(1, sizeof *m);
    char path[96];

    if (!m) {
        no_memory(op);
        return;
    }
    m->pos = op->pos;
    op->work = m;
    op->work_free = media_free;
    (void)pos_text_id(pos_str(pos_op_text(op, "media")), "med", &m->id);
    (void)snprintf(path, sizeof path, "/v1/messages/%.40s", pos_op_text(op, "message"));
    pos_op_api(op, "GET", path, NULL, false, "", -1, media_message);
}
