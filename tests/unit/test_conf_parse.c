/* YAML of every broken kind, each with the exact words, line and column. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "base/buf.h"
#include "conf_testing.h"

struct broken {
    const char *what, *yaml;
    const char *errors;
    bool tree; /* a tree is there nevertheless */
};

static const struct broken cases[] = {
    {"nothing", "", "t.yaml:1:1: the file is empty; it must hold the sections of a configuration\n", false},
    {"comments only", "# one\n\n# two\n",
     "t.yaml:1:1: the file is empty; it must hold the sections of a configuration\n", false},
    {"an empty document", "---\n...\n",
     "t.yaml:1:1: the file is empty; it must hold the sections of a configuration\n", false},
    {"a list as root", "- a\n- b\n",
     "t.yaml:1:1: the file must hold a mapping of sections, such as \"gateway:\" with its options below it\n",
     false},
    {"a scalar as root", "\nhello\n",
     "t.yaml:2:1: the file must hold a mapping of sections, such as \"gateway:\" with its options below it\n",
     false},
    {"an alias as root", "*a\n",
     "t.yaml:1:1: aliases (*) are not supported; repeat the value\n"
     "t.yaml:1:1: the file must hold a mapping of sections, such as \"gateway:\" with its options below it\n",
     false},
    {"two documents", "a: 1\n---\nb: 2\n",
     "t.yaml:2:1: a second document begins here; a configuration is one document\n", false},
    {"an anchor", "a: &x 1\nb: 2\n",
     "t.yaml:1:4: anchors (&) are not supported; repeat the value where it is used\n", true},
    {"an anchor on a mapping", "a: &x\n  b: 2\n",
     "t.yaml:1:4: anchors (&) are not supported; repeat the value where it is used\n", true},
    {"an alias", "a: 1\nb: *x\n", "t.yaml:2:4: aliases (*) are not supported; repeat the value\n", true},
    {"an alias as key", "? *x\n: 1\nb: 2\n", "t.yaml:1:3: aliases (*) are not supported; repeat the value\n",
     true},
    {"a tag", "a: !!str 1\n", "t.yaml:1:4: tags (!) are not supported; write the value without one\n", true},
    {"a local tag", "a: !mine {b: 1}\n",
     "t.yaml:1:4: tags (!) are not supported; write the value without one\n", true},
    {"a tag directive", "%TAG ! tag:x,2000:\n---\na: 1\n", "t.yaml:1:1: %TAG is not supported; remove it\n",
     true},
    {"a merge key", "a: 1\n<<: {b: 2}\n",
     "t.yaml:2:1: merge keys (<<) are not supported; write the keys out\n", true},
    {"an anchor and its merge", "a: &x\n  k: 1\nb:\n  <<: *x\n",
     "t.yaml:1:4: anchors (&) are not supported; repeat the value where it is used\n"
     "t.yaml:4:3: merge keys (<<) are not supported; write the keys out\n"
     "t.yaml:4:7: aliases (*) are not supported; repeat the value\n",
     true},
    {"duplicate keys", "a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\na: 4\n",
     "t.yaml:5:3: duplicate key \"c\"; it is already on line 3\n"
     "t.yaml:6:1: duplicate key \"a\"; it is already on line 1\n",
     true},
    {"duplicate keys, one quoted", "a: 1\n\"a\": 2\n",
     "t.yaml:2:1: duplicate key \"a\"; it is already on line 1\n", true},
    {"a mapping as key", "? {a: 1}\n: 2\nb: 3\n", "t.yaml:1:3: a key must be a plain name\n", true},
    {"a list as key", "a:\n  ? [1, [2, 3]]\n  : {x: 2}\n  b: 3\n", "t.yaml:2:5: a key must be a plain name\n",
     true},
    {"a tab", "a:\n\tb: 1\n",
     "t.yaml:2:1: YAML syntax: found character that cannot start any token, while scanning for the next "
     "token\n",
     false},
    {"a quote not closed", "a: \"b\nc: 1\n",
     "t.yaml:3:1: YAML syntax: found unexpected end of stream, while scanning a quoted scalar\n", false},
    {"a bracket not closed", "a: [1, 2\n",
     "t.yaml:2:1: YAML syntax: did not find expected ',' or ']', while parsing a flow sequence\n", false},
    {"a brace not closed", "a: {b: 1\nc: 2\n",
     "t.yaml:2:2: YAML syntax: did not find expected ',' or '}', while parsing a flow mapping\n", false},
    {"two colons", "a: b: c\n", "t.yaml:1:5: YAML syntax: mapping values are not allowed in this context\n",
     false},
    {"wrong indentation", "a:\n  b: 1\n c: 2\n",
     "t.yaml:3:2: YAML syntax: did not find expected key, while parsing a block mapping\n", false},
    {"a reserved character", "a: @b\n",
     "t.yaml:1:4: YAML syntax: found character that cannot start any token, while scanning for the next "
     "token\n",
     false},
    {"a bad escape", "a: \"\\q\"\n",
     "t.yaml:1:5: YAML syntax: found unknown escape character, while parsing a quoted scalar\n", false},
    {"a control character", "a: 1\nñ: \x01\n",
     "t.yaml:2:4: YAML syntax: control characters are not allowed\n", false},
    {"a byte that is no UTF-8", "a: 1\nñb: \xff\n", "t.yaml:2:5: the file is not UTF-8 from here on\n",
     false},
    {"an overlong NUL", "a: \xc0\x80\n", "t.yaml:1:4: the file is not UTF-8 from here on\n", false},
    {"a surrogate", "a: \xed\xa0\x80\n", "t.yaml:1:4: the file is not UTF-8 from here on\n", false},
    {"UTF-16",
     "\xff\xfe"
     "a:",
     "t.yaml:1:1: the file is not UTF-8 from here on\n", false},
    {"a cut character", "a: \xc3", "t.yaml:1:4: the file is not UTF-8 from here on\n", false},
    {"a version not of this world", "%YAML 9.9\n---\na: 1\n",
     "t.yaml:1:1: YAML syntax: found incompatible YAML document\n", false},
    {"an undefined handle", "a: !x!y 1\n",
     "t.yaml:1:4: YAML syntax: found undefined tag handle, while parsing a node\n", false},
};

static void every_broken_kind_is_refused_with_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct conf *c = NULL;
        struct err err = {0};

        int32_t rc = conf_parse("t.yaml", str(cases[i].yaml), &err, &c);
        if (rc != HILO_INVALID || (c->root != NULL) != cases[i].tree)
            print_error("case: %s\n", cases[i].what);
        assert_int_equal(rc, HILO_INVALID);
        assert_true((c->root != NULL) == cases[i].tree);
        assert_errors(c, cases[i].errors);
        /* err is the first of them */
        assert_memory_equal(err.text, cases[i].errors, strcspn(cases[i].errors, "\n"));
        conf_free(&c);
        assert_null(c);
    }
}

static const struct conf_node *walk(const struct conf_node *n, const char *key)
{
    n = conf_get(n, key);
    assert_non_null(n);
    return n;
}

static void assert_at(const struct conf_node *n, uint32_t line, uint32_t column)
{
    assert_int_equal(n->line, line);
    assert_int_equal(n->column, column);
}

static void nodes_know_their_place(void **state)
{
    struct conf *c;
    const struct conf_node *n;

    (void)state;
    assert_int_equal(conf_parse("t.yaml",
                                STR("\xef\xbb\xbf# a mark of order, then text\r\n"
                                    "one: 1\r\n"
                                    "ñandú:   'it''s'\n"
                                    "list:\n"
                                    "- a\n"
                                    "- {b: \"x\\ty\", c: [ ]}\n"
                                    "nil:\n"
                                    "\"~\": |\n"
                                    "  two\n"
                                    "  lines\n"),
                                NULL, &c),
                     HILO_OK);
    assert_int_equal(c->n_errors, 0);
    assert_at(c->root, 2, 1);
    n = walk(c->root, "one");
    assert_true(n->kind == CONF_SCALAR && !n->quoted && str_eqz(n->scalar, "1"));
    assert_at(n, 2, 6);
    assert_int_equal(n->key_line, 2);
    assert_int_equal(n->key_column, 1);
    n = walk(c->root, "ñandú");
    assert_true(n->quoted && str_eqz(n->scalar, "it's"));
    assert_at(n, 3, 10);
    n = walk(c->root, "list");
    assert_true(n->kind == CONF_LIST);
    assert_at(n, 5, 1);
    assert_true(str_eqz(n->child->scalar, "a") && !n->child->key.n);
    n = n->child->next;
    assert_null(n->next);
    assert_at(n, 6, 3);
    assert_true(str_eqz(walk(n, "b")->scalar, "x\ty"));
    assert_true(walk(n, "c")->kind == CONF_LIST && !walk(n, "c")->child);
    assert_true(conf_absent(walk(c->root, "nil")));
    assert_true(str_eqz(walk(c->root, "~")->scalar, "two\nlines\n"));
    assert_null(conf_get(c->root, "tw"));
    assert_null(conf_get(walk(c->root, "one"), "a"));
    assert_null(conf_get(NULL, "a"));
    conf_free(&c);
}

/* What follows a refused construct is still read, so that one run shows all. */
static void the_rest_of_a_refused_file_is_there(void **state)
{
    struct conf *c;

    (void)state;
    assert_int_equal(
        conf_parse("t.yaml", STR("a: &x 1\n? [k]\n: {z: 1}\nb: *x\na: 2\n<<: [{a: 1}]\n? *x\n: v\nlast: 3\n"),
                   NULL, &c),
        HILO_INVALID);
    assert_int_equal(c->n_errors, 6);
    assert_true(str_eqz(walk(c->root, "a")->scalar, "1"));
    assert_int_equal(walk(c->root, "b")->kind, CONF_REFUSED);
    assert_ptr_equal(walk(c->root, "a")->next, walk(c->root, "b"));
    assert_ptr_equal(walk(c->root, "b")->next, walk(c->root, "last"));
    assert_null(walk(c->root, "last")->next);
    conf_free(&c);
}

static void levels_are_limited(void **state)
{
    struct conf *c;

    (void)state;
    /* The root is the first level: 15 lists in it are the 16 allowed. */
    assert_int_equal(conf_parse("t.yaml", STR("a: [[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]\n"), NULL, &c), HILO_OK);
    conf_free(&c);
    assert_int_equal(conf_parse("t.yaml", STR("a: [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]\n"), NULL, &c),
                     HILO_INVALID);
    assert_errors(c, "t.yaml:1:19: more than 16 levels, the most that a configuration may have\n");
    conf_free(&c);

    struct buf b = {0};
    assert_int_equal(buf_add_str(&b, STR("a: ")), HILO_OK);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(buf_add(&b, "[", 1), HILO_OK);
    assert_int_equal(conf_parse("t.yaml", buf_str(&b), NULL, &c), HILO_INVALID);
    assert_int_equal(c->n_errors, 1);
    conf_free(&c);
    buf_done(&b);
}

static void values_are_limited(void **state)
{
    struct conf *c;
    struct buf b = {0};

    (void)state;
    assert_int_equal(buf_add_str(&b, STR("a:\n")), HILO_OK);
    for (int i = 0; i < CONF_NODES_MAX - 2; i++) /* the root and the list count */
        assert_int_equal(buf_add_str(&b, STR("- 1\n")), HILO_OK);
    assert_int_equal(conf_parse("t.yaml", buf_str(&b), NULL, &c), HILO_OK);
    conf_free(&c);
    assert_int_equal(buf_add_str(&b, STR("- 1\n")), HILO_OK);
    assert_int_equal(conf_parse("t.yaml", buf_str(&b), NULL, &c), HILO_INVALID);
    assert_errors(c, "t.yaml:100000:3: more than 100000 values, the most that a configuration may have\n");
    assert_null(c->root);
    conf_free(&c);
    buf_done(&b);
}

static void bytes_are_limited(void **state)
{
    struct conf *c;
    struct buf b = {0};

    (void)state;
    assert_int_equal(buf_add_str(&b, STR("a: 1\n#")), HILO_OK);
    while (b.n < CONF_BYTES_MAX)
        assert_int_equal(buf_add_str(&b, STR(" ")), HILO_OK);
    assert_int_equal(conf_parse("t.yaml", buf_str(&b), NULL, &c), HILO_OK);
    conf_free(&c);
    assert_int_equal(buf_add_str(&b, STR(" ")), HILO_OK);
    assert_int_equal(conf_parse("t.yaml", buf_str(&b), NULL, &c), HILO_INVALID);
    assert_errors(
        c, "t.yaml:1:1: the file has more than 1048576 bytes, the most that a configuration may have\n");
    conf_free(&c);
    buf_done(&b);
}

/* The first errors are kept, all are counted. */
static void errors_are_limited(void **state)
{
    struct conf *c;
    struct buf b = {0};
    unsigned kept = 0;

    (void)state;
    assert_int_equal(buf_add_str(&b, STR("a: 0\n")), HILO_OK);
    for (int i = 0; i < CONF_ERRORS_MAX + 50; i++)
        assert_int_equal(buf_add_str(&b, STR("a: 1\n")), HILO_OK);
    assert_int_equal(conf_parse("t.yaml", buf_str(&b), NULL, &c), HILO_INVALID);
    assert_int_equal(c->n_errors, CONF_ERRORS_MAX + 50);
    for (const struct conf_error *e = c->errors; e; e = e->next)
        kept++;
    assert_int_equal(kept, CONF_ERRORS_MAX);
    char *text = printed_errors(c);
    assert_non_null(strstr(text, "t.yaml:201:1: duplicate key \"a\"; it is already on line 1\n"
                                 "t.yaml: and 50 more errors\n"));
    free(text);
    conf_free(&c);
    buf_done(&b);
}

static void a_file_is_read_and_named(void **state)
{
    char dir[] = "/tmp/hilo-conf-XXXXXX", path[64], expected[160];
    struct conf *c;
    struct err err = {0};

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/hilo.yaml", dir);
    assert_int_equal(conf_load(path, &err, &c), HILO_IO);
    (void)snprintf(expected, sizeof expected,
                   "can't open the configuration %s (-c names another): No such file or directory", path);
    assert_string_equal(err.text, expected);
    assert_null(c->root);
    conf_free(&c);

    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs("a: 1\na: 2\n", f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(conf_load(path, &err, &c), HILO_INVALID);
    (void)snprintf(expected, sizeof expected, "%s:2:1: duplicate key \"a\"; it is already on line 1\n", path);
    assert_errors(c, expected);
    assert_string_equal(c->dir, dir);
    conf_free(&c);

    assert_int_equal(conf_load(dir, &err, &c), HILO_IO);
    (void)snprintf(expected, sizeof expected, "can't read the configuration %s: Is a directory", dir);
    assert_string_equal(err.text, expected);
    conf_free(&c);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_broken_kind_is_refused_with_its_place),
        cmocka_unit_test(nodes_know_their_place),
        cmocka_unit_test(the_rest_of_a_refused_file_is_there),
        cmocka_unit_test(levels_are_limited),
        cmocka_unit_test(values_are_limited),
        cmocka_unit_test(bytes_are_limited),
        cmocka_unit_test(errors_are_limited),
        cmocka_unit_test(a_file_is_read_and_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
