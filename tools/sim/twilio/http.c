/* HTTP both ways: libmicrohttpd with a thread for each connection, so that a handler may wait, and libcurl.
 */
#include "sim.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *http_header(const struct request *r, const char *name)
{
    return MHD_lookup_connection_value(r->conn, MHD_HEADER_KIND, name);
}

const char *http_query(const struct request *r, const char *name)
{
    return MHD_lookup_connection_value(r->conn, MHD_GET_ARGUMENT_KIND, name);
}

enum MHD_Result http_answer(struct request *r, unsigned status, const char *type, const void *p, size_t n,
                            const char *header, const char *value)
{
    struct MHD_Response *response = must(
        MHD_create_response_from_buffer(n, must(memcpy(must(malloc(n + 1)), p, n)), MHD_RESPMEM_MUST_FREE));
    enum MHD_Result rc;

    MHD_add_response_header(response, "Content-Type", type);
    if (header)
        MHD_add_response_header(response, header, value);
    rc = MHD_queue_response(r->conn, status, response);
    MHD_destroy_response(response);
    return rc;
}

enum MHD_Result http_json(struct request *r, unsigned status, cJSON *json)
{
    char *text = must(cJSON_PrintUnformatted(json));
    enum MHD_Result rc = http_answer(r, status, "application/json", text, strlen(text), NULL, NULL);

    free(text);
    cJSON_Delete(json);
    return rc;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *conn, const char *url, const char *method,
                                  const char *version, const char *data, size_t *n, void **state)
{
    struct request *r = *state;

    (void)version;
    if (!r) {
        r = must(calloc(1, sizeof *r));
        *r = (struct request){.sim = cls, .conn = conn, .method = method, .path = url};
        *state = r;
        return MHD_YES;
    }
    if (*n) {
        if (*n > BODY_MAX - r->body.n)
            return MHD_NO;
        sbuf_add(&r->body, data, *n);
        *n = 0;
        return MHD_YES;
    }
    return strncmp(url, "/_sim/", 6) != 0 ? api_handle(r) : control_handle(r);
}

static void on_done(void *cls, struct MHD_Connection *conn, void **state,
                    enum MHD_RequestTerminationCode code)
{
    struct request *r = *state;

    (void)cls;
    (void)conn;
    (void)code;
    if (r)
        free(r->body.p);
    free(r);
    *state = NULL;
}

bool http_start(struct sim *s, unsigned port)
{
    struct sockaddr_in sin = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const union MHD_DaemonInfo *info;

    s->daemon = MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, (uint16_t)port, NULL,
        NULL, on_request, s, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&sin, MHD_OPTION_NOTIFY_COMPLETED,
        on_done, NULL, MHD_OPTION_CONNECTION_LIMIT, 1024u, MHD_OPTION_END);
    info = s->daemon ? MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
    s->port = info ? info->port : port;
    return s->daemon != NULL;
}

static size_t take(char *p, size_t size, size_t n, void *arg)
{
    struct sbuf *b = arg;

    if (b->n + size * n > BODY_MAX)
        return 0;
    sbuf_add(b, p, size * n);
    return size * n;
}

void http_call(const char *url, const char *body, const char *type, const char *signature, int64_t timeout_ms,
               struct http_result *out)
{
    CURL *c = must(curl_easy_init());
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    char line[160], *got = NULL;

    memset(out, 0, sizeof *out);
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, &out->body);
    if (signature) {
        snprintf(line, sizeof line, "X-Twilio-Signature: %s", signature);
        list = curl_slist_append(list, line);
    }
    if (body) {
        snprintf(line, sizeof line, "Content-Type: %s", type);
        list = curl_slist_append(list, line);
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
    }
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, list);
    if (curl_easy_perform(c) == CURLE_OK) {
        curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &out->status);
        curl_easy_getinfo(c, CURLINFO_CONTENT_TYPE, &got);
        if (got)
            (void)copy(out->type, sizeof out->type, got);
    }
    curl_slist_free_all(list);
    curl_easy_cleanup(c);
}
