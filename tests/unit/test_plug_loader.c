/* Loading plugins: what is refused, with which words, and what a good one looks like then. */
#include "base/str.h"
#include "plug/plug.h"
#include "plug_harness.h"

static struct plugins *all;

static int set_up(void **state)
{
    (void)state;
    all = plugins_new(NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    plugins_free(&all);
    return 0;
}

static void refused(const char *path, int32_t code, const char *words)
{
    struct err e = {0};
    struct plugin *p = NULL;

    assert_int_equal(plugins_load(all, path, &e, &p), code);
    assert_null(p);
    assert_int_equal(e.code, code);
    if (!strstr(e.text, path) || !strstr(e.text, words))
        fail_msg("%s: expected \"%s\", got \"%s\"", path, words, e.text);
    /* what to do next stands after the reason */
    if (!strstr(e.text, ";") && !strstr(e.text, "update hilod"))
        fail_msg("%s: no advice in \"%s\"", path, e.text);
}

/* Each BROKEN_x of tests/plugins/broken.c: built with it, the loader says this. */
static const struct {
    const char *name;
    int32_t code;
    const char *words;
} broken[] = {
    {"magic", HILO_INVALID, "magic is 0x12345678, not 0x48694c31"},
    {"small", HILO_INVALID, "size is 64 bytes, at least"},
    {"size_lies", HILO_INVALID, "bytes but has"},
    {"tiny_symbol", HILO_INVALID, "hilo_plugin_v1 is only 4 bytes"},
    {"other_major", HILO_NOSUP, "is built for version 2 of the plugin interface (it exports hilo_plugin_v2)"},
    {"no_symbol", HILO_INVALID, "exports no symbol hilo_plugin_v1"},
    {"requires", HILO_NOSUP, "requires the ability of bit 17"},
    {"unnamed", HILO_INVALID, "its name is missing"},
    {"no_version", HILO_INVALID, "has no version"},
    {"no_open", HILO_INVALID, "lacks open()"},
    {"no_close", HILO_INVALID, "lacks close()"},
    {"no_send", HILO_INVALID, "lacks send(), which it provides"},
    {"no_committed", HILO_INVALID, "lacks committed()"},
    {"no_request", HILO_INVALID, "lacks on_request()"},
    {"no_fetch", HILO_INVALID, "lacks fetch()"},
    {"no_abilities", HILO_INVALID, "provides SEND but declares no abilities"},
    {"abilities_small", HILO_INVALID, "its abilities are 8 bytes"},
    {"option_table", HILO_INVALID, "has no table of them"},
    {"option_size", HILO_INVALID, "its option_size is too small"},
    {"option_type", HILO_INVALID, "option 1 (number): its type is unknown"},
    {"option_offset", HILO_INVALID, "option 1 (number): its field is not within conf_size"},
    {"option_overlap", HILO_INVALID, "option 1 (number): its field is also that of an option before it"},
    {"option_twice", HILO_INVALID, "option 1 (text): its name is there twice"},
    {"option_unnamed", HILO_INVALID, "option 1 (no name): its name is missing"},
    {"option_choices", HILO_INVALID, "option 1 (number): it has no choices"},
    {"option_limits", HILO_INVALID, "option 1 (number): its min is above its max"},
    {"option_required", HILO_INVALID, "option 1 (number): it is required and has a default"},
};

static void test_broken_descriptors_are_refused_with_their_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        char name[64], path[512];

        snprintf(name, sizeof name, "BROKEN_%s", broken[i].name);
        refused(harness_plugin(name, path), broken[i].code, broken[i].words);
    }
}

static void test_files_that_are_no_plugin(void **state)
{
    char path[] = "/tmp/hilo-loader-XXXXXX", file[64];
    int fd;

    (void)state;
    assert_non_null(mkdtemp(path));
    snprintf(file, sizeof file, "%s/x.so", path);
    refused(file, HILO_NOTFOUND, "there is no such file");
    refused(path, HILO_INVALID, "is not a shared object");
    fd = open(file, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    refused(file, HILO_INVALID, "is not a shared object"); /* empty */
    assert_int_equal(write(fd, "#!/bin/sh\necho this is not a shared object\n", 43), 43);
    refused(file, HILO_INVALID, "is not a shared object");
    /* the right magic and nothing behind it */
    assert_int_equal(pwrite(fd, "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0", 18, 0), 18);
    refused(file, HILO_INVALID, "cannot be loaded: ");
    close(fd);
    unlink(file);
    assert_int_equal(mkfifo(file, 0600), 0);
    refused(file, HILO_INVALID, "is not a shared object");
    unlink(file);
    rmdir(path);
}

static void test_a_good_plugin(void **state)
{
    struct err e = {0};
    struct plugin *p, *again;
    char path[512], other[600];
    const struct hilo_plugin *d;

    (void)state;
    assert_int_equal(plugins_load(all, harness_plugin("echo", path), &e, &p), HILO_OK);
    assert_string_equal(plugin_path(p), path);
    d = plugin_desc(p);
    assert_string_equal(d->name, "echo");
    assert_int_equal(d->size, sizeof *d);
    assert_int_equal(d->n_options, 4);
    assert_string_equal(d->options[1].name, "credit");
    assert_int_equal(d->options[1].max, 1000);
    assert_int_equal(plugin_abilities(p)->text_max, 4096);
    assert_int_equal(plugin_abilities(p)->size, sizeof(struct hilo_abilities));
    assert_non_null(d->reconfigure);
    /* the same file, however it is named, is the same plugin */
    snprintf(other, sizeof other, "/proc/self/root%s", path);
    assert_int_equal(plugins_load(all, other, &e, &again), HILO_OK);
    assert_ptr_equal(p, again);
    /* one built against the frozen headers of 1.0 loads too, as another */
    assert_int_equal(plugins_load(all, harness_plugin("echo_v1.0", other), &e, &again), HILO_OK);
    assert_ptr_not_equal(p, again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_broken_descriptors_are_refused_with_their_reason, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_files_that_are_no_plugin, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_good_plugin, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
