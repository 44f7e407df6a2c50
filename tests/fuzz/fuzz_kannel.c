/*
 * What applications of Kannel send: text in a character set, addresses of callbacks with
 * escapes, patterns of addresses. What must hold: a text that is taken is UTF-8 without NUL, and an
 * address that was filled has grown nothing but printable ASCII of what it was given.
 *
 * Input: one byte of choices, then four strings, each ended by a newline but the last.
 */
#include "base/arena.h"
#include "base/check.h"
#include "base/str.h"
#include "services/sendsms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool printable(struct hilo_str s)
{
    for (uint64_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || (unsigned char)s.p[i] > '~')
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hilo_str left = str_n(data, size), part[4] = {{NULL, 0}};
    struct arena *arena;
    struct hilo_str text;
    struct buf asked = {0}, told = {0};
    unsigned choice;

    if (size < 1)
        return 0;
    choice = data[0];
    left = str_n(data + 1, size - 1);
    for (unsigned i = 0; i < 3; i++)
        (void)str_cut(left, '\n', &part[i], &left);
    part[3] = left;
    arena = arena_new();
    if (!sendsms_text(arena, part[3], part[0], (int64_t)(choice % 4) - 1, &text))
        CHECK(str_utf8_valid(text) && (text.n == 0 || !memchr(text.p, 0, (size_t)text.n)));
    (void)sendsms_ip(part[0], part[1], part[2]);
    const struct sendsms_escapes e = {.receiver = part[0],
                                      .sender = part[2],
                                      .smsc = part[3],
                                      .service = part[0],
                                      .account = part[2],
                                      .binfo = part[3],
                                      .meta_data = part[3],
                                      .dlr_url = part[1],
                                      .id = STR("msg_1"),
                                      .mclass = -1,
                                      .mwi = -1,
                                      .coding = choice % 4 - 1,
                                      .validity = -1,
                                      .deferred = -1};
    const struct rec_callback r = {
        .kind = 1u << choice % 5, .time = size * UINT64_C(1000000), .ext_id = part[2], .text = part[3]};
    CHECK(sendsms_url_asked(part[1], &e, &asked) == HILO_OK);
    CHECK(sendsms_url_told(buf_str(&asked), &r, &told) == HILO_OK);
    CHECK(!printable(part[1]) || printable(buf_str(&told)));
    buf_done(&asked);
    buf_done(&told);
    arena_free(&arena);
    return 0;
}
