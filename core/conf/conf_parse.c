/*
 * From libyaml's events to a tree of nodes with their places.
 *
 * libyaml is an event reader here, never its document loader, so that nothing is
 * expanded: an alias can't multiply nodes. There is no recursion; open containers
 * are frames of a fixed stack. What Hilo refuses (anchors, aliases, tags, merge keys,
 * duplicate and non-scalar keys) is reported and left out, and reading goes on; what
 * leaves no sense in the rest (syntax, limits, a second document) ends it.
 */
#include "base/check.h"
#include "base/str.h"
#include "conf/private.h"
#include <unistr.h>
#include <yaml.h>

#define uthash_fatal(msg) check_nomem()
#include <uthash.h>

/* A key seen in a mapping that is still open. */
struct seen_key {
    const struct conf_node *node;
    UT_hash_handle hh;
};

struct frame {
    struct conf_node *node;
    struct conf_node **tail; /* where its next child goes */
    struct seen_key *seen;
    struct conf_node *pending; /* MAP: the node whose key was read; NULL: a key is next */
    bool drop;                 /* the value that comes is left out */
};

struct parse {
    struct conf *conf;
    struct arena *scratch; /* of seen_key */
    struct frame stack[CONF_LEVELS_MAX];
    unsigned depth;
    unsigned nodes;
    struct conf_node *root;
};

struct place {
    uint32_t line, column;
};

static struct place place_of(yaml_mark_t m)
{
    return (struct place){(uint32_t)m.line + 1, (uint32_t)m.column + 1};
}

/* The place of a byte: lines end at LF, columns count characters. What comes before
 * it must be UTF-8. */
static struct place place_at(struct hilo_str text, size_t offset)
{
    struct place at = {1, 1};
    size_t start = 0;

    if (offset > text.n)
        offset = (size_t)text.n;
    for (size_t i = 0; i < offset; i++) {
        if (text.p[i] == '\n') {
            at.line++;
            start = i + 1;
        }
    }
    at.column = (uint32_t)str_utf8_count(str_n(text.p + start, offset - start)) + 1;
    return at;
}

static struct conf_node *node_new(struct parse *p, enum conf_kind kind, struct place at)
{
    if (++p->nodes > CONF_NODES_MAX) {
        conf_fail(p->conf, at.line, at.column, "more than %d values, the most that a configuration may have",
                  CONF_NODES_MAX);
        return NULL;
    }
    struct conf_node *n = ARENA_NEW(p->conf->arena, struct conf_node);
    n->kind = kind;
    n->line = at.line;
    n->column = at.column;
    return n;
}

static struct frame *top(struct parse *p)
{
    return p->depth ? &p->stack[p->depth - 1] : NULL;
}

/* Reads a key: the name of the value that comes next, or the reason to leave it out. */
static void take_key(struct parse *p, struct frame *f, struct hilo_str key, bool quoted, struct place at)
{
    struct conf *c = p->conf;
    struct conf_node *n = ARENA_NEW(c->arena, struct conf_node);
    struct seen_key *known = NULL;

    n->key = arena_str(c->arena, key);
    n->key_line = at.line;
    n->key_column = at.column;
    f->pending = n;
    f->drop = true;
    if (!quoted && str_eqz(key, "<<")) {
        conf_fail(c, at.line, at.column, "merge keys (<<) are not supported; write the keys out");
        return;
    }
    HASH_FIND(hh, f->seen, n->key.p, (unsigned)n->key.n, known);
    if (known) {
        conf_fail(c, at.line, at.column, "duplicate key %s; it is already on line %u",
                  conf__quote(c->arena, key), known->node->key_line);
        return;
    }
    known = ARENA_NEW(p->scratch, struct seen_key);
    known->node = n;
    HASH_ADD_KEYPTR(hh, f->seen, n->key.p, (unsigned)n->key.n, known);
    f->drop = false;
}

/* A key that is no name: its value is left out with it. */
static void refuse_key(struct parse *p, struct frame *f, struct place at)
{
    f->pending = ARENA_NEW(p->conf->arena, struct conf_node);
    f->drop = true;
    conf_fail(p->conf, at.line, at.column, "a key must be a plain name");
}

/* Puts a value where it belongs: the root, the next of a list, the value of a key. */
static void place_value(struct parse *p, struct conf_node *n)
{
    struct frame *f = top(p);

    if (!f) {
        p->root = n;
        return;
    }
    bool drop = false;
    if (f->node->kind == CONF_MAP) {
        n->key = f->pending->key;
        n->key_line = f->pending->key_line;
        n->key_column = f->pending->key_column;
        f->pending = NULL;
        drop = f->drop;
    }
    if (drop)
        return;
    *f->tail = n;
    f->tail = &n->next;
}

/* Names are not quoted: what was meant as a secret may begin with & or *. */
static void refuse_marks(struct parse *p, const yaml_char_t *anchor, const yaml_char_t *tag, struct place at)
{
    struct conf *c = p->conf;

    if (anchor)
        conf_fail(c, at.line, at.column, "anchors (&) are not supported; repeat the value where it is used");
    if (tag)
        conf_fail(c, at.line, at.column, "tags (!) are not supported; write the value without one");
}

static bool key_is_next(struct parse *p)
{
    struct frame *f = top(p);

    return f && f->node->kind == CONF_MAP && !f->pending;
}

static int32_t on_scalar(struct parse *p, const yaml_event_t *e)
{
    struct place at = place_of(e->start_mark);
    struct hilo_str s = str_n(e->data.scalar.value, e->data.scalar.length);
    bool quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;

    refuse_marks(p, e->data.scalar.anchor, e->data.scalar.tag, at);
    if (key_is_next(p)) {
        take_key(p, top(p), s, quoted, at);
        return HILO_OK;
    }
    struct conf_node *n = node_new(p, CONF_SCALAR, at);
    if (!n)
        return HILO_INVALID;
    n->scalar = arena_str(p->conf->arena, s);
    n->quoted = quoted;
    place_value(p, n);
    return HILO_OK;
}

static int32_t on_alias(struct parse *p, const yaml_event_t *e)
{
    struct place at = place_of(e->start_mark);

    conf_fail(p->conf, at.line, at.column, "aliases (*) are not supported; repeat the value");
    if (key_is_next(p)) {
        struct frame *f = top(p);
        f->pending = ARENA_NEW(p->conf->arena, struct conf_node);
        f->drop = true;
        return HILO_OK;
    }
    struct conf_node *n = node_new(p, CONF_REFUSED, at);
    if (!n)
        return HILO_INVALID;
    place_value(p, n);
    return HILO_OK;
}

static int32_t on_open(struct parse *p, enum conf_kind kind, struct place at)
{
    if (p->depth == CONF_LEVELS_MAX) {
        conf_fail(p->conf, at.line, at.column, "more than %d levels, the most that a configuration may have",
                  CONF_LEVELS_MAX);
        return HILO_INVALID;
    }
    struct conf_node *n = node_new(p, kind, at);
    if (!n)
        return HILO_INVALID;
    if (key_is_next(p))
        refuse_key(p, top(p), at); /* n hangs nowhere; the frame reads past it */
    else
        place_value(p, n);
    p->stack[p->depth++] = (struct frame){.node = n, .tail = &n->child};
    return HILO_OK;
}

static void on_close(struct parse *p)
{
    CHECK(p->depth > 0);
    HASH_CLEAR(hh, p->stack[p->depth - 1].seen);
    p->depth--;
}

static int32_t on_document(struct parse *p, const yaml_event_t *e)
{
    struct place at = place_of(e->start_mark);

    if (p->root) {
        conf_fail(p->conf, at.line, at.column,
                  "a second document begins here; a configuration is one document");
        return HILO_INVALID;
    }
    if (e->data.document_start.tag_directives.start != e->data.document_start.tag_directives.end)
        conf_fail(p->conf, at.line, at.column, "%%TAG is not supported; remove it");
    return HILO_OK;
}

static int32_t on_event(struct parse *p, const yaml_event_t *e)
{
    struct place at = place_of(e->start_mark);

    switch (e->type) {
    case YAML_DOCUMENT_START_EVENT:
        return on_document(p, e);
    case YAML_SCALAR_EVENT:
        return on_scalar(p, e);
    case YAML_ALIAS_EVENT:
        return on_alias(p, e);
    case YAML_MAPPING_START_EVENT:
        refuse_marks(p, e->data.mapping_start.anchor, e->data.mapping_start.tag, at);
        return on_open(p, CONF_MAP, at);
    case YAML_SEQUENCE_START_EVENT:
        refuse_marks(p, e->data.sequence_start.anchor, e->data.sequence_start.tag, at);
        return on_open(p, CONF_LIST, at);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        on_close(p);
        return HILO_OK;
    default:
        return HILO_OK;
    }
}

/* libyaml's words are fixed sentences: they never quote the file. */
static void syntax_error(struct parse *p, const yaml_parser_t *y, struct hilo_str text)
{
    struct place at;

    if (y->error == YAML_MEMORY_ERROR)
        check_nomem();
    at = y->error == YAML_READER_ERROR ? place_at(text, y->problem_offset) : place_of(y->problem_mark);
    conf_fail(p->conf, at.line, at.column, "YAML syntax: %s%s%s", y->problem ? y->problem : "not understood",
              y->context ? ", " : "", y->context ? y->context : "");
}

static int32_t read_events(struct parse *p, yaml_parser_t *y, struct hilo_str text)
{
    for (;;) {
        yaml_event_t e;
        if (!yaml_parser_parse(y, &e)) {
            syntax_error(p, y, text);
            return HILO_INVALID;
        }
        bool end = e.type == YAML_STREAM_END_EVENT;
        int32_t rc = on_event(p, &e);
        yaml_event_delete(&e);
        if (end || rc != HILO_OK)
            return rc;
    }
}

static int32_t check_root(struct parse *p)
{
    const struct conf_node *n = p->root;

    if (!n || conf__null(n)) {
        conf_fail(p->conf, 1, 1, "the file is empty; it must hold the sections of a configuration");
        return HILO_INVALID;
    }
    if (n->kind != CONF_MAP) {
        conf_fail(p->conf, n->line, n->column,
                  "the file must hold a mapping of sections, such as \"gateway:\" with its options below it");
        return HILO_INVALID;
    }
    return HILO_OK;
}

int32_t conf__parse(struct conf *c, struct hilo_str yaml)
{
    struct parse p = {.conf = c};
    yaml_parser_t y;
    int32_t rc;

    if (str_starts(yaml, STR("\xef\xbb\xbf"))) {
        yaml.p += 3;
        yaml.n -= 3;
    }
    const uint8_t *bad = yaml.n ? u8_check((const uint8_t *)yaml.p, (size_t)yaml.n) : NULL;
    if (bad) {
        struct place at = place_at(yaml, (size_t)((const char *)bad - yaml.p));
        conf_fail(c, at.line, at.column, "the file is not UTF-8 from here on");
        return HILO_INVALID;
    }
    if (!yaml_parser_initialize(&y))
        check_nomem();
    p.scratch = arena_new();
    yaml_parser_set_encoding(&y, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&y, (const unsigned char *)(yaml.p ? yaml.p : ""), (size_t)yaml.n);
    rc = read_events(&p, &y, yaml);
    while (p.depth)
        on_close(&p);
    if (rc == HILO_OK)
        rc = check_root(&p);
    if (rc == HILO_OK)
        c->root = p.root;
    arena_free(&p.scratch);
    yaml_parser_delete(&y);
    return rc;
}
