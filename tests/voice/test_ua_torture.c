/*
 * Messages that torture (RFC 4475): one at least of each of its 49 subjects, and some of its kind, written
 * for this project (tests/voice/torture/), sent by UDP and TCP; what must come back is in the table below.
 * The client is of this file alone.
 *
 * In a message: @US@ the endpoint, @ME@ this client, @PROTO@ UDP or TCP, @BRANCH@, @VIA@ a whole Via, @CALL@
 * an unused Call-ID, @LEN@ the body's length; @THEIRx@ the header of the INVITE that is answered; \xHH an
 * octet; a backslash at a line's end keeps the blank before it. SPDX-License-Identifier: Apache-2.0
 */
#include "ua_rig.h"

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

enum { QUIET_MS = 400, MESSAGE_MAX = 65536 };
enum { APP = 486 }; /* the application was told, and answered so */

struct torture {
    const char *name;
    int status[4];         /* any of these; none: no answer, and the endpoint lives on */
    const char *has;       /* a text that the answer must have */
    const char *udp, *tcp; /* why not by this transport; NULL: by it too */
};

static const struct torture requests[] = {
    /* 3.1.1: valid */
    {"v01-tortuous", {APP}, NULL, NULL, NULL},
    {"v02-characters", {501, 405}, "Allow:", NULL, NULL},
    {"v03-escapes", {APP}, NULL, NULL, NULL},
    {"v04-escaped-null", {405}, "Allow:", NULL, NULL},
    {"v05-percent-method", {501, 405}, "Allow:", NULL, NULL},
    {"v06-no-lws", {200}, "Accept: application/sdp", NULL, NULL},
    {"v07-long", {APP}, NULL, NULL, NULL},
    {"v08-trailing", {200}, NULL, NULL, "in a stream it is a second request"},
    {"v09-semicolon-user", {200}, NULL, NULL, NULL},
    {"v10-transports", {200}, "PIGEON hop4.example.com", NULL, NULL},
    {"v11-multipart", {APP}, NULL, NULL, NULL},
    /* 3.1.2: invalid */
    {"i01-separators", {400}, NULL, NULL, NULL},
    {"i02-length-more", {400}, NULL, NULL, "in a stream the rest is awaited"},
    {"i03-length-negative", {400}, NULL, NULL, NULL},
    {"i04-scalars", {400}, NULL, NULL, NULL},
    {"i06-quote", {400}, NULL, NULL, NULL},
    {"i07-brackets", {400}, NULL, NULL, NULL},
    {"i08-lws-in-uri", {400}, NULL, NULL, NULL},
    {"i09-spaces", {400, APP}, NULL, NULL, NULL},
    {"i10-space-at-end", {400, 200}, NULL, NULL, NULL},
    {"i11-escaped-headers", {400}, NULL, NULL, NULL},
    {"i12-date", {400, APP}, NULL, NULL, NULL},
    {"i13-unenclosed", {400}, NULL, NULL, NULL},
    {"i14-spaces-in-spec", {400, 200}, NULL, NULL, NULL},
    {"i15-display", {400}, NULL, NULL, NULL},
    {"i16-version", {505}, NULL, NULL, NULL},
    {"i17-cseq-method", {400}, NULL, NULL, NULL},
    {"i18-cseq-unknown", {400, 501}, NULL, NULL, NULL},
    /* 3.2: transactions */
    {"t01-branch", {200}, NULL, NULL, NULL},
    {"t02-cancel-nothing", {481}, NULL, NULL, NULL},
    {"t03-bye-nothing", {481}, NULL, NULL, NULL},
    {"t04-prack-nothing", {481}, NULL, NULL, NULL},
    {"t05-update-nothing", {481}, NULL, NULL, NULL},
    {"t06-info-nothing", {481}, NULL, NULL, NULL},
    {"t07-invite-nothing", {481}, NULL, NULL, NULL},
    {"t08-notify-nothing", {481, 489}, NULL, NULL, NULL},
    {"t09-refer-nothing", {501}, NULL, NULL, NULL},
    /* 3.3: application */
    {"a01-missing", {400}, NULL, NULL, NULL},
    {"a02-scheme", {416}, NULL, NULL, NULL},
    {"a03-atypical", {416}, NULL, NULL, NULL},
    {"a04-schemes", {200, 400}, NULL, NULL, NULL},
    {"a05-require", {420}, "nothingSupportsThisEither", NULL, NULL},
    {"a06-content-type", {415}, "Accept: application/sdp", NULL, NULL},
    {"a07-authorization", {APP}, NULL, NULL, NULL},
    {"a08-several", {400}, NULL, NULL, NULL},
    {"a09-lengths", {400}, NULL, NULL, NULL},
    {"a11-no-forwards", {200, 483}, NULL, NULL, NULL},
    {"a12-contact-param", {405}, "Allow:", NULL, NULL},
    {"a13-url-param", {405}, "Allow:", NULL, NULL},
    {"a14-url-headers", {405}, "Allow:", NULL, NULL},
    {"a15-accept", {406}, NULL, NULL, NULL},
    {"a16-encoding", {415}, "Accept-Encoding: identity", NULL, NULL},
    {"a17-no-type", {400, 415}, NULL, NULL, NULL},
    {"a18-message", {405}, "Allow:", NULL, NULL},
    {"a19-subscribe", {405}, "Allow:", NULL, NULL},
    {"a20-min-se", {422}, "Min-SE:", NULL, NULL},
    {"a21-no-via", {0}, NULL, NULL, NULL},
    {"a22-tel", {200, 416}, NULL, NULL, NULL},
    {"a23-ipv6-literal", {200}, NULL, NULL, NULL},
    {"a24-no-contact", {400}, NULL, NULL, NULL},
    {"a25-multipart-headless", {415}, "Accept: application/sdp", NULL, NULL},
    {"a27-contact-scheme", {400}, "Contact", NULL, NULL},
    {"a28-route-scheme", {400}, "Record-Route", NULL, NULL},
    {"a26-multipart-open", {APP, 400}, NULL, NULL, NULL},
    /* 3.4: backward compatible */
    {"b01-2543", {APP}, NULL, NULL, "it has no Content-Length"},
};
/* Answers to an INVITE of ours; status: what the plugin is told, none: the answer is dropped. */
static const struct torture responses[] = {
    {"v12-reason", {200}, NULL, NULL, NULL},         {"v13-no-reason", {180}, NULL, NULL, NULL},
    {"i05-response-scalars", {0}, NULL, NULL, NULL}, {"i19-code", {0}, NULL, NULL, NULL},
    {"a10-broadcast", {0}, NULL, NULL, NULL},        {"a29-answer-contact", {0}, NULL, NULL, NULL},
};

/* ---- the client ----------------------------------------------------------------------------- */

struct client {
    struct rig rig;
    int udp, listener, tcp; /* tcp: the connection of now, -1: none */
    int port;
    unsigned serial;
    char me[64], us[64], branch[64], call[64];
    char in[MESSAGE_MAX + 1]; /* the last message received */
    char stream[MESSAGE_MAX + 1];
    size_t n_stream;
    char their[5][512]; /* Via From To Call-ID CSeq of the INVITE to answer */
};
static const char *const their_names[] = {"Via", "From", "To", "Call-ID", "CSeq"};

static void client_init(struct client *c)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;

    memset(c, 0, sizeof *c);
    rig_init(&c->rig);
    c->rig.conf.min_se_us = INT64_C(90000000);
    rig_start(&c->rig, true);
    c->port = rig_port(false);
    a.sin_port = htons((uint16_t)c->port);
    c->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    c->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(c->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    assert_int_equal(bind(c->udp, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(bind(c->listener, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(c->listener, 5), 0);
    c->tcp = -1;
    snprintf(c->me, sizeof c->me, "127.0.0.1:%d", c->port);
    snprintf(c->us, sizeof c->us, "127.0.0.1:%d", c->rig.port);
}

static void client_done(struct client *c)
{
    if (c->tcp >= 0)
        close(c->tcp);
    close(c->udp);
    close(c->listener);
    rig_stop(&c->rig);
}

static void client_connect(struct client *c)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)c->rig.port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    if (c->tcp >= 0)
        close(c->tcp);
    c->n_stream = 0;
    c->tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(c->tcp, (struct sockaddr *)&a, sizeof a), 0);
}

static void client_send(struct client *c, bool tcp, const char *p, size_t n)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)c->rig.port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    if (tcp)
        assert_int_equal(send(c->tcp, p, n, MSG_NOSIGNAL), (ssize_t)n);
    else
        assert_int_equal(sendto(c->udp, p, n, 0, (struct sockaddr *)&a, sizeof a), (ssize_t)n);
}

/* One whole message of the stream into in; false: not yet. */
static bool stream_take(struct client *c)
{
    char *end, *length;
    size_t n;

    c->stream[c->n_stream] = '\0';
    while (c->n_stream >= 2 && memcmp(c->stream, "\r\n", 2) == 0) {
        memmove(c->stream, c->stream + 2, c->n_stream -= 2);
        c->stream[c->n_stream] = '\0';
    }
    end = strstr(c->stream, "\r\n\r\n");
    if (!end)
        return false;
    *end = '\0';
    length = strcasestr(c->stream, "\nContent-Length:");
    n = (size_t)(end - c->stream) + 4 + (length ? (size_t)atoi(length + 16) : 0);
    *end = '\r';
    if (n > c->n_stream)
        return false;
    memcpy(c->in, c->stream, n);
    c->in[n] = '\0';
    memmove(c->stream, c->stream + n, c->n_stream - n);
    c->n_stream -= n;
    return true;
}

/* The next message that comes back; false: none in this time. Incoming calls are refused meanwhile. */
static bool client_receive(struct client *c, bool tcp, int ms)
{
    for (; ms > 0; ms -= 10) {
        struct pollfd p[4] = {
            {c->udp, POLLIN, 0}, {c->tcp, POLLIN, 0}, {c->rig.wake[0], POLLIN, 0}, {c->listener, POLLIN, 0}};
        struct ua_event e;
        ssize_t n;

        while (rig_next(&c->rig, &e, 0))
            if (e.type == UA_INCOMING)
                ua_reject(c->rig.ua, e.call, APP, str(NULL), 0);
        if (tcp && stream_take(c))
            return true;
        poll(p, 4, 10);
        if (p[3].revents & POLLIN) {
            if (c->tcp >= 0)
                close(c->tcp);
            c->n_stream = 0;
            c->tcp = accept(c->listener, NULL, NULL);
            continue;
        }
        if (p[0].revents & POLLIN) {
            n = recv(c->udp, c->in, MESSAGE_MAX, 0);
            if (n > 0 && !tcp) {
                c->in[n] = '\0';
                return true;
            }
        }
        if (tcp && p[1].revents) {
            n = recv(c->tcp, c->stream + c->n_stream, MESSAGE_MAX - c->n_stream, 0);
            if (n <= 0)
                return false;
            c->n_stream += (size_t)n;
        }
    }
    return false;
}

static int status_of(const char *message)
{
    return strncmp(message, "SIP/2.0 ", 8) == 0 ? atoi(message + 8) : 0;
}

/* The value of the first header of this name. */
static void header_of(const char *message, const char *name, char *out, size_t n)
{
    size_t len = strlen(name);

    out[0] = '\0';
    for (const char *p = strchr(message, '\n'); p; p = strchr(p + 1, '\n'))
        if (strncasecmp(p + 1, name, len) == 0 && p[1 + len] == ':') {
            p += 2 + len;
            p += strspn(p, " ");
            snprintf(out, n, "%.*s", (int)strcspn(p, "\r\n"), p);
            return;
        }
}

/* ---- messages ------------------------------------------------------------------------------- */

static size_t put(char *out, size_t n, const char *text)
{
    size_t len = strlen(text);

    assert_true(n + len < MESSAGE_MAX);
    memcpy(out + n, text, len);
    return n + len;
}

static size_t fill(struct client *c, bool tcp, const char *p, const char *end, const char *len, char *out)
{
    size_t n = 0;
    char text[512];

    while (p < end) {
        const char *stop = *p == '@' ? memchr(p + 1, '@', (size_t)(end - p - 1)) : NULL;
        size_t k = stop ? (size_t)(stop - p - 1) : 0;
        const char *value = NULL;

        assert_true(n < MESSAGE_MAX - 2);
        if (k >= 2 && k <= 10) {
            snprintf(text, sizeof text, "SIP/2.0/%s %s;branch=%s;rport", tcp ? "TCP" : "UDP", c->me,
                     c->branch);
            value = strncmp(p + 1, "US@", 3) == 0       ? c->us
                    : strncmp(p + 1, "ME@", 3) == 0     ? c->me
                    : strncmp(p + 1, "PROTO@", 6) == 0  ? (tcp ? "TCP" : "UDP")
                    : strncmp(p + 1, "BRANCH@", 7) == 0 ? c->branch
                    : strncmp(p + 1, "CALL@", 5) == 0   ? c->call
                    : strncmp(p + 1, "LEN@", 4) == 0    ? len
                    : strncmp(p + 1, "VIA@", 4) == 0    ? text
                                                        : NULL;
            for (int i = 0; !value && i < 5; i++) {
                char name[16];
                size_t at = 0;

                for (const char *q = their_names[i]; *q; q++)
                    if (*q != '-')
                        name[at++] = (char)(*q >= 'a' ? *q - 32 : *q);
                snprintf(name + at, sizeof name - at, "%s", "");
                if (strncmp(name, "CALLID", 6) == 0)
                    snprintf(name, sizeof name, "CALL");
                if (strncmp(p + 1, "THEIR", 5) == 0 && strncmp(p + 6, name, strlen(name)) == 0 &&
                    p[6 + strlen(name)] == '@')
                    value = c->their[i];
            }
        }
        if (value) {
            n = put(out, n, value);
            p = stop + 1;
        } else if (*p == '\\' && end - p >= 4 && p[1] == 'x') {
            char hex[3] = {p[2], p[3], 0};

            out[n++] = (char)strtol(hex, NULL, 16);
            p += 4;
        } else if (*p == '\\' && end - p >= 2 && p[1] == '\n')
            p++;
        else if (*p == '\n') {
            n = put(out, n, "\r\n");
            p++;
        } else
            out[n++] = *p++;
    }
    return n;
}

static size_t load(struct client *c, bool tcp, const char *name, char *out)
{
    static char raw[MESSAGE_MAX + 1], body[MESSAGE_MAX + 1];
    char path[256], len[16];
    const char *end, *split;
    size_t n, nb;
    FILE *f;

    snprintf(path, sizeof path, "tests/voice/torture/%s.sip", name);
    f = fopen(path, "rb");
    if (!f)
        fail_msg("%s is missing; run from the project's folder", path);
    n = fread(raw, 1, MESSAGE_MAX, f);
    fclose(f);
    raw[n] = '\0';
    end = raw + n;
    snprintf(c->branch, sizeof c->branch, "z9hG4bK-t%u-%d", ++c->serial, tcp);
    snprintf(c->call, sizeof c->call, "torture%u.%d.%d", c->serial, tcp, c->port);
    split = strstr(raw, "\n\n");
    assert_non_null(split);
    split += 2;
    nb = fill(c, tcp, split, end, "", body);
    snprintf(len, sizeof len, "%zu", nb);
    n = fill(c, tcp, raw, split, len, out);
    assert_true(n + nb < MESSAGE_MAX);
    memcpy(out + n, body, nb);
    return n + nb;
}

/* A plain OPTIONS by UDP is answered: the endpoint is as it was. */
static void still_lives(struct client *c, const char *after)
{
    char text[2048];

    c->serial++;
    snprintf(text, sizeof text,
             "OPTIONS sip:x@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKlive%u;rport\r\nFrom: "
             "<sip:t@%s>;tag=l\r\n"
             "To: <sip:x@%s>\r\nCall-ID: live%u.%d\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: "
             "0\r\n\r\n",
             c->us, c->me, c->serial, c->me, c->us, c->serial, c->port);
    client_send(c, false, text, strlen(text));
    while (client_receive(c, false, RIG_WAIT_MS)) {
        char call[128], want[64];

        header_of(c->in, "Call-ID", call, sizeof call);
        snprintf(want, sizeof want, "live%u.%d", c->serial, c->port);
        if (strcmp(call, want) == 0)
            return;
    }
    fail_msg("after %s the endpoint answers no more", after);
}

/* What the last response says about a request of ours, which may have no Call-ID: by its branch. */
static bool is_answer(struct client *c)
{
    char via[512], branch[80];

    header_of(c->in, "Via", via, sizeof via);
    if (!*via)
        header_of(c->in, "v", via, sizeof via);
    snprintf(branch, sizeof branch, "branch=%s", c->branch);
    return status_of(c->in) >= 200 && (strstr(via, branch) || strstr(c->in, c->call));
}

static int check_request(struct client *c, const struct torture *t, bool tcp)
{
    static char message[MESSAGE_MAX + 1];
    size_t n = load(c, tcp, t->name, message);
    int status = 0, bad = 0;

    if (tcp)
        client_connect(c);
    client_send(c, tcp, message, n);
    while (client_receive(c, tcp, t->status[0] ? 3000 : QUIET_MS))
        if (is_answer(c)) {
            status = status_of(c->in);
            break;
        }
    for (int i = 0; i < 4; i++)
        if (t->status[i] == status && (i == 0 || status))
            goto right;
    print_error("%s by %s: %d instead of %d\n%.300s\n", t->name, tcp ? "TCP" : "UDP", status, t->status[0],
                status ? c->in : "");
    bad = 1;
right:
    if (!bad && t->has && !strcasestr(c->in, t->has)) {
        print_error("%s by %s: the answer has no %s\n%s\n", t->name, tcp ? "TCP" : "UDP", t->has, c->in);
        bad = 1;
    }
    if (!bad && status && (c->in[11] != ' ' || c->in[12] < ' ')) {
        print_error("%s by %s: no words in the answer\n", t->name, tcp ? "TCP" : "UDP");
        bad = 1;
    }
    still_lives(c, t->name);
    return bad;
}

static void tortured_requests(void **state, bool tcp)
{
    struct client *c = calloc(1, sizeof *c);
    int bad = 0;

    (void)state;
    client_init(c);
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        if (!(tcp ? requests[i].tcp : requests[i].udp))
            bad += check_request(c, &requests[i], tcp);
    client_done(c);
    free(c);
    if (bad)
        fail_msg("%d messages were not answered as they must be", bad);
}

static void requests_by_udp(void **state)
{
    tortured_requests(state, false);
}
static void requests_by_tcp(void **state)
{
    tortured_requests(state, true);
}

/* The first of two requests in a datagram counts, the rest is nobody's (RFC 3261 18.3). */
static void no_call_out_of_trailing_octets(void **state)
{
    struct client *c = calloc(1, sizeof *c);
    static char message[MESSAGE_MAX + 1];
    struct ua_event e;

    (void)state;
    client_init(c);
    client_send(c, false, message, load(c, false, "v08-trailing", message));
    assert_false(rig_next(&c->rig, &e, QUIET_MS));
    client_done(c);
    free(c);
}

/* ---- answers to an INVITE of ours ------------------------------------------------------------- */

static void take_invite(struct client *c, bool tcp)
{
    do
        assert_true(client_receive(c, tcp, RIG_WAIT_MS));
    while (strncmp(c->in, "INVITE ", 7) != 0);
    for (int i = 0; i < 5; i++) {
        header_of(c->in, their_names[i], c->their[i], sizeof c->their[i]);
        assert_true(*c->their[i]);
    }
    if (!strstr(c->their[2], ";tag="))
        strcat(c->their[2], ";tag=peer");
}

static void response_check(struct client *c, const struct torture *t, uint64_t call, bool tcp)
{
    static char message[MESSAGE_MAX + 1];
    char to[128];
    struct ua_event e;
    size_t n;

    snprintf(to, sizeof to, "sip:peer@%s%s", c->me, tcp ? ";transport=tcp" : "");
    ua_call(c->rig.ua, call,
            &(struct ua_invite){.to = str(to), .sdp = str(rig_sdp(30000)), .ring_us = 8000000});
    take_invite(c, tcp);
    n = load(c, tcp, t->name, message);
    client_send(c, tcp, message, n);
    if (t->status[0] == 200) {
        e = rig_await(&c->rig, UA_ANSWERED);
        assert_int_equal(e.call, call);
        ua_hangup(c->rig.ua, call, str(NULL));
        e = rig_await(&c->rig, UA_ENDED);
        return;
    }
    if (t->status[0]) {
        e = rig_await(&c->rig, UA_PROGRESS);
        assert_int_equal(e.status, t->status[0]);
    }
    /* Whatever came is past; the call is still ringing, and a good answer counts. */
    if (tcp && !t->status[0]) {
        struct pollfd p = {c->tcp, POLLIN, 0};

        /* A stream may be closed over garbage; then the answer comes by another connection. */
        if (poll(&p, 1, QUIET_MS) > 0 && recv(c->tcp, message, 1, MSG_PEEK) <= 0)
            client_connect(c);
    }
    n = (size_t)snprintf(message, sizeof message,
                         "SIP/2.0 486 Busy Here\r\nVia: %s\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: "
                         "%s\r\nContent-Length: 0\r\n\r\n",
                         c->their[0], c->their[1], c->their[2], c->their[3], c->their[4]);
    client_send(c, tcp, message, n);
    for (;;) {
        if (!rig_next(&c->rig, &e, RIG_WAIT_MS))
            fail_msg("%s: the answer after it did not count", t->name);
        if (e.type == UA_ENDED)
            break;
        assert_int_not_equal(e.type, UA_ANSWERED);
    }
    if (e.status != 486)
        fail_msg("%s by %s: the call ended with %u %.*s", t->name, tcp ? "TCP" : "UDP", e.status,
                 (int)e.reason.n, e.reason.p);
}

static void tortured_responses(bool tcp)
{
    struct client *c = calloc(1, sizeof *c);

    client_init(c);
    for (size_t i = 0; i < sizeof responses / sizeof *responses; i++)
        response_check(c, &responses[i], i + 1, tcp);
    client_done(c);
    free(c);
}

static void responses_by_udp(void **state)
{
    (void)state;
    tortured_responses(false);
}
static void responses_by_tcp(void **state)
{
    (void)state;
    tortured_responses(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_by_udp),
        cmocka_unit_test(requests_by_tcp),
        cmocka_unit_test(no_call_out_of_trailing_octets),
        cmocka_unit_test(responses_by_udp),
        cmocka_unit_test(responses_by_tcp),
    };

    return cmocka_run_group_tests_name("ua_torture", tests, NULL, NULL);
}
