/* See till_keep.h. */
#include "till_keep.h"
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

enum { WINDOW = 8, ITEMS = 4096, LINE = 65536 };

/* One of the queue, in the order in which it was told; done: it was answered. */
struct item {
    char *frame;
    int tag;
    bool done;
};

struct keep {
    struct till_id id;
    struct till_line line;
    SSL_SESSION *session;
    bool up;
    struct item item[ITEMS];
    unsigned n, first, sent; /* first that is not done, first that was not sent on this line */
    int journal;
    char in[LINE];
    size_t in_n;
    bool in_ended;
    unsigned seed;
    int port;
};

static const char *in_folder(const char *folder, const char *name)
{
    static char path[512];

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

void till_keep_make(const char *folder, const struct till_id *id)
{
    char *cert = cert_pem(id->cert), *key = cert_key_pem(id->key);

    assert_int_equal(mkdir(folder, 0700), 0);
    file_write(in_folder(folder, "cert"), cert);
    file_write(in_folder(folder, "key"), key);
    file_write(in_folder(folder, "ca"), id->ca);
    free(cert);
    free(key);
}

/* ---- on disk: "Q tag frame" when it is told, "D tag" when it is answered ---- */

static void journal_add(struct keep *k, const char *line)
{
    size_t n = strlen(line);

    assert_int_equal(write(k->journal, line, n), (ssize_t)n);
    assert_int_equal(fdatasync(k->journal), 0);
}

static struct item *item_of(struct keep *k, int tag)
{
    for (unsigned i = 0; i < k->n; i++)
        if (k->item[i].tag == tag)
            return &k->item[i];
    return NULL;
}

static void item_add(struct keep *k, int tag, const char *frame)
{
    assert_true(k->n < ITEMS);
    k->item[k->n] = (struct item){strdup(frame), tag, false};
    k->n++;
}

static void keep_open(struct keep *k, const char *folder)
{
    char *text, *line, *save = NULL;
    size_t n;
    BIO *b;

    text = file_read(in_folder(folder, "cert"), &n);
    k->id.cert = cert_read(text);
    free(text);
    text = file_read(in_folder(folder, "key"), &n);
    b = BIO_new_mem_buf(text, (int)n);
    k->id.key = PEM_read_bio_PrivateKey(b, NULL, NULL, NULL);
    BIO_free(b);
    free(text);
    k->id.ca = file_read(in_folder(folder, "ca"), &n);
    k->journal = open(in_folder(folder, "queue"), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(k->journal >= 0);
    text = file_read(in_folder(folder, "queue"), &n);
    /* A last line without its end was never said to be kept. */
    while (n > 0 && text[n - 1] != '\n')
        text[--n] = 0;
    assert_int_equal(ftruncate(k->journal, (off_t)n), 0);
    for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *rest;
        int tag = (int)strtol(line + 2, &rest, 10);

        if (line[0] == 'Q')
            item_add(k, tag, rest + 1);
        else if (item_of(k, tag))
            item_of(k, tag)->done = true;
    }
    free(text);
}

/* ---- standard input ---- */

static void keep_told(struct keep *k, const char *text)
{
    cJSON *in = cJSON_Parse(text), *frame = cJSON_CreateObject(), *params;
    int tag = (int)cJSON_GetNumberValue(cJSON_GetObjectItem(in, "tag"));
    char id[32], at[32], *json, *line;
    time_t now = time(NULL);
    struct tm tm;

    assert_non_null(in);
    if (!item_of(k, tag)) {
        (void)snprintf(id, sizeof id, "keep-%d", tag);
        (void)strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
        params = cJSON_DetachItemFromObject(in, "params");
        cJSON_AddStringToObject(params, "at", at);
        cJSON_AddStringToObject(params, "clerk", "eva");
        cJSON_AddStringToObject(frame, "jsonrpc", "2.0");
        cJSON_AddStringToObject(frame, "id", id);
        cJSON_AddItemToObject(frame, "method", cJSON_DetachItemFromObject(in, "method"));
        cJSON_AddItemToObject(frame, "params", params);
        json = cJSON_PrintUnformatted(frame);
        assert_true(asprintf(&line, "Q %d %s\n", tag, json) > 0);
        journal_add(k, line);
        item_add(k, tag, json);
        cJSON_free(json);
        free(line);
    }
    printf("{\"event\":\"queued\",\"tag\":%d}\n", tag);
    (void)fflush(stdout);
    cJSON_Delete(in);
    cJSON_Delete(frame);
}

static void keep_read(struct keep *k)
{
    ssize_t n = read(STDIN_FILENO, k->in + k->in_n, sizeof k->in - k->in_n - 1);
    char *lf;

    if (n <= 0) {
        k->in_ended = true;
        return;
    }
    k->in_n += (size_t)n;
    while ((lf = memchr(k->in, '\n', k->in_n))) {
        *lf = 0;
        keep_told(k, k->in);
        k->in_n -= (size_t)(lf + 1 - k->in);
        memmove(k->in, lf + 1, k->in_n);
    }
}

/* ---- the line ---- */

static void keep_down(struct keep *k)
{
    if (k->up && k->line.session) {
        SSL_SESSION_free(k->session);
        k->session = k->line.session;
        k->line.session = NULL;
    }
    till_close(&k->line);
    ERR_clear_error();
    k->up = false;
}

static void keep_up(struct keep *k)
{
    const struct till_dial d = {.port = k->port, .id = &k->id, .alpn = "hilo-pos/1", .session = k->session};
    const struct timespec pause = {0, 1000000L * (1 + rand_r(&k->seed) % 40)};
    cJSON *hello = NULL;

    k->up = till_dial(&k->line, &d);
    if (k->up)
        hello = till_call(&k->line, "hello", "hello", "{\"protocol\":1,\"software\":\"keep 1\"}");
    if (!hello || !json_at(hello, "result")) {
        keep_down(k);
        (void)nanosleep(&pause, NULL); /* full jitter, of a till in a hurry */
    }
    cJSON_Delete(hello);
    while (k->first < k->n && k->item[k->first].done)
        k->first++;
    k->sent = k->first;
}

/* Whatever of the queue may be sent. */
static void keep_send(struct keep *k)
{
    unsigned open = 0;

    while (k->first < k->n && k->item[k->first].done)
        k->first++;
    for (unsigned i = k->first; i < k->sent; i++)
        open += k->item[i].done ? 0 : 1;
    for (; k->up && k->sent < k->n && open < WINDOW; k->sent++) {
        if (k->item[k->sent].done)
            continue;
        open++;
        if (!till_puts(&k->line, k->item[k->sent].frame) || !till_puts(&k->line, "\n"))
            keep_down(k);
    }
}

/* false: it was told to come again. */
static bool keep_answered(struct keep *k, const cJSON *frame)
{
    const char *id = cJSON_GetStringValue(cJSON_GetObjectItem(frame, "id"));
    const cJSON *code = json_at(frame, "error/code");
    struct item *item;
    char line[64];
    int tag = id ? atoi(id + strlen("keep-")) : -1;

    if (code && code->valueint == -32000)
        return false;
    item = item_of(k, tag);
    if (!item || item->done)
        return true;
    item->done = true;
    (void)snprintf(line, sizeof line, "D %d\n", tag);
    journal_add(k, line);
    if (code) {
        char *text = cJSON_PrintUnformatted(frame);

        printf("{\"event\":\"answer\",\"tag\":%d,\"error\":%s}\n", tag, text);
        cJSON_free(text);
    } else {
        printf("{\"event\":\"answer\",\"tag\":%d}\n", tag);
    }
    (void)fflush(stdout);
    return true;
}

static void keep_hear(struct keep *k)
{
    cJSON *frame = till_json(&k->line);
    char ack[256];

    if (!frame) {
        keep_down(k);
    } else if (cJSON_HasObjectItem(frame, "method")) {
        (void)snprintf(ack, sizeof ack, "{\"jsonrpc\":\"2.0\",\"id\":\"%s\",\"result\":{}}\n",
                       cJSON_GetStringValue(cJSON_GetObjectItem(frame, "id")));
        if (!till_puts(&k->line, ack))
            keep_down(k);
    } else if (!keep_answered(k, frame)) {
        keep_down(k);
    }
    cJSON_Delete(frame);
}

int till_keep_run(const char *folder, int port)
{
    struct keep *k = calloc(1, sizeof *k);

    assert_non_null(k);
    (void)signal(SIGPIPE, SIG_IGN);
    k->port = port;
    k->seed = (unsigned)getpid();
    keep_open(k, folder);
    for (;;) {
        struct pollfd p[2] = {{STDIN_FILENO, POLLIN, 0}, {-1, POLLIN, 0}};

        if (!k->up)
            keep_up(k);
        keep_send(k);
        if (k->in_ended && k->first == k->n)
            break;
        if (k->in_ended)
            p[0].fd = -1;
        p[1].fd = k->up ? k->line.fd : -1;
        if (poll(p, 2, !k->up || till_more(&k->line) ? 0 : -1) < 0)
            continue;
        if (p[0].revents)
            keep_read(k);
        if (k->up && (p[1].revents || till_more(&k->line)))
            keep_hear(k);
    }
    till_close(&k->line);
    SSL_SESSION_free(k->session);
    till_id_done(&k->id);
    for (unsigned i = 0; i < k->n; i++)
        free(k->item[i].frame);
    (void)close(k->journal);
    free(k);
    return 0;
}
