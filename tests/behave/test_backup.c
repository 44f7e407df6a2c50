/* Backups of a gateway at work, and what comes back of them. */
#include "harness.h"
#include "nospace.h"
#include <setjmp.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static const char ana[] = "+573001112233";

enum { POSTED_MAX = 20000, PHOTO_BYTES = 3 << 20 };

static void up(struct world *w)
{
    world_up(w, NULL, NULL);
    sim_set(&w->sim, "/_sim/config", "{\"enforce_window\":false}");
}

/* Runs hilo with these words (NULL-ended); the status must be as expected (-1: any). All it said, to
 * be freed. */
static char *hilo(struct world *w, int status, ...)
{
    char bin[256], control[256];
    const char *argv[16] = {"/usr/bin/env", control, bin};
    unsigned n = 3;
    va_list words;

    (void)snprintf(bin, sizeof bin, "%s/hilo", harness_build());
    (void)snprintf(control, sizeof control, "HILO_CONTROL=%s/data/control.sock", w->scratch.dir);
    va_start(words, status);
    while (n < 15 && (argv[n] = va_arg(words, const char *)))
        n++;
    va_end(words);
    struct process *p = process_start(argv);
    char *said = process_output(p);
    int is = process_wait(p);
    if (status >= 0 && is != status)
        fail_msg("hilo %s %s: status %d, expected %d: %s", argv[3], argv[4], is, status, said);
    process_free(&p);
    return said;
}

static void says(char *said, const char *words)
{
    if (!strstr(said, words))
        fail_msg("\"%s\" is expected in: %s", words, said);
    free(said);
}

static void backup(struct world *w, const char *name)
{
    says(hilo(w, 0, "backup", scratch_path(&w->scratch, name), NULL), "done");
}

static void restore(struct world *w, const char *name)
{
    char yaml[256];

    (void)snprintf(yaml, sizeof yaml, "%s/hilo.yaml", w->scratch.dir);
    says(hilo(w, 0, "restore", scratch_path(&w->scratch, name), "-c", yaml, "--replace", NULL),
         "holds the backup");
    gate_check_store(&w->gate);
}

/* Nothing stands in the way of a copy that was lost with its disk. */
static void lose_data(struct world *w)
{
    char from[256], to[256];

    (void)snprintf(from, sizeof from, "%s/data", w->scratch.dir);
    (void)snprintf(to, sizeof to, "%s/lost", w->scratch.dir);
    assert_int_equal(rename(from, to), 0);
}

static bool is_there(const struct world *w, const char *name)
{
    struct stat st;

    return lstat(scratch_path(&w->scratch, name), &st) == 0;
}

/* ---- under load ---- */

struct load {
    struct world *w;
    pthread_t thread;
    atomic_bool stop;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned n; /* acknowledged */
    char id[POSTED_MAX][64];
    char wrong[256];
};

static void load_count(struct load *l, unsigned n)
{
    pthread_mutex_lock(&l->lock);
    l->n = n;
    pthread_cond_signal(&l->changed);
    pthread_mutex_unlock(&l->lock);
}

/* cmocka's asserts are the test's thread's own. */
static void *load_run(void *arg)
{
    struct load *l = arg;
    char url[128], body[256];

    (void)snprintf(url, sizeof url, "%s/v1/messages", l->w->gate.url);
    for (unsigned i = 0; !atomic_load(&l->stop) && i < POSTED_MAX; i++) {
        (void)snprintf(
            body, sizeof body,
            "{\"to\":{\"phone\":\"+57300%07u\"},\"content\":{\"type\":\"text\",\"text\":\"n %u\"}}", i % 97,
            i);
        struct answer a = http_do("POST", url, l->w->gate.key, body, NULL);
        if (a.status != 202 || !answer_str(&a, "id")) {
            (void)snprintf(l->wrong, sizeof l->wrong, "%ld %.200s", a.status, a.body ? a.body : "");
            answer_done(&a);
            break;
        }
        (void)snprintf(l->id[i], sizeof l->id[i], "%s", answer_str(&a, "id"));
        answer_done(&a);
        load_count(l, i + 1);
    }
    load_count(l, POSTED_MAX + 1); /* nobody waits any more */
    return NULL;
}

static unsigned load_wait(struct load *l, unsigned n)
{
    pthread_mutex_lock(&l->lock);
    while (l->n < n)
        pthread_cond_wait(&l->changed, &l->lock);
    n = l->n;
    pthread_mutex_unlock(&l->lock);
    return n;
}

static void photo_bytes(uint8_t *p, unsigned seed)
{
    for (size_t i = 0; i < PHOTO_BYTES; i++)
        p[i] = (uint8_t)((i * 2654435761u + seed) >> 11);
}

static void put_photo(struct world *w, unsigned seed, char id[64])
{
    static uint8_t bytes[PHOTO_BYTES];
    char url[128];

    photo_bytes(bytes, seed);
    (void)snprintf(url, sizeof url, "%s/v1/media", w->gate.url);
    struct answer a = http_bytes("POST", url, w->gate.key, bytes, sizeof bytes,
                                 (const char *const[]){"Content-Type: image/jpeg", NULL});
    assert_int_equal(a.status, 201);
    (void)snprintf(id, 64, "%s", answer_str(&a, "id"));
    answer_done(&a);
}

static void photo_is(struct world *w, unsigned seed, const char *id)
{
    static uint8_t bytes[PHOTO_BYTES];
    struct answer a = gate_get(&w->gate, "/v1/media/%s", id);

    photo_bytes(bytes, seed);
    assert_int_equal(a.status, 200);
    assert_int_equal(a.n, sizeof bytes);
    assert_memory_equal(a.body, bytes, sizeof bytes);
    answer_done(&a);
}

static int only_the_owner(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)ftw;
    if ((st->st_mode & 07777) != (type == FTW_D ? 0700 : 0600))
        fail_msg("%s has mode %o", path, st->st_mode & 07777);
    return 0;
}

static void check_folder(struct world *w, const char *name)
{
    says(hilo(w, 0, "store", "check", scratch_path(&w->scratch, name), NULL), "is good");
}

static void a_backup_under_load_has_all_that_was_acknowledged(void **state)
{
    struct world w = {0};
    struct load *l = calloc(1, sizeof *l);
    char photo[4][64], name[16], id[64], case_id[64];
    unsigned before = 0, during = 0;

    (void)state;
    assert_non_null(l);
    up(&w);
    for (unsigned i = 0; i < 4; i++)
        put_photo(&w, i, photo[i]);
    gate_send_text(&w.gate, ana, "first", id);
    sim_text(&w.sim, "573001112233", "hola", NULL);
    (void)process_wait_line(w.gate.process, "message.received", NULL);
    struct answer a = gate_post(&w.gate, "/v1/customers/search", "{\"phone\":\"%s\"}", ana);
    char customer[64];
    (void)snprintf(customer, sizeof customer, "%s", answer_str(&a, "customers/0/id"));
    answer_done(&a);
    a = gate_post(&w.gate, "/v1/cases", "{\"customer\":\"%s\",\"subject\":\"Televisor\"}", customer);
    assert_int_equal(a.status, 201);
    (void)snprintf(case_id, sizeof case_id, "%s", answer_str(&a, "id"));
    answer_done(&a);
    l->w = &w;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->changed, NULL);
    assert_int_equal(pthread_create(&l->thread, NULL, load_run, l), 0);
    /* One that something was acknowledged beside. */
    for (unsigned i = 0; during == 0 && i < 50; i++) {
        (void)snprintf(name, sizeof name, "b%u", i);
        before = load_wait(l, 100);
        backup(&w, name);
        during = load_wait(l, 0) - before;
    }
    assert_true(during > 0);
    atomic_store(&l->stop, true);
    assert_int_equal(pthread_join(l->thread, NULL), 0);
    assert_string_equal(l->wrong, "");
    assert_int_equal(nftw(scratch_path(&w.scratch, name), only_the_owner, 16, FTW_PHYS), 0);
    check_folder(&w, name);
    gate_kill(&w.gate);
    lose_data(&w);
    restore(&w, name);
    gate_again(&w.gate);
    for (unsigned i = 0; i < before; i++) {
        a = gate_get(&w.gate, "/v1/messages/%s", l->id[i]);
        if (a.status != 200)
            fail_msg("%s was acknowledged before the backup and is lost", l->id[i]);
        answer_done(&a);
    }
    for (unsigned i = 0; i < 4; i++)
        photo_is(&w, i, photo[i]);
    a = gate_get(&w.gate, "/v1/cases/%s", case_id);
    assert_string_equal(answer_str(&a, "subject"), "Televisor");
    answer_done(&a);
    pthread_mutex_destroy(&l->lock);
    pthread_cond_destroy(&l->changed);
    free(l);
    world_down(&w);
}

/* ---- what was under way ---- */

static void what_was_in_flight_is_in_doubt_and_not_sent_again(void **state)
{
    struct world w = {0};
    char id[64], later[64], wamid[128], wamid_later[128];

    (void)state;
    up(&w);
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"after_accept\",\"statuses\":[]}");
    gate_send_text(&w.gate, ana, "hola", id);
    struct answer a = sim_messages(&w.sim, 1);
    (void)snprintf(wamid, sizeof wamid, "%s", answer_str(&a, "messages/0/id"));
    answer_done(&a);
    backup(&w, "b");
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"none\",\"statuses\":[]}");
    gate_wait_status(&w.gate, id, "sent");
    /* The provider moves on, and so does this gateway, which is then lost. */
    gate_send_text(&w.gate, ana, "later", later);
    gate_wait_status(&w.gate, later, "sent");
    a = sim_messages(&w.sim, 2);
    (void)snprintf(wamid_later, sizeof wamid_later, "%s", answer_str(&a, "messages/1/id"));
    answer_done(&a);
    gate_kill(&w.gate);
    lose_data(&w);
    restore(&w, "b");
    gate_again(&w.gate);
    (void)process_wait_nth(w.gate.process, 1, "message.reported", id, "status=in_doubt", "reason=crashed",
                           NULL);
    assert_string_equal(gate_status(&w.gate, id), "in_doubt");
    /* A receipt for what this gateway never sent is taken and waits; one for the other ends the doubt. */
    sim_set(&w.sim, "/_sim/status", "{\"id\":\"%s\",\"status\":\"delivered\"}", wamid_later);
    sim_set(&w.sim, "/_sim/status", "{\"id\":\"%s\",\"status\":\"read\"}", wamid);
    gate_wait_status(&w.gate, id, "read");
    sim_quiet(&w.sim);
    a = gate_get(&w.gate, "/v1/messages/%s", later);
    assert_int_equal(a.status, 404);
    answer_done(&a);
    assert_int_equal(sim_count(&w.sim, "accepted"), 2);
    assert_int_equal(sim_count(&w.sim, "duplicated"), 0);
    world_down(&w);
}

/* ---- the next backup ---- */

static void damage(const struct world *w, const char *name, long offset)
{
    FILE *f = fopen(scratch_path(&w->scratch, name), "r+b");
    int c;

    assert_non_null(f);
    assert_int_equal(fseek(f, offset, SEEK_SET), 0);
    c = fgetc(f);
    assert_int_equal(fseek(f, offset, SEEK_SET), 0);
    assert_int_equal(fputc(c ^ 1, f), c ^ 1);
    assert_int_equal(fclose(f), 0);
}

/* The nth file below media/ of a backup, by its manifest. */
static void media_name(const struct world *w, const char *backup_name, unsigned nth, char out[256])
{
    char path[128];
    char *text, *at;
    size_t n;

    (void)snprintf(path, sizeof path, "%s/manifest", backup_name);
    at = text = file_read(scratch_path(&w->scratch, path), &n);
    for (unsigned i = 0; i <= nth; i++) {
        at = strstr(at, "  media/");
        assert_non_null(at);
        at += 2;
    }
    (void)snprintf(out, 256, "%s/%.*s", backup_name, (int)strcspn(at, "\n"), at);
    free(text);
}

static ino_t inode(const struct world *w, const char *name)
{
    struct stat st;

    assert_int_equal(stat(scratch_path(&w->scratch, name), &st), 0);
    return st.st_ino;
}

static void a_backup_since_another_links_what_is_equal(void **state)
{
    struct world w = {0};
    char photo[2][64], id[64], first[256], second[256], since[256];

    (void)state;
    up(&w);
    put_photo(&w, 1, photo[0]);
    put_photo(&w, 2, photo[1]);
    backup(&w, "one");
    media_name(&w, "one", 0, first);
    media_name(&w, "one", 1, second);
    damage(&w, second, 1000); /* this one must not be taken over */
    gate_send_text(&w.gate, ana, "hola", id);
    gate_wait_status(&w.gate, id, "read");
    (void)snprintf(since, sizeof since, "%s", scratch_path(&w.scratch, "one"));
    says(hilo(&w, 0, "backup", scratch_path(&w.scratch, "two"), "--since", since, "--json", NULL),
         "\"files_linked\":1");
    (void)snprintf(second, sizeof second, "two%s", first + 3);
    assert_int_equal(inode(&w, first), inode(&w, second));
    check_folder(&w, "two");
    says(hilo(&w, 1, "backup", scratch_path(&w.scratch, "three"), "--since", "/nowhere", NULL), "/nowhere");
    gate_kill(&w.gate);
    lose_data(&w);
    restore(&w, "two");
    gate_again(&w.gate);
    assert_string_equal(gate_status(&w.gate, id), "read");
    photo_is(&w, 1, photo[0]);
    photo_is(&w, 2, photo[1]);
    world_down(&w);
}

static void restore_refused(struct world *w, const char *name, bool replace, const char *words);

static void channel_file(struct world *w, const char *channel, const char *name, const char *text)
{
    char path[200];

    (void)snprintf(path, sizeof path, "data/files/%s", channel);
    assert_true(mkdir(scratch_path(&w->scratch, "data/files"), 0700) == 0 || errno == EEXIST);
    assert_true(mkdir(scratch_path(&w->scratch, path), 0700) == 0 || errno == EEXIST);
    (void)snprintf(path, sizeof path, "data/files/%s/%s", channel, name);
    file_write(scratch_path(&w->scratch, path), text);
}

static void channel_file_is(struct world *w, const char *folder, const char *name, const char *text)
{
    char path[200];
    size_t n;

    (void)snprintf(path, sizeof path, "%s/files/%s", folder, name);
    char *is = file_read(scratch_path(&w->scratch, path), &n);
    assert_string_equal(is, text);
    free(is);
}

/* What channels keep by themselves; what else lies there is nobody's. */
static void files_of_channels_come_along(void **state)
{
    struct world w = {0};
    char since[256], first[64] = "one/files/voz/rec-1.wav", second[64] = "two/files/voz/rec-1.wav";

    (void)state;
    up(&w);
    channel_file(&w, "voz", "rec-1.wav", "RIFF");
    channel_file(&w, "voz", "rec-2.wav", "");
    channel_file(&w, "mail-2", "m.eml", "From: x");
    channel_file(&w, "mail-2", ".half", "x");
    backup(&w, "one");
    channel_file_is(&w, "one", "voz/rec-1.wav", "RIFF");
    channel_file_is(&w, "one", "voz/rec-2.wav", "");
    channel_file_is(&w, "one", "mail-2/m.eml", "From: x");
    assert_false(is_there(&w, "one/files/mail-2/.half"));
    check_folder(&w, "one");
    /* One has grown, one is gone, one is as it was. */
    channel_file(&w, "voz", "rec-2.wav", "RIFFRIFF");
    assert_int_equal(unlink(scratch_path(&w.scratch, "data/files/mail-2/m.eml")), 0);
    (void)snprintf(since, sizeof since, "%s", scratch_path(&w.scratch, "one"));
    says(hilo(&w, 0, "backup", scratch_path(&w.scratch, "two"), "--since", since, NULL), "done");
    assert_int_equal(inode(&w, first), inode(&w, second));
    channel_file_is(&w, "two", "voz/rec-2.wav", "RIFFRIFF");
    assert_false(is_there(&w, "two/files/mail-2/m.eml"));
    gate_kill(&w.gate);
    lose_data(&w);
    restore(&w, "two");
    channel_file_is(&w, "data", "voz/rec-1.wav", "RIFF");
    channel_file_is(&w, "data", "voz/rec-2.wav", "RIFFRIFF");
    /* Another moves aside what is there, these too. */
    restore(&w, "one");
    channel_file_is(&w, "data", "mail-2/m.eml", "From: x");
    channel_file_is(&w, "data", "voz/rec-2.wav", "");
    gate_again(&w.gate);
    /* A byte of one that has changed is damage. */
    gate_stop(&w.gate);
    damage(&w, second, 2);
    restore_refused(&w, "two", true, "damaged");
    gate_again(&w.gate);
    world_down(&w);
}

/* ---- what is refused ---- */

/* A restore that must fail with these words, and leave the data folder as it was. */
static void restore_refused(struct world *w, const char *name, bool replace, const char *words)
{
    char yaml[256], from[256];

    (void)snprintf(yaml, sizeof yaml, "%s/hilo.yaml", w->scratch.dir);
    (void)snprintf(from, sizeof from, "%s", scratch_path(&w->scratch, name));
    says(hilo(w, 1, "restore", from, "-c", yaml, replace ? "--replace" : NULL, NULL), words);
    assert_false(is_there(w, "data/restoring"));
}

static void copy_backup(struct world *w, const char *from, const char *to)
{
    char a[256], b[256];

    (void)snprintf(a, sizeof a, "%s", scratch_path(&w->scratch, from));
    (void)snprintf(b, sizeof b, "%s", scratch_path(&w->scratch, to));
    const char *argv[] = {"/bin/cp", "-a", a, b, NULL};
    struct process *p = process_start(argv);
    assert_int_equal(process_wait(p), 0);
    process_free(&p);
}

static void cut(const struct world *w, const char *name, long fewer)
{
    struct stat st;

    assert_int_equal(stat(scratch_path(&w->scratch, name), &st), 0);
    assert_int_equal(truncate(scratch_path(&w->scratch, name), st.st_size - fewer), 0);
}

static void a_damaged_backup_is_not_restored(void **state)
{
    struct world w = {0};
    char id[64], photo[64], name[256];

    (void)state;
    up(&w);
    put_photo(&w, 1, photo);
    gate_send_text(&w.gate, ana, "hola", id);
    gate_wait_status(&w.gate, id, "read");
    backup(&w, "good");
    gate_stop(&w.gate);
    copy_backup(&w, "good", "bad");
    damage(&w, "bad/journal/0000000001.seg", 5000);
    restore_refused(&w, "bad", true, "journal/0000000001.seg is damaged in the backup");
    copy_backup(&w, "good", "bad2");
    damage(&w, "bad2/context/data.mdb", 9000);
    restore_refused(&w, "bad2", true, "context/data.mdb is damaged in the backup");
    copy_backup(&w, "good", "bad3");
    media_name(&w, "bad3", 0, name);
    cut(&w, name, 1);
    restore_refused(&w, "bad3", true, "its manifest says 3145728");
    assert_int_equal(unlink(scratch_path(&w.scratch, name)), 0);
    restore_refused(&w, "bad3", true, "is missing in the backup");
    copy_backup(&w, "good", "bad4");
    damage(&w, "bad4/manifest", 40);
    restore_refused(&w, "bad4", true, "this is no whole backup");
    copy_backup(&w, "good", "bad5");
    cut(&w, "bad5/manifest", 76); /* the last line */
    restore_refused(&w, "bad5", true, "it ends too early");
    restore_refused(&w, "data", true, "is no whole backup: it has no manifest");
    gate_check_store(&w.gate);
    gate_again(&w.gate); /* on what was there all the while */
    assert_string_equal(gate_status(&w.gate, id), "read");
    world_down(&w);
}

static void a_restore_replaces_nothing_unless_told(void **state)
{
    struct world w = {0};
    char id[64], later[64], yaml[256], from[256];

    (void)state;
    up(&w);
    gate_send_text(&w.gate, ana, "hola", id);
    gate_wait_status(&w.gate, id, "read");
    backup(&w, "b");
    restore_refused(&w, "b", true, "stop the gateway first");
    gate_send_text(&w.gate, ana, "later", later);
    gate_wait_status(&w.gate, later, "read");
    gate_stop(&w.gate);
    restore_refused(&w, "b", false, "holds a store already");
    (void)snprintf(yaml, sizeof yaml, "%s/hilo.yaml", w.scratch.dir);
    (void)snprintf(from, sizeof from, "%s", scratch_path(&w.scratch, "b"));
    char *said = hilo(&w, 0, "restore", from, "-c", yaml, "--replace", NULL);
    const char *aside = strstr(said, "/data/replaced-");
    assert_non_null(aside);
    (void)snprintf(from, sizeof from, "%.*s", (int)strcspn(aside + 1, ";"), aside + 1);
    free(said);
    gate_check_store(&w.gate);
    check_folder(&w, from); /* what was there is whole */
    gate_again(&w.gate);
    assert_string_equal(gate_status(&w.gate, id), "read");
    struct answer a = gate_get(&w.gate, "/v1/messages/%s", later);
    assert_int_equal(a.status, 404);
    answer_done(&a);
    world_down(&w);
}

static void an_interrupted_restore_is_never_served(void **state)
{
    struct world w = {0};
    char id[64];

    (void)state;
    up(&w);
    gate_send_text(&w.gate, ana, "hola", id);
    gate_wait_status(&w.gate, id, "read");
    backup(&w, "b");
    gate_stop(&w.gate);
    lose_data(&w);
    /* As a kill leaves it: the folder is there, and what was copied so far. */
    assert_int_equal(mkdir(scratch_path(&w.scratch, "data"), 0700), 0);
    copy_backup(&w, "b", "data/restoring");
    assert_int_equal(unlink(scratch_path(&w.scratch, "data/restoring/manifest")), 0);
    gate_launch(&w.gate);
    (void)process_wait_line(w.gate.process, "was cut short", NULL);
    assert_int_equal(process_wait(w.gate.process), 1);
    assert_false(is_there(&w, "data/journal"));
    /* Cut short later: a part has its place already. */
    assert_int_equal(
        rename(scratch_path(&w.scratch, "data/restoring/media"), scratch_path(&w.scratch, "data/media")), 0);
    gate_launch(&w.gate);
    (void)process_wait_line(w.gate.process, "was cut short", NULL);
    assert_int_equal(process_wait(w.gate.process), 1);
    restore(&w, "b");
    assert_false(is_there(&w, "data/restoring"));
    gate_again(&w.gate);
    assert_string_equal(gate_status(&w.gate, id), "read");
    world_down(&w);
}

static void a_backup_goes_only_where_nothing_is(void **state)
{
    struct world w = {0};
    char id[64], path[256];

    (void)state;
    up(&w);
    gate_send_text(&w.gate, ana, "hola", id);
    backup(&w, "b");
    says(hilo(&w, 1, "backup", scratch_path(&w.scratch, "b"), NULL), "is there already and not empty");
    says(hilo(&w, 1, "backup", scratch_path(&w.scratch, "no/such/folder"), NULL), "no/such");
    assert_int_equal(mkdir(scratch_path(&w.scratch, "empty"), 0700), 0);
    backup(&w, "empty");
    /* What an interrupted one left is in nobody's way. */
    copy_backup(&w, "b", "c.partial");
    backup(&w, "c");
    assert_false(is_there(&w, "c.partial"));
    check_folder(&w, "c");
    /* By the control socket only, and by a whole path. */
    (void)snprintf(path, sizeof path, "{\"directory\":\"%s\"}", scratch_path(&w.scratch, "d"));
    gate_expect(&w.gate, 403, "control_only", "", "POST", "/v1/backups", path);
    assert_false(is_there(&w, "d"));
    gate_expect(&w.gate, 404, "unknown_backup", "", "GET", "/v1/backups/bak_01JDX3V5Q8E7Z2M4N6P8R0T2V4",
                NULL);
    gate_stop(&w.gate);
    says(hilo(&w, 3, "backup", scratch_path(&w.scratch, "d"), NULL), "is hilod running?");
    gate_again(&w.gate);
    world_down(&w);
}

/* ---- a full disk ---- */

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

/* A gateway whose calls that write to a folder can be refused by nospace.so. */
static struct nospace *preloaded(struct world *w, const char *folder)
{
    static char env[3][512];
    const char *asan = getenv("ASAN_OPTIONS");
    int fd = open(scratch_path(&w->scratch, "nospace"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct nospace *shared;

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)sizeof *shared), 0);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(shared != MAP_FAILED);
    (void)close(fd);
    (void)snprintf(shared->dir, sizeof shared->dir, "%s", scratch_path(&w->scratch, folder));
    (void)snprintf(env[0], sizeof env[0], "LD_PRELOAD=%s/tests/behave/nospace.so", harness_build());
    (void)snprintf(env[1], sizeof env[1], "ASAN_OPTIONS=%s%sverify_asan_link_order=0", asan ? asan : "",
                   asan ? ":" : "");
    (void)snprintf(env[2], sizeof env[2], "HILO_NOSPACE=%s", scratch_path(&w->scratch, "nospace"));
    for (unsigned i = 0; i < 3; i++)
        w->gate.env[i] = env[i];
    gate_stop(&w->gate);
    gate_again(&w->gate);
    return shared;
}

static void without_room_a_backup_fails_and_the_gateway_goes_on(void **state)
{
    struct world w = {0};
    char photo[64], id[64];
    uint64_t refused = 0;

    (void)state;
    if (!preload_works) {
        print_message("clang's AddressSanitizer can't be preloaded before: build with CC=gcc\n");
        skip();
    }
    up(&w);
    put_photo(&w, 1, photo);
    struct nospace *shared = preloaded(&w, "b.partial");
    /* Each call that writes, one after the other. */
    for (uint64_t at = 1;; at++) {
        atomic_store(&shared->calls, 0);
        atomic_store(&shared->at, at);
        if (atomic_load(&shared->refused) != refused)
            fail_msg("something else wrote into the backup");
        struct answer a = gate_get(&w.gate, "/v1/channels");
        answer_done(&a);
        const char *to = scratch_path(&w.scratch, "b");
        char *said = hilo(&w, -1, "backup", to, NULL);
        if (atomic_load(&shared->refused) == refused) {
            says(said, "done");
            break;
        }
        refused++;
        says(said, "no room");
        assert_false(is_there(&w, "b"));
        assert_false(is_there(&w, "b.partial"));
        gate_send_text(&w.gate, ana, "hola", id);
    }
    assert_true(refused >= 20);
    check_folder(&w, "b");
    gate_wait_status(&w.gate, id, "read");
    assert_int_equal(munmap(shared, sizeof *shared), 0);
    world_down(&w);
}

/* Killed at any of these calls, it leaves no b, and the next one is not in its way. */
static void killed_a_backup_leaves_nothing_that_could_be_taken_for_one(void **state)
{
    struct world w = {0};
    char photo[4][64];

    (void)state;
    up(&w);
    for (unsigned i = 0; i < 4; i++)
        put_photo(&w, i, photo[i]);
    for (unsigned i = 0; i < 5; i++) {
        char bin[256], control[256];
        (void)snprintf(bin, sizeof bin, "%s/hilo", harness_build());
        (void)snprintf(control, sizeof control, "HILO_CONTROL=%s/data/control.sock", w.scratch.dir);
        const char *argv[] = {"/usr/bin/env", control, bin, "backup", scratch_path(&w.scratch, "b"), NULL};
        struct process *p = process_start(argv);
        (void)process_wait_line(w.gate.process, "backup.started", NULL);
        gate_kill(&w.gate);
        (void)process_wait(p);
        process_free(&p);
        if (is_there(&w, "b")) { /* it was faster than the kill: whole, then */
            check_folder(&w, "b");
            const char *rm[] = {"/bin/rm", "-r", scratch_path(&w.scratch, "b"), NULL};
            p = process_start(rm);
            assert_int_equal(process_wait(p), 0);
            process_free(&p);
        }
        gate_check_store(&w.gate);
        gate_again(&w.gate);
    }
    backup(&w, "b");
    check_folder(&w, "b");
    world_down(&w);
}

/* ---- what the store says of itself ---- */

static double entries(const struct answer *a, const char *table)
{
    const cJSON *t;

    cJSON_ArrayForEach(
        t, json_at(a->json, "counted/tables")) if (strcmp(json_at(t, "name")->valuestring, table) ==
                                                   0) return json_at(t, "entries")
        ->valuedouble;
    fail_msg("no table %s was counted", table);
    return -1;
}

/* Counts, and waits for its end by asking; each answer is the event that is waited for. */
static struct answer counted(struct world *w)
{
    struct answer a = gate_get(&w->gate, "/v1/store?count=true");

    assert_int_equal(a.status, 200);
    while (cJSON_IsTrue(json_at(a.json, "counted/running"))) {
        answer_done(&a);
        a = gate_get(&w->gate, "/v1/store");
    }
    assert_null(json_at(a.json, "counted/error"));
    return a;
}

static void the_store_tells_what_it_holds(void **state)
{
    struct world w = {0};
    char photo[64], id[64], oldest[64], made[64];
    double seq;

    (void)state;
    up(&w);
    for (unsigned i = 0; i < 5; i++)
        gate_send_text(&w.gate, ana, "hola", id);
    gate_wait_status(&w.gate, id, "read");
    sim_quiet(&w.sim);
    put_photo(&w, 1, photo);
    struct answer a = gate_get(&w.gate, "/v1/store");
    assert_null(json_at(a.json, "counted")); /* nobody asked for it */
    assert_null(json_at(a.json, "last_backup"));
    assert_true(cJSON_IsTrue(json_at(a.json, "accepting")));
    assert_true(answer_num(&a, "journal/segments") >= 1);
    assert_true(answer_num(&a, "journal/bytes") >= 16 << 20);
    assert_int_equal(answer_num(&a, "journal/oldest_sequence"), 1);
    seq = answer_num(&a, "journal/synced_sequence");
    assert_true(seq >= 25); /* five messages: accepted, claimed, reported, their receipts */
    assert_true(answer_num(&a, "journal/appended_sequence") >= seq);
    assert_true(answer_num(&a, "context/sequence") <= seq);
    assert_true(answer_num(&a, "context/map_bytes") == (double)(2u << 30));
    assert_true(cJSON_IsFalse(json_at(a.json, "room/full")));
    assert_true(answer_num(&a, "room/journal_bytes") > answer_num(&a, "room/reserve_bytes"));
    assert_true(answer_num(&a, "room/reserve_bytes") > 0 && answer_num(&a, "room/disk_free_bytes") > 0);
    (void)snprintf(oldest, sizeof oldest, "%s", answer_str(&a, "journal/oldest_event"));
    assert_true(strcmp(oldest, answer_str(&a, "journal/newest_event")) < 0);
    answer_done(&a);
    gate_expect(&w.gate, 400, "unknown_parameter", "", "GET", "/v1/store?cuont=true", NULL);
    gate_expect(&w.gate, 400, "invalid_parameter", "", "GET", "/v1/store?count=yes", NULL);
    backup(&w, "b");
    /* All of it is in LMDB after a restart. */
    gate_stop(&w.gate);
    gate_again(&w.gate);
    a = counted(&w);
    assert_int_equal(entries(&a, "message"), 5);
    assert_int_equal(entries(&a, "customer"), 1);
    assert_int_equal(entries(&a, "media"), 1);
    assert_int_equal(entries(&a, "key"), 1);
    assert_int_equal(entries(&a, "case"), 0);
    assert_int_equal(answer_num(&a, "counted/media_files"), 1);
    assert_int_equal(answer_num(&a, "counted/media_bytes"), PHOTO_BYTES);
    assert_true(answer_num(&a, "counted/free_bytes") > 0);
    assert_string_equal(answer_str(&a, "journal/oldest_event"), oldest);
    assert_true(strcmp(oldest, answer_str(&a, "journal/newest_event")) < 0);
    assert_true(answer_num(&a, "context/sequence") >= seq);
    assert_int_equal(answer_num(&a, "last_backup/sequence"), seq);
    (void)snprintf(made, sizeof made, "%s", answer_str(&a, "last_backup/made"));
    assert_true(strcmp(made, oldest) > 0);
    answer_done(&a);
    says(hilo(&w, 0, "store", "stats", "--count", NULL), "idempotency_age");
    world_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_backup_under_load_has_all_that_was_acknowledged),
        cmocka_unit_test(what_was_in_flight_is_in_doubt_and_not_sent_again),
        cmocka_unit_test(a_backup_since_another_links_what_is_equal),
        cmocka_unit_test(files_of_channels_come_along),
        cmocka_unit_test(a_damaged_backup_is_not_restored),
        cmocka_unit_test(a_restore_replaces_nothing_unless_told),
        cmocka_unit_test(an_interrupted_restore_is_never_served),
        cmocka_unit_test(a_backup_goes_only_where_nothing_is),
        cmocka_unit_test(without_room_a_backup_fails_and_the_gateway_goes_on),
        cmocka_unit_test(killed_a_backup_leaves_nothing_that_could_be_taken_for_one),
        cmocka_unit_test(the_store_tells_what_it_holds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
