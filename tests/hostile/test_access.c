/* Who is let in: keys, ids, cursors, links and idempotency keys that are forged, and the
 * control socket, which is for its owner. */
#include "wire.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define PHONE    "+573005554433"
#define PHONE_IN "573005554433"
#define BODY                                                                                                 \
    "{\"to\":{\"phone\":\"" PHONE "\"},\"channel\":\"wa\",\"content\":{\"type\":\"text\",\"text\":"          \
    "\"palabra-secreta\"}}"
static const char *const secrets[] = {PHONE_IN, "palabra-secreta", NULL};

/* GET of a path with this Authorization (NULL: none); must be refused with 401. */
static void refused(struct world *w, const char *authorization, size_t n)
{
    struct bytes b = {0};

    bytes_fmt(&b, "GET /v1/channels HTTP/1.1\r\nHost: x\r\n");
    if (authorization) {
        bytes_fmt(&b, "Authorization: ");
        bytes_add(&b, authorization, n);
        bytes_fmt(&b, "\r\n");
    }
    bytes_fmt(&b, "\r\n");
    wire_expect(&w->gate, authorization ? authorization : "no key", b.p, b.n, 401, "unauthorized");
    bytes_done(&b);
}

static void only_a_key_lets_in(void **state)
{
    struct world *w = *state;
    struct bytes b = {0};
    char like[128];
    static const char *const not [] = {"",
                                       "Bearer",
                                       "Bearer ",
                                       "Bearer hilo_",
                                       "Bearer null",
                                       "Bearer \xff\xfe",
                                       "Basic aGlsbzpoaWxv",
                                       "Digest username=\"hilo\"",
                                       "Bearer a b c",
                                       "bearer hilo_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                       NULL};

    refused(w, NULL, 0);
    for (unsigned i = 0; not [i]; i++)
        refused(w, not [i], strlen(not [i]));
    refused(w, "Bearer a\0b", 10);
    /* One that is nearly right: shorter, longer, one character changed, another case. */
    int n = snprintf(like, sizeof like, "Bearer %s", w->gate.key);
    refused(w, like, (size_t)n - 1);
    like[n] = 'A';
    like[n + 1] = 0;
    refused(w, like, (size_t)n + 1);
    like[n - 1] = like[n - 1] == 'A' ? 'B' : 'A';
    refused(w, like, (size_t)n);
    n = snprintf(like, sizeof like, "Bearer HILO_%s", w->gate.key + 5);
    refused(w, like, (size_t)n);
    n = snprintf(like, sizeof like, "%s", w->gate.key);
    refused(w, like, (size_t)n);
    bytes_fmt(&b, "Bearer hilo_");
    bytes_repeat(&b, "A", 12000); /* within the limit of all headers */
    refused(w, b.p, b.n);
    bytes_done(&b);
    /* In a URL it is none. */
    n = snprintf(like, sizeof like, "GET /v1/channels?access_token=%s HTTP/1.1\r\nHost: x\r\n\r\n",
                 w->gate.key);
    assert_true(n < (int)sizeof like);
    wire_expect(&w->gate, "a key in a URL", like, (size_t)n, 401, "unauthorized");
}

static void forged_ids_and_links_lead_nowhere(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *before, *behind, *prefix, *code;
    } kinds[] = {{"messages", "", "msg", "unknown_message"},
                 {"customers", "", "cus", "unknown_customer"},
                 {"customers", "/timeline", "cus", "unknown_customer"},
                 {"cases", "", "cas", "unknown_case"},
                 {"cases", "/messages", "cas", "unknown_case"},
                 {"media", "", "med", "unknown_media"}};
    static const char *const tails[] = {"_",
                                        "_0",
                                        "_00000000000000000000000000",
                                        "_7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
                                        "_ZZZZZZZZZZZZZZZZZZZZZZZZZZ",
                                        "_01M884Z9G360CDDN1T9HXNK645",
                                        "_01m884z9g360cddn1t9hxnk645",
                                        "_01M884Z9G360CDDN1T9HXNK64",
                                        "_01M884Z9G360CDDN1T9HXNK6455",
                                        "_01M884Z9G360CDDN1T9HXNK64U",
                                        "_%30%31",
                                        "_../../x",
                                        "",
                                        "\xff"};
    char path[200], id[80], other[80];

    for (unsigned k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (unsigned i = 0; i < sizeof tails / sizeof *tails; i++) {
            (void)snprintf(id, sizeof id, "%s%s", kinds[k].prefix, tails[i]);
            (void)snprintf(other, sizeof other, "key%s", tails[i]);
            (void)snprintf(path, sizeof path, "/v1/%s/%s%s", kinds[k].before, id, kinds[k].behind);
            gate_expect(&w->gate, 404, strchr(id, '/') ? NULL : kinds[k].code, NULL, "GET", path, NULL);
            (void)snprintf(path, sizeof path, "/v1/%s/%s%s", kinds[k].before, other, kinds[k].behind);
            gate_expect(&w->gate, 404, strchr(id, '/') ? NULL : kinds[k].code, NULL, "GET", path, NULL);
        }
    gate_expect(&w->gate, 404, "unknown_key", NULL, "DELETE", "/v1/keys/key_01M884Z9G360CDDN1T9HXNK645",
                NULL);
    gate_expect(&w->gate, 404, "unknown_channel", NULL, "POST", "/v1/channels/nobody/pause", "{}");
    static const char *const links[] = {"/m/x",
                                        "/m/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                        "/m/______________________________________________________",
                                        "/m/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
                                        "/m/%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00",
                                        NULL};
    for (unsigned i = 0; links[i]; i++)
        gate_expect(&w->gate, 404, "unknown_link", NULL, "GET", links[i], NULL);
}

static void forged_cursors_and_limits_are_refused(void **state)
{
    struct world *w = *state;
    static const char *const cursors[] = {"",     "A",      "AAAA",    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                          "%00",  "%ff%fe", "a+b/c==", "VAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                          "null", NULL};
    static const char *const limits[] = {
        "0", "-1", "201", "1e2", "0x10", "%201", "1%00", "", "%31x", "18446744073709551616", NULL};
    char path[2048], mine[600] = "";
    struct answer a;

    for (unsigned i = 0; i < 3; i++) {
        a = gate_post(&w->gate, "/v1/messages", "%s", BODY);
        assert_int_equal(a.status, 202);
        if (i == 0)
            (void)snprintf(mine, sizeof mine, "%s", answer_str(&a, "customer"));
        answer_done(&a);
    }
    for (unsigned i = 0; cursors[i]; i++) {
        (void)snprintf(path, sizeof path, "/v1/customers/%s/timeline?cursor=%s", mine, cursors[i]);
        gate_expect(&w->gate, 400, "invalid_cursor", NULL, "GET", path, NULL);
        (void)snprintf(path, sizeof path, "/v1/cases?cursor=%s", cursors[i]);
        gate_expect(&w->gate, 400, "invalid_cursor", NULL, "GET", path, NULL);
    }
    for (unsigned i = 0; limits[i]; i++) {
        (void)snprintf(path, sizeof path, "/v1/customers/%s/timeline?limit=%s", mine, limits[i]);
        gate_expect(&w->gate, 400, "invalid_parameter", NULL, "GET", path, NULL);
    }
    /* A real cursor: with one character changed, cut, longer, and in another list. */
    a = gate_get(&w->gate, "/v1/customers/%s/timeline?limit=1", mine);
    assert_int_equal(a.status, 200);
    const char *next = answer_str(&a, "next");
    assert_non_null(next);
    for (size_t i = 0; i < strlen(next); i++) {
        char changed[600];
        (void)snprintf(changed, sizeof changed, "%s", next);
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        (void)snprintf(path, sizeof path, "/v1/customers/%s/timeline?cursor=%s", mine, changed);
        gate_expect(&w->gate, 400, "invalid_cursor", NULL, "GET", path, NULL);
        (void)snprintf(path, sizeof path, "/v1/customers/%s/timeline?cursor=%.*s", mine, (int)i, next);
        gate_expect(&w->gate, 400, "invalid_cursor", NULL, "GET", path, NULL);
    }
    (void)snprintf(path, sizeof path, "/v1/customers/%s/timeline?cursor=%sA", mine, next);
    gate_expect(&w->gate, 400, "invalid_cursor", NULL, "GET", path, NULL);
    (void)snprintf(path, sizeof path, "/v1/cases?cursor=%s", next);
    gate_expect(&w->gate, 400, "invalid_cursor", NULL, "GET", path, NULL);
    answer_done(&a);
}

static void odd_idempotency_keys_are_refused(void **state)
{
    struct world *w = *state;
    struct bytes b = {0};
    static const struct {
        const char *key;
        size_t n;
        const char *code;
    } keys[] = {{"", 0, "invalid_idempotency_key"},
                {"\"\"", 2, "invalid_idempotency_key"},
                {"a b", 3, "invalid_idempotency_key"},
                {"\xc3\xb1", 2, "invalid_idempotency_key"},
                {"\xff", 1, "invalid_idempotency_key"},
                {"a\tb", 3, "invalid_idempotency_key"},
                {"a\001b", 3, "malformed_request"},
                {"a\x7f", 2, "malformed_request"},
                {"k\r\nIdempotency-Key: l", 22, "malformed_request"}};
    unsigned before = hostile_count(w, PHONE);

    for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++) {
        bytes_clear(&b);
        bytes_fmt(&b,
                  "POST /v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
                  "Content-Type: application/json\r\nContent-Length: %zu\r\nIdempotency-Key: ",
                  w->gate.key, sizeof BODY - 1);
        bytes_add(&b, keys[i].key, keys[i].n);
        bytes_fmt(&b, "\r\n\r\n" BODY);
        wire_expect(&w->gate, "an odd idempotency key", b.p, b.n, 400, keys[i].code);
    }
    bytes_clear(&b);
    bytes_fmt(&b, "Idempotency-Key: ");
    bytes_repeat(&b, "k", 256);
    struct answer a = gate_with(&w->gate, "POST", "/v1/messages", BODY, b.p);
    answer_is(&a, 400, "invalid_idempotency_key", NULL);
    answer_done(&a);
    assert_int_equal(hostile_count(w, PHONE), before);
    b.p[b.n - 1] = 0; /* 255 are allowed */
    for (unsigned i = 0; i < 2; i++) {
        a = gate_with(&w->gate, "POST", "/v1/messages", BODY, b.p);
        assert_int_equal(a.status, 202);
        answer_done(&a);
    }
    assert_int_equal(hostile_count(w, PHONE), before + 1);
    bytes_done(&b);
}

/* As another user, who may not even connect, or whom the peer's uid gives away. */
static int as_nobody(const char *path)
{
    static const char ask[] = "GET /v1/keys HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    char in[4096];
    size_t n = 0;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    memcpy(a.sun_path, path, strlen(path));
    if (fd < 0 || setgid(65534) != 0 || setuid(65534) != 0)
        return 1;
    if (connect(fd, (struct sockaddr *)&a, sizeof a) != 0)
        return errno == EACCES ? 2 : 3;
    if (send(fd, ask, sizeof ask - 1, MSG_NOSIGNAL) < 0)
        return 4;
    for (ssize_t got; n < sizeof in - 1 && (got = recv(fd, in + n, sizeof in - 1 - n, 0)) > 0;)
        n += (size_t)got;
    in[n] = 0;
    return strncmp(in, "HTTP/1.1 401", 12) == 0 && !strstr(in, "key_") ? 5 : 6;
}

static int nobody_gets(const char *path)
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(as_nobody(path));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void the_control_socket_is_its_owners(void **state)
{
    struct world *w = *state;
    char path[128], data[128];
    struct stat st;

    (void)snprintf(path, sizeof path, "%.90s/data/control.sock", w->scratch.dir);
    (void)snprintf(data, sizeof data, "%.90s/data", w->scratch.dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777 & ~0660, 0);
    assert_int_equal(st.st_uid, geteuid());
    assert_int_equal(stat(data, &st), 0);
    assert_int_equal(st.st_mode & 077, 0);
    if (geteuid() != 0)
        return; /* only root can become somebody else */
    assert_int_equal(nobody_gets(path), 2);
    /* Even with every door open. */
    assert_int_equal(chmod(w->scratch.dir, 0755), 0);
    assert_int_equal(chmod(data, 0755), 0);
    assert_int_equal(nobody_gets(path), 2);
    assert_int_equal(chmod(path, 0666), 0);
    assert_int_equal(nobody_gets(path), 5);
    assert_int_equal(chmod(path, 0660), 0);
    assert_int_equal(chmod(data, 0700), 0);
    assert_int_equal(chmod(w->scratch.dir, 0700), 0);
}

static void garbage_on_the_control_socket_is_cut_off(void **state)
{
    struct world *w = *state;
    struct bytes b = {0};
    struct wire c;

    wire_open_control(&c, &w->gate);
    wire_puts(&c, "\xff\xfe\n\r\n\r\n");
    wire_wait_end(&c);
    wire_close(&c);
    wire_open_control(&c, &w->gate);
    bytes_repeat(&b, "GET /", 20000);
    wire_put(&c, b.p, b.n);
    wire_wait_end(&c);
    wire_close(&c);
    bytes_done(&b);
    /* A key that is wrong is not made right by the socket. */
    wire_open_control(&c, &w->gate);
    wire_puts(&c, "GET /v1/keys HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer hilo_wrong\r\n\r\n");
    struct reply r = wire_reply(&c, false);
    reply_is(&r, "a wrong key on the control socket", 401, "unauthorized");
    wire_puts(&c, "GET /v1/keys HTTP/1.1\r\nHost: x\r\n\r\n");
    r = wire_reply(&c, false);
    reply_is(&r, "its owner", 200, NULL);
    wire_close(&c);
}

static int up(void **state)
{
    struct world *w = calloc(1, sizeof *w);

    assert_non_null(w);
    hostile_up(w, NULL, NULL);
    *state = w;
    return 0;
}

static int down(void **state)
{
    hostile_down(*state, secrets);
    free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_key_lets_in),
        cmocka_unit_test(forged_ids_and_links_lead_nowhere),
        cmocka_unit_test(forged_cursors_and_limits_are_refused),
        cmocka_unit_test(odd_idempotency_keys_are_refused),
        cmocka_unit_test(the_control_socket_is_its_owners),
        cmocka_unit_test(garbage_on_the_control_socket_is_cut_off),
    };

    return cmocka_run_group_tests(tests, up, down);
}
