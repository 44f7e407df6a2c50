/*
 * The gateway's HTTP API by libcurl: over the control socket, or to a URL with a key.
 *
 * Limits: answers of up to ANSWER_MAX bytes but for downloads; a connection that moves
 * nothing for STALL_S seconds has failed; redirects are not followed, for a key must not
 * travel on. What a request did when its answer was lost is unknown: it is said so, with
 * the Idempotency-Key that makes it safe to repeat.
 */
#include "cli.h"
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#define CONTROL_DEFAULT "/var/lib/hilo/control.sock"
enum { CONNECT_S = 10, STALL_S = 60, ANSWER_MAX = 64 << 20 };

struct client {
    CURL *curl;
    const char *socket; /* NULL: by url */
    const char *url, *key;
    size_t url_n; /* without slashes at its end */
    char error[CURL_ERROR_SIZE];
};

/* One request. */
struct call {
    struct client *client;
    const char *method, *path, *idempotency;
    const char *json; /* the body, if it is JSON */
    const struct upload *upload;
    struct text *body;
    FILE *file; /* where a 2xx answer's body goes instead, if not NULL */
    bool (*take)(void *arg, const char *p, size_t n); /* who takes it as it comes, if not NULL */
    void *arg;
    const char *last_event;
    bool enough; /* take said so */
    long status;
    bool too_long;
    int disk; /* errno of a failed write to file */
    struct curl_slist *headers;
};

/* ---- where to ------------------------------------------------------------------------------- */

static bool client__url_valid(const char *url)
{
    CURLU *u = curl_url();
    char *scheme = NULL, *query = NULL, *user = NULL;
    bool ok = u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
              (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0) &&
              curl_url_get(u, CURLUPART_QUERY, &query, 0) == CURLUE_NO_QUERY &&
              curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_NO_USER;

    curl_free(scheme);
    curl_free(query);
    curl_free(user);
    curl_url_cleanup(u);
    return ok;
}

static const char *client__env(const char *name)
{
    const char *v = getenv(name);

    return v && v[0] ? v : NULL;
}

/* The key of the environment belongs to a gateway elsewhere; on the control socket one is
 * known by one's user, and sends only the key that was asked for. */
static int client__where(const struct cli *cli, struct client *c)
{
    const char *control = arg(cli, "control"), *env_url = client__env("HILO_URL");

    c->url = arg(cli, "url");
    if (c->url && control)
        return usage_error(cli, "--url and --control are two ways to one gateway: give one of them");
    if (!c->url && !control)
        c->url = env_url;
    c->key = arg(cli, "key");
    if (c->url) {
        if (!client__url_valid(c->url))
            return usage_error(cli, "\"%s\" is no URL of a gateway: write https://host or http://host:port",
                               c->url);
        if (!c->key)
            c->key = client__env("HILO_KEY");
        if (!c->key)
            return usage_error(cli, "a gateway at a URL wants a key: --key, or HILO_KEY in the environment");
        c->url_n = strlen(c->url);
        while (c->url_n && c->url[c->url_n - 1] == '/')
            c->url_n--;
        return EXIT_OK;
    }
    c->socket = control ? control : client__env("HILO_CONTROL");
    if (!c->socket)
        c->socket = CONTROL_DEFAULT;
    if (strlen(c->socket) >= sizeof((struct sockaddr_un *)0)->sun_path)
        return usage_error(cli, "%s: the path of a socket has at most %zu bytes", c->socket,
                           sizeof((struct sockaddr_un *)0)->sun_path - 1);
    c->url = "http://localhost";
    c->url_n = strlen(c->url);
    return EXIT_OK;
}

int client_new(const struct cli *cli, struct client **out)
{
    struct client *c = calloc(1, sizeof *c);
    int rc = EXIT_REFUSED;

    if (!c || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(c->curl = curl_easy_init())) {
        complain("out of memory");
        goto out;
    }
    if ((rc = client__where(cli, c)) != EXIT_OK)
        goto out;
    *out = c;
    return EXIT_OK;
out:
    client_free(&c);
    return rc;
}

void client_free(struct client **c)
{
    if (!*c)
        return;
    curl_easy_cleanup((*c)->curl);
    free(*c);
    *c = NULL;
    curl_global_cleanup();
}

/* ---- one request ------------------------------------------------------------------------------ */

static size_t call__take(char *p, size_t size, size_t n, void *arg)
{
    struct call *k = arg;
    long status = 0;

    n *= size;
    (void)curl_easy_getinfo(k->client->curl, CURLINFO_RESPONSE_CODE, &status);
    if (k->file && status / 100 == 2) {
        if (fwrite(p, 1, n, k->file) == n)
            return n;
        k->disk = errno ? errno : EIO;
        return 0;
    }
    if (k->take && status / 100 == 2) {
        k->enough = !k->take(k->arg, p, n);
        return k->enough ? 0 : n;
    }
    if (n > ANSWER_MAX - k->body->n) {
        k->too_long = true;
        return 0;
    }
    text_add_n(k->body, p, n);
    return n;
}

static size_t call__give(char *p, size_t size, size_t n, void *arg)
{
    const struct upload *up = arg;
    size_t got = fread(p, 1, size * n, up->file);

    return got == 0 && ferror(up->file) ? CURL_READFUNC_ABORT : got;
}

/* What stands in a header: no line may begin within it. */
static bool client__header_valid(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            return false;
    return true;
}

static bool call__header(struct call *k, const char *name, const char *value)
{
    struct text line = {0};
    struct curl_slist *more;

    text_fmt(&line, "%s%s%s", name, value ? ": " : ":", value ? value : "");
    more = curl_slist_append(k->headers, text_z(&line));
    text_done(&line);
    if (more)
        k->headers = more;
    return more != NULL;
}

static bool call__set(struct call *k)
{
    struct client *c = k->client;
    struct text url = {0}, bearer = {0};
    bool ok;

    curl_easy_reset(c->curl);
    text_add_n(&url, c->url, c->url_n);
    text_add(&url, k->path);
    if (c->key)
        text_fmt(&bearer, "Bearer %s", c->key);
    ok = call__header(k, "Expect", NULL) && (!c->key || call__header(k, "Authorization", text_z(&bearer))) &&
         (!k->idempotency || call__header(k, "Idempotency-Key", k->idempotency)) &&
         (!k->json || call__header(k, "Content-Type", "application/json")) &&
         (!k->upload || call__header(k, "Content-Type", k->upload->type)) &&
         (!k->last_event || call__header(k, "Last-Event-ID", k->last_event)) &&
         (k->file || call__header(k, "Accept", k->take ? "text/event-stream" : "application/json"));
#define SET(option, value) (ok = ok && curl_easy_setopt(c->curl, option, value) == CURLE_OK)
    SET(CURLOPT_URL, text_z(&url));
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_ERRORBUFFER, c->error);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
    SET(CURLOPT_LOW_SPEED_TIME, (long)STALL_S);
    SET(CURLOPT_USERAGENT, "hilo/" HILO_VERSION);
    SET(CURLOPT_WRITEFUNCTION, call__take);
    SET(CURLOPT_WRITEDATA, k);
    if (c->socket)
        SET(CURLOPT_UNIX_SOCKET_PATH, c->socket); /* no proxy is asked then */
    if (k->upload) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_READFUNCTION, call__give);
        SET(CURLOPT_READDATA, k->upload);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)k->upload->bytes);
    } else if (k->json) {
        SET(CURLOPT_POSTFIELDS, k->json);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(k->json));
    } else if (strcmp(k->method, "POST") == 0) {
        SET(CURLOPT_POSTFIELDS, "");
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)0);
    }
    SET(CURLOPT_CUSTOMREQUEST, k->method);
    SET(CURLOPT_HTTPHEADER, k->headers);
#undef SET
    text_done(&url);
    text_done(&bearer);
    return ok;
}

/* ---- what went wrong ------------------------------------------------------------------------- */

static void say__socket(const char *path, long os)
{
    if (os == ENOENT || os == ENOTDIR)
        complain("there is no control socket at %s: is hilod running? Start it, or name its socket "
                 "(http.control, or control.sock in its data_dir) by --control or HILO_CONTROL",
                 path);
    else if (os == ECONNREFUSED)
        complain("nobody answers on the control socket %s: hilod has stopped; start it again", path);
    else if (os == EACCES || os == EPERM)
        complain("not allowed to use the control socket %s: run as root or as the user of hilod, or use "
                 "--url with a key",
                 path);
    else
        complain("can't connect to the control socket %s: %s", path,
                 os ? strerror((int)os) : "no connection");
}

static int say__failure(const struct call *k, CURLcode rc)
{
    const struct client *c = k->client;
    const char *why = c->error[0] ? c->error : curl_easy_strerror(rc);
    bool unsafe = strcmp(k->method, "GET") != 0;
    long os = 0;

    (void)curl_easy_getinfo(c->curl, CURLINFO_OS_ERRNO, &os);
    if (k->too_long) {
        complain("the answer is longer than %d MiB", ANSWER_MAX >> 20);
        return EXIT_REFUSED;
    }
    if (k->disk) {
        complain("can't write the file: %s", strerror(k->disk));
        return EXIT_REFUSED;
    }
    if (rc == CURLE_ABORTED_BY_CALLBACK) {
        complain("can't read the file to its end");
        return EXIT_REFUSED;
    }
    if (rc == CURLE_COULDNT_CONNECT && c->socket) {
        say__socket(c->socket, os);
    } else if (rc == CURLE_COULDNT_CONNECT || rc == CURLE_COULDNT_RESOLVE_HOST) {
        complain("can't reach the gateway at %.*s: %s", (int)c->url_n, c->url, why);
    } else {
        complain("the gateway at %.*s gave no whole answer: %s",
                 (int)(c->socket ? strlen(c->socket) : c->url_n), c->socket ? c->socket : c->url, why);
        if (unsafe && k->idempotency)
            complain(
                "whether it was done is unknown; repeat it with --idempotency-key %s and it is done once",
                k->idempotency);
        else if (unsafe)
            complain("whether it was done is unknown; look before you repeat it");
    }
    return EXIT_UNREACHABLE;
}

/* Of a configuration: "file:line:column: text", as hilod says them. */
static void say__faults(const cJSON *faults)
{
    const cJSON *f;

    cJSON_ArrayForEach(f, faults)
    {
        const cJSON *line = json_at(f, "line"), *column = json_at(f, "column");
        struct text t = {0};

        text_add_shown(&t, json_text(f, "file"));
        if (cJSON_IsNumber(line) && cJSON_IsNumber(column))
            text_fmt(&t, ":%.0f:%.0f", line->valuedouble, column->valuedouble);
        text_add(&t, ": ");
        text_add_shown(&t, json_text(f, "text"));
        (void)fprintf(stderr, "%s\n", text_z(&t));
        text_done(&t);
    }
}

/* "hilo: code at /pointer: text (HTTP 422)". */
static void say__refusal(const struct answer *a)
{
    struct text line = {0};
    const cJSON *after = json_at(a->json, "retry_after");
    const char *code = json_text(a->json, "code"), *pointer = json_text(a->json, "pointer"),
               *detail = json_text(a->json, "detail");

    if (!detail[0])
        detail = json_text(a->json, "title");
    text_add_shown(&line, code[0] ? code : "refused");
    if (pointer[0]) {
        text_add(&line, " at ");
        text_add_shown(&line, pointer);
    }
    text_add(&line, ": ");
    if (detail[0])
        text_add_shown(&line, detail);
    else
        text_add(&line, "the answer is not one of a Hilo gateway; is the URL right?");
    text_fmt(&line, " (HTTP %ld)", a->status);
    complain("%s", text_z(&line));
    text_done(&line);
    if (cJSON_IsNumber(after))
        complain("try again in %.0f s", after->valuedouble);
    say__faults(json_at(a->json, "faults"));
}

/* ---- calls ------------------------------------------------------------------------------------ */

void answer_done(struct answer *a)
{
    cJSON_Delete(a->json);
    text_done(&a->body);
    *a = (struct answer){0};
}

static int call__run(struct cli *cli, struct call *k, struct answer *out)
{
    struct answer a = {0};
    CURLcode curl;
    int rc = EXIT_REFUSED;

    k->client = cli->client;
    k->body = &a.body;
    if ((k->idempotency && !client__header_valid(k->idempotency)) ||
        (k->upload && !client__header_valid(k->upload->type)) ||
        (k->client->key && !client__header_valid(k->client->key))) {
        rc = usage_error(cli, "a key or a type has control characters");
        goto out;
    }
    if (!call__set(k)) {
        complain("the request can't be made: out of memory");
        goto out;
    }
    curl = curl_easy_perform(k->client->curl);
    (void)curl_easy_getinfo(k->client->curl, CURLINFO_RESPONSE_CODE, &k->status);
    if (k->enough) {
        rc = EXIT_OK;
        goto out;
    }
    if (curl != CURLE_OK) {
        rc = say__failure(k, curl);
        goto out;
    }
    a.status = k->status;
    a.json = a.body.n ? cJSON_ParseWithLength(a.body.p, a.body.n) : NULL;
    if (a.status / 100 != 2) {
        if (cli->json && a.json)
            show_json(&a);
        say__refusal(&a);
        goto out;
    }
    if (!k->file && !k->take && a.status != 204 && !cJSON_IsObject(a.json)) {
        complain("the answer to %s %s is no JSON object; is the URL that of a Hilo gateway?", k->method,
                 k->path);
        goto out;
    }
    *out = a;
    a = (struct answer){0};
    rc = EXIT_OK;
out:
    curl_slist_free_all(k->headers);
    answer_done(&a);
    return rc;
}

int client_call(struct cli *cli, const char *method, const char *path, const cJSON *body,
                const char *idempotency, struct answer *out)
{
    struct call k = {.method = method, .path = path, .idempotency = idempotency};
    char *json = NULL;
    int rc;

    if (body && !(json = cJSON_PrintUnformatted(body))) {
        complain("out of memory");
        return EXIT_REFUSED;
    }
    k.json = json;
    rc = call__run(cli, &k, out);
    cJSON_free(json);
    return rc;
}

int client_stream(struct cli *cli, const char *path, const char *last_event,
                  bool (*take)(void *arg, const char *p, size_t n), void *arg, long *status_out)
{
    struct call k = {.method = "GET", .path = path, .take = take, .arg = arg, .last_event = last_event};
    struct answer a = {0};
    int rc = call__run(cli, &k, &a);

    answer_done(&a);
    *status_out = k.status;
    return rc;
}

int client_upload(struct cli *cli, const char *path, const struct upload *up, const char *idempotency,
                  struct answer *out)
{
    struct call k = {.method = "POST", .path = path, .upload = up, .idempotency = idempotency};

    return call__run(cli, &k, out);
}

int client_download(struct cli *cli, const char *path, FILE *file)
{
    struct call k = {.method = "GET", .path = path, .file = file};
    struct answer a = {0};
    int rc = call__run(cli, &k, &a);

    answer_done(&a);
    return rc;
}
