/*
 * The check before cJSON. cJSON by itself takes "01", control characters in
 * strings, any encoding, 1,000 levels and doubled keys, ends a string at a \u0000,
 * and rounds integers; so the text is scanned first against RFC 8259, in one pass
 * without recursion, and what passes can fail in cJSON only for want of memory.
 *
 * The same pass can make cJSON's tree, in an arena: reading all of it once more by
 * cJSON took three times what the scan does, and was the largest single cost of a
 * message. What it makes is what cJSON would (tests/fuzz/fuzz_api_json.c compares).
 *
 * Doubled keys are looked for in the tree, where escapes are resolved: pairwise
 * in small objects, by sorting in large ones. A hash would need a secret to be safe
 * from chosen keys; sorting does not.
 */
#include "model/jsoncheck.h"
#include "base/check.h"
#include "base/str.h"
#include "model/path.h"
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

enum { NUMBER_MAX = 63, /* what cJSON copies of one */ FEW_KEYS = 12 };

struct scan {
    const uint8_t *start, *p, *end;
    struct err *e;
    struct arena *arena; /* NULL: no tree is made */
    bool escapes;        /* in the string scanned last */
    cJSON *root;
    char *key; /* of the value that comes next; NULL: it has none */
};

static bool fail(struct scan *s, const uint8_t *at, const char *words)
{
    (void)err_set(s->e, HILO_INVALID, "at byte %zu: %s", (size_t)(at - s->start), words);
    return false;
}

static void skip_space(struct scan *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\r' || *s->p == '\t'))
        s->p++;
}

/* Four hex digits after \u; -1 if they are not. */
static int32_t hex4(const uint8_t *p, const uint8_t *end)
{
    int32_t v = 0;
    int i;

    if (end - p < 4)
        return -1;
    for (i = 0; i < 4; i++) {
        uint8_t c = p[i];

        if (c >= '0' && c <= '9')
            c = (uint8_t)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            c = (uint8_t)((c | 0x20) - 'a' + 10);
        else
            return -1;
        v = v * 16 + c;
    }
    return v;
}

/* s->p is after the backslash. */
static bool scan_escape(struct scan *s)
{
    const uint8_t *at = s->p - 1;
    int32_t u;

    if (s->p == s->end)
        return fail(s, at, "a string is not closed");
    switch (*s->p++) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return true;
    case 'u':
        break;
    default:
        return fail(s, at, "an unknown escape");
    }
    u = hex4(s->p, s->end);
    if (u < 0)
        return fail(s, at, "\\u needs four hex digits");
    s->p += 4;
    if (u == 0)
        return fail(s, at, "\\u0000 is not allowed in a string");
    if (u >= 0xdc00 && u <= 0xdfff)
        return fail(s, at, "a lone surrogate");
    if (u >= 0xd800 && u <= 0xdbff) {
        if (s->end - s->p < 6 || s->p[0] != '\\' || s->p[1] != 'u')
            return fail(s, at, "a lone surrogate");
        u = hex4(s->p + 2, s->end);
        if (u < 0xdc00 || u > 0xdfff)
            return fail(s, at, "a lone surrogate");
        s->p += 6;
    }
    return true;
}

/* s->p is after the opening quote. */
static bool scan_string(struct scan *s)
{
    const uint8_t *open = s->p - 1;
    ucs4_t uc;
    int n;

    s->escapes = false;
    while (s->p < s->end) {
        const uint8_t *p = s->p;
        while (p < s->end && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\')
            p++;
        s->p = p;
        if (p == s->end)
            break;
        uint8_t c = *p;

        if (c >= 0x80) {
            n = u8_mbtoucr(&uc, s->p, (size_t)(s->end - s->p));
            if (n < 0)
                return fail(s, s->p, "not UTF-8");
            s->p += n;
        } else if (c == '"') {
            s->p++;
            return true;
        } else if (c == '\\') {
            s->p++;
            s->escapes = true;
            if (!scan_escape(s))
                return false;
        } else {
            return fail(s, s->p, "a control character in a string; escape it");
        }
    }
    return fail(s, open, "a string is not closed");
}

/* What the string that was just scanned means, from the byte after its opening quote. */
static char *string_text(const struct scan *s, const uint8_t *p)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    const uint8_t *end = s->p - 1;
    const char *at;
    char *text, *o;

    if (!s->escapes)
        return arena_z(s->arena, str_n(p, (size_t)(end - p)));
    text = o = arena_alloc(s->arena, (size_t)(end - p) + 1); /* no escape is shorter than its meaning */
    while (p < end) {
        if (*p != '\\') {
            *o++ = (char)*p++;
        } else if (p[1] == 'u') {
            ucs4_t c = (ucs4_t)hex4(p + 2, end);
            p += 6;
            if (c >= 0xd800 && c <= 0xdbff) {
                c = 0x10000 + ((c - 0xd800) << 10) + ((ucs4_t)hex4(p + 2, end) - 0xdc00);
                p += 6;
            }
            o += u8_uctomb((uint8_t *)o, c, 6);
        } else {
            at = strchr(from, p[1]);
            *o++ = at ? to[at - from] : (char)p[1];
            p += 2;
        }
    }
    return text;
}

/* A node with the key that waits for it, as the last child of parent (NULL: the root). */
static cJSON *node(struct scan *s, cJSON *parent, int type)
{
    cJSON *n = ARENA_NEW(s->arena, cJSON);

    n->type = type;
    n->string = s->key;
    s->key = NULL;
    if (!parent) {
        s->root = n;
    } else if (!parent->child) {
        parent->child = n->prev = n;
    } else {
        n->prev = parent->child->prev; /* cJSON keeps the last in the first's prev */
        n->prev->next = parent->child->prev = n;
    }
    return n;
}

static double number_value(const uint8_t *p, const uint8_t *end)
{
    char text[NUMBER_MAX + 1];
    uint64_t v;
    bool minus = *p == '-';

    if (str_u64(str_n(p + minus, (size_t)(end - p) - minus), &v))
        return minus ? -(double)v : (double)v; /* at most 2^53: exact */
    memcpy(text, p, (size_t)(end - p));
    text[end - p] = '\0';
    return strtod(text, NULL); /* nobody here calls setlocale */
}

/* The scalar from start to where the scan is now. */
static void scalar_node(struct scan *s, cJSON *parent, const uint8_t *start)
{
    cJSON *n;

    switch (*start) {
    case '"':
        n = node(s, parent, cJSON_String);
        n->valuestring = string_text(s, start + 1);
        break;
    case 't':
        node(s, parent, cJSON_True)->valueint = 1;
        break;
    case 'f':
        (void)node(s, parent, cJSON_False);
        break;
    case 'n':
        (void)node(s, parent, cJSON_NULL);
        break;
    default:
        n = node(s, parent, cJSON_Number);
        n->valuedouble = number_value(start, s->p);
        n->valueint = n->valuedouble >= INT_MAX   ? INT_MAX
                      : n->valuedouble <= INT_MIN ? INT_MIN
                                                  : (int)n->valuedouble;
    }
}

static bool digits(struct scan *s)
{
    const uint8_t *start = s->p;

    while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
        s->p++;
    return s->p > start;
}

static bool scan_number(struct scan *s)
{
    const uint8_t *start = s->p, *first;
    uint64_t v;

    if (*s->p == '-')
        s->p++;
    first = s->p;
    if (!digits(s))
        return fail(s, start, "a value was expected");
    if (*first == '0' && s->p - first > 1)
        return fail(s, start, "a number with a leading zero");
    if (s->p - first > 16 || (str_u64(str_n(first, (size_t)(s->p - first)), &v) && v > UINT64_C(1) << 53))
        return fail(s, start, "an integer beyond 2^53 loses digits in JSON; write it as a string");
    if (s->p < s->end && *s->p == '.') {
        s->p++;
        if (!digits(s))
            return fail(s, start, "a number without digits after its point");
    }
    if (s->p < s->end && (*s->p | 0x20) == 'e') {
        s->p++;
        if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
            s->p++;
        if (!digits(s))
            return fail(s, start, "a number without digits in its exponent");
    }
    if (s->p - start > NUMBER_MAX)
        return fail(s, start, "a number of more than 63 characters");
    return true;
}

static bool literal(struct scan *s, struct hilo_str word)
{
    if ((uint64_t)(s->end - s->p) < word.n || memcmp(s->p, word.p, (size_t)word.n) != 0)
        return fail(s, s->p, "a value was expected");
    s->p += word.n;
    return true;
}

static bool scan_scalar_text(struct scan *s)
{
    switch (*s->p) {
    case '"':
        s->p++;
        return scan_string(s);
    case 't':
        return literal(s, STR("true"));
    case 'f':
        return literal(s, STR("false"));
    case 'n':
        return literal(s, STR("null"));
    default:
        return scan_number(s);
    }
}

static bool scan_scalar(struct scan *s, cJSON *parent)
{
    const uint8_t *start = s->p;

    if (!scan_scalar_text(s))
        return false;
    if (s->arena)
        scalar_node(s, parent, start);
    return true;
}

/* A member's name and colon. */
static bool scan_key(struct scan *s)
{
    const uint8_t *start;

    skip_space(s);
    if (s->p == s->end || *s->p != '"')
        return fail(s, s->p, "a key in quotes was expected");
    start = ++s->p;
    if (!scan_string(s))
        return false;
    if (s->arena)
        s->key = string_text(s, start);
    skip_space(s);
    if (s->p == s->end || *s->p != ':')
        return fail(s, s->p, "\":\" was expected after a key");
    s->p++;
    return true;
}

static bool scan_text(struct scan *s, uint32_t depth_max)
{
    uint8_t close[JSON_DEPTH_CEILING];   /* what ends each open array or object */
    cJSON *open[1 + JSON_DEPTH_CEILING]; /* and its node */
    uint32_t depth = 0;
    bool value = true; /* a value is next; else what comes after one */

    open[0] = NULL;
    for (;;) {
        skip_space(s);
        if (value) {
            if (s->p == s->end)
                return fail(s, s->p, "a value was expected");
            if (*s->p == '{' || *s->p == '[') {
                if (depth == depth_max)
                    return fail(s, s->p, "nested too deep");
                open[depth + 1] =
                    s->arena ? node(s, open[depth], *s->p == '{' ? cJSON_Object : cJSON_Array) : NULL;
                close[depth++] = *s->p++ == '{' ? '}' : ']';
                skip_space(s);
                if (s->p < s->end && *s->p == close[depth - 1]) {
                    s->p++;
                    depth--;
                    value = false;
                } else if (close[depth - 1] == '}' && !scan_key(s)) {
                    return false;
                }
                continue;
            }
            if (!scan_scalar(s, open[depth]))
                return false;
            value = false;
        } else if (depth == 0) {
            return s->p == s->end || fail(s, s->p, "something follows the value");
        } else if (s->p < s->end && *s->p == ',') {
            s->p++;
            if (close[depth - 1] == '}' && !scan_key(s))
                return false;
            value = true;
        } else if (s->p < s->end && *s->p == close[depth - 1]) {
            s->p++;
            depth--;
        } else {
            return fail(s, s->p,
                        close[depth - 1] == '}' ? "\",\" or \"}\" was expected"
                                                : "\",\" or \"]\" was expected");
        }
    }
}

/* ---- the tree -------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A key that comes twice, or NULL. */
static int32_t find_double(const cJSON *object, const char **out)
{
    const char *few[FEW_KEYS], **keys = few;
    const cJSON *m;
    size_t n = 0, i, j;

    *out = NULL;
    for (m = object->child; m; m = m->next)
        n++;
    if (n > FEW_KEYS) {
        keys = malloc(n * sizeof *keys);
        if (!keys)
            return HILO_NOMEM;
    }
    for (m = object->child, i = 0; m; m = m->next)
        keys[i++] = m->string;
    if (n > FEW_KEYS) {
        qsort(keys, n, sizeof *keys, by_name);
        for (i = 1; i < n && !*out; i++) {
            if (strcmp(keys[i - 1], keys[i]) == 0)
                *out = keys[i];
        }
        free(keys);
        return HILO_OK;
    }
    for (i = 1; i < n && !*out; i++) {
        for (j = 0; j < i && !*out; j++) {
            if (keys[i][0] == keys[j][0] && strcmp(keys[i], keys[j]) == 0)
                *out = keys[i];
        }
    }
    return HILO_OK;
}

/* As deep as the scan allowed. */
static int32_t check_tree(const cJSON *v, const struct model_path *at, struct err *e)
{
    const cJSON *m;
    const char *twice;
    size_t i = 0;
    int32_t rc;

    if (cJSON_IsNumber(v) && !isfinite(v->valuedouble))
        return path_fail(e, HILO_INVALID, at, "a number too large");
    if (cJSON_IsObject(v)) {
        if (find_double(v, &twice))
            return err_set(e, HILO_NOMEM, "no memory to check JSON");
        if (twice) {
            const struct model_path here = path_key(at, str(twice));
            return path_fail(e, HILO_INVALID, &here, "given twice; keep one");
        }
    }
    for (m = v->child; m; m = m->next) {
        struct model_path here = path_index(at, i++);

        if (!(m->type & (cJSON_Number | cJSON_Array | cJSON_Object)))
            continue;
        if (m->string)
            here = path_key(at, str(m->string));
        rc = check_tree(m, &here, e);
        if (rc)
            return rc;
    }
    return HILO_OK;
}

/* With a tree in the arena, or one of cJSON's own making if that is NULL. */
static int32_t parse_checked(struct hilo_str text, const struct json_limits *limits, struct arena *arena,
                             struct err *e, cJSON **out)
{
    const struct model_path root = path_key(NULL, STR(""));
    size_t bytes_max = limits && limits->bytes_max ? limits->bytes_max : JSON_BYTES_MAX;
    uint32_t depth_max = limits && limits->depth_max ? limits->depth_max : JSON_DEPTH_MAX;
    const uint8_t *p = (const uint8_t *)(text.n ? text.p : ""); /* nothing may be NULL */
    struct scan s = {.start = p, .p = p, .end = p + text.n, .e = e, .arena = arena};
    cJSON *tree;
    int32_t rc;

    CHECK(depth_max <= JSON_DEPTH_CEILING);
    if (text.n > bytes_max)
        return err_set(e, HILO_FULL, "%llu bytes of JSON, the limit is %zu", (unsigned long long)text.n,
                       bytes_max);
    if (text.n == 0)
        return err_set(e, HILO_INVALID, "at byte 0: a value was expected");
    if (!scan_text(&s, depth_max))
        return HILO_INVALID;
    tree = arena ? s.root : cJSON_ParseWithLength(text.p, (size_t)text.n);
    if (!tree)
        return err_set(e, HILO_NOMEM, "no memory for %llu bytes of JSON", (unsigned long long)text.n);
    rc = check_tree(tree, &root, e);
    if (rc == HILO_OK)
        *out = tree;
    else if (!arena)
        cJSON_Delete(tree);
    return rc;
}

int32_t json_parse(struct hilo_str text, const struct json_limits *limits, struct err *e, cJSON **out)
{
    return parse_checked(text, limits, NULL, e, out);
}

int32_t json_parse_in(struct arena *arena, struct hilo_str text, const struct json_limits *limits,
                      struct err *e, const cJSON **out)
{
    cJSON *tree;
    int32_t rc = parse_checked(text, limits, arena, e, &tree);

    if (rc == HILO_OK)
        *out = tree;
    return rc;
}
