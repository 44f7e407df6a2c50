/* Links of the gateway's own: tokens, how often, and the pages that they open. */
#include "api/limit.h"
#include "api/pages.h"
#include "base/sha256.h"
#include "base/str.h"
#include "services/links.h"
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const int64_t now = INT64_C(1790000000) * 1000000;

struct rig {
    struct gateway gw;
    struct arena *arena;
};

static int rig_up(void **state)
{
    struct rig *r = calloc(1, sizeof *r);

    assert_non_null(r);
    r->arena = arena_new();
    r->gw.public_url = STR("https://h.co/x");
    memset(r->gw.link_secret, 7, sizeof r->gw.link_secret);
    *state = r;
    return 0;
}

static int rig_down(void **state)
{
    struct rig *r = *state;

    arena_free(&r->arena);
    free(r);
    return 0;
}

static struct hilo_str token(struct rig *r, enum link_kind kind, const struct link *l)
{
    struct hilo_str url = link_make(&r->gw, kind, l, r->arena);
    char head[32];
    int n = snprintf(head, sizeof head, "https://h.co/x/%c/", (char)kind);

    assert_true(str_starts(url, str_n(head, (size_t)n)));
    return str_n(url.p + n, (size_t)url.n - (size_t)n);
}

static void says(struct rig *r, enum link_kind kind, struct hilo_str text, int64_t at, uint32_t status)
{
    struct fault f = {0};
    struct link l;
    int rc = link_read(&r->gw, kind, text, at, &l, &f);

    assert_int_equal(rc == 0 ? 200 : f.status, status);
}

static const struct link some = {
    .id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
    .choice = 513,
    .until_us = INT64_C(1790000100) * 1000000,
};

static void a_link_says_what_it_was_made_of(void **state)
{
    struct rig *r = *state;
    struct hilo_str t = token(r, LINK_CHOICE, &some);
    struct fault f;
    struct link l;

    assert_int_equal(t.n, 54);
    assert_int_equal(link_read(&r->gw, LINK_CHOICE, t, now, &l, &f), 0);
    assert_true(id_eq(l.id, some.id));
    assert_int_equal(l.choice, 513);
    assert_int_equal(l.until_us, some.until_us);
    assert_true(str_eq(t, token(r, LINK_CHOICE, &some))); /* the same each time */
    says(r, LINK_CHOICE, t, some.until_us, 200);
    says(r, LINK_CHOICE, t, some.until_us + 1, 410);
    /* The end reaches far beyond what 32 bits of seconds do. */
    struct link far = some;
    far.until_us = INT64_C(9000000000) * 1000000;
    says(r, LINK_UNSUBSCRIBE, token(r, LINK_UNSUBSCRIBE, &far), now, 200);
}

static void no_other_link_is_one(void **state)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    static const enum link_kind kinds[] = {LINK_MEDIA, LINK_CHOICE, LINK_UNSUBSCRIBE};
    struct rig *r = *state, other = *r;
    struct hilo_str t = token(r, LINK_CHOICE, &some);
    char text[64];

    for (unsigned i = 0; i < 3; i++)
        for (unsigned k = 0; k < 3; k++)
            says(r, kinds[k], token(r, kinds[i], &some), now, i == k ? 200 : 404);
    /* Every other sign in every place: also those of the last one's spare bits. */
    for (unsigned i = 0; i < 54; i++)
        for (unsigned k = 0; k < 64; k++) {
            memcpy(text, t.p, 54);
            if (text[i] == digits[k])
                continue;
            text[i] = digits[k];
            says(r, LINK_CHOICE, str_n(text, 54), now, 404);
        }
    for (unsigned n = 0; n < 54; n++)
        says(r, LINK_CHOICE, str_n(t.p, n), now, 404);
    memcpy(text, t.p, 54);
    memset(text + 54, 'A', 8);
    says(r, LINK_CHOICE, str_n(text, 55), now, 404);
    says(r, LINK_CHOICE, str_n(text, 58), now, 404);
    for (unsigned c = 0; c < 256; c++) {
        memcpy(text, t.p, 54);
        text[20] = (char)c;
        says(r, LINK_CHOICE, str_n(text, 54), now, t.p[20] == (char)c ? 200 : 404);
    }
    /* Another store's secret. */
    other.gw.link_secret[31] ^= 1;
    says(&other, LINK_CHOICE, t, now, 404);
}

static void a_message_s_links_end_by_its_age(void **state)
{
    struct hilo_id id = {{0}};
    const uint64_t ms = UINT64_C(1790000000123);

    (void)state;
    for (unsigned i = 0; i < 6; i++)
        id.b[i] = (uint8_t)(ms >> (40 - 8 * i));
    assert_int_equal(link_message_until(id, 2), INT64_C(1790000000123) * 1000 + INT64_C(172800) * 1000000);
}

/* ---- how often ---- */

static void a_bucket_gives_its_burst_and_then_its_rate(void **state)
{
    static struct limit l;
    int64_t wait;

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        assert_true(limit_take(&l, 5, 100, 3, 1000, &wait));
    assert_false(limit_take(&l, 5, 100, 3, 1000, &wait));
    assert_int_equal(wait, 100);
    assert_false(limit_take(&l, 5, 100, 3, 1099, &wait));
    assert_int_equal(wait, 1);
    assert_true(limit_take(&l, 5, 100, 3, 1100, &wait));
    assert_false(limit_take(&l, 5, 100, 3, 1100, &wait));
    assert_true(limit_take(&l, 6, 100, 3, 1100, &wait)); /* another's */
    /* Who falls on the same slot while it is in use shares it. */
    assert_false(limit_take(&l, 5 + LIMIT_SLOTS, 100, 3, 1100, &wait));
    for (unsigned i = 0; i < 3; i++)
        assert_true(limit_take(&l, 5 + LIMIT_SLOTS, 100, 3, 1500, &wait));
}

/* ---- pages ---- */

static char *page(enum page p, const struct page_words *w)
{
    struct buf b = {0};

    assert_int_equal(page_write(&b, p, w), HILO_OK);
    assert_int_equal(buf_add(&b, "", 1), HILO_OK);
    return b.p;
}

static void what_is_not_ours_is_escaped(void **state)
{
    const struct page_words w = {.name = STR("<b>&\"'"),
                                 .question = STR("<script>alert(1)</script>"),
                                 .title = STR("</button><img src=x>")};
    (void)state;
    for (unsigned p = 0; p < PAGE__END; p++) {
        char *html = page((enum page)p, &w);
        assert_null(strstr(html, "<script"));
        assert_null(strstr(html, "<img"));
        assert_null(strstr(html, "<b>"));
        assert_non_null(strstr(html, "&lt;b&gt;&amp;&quot;&#39;"));
        free(html);
    }
    char *html = page(PAGE_CHOOSE, &w);
    assert_non_null(strstr(html, "<button>&lt;/button&gt;&lt;img src=x&gt;</button>"));
    assert_non_null(strstr(html, "&lt;script&gt;alert(1)"));
    free(html);
}

/* Those that ask have one form, which posts; the others have none. In both languages, all of them. */
static void only_what_asks_has_a_form(void **state)
{
    (void)state;
    for (unsigned spanish = 0; spanish < 2; spanish++)
        for (unsigned p = 0; p < PAGE__END; p++) {
            const struct page_words w = {.spanish = spanish, .title = STR("Cambio"), .question = STR("?")};
            const bool asks = p == PAGE_CHOOSE || p == PAGE_UNSUBSCRIBE;
            char *html = page((enum page)p, &w);
            assert_true((strstr(html, "<form method=\"post\">") != NULL) == asks);
            assert_non_null(strstr(html, spanish ? "<html lang=\"es\">" : "<html lang=\"en\">"));
            assert_null(strstr(html, "(null)"));
            assert_null(strstr(html, "<title></title>"));
            assert_true(str_utf8_valid(str(html)));
            free(html);
        }
}

/* The browser shows the style only if the policy names its hash. */
static void the_policy_has_the_style_s_hash(void **state)
{
    const struct page_words w = {.spanish = false};
    char *html = page(PAGE_UNKNOWN, &w), *style = strstr(html, "<style>"), want[80];
    uint8_t hash[SHA256_BYTES];
    unsigned char text[64];

    (void)state;
    assert_non_null(style);
    style += strlen("<style>");
    const struct hilo_str part = str_n(style, (size_t)(strstr(style, "</style>") - style));
    sha256_parts(&part, 1, hash);
    (void)EVP_EncodeBlock(text, hash, sizeof hash);
    (void)snprintf(want, sizeof want, "'sha256-%s'", (const char *)text);
    if (!strstr(page_policy, want))
        fail_msg("core/api/pages_html.c: page_policy should have %s", want);
    free(html);
}

int main(void)
{
#define RIG(f) cmocka_unit_test_setup_teardown(f, rig_up, rig_down)
    const struct CMUnitTest tests[] = {
        RIG(a_link_says_what_it_was_made_of),
        RIG(no_other_link_is_one),
        cmocka_unit_test(a_message_s_links_end_by_its_age),
        cmocka_unit_test(a_bucket_gives_its_burst_and_then_its_rate),
        cmocka_unit_test(what_is_not_ours_is_escaped),
        cmocka_unit_test(only_what_asks_has_a_form),
        cmocka_unit_test(the_policy_has_the_style_s_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
