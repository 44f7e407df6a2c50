/*
 * A backup beside a writer, at the moments that matter: LMDB's copy is interposed here, so
 * that what happens meanwhile is up to the test.
 */
#include "test_store_tools.h"

#include "store/backup.h"
#include "store/restore.h"
#include <dlfcn.h>
#include <errno.h>
#include <lmdb.h>
#include <pthread.h>
#include <signal.h>

enum { PEOPLE = 50, PIECE = 1 << 16 };

static struct {
    struct rig *rig;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool busy;    /* people are made and flushed before LMDB is copied */
    bool after;   /* more when the position was taken, before the journal is copied */
    bool endless; /* the copy does not end by itself */
    bool begun;
} copy = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* More events, on disk and in LMDB. */
static void go_on(struct rig *r)
{
    struct store_stats st;
    char phone[16];
    static unsigned n;

    for (unsigned i = 0; i < PEOPLE; i++) {
        (void)snprintf(phone, sizeof phone, "+57300%07u", n++);
        (void)rig_person(r, phone);
    }
    do {
        (void)store_tick(r->store);
        sched_yield();
        store_stats(r->store, &st);
    } while (st.reached < st.seq);
}

/* LMDB's own is behind this one. */
int mdb_env_copyfd2(MDB_env *env, int fd, unsigned flags)
{
    int (*real)(MDB_env *, int, unsigned);
    void *p = dlsym(RTLD_NEXT, "mdb_env_copyfd2");
    static const char junk[PIECE];

    assert_non_null(p);
    memcpy(&real, &p, sizeof real);
    pthread_mutex_lock(&copy.lock);
    copy.begun = true;
    pthread_cond_broadcast(&copy.changed);
    pthread_mutex_unlock(&copy.lock);
    if (copy.busy)
        go_on(copy.rig);
    while (copy.endless)
        if (write(fd, junk, sizeof junk) < 0)
            return errno;
    return real(env, fd, flags);
}

/* The journal's folder is made when the position is known. */
int mkdirat(int at, const char *name, mode_t mode)
{
    int (*real)(int, const char *, mode_t);
    void *p = dlsym(RTLD_NEXT, "mkdirat");

    assert_non_null(p);
    memcpy(&real, &p, sizeof real);
    if (copy.after && strcmp(name, "journal") == 0) {
        copy.after = false;
        go_on(copy.rig);
    }
    return real(at, name, mode);
}

static void begin(struct rig *r, const char *name, char dir[160])
{
    struct backup_order o = {0};

    (void)snprintf(dir, 160, "%s/%s", r->dir, name);
    o.dir = str(dir);
    copy.rig = r;
    copy.begun = false;
    OK(r, backup_start(store_backup(r->store), &o, &r->err));
}

/* No event tells of its end but its state. */
static struct backup_state ended(struct rig *r)
{
    struct backup_state s;

    do {
        sched_yield();
        backup_state(store_backup(r->store), &s);
    } while (s.phase == BACKUP_RUNNING);
    return s;
}

/* The rig goes on with what the backup holds. */
static void restore(struct rig *r, const char *dir)
{
    char data[sizeof r->dir], aside[64];
    struct manifest m;

    store_close(&r->store);
    (void)snprintf(data, sizeof data, "/tmp/hilo-store-XXXXXX");
    assert_non_null(mkdtemp(data));
    const struct restore_options o = {.backup = dir, .data_dir = data};
    OK(r, store_restore(&o, &m, aside, &r->err));
    assert_string_equal(aside, "");
    folder_remove(r->dir);
    memcpy(r->dir, data, sizeof data);
    rig_open(r);
    assert_int_equal(r->seq, m.seq);
    rig_clean(r);
}

static void the_context_is_never_ahead_of_the_journal(void **state)
{
    struct rig *r = *state;
    char dir[160];
    uint64_t before;

    go_on(r);
    before = r->seq;
    copy.busy = true;
    begin(r, "b", dir);
    struct backup_state s = ended(r);
    copy.busy = false;
    assert_string_equal(s.err.text, "");
    assert_int_equal(s.phase, BACKUP_DONE);
    assert_true(r->seq > before);
    assert_int_equal(s.seq, r->seq); /* what came while LMDB was copied is there, too */
    restore(r, dir);
    assert_int_equal(r->seq, s.seq);
}

static void what_is_not_on_disk_is_not_in_it(void **state)
{
    struct rig *r = *state;
    const struct ev_customer_created ev = {.id = rig_id(r), .name = STR("Luis")};
    char dir[160];
    uint64_t seq;

    go_on(r);
    seq = r->seq;
    rig_append(r, &ev_desc_customer_created, &ev);
    begin(r, "b", dir);
    struct backup_state s = ended(r);
    assert_int_equal(s.phase, BACKUP_DONE);
    assert_int_equal(s.seq, seq);
    rig_commit(r);
    restore(r, dir);
    assert_int_equal(r->seq, seq);
    /* And it goes on where the backup ends. */
    go_on(r);
    rig_clean(r);
}

static void what_comes_after_its_position_is_not_in_it(void **state)
{
    struct rig *r = *state;
    char dir[160];
    uint64_t seq;

    go_on(r);
    seq = r->seq;
    copy.after = true;
    begin(r, "b", dir);
    struct backup_state s = ended(r);
    assert_int_equal(s.phase, BACKUP_DONE);
    assert_true(!copy.after && r->seq > seq);
    assert_int_equal(s.seq, seq);
    restore(r, dir);
    assert_int_equal(r->seq, seq);
    go_on(r);
    rig_clean(r);
}

static void wait_begun(void)
{
    pthread_mutex_lock(&copy.lock);
    while (!copy.begun)
        pthread_cond_wait(&copy.changed, &copy.lock);
    pthread_mutex_unlock(&copy.lock);
}

static void a_stop_ends_it_and_leaves_nothing(void **state)
{
    struct rig *r = *state;
    char dir[160], partial[180];
    struct stat st;

    go_on(r);
    copy.endless = true;
    begin(r, "b", dir);
    wait_begun();
    (void)snprintf(partial, sizeof partial, "%s.partial", dir);
    assert_int_equal(stat(partial, &st), 0);
    struct backup_order second = {.dir = STR("/tmp/hilo-another")};
    assert_int_equal(backup_start(store_backup(r->store), &second, &r->err), HILO_AGAIN);
    assert_non_null(strstr(r->err.text, "a backup is being made already"));
    store_close(&r->store);
    copy.endless = false;
    assert_int_equal(stat(partial, &st), -1);
    assert_int_equal(stat(dir, &st), -1);
    rig_open(r);
    rig_clean(r);
}

static void paths_that_can_not_be_are_refused(void **state)
{
    struct rig *r = *state;
    static const char *const bad[] = {"", "b", "./b", "/", "//", "/tmp/..", "/tmp/.", "/tmp/../.."};
    char long_one[2 * BACKUP_PATH];

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct backup_order o = {.dir = str(bad[i])};
        if (backup_start(store_backup(r->store), &o, &r->err) != HILO_INVALID)
            fail_msg("\"%s\" was taken", bad[i]);
    }
    memset(long_one, 'a', sizeof long_one);
    long_one[0] = '/';
    struct backup_order o = {.dir = str_n(long_one, sizeof long_one)};
    assert_int_equal(backup_start(store_backup(r->store), &o, &r->err), HILO_INVALID);
    o.dir = str_n(long_one, 400); /* of one name */
    assert_int_equal(backup_start(store_backup(r->store), &o, &r->err), HILO_INVALID);
    o = (struct backup_order){.dir = STR("/tmp/hilo-b"), .since = STR("relative")};
    assert_int_equal(backup_start(store_backup(r->store), &o, &r->err), HILO_INVALID);
    struct backup_state s;
    backup_state(store_backup(r->store), &s);
    assert_int_equal(s.phase, BACKUP_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_context_is_never_ahead_of_the_journal, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(what_is_not_on_disk_is_not_in_it, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(what_comes_after_its_position_is_not_in_it, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(a_stop_ends_it_and_leaves_nothing, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(paths_that_can_not_be_are_refused, rig_setup, rig_teardown),
    };

    (void)signal(SIGPIPE, SIG_IGN); /* as the daemon has it */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
