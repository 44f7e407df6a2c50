/*
 * The head is read by http_parser (strict, as Node.js had it), into a few fields of fixed size; a
 * field that does not fit is as wrong as one that is not there.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "upgrade.h"

#include <http_parser.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { VALUE_MAX = 256 };

/* What is looked at; a header that comes twice is joined by a comma, as HTTP has it. */
enum {
    HEAD_NONE = -1,
    HEAD_UPGRADE,
    HEAD_KEY,
    HEAD_VERSION,
    HEAD_PROTOCOL,
    HEAD_ORIGIN,
    HEAD_HOST,
    HEAD_COUNT
};
static const char *const field_name[] = {
    "Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Protocol", "Origin", "Host"};

struct head {
    char url[VALUE_MAX], name[64], value[HEAD_COUNT][VALUE_MAX];
    bool given[HEAD_COUNT], overflow, in_value, done, body;
    int field;
};

static void append(struct head *h, char *to, size_t cap, const char *p, size_t n)
{
    size_t have = strlen(to);

    if (memchr(p, '\0', n) || n >= cap - have) {
        h->overflow = true;
        return;
    }
    memcpy(to + have, p, n);
    to[have + n] = '\0';
}

static int on_url(http_parser *hp, const char *p, size_t n)
{
    struct head *h = hp->data;

    append(h, h->url, sizeof h->url, p, n);
    return 0;
}

static int on_field(http_parser *hp, const char *p, size_t n)
{
    struct head *h = hp->data;

    if (h->in_value)
        h->name[0] = '\0';
    h->in_value = false;
    /* Longer names are of headers that nobody asks for here. */
    if (strlen(h->name) + n < sizeof h->name) {
        append(h, h->name, sizeof h->name, p, n);
    } else {
        memset(h->name, '.', sizeof h->name - 1);
        h->name[sizeof h->name - 1] = '\0';
    }
    return 0;
}

static int on_value(http_parser *hp, const char *p, size_t n)
{
    struct head *h = hp->data;
    int i;

    if (!h->in_value) {
        h->in_value = true;
        h->field = HEAD_NONE;
        for (i = 0; i < HEAD_COUNT; i++)
            if (strcasecmp(h->name, field_name[i]) == 0)
                h->field = i;
        if (h->field != HEAD_NONE && h->given[h->field])
            append(h, h->value[h->field], VALUE_MAX, ",", 1);
    }
    if (h->field == HEAD_NONE)
        return 0;
    h->given[h->field] = true;
    append(h, h->value[h->field], VALUE_MAX, p, n);
    return 0;
}

static int on_head(http_parser *hp)
{
    struct head *h = hp->data;

    h->done = true;
    h->body = (hp->flags & F_CHUNKED) || (hp->content_length > 0 && hp->content_length != ULLONG_MAX);
    return 0;
}

/* ---- judging it ---------------------------------------------------------------------------------- */

/* Whether a list with commas (and blanks) has this element. */
static bool listed(struct hilo_str list, const char *want, bool any_case)
{
    size_t n = strlen(want);
    const char *p = list.p, *end = list.p + list.n;

    while (p < end) {
        const char *to = memchr(p, ',', (size_t)(end - p)), *next;

        if (!to)
            to = end;
        next = to < end ? to + 1 : end;
        while (p < to && (*p == ' ' || *p == '\t'))
            p++;
        while (to > p && (to[-1] == ' ' || to[-1] == '\t'))
            to--;
        if ((size_t)(to - p) == n && (any_case ? strncasecmp(p, want, n) : strncmp(p, want, n)) == 0)
            return true;
        p = next;
    }
    return false;
}

static bool listed_in(const char *list, const char *want, bool any_case)
{
    struct hilo_str s = {list, strlen(list)};

    return listed(s, want, any_case);
}

/* The key is the base64 of 16 bytes. */
static bool key_good(const char *key)
{
    return strlen(key) == 24 && strcmp(key + 22, "==") == 0 &&
           strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") == 22;
}

static void refuse(struct pos_upgrade *out, const char *reason, const char *status, const char *header,
                   const char *words)
{
    out->reason = reason;
    (void)snprintf(
        out->answer, sizeof out->answer,
        "HTTP/1.1 %s\r\n%sConnection: close\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s\n",
        status, header, strlen(words) + 1, words);
}

static bool accept_key(const char *key, char out[32])
{
    char text[64];
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned n;

    (void)snprintf(text, sizeof text, "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    if (EVP_Digest(text, strlen(text), hash, &n, EVP_sha1(), NULL) != 1 || n != 20)
        return false;
    (void)EVP_EncodeBlock((unsigned char *)out, hash, (int)n);
    return true;
}

static void judge(const struct head *h, const http_parser *hp, struct hilo_str origins,
                  struct pos_upgrade *out)
{
    char key[32];

    if (h->overflow) {
        refuse(out, "http", "431 Request Header Fields Too Large", "", "A header is too long.");
    } else if (strcmp(h->url, "/pos") != 0) {
        refuse(out, "http", "404 Not Found", "", "Terminals connect to /pos.");
    } else if (hp->method != HTTP_GET) {
        refuse(out, "http", "405 Method Not Allowed", "Allow: GET\r\n", "A WebSocket begins with GET.");
    } else if (h->given[HEAD_ORIGIN] && !listed(origins, h->value[HEAD_ORIGIN], true)) {
        refuse(out, "origin", "403 Forbidden", "", "This page's origin is not among the channel's origins.");
    } else if (!hp->upgrade || !listed_in(h->value[HEAD_UPGRADE], "websocket", true) ||
               !h->given[HEAD_HOST] || h->body || hp->http_major != 1 || hp->http_minor < 1) {
        refuse(out, "http", "426 Upgrade Required", "Upgrade: websocket\r\n",
               "Only a WebSocket is spoken here.");
    } else if (strcmp(h->value[HEAD_VERSION], "13") != 0) {
        refuse(out, "http", "426 Upgrade Required", "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
               "WebSocket version 13 is spoken here.");
    } else if (!listed_in(h->value[HEAD_PROTOCOL], "hilo-pos.1", false)) {
        refuse(out, "http", "400 Bad Request", "", "Sec-WebSocket-Protocol must offer hilo-pos.1.");
    } else if (!key_good(h->value[HEAD_KEY]) || !accept_key(h->value[HEAD_KEY], key)) {
        refuse(out, "http", "400 Bad Request", "", "Sec-WebSocket-Key is not the base64 of 16 bytes.");
    } else {
        (void)snprintf(out->answer, sizeof out->answer,
                       "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       "Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: hilo-pos.1\r\n\r\n",
                       key);
    }
}

int pos_upgrade(struct hilo_str request, struct hilo_str origins, struct pos_upgrade *out)
{
    static const http_parser_settings calls = {.on_url = on_url,
                                               .on_header_field = on_field,
                                               .on_header_value = on_value,
                                               .on_headers_complete = on_head};
    struct head h;
    http_parser hp;
    size_t used;

    memset(&h, 0, sizeof h);
    memset(out, 0, sizeof *out);
    h.in_value = true;
    http_parser_init(&hp, HTTP_REQUEST);
    hp.data = &h;
    used = http_parser_execute(&hp, &calls, request.p, request.n < POS_HEAD_MAX ? request.n : POS_HEAD_MAX);
    if (h.done) {
        /* Behind the head: of an upgrade the rest is not HTTP; whatever else has a body is refused anyway. */
        out->used = hp.upgrade ? used : request.n;
        judge(&h, &hp, origins, out);
        return 1;
    }
    if (HTTP_PARSER_ERRNO(&hp) != HPE_OK) {
        refuse(out, "http", "400 Bad Request", "", "This is no HTTP request.");
        return 1;
    }
    if (request.n >= POS_HEAD_MAX) {
        refuse(out, "http", "431 Request Header Fields Too Large", "", "The head has more than 8 KiB.");
        return 1;
    }
    return 0;
}
