/* Media of the simulated service: upload, description with a short-lived link, download, removal.
 *
 * A blob is counted: a download that is under way keeps its bytes although the media is removed meanwhile.
 * All media together have a limit; the oldest go when it is reached, as the real ones go after 30 days. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct blob {
    struct sim *sim;
    size_t refs, n;
    uint8_t *data;
};

static const struct {
    const char *type, *extension;
    size_t max;
} types[] = {
    {"image/jpeg", "jpg", 5u << 20},
    {"image/jpeg", "jpeg", 5u << 20},
    {"image/png", "png", 5u << 20},
    {"image/webp", "webp", 500u << 10},
    {"audio/ogg", "ogg", 16u << 20},
    {"audio/aac", "aac", 16u << 20},
    {"audio/mp4", "m4a", 16u << 20},
    {"audio/mpeg", "mp3", 16u << 20},
    {"audio/amr", "amr", 16u << 20},
    {"video/mp4", "mp4", 16u << 20},
    {"video/3gpp", "3gp", 16u << 20},
    {"text/plain", "txt", 100u << 20},
    {"application/pdf", "pdf", 100u << 20},
    {"application/msword", "doc", 100u << 20},
    {"application/vnd.ms-excel", "xls", 100u << 20},
    {"application/vnd.ms-powerpoint", "ppt", 100u << 20},
    {"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx", 100u << 20},
    {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx", 100u << 20},
    {"application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx", 100u << 20},
};

const char *media_type_of_name(const char *path)
{
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof types / sizeof types[0]; i++) {
        if (!strcasecmp(types[i].extension, dot + 1))
            return types[i].type;
    }
    return NULL;
}

/* An animated WebP says so in the first byte of its extended header. */
static bool animated(const uint8_t *p, size_t n)
{
    return n > 20 && !memcmp(p + 8, "WEBPVP8X", 8) && p[20] & 0x02;
}

bool media_upload_allowed(const char *type, const void *data, size_t n, struct gerr *e)
{
    size_t len = strcspn(type, "; ");
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strlen(types[i].type) != len || strncasecmp(types[i].type, type, len))
            continue;
        size_t max = !strcmp(types[i].extension, "webp") && !animated(data, n) ? 100u << 10 : types[i].max;
        if (n && n <= max)
            return true;
        *e = (struct gerr){.code = 131053};
        snprintf(e->details, sizeof e->details,
                 "A file of type %s must have 1 to %zu bytes, this one has %zu.", types[i].type, max, n);
        return false;
    }
    *e = (struct gerr){.code = 100};
    snprintf(e->details, sizeof e->details,
             "Param file must be a file with one of the supported types, not %.90s.", type);
    return false;
}

static void blob_unref_locked(struct blob *b)
{
    if (--b->refs)
        return;
    b->sim->media_bytes -= b->n;
    free(b->data);
    free(b);
}

static void blob_unref(void *p)
{
    struct blob *b = p;
    struct sim *s = b->sim;
    pthread_mutex_lock(&s->lock);
    blob_unref_locked(b);
    pthread_mutex_unlock(&s->lock);
}

static void media_remove_locked(struct sim *s, struct media *m)
{
    HASH_DEL(s->media, m);
    blob_unref_locked(m->blob);
    free(m);
}

void media_free_all(struct sim *s)
{
    struct media *m, *next;
    HASH_ITER(hh, s->media, m, next)
    media_remove_locked(s, m);
}

struct media *media_add_locked(struct sim *s, const char *type, const char *filename, void *data, size_t n)
{
    if (n > s->media_bytes_max) {
        free(data);
        return NULL;
    }
    /* uthash keeps the order of insertion, so the first one is the oldest. */
    while (s->media && s->media_bytes + n > s->media_bytes_max)
        media_remove_locked(s, s->media);
    struct media *m = xcalloc(1, sizeof *m);
    m->blob = xcalloc(1, sizeof *m->blob);
    *m->blob = (struct blob){.sim = s, .refs = 1, .n = n, .data = data};
    s->media_bytes += n;
    snprintf(m->id, sizeof m->id, "%u%09llu", 1 + (unsigned)(s->id_nonce % 899999),
             (unsigned long long)++s->media_order);
    copy_text(m->type, sizeof m->type, type);
    copy_text(m->filename, sizeof m->filename, filename ? filename : "");
    sha256(data, n, m->digest);
    HASH_ADD_STR(s->media, id, m);
    return m;
}

struct media *media_find_locked(struct sim *s, const char *id)
{
    struct media *m;
    HASH_FIND_STR(s->media, id, m);
    return m;
}

const char *media_type_of(void *sim, const char *id)
{
    const struct media *m = media_find_locked(sim, id);
    return m ? m->type : NULL;
}

/* Draws the fault of this call: counts it down when it is of the given kinds. */
static enum media_fault draw(struct sim *s, bool upload)
{
    enum media_fault fault = MEDIA_OK;
    pthread_mutex_lock(&s->lock);
    struct faults *f = &s->faults;
    if ((f->media == MEDIA_UPLOAD_500) == upload && f->media != MEDIA_OK && f->media_count) {
        fault = f->media;
        if (f->media_count > 0)
            f->media_count--;
        s->counts.faulted++;
    }
    pthread_mutex_unlock(&s->lock);
    return fault;
}

enum MHD_Result media_upload(struct request *r)
{
    struct sim *s = r->sim;
    struct gerr e = {.code = 100};
    char id[MEDIA_ID_MAX];
    if (draw(s, true))
        return graph_error(r, &(struct gerr){.code = 131000});
    const char *type = r->field_type[0] ? r->field_type : r->file_type;
    if (r->too_large)
        snprintf(e.details, sizeof e.details, "The upload is larger than any file may be.");
    else if (!r->upload)
        snprintf(e.details, sizeof e.details, "A media upload must be multipart/form-data.");
    else if (strcmp(r->field_product, "whatsapp"))
        snprintf(e.details, sizeof e.details, "The parameter messaging_product is required.");
    else if (!r->has_file)
        snprintf(e.details, sizeof e.details, "The parameter file is required.");
    else if (media_upload_allowed(type, r->file.p, r->file.n, &e))
        e.code = -1;
    if (e.code != -1)
        return graph_error(r, &e);
    pthread_mutex_lock(&s->lock);
    struct media *m = media_add_locked(s, type, r->file_name, r->file.p, r->file.n);
    r->file = (struct sbuf){0};
    if (m) {
        copy_text(id, sizeof id, m->id);
        s->counts.uploads++;
    }
    pthread_mutex_unlock(&s->lock);
    if (!m)
        return graph_error(
            r, &(struct gerr){.code = 131053, .details = "The simulator has no room for this file."});
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "id", id);
    return http_json(r, 200, json);
}

/* A new download link of the media; `host` is the one that the client used. */
static void url_new_locked(struct sim *s, struct media *m, const char *host, char *out, size_t cap)
{
    int i = m->next_url++ % MEDIA_URLS;
    uint8_t raw[16];
    random_bytes(raw, sizeof raw);
    hex(raw, sizeof raw, m->token[i]);
    m->expires_us[i] = mono_us() + s->conf.media_url_s * 1000000;
    m->uses[i] = s->conf.media_url_uses ? s->conf.media_url_uses : INT64_MAX;
    char base[600];
    snprintf(base, sizeof base, "http://%.500s", host);
    snprintf(out, cap, "%s/whatsapp_business/attachments/?mid=%s&ext=%lld&hash=%s",
             s->conf.public_url[0] ? s->conf.public_url : base, m->id,
             (long long)(unix_s() + s->conf.media_url_s), m->token[i]);
}

enum MHD_Result media_describe(struct request *r, const char *id, bool remove)
{
    struct sim *s = r->sim;
    char url[800], local[32], digest[65];
    const char *host = http_header(r, "Host"), *phone = http_query(r, "phone_number_id");
    snprintf(local, sizeof local, "127.0.0.1:%u", s->port);
    pthread_mutex_lock(&s->lock);
    struct media *m = media_find_locked(s, id);
    cJSON *json = NULL;
    if (m && (!phone || !strcmp(phone, s->conf.phone_number_id))) {
        json = cJSON_CreateObject();
        if (remove) {
            media_remove_locked(s, m);
            cJSON_AddTrueToObject(json, "success");
        } else {
            url_new_locked(s, m, host && host[0] ? host : local, url, sizeof url);
            hex(m->digest, 32, digest);
            cJSON_AddStringToObject(json, "messaging_product", "whatsapp");
            cJSON_AddStringToObject(json, "url", url);
            cJSON_AddStringToObject(json, "mime_type", m->type);
            cJSON_AddStringToObject(json, "sha256", digest);
            cJSON_AddNumberToObject(json, "file_size", (double)m->blob->n);
            cJSON_AddStringToObject(json, "id", m->id);
        }
    }
    pthread_mutex_unlock(&s->lock);
    if (json)
        return http_json(r, 200, json);
    struct gerr e = {.code = 100, .subcode = 33};
    snprintf(e.details, sizeof e.details, "Object with ID '%.40s' does not exist or was removed.", id);
    return graph_error(r, &e);
}

bool media_is_download(const char *path)
{
    return !strcmp(path, "/whatsapp_business/attachments/");
}

/* Gives the bytes up to the middle and then breaks the connection off. */
static ssize_t read_half(void *cls, uint64_t pos, char *buf, size_t max)
{
    struct blob *b = cls;
    size_t end = b->n / 2;
    if (pos >= end)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    size_t n = end - (size_t)pos < max ? end - (size_t)pos : max;
    memcpy(buf, b->data + pos, n);
    return (ssize_t)n;
}

static ssize_t read_wrong(void *cls, uint64_t pos, char *buf, size_t max)
{
    struct blob *b = cls;
    size_t n = b->n - (size_t)pos < max ? b->n - (size_t)pos : max;
    memcpy(buf, b->data + pos, n);
    if (pos == 0 && n)
        buf[0] = (char)(buf[0] ^ 0x55);
    return (ssize_t)n;
}

static enum MHD_Result answer_bytes(struct request *r, struct blob *b, const char *type,
                                    enum media_fault fault)
{
    struct MHD_Response *response;
    if (fault == MEDIA_TRUNCATE || fault == MEDIA_WRONG_BYTES)
        response = MHD_create_response_from_callback(
            b->n, 64 * 1024, fault == MEDIA_TRUNCATE ? read_half : read_wrong, b, blob_unref);
    else
        response = MHD_create_response_from_buffer_with_free_callback_cls(b->n, b->data, blob_unref, b);
    if (!response) {
        blob_unref(b);
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    enum MHD_Result rc = MHD_queue_response(r->conn, 200, response);
    MHD_destroy_response(response);
    return rc;
}

enum MHD_Result media_download(struct request *r)
{
    struct sim *s = r->sim;
    const char *id = http_query(r, "mid"), *token = http_query(r, "hash"),
               *agent = http_header(r, "User-Agent");
    char type[96] = "";
    struct blob *blob = NULL;
    if (!graph_authorised(r))
        return http_text(r, 401, "text/plain", "Unauthorized\n");
    if (!agent || !agent[0])
        return http_text(r, 400, "text/plain", "A media download needs a User-Agent.\n");
    enum media_fault fault = draw(s, false);
    if (fault == MEDIA_DROP)
        return MHD_NO;
    if (fault == MEDIA_500)
        return http_text(r, 500, "text/html", "<html><body>Sorry, something went wrong.</body></html>\n");
    if (fault == MEDIA_404)
        return http_text(r, 404, "text/plain", "URL signature expired\n");
    pthread_mutex_lock(&s->lock);
    struct media *m = id ? media_find_locked(s, id) : NULL;
    for (int i = 0; m && token && i < MEDIA_URLS; i++) {
        if (!m->token[i][0] || strcmp(m->token[i], token) || mono_us() >= m->expires_us[i] || m->uses[i] <= 0)
            continue;
        m->uses[i]--;
        blob = m->blob;
        blob->refs++;
        copy_text(type, sizeof type, m->type);
        s->counts.downloads++;
        break;
    }
    pthread_mutex_unlock(&s->lock);
    if (!blob)
        return http_text(r, 404, "text/plain", "URL signature expired\n");
    return answer_bytes(r, blob, type, fault);
}
