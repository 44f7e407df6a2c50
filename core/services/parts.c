/*
 * Parts of inbound messages. Each is an event of its own before its peer is acknowledged,
 * so they survive a restart in any order; the tables hold where they are. Joining reads
 * them back; nothing of them is in memory but two counts for each channel.
 *
 * What can't be read any more counts as missing: the rest is not lost with it.
 */
#include "services/parts.h"
#include "base/str.h"
#include "model/codec.h"
#include <stdlib.h>

/* "[…]" for parts that are missing, U+FFFD for half of a character. */
#define GAP     STR("[\xe2\x80\xa6]")
#define UNKNOWN STR("\xef\xbf\xbd")

/* ---- one ---- */

int32_t part_read(struct hilo_str message, struct part_said *out, struct err *e)
{
    struct hilo_str group = hilo_get_str(message, HILO_T_MSG_PART), content = hilo_content(message);

    *out = (struct part_said){.key = hilo_get_str(group, HILO_T_PART_KEY),
                              .text = hilo_get_str(content, HILO_T_CONTENT_TEXT),
                              .ext_id = hilo_get_str(message, HILO_T_MSG_EXT_ID),
                              .index = hilo_get_u64(group, HILO_T_PART_INDEX),
                              .total = hilo_get_u64(group, HILO_T_PART_TOTAL),
                              .low = hilo_get_u64(group, HILO_T_PART_LOW),
                              .high = hilo_get_u64(group, HILO_T_PART_HIGH)};
    if (out->key.n < 1 || out->key.n > 512)
        return err_set(e, HILO_INVALID, "a part has a key of 1 to 512 bytes");
    if (out->total < 1 || out->total > HILO_PARTS_MAX || out->index < 1 || out->index > out->total)
        return err_set(e, HILO_INVALID, "part %llu of %llu can't be: of at most %d, they are counted from 1",
                       (unsigned long long)out->index, (unsigned long long)out->total, HILO_PARTS_MAX);
    if (hilo_get_u64(content, HILO_T_CONTENT_TYPE) != HILO_CONTENT_TEXT || out->text.n > HILO_PART_MAX)
        return err_set(e, HILO_INVALID, "a part has a text of at most %d bytes, and no other content",
                       HILO_PART_MAX);
    if ((out->low && (out->low < 0xdc00 || out->low > 0xdfff)) ||
        (out->high && (out->high < 0xd800 || out->high > 0xdbff)))
        return err_set(e, HILO_INVALID,
                       "a part begins with a low surrogate and ends with a high one, if with any");
    if (out->ext_id.n == 0)
        return err_set(e, HILO_INVALID, "a part has no provider_id, without which it can't be deduplicated");
    return HILO_OK;
}

/* ---- those that are kept ---- */

int32_t parts_find(struct gateway *gw, const struct key *k, struct arena *a, struct rec_parts *out,
                   struct err *e)
{
    *out = (struct rec_parts){.total = 0};
    return store_record(gw->store, TABLE_PARTS, key_str(k), &rec_desc_parts, a, out, e);
}

/* The next of them; false: there is none. */
static bool next_part(struct hilo_str *rest, struct rec_part *out)
{
    struct hilo_field f;

    while (hilo_next(rest, &f) == 1)
        if (rec_unpack(&rec_desc_part, f.val, out, NULL) == HILO_OK)
            return true;
    return false;
}

unsigned parts_count(const struct rec_parts *r)
{
    struct hilo_str rest = r->part;
    struct rec_part p;
    unsigned n = 0;

    while (next_part(&rest, &p))
        n++;
    return n;
}

static int32_t part_event(struct gateway *gw, const struct rec_part *p, struct arena *a,
                          struct ev_message_part *out, struct err *e)
{
    struct event ev;
    int32_t rc = store_event(gw->store, p->at, a, &ev, e);

    if (rc == HILO_OK && ev.head.type != EVENT_message_part)
        return err_set(e, HILO_CORRUPT, "the event of a part holds none");
    return rc == HILO_OK ? rec_unpack(&ev_desc_message_part, ev.body, out, e) : rc;
}

int32_t parts_compare(struct gateway *gw, const struct rec_parts *r, const struct part_said *said,
                      struct arena *a, struct err *e)
{
    struct hilo_str rest = r->part;
    struct ev_message_part ev;
    struct part_said there;
    struct rec_part p;
    int32_t rc;

    while (next_part(&rest, &p)) {
        if (str_eq(p.ext_id, said->ext_id))
            return HILO_DUPLICATE;
        if (p.index != said->index)
            continue;
        rc = part_event(gw, &p, a, &ev, e);
        if (rc == HILO_NOMEM)
            return rc;
        /* The same words again, under another id: the peer sent it twice. */
        return rc == HILO_OK && ev.total == said->total && part_read(ev.message, &there, e) == HILO_OK &&
                       str_eq(there.text, said->text) && there.low == said->low && there.high == said->high
                   ? HILO_DUPLICATE
                   : HILO_STALE;
    }
    return r->total && r->total != said->total ? HILO_STALE : HILO_OK;
}

/* ---- joining ---- */

struct joined {
    char *p;
    size_t n;
};

static void join_add(struct joined *j, struct hilo_str s)
{
    if (s.n)
        memcpy(j->p + j->n, s.p, (size_t)s.n);
    j->n += (size_t)s.n;
}

/* Between two neighbours, what was cut: the character, or what stands for half of one. */
static void join_cut(struct joined *j, uint64_t high, uint64_t low)
{
    uint64_t cp = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    const char utf8[4] = {(char)(0xf0 | cp >> 18), (char)(0x80 | (cp >> 12 & 63)),
                          (char)(0x80 | (cp >> 6 & 63)), (char)(0x80 | (cp & 63))};

    if (high && low)
        join_add(j, str_n(utf8, sizeof utf8));
    else if (high || low)
        join_add(j, UNKNOWN);
}

/* said[i] is part i, of total 0 if it is missing, as are those before the first and behind the last. */
static struct hilo_str join_text(struct arena *a, const struct part_said *said, uint64_t total,
                                 unsigned *missing_out)
{
    struct joined j = {.n = 0};
    size_t room = 0;

    for (uint64_t i = 1; i <= total; i++)
        room += (size_t)(said[i].text.n + GAP.n + 2 * UNKNOWN.n);
    j.p = arena_alloc(a, room);
    *missing_out = 0;
    for (uint64_t i = 1; i <= total; i++) {
        const struct part_said *before = &said[i - 1], *after = &said[i + 1];
        if (said[i].total == 0) {
            if (i == 1 || before->total)
                join_add(&j, GAP);
            ++*missing_out;
            continue;
        }
        if (!before->high) /* else the neighbour has it */
            join_cut(&j, 0, said[i].low);
        join_add(&j, said[i].text);
        if (said[i].high)
            join_cut(&j, said[i].high, after->low);
    }
    return str_n(j.p, j.n);
}

int32_t parts_join(struct gateway *gw, const struct rec_parts *r, struct arena *a,
                   struct hilo_str *message_out, struct hilo_str *key_out, unsigned *missing_out,
                   struct err *e)
{
    struct part_said *part = ARENA_ARRAY(a, struct part_said, HILO_PARTS_MAX + 2);
    struct hilo_str rest = r->part, first = {0};
    struct model_change content, change[3];
    uint64_t first_index = HILO_PARTS_MAX + 1;
    struct rec_part p;
    size_t n = 0;
    int32_t rc;

    memset(part, 0, (HILO_PARTS_MAX + 2) * sizeof *part);
    while (next_part(&rest, &p)) {
        struct ev_message_part ev;
        struct part_said said;
        rc = part_event(gw, &p, a, &ev, e);
        if (rc == HILO_NOMEM)
            return rc;
        if (rc != HILO_OK || part_read(ev.message, &said, e) != HILO_OK)
            continue;
        part[said.index] = said;
        if (said.index < first_index) {
            first_index = said.index;
            first = ev.message;
            *key_out = ev.key;
        }
    }
    if (first.n == 0)
        return err_set(e, HILO_CORRUPT, "none of the parts of a message can be read");
    content = change_str(HILO_T_CONTENT_TEXT, join_text(a, part, r->total, missing_out));
    change[n++] = change_remove(HILO_T_MSG_PART);
    change[n++] = change_into(HILO_T_MSG_CONTENT, &content, 1);
    if (*missing_out)
        change[n++] = change_u64(HILO_T_MSG_MISSING_PARTS, *missing_out);
    return model_edit(a, first, change, n, message_out, e);
}

/* ---- by their age ---- */

struct oldest {
    struct hilo_str channel, after;
    uint64_t now, next;
    struct key *age, *out;
    bool found;
};

static bool oldest_one(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct oldest *o = arg;
    uint64_t at = key_tail_u64((struct hilo_str){key.p + o->channel.n, 8}, 0);

    (void)val;
    if (str_eq(key, o->after))
        return true;
    if (at > o->now) {
        o->next = at;
        return false;
    }
    key_init(o->age);
    key_bytes(o->age, key);
    key_init(o->out);
    key_bytes(o->out, o->channel);
    key_bytes(o->out, (struct hilo_str){key.p + o->channel.n + 8, key.n - o->channel.n - 8});
    o->found = true;
    return false;
}

int32_t parts_oldest(struct gateway *gw, const struct gw_channel *c, uint64_t now, struct key *after,
                     struct key *out, uint64_t *next_out, struct err *e)
{
    struct key channel = key_channel(c->name), from = *after;
    struct oldest o = {
        .channel = key_str(&channel), .after = key_str(&from), .now = now, .age = after, .out = out};
    int32_t rc = store_scan(gw->store, TABLE_PARTS_AGE, o.channel, o.after.n ? o.after : o.channel, false,
                            oldest_one, &o, e);

    *next_out = o.next;
    return rc == HILO_OK && !o.found ? HILO_NOTFOUND : rc;
}

static bool recover_one(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct gw_channel *c = arg;
    struct rec_parts r;

    (void)key;
    if (rec_unpack(&rec_desc_parts, val, &r, NULL) != HILO_OK)
        return true;
    c->parts_messages++;
    c->parts_bytes += r.bytes;
    if (c->next_parts_us == 0 || (int64_t)r.expires < c->next_parts_us)
        c->next_parts_us = (int64_t)r.expires;
    return true;
}

int32_t parts_recover(struct gateway *gw, struct gw_channel *c, struct err *e)
{
    struct key k = key_channel(c->name);

    c->parts_messages = c->parts_bytes = 0;
    c->next_parts_us = 0;
    return store_scan(gw->store, TABLE_PARTS, key_str(&k), (struct hilo_str){0}, false, recover_one, c, e);
}
