/*
 * Is everything in this store that was told before the cut? A store that does not open
 * is a failure, too: no power cut damages what was synced.
 *
 * Runs in a process of its own and tells by its words; it has no use for cmocka.
 */
#include "power.h"
#include "base/ids.h"
#include "base/str.h"
#include "store/keys.h"
#include "store/media.h"
#include "store/store.h"
#include <openssl/sha.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uthash.h>

enum { SEGMENT_BYTES = 8 << 20, MAP_BYTES = 64 << 20 };

struct seen { /* a message's latest state on the wire */
    UT_hash_handle hh;
    const char *id;
    bool ours; /* otherwise the provider speaks of one that a cut took, before it was told */
    bool left, canceled;
    unsigned rank;
};

struct power_checker {
    const struct power_facts *facts;
    uint32_t cut;
    struct store *store;
    struct arena *arena;
    struct err err;
    char *why;
    size_t cap;
    struct seen *seen;
};

static bool wrong(struct power_checker *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool wrong(struct power_checker *c, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(c->why, c->cap, fmt, ap);
    va_end(ap);
    return false;
}

static bool message(struct power_checker *c, const char *text, struct rec_message *out)
{
    struct hilo_id id;

    return id_parse("msg", str(text), &id) &&
           store_record(c->store, TABLE_MESSAGE, (struct hilo_str){(const char *)id.b, sizeof id.b},
                        &rec_desc_message, c->arena, out, &c->err) == HILO_OK;
}

/* ---- one fact each ---- */

static bool says(struct power_checker *c, const struct rec_message *m, const struct power_fact *f)
{
    struct hilo_str bytes;

    if (store_message_bytes(c->store, m, c->arena, &bytes, &c->err) != HILO_OK)
        return wrong(c, "%s: its contents can't be read: %s", f->id, c->err.text);
    if (f->text && !memmem(bytes.p, bytes.n, f->text, strlen(f->text)))
        return wrong(c, "%s does not say \"%.40s\"", f->id, f->text);
    return true;
}

static bool accepted(struct power_checker *c, const struct power_fact *f)
{
    struct rec_message m;

    return message(c, f->id, &m) ? says(c, &m, f)
                                 : wrong(c, "%s was acknowledged and is lost: %s", f->id, c->err.text);
}

static bool received(struct power_checker *c, const struct power_fact *f)
{
    const struct key k = key_ext(STR("wa"), str(f->id));
    struct rec_message m;
    struct hilo_str id;

    if (store_get(c->store, TABLE_EXT, key_str(&k), c->arena, &id, &c->err) != HILO_OK)
        return wrong(c, "the customer's message %s was acknowledged and is lost: %s", f->id, c->err.text);
    if (store_record(c->store, TABLE_MESSAGE, id, &rec_desc_message, c->arena, &m, &c->err) != HILO_OK)
        return wrong(c, "the customer's message %s is known and not there: %s", f->id, c->err.text);
    return says(c, &m, f);
}

static bool uploaded(struct power_checker *c, const struct power_fact *f)
{
    struct rec_media m;
    struct hilo_id id;
    uint8_t sha[32];

    if (!id_parse("med", str(f->id), &id) ||
        store_record(c->store, TABLE_MEDIA, (struct hilo_str){(const char *)id.b, sizeof id.b},
                     &rec_desc_media, c->arena, &m, &c->err) != HILO_OK)
        return wrong(c, "the upload %s was acknowledged and is lost: %s", f->id, c->err.text);
    (void)SHA256(f->body, f->n_body, sha);
    if (m.state != MEDIA_STORED || m.sha256.n != sizeof sha || memcmp(m.sha256.p, sha, sizeof sha) != 0)
        return wrong(c, "the upload %s has other contents", f->id);
    return true; /* that its file has these contents, store_check sees */
}

static bool there(struct power_checker *c, const struct power_fact *f, const char *prefix, enum table t)
{
    struct hilo_id id;
    struct hilo_str val;

    if (id_parse(prefix, str(f->id), &id) &&
        store_get(c->store, t, (struct hilo_str){(const char *)id.b, sizeof id.b}, c->arena, &val, &c->err) ==
            HILO_OK)
        return true;
    return wrong(c, "%s was acknowledged and is lost: %s", f->id, c->err.text);
}

/* This change, or one after it. */
static bool changed(struct power_checker *c, const struct power_fact *f)
{
    struct rec_customer m;
    struct hilo_id id;
    const char *number;

    if (!id_parse("cus", str(f->id), &id) ||
        store_record(c->store, TABLE_CUSTOMER, (struct hilo_str){(const char *)id.b, sizeof id.b},
                     &rec_desc_customer, c->arena, &m, &c->err) != HILO_OK)
        return wrong(c, "%s was changed and is lost: %s", f->id, c->err.text);
    number = memmem(m.attributes.p, m.attributes.n, "\"number\":", 9);
    if (!number || strtoull(number + 9, NULL, 10) < f->number)
        return wrong(c, "%s: change %llu was acknowledged and is lost", f->id, (unsigned long long)f->number);
    return true;
}

/* ---- what becomes of a message ---- */

static unsigned rank_of_text(const char *status)
{
    return strcmp(status, "read") == 0        ? 6
           : strcmp(status, "delivered") == 0 ? 5
           : strcmp(status, "sent") == 0      ? 3
                                              : 0;
}

static unsigned rank_of(uint64_t status)
{
    switch (status) {
#define HILO_STATUS(name, value, rank, text)                                                                 \
    case (value):                                                                                            \
        return (rank);
#include <hilo/values.def>
    default:
        return 0;
    }
}

static void notice(struct power_checker *c, const struct power_fact *f)
{
    struct seen *s;

    HASH_FIND_STR(c->seen, f->id, s);
    if (!s) {
        s = calloc(1, sizeof *s);
        if (!s)
            abort();
        s->id = f->id;
        HASH_ADD_KEYPTR(hh, c->seen, s->id, strlen(s->id), s);
    }
    s->ours = s->ours || f->kind != FACT_RECEIPT;
    if (f->kind == FACT_LEFT || f->kind == FACT_ANSWERED)
        s->left = f->kind == FACT_LEFT;
    if (f->kind == FACT_CANCELED)
        s->canceled = true;
    if (f->kind == FACT_RECEIPT && rank_of_text(f->text) > s->rank)
        s->rank = rank_of_text(f->text);
}

/* What has left and is not answered must not be where it would leave again; what
 * was said of a message holds. */
static bool outcomes(struct power_checker *c)
{
    for (struct seen *s = c->seen; s; s = s->hh.next) {
        struct rec_message m;
        if (!s->ours)
            continue;
        if (!message(c, s->id, &m))
            return wrong(c, "%s went out or was reported and is lost: %s", s->id, c->err.text);
        if (s->left && (m.place == PLACE_DUE || m.place == PLACE_WAITING))
            return wrong(c, "%s has left, and would be sent once more: place %u, status %u", s->id,
                         (unsigned)m.place, (unsigned)m.status);
        if (m.parts <= 1 && rank_of(m.status) < s->rank) /* of several parts the last one counts */
            return wrong(c, "%s was acknowledged to have rank %u, and has status %u", s->id, s->rank,
                         (unsigned)m.status);
        if (s->canceled && m.status != HILO_STATUS_CANCELED)
            return wrong(c, "%s was canceled, and has status %u", s->id, (unsigned)m.status);
    }
    return true;
}

static bool fact(struct power_checker *c, const struct power_fact *f)
{
    switch (f->kind) {
    case FACT_ACCEPTED:
        notice(c, f);
        return accepted(c, f);
    case FACT_RECEIVED:
        return received(c, f);
    case FACT_UPLOADED:
        return uploaded(c, f);
    case FACT_CUSTOMER:
        return there(c, f, "cus", TABLE_CUSTOMER);
    case FACT_CASE:
        return there(c, f, "cas", TABLE_CASE);
    case FACT_KEY:
        return there(c, f, "key", TABLE_KEY_ID);
    case FACT_CHANGED:
        return changed(c, f);
    case FACT_BACKING:
    case FACT_BACKED_UP:
        return true; /* test_power_backup.c */
    default:
        notice(c, f);
        return true;
    }
}

/* ---- all of it ---- */

static bool checked(struct power_checker *c, const char *dir, bool may_be_none)
{
    FILE *out = tmpfile();
    bool clean;

    if (!out)
        return wrong(c, "no temporary file");
    int32_t rc = store_check(dir, fileno(out), &c->err);
    clean = rc == HILO_OK || (rc == HILO_NOTFOUND && may_be_none);
    if (!clean) {
        char text[600] = "";
        rewind(out);
        text[fread(text, 1, sizeof text - 1, out)] = '\0';
        (void)wrong(c, "--check-store: %s: %s", c->err.text, text);
    }
    (void)fclose(out);
    return clean;
}

int power_check(const char *dir, const struct power_facts *facts, uint32_t cut, char *why, size_t cap)
{
    struct power_checker c = {.facts = facts, .cut = cut, .arena = arena_new(), .why = why, .cap = cap};
    const struct store_options o = {.dir = dir, .segment_bytes = SEGMENT_BYTES, .map_bytes = MAP_BYTES};
    /* An operator may well have it checked before it is started again. */
    bool good = cut % 4 != 0 || checked(&c, dir, true);

    if (good && store_open(&o, &c.err, &c.store) != HILO_OK)
        good = wrong(&c, "the store does not open: %s", c.err.text);
    for (unsigned i = 0; good && i < facts->n; i++) {
        if (facts->fact[i].at >= cut)
            continue; /* told later; the order is not quite that of the records */
        good = fact(&c, &facts->fact[i]);
        arena_reset(c.arena);
    }
    good = good && outcomes(&c);
    if (c.store)
        store_close(&c.store);
    good = good && checked(&c, dir, false);
    while (c.seen) {
        struct seen *s = c.seen;
        HASH_DEL(c.seen, s);
        free(s);
    }
    arena_free(&c.arena);
    return good ? 0 : 1;
}

bool power_torn(const char *journal)
{
    const struct journal_options o = {.dir = journal, .segment_bytes = SEGMENT_BYTES};
    struct journal_recovery r = {0};
    struct journal *j = NULL;
    struct err e = {0};
    bool torn = journal_open(&o, 0, 0, true, NULL, NULL, &e, &r, &j) == HILO_OK && r.cut_bytes;

    if (j)
        journal_close(&j);
    return torn;
}
