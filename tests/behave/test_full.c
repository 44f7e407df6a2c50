/*
 * A full disk: new work is refused in the channel's words, what was taken before goes on to
 * be recorded from the reserve, nothing is lost, also over a restart, and all of it comes
 * back by itself when there is room again. Once on a small file system, where LMDB is the
 * first to have no room; once with a disk that has none for the journal (nospace.c); and with
 * every single call that writes refused, one after the other.
 */
#include "harness.h"
#include "nospace.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <cmocka.h>

enum { DISK_MB = 96, SENT = 3, FLYING = 2, ACKED_MAX = 20000, BODY = 15000, NAME_BYTES = 64 };

/* clang's runtime is part of the program, and what is preloaded comes behind it. */
#if defined(__clang__)
#if __has_feature(address_sanitizer)
#define PRELOAD_IS_BEHIND 1
#endif
#endif
#ifdef PRELOAD_IS_BEHIND
static const bool preload_works = false;
#else
static const bool preload_works = true;
#endif

struct disk {
    struct world w;
    struct nospace *shared; /* of nospace.so; NULL: a file system of our own */
    char env[2][512];
    char acked[ACKED_MAX][NAME_BYTES]; /* customers that were acknowledged */
    unsigned n_acked;
    struct answer refusal; /* that ended the load */
};

/* ---- disks ---- */

static void preload(struct disk *d)
{
    const char *asan = getenv("ASAN_OPTIONS");
    char path[256];

    (void)snprintf(path, sizeof path, "%s", scratch_path(&d->w.scratch, "nospace"));
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)sizeof *d->shared), 0);
    d->shared = mmap(NULL, sizeof *d->shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(d->shared != MAP_FAILED);
    (void)close(fd);
    (void)snprintf(d->shared->dir, sizeof d->shared->dir, "%s", scratch_path(&d->w.scratch, "data"));
    (void)snprintf(d->env[0], sizeof d->env[0], "LD_PRELOAD=%s/tests/behave/nospace.so", harness_build());
    (void)snprintf(d->env[1], sizeof d->env[1], "ASAN_OPTIONS=%s%sverify_asan_link_order=0", asan ? asan : "",
                   asan ? ":" : "");
    static char which[300];
    (void)snprintf(which, sizeof which, "HILO_NOSPACE=%s", path);
    d->w.gate.env[0] = d->env[0];
    d->w.gate.env[1] = d->env[1];
    d->w.gate.env[2] = which;
}

/* A file system of its own in a mount namespace of its own: gone with this process. */
static bool mount_small(const struct disk *d)
{
    static bool alone;
    char options[64], path[256];

    if (!alone && (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0))
        return false;
    alone = true;
    (void)snprintf(path, sizeof path, "%s", scratch_path(&d->w.scratch, "data"));
    (void)snprintf(options, sizeof options, "size=%dm,mode=0700", DISK_MB);
    return mkdir(path, 0700) == 0 && mount("tmpfs", path, "tmpfs", 0, options) == 0;
}

static void fill(struct disk *d)
{
    if (d->shared) {
        atomic_store(&d->shared->full, 2);
        return;
    }
    static char block[65536];
    int fd = open(scratch_path(&d->w.scratch, "data/filler"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    for (size_t n = sizeof block; n;) {
        ssize_t done = write(fd, block, n);
        if (done < 0) {
            assert_int_equal(errno, ENOSPC);
            n /= 2;
        }
    }
    (void)close(fd);
}

static void empty(struct disk *d)
{
    if (d->shared)
        atomic_store(&d->shared->full, 0);
    else
        assert_int_equal(unlink(scratch_path(&d->w.scratch, "data/filler")), 0);
}

/* ---- load ---- */

/* Customers of 15 KB, one after the other, until one is refused. */
static void *load(void *arg)
{
    struct disk *d = arg;
    char url[128], *body = malloc(BODY + 1024);

    if (!body)
        abort();
    (void)snprintf(url, sizeof url, "%s/v1/customers", d->w.gate.url);
    while (d->n_acked < ACKED_MAX) {
        int n = snprintf(
            body, BODY + 1024,
            "{\"identifiers\":[{\"scheme\":\"phone\",\"value\":\"+57310%07u\"}],\"attributes\":{\"x\":\"",
            d->n_acked);
        memset(body + n, 'x', BODY);
        (void)snprintf(body + n + BODY, 8, "\"}}");
        struct answer a = http_do("POST", url, d->w.gate.key, body, NULL);
        if (a.status != 201) {
            d->refusal = a;
            break;
        }
        (void)snprintf(d->acked[d->n_acked++], NAME_BYTES, "%s", answer_str(&a, "id"));
        answer_done(&a);
    }
    free(body);
    return NULL;
}

static void all_acked_are_there(struct disk *d)
{
    for (unsigned i = 0; i < d->n_acked; i += 1 + d->n_acked / 200) {
        struct answer a = gate_get(&d->w.gate, "/v1/customers/%s", d->acked[i]);
        assert_int_equal(a.status, 200);
        answer_done(&a);
    }
}

/* ---- the story ---- */

/* The same request with the same key: the answer that it had, room or none. */
static void accept_once(struct disk *d, bool again)
{
    static const char *const once[] = {"Content-Type: application/json", "Idempotency-Key: once", NULL};
    char url[128];

    (void)snprintf(url, sizeof url, "%s/v1/messages", d->w.gate.url);
    struct answer a =
        http_do("POST", url, d->w.gate.key,
                "{\"to\":{\"phone\":\"+573001112288\"},\"channel\":\"wa\",\"content\":{\"type\":"
                "\"text\",\"text\":\"once\"}}",
                once);
    assert_int_equal(a.status, 202);
    assert_true(again == (strcasestr(a.headers, "Idempotency-Replayed: true") != NULL));
    if (!again)
        gate_wait_status(&d->w.gate, answer_str(&a, "id"), "sent");
    answer_done(&a);
}

static void is_refused(struct disk *d)
{
    struct gate *g = &d->w.gate;
    struct answer a =
        gate_post(g, "/v1/messages",
                  "{\"to\":{\"phone\":\"+573001112299\"},\"channel\":\"wa\",\"content\":{\"type\":"
                  "\"text\",\"text\":\"no\"}}");

    answer_is(&a, 503, "disk_full", NULL);
    assert_non_null(strcasestr(a.headers, "Retry-After:"));
    answer_done(&a);
    char url[128];
    static const char *const type[] = {"Content-Type: image/png", NULL};
    (void)snprintf(url, sizeof url, "%s/v1/media", g->url);
    a = http_bytes("POST", url, g->key, "png", 3, type);
    answer_is(&a, 503, "disk_full", NULL);
    answer_done(&a);
    a = gate_get(g, "/readyz");
    assert_int_equal(a.status, 503);
    assert_non_null(strstr(answer_str(&a, "store"), "disk is full"));
    answer_done(&a);
    a = gate_get(g, "/metrics");
    assert_non_null(strstr(a.body, "\nhilo_store_disk_full 1\n"));
    answer_done(&a);
}

static void receipt(struct disk *d, const char *wamid, const char *status)
{
    struct answer a = sim_post(&d->w.sim, "/_sim/status", "{\"id\":\"%s\",\"status\":\"%s\"}", wamid, status);

    assert_int_equal(a.status, 200);
    answer_done(&a);
}

/* The wamids by our ids: they are echoed. */
static void wamids(struct disk *d, char id[][NAME_BYTES], char wamid[][160], unsigned n)
{
    struct answer a = sim_messages(&d->w.sim, n + 1); /* and accept_once's */
    const cJSON *m;

    memset(wamid, 0, n * sizeof *wamid);
    cJSON_ArrayForEach(m, json_at(a.json, "messages"))
    {
        const cJSON *echo = json_at(m, "biz_opaque_callback_data"), *w = json_at(m, "id");
        for (unsigned i = 0; i < n; i++)
            if (strcmp(echo->valuestring, id[i]) == 0)
                (void)snprintf(wamid[i], sizeof *wamid, "%s", w->valuestring);
    }
    for (unsigned i = 0; i < n; i++)
        assert_string_not_equal(wamid[i], "");
    answer_done(&a);
}

/* Nothing would leave to who said STOP. */
static void is_suppressed(struct disk *d, const char *phone)
{
    struct answer a = gate_post(&d->w.gate, "/v1/messages/plan",
                                "{\"to\":{\"phone\":\"%s\"},\"channel\":\"wa\",\"content\":{\"type\":"
                                "\"text\",\"text\":\"no\"}}",
                                phone);
    assert_string_equal(answer_str(&a, "suppressed/reason"), "opted_out");
    answer_done(&a);
}

/* Whoever wants no messages is heard: by a word, and by an application. */
static void stops_are_taken(struct disk *d)
{
    struct gate *g = &d->w.gate;
    char path[128];

    sim_text(&d->w.sim, "573001112201", "STOP", NULL);
    (void)process_wait_nth(g->process, 1, "consent.changed", "how=word", NULL);
    is_suppressed(d, "+573001112201");
    struct answer a = gate_post(g, "/v1/customers/search", "{\"phone\":\"+573001112200\"}");
    (void)snprintf(path, sizeof path, "/v1/customers/%s/consents/service", answer_str(&a, "customers/0/id"));
    answer_done(&a);
    a = gate_do(g, "PUT", path, "{\"state\":\"granted\"}");
    answer_is(&a, 503, "disk_full", NULL);
    answer_done(&a);
    a = gate_do(g, "PUT", path, "{\"state\":\"denied\"}");
    assert_int_equal(a.status, 200);
    answer_done(&a);
    is_suppressed(d, "+573001112200");
}

static void story(struct disk *d)
{
    struct gate *g = &d->w.gate;
    char id[SENT + FLYING][NAME_BYTES], wamid[SENT + FLYING][160], phone[32], inbound[160];
    static const char *const options[] = {"--no-window", NULL};
    pthread_t loader;

    sim_start(&d->w.sim, options);
    sim_set(&d->w.sim, "/_sim/config", "{\"retry_min_ms\":20,\"retry_max_ms\":100}");
    sim_set(&d->w.sim, "/_sim/faults", "{\"statuses\":[]}");
    gate_start(g, &d->w.scratch, &d->w.sim);
    (void)process_wait_nth(g->process, 1, "channel.state", "channel=wa", "state=up", NULL);

    for (unsigned i = 0; i < SENT; i++) {
        (void)snprintf(phone, sizeof phone, "+57300111220%u", i);
        gate_send_text(g, phone, "hola", id[i]);
        gate_wait_status(g, id[i], "sent");
    }
    accept_once(d, false);
    /* These are with the provider when the disk becomes full: their reports come later. */
    sim_set(&d->w.sim, "/_sim/faults", "{\"hold\":\"after_accept\"}");
    for (unsigned i = SENT; i < SENT + FLYING; i++) {
        (void)snprintf(phone, sizeof phone, "+57300111220%u", i);
        gate_send_text(g, phone, "hola", id[i]);
    }
    wamids(d, id, wamid, SENT + FLYING);

    assert_int_equal(pthread_create(&loader, NULL, load, d), 0);
    fill(d);
    (void)process_wait_nth(g->process, 1, "store.full", "reason=", NULL);
    assert_int_equal(pthread_join(loader, NULL), 0);
    answer_is(&d->refusal, 503, "disk_full", NULL);
    answer_done(&d->refusal);
    is_refused(d);
    is_refused(d);
    accept_once(d, true);
    assert_int_equal(process_count(g->process, "store.full"), 1);

    /* A customer writes: the provider is told to come again, and keeps it. */
    sim_text(&d->w.sim, "573001119999", "¿hay alguien?", inbound);
    (void)process_wait_nth(g->process, 1, "http.request", "route=/hooks/", "status=503", NULL);
    assert_false(process_saw(g->process, "message.received"));

    /* Reports and receipts have their room. */
    sim_set(&d->w.sim, "/_sim/faults", "{\"hold\":\"none\"}");
    for (unsigned i = SENT; i < SENT + FLYING; i++) {
        gate_wait_status(g, id[i], "sent");
        assert_string_equal(gate_status(g, id[i]), "sent");
    }
    receipt(d, wamid[0], "delivered");
    receipt(d, wamid[1], "read");
    gate_wait_status(g, id[0], "delivered");
    gate_wait_status(g, id[1], "read");
    assert_string_equal(gate_status(g, id[0]), "delivered");
    assert_string_equal(gate_status(g, id[1]), "read");

    stops_are_taken(d);

    /* A restart changes nothing. */
    gate_kill(g);
    gate_again(g);
    (void)process_wait_nth(g->process, 1, "channel.state", "channel=wa", "state=up", NULL);
    (void)process_wait_nth(g->process, 1, "store.full", "reason=", NULL);
    is_refused(d);
    is_suppressed(d, "+573001112200");
    is_suppressed(d, "+573001112201");
    assert_string_equal(gate_status(g, id[0]), "delivered");
    assert_string_equal(gate_status(g, id[1]), "read");
    receipt(d, wamid[SENT], "read");
    gate_wait_status(g, id[SENT], "read");
    all_acked_are_there(d);
    assert_false(process_saw(g->process, "message.received"));

    /* There is room, and it goes on by itself. */
    empty(d);
    (void)process_wait_nth(g->process, 1, "store.room", NULL);
    char more[NAME_BYTES];
    gate_send_text(g, "+573001112299", "ya", more);
    gate_wait_status(g, more, "sent");
    sim_quiet(&d->w.sim);
    (void)process_wait_nth(g->process, 1, "message.received", NULL);
    assert_string_equal(gate_status(g, id[SENT]), "read");
    all_acked_are_there(d);
    struct answer a = gate_get(g, "/readyz");
    assert_int_equal(a.status, 200);
    answer_done(&a);
    assert_int_equal(process_count(g->process, "store.full"), 1);
    assert_int_equal(process_count(g->process, "store.room"), 1);
    print_message("  %u customers before it was full\n", d->n_acked);
    gate_stop(g);
    gate_check_store(g);
    sim_stop(&d->w.sim);
    if (!d->shared)
        assert_int_equal(umount2(scratch_path(&d->w.scratch, "data"), MNT_DETACH), 0);
    scratch_done(&d->w.scratch);
}

static void disk_free(struct disk *d)
{
    if (d->shared)
        (void)munmap(d->shared, sizeof *d->shared);
    free(d);
}

static void on_a_small_file_system(void **state)
{
    struct disk *d = calloc(1, sizeof *d);

    (void)state;
    assert_non_null(d);
    scratch_init(&d->w.scratch);
    if (!mount_small(d)) {
        print_message("  no file system can be mounted here (%s)\n", strerror(errno));
        scratch_done(&d->w.scratch);
        free(d);
        skip();
    }
    story(d);
    disk_free(d);
}

static void with_no_room_for_the_journal(void **state)
{
    struct disk *d = calloc(1, sizeof *d);

    (void)state;
    if (!preload_works) {
        print_message("clang's AddressSanitizer can't be preloaded before: build with CC=gcc\n");
        skip();
    }
    assert_non_null(d);
    scratch_init(&d->w.scratch);
    preload(d);
    story(d);
    disk_free(d);
}

/* ---- every call, one after the other ---- */

enum { LIFE_IDS = 16 };

struct lives {
    struct disk d;
    char id[LIFE_IDS][NAME_BYTES]; /* messages that were acknowledged in this life */
    unsigned n_ids, life;
    bool ended; /* the gateway has, by itself */
};

static void copy(const char *from, const char *to)
{
    const char *const argv[] = {"/bin/cp", "-a", from, to, NULL};
    struct process *p = process_start(argv);

    assert_int_equal(process_wait(p), 0);
    process_free(&p);
}

static void remove_all(const char *path)
{
    const char *const argv[] = {"/bin/rm", "-rf", path, NULL};
    struct process *p = process_start(argv);

    assert_int_equal(process_wait(p), 0);
    process_free(&p);
}

static void lift(struct lives *l)
{
    atomic_store(&l->d.shared->at, 0);
    atomic_store(&l->d.shared->stays, 0);
    atomic_store(&l->d.shared->full, 0);
}

/* It may end by itself if a write was refused that needs no room (which is as final as a failed
 * sync), or at its start: with words, never by a signal. */
static void ended_well(struct lives *l, bool at_start)
{
    struct process *p = l->d.w.gate.process;
    int status = process_wait(p);

    bool words = process_saw(p, "No space left on device") || process_saw(p, "the disk is full") ||
                 process_saw(p, "unusable since an earlier write failed");
    bool well = status == 1 && words && (at_start || process_saw(p, "gateway.failed"));

    if (!well)
        process_show(p);
    assert_true(well);
    l->ended = true;
}

/* Its status, 503 if the disk is full, 0 if the gateway ended. */
static long life_post(struct lives *l, const char *path, const char *body, bool message)
{
    struct answer a = {0};
    long status;

    if (l->ended)
        return 0;
    a = gate_do(&l->d.w.gate, "POST", path, body);
    status = a.status;
    if (status == 503)
        answer_is(&a, 503, "disk_full", NULL);
    else if (status == 500)
        status = 0; /* LMDB has failed for good, and the gateway ends at the end of this turn */
    else if (status != 0)
        assert_in_range(status, 200, 299);
    if (message && status == 202) {
        assert_true(l->n_ids < LIFE_IDS);
        (void)snprintf(l->id[l->n_ids++], NAME_BYTES, "%s", answer_str(&a, "id"));
    }
    answer_done(&a);
    if (status == 0)
        ended_well(l, false);
    return status;
}

static long life_message(struct lives *l, unsigned k)
{
    char body[256];

    (void)snprintf(body, sizeof body,
                   "{\"to\":{\"phone\":\"+5730055%05u\"},\"channel\":\"wa\",\"content\":{\"type\":\"text\","
                   "\"text\":\"hola %u\"}}",
                   l->life % 100000, k);
    return life_post(l, "/v1/messages", body, true);
}

static void life_media(struct lives *l)
{
    static const char *const type[] = {"Content-Type: image/png", NULL};
    char url[128], bytes[64];

    if (l->ended)
        return;
    (void)snprintf(url, sizeof url, "%s/v1/media", l->d.w.gate.url);
    (void)snprintf(bytes, sizeof bytes, "picture %u", l->life);
    struct answer a = http_bytes("POST", url, l->d.w.gate.key, bytes, strlen(bytes), type);
    if (a.status == 503)
        answer_is(&a, 503, "disk_full", NULL);
    else if (a.status != 0 && a.status != 500)
        assert_int_equal(a.status, 201);
    if (a.status == 0 || a.status == 500)
        ended_well(l, false);
    answer_done(&a);
}

/* Everything that was acknowledged is there, and all works again, without a restart unless it
 * ended by itself. */
static void works_again(struct lives *l)
{
    struct gate *g = &l->d.w.gate;
    unsigned ends = 0;
    char body[128];

    for (;;) {
        if (l->ended) {
            gate_again(g);
            l->ended = false;
        }
        long status = life_message(l, 9);
        if (status == 202)
            break;
        /* LMDB tells only at its next try that a refused write of its root has broken it. */
        if (status == 503 && !process_came(g->process, "store.room"))
            ended_well(l, false);
        assert_true(!l->ended || ++ends == 1); /* of what was refused before */
    }
    for (unsigned i = 0; i < l->n_ids; i++)
        if (strcmp(gate_status(g, l->id[i]), "read") != 0)
            gate_wait_status(g, l->id[i], "read");
    sim_quiet(&l->d.w.sim);
    (void)snprintf(body, sizeof body, "{\"phone\":\"+5730066%05u\"}", l->life % 100000);
    struct answer a = gate_do(g, "POST", "/v1/customers/search", body);
    assert_int_equal(a.status, 200);
    answer_done(&a);
}

/* A life of the gateway on a copy of the store "base" (NULL: on none) whose call of this number is
 * refused; false: there was no such call. */
static bool live(struct lives *l, const char *base, uint64_t at, bool stays)
{
    struct gate *g = &l->d.w.gate;
    const char *data = scratch_path(&l->d.w.scratch, "data");
    char from[32];

    l->life++;
    l->n_ids = 0;
    l->ended = false;
    remove_all(data);
    if (base)
        copy(base, data);
    lift(l);
    atomic_store(&l->d.shared->calls, 0);
    atomic_store(&l->d.shared->refused, 0);
    (void)snprintf(l->d.shared->what, sizeof l->d.shared->what, "none");
    atomic_store(&l->d.shared->stays, stays);
    atomic_store(&l->d.shared->at, at);
    gate_launch(g);
    if (!process_came(g->process, "gateway.ready")) {
        ended_well(l, true);
        if (!base) { /* that it can start is all there is to see: there is no key */
            lift(l);
            gate_again(g);
        }
    }
    if (base) {
        (void)life_message(l, 1);
        life_media(l);
        (void)snprintf(from, sizeof from, "5730066%05u", l->life % 100000);
        sim_text(&l->d.w.sim, from, "hola", NULL);
        (void)life_message(l, 2);
        /* Until a flush of the context was tried, if nothing has been refused before. */
        if (!l->ended && atomic_load(&l->d.shared->refused) == 0)
            (void)process_came(g->process, "context.f"); /* flushed, full, failed */
    }
    bool there = atomic_load(&l->d.shared->refused) > 0;
    if (!there && !l->ended) { /* perhaps at its end */
        process_signal(g->process, SIGTERM);
        if (process_wait(g->process) != 0)
            ended_well(l, false);
        there = atomic_load(&l->d.shared->refused) > 0;
        l->ended = true;
    }
    lift(l);
    if (base)
        works_again(l);
    else if (l->ended)
        gate_again(g);
    gate_stop(g); /* also after a first start that went on */
    gate_check_store(g);
    return there;
}

static void each_call(const char *name, bool stays, bool first_start)
{
    static const char *const options[] = {"--no-window", NULL};
    struct lives *l = calloc(1, sizeof *l);
    char base[256];
    uint64_t at = 1;

    assert_non_null(l);
    struct disk *d = &l->d;
    scratch_init(&d->w.scratch);
    preload(d);
    sim_start(&d->w.sim, options);
    sim_set(&d->w.sim, "/_sim/config", "{\"retry_min_ms\":20,\"retry_max_ms\":100}");
    /* What was with the provider when the gateway ended would else be held in doubt. */
    (void)snprintf(d->w.gate.extra_channel, sizeof d->w.gate.extra_channel, "    in_doubt: resend\n");
    gate_start(&d->w.gate, &d->w.scratch, &d->w.sim);
    gate_send_text(&d->w.gate, "+573001112233", "hola", NULL);
    (void)process_wait_nth(d->w.gate.process, 1, "status=read", NULL);
    gate_stop(&d->w.gate);
    (void)snprintf(base, sizeof base, "%s", scratch_path(&d->w.scratch, "base"));
    copy(scratch_path(&d->w.scratch, "data"), base);
    while (live(l, first_start ? NULL : base, at, stays)) {
        if (getenv("HILO_VERBOSE"))
            print_message("  %llu: %s\n", (unsigned long long)at, d->shared->what);
        at++;
    }
    print_message("  %s: %llu calls\n", name, (unsigned long long)at - 1);
    assert_true(at > 5);
    sim_stop(&d->w.sim);
    (void)munmap(d->shared, sizeof *d->shared);
    scratch_done(&d->w.scratch);
    free(l);
}

static void each_call_of_a_first_start(void **state)
{
    (void)state;
    if (!preload_works) {
        print_message("clang's AddressSanitizer can't be preloaded before: build with CC=gcc\n");
        skip();
    }
    each_call("first start", false, true);
}

static void each_call_once(void **state)
{
    (void)state;
    if (!preload_works) {
        print_message("clang's AddressSanitizer can't be preloaded before: build with CC=gcc\n");
        skip();
    }
    each_call("refused once", false, false);
}

static void each_call_from_which_on_it_is_full(void **state)
{
    (void)state;
    if (!preload_works) {
        print_message("clang's AddressSanitizer can't be preloaded before: build with CC=gcc\n");
        skip();
    }
    each_call("full from it on", true, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_a_small_file_system),
        cmocka_unit_test(with_no_room_for_the_journal),
        cmocka_unit_test(each_call_of_a_first_start),
        cmocka_unit_test(each_call_once),
        cmocka_unit_test(each_call_from_which_on_it_is_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
