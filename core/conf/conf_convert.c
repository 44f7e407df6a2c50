/*
 * From a resolved scalar to the field of an option: types, ranges, and the words for
 * what does not fit. Numbers are exact: what overflows is refused, never cut.
 *
 * dst is written by memcpy: a plugin's table gives the offsets, and a field of it
 * need not be aligned.
 */
#include "base/str.h"
#include "conf/private.h"
#include <curl/curl.h>
#include <inttypes.h>

struct unit {
    const char *name;
    int64_t value;
};
/* Largest first, for conf__number. */
static const struct unit durations[] = {
    {"d", INT64_C(86400000000)}, {"h", INT64_C(3600000000)}, {"m", 60000000}, {"s", 1000000}, {"ms", 1000}};
static const struct unit sizes[] = {
    {"T", INT64_C(1) << 40}, {"G", 1 << 30}, {"M", 1 << 20}, {"k", 1 << 10}, {"", 1}};

static const struct unit *units_of(uint32_t type, size_t *n_out)
{
    *n_out = type == HILO_OPT_DURATION ? sizeof durations / sizeof *durations
             : type == HILO_OPT_BYTES  ? sizeof sizes / sizeof *sizes
                                       : 0;
    return type == HILO_OPT_DURATION ? durations : sizes;
}

/* "; found "x"", or nothing when it is a secret. */
static const char *found(struct conf *c, const struct hilo_option *o, struct hilo_str shown)
{
    return o->flags & HILO_OPT_SECRET ? ""
                                      : arena_fmt(c->arena, "; found %s", conf__quote(c->arena, shown)).p;
}

const char *conf__number(struct arena *a, uint32_t type, int64_t value)
{
    size_t n;
    const struct unit *u = units_of(type, &n);

    if (value == 0 && type == HILO_OPT_DURATION)
        return "0s";
    for (size_t i = 0; i < n && value; i++)
        if (value % u[i].value == 0)
            return arena_fmt(a, "%" PRId64 "%s", value / u[i].value, u[i].name).p;
    return arena_fmt(a, "%" PRId64 "%s", value, type == HILO_OPT_DURATION ? "us" : "").p;
}

const char *conf__choices(struct arena *a, const char *choices)
{
    struct hilo_str rest = str(choices), head;
    const char *all = "";

    for (bool more = true; more;) {
        more = str_cut(rest, '|', &head, &rest);
        all = arena_fmt(a, "%s%s%.*s", all, *all ? ", " : "", STR_FMT(head)).p;
    }
    return all;
}

static bool read_int(struct hilo_str s, int64_t *out)
{
    bool minus = s.n && s.p[0] == '-';
    uint64_t v;

    if (!str_u64(minus ? str_n(s.p + 1, (size_t)s.n - 1) : s, &v) || v > (uint64_t)INT64_MAX)
        return false;
    *out = minus ? -(int64_t)v : (int64_t)v;
    return true;
}

/* Digits, then one of the units. */
static bool read_units(uint32_t type, struct hilo_str s, int64_t *out)
{
    size_t digits = 0, n;
    const struct unit *u = units_of(type, &n);
    uint64_t v;

    while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
        digits++;
    if (!str_u64(str_n(s.p, digits), &v))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!str_eqz(str_n(s.p + digits, (size_t)s.n - digits), u[i].name))
            continue;
        if (v > (uint64_t)(INT64_MAX / u[i].value))
            return false;
        *out = (int64_t)v * u[i].value;
        return true;
    }
    return false;
}

static bool read_bool(struct hilo_str s, uint64_t *out)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};

    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        if (str_eq_nocase(s, str(words[i]))) {
            *out = i & 1;
            return true;
        }
    }
    return false;
}

static bool in_range(const struct hilo_option *o, int64_t v)
{
    return (o->min == 0 && o->max == 0) || (v >= o->min && v <= o->max);
}

/* Of a number or of a length; kind: "" or " bytes long". */
static const char *range_words(struct conf *c, const struct hilo_option *o, const char *kind)
{
    const char *min = conf__number(c->arena, o->type, o->min), *max = conf__number(c->arena, o->type, o->max);

    if (o->max == INT64_MAX)
        return arena_fmt(c->arena, "must be at least %s%s", min, kind).p;
    if (o->min == o->max)
        return arena_fmt(c->arena, "must be %s%s", min, kind).p;
    if (o->min <= 0 && *kind)
        return arena_fmt(c->arena, "must be at most %s%s", max, kind).p;
    return arena_fmt(c->arena, "must be from %s to %s%s", min, max, kind).p;
}

static bool to_number(struct conf *c, const struct hilo_option *o, struct hilo_str s, struct hilo_str shown,
                      int64_t *out, const char **why_out)
{
    static const char *const forms[] = {[HILO_OPT_INT] = "must be a whole number",
                                        [HILO_OPT_DURATION] =
                                            "must be a duration such as 500ms, 10s, 5m, 2h or 1d",
                                        [HILO_OPT_BYTES] = "must be a size such as 512, 64k, 5M or 1G"};

    if (!(o->type == HILO_OPT_INT ? read_int(s, out) : read_units(o->type, s, out))) {
        *why_out = arena_fmt(c->arena, "%s%s", forms[o->type], found(c, o, shown)).p;
        return false;
    }
    if (!in_range(o, *out)) {
        *why_out = arena_fmt(c->arena, "%s%s", range_words(c, o, ""), found(c, o, shown)).p;
        return false;
    }
    return true;
}

static bool to_choice(struct conf *c, const struct hilo_option *o, struct hilo_str s, struct hilo_str shown,
                      int64_t *out, const char **why_out)
{
    struct conf__near near = {.name = shown};
    struct hilo_str rest = str(o->choices ? o->choices : ""), head;
    int64_t i = 0;

    for (bool more = true; more; i++) {
        more = str_cut(rest, '|', &head, &rest);
        if (s.n && str_eq(head, s)) {
            *out = i;
            return true;
        }
        conf__near_try(&near, head);
    }
    *why_out =
        arena_fmt(c->arena, "must be one of %s%s%s", conf__choices(c->arena, o->choices ? o->choices : ""),
                  found(c, o, shown), o->flags & HILO_OPT_SECRET ? "" : conf__near_words(c->arena, &near))
            .p;
    return false;
}

/* http or https, a host that libcurl takes, perhaps a port and a path. */
static bool url_valid(struct hilo_str s, const char *z)
{
    bool tls = str_starts(s, STR("https://"));
    size_t head = tls ? 8 : 7;
    CURLU *u;
    bool ok;

    if (!tls && !str_starts(s, STR("http://")))
        return false;
    if (s.n <= head || s.p[head] == '/' || memchr(s.p, '?', (size_t)s.n) || memchr(s.p, '#', (size_t)s.n))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= 0x20 || (unsigned char)s.p[i] >= 0x7f || s.p[i] == '\\' || s.p[i] == '"')
            return false;
    u = curl_url();
    ok = u && curl_url_set(u, CURLUPART_URL, z, 0) == CURLUE_OK;
    curl_url_cleanup(u);
    return ok;
}

static bool to_url(struct conf *c, const struct hilo_option *o, struct hilo_str s, struct hilo_str shown,
                   struct arena *arena, struct hilo_str *out, const char **why_out)
{
    if (s.n && memchr(s.p, '@', (size_t)s.n)) { /* not shown: it may have a password in it */
        *why_out = "must be a URL without a user name or password";
        return false;
    }
    while (s.n && s.p[s.n - 1] == '/')
        s.n--;
    *out = arena_str(arena, s);
    if (s.n && !url_valid(*out, out->p)) {
        *why_out =
            arena_fmt(c->arena, "must be a URL such as https://example.com or http://127.0.0.1:8080/base%s",
                      found(c, o, shown))
                .p;
        return false;
    }
    return true;
}

static bool to_string(struct conf *c, const struct hilo_option *o, struct hilo_str s, struct arena *arena,
                      struct hilo_str *out, const char **why_out)
{
    if (!in_range(o, (int64_t)s.n)) {
        *why_out = range_words(c, o, " bytes long");
        return false;
    }
    *out = arena_str(arena, s);
    return true;
}

bool conf__convert(struct conf *c, const struct hilo_option *o, struct hilo_str s, struct hilo_str shown,
                   struct arena *arena, void *dst, const char **why_out)
{
    char *field = (char *)dst + o->offset;
    struct hilo_str text = {0};
    uint64_t flag = 0;
    int64_t number = 0;
    bool ok;

    switch (o->type) {
    case HILO_OPT_STR:
    case HILO_OPT_URL:
    case HILO_OPT_TREE:
        ok = o->type != HILO_OPT_URL ? to_string(c, o, s, arena, &text, why_out)
                                     : to_url(c, o, s, shown, arena, &text, why_out);
        if (ok)
            memcpy(field, &text, sizeof text);
        return ok;
    case HILO_OPT_BOOL:
        ok = read_bool(s, &flag);
        if (ok)
            memcpy(field, &flag, sizeof flag);
        else
            *why_out = arena_fmt(c->arena, "must be true or false%s", found(c, o, shown)).p;
        return ok;
    case HILO_OPT_INT:
    case HILO_OPT_DURATION:
    case HILO_OPT_BYTES:
        ok = to_number(c, o, s, shown, &number, why_out);
        break;
    case HILO_OPT_ENUM:
        ok = to_choice(c, o, s, shown, &number, why_out);
        break;
    default:
        *why_out = arena_fmt(c->arena, "has an option type (%u) that this version does not know", o->type).p;
        return false;
    }
    if (ok)
        memcpy(field, &number, sizeof number);
    return ok;
}
