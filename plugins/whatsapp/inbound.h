/* For providers: one inbound message or status, as it is being written. */
#ifndef WHATSAPP_INBOUND_H
#define WHATSAPP_INBOUND_H

#include "json.h"

#include <hilo/message.h>

/* Bytes that grow, up to a limit. */
struct wa_bytes {
    char *p;
    size_t n, cap;
    bool failed; /* the limit was met, or there was no memory */
    bool nomem;
};
void wa_bytes_put(struct wa_bytes *, const char *p, size_t n);

struct wa_in {
    struct hilo_writer w;
    struct wa_bytes extra; /* the object of EXTRA without its closing brace */
    uint32_t n_extra;      /* its members */
    char *scratch;         /* for the text of any string of the body */
    bool nomem;            /* there was no memory: what is written is not whole */
};

/* For the messages of one body; false: no memory. _free also after that. */
bool wa_in_init(struct wa_in *, struct hilo_str body);
void wa_in_free(struct wa_in *);
/* Starts a message, over the one before, with its KIND. in->w.failed at its end: it
 * was larger than a message may be, or there was no memory. */
void wa_in_begin(struct wa_in *, enum hilo_kind);

/* Keeps a member that has no field of its own: it goes into EXTRA. Of two with the
 * same name the first is kept. */
void wa_in_extra(struct wa_in *, struct hilo_str key, struct hilo_str value);
/* Writes what was kept, if anything. */
void wa_in_extra_done(struct wa_in *);
/* Writes a string's text into a field; false if value is not a string. */
bool wa_in_text(struct wa_in *, uint32_t tag, struct hilo_str value);

enum wa_take {
    WA_TAKE_TEXT,
    WA_TAKE_F64,
    WA_TAKE_U64,
    WA_TAKE_BOOL,
    WA_TAKE_SHA256,
    WA_TAKE_NOTHING /* known, and means nothing later (a URL of five minutes) */
};

struct wa_member {
    const char *name;
    enum wa_take take;
    bool must;
    uint32_t tag;
};

#define WA_MEMBERS(...) ((const struct wa_member[]){__VA_ARGS__, {NULL, WA_TAKE_NOTHING, false, 0}})

/* Writes an object's members into the open group. False if it is no object or one
 * that must be there is not; *left is set if something has no field. A name that
 * comes twice counts once, the first. */
bool wa_in_members(struct wa_in *, struct hilo_str object, const struct wa_member *table, bool *left);

#endif
