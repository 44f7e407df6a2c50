/*
 * The configuration from any bytes: parsed, filled by a table that holds every type,
 * read as the daemon's settings, and printed. Values that name the environment or a
 * file may do what they like; what must hold is that an error has a place, that the
 * tree keeps its limits, and that a filled string ends in NUL.
 */
#include "base/check.h"
#include "base/str.h"
#include "conf/settings.h"
#include <cjson/cJSON.h>
#include <fcntl.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct all {
    struct hilo_str name, need, token, url, tree;
    uint64_t on;
    int64_t count, wait, size, mode;
};
#define ALL(field, type) HILO_OPTION(struct all, field, type), .name = #field
static const struct hilo_option table[] = {
    {ALL(name, HILO_OPT_STR), .def = "x", .max = 8},
    {ALL(need, HILO_OPT_STR), .flags = HILO_OPT_REQUIRED},
    {ALL(token, HILO_OPT_STR), .flags = HILO_OPT_SECRET, .min = 2, .max = 100},
    {ALL(url, HILO_OPT_URL)},
    {ALL(on, HILO_OPT_BOOL)},
    {ALL(count, HILO_OPT_INT), .min = -5, .max = 5},
    {ALL(wait, HILO_OPT_DURATION)},
    {ALL(size, HILO_OPT_BYTES)},
    {ALL(mode, HILO_OPT_ENUM), .choices = "hold|resend"},
    {ALL(tree, HILO_OPT_TREE)},
};

static void check_string(struct hilo_str s)
{
    CHECK(!s.p || (s.p[s.n] == '\0' && str_utf8_valid(s)));
}

/* What becomes of a tree is JSON; a path leads to a node of the file, whatever it is. */
static void check_tree(struct conf *c, struct hilo_str tree, struct hilo_str path)
{
    const struct conf_node *at = conf_path(c->root, path);
    uint32_t line, column;
    cJSON *json = tree.p ? cJSON_ParseWithLength(tree.p, (size_t)tree.n) : NULL;

    check_string(tree);
    CHECK(!tree.p || json);
    cJSON_Delete(json);
    CHECK(at);
    conf_place(at, &line, &column);
    CHECK(line && column);
}

/* At most CONF_LEVELS_MAX deep, so recursion is bounded. */
static unsigned count_nodes(const struct conf_node *n, unsigned level)
{
    unsigned sum = 1;

    CHECK(level <= CONF_LEVELS_MAX || n->kind >= CONF_SCALAR);
    CHECK(n->line && n->column);
    for (const struct conf_node *k = n->child; k; k = k->next)
        sum += count_nodes(k, level + 1);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct all all = {0};
    struct settings settings;
    struct conf *c;

    int32_t rc = conf_parse("fuzz.yaml", str_n(data, size), NULL, &c);
    CHECK(rc == HILO_OK || (rc == HILO_INVALID && c->n_errors > 0));
    CHECK(rc != HILO_OK || (c->root && c->n_errors == 0));
    if (c->root) {
        CHECK(count_nodes(c->root, 1) <= CONF_NODES_MAX);
        conf_fill(c, c->root, "", 1, 1, table, sizeof table / sizeof *table, NULL, c->arena, &all);
        check_string(all.name);
        check_string(all.need);
        check_string(all.token);
        check_string(all.url);
        check_tree(c, all.tree, str_n(data, size));
        CHECK(all.on <= 1 && all.count >= -5 && all.count <= 5 && all.wait >= 0 && all.size >= 0);
        CHECK(all.mode == 0 || all.mode == 1);
        settings_read(c, &settings);
        for (const struct settings_channel *ch = settings.channels; ch; ch = ch->next)
            CHECK(ch->name.n >= 1 && ch->name.n <= 63);
    }
    for (const struct conf_error *e = c->errors; e; e = e->next)
        CHECK(e->line && e->column && e->text.n);
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    conf_print_errors(c, fd);
    (void)close(fd);
    conf_free(&c);
    return 0;
}
