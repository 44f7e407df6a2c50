/* Reading a webhook's body: what came of it is kept for the test. */
#ifndef WHATSAPP_READ_H
#define WHATSAPP_READ_H

#include "whatsapp_check.h"

enum { GOT_MAX = 64 };

struct got {
    struct hilo_str message[GOT_MAX];  /* copies */
    unsigned n, stop_at;               /* stop_at: refuse that one; 0: none */
    unsigned note[16];                 /* by enum wa_note */
    struct hilo_str template[GOT_MAX]; /* copies */
    unsigned n_template;
    int64_t code;
    char text[128]; /* of the last note */
};

static inline bool got_message(void *arg, struct hilo_str m)
{
    struct got *g = arg;
    char *copy;

    if (g->stop_at && g->n + 1 == g->stop_at)
        return false;
    assert_true(g->n < GOT_MAX);
    copy = malloc(m.n);
    assert_non_null(copy);
    memcpy(copy, m.p, m.n);
    g->message[g->n++] = (struct hilo_str){copy, m.n};
    return true;
}

static inline void got_note(void *arg, enum wa_note what, int64_t code, struct hilo_str text)
{
    struct got *g = arg;

    g->note[what]++;
    g->code = code;
    snprintf(g->text, sizeof g->text, "%.*s", (int)text.n, text.n ? text.p : "");
}

static inline void got_template(void *arg, struct hilo_str group)
{
    struct got *g = arg;
    char *copy = malloc(group.n);

    assert_non_null(copy);
    assert_true(g->n_template < GOT_MAX);
    memcpy(copy, group.p, group.n);
    g->template[g->n_template++] = (struct hilo_str){copy, group.n};
}

static inline int32_t read_body(struct got *g, const char *body, size_t n)
{
    const struct wa_account account = {str("106540352242922"), str("102290129340398")};
    const struct wa_sink sink = {g, got_message, got_note, got_template};
    char *exact = malloc(n ? n : 1); /* so that ASan sees any read beyond the end */
    int32_t rc;

    assert_non_null(exact);
    if (n)
        memcpy(exact, body, n);
    rc = wa_meta_read((struct hilo_str){exact, n}, &account, &sink);
    free(exact);
    return rc;
}

static inline void got_free(struct got *g)
{
    unsigned i;

    for (i = 0; i < g->n; i++)
        free((void *)(uintptr_t)g->message[i].p);
    for (i = 0; i < g->n_template; i++)
        free((void *)(uintptr_t)g->template[i].p);
    memset(g, 0, sizeof *g);
}

/* A body whose one change has this value, beside messaging_product and metadata. */
static inline void read_value(struct got *g, const char *value)
{
    char body[16384];

    snprintf(body, sizeof body,
             "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"102290129340398\",\"changes\":[{"
             "\"field\":\"messages\",\"value\":{\"messaging_product\":\"whatsapp\",\"metadata\":{"
             "\"display_phone_number\":\"15550783881\",\"phone_number_id\":\"106540352242922\"},%s}}]}]}",
             value);
    assert_int_equal(read_body(g, body, strlen(body)), HILO_OK);
}

/* One message of Ana's with these members beside the common ones. */
static inline struct hilo_str read_one(struct got *g, const char *members)
{
    char value[8192];

    memset(g, 0, sizeof *g);
    snprintf(value, sizeof value,
             "\"contacts\":[{\"profile\":{\"name\":\"Ana\"},\"wa_id\":\"56912345678\"}],\"messages\":[{"
             "\"from\":\"56912345678\",\"id\":\"wamid.A\",\"timestamp\":\"1750857384\",%s}]",
             members);
    read_value(g, value);
    assert_int_equal(g->n, 1);
    return g->message[0];
}

#endif
