/*
 * Uploads: a raw body, or the one file of a multipart/form-data body (by the library's
 * post processor). The file is hashed and synced by a helper thread, one upload after
 * the other; the request is suspended meanwhile. The thread touches nothing of the
 * request but the struct upload, which the loop leaves alone until the wake-up.
 */
#include "api/upload.h"
#include "base/check.h"
#include "base/str.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PART_BUFFER = 4096, FILENAME_MAX_BYTES = 255, MIME_MAX = 127 };

struct upload {
    struct request *rq;
    struct media_file *file;
    struct MHD_PostProcessor *pp; /* NULL: the raw body is the file */
    bool in_file, had_file;       /* multipart: the part that comes; there was one */
    struct fault fault;           /* of the post processor's callback */
    bool failed;
    struct hilo_str mime, filename;
    struct media_stored stored;
    int32_t rc;
    struct err err;
    STAILQ_ENTRY(upload) link;
};
STAILQ_HEAD(upload_list, upload);

struct uploads {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct upload_list todo, done;
    bool stop;
    struct loop_wake *wake;
};

/* ---- the helper thread ------------------------------------------------------------ */

static void *uploads__run(void *arg)
{
    struct uploads *u = arg;
    struct upload *up;

    (void)pthread_mutex_lock(&u->lock);
    for (;;) {
        up = STAILQ_FIRST(&u->todo);
        if (!up && u->stop)
            break;
        if (!up) {
            (void)pthread_cond_wait(&u->more, &u->lock);
            continue;
        }
        STAILQ_REMOVE_HEAD(&u->todo, link);
        (void)pthread_mutex_unlock(&u->lock);
        up->rc = media_finish(&up->file, (struct hilo_str){NULL, 0}, &up->stored, &up->err);
        (void)pthread_mutex_lock(&u->lock);
        STAILQ_INSERT_TAIL(&u->done, up, link);
        loop_wake_give(u->wake);
    }
    (void)pthread_mutex_unlock(&u->lock);
    return NULL;
}

/* On the loop: what is done goes on. */
static void uploads__done(void *arg)
{
    struct uploads *u = arg;
    struct upload_list done = STAILQ_HEAD_INITIALIZER(done);
    struct upload *up;

    (void)pthread_mutex_lock(&u->lock);
    STAILQ_CONCAT(&done, &u->done);
    (void)pthread_mutex_unlock(&u->lock);
    while ((up = STAILQ_FIRST(&done))) {
        STAILQ_REMOVE_HEAD(&done, link);
        http_back(up->rq);
    }
}

int32_t uploads_new(struct api *api, struct err *e, struct uploads **out)
{
    struct uploads *u = calloc(1, sizeof *u);
    int32_t rc;

    if (!u)
        check_nomem();
    STAILQ_INIT(&u->todo);
    STAILQ_INIT(&u->done);
    rc = loop_wake_new(api->gw->loop, uploads__done, u, &u->wake);
    if (rc != HILO_OK) {
        free(u);
        return err_set(e, rc, "can't make the uploads' wake-up");
    }
    (void)pthread_mutex_init(&u->lock, NULL);
    (void)pthread_cond_init(&u->more, NULL);
    if (pthread_create(&u->thread, NULL, uploads__run, u) != 0) {
        rc = err_errno(e, "can't start the uploads' thread");
        loop_wake_free(&u->wake);
        free(u);
        return rc;
    }
    *out = u;
    return HILO_OK;
}

void uploads_free(struct uploads **up)
{
    struct uploads *u = *up;

    if (!u)
        return;
    (void)pthread_mutex_lock(&u->lock);
    u->stop = true;
    (void)pthread_cond_signal(&u->more);
    (void)pthread_mutex_unlock(&u->lock);
    (void)pthread_join(u->thread, NULL);
    uploads__done(u);
    loop_wake_free(&u->wake);
    (void)pthread_cond_destroy(&u->more);
    (void)pthread_mutex_destroy(&u->lock);
    free(u);
    *up = NULL;
}

/* ---- the body --------------------------------------------------------------------------- */

/* "image/jpeg" of "Image/JPEG; q=1": type/subtype of RFC 9110 tokens, in lower case. */
static bool upload__mime(struct arena *arena, const char *v, size_t n, struct hilo_str *out)
{
    char *p;
    size_t len = 0, slash = 0;

    while (len < n && v[len] != ';' && v[len] != ' ' && v[len] != '\t')
        len++;
    if (len == 0 || len > MIME_MAX)
        return false;
    p = arena_dup(arena, v, len);
    for (size_t i = 0; i < len; i++) {
        if (p[i] >= 'A' && p[i] <= 'Z')
            p[i] = (char)(p[i] + ('a' - 'A'));
        if (p[i] == '/')
            slash++;
        else if (!((p[i] >= 'a' && p[i] <= 'z') || (p[i] >= '0' && p[i] <= '9') || strchr("!#$&^_.+-", p[i])))
            return false;
    }
    *out = str_n(p, len);
    return slash == 1 && p[0] != '/' && p[len - 1] != '/';
}

/* The last part of a path, without control characters. */
static int upload__filename(struct request *rq, struct hilo_str v, struct hilo_str *out, struct fault *f)
{
    for (uint64_t i = v.n; i > 0; i--)
        if (v.p[i - 1] == '/' || v.p[i - 1] == '\\') {
            v = str_n(v.p + i, (size_t)(v.n - i));
            break;
        }
    if (v.n > FILENAME_MAX_BYTES || !str_utf8_valid(v))
        return fault_set(f, 422, "invalid_filename", "", "filename: at most %d bytes of UTF-8",
                         FILENAME_MAX_BYTES);
    for (uint64_t i = 0; i < v.n; i++)
        if ((unsigned char)v.p[i] < 0x20 || v.p[i] == 0x7f)
            return fault_set(f, 422, "invalid_filename", "", "filename: no control characters");
    *out = arena_str(rq->arena, v);
    return 0;
}

static int upload__error(struct fault *f, int32_t rc, const struct err *e, int64_t max)
{
    if (rc == HILO_INVALID)
        return fault_set(f, 413, "too_large", "", "a file may have at most %lld bytes", (long long)max);
    if (rc == HILO_FULL)
        return fault_store(f, rc, e);
    return fault_set(f, 500, "storage_failed", "", "the file can't be stored: %s", e->text);
}

static int upload__write(struct upload *up, const char *p, size_t n, struct fault *f)
{
    struct err e = {0};
    int32_t rc = media_write(up->file, p, n, &e);

    return rc == HILO_OK ? 0 : upload__error(f, rc, &e, up->rq->api->gw->media_max_bytes);
}

/* A piece of a part. */
static enum MHD_Result upload__part(void *arg, enum MHD_ValueKind kind, const char *key, const char *filename,
                                    const char *type, const char *encoding, const char *data, uint64_t off,
                                    size_t n)
{
    struct upload *up = arg;
    struct fault *f = &up->fault;

    (void)kind, (void)key;
    if (off == 0) {
        up->in_file = filename != NULL;
        if (!up->in_file)
            return MHD_YES; /* a plain field beside the file says nothing to us */
        if (up->had_file) {
            (void)fault_set(f, 422, "one_file", "", "one file a request");
            goto failed;
        }
        up->had_file = true;
        if (encoding && encoding[0] && strcasecmp(encoding, "binary") != 0 &&
            strcasecmp(encoding, "8bit") != 0 && strcasecmp(encoding, "7bit") != 0) {
            (void)fault_set(f, 415, "unsupported_media_type", "",
                            "a part with Content-Transfer-Encoding: send it binary");
            goto failed;
        }
        if (!upload__mime(up->rq->arena, type ? type : "", type ? strlen(type) : 0, &up->mime)) {
            (void)fault_set(f, 415, "unsupported_media_type", "", "the file's part needs its Content-Type");
            goto failed;
        }
        if (upload__filename(up->rq, str(filename), &up->filename, f) != 0)
            goto failed;
    }
    if (up->in_file && n > 0 && upload__write(up, data, n, f) != 0)
        goto failed;
    return MHD_YES;
failed:
    up->failed = true;
    return MHD_NO;
}

int upload_begin(struct request *rq, struct fault *f)
{
    struct hilo_str type = request_header(rq, "Content-Type"), name = request_query(rq, "filename");
    static const char *const known[] = {"filename", NULL};
    struct upload *up;
    struct err e = {0};
    int32_t rc;

    if (request_query_known(rq, known, f) != 0)
        return -1;
    up = ARENA_NEW(rq->arena, struct upload);
    up->rq = rq;
    if (name.n && upload__filename(rq, name, &up->filename, f) != 0)
        return -1;
    if (!request_type_is(type, "multipart/form-data") &&
        (!type.p || !upload__mime(rq->arena, type.p, (size_t)type.n, &up->mime)))
        return fault_set(f, 415, "unsupported_media_type", "",
                         "send the file with its own Content-Type, or as multipart/form-data");
    if (request_type_is(type, "multipart/form-data")) {
        up->pp = MHD_create_post_processor(rq->conn, PART_BUFFER, upload__part, up);
        if (!up->pp)
            return fault_set(f, 400, "invalid_multipart", "", "multipart/form-data needs its boundary");
    }
    /* Looked at before the body comes, and not to take what is left from the journal. */
    rc = store_room(rq->api->gw->store, STORE_NEW, &e);
    if (rc == HILO_OK)
        rc = media_begin(rq->api->gw->media, &e, &up->file);
    if (rc != HILO_OK) {
        if (up->pp)
            (void)MHD_destroy_post_processor(up->pp);
        return rc == HILO_AGAIN || rc == HILO_FULL ? fault_store(f, rc, &e) : upload__error(f, rc, &e, 0);
    }
    rq->upload = up;
    return 0;
}

int upload_add(struct request *rq, const char *p, size_t n, struct fault *f)
{
    struct upload *up = rq->upload;

    if (!up->pp)
        return upload__write(up, p, n, f);
    if (MHD_post_process(up->pp, p, n) == MHD_YES && !up->failed)
        return 0;
    if (up->failed)
        *f = up->fault;
    else
        (void)fault_set(f, 400, "invalid_multipart", "", "the multipart body is malformed");
    return -1;
}

int upload_end(struct request *rq, struct fault *f)
{
    struct upload *up = rq->upload;
    struct uploads *u;
    struct err e = {0};

    if (up->pp) {
        enum MHD_Result whole = MHD_destroy_post_processor(up->pp);
        up->pp = NULL;
        if (up->failed) {
            *f = up->fault;
            return -1;
        }
        if (whole != MHD_YES)
            return fault_set(f, 400, "invalid_multipart", "", "the multipart body ends in the middle");
        if (!up->had_file)
            return fault_set(f, 422, "no_file", "", "no part of the body is a file (has a filename)");
    }
    if (!rq->api->uploads && uploads_new(rq->api, &e, &rq->api->uploads) != HILO_OK)
        return fault_set(f, 503, "no_memory", "", "%s", e.text);
    u = rq->api->uploads;
    rq->state = REQUEST_ELSEWHERE;
    (void)pthread_mutex_lock(&u->lock);
    STAILQ_INSERT_TAIL(&u->todo, up, link);
    (void)pthread_cond_signal(&u->more);
    (void)pthread_mutex_unlock(&u->lock);
    return 0;
}

int upload_result(struct request *rq, struct upload_result *out, struct fault *f)
{
    struct upload *up = rq->upload;

    if (up->rc != HILO_OK)
        return upload__error(f, up->rc, &up->err, rq->api->gw->media_max_bytes);
    *out = (struct upload_result){up->stored, up->mime, up->filename};
    return 0;
}

void upload_abort(struct request *rq)
{
    struct upload *up = rq->upload;

    if (!up)
        return;
    CHECK(rq->state != REQUEST_ELSEWHERE);
    if (up->pp)
        (void)MHD_destroy_post_processor(up->pp);
    media_abort(&up->file);
    rq->upload = NULL;
}
