/*
 * A provider: who stands between this plugin and WhatsApp. What differs between
 * them is in one constant table each; the rest of the plugin (what is under way,
 * reports, deliveries that wait for the disk, remembered uploads) asks no provider
 * by name. wa_meta is in meta.c, wa_infobip in infobip.c.
 *
 * All functions are pure but for what they are given, and none may block. A function
 * that writes a URL or a text NUL-ends it and gives false if it does not fit. A
 * function that is NULL is a thing that the provider does not have. [own] loop.
 */
#ifndef WHATSAPP_PROVIDER_H
#define WHATSAPP_PROVIDER_H

#include "answer.h"
#include "encode.h"
#include "signature.h"
#include "webhook.h"

#include <hilo/message.h>
#include <hilo/plugin.h>

/* What the option table of plugin.c fills; one for all providers. Which of them a
 * provider cannot do without its wrong_option() says. base_url is never empty after
 * open(). */
struct wa_conf {
    struct hilo_str phone_number_id, waba_id, token, app_secret, verify_token, base_url, version;
    struct hilo_str sender, api_key, notify_url, hook_user, hook_password, hook_secret;
    int64_t provider, in_flight, timeout_us, template_refresh_us;
    uint64_t preview_url;
};

enum { WA_URL_MAX = 4096, WA_PARTS_MAX = 4 };

/* Who asks under /hooks/{channel}. */
enum wa_caller {
    WA_CALLER_KNOWN,   /* proven to be the provider */
    WA_CALLER_UNKNOWN, /* not proven: 401 */
    WA_CALLER_LOST     /* nothing is at this path: 404 */
};

/* What the first request for an inbound media gives. */
enum wa_fetch {
    WA_FETCH_IMPOSSIBLE, /* the message names no media that could be asked for */
    WA_FETCH_ADDRESS,    /* an answer that fetch_address() reads */
    WA_FETCH_BYTES       /* the media itself */
};

struct wa_provider {
    const char *name;        /* as in the option provider */
    const char *title;       /* for people: "the Cloud API" */
    const char *base_url;    /* default of the option; NULL: it must be given */
    const char *auth_scheme; /* Authorization: this, a blank, the secret */
    struct hilo_str (*secret)(const struct wa_conf *);
    const char *templates_hint; /* what to do so that templates are listed; NULL: they can't be */
    const char *distrust;       /* why a POST is refused and what to do: "for a missing …; compare …" */
    const char *distrust_handshake; /* the same of a handshake */

    /* What is wrong with the options, for a person; NULL: nothing. */
    const char *(*wrong_option)(const struct wa_conf *);
    /* Takes out of the plugin's abilities what this provider has not. */
    void (*narrow)(struct hilo_abilities *);

    /* Out. encode(): a message or a signal (mark as read, typing) as one request.
     * answer(): what the answer to it means, of any status; HILO_OK with ext_id.
     * judge(): what an answer that is not 2xx means, to any other request. */
    int32_t (*encode)(struct hilo_id, struct hilo_str message, const struct wa_encode *,
                      struct wa_encoded *out);
    void (*answer)(const struct hilo_http *, bool echoed, struct wa_verdict *out);
    void (*judge)(const struct hilo_http *, struct wa_verdict *out);

    /* A media that has to be with the provider before the message: upload() writes
     * the URL and the parts that go before the file, and how many; uploaded() reads
     * the id that a 2xx answer gives it. NULL: the provider takes links only, and
     * encode() never asks for an upload. */
    bool (*upload)(const struct wa_conf *, struct hilo_str mime, char url[WA_URL_MAX],
                   struct hilo_part part[WA_PARTS_MAX], uint64_t *n_part);
    bool (*uploaded)(const struct hilo_http *, char *ext, size_t cap);

    /* In. handshake(): whether this query is the provider's proof of the address,
     * and what to answer. caller(): of a POST; url is its path and query; the signer
     * has app_secret, and is NULL without one.
     * read(): gives all that a delivery of a known caller holds to the sink, as
     * wa_webhook_read does. */
    bool (*handshake)(const struct wa_conf *, struct hilo_str query, char *answer, size_t cap);
    enum wa_caller (*caller)(const struct wa_conf *, const struct wa_signer *, const struct hilo_http *);
    int32_t (*read)(const struct wa_conf *, const struct hilo_http *, const struct wa_sink *);

    /* Templates. templates_url(): the request for the page after this cursor ("" for the
     * first); false: with these options there is none to make. templates_read(): gives
     * each template of a 2xx answer to the sink, as bytes of the group TEMPLATE, and the
     * cursor of the next page, "" if there is none; false: the answer is no such list. */
    bool (*templates_url)(const struct wa_conf *, const char *after, char url[WA_URL_MAX]);
    bool (*templates_read)(const struct hilo_http *, const struct wa_template_sink *, char *after,
                           size_t cap);

    /* A media that came with a message. */
    enum wa_fetch (*fetch)(const struct wa_conf *, struct hilo_str media, char url[WA_URL_MAX]);
    bool (*fetch_address)(const struct hilo_http *, char url[WA_URL_MAX], char *mime, size_t mime_cap);
};

extern const struct wa_provider wa_meta, wa_infobip;

/* For providers' own files. Whether a secret may stand in a header: it must not be able
 * to change its shape. */
bool wa_header_clean(struct hilo_str);
/* The URL by format in url, false if it does not fit. */
bool wa_url_write(char url[WA_URL_MAX], const char *format, ...) __attribute__((format(printf, 2, 3)));
/* s as it may stand in a path, percent-encoded; false if it is empty or does not fit. */
bool wa_url_escape(struct hilo_str s, char *out, size_t cap);
/* The first parameter of a query with this name, decoded into out, which has
 * WA_VALUE_MAX bytes; empty if there is none. */
enum { WA_VALUE_MAX = 512 };
struct hilo_str wa_query_get(struct hilo_str query, const char *name, char *out);
/* Cuts s at the first c: what is before; *rest is what is after. */
struct hilo_str wa_split(struct hilo_str *rest, char c);

#endif
