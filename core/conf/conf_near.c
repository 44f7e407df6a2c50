/* Words of messages: quoting what stood in a file, and guessing what was meant. */
#include "base/str.h"
#include "conf/private.h"

const char *conf__quote(struct arena *a, struct hilo_str s)
{
    enum { SHOWN = 60 };
    struct hilo_str head = str_utf8_head(s, SHOWN);
    char *shown = arena_z(a, head);

    for (size_t i = 0; i < head.n; i++)
        if ((unsigned char)shown[i] < 0x20 || shown[i] == 0x7f)
            shown[i] = '?';
    return arena_fmt(a, "\"%s%s\"", shown, head.n < s.n ? "…" : "").p;
}

bool conf__null(const struct conf_node *n)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};

    if (n->kind != CONF_SCALAR || n->quoted)
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_eqz(n->scalar, words[i]))
            return true;
    return false;
}

bool conf_absent(const struct conf_node *n)
{
    return !n || conf__null(n);
}

/* A short name has few letters to be wrong in. */
static size_t near_limit(struct hilo_str name)
{
    size_t limit = 1 + (size_t)name.n / 4;

    return limit < 3 ? limit : 3;
}

void conf__near_try(struct conf__near *near, struct hilo_str candidate)
{
    size_t limit = near_limit(near->name);
    size_t d = str_distance(near->name, candidate, limit);

    /* "warning" for warn, "max" for max_attempts: near, but less than a slip of a finger. */
    if (d > limit && near->name.n >= 3 && candidate.n >= 3 &&
        (str_starts(near->name, candidate) || str_starts(candidate, near->name)))
        d = limit;
    if (d <= limit && (!near->best.p || d < near->distance)) {
        near->best = candidate;
        near->distance = d;
    }
}

const char *conf__near_words(struct arena *a, const struct conf__near *near)
{
    return near->best.p ? arena_fmt(a, "; did you mean %s?", conf__quote(a, near->best)).p : "";
}
