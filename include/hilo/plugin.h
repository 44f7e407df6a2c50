/*
 * hilo/plugin.h - the border between the core and a channel plugin, version 1.
 *
 * A plugin is a shared object that exports exactly one symbol, the constant
 * hilo_plugin_v1 of type struct hilo_plugin. Build it with
 * -fvisibility=hidden -Wl,-z,defs (`pkg-config --cflags --libs hilo` says how);
 * `hilod --check-plugin x.so` says what is wrong with one.
 *
 * Rules of the border
 *   Growth   Every struct that crosses begins with its size. Fields are only
 *            appended; a field beyond the other side's size, or zero, is absent.
 *            No implicit padding. Only fixed-width types.
 *   Threads  An instance has one loop, on one thread. All its callbacks run
 *            there, one at a time. Host functions are called from there only,
 *            except those marked [any]. Callbacks must not block: whatever may
 *            wait is a request with a token and a later callback.
 *   Memory   What is passed is borrowed until the call returns, both ways; the
 *            receiver copies. No allocator and no free() crosses. Descriptors
 *            are given away: the receiver closes them.
 *   Life     open, start, then (send, revoke, fetch, on_…)*, drain, close. Only
 *            open and start may fail, and then they leave nothing behind: close is
 *            not called. Say why by state() before.
 *   Sends    send() returning HILO_OK promises exactly one report() for that id.
 *            Nothing is sent before the first credit().
 *   Time     Durations and instants are microseconds; instants of mono_us() are
 *            monotonic, those in messages are Unix time, UTC.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HILO_PLUGIN_H
#define HILO_PLUGIN_H

#include <hilo/segment.h>
#include <hilo/types.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    HILO_PLUGIN_MAGIC = 0x48694c31, /* "HiL1" */
    HILO_PLUGIN_MINOR = 0
};

/* Bits of hilo_plugin.provides and .requires. A plugin that requires a bit which
 * the host does not know is refused; what it merely provides never is. */
#define HILO_CAN_SEND (UINT64_C(1) << 0)    /* takes send() */
#define HILO_CAN_RECEIVE (UINT64_C(1) << 1) /* submits inbound messages */
#define HILO_CAN_REQUEST (UINT64_C(1) << 2) /* answers HTTP under /hooks/{channel} */
#define HILO_CAN_FETCH (UINT64_C(1) << 3)   /* downloads pending media */
#define HILO_CAN_ALL_V1 (HILO_CAN_SEND | HILO_CAN_RECEIVE | HILO_CAN_REQUEST | HILO_CAN_FETCH)

/* Log levels of hilo_host.log. No personal data in a log: ids, never names,
 * numbers or contents. */
enum { HILO_LOG_ERROR = 0, HILO_LOG_WARN = 1, HILO_LOG_INFO = 2, HILO_LOG_DEBUG = 3 };

/* Bits of watch() and on_fd(). */
enum { HILO_READ = 1, HILO_WRITE = 2 };

struct hilo_self; /* the host's side of one instance; opaque */

/* ---- what a channel can carry ------------------------------------------------------ */

/* Lengths count Unicode characters; 0 means none. The core lowers every message
 * to this before send(), so a plugin never gets what it did not declare. */
struct hilo_abilities {
    uint32_t size;
    uint32_t contents;       /* 1 << HILO_CONTENT_x for each type that send() takes */
    uint32_t media_kinds;    /* 1 << HILO_MEDIA_x */
    uint32_t text_max;       /* characters of a text */
    uint32_t caption_max;    /* of a media caption; 0: captions become a text of their own */
    uint32_t buttons_max;    /* choices that can be buttons */
    uint32_t button_title_max;
    uint32_t list_max;       /* choices that can be a list; 0: no lists */
    uint32_t list_title_max;
    uint32_t list_description_max;
    uint32_t body_max;       /* the question above buttons */
    uint32_t list_body_max;  /* the question above a list */
    uint32_t header_max, footer_max;
    uint32_t choice_id_max;  /* bytes of a choice's id */
    uint32_t flags;          /* HILO_ABLE_x */
    uint32_t schemes;        /* 1 << HILO_SCHEME_x: identifiers that it can send to */
    uint32_t spare;
    uint64_t media_max[8];   /* bytes, by HILO_MEDIA_x; 0: no limit known. [0]: of the attachments of
                              * one message together */
    /* What the peer takes: the core holds the rest back, so that a plugin need not.
     * Defaults, which an operator may change by the channel's options of these names. */
    uint32_t rate;             /* messages a second; 0: no limit */
    uint32_t rate_burst;       /* of them at once; 0: a second's */
    uint32_t pair_interval_ms; /* between two messages to one recipient, in the long run; 0: no limit */
    uint32_t pair_burst;       /* messages to one recipient at once; 0: one */
    /* How a text becomes segments at the peer, each of which counts as a message of rate; all
     * zero: a text is one message, whatever its length. The core counts each text that is sent
     * with hilo/segment.h, tells it to the sender, and refuses what has more than segments_max. */
    struct hilo_segment_rules segment;
};
enum {
    HILO_ABLE_QUOTE = 1,      /* shows which message is answered */
    HILO_ABLE_MEDIA_LINK = 2, /* sends media by URL */
    HILO_ABLE_MEDIA_FILE = 4, /* sends stored media (asks for it by media_get) */
    HILO_ABLE_RECEIPTS = 8,   /* delivered and read come back */
    HILO_ABLE_WINDOW = 16,    /* free-form only within 24 hours of the customer's last message */
    HILO_ABLE_RECONCILE = 32, /* receipts carry our id (RECEIPT.ECHO): in doubt resolves itself */
    HILO_ABLE_SENDER = 64,    /* sends from the address that the message names (MSG.SENDER) */
    HILO_ABLE_FLASH = 128,    /* sends what is shown at once and not kept (MSG.FLASH) */
    /* Texts are spoken to who listens, and answered by a key: choices are lowered to a spoken
     * menu, a text of the question and each choice with its key ("Para cambio, marque 1."), in
     * the message's language (MSG.LANGUAGE). CONTENT.CHOICES stays beside it: the first has the
     * key 1, a tenth the key 0. An inbound text that is such a key is lifted back to a
     * choice_reply. No URL is in what such a channel gets, and it gets a message in one piece.
     * Stored audio and voice (media_kinds, HILO_ABLE_MEDIA_FILE) go as they are, a caption to
     * be spoken before. */
    HILO_ABLE_SPOKEN = 256,
    HILO_ABLE_SUBJECT = 512,      /* shows CONTENT.SUBJECT; else it is the text's first line */
    HILO_ABLE_ATTACHMENTS = 1024, /* sends CONTENT.ATTACHMENTS; stored ones by media_get with
                                   * MEDIA_FILE, else as URLs; without, each is a media or a link */
    HILO_ABLE_CHOICE_LINKS = 2048, /* its choices are links: each has CHOICE.URL; where the gateway has
                                    * no public address they are numbers in the text */
    HILO_ABLE_UNSUBSCRIBE = 4096, /* says MSG.UNSUBSCRIBE_URL of promotional messages */
    HILO_ABLE_HTML = 8192,        /* shows CONTENT.HTML, and in it the attachments that it names */
    /* What fetch() is to give the channel has itself (a recording, a mail): it is asked for it
     * while its peer can't be reached, too. */
    HILO_ABLE_KEEPS = 16384
};

/* ---- options ---------------------------------------------------------------------- */

/* Types of a plugin's options; the C type at hilo_option.offset in its struct. */
enum {
    HILO_OPT_STR = 1,      /* struct hilo_str; NUL-ended too, for the life of the instance */
    HILO_OPT_BOOL = 2,     /* uint64_t, 0 or 1 */
    HILO_OPT_INT = 3,      /* int64_t */
    HILO_OPT_DURATION = 4, /* int64_t, µs; written 500ms, 10s, 5m, 2h, 1d */
    HILO_OPT_BYTES = 5,    /* int64_t; written 512, 64k, 5M, 1G (powers of 1024) */
    HILO_OPT_ENUM = 6,     /* int64_t, the index in choices; written by name */
    HILO_OPT_URL = 7,      /* struct hilo_str; http or https, without a trailing slash */
    /* struct hilo_str; NUL-ended too, for the life of the instance. A mapping or list as JSON: keys
     * in their order, scalars as strings unless they are, unquoted, true, false, null or a
     * number as JSON writes it. ${NAME} and file: in it are text like any other. No default;
     * min and max are of the JSON's bytes. Where check() begins with a path into it,
     * "menu.main.keys.1: there is no such step", the operator is told that node's line and
     * column; parts of a path are keys, or the places in a list, from 0. */
    HILO_OPT_TREE = 8
};
enum {
    HILO_OPT_REQUIRED = 1,
    HILO_OPT_RELOADABLE = 2, /* may change through reconfigure() */
    HILO_OPT_SECRET = 4      /* never printed; ${ENV} or file: is usual */
};
struct hilo_option {
    const char *name;    /* as in YAML */
    const char *def;     /* default, as written in YAML; NULL: none */
    const char *choices; /* ENUM: "hold|resend"; else NULL */
    const char *help;    /* one sentence */
    uint32_t type, flags;
    uint32_t offset;     /* of the field in the plugin's struct of options */
    uint32_t spare;
    int64_t min, max;    /* of INT, DURATION, BYTES; of a STR's length; both 0: no limit */
};

/* ---- HTTP, both ways ---------------------------------------------------------------- */

/* One part of a multipart/form-data body (RFC 7578). */
struct hilo_part {
    struct hilo_str name, filename, type; /* filename and type may be empty */
    struct hilo_str data;                 /* used when fd is -1 */
    int64_t fd;                           /* a file, given away, read from its start to its end */
};

/* A request or an answer. Fields not used by a direction are zero (fd: -1). */
struct hilo_http {
    uint32_t size;
    uint32_t status;      /* of an answer */
    uint32_t timeout_ms;  /* of a request: whole exchange; 0: 30 s */
    uint32_t flags;       /* HILO_HTTP_x */
    struct hilo_str method, url; /* on_request: url is what follows /hooks/{channel}, with query; api: "/v1/…" */
    struct hilo_str body;
    const struct hilo_kv *header;
    uint64_t n_header;
    const struct hilo_part *part; /* request: a multipart body instead of body */
    uint64_t n_part;
    int64_t sink_fd;      /* request: write the answer's body to this file instead; given away; -1 */
    uint64_t max_bytes;   /* request: refuse a longer answer; 0: 4 MiB, or no limit with sink_fd */
};
enum {
    /* on_http, with a code that is not HILO_OK: the request may have reached the
     * peer (the connection was made and bytes left). Without it, it did not. */
    HILO_HTTP_MAYBE_SENT = 1,
    /* on_request: it came from an operator, by /v1/channels/{name}/admin/…, with a key that
     * the core has checked (channels:write; channels:read for GET and HEAD). url is what
     * follows admin, with query, and begins with "/". The header Hilo-Actor says who: the
     * key's id, or "control". JSON in, JSON out. Without it: /hooks. */
    HILO_HTTP_OPERATOR = 2
};

/* ---- reports --------------------------------------------------------------------------- */

/* What a report with AGAIN, TEMP or DOWN says about more than its message. None of
 * these counts an attempt against the message, TEMP excepted. */
enum {
    HILO_SCOPE_MESSAGE = 0,      /* nothing: this message alone waits for retry_after_us */
    HILO_SCOPE_CONVERSATION = 1, /* the peer takes no more to this recipient for so long */
    HILO_SCOPE_CHANNEL = 2       /* nor to anybody: the channel rests, then begins gently */
};

/* The outcome of one send(). */
struct hilo_report {
    uint32_t size;
    int32_t code;                /* HILO_OK sent; AGAIN, TEMP, PERM, IN_DOUBT, DOWN, CONFIG */
    struct hilo_id id;           /* of the message */
    struct hilo_str ext_id;      /* OK, PERM, IN_DOUBT: the provider's id, as far as there is one */
    struct hilo_str reason;      /* else: machine-readable, "rate_limited", "window_closed" … */
    struct hilo_str provider_code; /* the provider's own code, as text */
    struct hilo_str detail;      /* words for a person; no personal data */
    int64_t retry_after_us;      /* AGAIN, TEMP, DOWN: not before this long from now; 0: the core's backoff */
    uint32_t scope;              /* AGAIN, TEMP, DOWN: HILO_SCOPE_x; DOWN is always the channel */
    uint32_t flags;              /* HILO_REPORT_x */
    /* One send that was several messages at the provider (the segments of a long SMS): ext_id
     * is the first's, these are the others', in order, as many as there are others. One whose
     * id is not known (IN_DOUBT), or that was refused (PERM), is empty. Each has receipts of
     * its own; the core makes one status of them: delivered when all are, failed when all
     * have come to an end and one failed. At most HILO_MORE_EXT_IDS_MAX. */
    const struct hilo_str *more_ext_ids;
    uint64_t n_more_ext_ids;
};
enum { HILO_MORE_EXT_IDS_MAX = 254 };
enum {
    /* With TEMP: a receipt has said "sent" while this send was out (it rang), and nobody took
     * it all the same. It goes back to the queue like any TEMP, its status with it. Without
     * this flag a message that a receipt called sent stays sent. */
    HILO_REPORT_UNTAKEN = 1
};

/* ---- the host's services ------------------------------------------------------------------ */

/* Given to open(); valid until close() returns. [own] loop unless marked [any].
 * Functions that return a code return HILO_OK when the request was taken; then
 * the callback named comes exactly once. With any other code it never comes:
 * HILO_FULL means the link is full, try again after woken() or a timer. */
struct hilo_host {
    uint32_t size, minor;
    void (*log)(struct hilo_self *, int32_t level, struct hilo_str text); /* [any] */
    void (*wake)(struct hilo_self *);         /* [any] then woken() runs on [own] */
    int64_t (*mono_us)(struct hilo_self *);   /* [any] monotonic clock */
    int64_t (*wall_us)(struct hilo_self *);   /* [any] Unix time */
    struct hilo_str (*channel)(struct hilo_self *); /* [any] this channel's name; for its life */
    /* An inbound message or a receipt -> committed(). It is on disk when that says
     * HILO_OK or HILO_DUPLICATE; acknowledge to the peer only then.
     *   INBOUND  MSG.KIND, EXT_ID (the provider's id of it: what comes again with the
     *            same is a duplicate), PARTY (1 to 8 identifiers of the sender, each
     *            with SCHEME and VALUE) and CONTENT with its TYPE; TIME, PARTY_NAME,
     *            REPLY_EXT and EXTRA if there are any. CASE: it belongs to this case of the
     *            sender's (the channel needs the scope cases:write); CALL: it was said in this
     *            call (scope calls:write). REPLY_TO: the plugin knows for sure that it
     *            answers this message of its channel; then its customer, conversation and case
     *            are that one's, and PARTY is only kept. Media with EXT_MEDIA in CONTENT, in
     *            each of its ATTACHMENTS (HILO_ATTACHMENTS_MAX at most) and in ORIGINAL are
     *            fetched later (fetch()). The core fills the rest.
     *   part     An INBOUND message that is one of several which the sender's words were cut
     *            into: as above, with MSG.PART (KEY, INDEX, TOTAL) and the text of this part
     *            in CONTENT, of TYPE text. The core keeps each, and makes one message of them
     *            when all are there or their time is over. Of TOTAL 1, it is a message. A text
     *            of a part has at most HILO_PART_MAX bytes.
     *   RECEIPT  MSG.KIND, TIME, EXT_ID or RECEIPT.ECHO or both, and RECEIPT with
     *            STATUS: sent, delivered, read or failed. RECEIPT.SPELLINGS: other ways to
     *            write the same EXT_ID, at most HILO_SPELLINGS_MAX, the likeliest first. A sent
     *            with ECHO may come while the send is out, before its report.
     * HILO_INVALID: what is wrong with it is in the gateway's log (message.refused). */
    int32_t (*submit)(struct hilo_self *, uint64_t token, struct hilo_str message);
    /* The outcome of a send. Always taken; from within send() too, or later. */
    void (*report)(struct hilo_self *, const struct hilo_report *);
    /* Room for n more sends. The core never has more out than was credited; each
     * report gives its one back by itself. */
    void (*credit)(struct hilo_self *, uint32_t n);
    /* Readiness of a descriptor -> on_fd(); events 0 forgets it. */
    int32_t (*watch)(struct hilo_self *, int32_t fd, uint32_t events);
    /* At the instant mono_us -> on_timer(id), once; 0 cancels. A new time replaces. */
    int32_t (*timer)(struct hilo_self *, uint32_t id, int64_t mono_us);
    /* The plugin's own keys in the shared context, by subject (a customer's id in
     * text, or empty) -> on_context(). put writes if the key is at if_version (0:
     * must not exist; UINT64_MAX: whatever it is), else HILO_STALE. A value has at most
     * 64 KiB, else HILO_INVALID. */
    int32_t (*context_get)(struct hilo_self *, uint64_t token, struct hilo_str subject, struct hilo_str key);
    int32_t (*context_put)(struct hilo_self *, uint64_t token, struct hilo_str subject, struct hilo_str key,
                           struct hilo_str val, uint64_t if_version);
    /* An HTTP request by the host's client; connections are reused -> on_http(). */
    int32_t (*http)(struct hilo_self *, uint64_t token, const struct hilo_http *);
    /* Answers an on_request(), once. */
    int32_t (*http_answer)(struct hilo_self *, uint64_t request, const struct hilo_http *);
    /* A stored media as a readable file -> on_media(). */
    int32_t (*media_get)(struct hilo_self *, uint64_t token, struct hilo_id media);
    /* Ends a fetch(): the file it was given is complete (HILO_OK; mime is its type,
     * may be empty), or why not (TEMP, PERM and so on; retry_after_us as in a report). */
    void (*fetched)(struct hilo_self *, uint64_t job, int32_t code, struct hilo_str mime, struct hilo_str detail,
                    int64_t retry_after_us);
    /* Whether the channel works, for operators: HILO_OK up, DOWN or CONFIG with words.
     * Not up, nothing is sent; after CONFIG until it says HILO_OK or an operator resumes. */
    void (*state)(struct hilo_self *, int32_t code, struct hilo_str text);
    /* An optional table by name, "hilo.voice/1", or NULL. */
    const void *(*query)(struct hilo_self *, const char *iface);
    /* The templates that this channel may send: bytes of the group TEMPLATE with NAME
     * and LANGUAGE, at most HILO_TEMPLATE_MAX. Between begin and end they are the whole
     * list: each with STATUS and CATEGORY too, and what is not put is gone at end (a
     * new begin drops a list that was not ended). Alone, put changes one: what it does
     * not give stays as it was, a group that repeats is given whole; of one that is not
     * known it is taken only if it has STATUS and CATEGORY. The core keeps them over
     * restarts, checks messages against them and shows them to people. put: HILO_OK, or
     * HILO_INVALID: empty or too long (what else is wrong with one is in the log,
     * template.refused). */
    void (*template_begin)(struct hilo_self *);
    int32_t (*template_put)(struct hilo_self *, struct hilo_str template_group);
    void (*template_end)(struct hilo_self *);
    /* A request to the gateway's own HTTP API (openapi.json), from within -> on_http(), as
     * of http(): the two share their tokens. Of the struct count method, url (from "/v1/"
     * on, with query), body (JSON) and the headers Idempotency-Key, If-Match and
     * traceparent. The answer is what an application would get: status, body, and the
     * headers Content-Type, Location, ETag, Retry-After, Idempotency-Replayed, when what it
     * speaks of is on disk. Its code is HILO_OK whatever the status; HILO_IO: the answer was
     * lost on its way here, after the request took effect (ask again with the same key).
     * Who asks is the channel: its scopes (hilo_plugin.scopes) decide, 403 without, and its
     * Idempotency-Keys are its own. No files either way (/v1/media) and no stream of events
     * (follow() is for that): 404. At most HILO_API_MAX at a time, HILO_FULL beyond. Of one
     * that has no answer when the instance closes, nobody hears. */
    int32_t (*api)(struct hilo_self *, uint64_t token, const struct hilo_http *);
    /* The gateway's public events of these types ("case.updated,appointment.*", as GET
     * /v1/events takes them; empty: all) that the channel's scopes allow, one by one ->
     * on_event(), each on disk, in order, none left out. after: the id of the last one that
     * was dealt with, kept over restarts by the plugin; empty: from now on, and on_event()
     * says first which id that is. They wait in the gateway for as long as on_event() is
     * slow. A new call replaces the one before, and no event of that one follows it. A type
     * that this gateway does not have, or that a scope is lacking for, is left out, and said
     * in the log (plugin.follow). HILO_INVALID: after is no event's id, or types is longer
     * than 4 KiB. */
    int32_t (*follow)(struct hilo_self *, struct hilo_str types, struct hilo_str after);
    /* Files of the channel's own, in the gateway's data folder (files/CHANNEL/NAME): for what
     * must be there after a crash and is no message yet. Kept until they are removed, over
     * restarts; backups take them along. A name is 1 to 100 of A-Z a-z 0-9 . _ -, not beginning with
     * a dot. That a file is there, or is not there any more, is on disk when the callback says so;
     * what is in it is the plugin's to sync. file_open -> on_file(): readable and writable, at
     * its start, nothing cut. file_remove -> on_file(), HILO_NOTFOUND if there was none; who has
     * it open may go on with it. file_list -> on_files(). */
    int32_t (*file_open)(struct hilo_self *, uint64_t token, struct hilo_str name, uint32_t flags);
    int32_t (*file_remove)(struct hilo_self *, uint64_t token, struct hilo_str name);
    int32_t (*file_list)(struct hilo_self *, uint64_t token);
};
enum { HILO_FILE_CREATE = 1 /* file_open: makes it if there is none; without, HILO_NOTFOUND */ };
enum {
    HILO_FILE_NAME_MAX = 100, /* bytes */
    HILO_FILES_MAX = 10000    /* files of a channel */
};
enum {
    HILO_API_MAX = 256, /* requests of api() without an answer */
    HILO_TEMPLATE_MAX = 32 * 1024, /* bytes */
    HILO_PART_MAX = 2048,          /* bytes */
    HILO_PARTS_MAX = 255,          /* PART.TOTAL */
    HILO_ATTACHMENTS_MAX = 64,     /* of one message */
    HILO_SPELLINGS_MAX = 8
};

/* ---- the plugin ----------------------------------------------------------------------------- */

/* A function that is NULL is absent; open, close and whatever provides promises
 * must be there. inst is what open() put into *inst. */
struct hilo_plugin {
    uint32_t magic, size, minor;
    uint32_t option_size;              /* sizeof(struct hilo_option) as built */
    uint64_t provides, requires;
    const char *name, *version, *license, *summary; /* name is the type in YAML */
    const struct hilo_abilities *abilities;
    const struct hilo_option *options;
    uint32_t n_options;
    uint32_t conf_size;                /* of the struct that options fill */

    /* conf: a zeroed struct of conf_size filled from YAML; valid until close(). */
    int32_t (*open)(const struct hilo_host *, struct hilo_self *, const void *conf, void **inst);
    int32_t (*start)(void *inst);
    /* message: KIND outbound, lowered to the abilities; to its PARTY, one identifier
     * (NATIVE, if there, is how the channel itself wrote it). HILO_OK: taken. HILO_AGAIN:
     * not taken, wait for credit. Other codes: as if reported at once. */
    int32_t (*send)(void *inst, struct hilo_id id, struct hilo_str message);
    /* The core asks back what has not left yet; answered, if at all, by a report with
     * HILO_AGAIN and reason "revoked". What has left in part has left. */
    void (*revoke)(void *inst, struct hilo_id id);
    /* Answer to submit(): OK, DUPLICATE, FULL (tell the peer to come back), INVALID. */
    void (*committed)(void *inst, uint64_t token, int32_t code);
    void (*on_context)(void *inst, uint64_t token, int32_t code, struct hilo_str val, uint64_t version);
    void (*on_http)(void *inst, uint64_t token, int32_t code, const struct hilo_http *answer);
    /* Under /hooks/{channel}, of any method; nobody has been authenticated: check the
     * caller here. Or from an operator, who has been: HILO_HTTP_OPERATOR in flags. Not
     * answered by http_answer() within 30 s, it is answered 504. */
    void (*on_request)(void *inst, uint64_t request, const struct hilo_http *);
    /* fd: readable, given away; -1 unless code is HILO_OK. */
    void (*on_media)(void *inst, uint64_t token, int32_t code, int32_t fd, struct hilo_str mime, struct hilo_str filename,
                     uint64_t size);
    /* Download a media of this inbound message into fd (writable, given away, the plugin may
     * pass it on as sink_fd), then fetched(job). which: its EXT_MEDIA in CONTENT, in one of
     * the ATTACHMENTS or in ORIGINAL. A job may come again, under another number. */
    void (*fetch)(void *inst, uint64_t job, struct hilo_str message, struct hilo_str which, int32_t fd);
    void (*on_fd)(void *inst, int32_t fd, uint32_t events);
    void (*on_timer)(void *inst, uint32_t id);
    void (*woken)(void *inst);
    /* New options, filled like those of open(), of which only RELOADABLE ones differ. HILO_OK:
     * they are used from now on, conf instead of the one before, and are valid until the next
     * such or close(). Anything else: nothing was changed; the instance is drained and another
     * is opened with them, as it is when this function is absent. */
    int32_t (*reconfigure)(void *inst, const void *conf);
    void (*drain)(void *inst, int64_t mono_us); /* take no more; report what is out by then */
    void (*close)(void *inst);                  /* leaves no descriptor, thread or request */
    /* What the options make of a channel: before open(), and by hilod --check-config.
     * Gives what is wrong with them together, in words for an operator that begin with
     * an option's name (static, or part of conf), or NULL. able is a copy of abilities,
     * which it may narrow for this channel. Pure; [any] thread, without an instance. */
    const char *(*check)(const void *conf, struct hilo_abilities *able);
    /* What api() and follow() need of the gateway's API: scopes as keys have them, with
     * spaces between ("customers:read cases:write"). NULL: none. Never keys:write,
     * config:write or all. An operator may narrow them by the channel's option scopes. */
    const char *scopes;
    /* An event that follow() asked for: its id ("evt_…") and the event, a CloudEvent in
     * JSON as GET /v1/events has it. It is dealt with when this returns; the next comes
     * afterwards. json empty: it begins from now, which is behind the event id (empty in a
     * store without any): after was empty, or what follows it could not be found (it is
     * older than the oldest event that is kept, or another store's); then ask the API for
     * what matters. */
    void (*on_event)(void *inst, struct hilo_str id, struct hilo_str json);
    /* Answer to file_open() and file_remove(). fd: given away, -1 unless a file was opened; size:
     * its bytes. HILO_FULL: the disk is full, or the channel has HILO_FILES_MAX files. */
    void (*on_file)(void *inst, uint64_t token, int32_t code, int32_t fd, uint64_t size);
    /* Answer to file_list(): n names, in the order of their bytes. */
    void (*on_files)(void *inst, uint64_t token, int32_t code, const struct hilo_str *names, uint64_t n);
};

/* The one symbol that a plugin exports. */
#if defined(__GNUC__)
#define HILO_EXPORT __attribute__((visibility("default")))
#else
#define HILO_EXPORT
#endif
#define HILO_PLUGIN_SYMBOL "hilo_plugin_v1"
extern HILO_EXPORT const struct hilo_plugin hilo_plugin_v1;

/* Entries of an option table, with the field's C type checked when compiled:
 *   { HILO_OPTION(struct my_conf, token, HILO_OPT_STR), .name = "token", … }   */
#define HILO_OPTION(conf, field, opt_type)                                                                             \
    .type = (opt_type), .offset = (uint32_t)(offsetof(conf, field) +                                                   \
        0 * sizeof(char[_Generic(((conf *)0)->field,                                                                   \
            struct hilo_str: ((opt_type) == HILO_OPT_STR || (opt_type) == HILO_OPT_URL || (opt_type) == HILO_OPT_TREE), \
            uint64_t: (opt_type) == HILO_OPT_BOOL,                                                                     \
            int64_t: ((opt_type) == HILO_OPT_INT || (opt_type) == HILO_OPT_DURATION || (opt_type) == HILO_OPT_BYTES || \
                      (opt_type) == HILO_OPT_ENUM)) ? 1 : -1]))

#ifdef __cplusplus
}
#endif
#endif
