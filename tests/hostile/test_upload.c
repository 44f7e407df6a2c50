/* Uploads that are broken, too large, without an end, or named to do harm; and that none
 * leaves anything behind. */
#include "wire.h"
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { FILE_MAX = 64 << 10 };
static const char *const secrets[] = {"Ana-Secreta", "palabra-secreta", NULL};

static void head(struct bytes *b, struct world *w, const char *query, const char *type, size_t length)
{
    bytes_clear(b);
    bytes_fmt(b, "POST /v1/media%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n", query, w->gate.key);
    if (type)
        bytes_fmt(b, "Content-Type: %s\r\n", type);
    bytes_fmt(b, "Content-Length: %zu\r\n\r\n", length);
}

static void raw(struct world *w, const char *what, const char *query, const char *type, const void *p,
                size_t n, long status, const char *code)
{
    struct bytes b = {0};

    head(&b, w, query, type, n);
    bytes_add(&b, p, n);
    wire_expect(&w->gate, what, b.p, b.n, status, code);
    bytes_done(&b);
}

static void multipart(struct world *w, const char *what, const void *p, size_t n, long status,
                      const char *code)
{
    raw(w, what, "", "multipart/form-data; boundary=BOUND", p, n, status, code);
}

/* Files and folders of media that are not finished. */
static unsigned left_over(const struct world *w)
{
    char path[160];
    struct dirent *e;
    unsigned n = 0;
    DIR *d;

    (void)snprintf(path, sizeof path, "%.90s/data/media", w->scratch.dir);
    d = opendir(path);
    assert_non_null(d);
    while ((e = readdir(d)))
        /* Finished ones are in folders of two hexadecimal digits. */
        n += e->d_name[0] != '.' && strlen(e->d_name) != 2;
    (void)closedir(d);
    return n;
}

/* A refusal may be told before its file is gone, within the same turns of the loop. */
static void nothing_left(struct world *w)
{
    for (unsigned i = 0; i < 50 && left_over(w) > 0; i++)
        hostile_alive(w);
    assert_int_equal(left_over(w), 0);
}

#define PART "--BOUND\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n"
#define TYPE "Content-Type: text/plain\r\n\r\n"
#define END  "\r\n--BOUND--\r\n"
struct row {
    const char *what, *bytes;
    size_t n;
    long status;
    const char *code;
};
#define ROW(what_, bytes_, status_, code_)                                                                   \
    {                                                                                                        \
        .what = (what_), .bytes = (bytes_), .n = sizeof(bytes_) - 1, .status = (status_), .code = (code_)    \
    }

static const struct row rows[] = {
    ROW("a good one", PART TYPE "palabra-secreta" END, 201, NULL),
    ROW("nothing", "", 422, "no_file"),
    ROW("only the end", "--BOUND--\r\n", 422, "no_file"),
    ROW("another boundary", "--OTHER\r\n\r\nx\r\n--OTHER--\r\n", 422, "no_file"),
    ROW("words", "these are no parts", 422, "no_file"),
    ROW("a part without its end", PART TYPE "x", 400, "invalid_multipart"),
    ROW("a header without its end", "--BOUND\r\nContent-Disposition: form-data; na", 400,
        "invalid_multipart"),
    ROW("no filename", "--BOUND\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx" END, 422,
        "no_file"),
    ROW("no type", PART "\r\nx" END, 415, "unsupported_media_type"),
    ROW("a type that is none", PART "Content-Type: <script>\r\n\r\nx" END, 415, "unsupported_media_type"),
    ROW("a coding", PART "Content-Transfer-Encoding: base64\r\n" TYPE "eA==" END, 415,
        "unsupported_media_type"),
    ROW("two files", PART TYPE "x\r\n" PART TYPE "y" END, 422, "one_file"),
    ROW("an empty file", PART TYPE "" END, 201, NULL),
    ROW("a nested multipart",
        PART "Content-Type: multipart/mixed; boundary=IN\r\n\r\n--IN\r\n\r\nx\r\n--IN--" END, 0, NULL),
    ROW("a NUL in a name",
        "--BOUND\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\0b\"\r\n" TYPE "x" END, 0,
        NULL),
};

static void each_broken_body_has_its_answer(void **state)
{
    struct world *w = *state;

    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].status) {
            multipart(w, rows[i].what, rows[i].bytes, rows[i].n, rows[i].status, rows[i].code);
        } else { /* a file or a refusal, as the library reads it */
            struct bytes b = {0};
            struct wire c;
            head(&b, w, "", "multipart/form-data; boundary=BOUND", rows[i].n);
            bytes_add(&b, rows[i].bytes, rows[i].n);
            wire_open(&c, &w->gate);
            wire_put(&c, b.p, b.n);
            const long status = wire_reply(&c, false).status;
            assert_true(status == 201 || (status >= 400 && status < 500));
            wire_close(&c);
            bytes_done(&b);
        }
    /* The good one, cut anywhere. */
    for (size_t n = 0; n < rows[0].n - 4; n++) {
        struct bytes b = {0};
        struct wire c;
        head(&b, w, "", "multipart/form-data; boundary=BOUND", n);
        bytes_add(&b, rows[0].bytes, n);
        wire_open(&c, &w->gate);
        wire_put(&c, b.p, b.n);
        const struct reply r = wire_reply(&c, false);
        if (r.status < 400 || r.status > 499)
            fail_msg("cut at %zu: %ld %s", n, r.status, r.body);
        wire_close(&c);
        bytes_done(&b);
    }
    nothing_left(w);
}

static void boundaries_and_types(void **state)
{
    struct world *w = *state;
    static const char body[] = PART TYPE "x" END;
    static const char *const bad[] = {
        "multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\"", NULL};
    char type[300] = "multipart/form-data; boundary=";

    for (unsigned i = 0; bad[i]; i++)
        raw(w, bad[i], "", bad[i], body, sizeof body - 1, 400, "invalid_multipart");
    memset(type + strlen(type), 'B', 250);
    raw(w, "a boundary that does not come", "", type, body, sizeof body - 1, 422, "no_file");
    static const char *const types[] = {NULL,     "",      "/",           "text",           "text/",
                                        "/plain", "a/b/c", "te xt/plain", "text/plain\xff", "<b>/x"};
    for (unsigned i = 0; i < sizeof types / sizeof *types; i++)
        raw(w, types[i] ? types[i] : "no type", "", types[i], "x", 1, 415, "unsupported_media_type");
    raw(w, "a parameter", "?file=x", "text/plain", "x", 1, 400, "unknown_parameter");
    nothing_left(w);
}

/* What came back for a file with this name. */
static void name_becomes(struct world *w, const char *query, const char *disposition)
{
    struct bytes b = {0};
    struct wire c;
    char id[64];

    head(&b, w, query, "text/html", 1);
    bytes_fmt(&b, "x");
    wire_open(&c, &w->gate);
    wire_put(&c, b.p, b.n);
    struct reply r = wire_reply(&c, false);
    reply_is(&r, query, 201, NULL);
    assert_int_equal(sscanf(r.body, "{\"id\":\"%60[a-zA-Z0-9_]", id), 1);
    bytes_clear(&b);
    bytes_fmt(&b, "GET /v1/media/%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", id,
              w->gate.key);
    wire_put(&c, b.p, b.n);
    r = wire_reply(&c, false);
    reply_is(&r, query, 200, NULL);
    assert_non_null(strstr(r.head, "\nX-Content-Type-Options: nosniff"));
    assert_non_null(strstr(r.head, "\nContent-Security-Policy: sandbox"));
    const char *is = strstr(r.head, "\nContent-Disposition: ");
    assert_non_null(is);
    is += 22;
    if (strncmp(is, disposition, strlen(disposition)) != 0)
        fail_msg("%s became %.200s", query, is);
    wire_close(&c);
    bytes_done(&b);
}

static void filenames_do_no_harm(void **state)
{
    struct world *w = *state;
    static const char *const bad[] = {"?filename=a%00b",
                                      "?filename=a%0d%0ab",
                                      "?filename=a%7f",
                                      "?filename=%1b%5b31m",
                                      "?filename=%ff%fe",
                                      "?filename=%ed%a0%80",
                                      NULL};
    char query[2000] = "?filename=";

    for (unsigned i = 0; bad[i]; i++)
        raw(w, bad[i], bad[i], "text/plain", "x", 1, 422, "invalid_filename");
    memset(query + strlen(query), 'n', 300);
    raw(w, "a long name", query, "text/plain", "x", 1, 422, "invalid_filename");
    name_becomes(w, "?filename=../../etc/passwd", "attachment; filename=\"passwd\"");
    name_becomes(w, "?filename=..%2f..%2fetc%2fpasswd", "attachment; filename=\"passwd\"");
    name_becomes(w, "?filename=C:%5cAna%5cnota.html", "attachment; filename=\"nota.html\"");
    name_becomes(w, "?filename=a%22;x=%22b.txt", "attachment; filename=\"a__x__b.txt\"");
    name_becomes(w, "?filename=fa%c3%a7ade.png",
                 "attachment; filename=\"fa__ade.png\"; filename*=UTF-8''fa%C3%A7ade.png");
    name_becomes(w, "?filename=..", "attachment");
    name_becomes(w, "?filename=x%2f", "attachment\r");
    name_becomes(w, "", "attachment\r");
}

static void sizes_have_limits(void **state)
{
    struct world *w = *state;
    struct bytes b = {0}, all = {0};
    struct wire c;

    bytes_repeat(&b, "x", FILE_MAX);
    raw(w, "zero bytes", "", "text/plain", "", 0, 201, NULL);
    raw(w, "the limit", "", "text/plain", b.p, b.n, 201, NULL);
    bytes_repeat(&b, "x", 1);
    raw(w, "one more", "", "text/plain", b.p, b.n, 413, "too_large");
    bytes_fmt(&all, PART TYPE);
    bytes_add(&all, b.p, b.n);
    bytes_fmt(&all, END);
    multipart(w, "one more in a part", all.p, all.n, 413, "too_large");
    /* Refused by its announced length, before it comes. */
    head(&all, w, "", "text/plain", 1 << 30);
    wire_open(&c, &w->gate);
    wire_put(&c, all.p, all.n);
    struct reply r = wire_reply(&c, false);
    reply_is(&r, "a length of 1 GiB", 413, "too_large");
    wire_close(&c);
    /* In chunks its length shows on the way. */
    bytes_clear(&all);
    bytes_fmt(&all,
              "POST /v1/media HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: text/plain\r\n"
              "Transfer-Encoding: chunked\r\n\r\n",
              w->gate.key);
    for (unsigned i = 0; i < 4; i++) {
        bytes_fmt(&all, "%zx\r\n", b.n);
        bytes_add(&all, b.p, b.n);
        bytes_fmt(&all, "\r\n");
    }
    bytes_fmt(&all, "0\r\n\r\n");
    wire_expect(&w->gate, "too large in chunks", all.p, all.n, 413, "too_large");
    /* A field beside the file may not be used to go beyond it. */
    bytes_clear(&all);
    bytes_fmt(&all, "--BOUND\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\n");
    bytes_repeat(&all, "n", 4 * FILE_MAX);
    bytes_fmt(&all, "\r\n" PART TYPE "x" END);
    multipart(w, "a large field", all.p, all.n, 413, "too_large");
    nothing_left(w);
    bytes_done(&b);
    bytes_done(&all);
}

static void uploads_that_end_early_leave_nothing(void **state)
{
    struct world *w = *state;
    enum { N = 30 };
    struct wire c[N];
    struct bytes b = {0};

    for (unsigned i = 0; i < N; i++) {
        head(&b, w, "?filename=Ana-Secreta", i % 2 ? "text/plain" : "multipart/form-data; boundary=BOUND",
             FILE_MAX / 2);
        if (i % 2 == 0)
            bytes_fmt(&b, PART TYPE);
        bytes_repeat(&b, "palabra-secreta", 200); /* one read of the gateway takes it all */
        wire_open(&c[i], &w->gate);
        wire_put(&c[i], b.p, b.n);
        hostile_alive(w);
    }
    assert_true(left_over(w) > 0); /* they are under way */
    for (unsigned i = 0; i < N; i++)
        wire_close(&c[i]);
    /* Each end is told in the log; then nothing is left. */
    (void)process_wait_nth(w->gate.process, N, "http.request", "route=/v1/media", "aborted=true", NULL);
    nothing_left(w);
    bytes_done(&b);
}

/* Killed in the middle: the next start removes what was not finished. */
static void a_kill_leaves_nothing_either(void **state)
{
    struct world *w = *state;
    struct bytes b = {0};
    struct wire c;

    head(&b, w, "", "text/plain", FILE_MAX / 2);
    bytes_repeat(&b, "x", FILE_MAX / 4);
    wire_open(&c, &w->gate);
    wire_put(&c, b.p, b.n);
    while (left_over(w) == 0)
        hostile_alive(w);
    gate_kill(&w->gate);
    wire_close(&c);
    assert_int_equal(left_over(w), 1);
    gate_again(&w->gate);
    nothing_left(w);
    (void)process_wait_nth(w->gate.process, 1, "channel.state", "channel=wa", "state=up", NULL);
    bytes_done(&b);
}

static int up(void **state)
{
    struct world *w = calloc(1, sizeof *w);

    assert_non_null(w);
    hostile_up(w, NULL, "  media_max: 64k\n");
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
        cmocka_unit_test(each_broken_body_has_its_answer),
        cmocka_unit_test(boundaries_and_types),
        cmocka_unit_test(filenames_do_no_harm),
        cmocka_unit_test(sizes_have_limits),
        cmocka_unit_test(uploads_that_end_early_leave_nothing),
        cmocka_unit_test(a_kill_leaves_nothing_either),
    };

    return cmocka_run_group_tests(tests, up, down);
}
