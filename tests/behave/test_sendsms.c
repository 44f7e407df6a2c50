/*
 * /cgi-bin/sendsms, from outside: an application that was written for Kannel changes its
 * address and nothing else. The callbacks' receiver is this test's own.
 */
#include "harness.h"
#include <setjmp.h>
#include <stdarg.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

static const char users[] = "kannel:\n"
                            "  - {username: app, password: s3cret, default_sender: \"85000\"}\n"
                            "  - {username: fixed, password: other, channel: wa, sender: Tienda}\n"
                            "  - {username: away, password: far, deny_ip: \"127.*.*.*\"}\n";

/* ---- whoever is called back ------------------------------------------------------------ */

enum { CALLS = 16 };
struct receiver {
    int fd, port;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t came;
    int status; /* of the next answers; 0: none is given, the connection stays open */
    int held[CALLS];
    unsigned n, n_held;
    char line[CALLS][1024];
};

static void *receive(void *arg)
{
    struct receiver *r = arg;

    for (;;) {
        char in[4096], out[128];
        size_t n = 0;
        int fd = accept(r->fd, NULL, NULL);
        ssize_t got;
        if (fd < 0)
            return NULL;
        while (n < sizeof in - 1 && (got = recv(fd, in + n, sizeof in - 1 - n, 0)) > 0) {
            n += (size_t)got;
            in[n] = 0;
            if (strstr(in, "\r\n\r\n"))
                break;
        }
        in[n] = 0;
        (void)pthread_mutex_lock(&r->lock);
        if (r->n < CALLS)
            (void)snprintf(r->line[r->n], sizeof r->line[0], "%.*s", (int)strcspn(in, "\r"), in);
        r->n++;
        int n_out = snprintf(out, sizeof out,
                             "HTTP/1.1 %d x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", r->status);
        if (r->status) {
            (void)!send(fd, out, (size_t)n_out, MSG_NOSIGNAL);
            (void)close(fd);
        } else {
            r->held[r->n_held++ % CALLS] = fd;
        }
        (void)pthread_cond_broadcast(&r->came);
        (void)pthread_mutex_unlock(&r->lock);
    }
}

static void receiver_start(struct receiver *r, int status)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;

    memset(r, 0, sizeof *r);
    r->status = status;
    (void)pthread_mutex_init(&r->lock, NULL);
    (void)pthread_cond_init(&r->came, NULL);
    r->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(r->fd, (struct sockaddr *)&at, n), 0);
    assert_int_equal(listen(r->fd, 16), 0);
    assert_int_equal(getsockname(r->fd, (struct sockaddr *)&at, &n), 0);
    r->port = ntohs(at.sin_port);
    assert_int_equal(pthread_create(&r->thread, NULL, receive, r), 0);
}

static void receiver_answers(struct receiver *r, int status)
{
    (void)pthread_mutex_lock(&r->lock);
    r->status = status;
    (void)pthread_mutex_unlock(&r->lock);
}

/* The line of the nth call, from 1. */
static const char *receiver_call(struct receiver *r, unsigned nth)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += DEADLINE_S;
    (void)pthread_mutex_lock(&r->lock);
    while (r->n < nth)
        if (pthread_cond_timedwait(&r->came, &r->lock, &until) != 0)
            break;
    if (r->n < nth)
        print_message("only %u calls came\n", r->n);
    assert_true(r->n >= nth);
    (void)pthread_mutex_unlock(&r->lock);
    return r->line[nth - 1];
}

static unsigned receiver_count(struct receiver *r)
{
    (void)pthread_mutex_lock(&r->lock);
    unsigned n = r->n;
    (void)pthread_mutex_unlock(&r->lock);
    return n;
}

static void receiver_stop(struct receiver *r)
{
    (void)shutdown(r->fd, SHUT_RDWR);
    (void)pthread_join(r->thread, NULL);
    (void)close(r->fd);
    for (unsigned i = 0; i < r->n_held && i < CALLS; i++)
        (void)close(r->held[i]);
}

/* ---- requests ------------------------------------------------------------------------------ */

static void up(struct world *w)
{
    world_up(w, NULL, users);
    sim_set(&w->sim, "/_sim/config", "{\"enforce_window\":false}");
}

static void expect(struct answer a, long status, const char *text)
{
    if (a.status != status || strcmp(a.body ? a.body : "", text) != 0)
        print_message("expected %ld %s, got %ld %s\n", status, text, a.status, a.body);
    assert_int_equal(a.status, status);
    assert_string_equal(a.body, text);
    answer_done(&a);
}

static struct answer ask(struct world *w, const char *query)
{
    char url[2048];

    (void)snprintf(url, sizeof url, "%s/cgi-bin/sendsms?%s", w->gate.url, query);
    return http_do("GET", url, NULL, NULL, NULL);
}

#define GOOD "username=app&password=s3cret&to=573001112233&text=hola"
static const char accepted[] = "0: Accepted for delivery";

/* Among the first n messages that reached the provider, in whatever order, there is this one. */
static void text_is(struct world *w, unsigned n, const char *to, const char *text)
{
    struct answer a = sim_messages(&w->sim, n);
    char path[64];
    bool found = false;

    for (unsigned i = 0; i < n; i++) {
        (void)snprintf(path, sizeof path, "messages/%u/body/to", i);
        const char *whom = answer_str(&a, path);
        if (!whom || strcmp(whom, to) != 0)
            continue;
        (void)snprintf(path, sizeof path, "messages/%u/body/text/body", i);
        const char *said = answer_str(&a, path);
        found = found || (said && strcmp(said, text) == 0);
    }
    if (!found)
        print_message("%s did not get %s: %s\n", to, text, a.body);
    assert_true(found);
    answer_done(&a);
}

static const char *has(const char *line, const char *part)
{
    const char *at = strstr(line, part);

    if (!at)
        print_message("\"%s\" is not in %s\n", part, line);
    assert_non_null(at);
    return at;
}

/* ---- tests ------------------------------------------------------------------------------------ */

static void answers_are_kannels(void **state)
{
    static const struct {
        const char *query;
        long status;
        const char *text;
    } all[] = {
        {"", 403, "Authorization failed for sendsms"},
        {"username=app&to=573001112233&text=a", 403, "Authorization failed for sendsms"},
        {"username=app&password=wrong&to=573001112233&text=a", 403, "Authorization failed for sendsms"},
        {"username=app&password=other&to=573001112233&text=a", 403, "Authorization failed for sendsms"},
        {"username=nobody&password=s3cret&to=573001112233&text=a", 403, "Authorization failed for sendsms"},
        {"username=away&password=far&to=573001112233&text=a", 403, "Authorization failed for sendsms"},
        {"username=app&password=s3cret&text=a", 400, "Missing receiver number, rejected"},
        {"username=app&password=s3cret&to=&text=a", 400, "Empty receiver number not allowed, rejected"},
        {"username=app&password=s3cret&to=573001112233", 400, "Empty text not allowed, rejected"},
        {"username=app&password=s3cret&to=ana&text=a", 400,
         "Number(s) has/have been denied by white- and/or black-lists."},
        {GOOD "&udh=%05%00%03%01%02%01", 400,
         "UDH is not supported: send the text, it is cut by itself, rejected"},
        {GOOD "&coding=1", 400, "8-bit messages (coding=1) are not supported, rejected"},
        {GOOD "&coding=3", 400, "Coding field misformed, rejected"},
        {GOOD "&mclass=4", 400, "MClass field misformed, rejected"},
        {GOOD "&mclass=2", 400, "MClass 2 and 3 are not supported, rejected"},
        {GOOD "&priority=4", 400, "Priority field misformed, rejected"},
        {GOOD "&validity=-5", 400, "Validity field misformed, rejected"},
        {GOOD "&deferred=43201", 400, "Deferred field misformed, rejected"},
        {GOOD "&deferred=10&validity=10", 400, "Validity is over before the deferred time, rejected"},
        {GOOD "&dlr-mask=-2", 400, "DLR-Mask field misformed, rejected"},
        {GOOD "&dlr-mask=31&dlr-url=ftp://127.0.0.1/", 400, "DLR-URL field misformed, rejected"},
        {GOOD "&dlr-mask=31&dlr-url=http://127.0.0.1/%20x", 400, "DLR-URL field misformed, rejected"},
        {GOOD "&account=a%5Bb", 400, "Account field misformed or too long, rejected"},
        {GOOD "%FF", 400, "Charset or body misformed, rejected"},
        {GOOD "&charset=EBCDIC-INT", 400, "Charset or body misformed, rejected"},
    };
    struct world w = {0};

    (void)state;
    up(&w);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        expect(ask(&w, all[i].query), all[i].status, all[i].text);
    assert_int_equal(sim_count(&w.sim, "accepted"), 0);
    expect(ask(&w, GOOD), 202, accepted);
    text_is(&w, 1, "573001112233", "hola");
    expect(ask(&w, GOOD "&smsc=Nowhere"), 202, accepted); // by any connection, as by Kannel
    expect(ask(&w, GOOD "&smsc=WA"), 202, accepted);
    text_is(&w, 3, "573001112233", "hola");
    gate_expect(&w.gate, 405, "method_not_allowed", NULL, "PUT", "/cgi-bin/sendsms", NULL);
    world_down(&w);
}

static void it_is_not_there_unless_it_has_users(void **state)
{
    struct world w = {0};

    (void)state;
    world_up(&w, NULL, NULL);
    gate_expect(&w.gate, 404, "no_such_route", NULL, "GET", "/cgi-bin/sendsms?" GOOD, NULL);
    (void)snprintf(w.gate.extra, sizeof w.gate.extra, "%s", users); // a reload brings it
    gate_configure(&w.gate);
    process_signal(w.gate.process, SIGHUP);
    (void)process_wait_line(w.gate.process, "config.reloaded", "changed=\"kannel\"", NULL);
    expect(ask(&w, GOOD), 202, accepted);
    world_down(&w);
}

static void forms_bodies_and_character_sets(void **state)
{
    static const char *const form[] = {"Content-Type: application/x-www-form-urlencoded", NULL};
    static const char *const plain[] = {"Content-Type: text/plain; charset=ISO-8859-1",
                                        "X-Kannel-Username: app",
                                        "X-Kannel-Password: s3cret",
                                        "X-Kannel-To: +573001112233",
                                        "X-Kannel-From: 85000",
                                        NULL};
    static const char *const xml[] = {"Content-Type: text/xml", NULL};
    struct world w = {0};
    char url[128];

    (void)state;
    up(&w);
    (void)snprintf(url, sizeof url, "%s/cgi-bin/sendsms", w.gate.url);
    expect(http_do("POST", url, NULL,
                   "username=app&password=s3cret&to=00573001112233&text=a%C3%B1o+1%25&charset=UTF-8", form),
           202, accepted);
    text_is(&w, 1, "573001112233", "a\xc3\xb1o 1%");
    expect(http_do("POST", url, NULL, "caf\xe9 & t\xe9", plain), 202, accepted);
    text_is(&w, 2, "573001112233", "caf\xc3\xa9 & t\xc3\xa9");
    expect(http_do("POST", url, NULL, "<message/>", xml), 400, "Invalid content-type");
    expect(ask(&w, "user=app&pass=s3cret&to=573001112233&coding=2&text=%00h%00o%D8%3D%DE%00"), 202, accepted);
    text_is(&w, 3, "573001112233", "ho\xf0\x9f\x98\x80");
    expect(ask(&w, "username=app&password=s3cret&to=573001112233&charset=windows-1252&text=%80"), 202,
           accepted);
    text_is(&w, 4, "573001112233", "\xe2\x82\xac");
    world_down(&w);
}

static void several_receivers(void **state)
{
    struct world w = {0};

    (void)state;
    up(&w);
    expect(ask(&w, "username=fixed&password=other&to=573001112233+%2B573001112234&text=dos"), 202, accepted);
    text_is(&w, 2, "573001112234", "dos");
    expect(ask(&w, "username=fixed&password=other&to=573001112233+12+573001112235&text=tres&smsc=nowhere"),
           202, "Sent. Denied receivers are: 12");
    text_is(&w, 4, "573001112235", "tres");
    world_down(&w);
}

static void callbacks_tell_what_was_asked_for(void **state)
{
    struct receiver r;
    struct world w = {0};
    char query[1024];
    const char *line;

    (void)state;
    up(&w);
    receiver_start(&r, 200);
    (void)snprintf(
        query, sizeof query,
        GOOD
        "&from=Tienda&account=acme&binfo=b%%261&dlr-mask=31&dlr-url=http%%3A%%2F%%2F127.0.0.1%%3A%d%%2Fdlr"
        "%%3Fd%%3D%%25d%%26p%%3D%%25p%%26P%%3D%%25P%%26i%%3D%%25i%%26I%%3D%%25I%%26F%%3D%%25F%%26A%%3D%%25A"
        "%%26n%%3D%%25n%%26o%%3D%%25o%%26B%%3D%%25B%%26k%%3D%%25k%%26m%%3D%%25m%%26c%%3D%%25c%%26T%%3D%%25T"
        "%%26x%%3D%%25%%25%%26y%%3D%%25z",
        r.port);
    expect(ask(&w, query), 202, accepted);
    line = receiver_call(&r, 1);
    (void)has(line, "GET /dlr?d=8&p=573001112233&P=Tienda&i=wa&I=msg_");
    (void)has(line, "&F=wamid.");
    (void)has(line, "&A=ACK%2F&n=app&o=acme&B=b%261&k=ACK%2F&m=-1&c=-1&T=");
    (void)has(line, "&x=%&y=%z HTTP/1.1");
    (void)has(receiver_call(&r, 2), "GET /dlr?d=4&p="); // WhatsApp's own "sent": it is there, and waits
    line = receiver_call(&r, 3);
    (void)has(line, "GET /dlr?d=1&p=573001112233&P=Tienda&i=wa&I=msg_");
    (void)has(line, "&A=&n=app");
    /* "read" is no kind of Kannel's: a message has its last callback with "delivered". */
    sim_quiet(&w.sim);
    (void)process_wait_nth(w.gate.process, 1, "message.receipt", "status=read", NULL);
    /* Only the failure was wanted, and it is refused: 16, as by Kannel. */
    sim_set(&w.sim, "/_sim/faults", "{\"reply\":\"error:131026\",\"count\":1}");
    (void)snprintf(query, sizeof query, GOOD "&dlr-mask=2&dlr-url=http://127.0.0.1:%d/f%%3F%%25d-%%25A",
                   r.port);
    expect(ask(&w, query), 202, accepted);
    (void)has(receiver_call(&r, 4), "GET /f?16-NACK%2F");
    /* Taken by the provider, and not delivered: 2. */
    sim_set(&w.sim, "/_sim/faults", "{\"statuses\":[\"sent\",\"failed\"],\"status_error\":131026}");
    expect(ask(&w, query), 202, accepted);
    (void)has(receiver_call(&r, 5), "GET /f?2-");
    /* Nothing is told without a mask. */
    sim_set(&w.sim, "/_sim/faults", "{\"statuses\":[\"sent\",\"delivered\"]}");
    (void)snprintf(query, sizeof query, GOOD "&dlr-url=http://127.0.0.1:%d/no", r.port);
    expect(ask(&w, query), 202, accepted);
    (void)snprintf(query, sizeof query, GOOD "&dlr-mask=1&dlr-url=http://127.0.0.1:%d/last", r.port);
    expect(ask(&w, query), 202, accepted);
    (void)has(receiver_call(&r, 6), "GET /last HTTP/1.1");
    assert_int_equal(receiver_count(&r), 6);
    world_down(&w);
    receiver_stop(&r);
}

static void a_callback_outlives_a_kill(void **state)
{
    struct receiver r;
    struct world w = {0};
    char query[256], first[1024];

    (void)state;
    up(&w);
    receiver_start(&r, 0);
    (void)snprintf(query, sizeof query, GOOD "&dlr-mask=9&dlr-url=http://127.0.0.1:%d/%%25d/%%25I", r.port);
    expect(ask(&w, query), 202, accepted);
    (void)snprintf(first, sizeof first, "%s", receiver_call(&r, 1));
    (void)has(first, "GET /8/msg_");
    sim_quiet(&w.sim); // delivered, too: that callback waits behind the first
    gate_kill(&w.gate);
    receiver_answers(&r, 200);
    gate_again(&w.gate);
    assert_string_equal(receiver_call(&r, 2), first);
    (void)has(receiver_call(&r, 3), "GET /1/msg_");
    assert_int_equal(receiver_count(&r), 3);
    world_down(&w);
    receiver_stop(&r);
}

static void a_callback_that_fails_is_tried_again_one_refused_is_not(void **state)
{
    struct receiver r;
    struct world w = {0};
    char query[256];

    (void)state;
    up(&w);
    sim_set(&w.sim, "/_sim/faults", "{\"statuses\":[]}");
    receiver_start(&r, 404);
    (void)snprintf(query, sizeof query, GOOD "&dlr-mask=8&dlr-url=http://127.0.0.1:%d/%%25d", r.port);
    expect(ask(&w, query), 202, accepted);
    (void)receiver_call(&r, 1);
    (void)process_wait_line(w.gate.process, "callback.given_up", "attempts=1", "status=404", NULL);
    receiver_answers(&r, 503);
    expect(ask(&w, query), 202, accepted);
    (void)receiver_call(&r, 2);
    receiver_answers(&r, 200);
    (void)receiver_call(&r, 3); /* after 5 s */
    assert_false(process_saw(w.gate.process, "attempts=2"));
    struct answer a = gate_get(&w.gate, "/metrics");
    (void)has(a.body, "\nhilo_callbacks_total{outcome=\"retried\"} 1\n");
    (void)has(a.body, "\nhilo_callbacks_total{outcome=\"given_up\"} 1\n");
    answer_done(&a);
    world_down(&w);
    receiver_stop(&r);
}

/* By SMPP: the sender and the class of the request arrive, and the receipt of the SMSC comes back. */
static void from_and_mclass_reach_the_smsc(void **state)
{
    static struct scratch scratch;
    static struct gate gate;
    char bin[256], lines[256], url[512];
    const char *argv[] = {bin, "--port", "0", "--smpp", "0", NULL};
    struct sim smsc = {0};
    struct receiver r;
    struct answer a;

    (void)state;
    scratch_init(&scratch);
    (void)snprintf(bin, sizeof bin, "%s/sim/hilo-sim-smsc", harness_build());
    smsc.process = process_start(argv);
    const char *line = process_wait_line(smsc.process, "ready port=", NULL);
    smsc.port = atoi(strstr(line, "port=") + 5);
    (void)snprintf(smsc.url, sizeof smsc.url, "http://127.0.0.1:%d", smsc.port);
    (void)snprintf(lines, sizeof lines,
                   "    host: 127.0.0.1\n    port: %d\n    system_id: hilo\n    password: secret\n",
                   atoi(strstr(line, "smpp=") + 5));
    gate = (struct gate){.type = "sms", .channel = lines};
    (void)snprintf(gate.extra, sizeof gate.extra, "%s", users);
    gate_start(&gate, &scratch, NULL);
    (void)process_wait_nth(gate.process, 1, "channel.state", "text=\"bound\"", NULL);
    receiver_start(&r, 200);
    (void)snprintf(url, sizeof url,
                   "%s/cgi-bin/sendsms?" GOOD
                   "&from=Tienda&mclass=0&dlr-mask=31&dlr-url=http://127.0.0.1:%d/%%25d/%%25F",
                   gate.url, r.port);
    expect(http_do("GET", url, NULL, NULL, NULL), 202, accepted);
    a = sim_get(&smsc, "/_sim/submits?since=0&min=1&wait_ms=5000");
    assert_string_equal(answer_str(&a, "submits/0/source"), "Tienda");
    assert_string_equal(answer_str(&a, "submits/0/destination"), "573001112233");
    assert_int_equal((int)answer_num(&a, "submits/0/data_coding"), 0x10);
    answer_done(&a);
    (void)has(receiver_call(&r, 1), "GET /8/");
    (void)has(receiver_call(&r, 2), "GET /1/");
    gate_stop(&gate);
    gate_check_store(&gate);
    process_free(&gate.process);
    sim_stop(&smsc);
    scratch_done(&scratch);
    receiver_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_kannels),
        cmocka_unit_test(it_is_not_there_unless_it_has_users),
        cmocka_unit_test(forms_bodies_and_character_sets),
        cmocka_unit_test(several_receivers),
        cmocka_unit_test(callbacks_tell_what_was_asked_for),
        cmocka_unit_test(a_callback_outlives_a_kill),
        cmocka_unit_test(from_and_mclass_reach_the_smsc),
        cmocka_unit_test(a_callback_that_fails_is_tried_again_one_refused_is_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
