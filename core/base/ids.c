/*
 * Ids: 48 bits of Unix milliseconds, 80 random bits. Within one millisecond, and while
 * the clock stands behind the last id, the random part is counted up instead, so that
 * ids of one process grow strictly.
 */
#include "base/ids.h"
#include "base/check.h"
#include "base/clock.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct idgen {
    pthread_mutex_t lock;
    uint64_t ms; /* of the last id */
    struct hilo_id last;
    size_t left; /* unused bytes of pool, at its end */
    uint8_t pool[250];
};

static void ids__random(void *p, size_t n)
{
    size_t got = 0;

    while (got < n) {
        ssize_t r = getrandom((char *)p + got, n - got, 0);
        CHECK(r > 0);
        got += (size_t)r;
    }
}

struct idgen *idgen_new(int64_t floor_us)
{
    struct idgen *g = calloc(1, sizeof *g);

    if (!g || pthread_mutex_init(&g->lock, NULL) != 0)
        check_nomem();
    g->ms = floor_us > 0 ? (uint64_t)floor_us / 1000 : 0;
    memset(g->last.b, 0xff, sizeof g->last.b); /* the next id moves on from ms */
    return g;
}

void idgen_free(struct idgen **gp)
{
    if (*gp) {
        (void)pthread_mutex_destroy(&(*gp)->lock);
        free(*gp);
        *gp = NULL;
    }
}

struct hilo_id idgen_next_at(struct idgen *g, int64_t wall_us)
{
    uint64_t now = wall_us > 0 ? (uint64_t)wall_us / 1000 : 0;
    struct hilo_id id;

    (void)pthread_mutex_lock(&g->lock);
    if (now <= g->ms) {
        /* Count the 80 bits up; when they are used up, borrow the next millisecond. */
        unsigned i = 16;
        while (i > 6 && ++g->last.b[i - 1] == 0)
            i--;
        now = i > 6 ? g->ms : g->ms + 1;
    }
    if (now != g->ms) {
        /* Drawn ahead: a system call a millisecond is one for each request, when few come. */
        if (g->left == 0) {
            ids__random(g->pool, sizeof g->pool);
            g->left = sizeof g->pool;
        }
        memcpy(g->last.b + 6, g->pool + sizeof g->pool - g->left, 10);
        g->left -= 10;
        g->last.b[6] &= 0x7f; /* room to count */
    }
    g->ms = now;
    for (unsigned i = 0; i < 6; i++)
        g->last.b[i] = (uint8_t)(now >> (40 - 8 * i));
    id = g->last;
    (void)pthread_mutex_unlock(&g->lock);
    return id;
}

struct hilo_id idgen_next(struct idgen *g)
{
    return idgen_next_at(g, clock_wall_us());
}

static const char ids__digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

void id_format(const char *prefix, struct hilo_id id, char out[ID_TEXT])
{
    size_t n = strlen(prefix);

    CHECK(n <= 4);
    memcpy(out, prefix, n);
    out[n++] = '_';
    /* 26 digits are 130 bits, the first two zero: two digits for the first byte, then
     * eight for each five bytes. */
    out[n++] = ids__digits[id.b[0] >> 5];
    out[n++] = ids__digits[id.b[0] & 31];
    for (unsigned i = 1; i < 16; i += 5) {
        uint64_t five = (uint64_t)id.b[i] << 32 | (uint64_t)id.b[i + 1] << 24 | (uint64_t)id.b[i + 2] << 16 |
                        (uint64_t)id.b[i + 3] << 8 | id.b[i + 4];
        for (int shift = 35; shift >= 0; shift -= 5)
            out[n++] = ids__digits[five >> shift & 31];
    }
    out[n] = '\0';
}

bool id_parse(const char *prefix, struct hilo_str s, struct hilo_id *out)
{
    size_t n = strlen(prefix), byte = 0;
    unsigned acc = 0, have = 0;
    struct hilo_id id;

    if (s.n != n + 27 || memcmp(s.p, prefix, n) != 0 || s.p[n] != '_')
        return false;
    for (size_t i = 0; i < 26; i++) {
        char c = s.p[n + 1 + i];
        const char *at;
        if (c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        at = c ? strchr(ids__digits, c) : NULL;
        if (!at)
            return false;
        unsigned v = (unsigned)(at - ids__digits);
        if (i == 0) {
            if (v > 7) /* beyond 128 bits */
                return false;
            acc = v;
            have = 3;
            continue;
        }
        acc = acc << 5 | v;
        have += 5;
        if (have >= 8) {
            have -= 8;
            id.b[byte++] = (uint8_t)(acc >> have);
            acc &= (1u << have) - 1;
        }
    }
    if (id_none(id)) /* stands for no id: nobody was given it */
        return false;
    *out = id;
    return true;
}

bool id_eq(struct hilo_id a, struct hilo_id b)
{
    return memcmp(a.b, b.b, sizeof a.b) == 0;
}
