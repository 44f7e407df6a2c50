/*
 * hilo kannel convert: files as they are found in the wild, and files that Kannel itself would
 * refuse. What comes out is compared with what was read through once, line by line
 * (kannel/NAME.yaml), and must pass hilod's own check where nothing is missing.
 */
#include "rig.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FIXTURE(name) "tests/cli/kannel/" name

static int setup(void **state)
{
    *state = rig_new();
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    rig_free(&r);
    return 0;
}

/* As long as it is the same, it is not shown. */
static void same(const char *got, const char *file)
{
    char *want = rig_read(file);
    unsigned line = 1;

    assert_non_null(want);
    for (size_t i = 0; want[i] || got[i]; i++) {
        if (want[i] != got[i]) {
            print_message("%s:%u is otherwise: %.120s\n", file, line, got + i);
            fail();
        }
        line += got[i] == '\n';
    }
    free(want);
}

static void converted(struct rig *r, const char *conf, const char *yaml)
{
    int rc = RUN(r, "kannel", "convert", conf);

    if (rc != 0)
        print_message("%s\n", rig_err(r));
    assert_int_equal(rc, 0);
    same(rig_out(r), yaml);
    assert_int_equal(rig_requests(r), 0); // it asks no gateway
}

/* hilod's words about a converted file, whose plugins are those of this build. */
static int checked(struct rig *r, const char *conf)
{
    const char *build = getenv("HILO_BUILD"), *at;
    char *yaml = NULL;
    int rc;

    assert_int_equal(RUN(r, "kannel", "convert", conf), 0);
    at = strstr(rig_out(r), "gateway:\n");
    assert_non_null(at);
    assert_true(asprintf(&yaml, "%.*sgateway:\n  plugin_dir: %s/plugins\n%s", (int)(at - rig_out(r)),
                         rig_out(r), build ? build : "build/debug-gcc", at + strlen("gateway:\n")) > 0);
    rig_write(r, rig_path(r, "hilo.yaml"), yaml);
    free(yaml);
    rc = RUN(r, "config", "check", "-c", rig_path(r, "hilo.yaml"));
    return rc;
}

static void a_whole_configuration(void **state)
{
    struct rig *r = *state;

    converted(r, FIXTURE("retailer.conf"), FIXTURE("retailer.yaml"));
    assert_contains(rig_err(r), "retailer.conf:91: allowed-prefix: not converted");
    assert_contains(rig_err(r), "more/users.conf:15: default-smsc: not converted: there is no channel");
    assert_contains(rig_err(r), "hilo: 2 channels, 2 users of sendsms, 29 notes\n");
    assert_null(strstr(rig_err(r), "p4ss"));
    assert_null(strstr(rig_err(r), "s3cret"));
    if (checked(r, FIXTURE("retailer.conf")) != 0) {
        print_message("%s%s\n", rig_out(r), rig_err(r));
        fail();
    }
}

static void whatever_a_file_may_have(void **state)
{
    struct rig *r = *state;

    converted(r, FIXTURE("workshop.conf"), FIXTURE("workshop.yaml"));
    assert_null(strstr(rig_err(r), "much too long"));
    /* What the notes call missing is what the check finds, and nothing else. */
    assert_int_equal(checked(r, FIXTURE("workshop.conf")), 4);
    assert_contains(rig_err(r), "channels.proveedor-and-1");
    assert_contains(rig_err(r), "channels.empty");
    assert_null(strstr(rig_err(r), "channels.sms"));
    assert_null(strstr(rig_err(r), "proveedor-and-1-2"));
    assert_null(strstr(rig_err(r), "unknown key"));
}

static void into_a_file(void **state)
{
    struct rig *r = *state;
    const char *to = rig_path(r, "made.yaml");
    struct stat st;

    assert_int_equal(RUN(r, "kannel", "convert", FIXTURE("retailer.conf"), "-o", to), 0);
    assert_string_equal(rig_out(r), "");
    assert_int_equal(stat(to, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600); // there are passwords in it
    char *made = rig_read(to);
    same(made, FIXTURE("retailer.yaml"));
    free(made);
    assert_int_equal(RUN(r, "kannel", "convert", FIXTURE("workshop.conf"), "-o", to), 1);
    assert_contains(rig_err(r), "nothing is written over");
    made = rig_read(to);
    same(made, FIXTURE("retailer.yaml"));
    free(made);
}

static void files_that_kannel_refuses(void **state)
{
    static const struct {
        const char *text, *words;
    } all[] = {
        {"group = core\nadmin-port 13000\n", "k.conf:2: an equals sign is missing in this line"},
        {"admin-port = 1\n", "k.conf:1: these lines are in no group"},
        {"group = core\n\nlog-level = 1\n", "k.conf:3: these lines are in no group"},
        {"include = \"k.conf\"\n", "includes itself"},
        {"include = nowhere.conf\n", "k.conf:1: can't include nowhere.conf: No such file"},
    };
    struct rig *r = *state;
    const char *path = rig_path(r, "k.conf");

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        rig_write(r, path, all[i].text);
        assert_int_equal(RUN(r, "kannel", "convert", path), 1);
        assert_contains(rig_err(r), all[i].words);
        assert_string_equal(rig_out(r), "");
    }
    assert_int_equal(RUN(r, "kannel", "convert", "/nonexistent.conf"), 1);
    assert_contains(rig_err(r), "can't read /nonexistent.conf: No such file");
    assert_int_equal(RUN(r, "kannel", "convert"), 2);
}

static void nothing_to_send_by(void **state)
{
    struct rig *r = *state;
    const char *path = rig_path(r, "k.conf");

    rig_write(r, path, "group = core\r\nadmin-port = 13000\r\n");
    assert_int_equal(RUN(r, "kannel", "convert", path), 0);
    assert_contains(rig_err(r),
                    "0 channels, 0 users of sendsms, 1 notes; without a connection of kind smpp there is "
                    "nothing to send by");
    assert_null(strstr(rig_out(r), "channels:"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_whole_configuration),     T(whatever_a_file_may_have), T(into_a_file),
        T(files_that_kannel_refuses), T(nothing_to_send_by),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
