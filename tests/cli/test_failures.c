/* Refusals, usage, gateways that do not answer, checks: words and exit statuses. */
#include "rig.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MED "med_01JDX3V5Q8E7Z2M4N6P8R0T2V4"

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

/* ---- 1: refused ------------------------------------------------------------------------------- */

static void a_problem_is_told_with_its_code_place_and_words(void **state)
{
    struct rig *rig = *state;

    rig_answer_as(
        rig, 422, "application/problem+json", NULL,
        "{\"title\":\"no\",\"status\":422,\"code\":\"invalid_identifier\",\"detail\":\"write +57…\","
        "\"pointer\":\"/to/phone\"}");
    assert_int_equal(RUN(rig, "send", "--phone", "300", "x"), 1);
    assert_string_equal(rig_err(rig), "hilo: invalid_identifier at /to/phone: write +57… (HTTP 422)\n");
    assert_string_equal(rig_out(rig), "");
    rig_answer(rig, 429, "{\"title\":\"Too much at once\",\"code\":\"queue_full\",\"retry_after\":5}");
    assert_int_equal(RUN(rig, "send", "--phone", "300", "x"), 1);
    assert_string_equal(rig_err(rig),
                        "hilo: queue_full: Too much at once (HTTP 429)\nhilo: try again in 5 s\n");
}

static void json_has_the_problem_too(void **state)
{
    struct rig *rig = *state;

    rig_answer(rig, 404, "{\"code\":\"unknown_case\",\"detail\":\"none\",  \"status\":404}");
    assert_int_equal(RUN(rig, "case", "show", "cas_1", "--json"), 1);
    assert_string_equal(rig_out(rig), "{\"code\":\"unknown_case\",\"detail\":\"none\",  \"status\":404}\n");
    assert_string_equal(rig_err(rig), "hilo: unknown_case: none (HTTP 404)\n");
}

static void what_is_no_gateway_is_not_believed(void **state)
{
    struct rig *rig = *state;

    rig_answer_as(rig, 502, "text/html", NULL, "<html>Bad gateway</html>");
    assert_int_equal(RUN(rig, "channels", "--json"), 1);
    assert_string_equal(rig_out(rig), "");
    assert_contains(rig_err(rig), "not one of a Hilo gateway");
    rig_answer_as(rig, 200, "text/html", NULL, "<html>Welcome</html>");
    assert_int_equal(RUN(rig, "channels"), 1);
    assert_contains(rig_err(rig), "no JSON object");
    rig_answer(rig, 200, "[1]");
    assert_int_equal(RUN(rig, "channels", "--json"), 1);
    assert_string_equal(rig_out(rig), "");
}

static void output_that_can_not_be_written_is_a_failure(void **state)
{
    struct rig *rig = *state;

    rig_answer(rig, 200, "{\"channels\":[]}");
    assert_int_equal(rig_run_to(rig, "/dev/full", (const char *const[]){"channels", NULL}), 1);
    assert_contains(rig_err(rig), "can't write to standard output");
    rig_answer_as(rig, 200, "image/jpeg", NULL, "jpeg");
    assert_int_equal(rig_run_to(rig, "/dev/full", (const char *const[]){"media", "get", MED, NULL}), 1);
    assert_contains(rig_err(rig), "can't write");
}

/* ---- files --------------------------------------------------------------------------------------- */

static void a_media_is_written_whole_or_not_at_all(void **state)
{
    struct rig *rig = *state;
    const char *file = rig_path(rig, "foto.jpg");
    struct stat st;
    char *bytes;

    rig_answer_as(rig, 200, "image/jpeg", NULL, "first");
    assert_int_equal(RUN(rig, "media", "get", MED, "-o", file), 0);
    assert_string_equal(rig_out(rig), "");
    bytes = rig_read(file);
    assert_string_equal(bytes, "first");
    free(bytes);
    assert_int_equal(stat(file, &st), 0);
    mode_t mask = umask(0);
    (void)umask(mask);
    assert_int_equal(st.st_mode & 0777, 0666 & ~mask);

    /* A refusal does not touch it, and leaves nothing beside it. */
    rig_answer(rig, 410, "{\"code\":\"media_expired\",\"detail\":\"gone\"}");
    assert_int_equal(RUN(rig, "media", "get", MED, "-o", file), 1);
    assert_contains(rig_err(rig), "media_expired");
    bytes = rig_read(file);
    assert_string_equal(bytes, "first");
    free(bytes);
    rig_answer(rig, 0, "");
    assert_int_equal(RUN(rig, "media", "get", MED, "-o", file), 3);
    char command[300];
    (void)snprintf(command, sizeof command, "ls -A '%s'.* 2>/dev/null | grep -q .", file);
    assert_int_not_equal(system(command), 0);
}

static void a_media_goes_to_standard_output(void **state)
{
    struct rig *rig = *state;

    rig_answer_as(rig, 200, "application/octet-stream", NULL, "\001bytes");
    assert_int_equal(RUN(rig, "media", "get", MED), 0);
    assert_string_equal(rig_out(rig), "\001bytes");
    rig_answer(rig, 404, "{\"code\":\"unknown_media\",\"detail\":\"none\"}");
    assert_int_equal(RUN(rig, "media", "get", MED, "-o", "-"), 1);
    assert_string_equal(rig_out(rig), "");
}

static void files_that_can_not_be_read_or_written_are_named(void **state)
{
    struct rig *rig = *state;

    assert_int_equal(RUN(rig, "media", "put", rig_path(rig, "none")), 1);
    assert_contains(rig_err(rig), "/none: No such file or directory");
    assert_int_equal(RUN(rig, "media", "put", rig_path(rig, ".")), 1);
    assert_int_equal(RUN(rig, "media", "get", MED, "-o", rig_path(rig, "no/where")), 1);
    assert_contains(rig_err(rig), "no/where: No such file or directory");
    assert_int_equal(RUN(rig, "media", "get", MED, "-o", rig_path(rig, ".")), 2);
    assert_int_equal(rig_requests(rig), 0);
}

/* ---- 2: usage -------------------------------------------------------------------------------------- */

static void wrong_usage_is_told_before_anything_is_sent(void **state)
{
    static const struct {
        const char *args[12], *says;
    } cases[] = {
        {{NULL}, "hilo COMMAND"},
        {{"--json", "channels"}, "options come after the command"},
        {{"sned"}, "no command \"sned\""},
        {{"message"}, "hilo message cancel ID"},
        {{"message", "forward", "x"}, "no command \"message forward\""},
        {{"message", "show"}, "ID is missing"},
        {{"message", "show", "a", "b"}, "\"b\" is not expected"},
        {{"channels", "--colour"}, "no option --colour"},
        {{"channels", "-z"}, "no option -z"},
        {{"channels", "--json=yes"}, "--json takes no value"},
        {{"customer", "consent", "cus_1", "service"}, "say granted or denied after the category"},
        {{"customer", "consent", "cus_1", "--proof", "x"}, "--proof needs a category, and granted or denied"},
        {{"case", "list", "--status"}, "--status needs a value"},
        {{"case", "list", "-n"}, "--limit needs a value"},
        {{"case", "list", "--status", "open", "--status", "closed"}, "--status is given twice"},
        {{"config", "check", "--json"}, "no option --json"},
        {{"send", "x"}, "to whom"},
        {{"send", "--phone", "+57", "--email", "a@b.co", "x"}, "to whom"},
        {{"send", "--phone", "+57"}, "say what to send"},
        {{"send", "--phone", "+57", "x", "--text", "y"}, "given twice"},
        {{"send", "--phone", "+57", "--media", "f", "--template", "t"}, "one of"},
        {{"send", "--phone", "+57", "--template", "t"}, "--language"},
        {{"send", "--phone", "+57", "--media", MED}, "--kind is needed"},
        {{"send", "--phone", "+57", "--media", "https://x.co/a", "--kind", "image", "--type", "a/b"},
         "--type"},
        {{"send", "--phone", "+57", "--media", "f.png", "hello"}, "--caption"},
        {{"send", "--phone", "+57", "--choices", "a=A"}, "--text"},
        {{"send", "--phone", "+57", "--text", "q", "--choices", "a=A,b"}, "\"b\": a choice is ID=TITLE"},
        {{"send", "--phone", "+57", "--text", "q", "--choices", "=A"}, "a choice is ID=TITLE"},
        {{"send", "--phone", "+57", "--text", "q", "--choices", ""}, "a choice is ID=TITLE"},
        {{"send", "--phone", "+57", "hello", "--caption", "c"}, "--caption has no meaning with a text"},
        {{"send", "--phone", "+57", "--content", "{\"type\":"}, "JSON object"},
        {{"send", "--phone", "+57", "--content", "{} x"}, "JSON object"},
        {{"send", "--phone", "+57", "--idempotency-key", "a\nX: y", "x"}, "control characters"},
        {{"customer", "find"}, "say by what"},
        {{"customer", "update", "cus_1"}, "say what to change"},
        {{"customer", "update", "cus_1", "--add", "+57"}, "SCHEME=VALUE"},
        {{"customer", "create", "--attributes", "[]"}, "JSON object"},
        {{"case", "open", "--subject", "s"}, "exactly one"},
        {{"case", "open", "--customer", "c", "--phone", "p"}, "exactly one"},
        {{"case", "update", "cas_1"}, "say what to change"},
        {{"timeline"}, "exactly one"},
        {{"appointment", "book", "--store", "s", "--at", "t"}, "exactly once"},
        {{"appointment", "book", "--customer", "c", "--at", "t"}, "--store and --at"},
        {{"appointment", "move", "c"}, "--at"},
        {{"customer", "lookup", "--reason", "r"}, "exactly once"},
        {{"customer", "lookup", "--loyalty", "1", "--order", "2", "--reason", "r"}, "exactly once"},
        {{"customer", "lookup", "--loyalty", "1"}, "--reason"},
        {{"stock", "available", "S"}, "--quantity"},
        {{"stock", "available", "S", "--quantity", "many"}, "a number"},
        {{"stock", "available", "S", "--quantity", "1", "--content", "x"}, "a content in JSON"},
        {{"stock", "subscribe", "S"}, "exactly once"},
        {{"appointment", "update", "c"}, "say what to change"},
        {{"appointment", "cancel", "c", "--confirmation", "hola"}, "a content in JSON"},
        {{"key", "create", "--name", "n"}, "--scopes"},
        {{"media", "get", MED, "--info", "-o", "f"}, "-o"},
        {{"channels", "--url", "ftp://x.co", "--key", "k"}, "no URL"},
        {{"channels", "--url", "https://user:pass@x.co", "--key", "k"}, "no URL"},
        {{"channels", "--url", "https://x.co"}, "HILO_KEY"},
        {{"channels", "--url", "https://x.co", "--key", "k", "--control", "p"}, "two ways"},
    };
    struct rig *rig = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int rc = rig_run(rig, cases[i].args);
        if (rc != 2)
            print_error("usage example %zu ended with %d: %s\n", i, rc, rig_err(rig));
        assert_int_equal(rc, 2);
        assert_contains(rig_err(rig), cases[i].says);
        assert_string_equal(rig_out(rig), "");
    }
    assert_int_equal(rig_requests(rig), 0);
}

static void a_socket_path_that_is_too_long_is_usage(void **state)
{
    struct rig *rig = *state;
    char path[200];

    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = 0;
    assert_int_equal(RUN(rig, "channels", "--control", path), 2);
    assert_contains(rig_err(rig), "at most 107 bytes");
}

static void every_command_has_help_with_examples(void **state)
{
    struct rig *rig = *state;
    unsigned commands = 0;
    char *list, *line, *save;

    assert_int_equal(RUN(rig, "--help"), 0);
    assert_contains(rig_out(rig), "Exit status");
    list = strdup(rig_out(rig));
    for (line = strtok_r(list, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char word[3][32];
        const char *args[5] = {0};
        unsigned n = 0;
        if (strncmp(line, "  ", 2) != 0 || strstr(line, "COMMAND"))
            continue;
        int words = sscanf(line, "  %31s %31s %31s", word[0], word[1], word[2]);
        assert_true(words >= 2);
        args[n++] = word[0];
        /* A verb: what stands before an operand or the summary's gap. */
        bool verb = strchr("[", word[1][0]) == NULL && strncmp(line + 2 + strlen(word[0]), "  ", 2) != 0;
        if (verb)
            args[n++] = word[1];
        args[n] = "--help";
        assert_int_equal(rig_run(rig, args), 0);
        assert_contains(rig_out(rig), "\nExamples\n  ");
        assert_contains(rig_out(rig), "-h, --help");
        commands++;
    }
    free(list);
    assert_int_equal(commands, 70);
    assert_int_equal(RUN(rig, "message", "--help"), 0);
    assert_contains(rig_out(rig), "hilo message cancel ID");
    assert_int_equal(RUN(rig, "--version"), 0);
    assert_int_equal(strncmp(rig_out(rig), "hilo ", 5), 0);
}

/* ---- 3: no answer -------------------------------------------------------------------------------- */

static void a_missing_socket_is_named_with_what_to_do(void **state)
{
    struct rig *rig = *state;

    assert_int_equal(RUN(rig, "channels", "--control", rig_path(rig, "other.sock")), 3);
    assert_contains(rig_err(rig), "/other.sock: is hilod running?");
    assert_contains(rig_err(rig), "HILO_CONTROL");
}

static void a_dead_socket_is_named_with_what_to_do(void **state)
{
    struct rig *rig = *state;

    rig_stop(rig);
    assert_int_equal(RUN(rig, "channels"), 3);
    assert_contains(rig_err(rig), "/control.sock: hilod has stopped; start it again");
}

static void a_url_that_nobody_answers_on_is_named(void **state)
{
    struct rig *rig = *state;
    char url[64];

    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u", rig_port(rig));
    rig_stop(rig);
    assert_int_equal(RUN(rig, "channels", "--url", url, "--key", "k"), 3);
    assert_contains(rig_err(rig), "can't reach the gateway at http://127.0.0.1:");
}

static void a_lost_answer_tells_how_to_repeat_safely(void **state)
{
    struct rig *rig = *state;
    char expected[128];

    rig_answer(rig, 0, "");
    assert_int_equal(RUN(rig, "send", "--phone", "+57", "x"), 3);
    (void)snprintf(expected, sizeof expected, "--idempotency-key %s and it is done once",
                   rig_request(rig, 0)->idempotency);
    assert_contains(rig_err(rig), expected);
    rig_forget(rig);
    rig_answer(rig, 0, "");
    assert_int_equal(RUN(rig, "key", "create", "--name", "n", "--scopes", "all"), 3);
    assert_contains(rig_err(rig), "look before you repeat it");
    rig_forget(rig);
    rig_answer(rig, 0, "");
    assert_int_equal(RUN(rig, "channels"), 3);
    assert_null(strstr(rig_err(rig), "unknown"));
}

/* ---- checks by hilod ---------------------------------------------------------------------------------- */

/* Stands for hilod: prints its arguments, ends as it is told. */
static const char *fake_hilod(struct rig *rig, const char *end)
{
    const char *path = rig_path(rig, "fake-hilod");
    char script[256];

    (void)snprintf(script, sizeof script, "#!/bin/sh\nfor a in \"$@\"; do printf '<%%s>' \"$a\"; done\n%s\n",
                   end);
    rig_write(rig, path, script);
    assert_int_equal(chmod(path, 0700), 0);
    return path;
}

static void checks_are_hilods_own(void **state)
{
    static const struct {
        const char *args[6], *runs;
    } cases[] = {{{"config", "check", "-c", "a b.yaml"}, "<--check-config><-c><a b.yaml>"},
                 {{"config", "check"}, "<--check-config>"},
                 {{"store", "check", "/var/lib/hilo"}, "<--check-store></var/lib/hilo>"},
                 {{"plugin", "check", "./sms.so"}, "<--check-plugin><./sms.so>"}};
    struct rig *rig = *state;

    rig_env(rig, "HILOD", fake_hilod(rig, "exit 0"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(rig_run(rig, cases[i].args), 0);
        assert_string_equal(rig_out(rig), cases[i].runs);
    }
    assert_int_equal(rig_requests(rig), 0);
}

static void a_check_that_finds_something_ends_with_4(void **state)
{
    static const struct {
        const char *end;
        int status;
    } cases[] = {{"exit 0", 0}, {"exit 1", 4}, {"exit 3", 4},
                 {"exit 4", 4}, {"exit 2", 1}, {"kill -9 $$", 1}};
    struct rig *rig = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rig_env(rig, "HILOD", fake_hilod(rig, cases[i].end));
        assert_int_equal(RUN(rig, "store", "check", "d"), cases[i].status);
    }
}

static void hilod_that_is_not_there_is_named(void **state)
{
    struct rig *rig = *state;

    rig_env(rig, "HILOD", rig_path(rig, "no-hilod"));
    assert_int_equal(RUN(rig, "config", "check"), 3);
    assert_contains(rig_err(rig), "/no-hilod");
    assert_contains(rig_err(rig), "HILOD");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_problem_is_told_with_its_code_place_and_words),
        TEST(json_has_the_problem_too),
        TEST(what_is_no_gateway_is_not_believed),
        TEST(output_that_can_not_be_written_is_a_failure),
        TEST(a_media_is_written_whole_or_not_at_all),
        TEST(a_media_goes_to_standard_output),
        TEST(files_that_can_not_be_read_or_written_are_named),
        TEST(wrong_usage_is_told_before_anything_is_sent),
        TEST(a_socket_path_that_is_too_long_is_usage),
        TEST(every_command_has_help_with_examples),
        TEST(a_missing_socket_is_named_with_what_to_do),
        TEST(a_dead_socket_is_named_with_what_to_do),
        TEST(a_url_that_nobody_answers_on_is_named),
        TEST(a_lost_answer_tells_how_to_repeat_safely),
        TEST(checks_are_hilods_own),
        TEST(a_check_that_finds_something_ends_with_4),
        TEST(hilod_that_is_not_there_is_named),
    };

    return cmocka_run_group_tests_name("cli failures", tests, NULL, NULL);
}
