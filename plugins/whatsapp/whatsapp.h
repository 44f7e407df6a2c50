/*
 * Private to this plugin: one instance and the functions that its parts call of
 * each other. All [own] loop.
 */
#ifndef WHATSAPP_H
#define WHATSAPP_H

#include "provider.h"
#include "slots.h"
#include "templates.h"
#include "uploads.h"

#include <hilo/message.h>
#include <hilo/plugin.h>
#include <stdbool.h>

enum { WA_MAGIC = 0x77617070 };

/* Names that were met; so many, then all others count as met. */
enum { WA_NAMES_MAX = 32, WA_NAME_BYTES = 48 };
struct wa_names {
    char name[WA_NAMES_MAX][WA_NAME_BYTES];
    unsigned n;
};
/* Whether it is the first time. */
bool wa_names_new(struct wa_names *, struct hilo_str name);

/* Timers of an instance. */
enum { WA_TIMER_DRAIN = 1, WA_TIMER_TEMPLATES = 2 };

struct wa {
    uint32_t magic;
    bool draining;
    int32_t state;         /* the code last given to host.state */
    struct hilo_host host; /* a copy, as long as the host's */
    struct hilo_self *self;
    struct wa_conf conf; /* a copy, base_url filled in */
    const struct wa_provider *provider;
    char *authorization;      /* "Bearer …" */
    struct wa_signer *signer; /* of app_secret; NULL: there is none */
    struct wa_slots ops;      /* struct wa_op: sends and downloads */
    struct wa_slots hooks;    /* requests that wait for their messages to be on disk */
    struct wa_uploads uploads;
    struct wa_templates templates;
    struct wa_names ignored; /* kinds of news that were logged */
    int64_t refused_log_us;  /* a refused webhook is logged again from then on */
    uint64_t refused;        /* refused since */
};

/* How far an operation is, by what it waits for. */
enum wa_step {
    WA_STEP_FILE,    /* a send: the host opens a stored media */
    WA_STEP_UPLOAD,  /* a send: the provider takes the media */
    WA_STEP_WAIT,    /* a send: another one uploads the same media */
    WA_STEP_POST,    /* a send: the provider takes the message; from here on it may have left */
    WA_STEP_LIST,    /* the list of templates */
    WA_STEP_ADDRESS, /* a download: the provider says where it is */
    WA_STEP_FILL,    /* a download: the bytes */
    WA_STEP_FOLLOW   /* a download: the bytes, from where the answer to FILL sent us, without the key */
};

struct wa_op {
    uint64_t key; /* its token */
    enum wa_step step;
    struct hilo_id id;    /* a send: of the message */
    struct hilo_id media; /* FILE, UPLOAD, WAIT: which */
    bool echoed;          /* a send: receipts will carry our id */
    bool uploaded;        /* a send: a media was uploaded for it */
    bool cached;          /* a send: used a media uploaded for another */
    uint32_t uploads;     /* a send: begun for it */
    uint64_t job;         /* a download */
    int32_t fd;           /* a download: where to */
    bool direct;          /* a download: FILL is its first step, there is no address to ask for */
    char mime[128];       /* a download */
    uint64_t n;           /* bytes of the message */
    char message[];
};

/* plugin.c */
void wa_log(struct wa *, int32_t level, const char *format, ...) __attribute__((format(printf, 3, 4)));
void wa_set_state(struct wa *, int32_t code, const char *text);
struct wa_op *wa_op_new(struct wa *, enum wa_step, struct hilo_str message);
void wa_op_free(struct wa *, struct wa_op *);
/* A request to the provider, authorised, its token the operation's; to be filled
 * further and begun. A negative code: nothing was begun, and the descriptors in it
 * are still the caller's. */
struct hilo_http wa_request(const struct wa *, const char *method, const char *url);
int32_t wa_request_begin(struct wa *, const struct wa_op *, const struct hilo_http *);
static inline struct hilo_str wa_str(const char *s)
{
    struct hilo_str r = {s, strlen(s)};
    return r;
}

/* send.c */
int32_t wa_send(void *inst, struct hilo_id id, struct hilo_str message);
void wa_revoke(void *inst, struct hilo_id id);
void wa_send_on_http(struct wa *, struct wa_op *, int32_t code, const struct hilo_http *);
/* Goes on with a send as far as it can, up to its end. */
void wa_send_advance(struct wa *, struct wa_op *);
/* Reports it and frees it. */
void wa_send_end(struct wa *, struct wa_op *, const struct wa_verdict *);
void wa_send_fail(struct wa *, struct wa_op *, int32_t code, const char *reason, const char *detail,
                  int64_t retry_after_us);

/* media.c */
void wa_upload_begin(struct wa *, struct wa_op *, struct hilo_id media);
void wa_upload_on_http(struct wa *, struct wa_op *, int32_t code, const struct hilo_http *);
/* Whoever waits for this media goes on by itself: its uploader is gone. */
void wa_upload_abandoned(struct wa *, struct hilo_id media);
void wa_on_media(void *inst, uint64_t token, int32_t code, int32_t fd, struct hilo_str mime,
                 struct hilo_str filename, uint64_t size);
void wa_fetch(void *inst, uint64_t job, struct hilo_str message, struct hilo_str which, int32_t fd);
void wa_fetch_on_http(struct wa *, struct wa_op *, int32_t code, const struct hilo_http *);
void wa_fetch_end(struct wa *, struct wa_op *, int32_t code, const char *detail, int64_t retry_after_us);

/* templates.c */
/* Whether the core keeps templates. */
bool wa_templates_able(const struct wa *);
void wa_templates_start(struct wa *);
void wa_templates_on_timer(struct wa *);
void wa_templates_on_http(struct wa *, struct wa_op *, int32_t code, const struct hilo_http *);
/* The list has changed at the provider: ask for it soon. */
void wa_templates_changed(struct wa *);
void wa_templates_done(struct wa *);

/* hook.c */
void wa_on_request(void *inst, uint64_t request, const struct hilo_http *);
void wa_committed(void *inst, uint64_t token, int32_t code);
/* Answers 503 to whatever waits. */
void wa_hooks_refuse_all(struct wa *);

#endif
