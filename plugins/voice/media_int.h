/*
 * Inside media: what its files share. [own]: the plugin's loop; [media]: the media thread, or whoever calls
 * media__run() of one that has no thread.
 */
#ifndef VOICE_MEDIA_INT_H
#define VOICE_MEDIA_INT_H

#include "dtmf.h"
#include "hear.h"
#include "jitter.h"
#include "latch.h"
#include "media.h"
#include "record.h"
#include "rtcp.h"
#include "rtp.h"
#include "secure.h"

#include <pthread.h>
#include <sys/queue.h>
#include <uthash.h>

/* A call's beat is each 20 ms. The thread's is each 5: calls are spread over four slots, so that their
 * packets do not leave all at once. */
enum { MEDIA_SLOTS = 4, MEDIA_TICK_US = 5000, MEDIA_BEAT_US = MEDIA_SLOTS * MEDIA_TICK_US };
enum { MEDIA_PAYLOAD_MAX = 480 }; /* 60 ms */
#define MEDIA_REPORT_US 5000000   /* between reports, more or less (RFC 3550 6.2) */

struct play {
    uint64_t id;
    struct pcm *pcm;
    uint32_t flags;
    bool loop;
    uint32_t at;    /* sample */
    uint64_t heard; /* samples */
    TAILQ_ENTRY(play) next;
};
TAILQ_HEAD(plays, play);

struct media_call {
    struct media *m;
    uint64_t id;
    UT_hash_handle hh;
    LIST_ENTRY(media_call) in_slot;
    uint32_t slot;
    int rtp, rtcp; /* -1: closed */
    bool set;      /* something was agreed */
    bool closing;  /* waits for its recording to be on disk */
    bool told_silent, listen;
    int64_t next_us; /* when its next beat is due; 0: it has had none */
    struct neg_agreed agreed;
    struct latch latch;
    struct secure *seal, *open; /* ours, theirs; NULL: plain */
    /* in */
    struct rtp_source source;
    struct jitter *jitter; /* NULL: nobody has listened yet */
    bool jitter_runs;      /* somebody listened to the last beat */
    struct dtmf_in *keys;
    struct hear hear;
    int64_t heard_us; /* when RTP last came, or began to be awaited */
    struct recording *rec;
    uint32_t recs; /* that are not on disk yet */
    /* out */
    uint32_t ssrc, ts, key_ts;
    uint16_t seq;
    bool marker; /* of the next packet of sound: it does not follow upon another */
    uint8_t payload[MEDIA_PAYLOAD_MAX + VOICE_FRAME];
    uint32_t payload_n, payload_ts;
    struct plays plays;
    struct dtmf_out keys_out;
    uint64_t packets, octets, late;
    /* RTCP */
    char cname[RTCP_NAME + 1];
    struct sockaddr_storage rtcp_to; /* ss_family 0: not known better than by what was agreed */
    int64_t report_us;               /* when the next report is due */
    uint64_t reported;               /* packets, at the last one */
    uint32_t sr_middle;
    int64_t sr_us;
};

enum order_type {
    ORDER_OPEN,
    ORDER_SET,
    ORDER_PLAY,
    ORDER_STOP,
    ORDER_KEY,
    ORDER_RECORD,
    ORDER_RECORD_END,
    ORDER_LISTEN,
    ORDER_CLOSE,
    ORDER_RECORDED /* by the recorder */
};
struct order {
    enum order_type type;
    bool taken; /* what it hands over has another owner now */
    uint64_t call;
    union {
        struct {
            int rtp, rtcp;
        } open;
        struct neg_agreed set;
        struct play *play;
        struct {
            char key;
            uint32_t ms;
        } key;
        struct media_record record;
        bool listen;
        struct record_done recorded;
    };
    TAILQ_ENTRY(order) next;
};
TAILQ_HEAD(orders, order);

struct media_news {
    struct media_event e;
    TAILQ_ENTRY(media_news) next;
};
TAILQ_HEAD(media_newses, media_news);

struct media {
    struct media_conf conf; /* its text is not used after media_new() */
    void (*wake)(void *arg);
    void *arg;
    pthread_t thread;
    bool threaded;
    int epoll, timer, orders_fd;
    struct recorder *recorder;
    /* [own] */
    struct sockaddr_storage listen[2];
    uint32_t n_listen, pair; /* pair: of ports, the next to try */
    /* under lock */
    pthread_mutex_t lock;
    struct orders orders;
    struct media_newses news;
    bool stop;
    /* [media] */
    struct media_call *calls; /* uthash's */
    LIST_HEAD(, media_call) slot[MEDIA_SLOTS];
    uint32_t in_slot[MEDIA_SLOTS];
    uint64_t tick;       /* number of the next one */
    int64_t tick_us;     /* when it is due */
    bool ticking, fresh; /* the timer runs; events were left since the last wake */
};

/* As media_new(), with or without a thread of its own; without, media__run() does what is due. */
struct media *media__new(const struct media_conf *, void (*wake)(void *arg), void *arg, bool threaded,
                         char why[256]);
/* [media] Takes the orders, what has come, and the beats that are due; now_us: of CLOCK_MONOTONIC, or any
 * that only goes forward. False: it was stopped. */
bool media__run(struct media *, int64_t now_us);
/* Waits until there are orders (at most so many ms). */
void media__wait(struct media *, int ms);

/* media.c */
void media__tell(struct media *, const struct media_event *);

/* media_call.c [media] */
void media__order(struct media *, struct order *, int64_t now_us);
/* due_us: when this round was due, of which the first of a call is the beginning of its time. */
void media__beat(struct media_call *, int64_t now_us, int64_t due_us);
void media__all_gone(struct media *);

/* media_in.c [media] */
void media__in_drain(struct media_call *, int64_t now_us);
void media__in_rtcp(struct media_call *, int64_t now_us);
/* A packet of RTP (arrival: 1/8000 s of any zero) or of RTCP (muxed: at the port of RTP); octets that anybody
 * may have sent, aligned to 8, changed in place. */
void media__in_packet(struct media_call *, uint8_t *packet, size_t n, const struct sockaddr_storage *from,
                      int64_t now_us, uint32_t arrival);
void media__in_report(struct media_call *, uint8_t *packet, size_t n, const struct sockaddr_storage *from,
                      bool muxed, int64_t now_us);
/* A beat's frame of what has come, with what we send in it; playing: that is no silence. */
void media__in_frame(struct media_call *, const int16_t ours[VOICE_FRAME], bool playing);
void media__in_key(struct media_call *, char key, uint32_t how);
void media__in_record_end(struct media_call *, enum media_why, uint32_t cut_frames);

/* media_out.c [media] */
/* A beat's frame: sent, and left in ours. False: it is silence. Before anything was agreed nothing leaves. */
bool media__out_frame(struct media_call *, int16_t ours[VOICE_FRAME]);
/* A beat that passed unused. */
void media__out_skip(struct media_call *);
/* What was gathered for a longer packet leaves now. */
void media__out_flush(struct media_call *);
void media__out_stop(struct media_call *);
void media__out_report(struct media_call *, int64_t now_us, bool bye);

#endif
