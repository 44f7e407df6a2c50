/* store_check: parts of inbound messages, their events, and when their time is over. */
#include "store/check.h"
#include "base/str.h"

#define FOUND(ck, table, key, words) check__found((ck), #table, (key), "%s", (words))

/* The channel that a key begins with, its zero byte included; false: it has none. */
static bool channel_of(struct hilo_str key, struct hilo_str *out)
{
    const char *end = memchr(key.p, 0, (size_t)key.n);

    if (!end)
        return false;
    *out = (struct hilo_str){key.p, (uint64_t)(end - key.p) + 1};
    return true;
}

/* Its event holds it, and stands for it by the key that is looked at. */
static void part_event(struct check *ck, struct hilo_str key, const struct rec_part *p, uint64_t total)
{
    struct ev_message_part e;
    struct event ev;
    struct err why = {0};

    if (journal_read(ck->journal, p->at, ck->arena, &ev, &why) != HILO_OK) {
        check__found(ck, "PARTS", key, "the event of part %llu can't be read: %s",
                     (unsigned long long)p->index, why.text);
        return;
    }
    if (ev.head.type != EVENT_message_part ||
        rec_unpack(&ev_desc_message_part, ev.body, &e, NULL) != HILO_OK) {
        FOUND(ck, PARTS, key, "the event of a part holds none");
        return;
    }
    struct key again = key_parts(e.channel, e.key);
    if (!check__same(&again, key) || e.index != p->index || e.total != total || !str_eq(e.ext_id, p->ext_id))
        FOUND(ck, PARTS, key, "the event of a part is that of another");
}

void check__parts(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    const struct rec_parts r = *(const struct rec_parts *)rec;
    struct hilo_str channel, rest = r.part;
    uint8_t seen[256] = {0};
    struct hilo_field f;
    struct rec_part p;
    uint64_t n = 0;

    (void)val;
    if (!channel_of(key, &channel) || key.n + 8 > CONTEXT_KEY_MAX) {
        FOUND(ck, PARTS, key, "its key has no channel, or is too long");
        return;
    }
    struct key age;
    key_init(&age);
    key_bytes(&age, channel);
    key_u64(&age, r.expires);
    key_bytes(&age, (struct hilo_str){key.p + channel.n, key.n - channel.n});
    if (!check__has(ck, TABLE_PARTS_AGE, &age))
        FOUND(ck, PARTS, key, "it is missing in PARTS_AGE");
    for (; hilo_next(&rest, &f) == 1; n++) {
        if (rec_unpack(&rec_desc_part, f.val, &p, NULL) != HILO_OK || p.index < 1 || p.index > r.total ||
            p.index >= sizeof seen || seen[p.index]++) {
            FOUND(ck, PARTS, key, "a part of it has an index that none has, or comes twice");
            continue;
        }
        if (ck->journal)
            part_event(ck, key, &p, r.total);
    }
    if (n == 0)
        FOUND(ck, PARTS, key, "there is no part");
}

void check__parts_age(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    struct hilo_str channel;
    struct rec_parts r;
    struct key k;

    (void)val;
    (void)rec;
    if (!channel_of(key, &channel) || key.n < channel.n + 8) {
        FOUND(ck, PARTS_AGE, key, "its key has no channel, or no time");
        return;
    }
    key_init(&k);
    key_bytes(&k, channel);
    key_bytes(&k, (struct hilo_str){key.p + channel.n + 8, key.n - channel.n - 8});
    if (!check__get(ck, TABLE_PARTS, &k, &rec_desc_parts, &r))
        FOUND(ck, PARTS_AGE, key, "there is no such entry in PARTS");
    else if (r.expires != key_tail_u64((struct hilo_str){key.p + channel.n, 8}, 0))
        FOUND(ck, PARTS_AGE, key, "its parts' time is over at another time");
}
