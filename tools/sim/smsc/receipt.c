/* Delivery receipts, in the ways that centres write them, and the ids of messages. */
#include "smsc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void id_print(enum id_format f, uint64_t number, char out[66])
{
    unsigned long long v = number;

    switch (f) {
    case ID_HEX:
        snprintf(out, 66, "%llx", v);
        break;
    case ID_HEX_UPPER:
        snprintf(out, 66, "%llX", v);
        break;
    case ID_DEC_ZEROS:
        snprintf(out, 66, "%010llu", v);
        break;
    case ID_HEX_ZEROS:
        snprintf(out, 66, "%08llX", v);
        break;
    case ID_TEXT:
        snprintf(out, 66, "sim-%04llx-%08llX.%llu", v >> 16, v * 2654435761u & 0xffffffffu, v);
        break;
    case ID_SAME:
    case ID_DEC:
        snprintf(out, 66, "%llu", v);
        break;
    }
}

struct submit *submit_find(struct smsc *s, const char *id)
{
    bool last = !strcmp(id, "last");

    for (size_t i = s->n_submits; i-- > 0;)
        if (s->submits[i]->accepted && (last || !strcmp(s->submits[i]->id, id)))
            return s->submits[i];
    return NULL;
}

static unsigned state_number(const char *name)
{
    static const char *const names[] = {"ENROUTE", "DELIVRD", "EXPIRED", "DELETED",
                                        "UNDELIV", "ACCEPTD", "UNKNOWN", "REJECTD"};

    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(names[i], name))
            return i + 1;
    return 0;
}

static bool is_final(const char *state)
{
    return strcmp(state, "ENROUTE") != 0 && strcmp(state, "ACCEPTD") != 0;
}

static void date(char out[20], int64_t wall_us, bool seconds)
{
    time_t t = (time_t)(wall_us / 1000000);
    struct tm tm;
    int n;

    gmtime_r(&t, &tm);
    n = snprintf(out, 20, "%02d%02d%02d%02d%02d", tm.tm_year % 100, (tm.tm_mon + 1) % 100, tm.tm_mday % 100,
                 tm.tm_hour % 100, tm.tm_min % 100);
    if (seconds)
        snprintf(out + n, 20 - (size_t)n, "%02d", tm.tm_sec % 100);
}

/* What the variants differ in; %1 … are filled in below. */
static const struct {
    const char *name, *format;
    bool seconds;
} variants[] = {
    {"standard", "id:%i sub:001 dlvrd:%d submit date:%s done date:%f stat:%t err:%e text:%x", false},
    {"seconds", "id:%i sub:001 dlvrd:%d submit date:%s done date:%f stat:%t err:%e text:%x", true},
    {"capitals", "ID:%i SUB:001 DLVRD:%d SUBMIT DATE:%s DONE DATE:%f STAT:%t ERR:%e TEXT:%x", false},
    {"title", "Id:%i Sub:001 Dlvrd:%d Submit Date:%s Done Date:%f Stat:%t Err:%e Text:%x", false},
    {"minimal", "id:%i stat:%t", false},
    {"nosub", "id:%i submit date:%s done date:%f stat:%t err:%e Text:%x", false},
    {"order", "stat:%t err:%e id:%i done date:%f submit date:%s dlvrd:%d sub:001", false},
    {"underscores", "id:%i sub:001 dlvrd:%d submit_date:%s done_date:%f stat:%t err:%e text:%x", false},
    {"spaces", " id:%i  sub:001  dlvrd:%d  submit date:%s  done date:%f  stat:%t  err:%e  text:%x \r\n",
     false},
    {"lower", "id:%i sub:001 dlvrd:%d submit date:%s done date:%f stat:%l err:%e text:%x", false},
    {"tricky", "id:%i sub:001 dlvrd:%d submit date:%s done date:%f stat:%t err:%e text:id:999 stat:UNDELIV",
     false},
};

bool receipt_variant_known(const char *name)
{
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++)
        if (!strcmp(variants[i].name, name))
            return true;
    return false;
}

/* The first 20 characters of what was sent, in the alphabet that it came in, as ASCII where it is. */
static void head_of(const struct submit *m, char out[21])
{
    size_t n = 0;

    for (size_t i = 0; i < m->sm.n && n < 20; i++)
        if (m->sm.text[i] >= ' ' && m->sm.text[i] < 0x7f)
            out[n++] = (char)m->sm.text[i];
    out[n] = 0;
}

static void receipt_text(const struct smsc *s, const struct submit *m, const char *state, const char *id,
                         const struct receipts *r, char *out, size_t cap)
{
    char submitted[20], done[20], head[21], lower[16];
    size_t v = 0, n = 0;

    while (v + 1 < sizeof variants / sizeof *variants && strcmp(variants[v].name, r->variant) != 0)
        v++;
    date(submitted, s->wall_us - (s->now_us - m->at_us), variants[v].seconds);
    date(done, s->wall_us, variants[v].seconds);
    head_of(m, head);
    for (size_t i = 0; i < sizeof lower; i++)
        lower[i] = (char)(state[i] >= 'A' && state[i] <= 'Z' ? state[i] + 32 : state[i]);
    for (const char *f = variants[v].format; *f && n + 1 < cap; f++) {
        const char *put = *f != '%'     ? NULL
                          : f[1] == 'i' ? id
                          : f[1] == 'd' ? (!strcmp(state, "DELIVRD") ? "001" : "000")
                          : f[1] == 's' ? submitted
                          : f[1] == 'f' ? done
                          : f[1] == 't' ? state
                          : f[1] == 'l' ? lower
                          : f[1] == 'e' ? r->err
                                        : head;
        if (put) {
            n += (size_t)snprintf(out + n, cap - n, "%s", put);
            f++;
        } else {
            out[n++] = *f;
        }
    }
    out[n < cap ? n : cap - 1] = 0;
}

void receipt_send(struct smsc *s, struct submit *m, const char *state, const struct receipts *r,
                  int64_t after_us)
{
    char id[66], name[16], text[250];
    unsigned number = state_number(state);
    uint8_t state_byte = (uint8_t)number, network[3] = {3, 0, 0};
    struct sm out = {0};
    struct delivery *d;

    (void)copy(name, sizeof name, state);
    if (r->id == ID_SAME)
        (void)copy(id, sizeof id, m->id);
    else
        id_print(r->id, m->number, id);
    (void)copy(out.source, sizeof out.source, m->sm.dest); /* the other way around */
    (void)copy(out.dest, sizeof out.dest, m->sm.source);
    out.source_ton = m->sm.dest_ton;
    out.source_npi = m->sm.dest_npi;
    out.dest_ton = m->sm.source_ton;
    out.dest_npi = m->sm.source_npi;
    out.esm_class = !is_final(name) && r->intermediate_flag ? 0x20 : 0x04;
    if (r->form != FORM_TLV) {
        receipt_text(s, m, name, id, r, text, sizeof text);
        out.text = (const uint8_t *)text;
        out.n = strlen(text);
    }
    if (r->form != FORM_TEXT) {
        out.tlv[out.n_tlv++] =
            (struct tlv){TLV_RECEIPTED_MESSAGE_ID, (uint16_t)(strlen(id) + 1), (uint8_t *)id};
        if (number)
            out.tlv[out.n_tlv++] = (struct tlv){TLV_STATE, 1, &state_byte};
        if (strspn(r->err, "0123456789") == strlen(r->err)) {
            unsigned long err = strtoul(r->err, NULL, 10);
            network[1] = (uint8_t)(err >> 8);
            network[2] = (uint8_t)err;
            out.tlv[out.n_tlv++] = (struct tlv){TLV_NETWORK_ERROR, 3, network};
        }
    }
    d = delivery_new(s, r->data_sm ? DATA_SM : DELIVER_SM, m->system_id, &out);
    d->about = m;
    (void)copy(d->name, sizeof d->name, name);
    m->receipts++;
    (void)copy(m->state, sizeof m->state, name);
    delivery_plan(s, d, after_us);
}

static bool wanted(const struct submit *m, const struct receipts *r, const char *state)
{
    unsigned asked = m->sm.registered;

    if (r->always)
        return true;
    if (!is_final(state))
        return asked & 0x10;
    return (asked & 3) == 1 || ((asked & 3) == 2 && strcmp(state, "DELIVRD") != 0);
}

void receipts_plan(struct smsc *s, struct submit *m)
{
    const struct receipts *r = &s->conf.receipts;
    int64_t after_us = r->delay_ms * 1000;

    for (int i = 0; i < r->n_states; i++) {
        if (!wanted(m, r, r->states[i]))
            continue;
        /* Whatever goes after the response goes by the next tick at the earliest. */
        receipt_send(s, m, r->states[i], r, r->before_response ? 0 : after_us > 0 ? after_us : 1);
        after_us += r->between_ms * 1000;
    }
    if (r->before_response)
        deliveries_send(s);
}
