/*
 * The check before cJSON. cJSON by itself takes "01", control characters in
 * strings, any encoding, 1,000 levels and doubled keys, ends a string at a \u0000,
 * and rounds integers; so the text is scanned first against RFC 8259, in one pass
 * without recursion, and what passes can fail in cJSON only for want of memory.
 *
 * Doubled keys are looked for in cJSON's tree, where escapes are resolved: pairwise
 * in small objects, by sorting in large ones. A hash would need a secret to be safe
 * from chosen keys; sorting does not.
 */
#include "model/jsoncheck.h"
#include "base/check.h"
#include "base/str.h"
#include "model/path.h"
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistr.h>

enum { NUMBER_MAX = 63, /* what cJSON copies of one */ FEW_KEYS = 12 };

struct scan {
    const uint8_t *start, *p, *end;
    struct err *e;
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
            if (!scan_escape(s))
                return false;
        } else {
            return fail(s, s->p, "a control character in a string; escape it");
        }
    }
    return fail(s, open, "a string is not closed");
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

static bool scan_scalar(struct scan *s)
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

/* A member's name and colon. */
static bool scan_key(struct scan *s)
{
    skip_space(s);
    if (s->p == s->end || *s->p != '"')
        return fail(s, s->p, "a key in quotes was expected");
    s->p++;
    if (!scan_string(s))
        return false;
    skip_space(s);
    if (s->p == s->end || *s->p != ':')
        return fail(s, s->p, "\":\" was expected after a key");
    s->p++;
    return true;
}

static bool scan_text(struct scan *s, uint32_t depth_max)
{
    uint8_t close[JSON_DEPTH_CEILING]; /* what ends each open array or object */
    uint32_t depth = 0;
    bool value = true; /* a value is next; else what comes after one */

    for (;;) {
        skip_space(s);
        if (value) {
            if (s->p == s->end)
                return fail(s, s->p, "a value was expected");
            if (*s->p == '{' || *s->p == '[') {
                if (depth == depth_max)
                    return fail(s, s->p, "nested too deep");
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
            if (!scan_scalar(s))
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

/* cJSON allocates for each node, name and string through two pointers of the whole process.
 * While this is set, what the thread's parse wants comes out of an arena; else, as for
 * anybody else who uses cJSON in this process (plugins), out of malloc. */
static _Thread_local struct arena *taking;
static pthread_once_t hooked = PTHREAD_ONCE_INIT;

static void *node_alloc(size_t n)
{
    return taking ? arena_alloc(taking, n) : malloc(n);
}

static void node_free(void *p)
{
    if (!taking) /* a parse that fails gives back only what it took itself */
        free(p);
}

static void hook(void)
{
    cJSON_Hooks hooks = {node_alloc, node_free};

    cJSON_InitHooks(&hooks);
}

static cJSON *parse(struct hilo_str text, struct arena *arena)
{
    cJSON *tree;

    (void)pthread_once(&hooked, hook);
    taking = arena;
    tree = cJSON_ParseWithLength(text.p, (size_t)text.n);
    taking = NULL;
    return tree;
}

static int32_t parse_checked(struct hilo_str text, const struct json_limits *limits, struct arena *arena,
                             struct err *e, cJSON **out)
{
    const struct model_path root = path_key(NULL, STR(""));
    size_t bytes_max = limits && limits->bytes_max ? limits->bytes_max : JSON_BYTES_MAX;
    uint32_t depth_max = limits && limits->depth_max ? limits->depth_max : JSON_DEPTH_MAX;
    const uint8_t *p = (const uint8_t *)(text.n ? text.p : ""); /* nothing may be NULL */
    struct scan s = {p, p, p + text.n, e};
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
    tree = parse(text, arena);
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
