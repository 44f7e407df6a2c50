/* hilo pos: which channel is meant, what people and programs see, and the code as a picture. */
#include "rig.h"
#include <stdio.h>
#include <string.h>

#define CODE                                                                                                 \
    "HILO1-Y3RZ5-WZMYQ-VFFY7-SZBXG-04926-D25AS-KQH2C-TNEYC-VQQFY-78KE1-QQ6BK-MD5JP-WS315-SJQGR-BDE1P-6BYKK-" \
    "S8"
#define INVITED                                                                                              \
    "{\"id\":\"enr_1\",\"store\":\"CENTRO\",\"terminal\":\"3\",\"role\":\"clerk\",\"state\":\"open\","       \
    "\"expires\":\"2026-11-27T16:04:05Z\",\"code\":\"" CODE "\"}"

static int rig_setup(void **state)
{
    *state = rig_new();
    return 0;
}

static int rig_teardown(void **state)
{
    struct rig *rig = *state;

    rig_free(&rig);
    return 0;
}

static void the_only_channel_of_its_type_is_meant(void **state)
{
    struct rig *rig = *state;

    rig_answer(
        rig, 200,
        "{\"channels\":[{\"name\":\"wa\",\"type\":\"whatsapp\"},{\"name\":\"caja co\",\"type\":\"pos\"}]}");
    rig_answer(rig, 200, "{\"terminals\":[]}");
    assert_int_equal(RUN(rig, "pos", "list"), 0);
    assert_request(rig, 0, "GET", "/v1/channels", NULL);
    assert_request(rig, 1, "GET", "/v1/channels/caja%20co/admin/terminals", NULL);
    assert_string_equal(rig_out(rig), "no terminals\n");
    rig_answer(rig, 200,
               "{\"channels\":[{\"name\":\"a\",\"type\":\"pos\"},{\"name\":\"b\",\"type\":\"pos\"}]}");
    assert_int_equal(RUN(rig, "pos", "revoke", "CENTRO", "3"), 1);
    assert_contains(rig_err(rig), "--channel");
    rig_answer(rig, 200, "{\"channels\":[]}");
    assert_int_equal(RUN(rig, "pos", "ca"), 1);
    assert_contains(rig_err(rig), "no channel of type pos");
    assert_int_equal(rig_requests(rig), 4); /* nobody was revoked */
}

static void what_is_not_said_right_is_not_sent(void **state)
{
    struct rig *rig = *state;

    assert_int_equal(RUN(rig, "pos", "enroll", "--store", "CENTRO"), 2);
    assert_int_equal(RUN(rig, "pos", "enroll", "--store", "A", "--terminal", "1", "--lifetime", "1"), 2);
    assert_int_equal(RUN(rig, "pos", "enroll", "--store", "A", "--terminal", "1", "--lifetime", "1w"), 2);
    assert_int_equal(RUN(rig, "pos", "enroll", "--store", "A", "--terminal", "1", "--lifetime", "-1h"), 2);
    assert_int_equal(RUN(rig, "pos", "show", "CENTRO"), 2);
    assert_int_equal(RUN(rig, "pos", "role", "CENTRO", "3"), 2);
    assert_int_equal(rig_requests(rig), 0);
}

static void a_code_for_people_and_for_programs(void **state)
{
    struct rig *rig = *state;

    rig_answer(rig, 201, INVITED);
    assert_int_equal(
        RUN(rig, "pos", "enroll", "--store", "CENTRO", "--terminal", "3", "--channel", "caja", "-q"), 0);
    assert_string_equal(rig_out(rig), CODE "\n");
    rig_answer(rig, 201, INVITED);
    assert_int_equal(
        RUN(rig, "pos", "enroll", "--store", "CENTRO", "--terminal", "3", "--channel", "caja", "--json"), 0);
    assert_string_equal(rig_out(rig), INVITED "\n");
    rig_answer(rig, 201, INVITED);
    rig_env(rig, "LANG", "es_CO.UTF-8");
    assert_int_equal(RUN(rig, "pos", "enroll", "--store", "CENTRO", "--terminal", "3", "--channel", "caja"),
                     0);
    assert_contains(rig_out(rig), "Tienda        CENTRO\n");
    assert_contains(rig_out(rig), "hilo-till enroll CÓDIGO");
    assert_contains(rig_out(rig), "\n\n" CODE "\n");
    assert_null(strstr(rig_out(rig), "\u2584")); /* no picture into a file */
    rig_answer(rig, 422,
               "{\"code\":\"invalid\",\"detail\":\"a role is clerk, cashier or kiosk\",\"status\":422}");
    assert_int_equal(
        RUN(rig, "pos", "enroll", "--store", "A", "--terminal", "1", "--role", "x", "--channel", "caja"), 1);
    assert_contains(rig_err(rig), "a role is clerk, cashier or kiosk");
}

#define INK "\033[38;5;16;48;5;231m"

/* The modules of a code that was drawn in half blocks; its width. Dark is what reads so: written without
 * colours, what is blank. */
static unsigned modules(const char *out, bool colour, bool m[128][128])
{
    const char *p = colour ? strstr(out, INK) : strstr(out, "\u2588\u2588");
    unsigned y = 0, width = 0;

    assert_non_null(p);
    while (p && *p) {
        unsigned x = 0;
        bool drawn = false;

        if (strncmp(p, INK, sizeof INK - 1) == 0)
            p += sizeof INK - 1;
        for (; *p && *p != '\r' && *p != '\n' && *p != '\033'; x++) {
            unsigned v = strncmp(p, "\u2588", 3) == 0   ? 3
                         : strncmp(p, "\u2580", 3) == 0 ? 2
                         : strncmp(p, "\u2584", 3) == 0 ? 1
                                                        : 0;

            drawn = true;
            p += v ? 3 : 1;
            v = colour ? v : 3 - v;
            assert_true(x < 128 && y + 1 < 128);
            m[y][x] = v >> 1 & 1;
            m[y + 1][x] = v & 1;
        }
        if (!drawn)
            break;
        assert_true(width == 0 || x == width);
        width = x;
        y += 2;
        p = strchr(p, '\n');
        p = p ? p + 1 : NULL;
    }
    assert_true(y == width || y == width + 1);
    return width;
}

/* A finder pattern (ISO/IEC 18004, 6.3.3): dark, light, dark squares of 7, 5, 3 modules, light around. */
static void finder_at(bool m[128][128], unsigned left, unsigned top)
{
    unsigned x, y;

    for (y = 0; y < 7; y++)
        for (x = 0; x < 7; x++) {
            unsigned ring = x < y ? x : y, far = 6 - (x > y ? x : y);

            ring = ring < far ? ring : far;
            assert_int_equal(m[top + y][left + x], ring != 1);
        }
}

static void the_code_is_drawn_on_a_terminal(void **state)
{
    static const char *const args[] = {"pos", "enroll",    "--store", "CENTRO", "--terminal",
                                       "3",   "--channel", "caja",    NULL};
    struct rig *rig = *state;
    static bool drawn[2][128][128];
    unsigned width[2], colour, i;

    for (colour = 0; colour < 2; colour++) {
        bool(*m)[128] = drawn[colour];

        rig_env(rig, "TERM", "xterm-256color");
        rig_env(rig, "NO_COLOR", colour ? NULL : "1");
        rig_answer(rig, 201, INVITED);
        assert_int_equal(rig_run_terminal(rig, 120, args), 0);
        width[colour] = modules(rig_out(rig), colour, m);
        /* Square, of a QR code's size, with a light margin of two. */
        assert_int_equal((width[colour] - 4 - 17) % 4, 0);
        for (i = 0; i < width[colour]; i++)
            assert_false(m[0][i] || m[1][i] || m[i][0] || m[i][1] || m[i][width[colour] - 1]);
        finder_at(m, 2, 2);
        finder_at(m, width[colour] - 9, 2);
        finder_at(m, 2, width[colour] - 9);
        /* The timing pattern between them alternates. */
        for (i = 10; i < width[colour] - 10; i++)
            assert_int_equal(m[8][i], i % 2 == 0);
    }
    assert_int_equal(width[0], width[1]);
    assert_memory_equal(drawn[0], drawn[1], sizeof drawn[0]);
    rig_answer(rig, 201, INVITED);
    assert_int_equal(
        rig_run_terminal(rig, 120,
                         (const char *const[]){"pos", "enroll", "--store", "CENTRO", "--terminal", "3",
                                               "--channel", "caja", "--no-qr", NULL}),
        0);
    assert_null(strstr(rig_out(rig), "\u2588"));
    assert_contains(rig_out(rig), CODE);
}

static void terminals_are_shown(void **state)
{
    static const char terminal[] =
        "{\"store\":\"CENTRO\",\"terminal\":\"3\",\"state\":\"active\",\"role\":\"clerk\",\"serial\":\"7f\","
        "\"spki_sha256\":\"ab\",\"issued\":\"2026-11-27T15:04:05Z\",\"expires\":\"2027-02-25T15:04:05Z\","
        "\"enrolled\":"
        "\"2026-11-27T15:04:05Z\",\"changed\":\"2026-11-27T15:04:05Z\",\"changed_by\":\"key_1\","
        "\"connected\":true,"
        "\"software\":\"hilo-till \\u001b[31m0.3\"}";
    struct rig *rig = *state;
    char list[1024];

    rig_answer(rig, 200, terminal);
    assert_int_equal(RUN(rig, "pos", "show", "CENTRO", "3", "--channel", "caja"), 0);
    assert_contains(rig_out(rig), "CENTRO\n");
    assert_contains(rig_out(rig), "2027-02-25 15:04:05\n");
    assert_contains(rig_out(rig), "key_1\n");
    assert_null(
        strstr(rig_out(rig), "\033")); /* what a till says of itself is not sent to the operator's terminal */
    (void)snprintf(list, sizeof list, "{\"terminals\":[%s],\"next\":\"CENTRO/3\"}", terminal);
    rig_answer(rig, 200, list);
    assert_int_equal(RUN(rig, "pos", "list", "--channel", "caja"), 0);
    assert_contains(rig_out(rig), "STORE   TERMINAL  ROLE   STATE   CONNECTED");
    assert_contains(rig_out(rig), "more: --cursor CENTRO/3\n");
    rig_answer(rig, 200, list);
    assert_int_equal(RUN(rig, "pos", "list", "--channel", "caja", "-q"), 0);
    assert_string_equal(rig_out(rig), "CENTRO 3\n");
    rig_answer(rig, 204, "");
    assert_int_equal(RUN(rig, "pos", "remove", "CENTRO", "3", "--channel", "caja"), 0);
    assert_string_equal(rig_out(rig), "CENTRO 3 is removed\n");
    rig_answer(rig, 200,
               "{\"kind\":\"own\",\"certificates\":\"-----BEGIN\\n\",\"server\":{\"host\":\"pos.example\"}}");
    assert_int_equal(RUN(rig, "pos", "ca", "--pem", "--channel", "caja"), 0);
    assert_string_equal(rig_out(rig), "-----BEGIN\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_only_channel_of_its_type_is_meant),
        TEST(what_is_not_said_right_is_not_sent),
        TEST(a_code_for_people_and_for_programs),
        TEST(the_code_is_drawn_on_a_terminal),
        TEST(terminals_are_shown),
    };

    return cmocka_run_group_tests_name("cli pos", tests, NULL, NULL);
}
