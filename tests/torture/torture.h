/*
 * A gateway under load that is killed again and again, and what must be true of it then.
 *
 *   load.c    posters, who repeat each request until it is acknowledged and remember what
 *             was, and customers, who write by way of the simulator
 *   verify.c  holds what the gateway and the simulator have in the end against that
 *   test_kill.c  kills
 *
 * What is drawn comes from the seed: moments, faults, and what each thread sends. What
 * meets what is up to the machine.
 */
#ifndef TESTS_TORTURE_H
#define TESTS_TORTURE_H

#include "harness.h"
#include <pthread.h>
#include <stdatomic.h>
#include <uthash.h>

enum { POSTERS = 4, CUSTOMERS = 48, TEXT_MAX = 4096, PHOTO_MAX = 20000, ID_MAX = 64, WAMID_MAX = 160 };

struct draw {
    uint64_t state;
};
uint64_t draw_next(struct draw *);
unsigned draw_below(struct draw *, unsigned n); /* 0 to n - 1 */
bool draw_chance(struct draw *, unsigned percent);

enum post_kind { POST_TEXT, POST_LONG, POST_CHOICES, POST_TEMPLATE, POST_MEDIA, POST_BRIEF };

/* One POST /v1/messages, by one key however often it is repeated. */
struct post {
    UT_hash_handle hh; /* by id, for verify.c */
    unsigned poster, number, customer;
    enum post_kind kind;
    uint32_t length; /* of a long text */
    const char *priority;
    char media[ID_MAX];
    bool cancel_tried, canceled; /* canceled: so it was answered */
    /* Of the answer that acknowledged it. */
    char id[ID_MAX], customer_id[ID_MAX];
    /* verify.c: how often the simulator accepted it, its first place there, and how often
     * it is in the timeline; whether it was in doubt once. */
    unsigned accepted, shown;
    uint64_t place;
    bool doubted;
};

/* A photo that was uploaded; its bytes come from its number. */
struct photo {
    char id[ID_MAX];
    uint64_t seed;
    unsigned bytes;
};

/* A message that a customer wrote. */
struct arrival {
    UT_hash_handle hh; /* by id, for verify.c */
    char id[WAMID_MAX];
    unsigned customer;
    char text[48];
    struct photo photo; /* bytes 0: none; id: the gateway's, for verify.c */
    unsigned shown;
};

struct poster {
    struct torture *torture;
    pthread_t thread;
    unsigned number;
    struct draw draw;
    struct client *client;
    struct post **post;
    struct photo *photo;
    unsigned n, cap, n_photos, repeated, replayed, canceled;
    char wrong[512]; /* the first thing that was; ends the thread */
};

struct torture {
    struct scratch scratch;
    struct sim sim;
    struct gate gate;
    uint64_t seed;
    bool hold;       /* the policy */
    bool disk_fails; /* 500 is an answer, then */
    unsigned slower; /* how much longer everybody rests; 0: as they are */
    char env[3][256];
    struct draw draw;
    char case_of[CUSTOMERS][ID_MAX]; /* of every other one; opened before the first kill */
    struct poster poster[POSTERS];
    pthread_t writer; /* the customers */
    struct draw writer_draw;
    struct client *writer_client;
    struct arrival **arrival;
    unsigned n_arrivals, arrivals_cap;
    char writer_wrong[512];
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stop;
    _Atomic int answers_left; /* the poster that gets the last of them kills; 0 or less: none does */
    _Atomic int pid;          /* whom */
    bool killed;
    unsigned complaints; /* verify.c */
};

void phone_of(unsigned customer, char out[16]); /* digits */
/* What a post says: its marker, "m-1-17.", of a long one more. */
void text_of(const struct post *, char out[TEXT_MAX]);
void photo_bytes(const struct photo *, uint8_t out[PHOTO_MAX]);

/* ---- load.c ---- */
void load_start(struct torture *);
/* Everybody ends what is under way; the gateway must run. Fails if anything was wrong. */
void load_stop(struct torture *);
void load_free(struct torture *);
/* Waits so long, or until the load is told to stop, or a poster has killed the gateway. */
void nap(struct torture *, unsigned ms);

/* ---- verify.c ---- */
/* Waits until nothing is queued, under way, or to be told. */
void verify_drain(struct torture *);
void verify_all(struct torture *);

#endif
