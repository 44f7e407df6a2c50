/* What differs between two structs that one table of options has filled. */
#include "base/str.h"
#include "conf/conf.h"
#include <string.h>

static bool same(const struct hilo_option *o, const void *a, const void *b)
{
    const char *x = (const char *)a + o->offset, *y = (const char *)b + o->offset;
    struct hilo_str s, t;

    if (o->type != HILO_OPT_STR && o->type != HILO_OPT_URL && o->type != HILO_OPT_TREE)
        return memcmp(x, y, sizeof(int64_t)) == 0;
    memcpy(&s, x, sizeof s);
    memcpy(&t, y, sizeof t);
    return !s.p == !t.p && str_eq(s, t); /* "" is not the same as not set */
}

struct conf_change **conf_diff(const struct hilo_option *options, uint32_t n, const void *a, const void *b,
                               uint32_t flags, uint32_t without, const char *section, struct arena *arena,
                               struct conf_change **end)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct hilo_option *o = &options[i];

        if ((o->flags & flags) != flags || (o->flags & without) || same(o, a, b))
            continue;
        *end = ARENA_NEW(arena, struct conf_change);
        (*end)->name = section ? arena_fmt(arena, "%s.%s", section, o->name) : arena_str(arena, str(o->name));
        end = &(*end)->next;
    }
    return end;
}
