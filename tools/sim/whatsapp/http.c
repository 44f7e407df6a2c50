/* The simulator's HTTP server: libmicrohttpd with a thread for each connection, so that a handler may wait.
 *
 * A request is gathered whole (within its limit) and then given to the Graph API or to the control API. */
#include "sim.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *http_header(const struct request *r, const char *name)
{
    return MHD_lookup_connection_value(r->conn, MHD_HEADER_KIND, name);
}

const char *http_query(const struct request *r, const char *name)
{
    return MHD_lookup_connection_value(r->conn, MHD_GET_ARGUMENT_KIND, name);
}

int64_t http_query_int(const struct request *r, const char *name, int64_t absent)
{
    const char *text = http_query(r, name);
    return text && is_digits(text, 1, 15) ? atoll(text) : absent;
}

static enum MHD_Result answer(struct request *r, unsigned status, const char *type, char *text, size_t n,
                              int64_t retry_after_s)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(n, text, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        free(text);
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    if (retry_after_s > 0) {
        char seconds[24];
        snprintf(seconds, sizeof seconds, "%lld", (long long)retry_after_s);
        MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
    }
    enum MHD_Result rc = MHD_queue_response(r->conn, status, response);
    MHD_destroy_response(response);
    return rc;
}

enum MHD_Result http_json_retry(struct request *r, unsigned status, cJSON *json, int64_t retry_after_s)
{
    char *text = xprint(json);
    cJSON_Delete(json);
    return answer(r, status, "application/json; charset=UTF-8", text, strlen(text), retry_after_s);
}

enum MHD_Result http_json(struct request *r, unsigned status, cJSON *json)
{
    return http_json_retry(r, status, json, 0);
}

enum MHD_Result http_text(struct request *r, unsigned status, const char *type, const char *text)
{
    return answer(r, status, type, xstrdup(text), strlen(text), 0);
}

void http_sleep(struct sim *s, int64_t ms)
{
    int64_t until = mono_us() + ms * 1000;
    struct timespec ts = {.tv_sec = until / 1000000, .tv_nsec = until % 1000000 * 1000};
    pthread_mutex_lock(&s->lock);
    while (!s->stopping && mono_us() < until)
        pthread_cond_timedwait(&s->stop, &s->lock, &ts);
    pthread_mutex_unlock(&s->lock);
}

static void copy_part(char *out, size_t cap, const char *data, uint64_t off, size_t n)
{
    if (off >= cap || n >= cap - off) { /* too long for any value that is accepted: leave it empty */
        out[0] = 0;
        return;
    }
    memcpy(out + off, data, n);
    out[off + n] = 0;
}

static enum MHD_Result on_part(void *cls, enum MHD_ValueKind kind, const char *key, const char *filename,
                               const char *content_type, const char *encoding, const char *data, uint64_t off,
                               size_t n)
{
    struct request *r = cls;
    (void)kind;
    (void)encoding;
    if (!strcmp(key, "messaging_product")) {
        copy_part(r->field_product, sizeof r->field_product, data, off, n);
    } else if (!strcmp(key, "type")) {
        copy_part(r->field_type, sizeof r->field_type, data, off, n);
    } else if (!strcmp(key, "file")) {
        r->has_file = true;
        if (filename)
            copy_text(r->file_name, sizeof r->file_name, filename);
        if (content_type)
            copy_text(r->file_type, sizeof r->file_type, content_type);
        if (n > r->body_max - r->file.n)
            r->too_large = true;
        else
            sbuf_add(&r->file, data, n);
    }
    return MHD_YES;
}

static struct request *request_new(struct sim *s, struct MHD_Connection *conn, const char *method,
                                   const char *url)
{
    struct request *r = xcalloc(1, sizeof *r);
    *r = (struct request){.sim = s, .conn = conn, .method = method, .path = url, .body_max = JSON_BODY_MAX};
    size_t n = strlen(url);
    if (!strncmp(url, "/_sim/", 6)) {
        r->body_max = CONTROL_BODY_MAX;
    } else if (n > 6 && !strcmp(url + n - 6, "/media") && !strcmp(method, "POST")) {
        r->body_max = UPLOAD_MAX;
        const char *type = http_header(r, "Content-Type");
        if (type && !strncasecmp(type, "multipart/form-data", 19))
            r->post = MHD_create_post_processor(conn, 64 * 1024, on_part, r);
        r->upload = r->post != NULL;
    }
    return r;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *conn, const char *url, const char *method,
                                  const char *version, const char *data, size_t *n, void **state)
{
    struct request *r = *state;
    (void)version;
    if (!r) {
        *state = request_new(cls, conn, method, url);
        return MHD_YES;
    }
    if (*n) {
        if (r->post)
            MHD_post_process(r->post, data, *n); /* a broken form shows as missing parts */
        else if (*n > r->body_max - r->body.n)
            r->too_large = true;
        else
            sbuf_add(&r->body, data, *n);
        *n = 0;
        return MHD_YES;
    }
    if (r->post) { /* hands over what it still holds */
        MHD_destroy_post_processor(r->post);
        r->post = NULL;
    }
    return strncmp(url, "/_sim/", 6) ? graph_handle(r) : control_handle(r);
}

static void on_done(void *cls, struct MHD_Connection *conn, void **state,
                    enum MHD_RequestTerminationCode code)
{
    struct request *r = *state;
    (void)cls;
    (void)conn;
    (void)code;
    if (!r)
        return;
    if (r->post)
        MHD_destroy_post_processor(r->post);
    sbuf_free(&r->body);
    sbuf_free(&r->file);
    free(r);
    *state = NULL;
}

bool http_start(struct sim *s, const char *address, uint16_t port, char *why, size_t why_cap)
{
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, address, &sin.sin_addr) != 1) {
        snprintf(why, why_cap, "--address %s: not an IPv4 address", address);
        return false;
    }
    s->daemon =
        MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, port,
                         NULL, NULL, on_request, s, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&sin,
                         MHD_OPTION_NOTIFY_COMPLETED, on_done, NULL, MHD_OPTION_CONNECTION_LIMIT, 4096u,
                         MHD_OPTION_THREAD_STACK_SIZE, (size_t)1024 * 1024, MHD_OPTION_END);
    if (!s->daemon) {
        snprintf(why, why_cap, "cannot listen on %s:%u: %s", address, port, strerror(errno));
        return false;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT);
    s->port = info ? info->port : port;
    return true;
}

void http_stop(struct sim *s)
{
    if (s->daemon)
        MHD_stop_daemon(s->daemon);
    s->daemon = NULL;
}
