/*
 * What the store's tests share: a store in a folder of its own, a clock and ids that
 * the test moves, one function for each event, and what is expected afterwards.
 */
#ifndef TEST_STORE_TOOLS_H
#define TEST_STORE_TOOLS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/ids.h"
#include "base/str.h"
#include "store/keys.h"
#include "store/store.h"
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHANNEL STR("whatsapp-co")

enum { SECOND = 1000000, LISTING = 64 << 10 };

struct rig {
    char dir[96];
    struct store *store;
    struct arena *arena;
    struct err err;
    int64_t now;
    uint64_t ids;          /* given */
    uint64_t seq;          /* of the newest event */
    char listing[LISTING]; /* what the last check wrote */
};

#define OK(rig, call)                                                                                        \
    do {                                                                                                     \
        if ((call) != HILO_OK)                                                                               \
            fail_msg("%s: %s", #call, (rig)->err.text);                                                      \
    } while (0)

/* ---- folders ---- */

static inline int folder__remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)ftw;
    return type == FTW_DP ? rmdir(path) : unlink(path);
}

static inline void folder_remove(const char *path)
{
    assert_int_equal(nftw(path, folder__remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static inline void folder__copy_file(int from, int to, const char *name)
{
    static char bytes[1 << 16];
    ssize_t n;
    int in = openat(from, name, O_RDONLY | O_CLOEXEC);
    int out = openat(to, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(in >= 0 && out >= 0);
    while ((n = read(in, bytes, sizeof bytes)) > 0)
        assert_int_equal(write(out, bytes, (size_t)n), n);
    assert_int_equal(n, 0);
    close(in);
    close(out);
}

static inline void folder_copy(int from, int to)
{
    DIR *dir = fdopendir(dup(from));
    struct dirent *entry;
    struct stat st;

    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] == '.' || fstatat(from, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue; /* gone meanwhile */
        if (S_ISREG(st.st_mode)) {
            folder__copy_file(from, to, entry->d_name);
            continue;
        }
        assert_int_equal(mkdirat(to, entry->d_name, 0700), 0);
        int a = openat(from, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int b = openat(to, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        folder_copy(a, b);
        close(a);
        close(b);
    }
    closedir(dir);
}

/* ---- the store ---- */

static inline void rig_open(struct rig *r)
{
    const struct store_options o = {.dir = r->dir, .segment_bytes = 8 << 20, .map_bytes = 64 << 20};

    OK(r, store_open(&o, &r->err, &r->store));
    r->seq = store_seq(r->store);
}

static inline int rig_setup(void **state)
{
    struct rig *r = calloc(1, sizeof *r);

    assert_non_null(r);
    snprintf(r->dir, sizeof r->dir, "/tmp/hilo-store-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    r->arena = arena_new();
    r->now = INT64_C(1790000000) * SECOND;
    rig_open(r);
    *state = r;
    return 0;
}

static inline int rig_teardown(void **state)
{
    struct rig *r = *state;

    store_close(&r->store);
    arena_free(&r->arena);
    folder_remove(r->dir);
    free(r);
    return 0;
}

/* Runs store_check on the closed store; the words are in r->listing. */
static inline int32_t rig_check(struct rig *r)
{
    FILE *out = tmpfile();
    int32_t rc;

    assert_non_null(out);
    rc = store_check(r->dir, fileno(out), &r->err);
    rewind(out);
    r->listing[fread(r->listing, 1, sizeof r->listing - 1, out)] = '\0';
    fclose(out);
    return rc;
}

/* Closes, checks, opens again: the check has nothing to say. */
static inline void rig_clean(struct rig *r)
{
    store_close(&r->store);
    int32_t rc = rig_check(r);
    if (rc != HILO_OK || r->listing[0])
        fail_msg("store_check: %s\n%s", r->err.text, r->listing);
    rig_open(r);
}

/* As after a power cut: what is on disk goes on in another folder, the rest is lost. The
 * context is behind the journal there, which a check does not mind. */
static inline void rig_power_cut(struct rig *r)
{
    char dir[sizeof r->dir];
    struct store_stats st;

    /* A flush that goes on while its file is copied would make a file that never was. */
    do {
        store_stats(r->store, &st);
        if (st.context.frozen_keys)
            sched_yield();
    } while (st.context.frozen_keys);
    snprintf(dir, sizeof dir, "/tmp/hilo-store-XXXXXX");
    assert_non_null(mkdtemp(dir));
    int from = open(r->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int to = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    folder_copy(from, to);
    close(from);
    close(to);
    store_close(&r->store);
    folder_remove(r->dir);
    memcpy(r->dir, dir, sizeof dir);
    if (rig_check(r) != HILO_OK)
        fail_msg("store_check after a power cut: %s\n%s", r->err.text, r->listing);
    rig_open(r);
}

/* ---- events ---- */

static inline struct hilo_id rig_id(struct rig *r)
{
    struct hilo_id id = {{0x01}};
    uint64_t n = ++r->ids;

    for (unsigned i = 0; i < 8; i++)
        id.b[15 - i] = (uint8_t)(n >> (8 * i));
    return id;
}

static const struct actor rig_actor = {.kind = ACTOR_KEY, .id = {{0xaa, 1}}};

/* Without a commit. */
static inline void rig_append(struct rig *r, const struct rec_desc *d, const void *ev)
{
    store_begin(r->store);
    OK(r, store_append(r->store, d, ev, &rig_actor, r->now, &r->seq, &r->err));
    store_end(r->store);
    r->now += 1000;
}

static inline void rig_commit(struct rig *r)
{
    OK(r, store_commit(r->store, &r->err));
}

#define EMIT(rig, name, ...)                                                                                 \
    do {                                                                                                     \
        const struct ev_##name ev_emitted = {__VA_ARGS__};                                                   \
        rig_append((rig), &ev_desc_##name, &ev_emitted);                                                     \
        rig_commit(rig);                                                                                     \
    } while (0)

static inline struct hilo_str rig_party(struct arena *a, struct hilo_str phone)
{
    struct hilo_writer w;

    arena_writer(a, &w);
    hilo_put_u64(&w, HILO_T_IDENT_SCHEME, HILO_SCHEME_PHONE);
    hilo_put_str(&w, HILO_T_IDENT_VALUE, phone);
    return hilo_written(&w);
}

struct person {
    struct hilo_id customer, conversation;
    struct hilo_str channel;
};

/* A customer with a phone, and a conversation on CHANNEL. */
static inline struct person rig_person(struct rig *r, const char *phone)
{
    struct person p = {rig_id(r), rig_id(r), CHANNEL};

    EMIT(r, customer_created, .id = p.customer, .name = STR("Ana"));
    EMIT(r, identifier_added, .customer = p.customer, .scheme = HILO_SCHEME_PHONE, .value = str(phone),
         .verified = 1);
    EMIT(r, conversation_opened, .id = p.conversation, .customer = p.customer, .channel = p.channel,
         .party = rig_party(r->arena, str(phone)));
    return p;
}

struct draft {
    uint64_t parts, policy, priority, content, system;
    struct hilo_id case_id, reply_to;
    int64_t expires; /* 0: in an hour */
    int64_t due;     /* 0: at once */
    struct hilo_str ext_id;
    struct hilo_id media;
    struct hilo_str joined; /* the key of the parts that it is joined from */
};

static inline struct hilo_str rig_bytes(struct rig *r, const struct person *p, const struct draft *d,
                                        uint64_t kind, struct hilo_id id)
{
    struct hilo_writer w;

    arena_writer(r->arena, &w);
    hilo_put_u64(&w, HILO_T_MSG_KIND, kind);
    hilo_put_id(&w, HILO_T_MSG_ID, id);
    hilo_put_str(&w, HILO_T_MSG_CHANNEL, p->channel);
    hilo_put_id(&w, HILO_T_MSG_CUSTOMER, p->customer);
    hilo_put_id(&w, HILO_T_MSG_CONVERSATION, p->conversation);
    if (!id_none(d->case_id))
        hilo_put_id(&w, HILO_T_MSG_CASE, d->case_id);
    if (!id_none(d->reply_to))
        hilo_put_id(&w, HILO_T_MSG_REPLY_TO, d->reply_to);
    if (d->ext_id.n)
        hilo_put_str(&w, HILO_T_MSG_EXT_ID, d->ext_id);
    hilo_put_u64(&w, HILO_T_MSG_TIME, (uint64_t)r->now);
    if (kind == HILO_KIND_OUTBOUND) {
        hilo_put_u64(&w, HILO_T_MSG_DUE, (uint64_t)(d->due ? d->due : r->now));
        hilo_put_u64(&w, HILO_T_MSG_EXPIRES,
                     (uint64_t)(d->expires ? d->expires : r->now + INT64_C(3600) * SECOND));
        hilo_put_u64(&w, HILO_T_MSG_PRIORITY, d->priority);
    }
    hilo_open(&w, HILO_T_MSG_CONTENT);
    hilo_put_u64(&w, HILO_T_CONTENT_TYPE, d->content ? d->content : HILO_CONTENT_TEXT);
    if (d->system)
        hilo_put_u64(&w, HILO_T_CONTENT_EVENT, d->system);
    hilo_put_str(&w, HILO_T_CONTENT_TEXT, STR("hola"));
    hilo_close(&w);
    assert_int_equal(w.failed, 0);
    return hilo_written(&w);
}

static inline struct hilo_id rig_accept(struct rig *r, const struct person *p, struct draft d)
{
    struct hilo_id id = rig_id(r);

    EMIT(r, message_accepted, .id = id, .message = rig_bytes(r, p, &d, HILO_KIND_OUTBOUND, id),
         .policy = d.policy, .parts = d.parts);
    return id;
}

static inline struct hilo_id rig_receive(struct rig *r, const struct person *p, struct draft d)
{
    struct hilo_id id = rig_id(r);

    EMIT(r, message_received, .id = id, .message = rig_bytes(r, p, &d, HILO_KIND_INBOUND, id),
         .media = d.media, .parts = d.joined);
    return id;
}

/* One of several parts of a message. */
static inline void rig_part(struct rig *r, const char *key, uint64_t index, uint64_t total,
                            const char *ext_id)
{
    EMIT(r, message_part, .channel = CHANNEL, .key = str(key), .index = index, .total = total,
         .ext_id = str(ext_id), .expires = (uint64_t)(r->now + INT64_C(3600) * SECOND),
         .message = STR("\1\1\1"));
}

/* A call's record, and its entry in the timeline, as its events have them. */
static inline struct hilo_str rig_call(struct arena *a, const struct rec_call *c)
{
    struct hilo_writer w;

    arena_writer(a, &w);
    rec_pack(&rec_desc_call, c, &w);
    return hilo_written(&w);
}

static inline struct hilo_str rig_entry(struct arena *a, struct hilo_id call, const struct rec_call *c)
{
    struct hilo_writer w;

    arena_writer(a, &w);
    hilo_put_u64(&w, HILO_T_MSG_KIND, HILO_KIND_CALL);
    hilo_put_id(&w, HILO_T_MSG_ID, c->entry);
    hilo_put_str(&w, HILO_T_MSG_CHANNEL, c->channel);
    hilo_put_id(&w, HILO_T_MSG_CUSTOMER, c->customer);
    if (!id_none(c->case_id))
        hilo_put_id(&w, HILO_T_MSG_CASE, c->case_id);
    hilo_put_id(&w, HILO_T_MSG_CALL, call);
    hilo_open(&w, HILO_T_MSG_CONTENT);
    hilo_put_u64(&w, HILO_T_CONTENT_TYPE, HILO_CONTENT_CALL);
    hilo_close(&w);
    return hilo_written(&w);
}

/* Notices of messages, as an appointment keeps them. */
static inline struct hilo_str rig_notices(struct arena *a, const struct rec_notice *n, unsigned count)
{
    struct hilo_writer w, one;

    arena_writer(a, &w);
    for (unsigned i = 0; i < count; i++) {
        arena_writer(a, &one);
        rec_pack(&rec_desc_notice, &n[i], &one);
        hilo_put_str(&w, 1, hilo_written(&one));
    }
    return hilo_written(&w);
}

static inline struct hilo_str rig_appointment(struct arena *a, const struct rec_appointment *r)
{
    struct hilo_writer w;

    arena_writer(a, &w);
    rec_pack(&rec_desc_appointment, r, &w);
    return hilo_written(&w);
}

/* ---- looking ---- */

static inline bool rig_find(struct rig *r, struct hilo_id id, struct rec_message *m)
{
    struct key k = key_of_id(id);
    int32_t rc = store_record(r->store, TABLE_MESSAGE, key_str(&k), &rec_desc_message, r->arena, m, &r->err);

    assert_true(rc == HILO_OK || rc == HILO_NOTFOUND);
    return rc == HILO_OK;
}

static inline struct rec_message rig_message(struct rig *r, struct hilo_id id)
{
    struct rec_message m;

    assert_true(rig_find(r, id, &m));
    return m;
}

static inline struct rec_conversation rig_conversation(struct rig *r, const struct person *p)
{
    struct key k = key_of_id(p->conversation);
    struct rec_conversation c;

    OK(r, store_record(r->store, TABLE_CONVERSATION, key_str(&k), &rec_desc_conversation, r->arena, &c,
                       &r->err));
    return c;
}

static inline bool rig_has(struct rig *r, enum table t, struct key k)
{
    struct hilo_str val;
    int32_t rc = store_get(r->store, t, key_str(&k), r->arena, &val, &r->err);

    assert_true(rc == HILO_OK || rc == HILO_NOTFOUND);
    return rc == HILO_OK;
}

static inline bool rig__count(void *arg, struct hilo_str key, struct hilo_str val)
{
    (void)key;
    (void)val;
    ++*(unsigned *)arg;
    return true;
}

static inline unsigned rig_count(struct rig *r, enum table t)
{
    unsigned n = 0;

    OK(r,
       store_scan(r->store, t, (struct hilo_str){0}, (struct hilo_str){0}, false, rig__count, &n, &r->err));
    return n;
}

static inline void rig_claim(struct rig *r, struct hilo_id id)
{
    EMIT(r, message_claimed, .id = id, .attempt = rig_message(r, id).attempts + 1);
}

/* The outcome that the deciding code writes down. */
static inline void rig_report(struct rig *r, struct hilo_id id, uint64_t status, const char *ext_id)
{
    struct rec_message m = rig_message(r, id);
    uint64_t sent = status == HILO_STATUS_SENT;

    EMIT(r, message_reported, .id = id, .status = status, .ext_id = str(ext_id),
         .reason = status == HILO_STATUS_SENT ? STR("") : STR("why"), .due = (uint64_t)(r->now + SECOND),
         .attempts = m.attempts, .part = m.part + sent);
}

/* Its ids are words of a text, "-" one that is not known: a field with tag 1 for each but the first,
 * which is *first_out. */
static inline struct hilo_str rig_words(struct rig *r, const char *text, struct hilo_str *first_out)
{
    struct hilo_str rest = str(text), word;
    struct hilo_writer w;

    arena_writer(r->arena, &w);
    for (unsigned i = 0; rest.n; i++) {
        (void)str_cut(rest, ' ', &word, &rest);
        if (str_eq(word, STR("-")))
            word.n = 0;
        if (i == 0)
            *first_out = word;
        else
            hilo_put_str(&w, 1, word);
    }
    return hilo_written(&w);
}

/* One send that was several at the provider. */
static inline void rig_report_several(struct rig *r, struct hilo_id id, uint64_t status, const char *ids)
{
    struct rec_message m = rig_message(r, id);
    struct hilo_str first, more = rig_words(r, ids, &first);
    uint64_t sent = status == HILO_STATUS_SENT || status == HILO_STATUS_QUEUED;

    EMIT(r, message_reported, .id = id, .status = status, .ext_id = first, .more = more,
         .due = (uint64_t)r->now, .attempts = m.attempts, .part = m.part + sent);
}

/* Parked under each of its spellings. */
static inline void rig_park(struct rig *r, const char *spellings, uint64_t status)
{
    struct hilo_str first, more = rig_words(r, spellings, &first);

    EMIT(r, message_receipt, .channel = CHANNEL, .ext_id = first, .spellings = more, .status = status,
         .time = (uint64_t)r->now);
}

/* One of several parts was sent and the next is due. */
static inline void rig_report_part(struct rig *r, struct hilo_id id, const char *ext_id)
{
    struct rec_message m = rig_message(r, id);

    EMIT(r, message_reported, .id = id, .status = HILO_STATUS_QUEUED, .ext_id = str(ext_id),
         .due = (uint64_t)r->now, .part = m.part + 1);
}

static const struct hilo_id nobody = {{0}};

static inline void rig_receipt(struct rig *r, struct hilo_id id, const char *ext_id, uint64_t status)
{
    EMIT(r, message_receipt, .id = id, .channel = CHANNEL, .ext_id = str(ext_id), .status = status,
         .time = (uint64_t)r->now);
}

#define EXPECT(rig, id, the_place, the_status)                                                               \
    do {                                                                                                     \
        struct rec_message m_expected = rig_message((rig), (id));                                            \
        assert_int_equal(m_expected.status, HILO_STATUS_##the_status);                                       \
        assert_int_equal(m_expected.place, PLACE_##the_place);                                               \
    } while (0)

#endif
