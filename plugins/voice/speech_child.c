/*
 * Children that speak: espeak-ng, or what takes its arguments. A child's standard input, output and errors
 * are files in memory, so nothing is written or read while it runs: its end is all there is to wait for, by a
 * pidfd. The text is in the file, not among the arguments, which every user of the machine can see. The
 * environment is not passed on, since it may hold the gateway's secrets.
 *
 * Each child is the leader of a process group, so that what it may have started ends with it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "speech_int.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SOUND_MAX = 128 << 20, WORDS_MAX = 4096 };

char *speech__read(int fd, size_t max, size_t *n_out)
{
    const off_t size = lseek(fd, 0, SEEK_END);
    size_t n = 0;
    ssize_t got = 1;
    char *p;

    if (size < 0)
        return NULL;
    if ((uint64_t)size > max) {
        errno = EFBIG;
        return NULL;
    }
    p = malloc((size_t)size + 1);
    while (p && n < (size_t)size && got) {
        got = pread(fd, p + n, (size_t)size - n, (off_t)n);
        if (got < 0 && errno != EINTR) {
            free(p);
            return NULL;
        }
        n += got > 0 ? (size_t)got : 0;
    }
    if (p)
        p[n] = 0;
    *n_out = n;
    return p;
}

static int memory_file(const char *bytes, size_t n)
{
    const int fd = memfd_create("hilo-voice", MFD_CLOEXEC);
    size_t at = 0;
    ssize_t put;

    while (fd >= 0 && at < n) {
        put = pwrite(fd, bytes + at, n - at, (off_t)at);
        if (put < 0 && errno != EINTR) {
            (void)close(fd);
            return -1;
        }
        at += put > 0 ? (size_t)put : 0;
    }
    return fd;
}

/* What a child is given of the gateway: three files and nothing else. 0 or an error's number. */
static int spawn(const struct speech *s, char *voice, int text, int sound, int words, pid_t *pid_out)
{
    char speed[16], data[512];
    char *const argv[] = {s->program,     (char[]){"-m"}, (char[]){"-b1"},     (char[]){"-v"},       voice,
                          (char[]){"-s"}, speed,          (char[]){"--stdin"}, (char[]){"--stdout"}, NULL};
    const char *where = getenv("ESPEAK_DATA_PATH");
    /* Though it writes to its output, espeak-ng opens the machine's sound: it would make folders for
     * PulseAudio in its home and in /tmp, and ask whoever listens there. */
    char *const environment[] = {(char[]){"LC_ALL=C.UTF-8"},
                                 (char[]){"PATH=/usr/local/bin:/usr/bin:/bin"},
                                 (char[]){"HOME=/dev/null"},
                                 (char[]){"PULSE_SERVER=unix:/dev/null"},
                                 (char[]){"ALSA_CONFIG_PATH=/dev/null"},
                                 where ? data : NULL,
                                 NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t none, all;
    int rc;

    (void)snprintf(speed, sizeof speed, "%u", (unsigned)s->words_per_minute);
    (void)snprintf(data, sizeof data, "ESPEAK_DATA_PATH=%s", where ? where : "");
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    if (posix_spawn_file_actions_init(&files) != 0)
        return ENOMEM;
    if (posix_spawnattr_init(&how) != 0) {
        (void)posix_spawn_file_actions_destroy(&files);
        return ENOMEM;
    }
    rc = posix_spawn_file_actions_adddup2(&files, text, 0);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(&files, sound, 1);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(&files, words, 2);
    if (rc == 0)
        rc = posix_spawn_file_actions_addclosefrom_np(&files, 3);
    if (rc == 0)
        rc = posix_spawnattr_setflags(&how,
                                      POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    if (rc == 0)
        rc = posix_spawnattr_setsigmask(&how, &none);
    if (rc == 0)
        rc = posix_spawnattr_setsigdefault(&how, &all);
    if (rc == 0)
        rc = posix_spawnp(pid_out, s->program, &files, &how, argv, environment);
    (void)posix_spawnattr_destroy(&how);
    (void)posix_spawn_file_actions_destroy(&files);
    return rc;
}

static void close_files(struct child *c)
{
    if (c->sound >= 0)
        (void)close(c->sound);
    if (c->words >= 0)
        (void)close(c->words);
    c->sound = c->words = -1;
}

/* What it must not exceed even if nobody is there any more to end it. And it computes for a tenth of a
 * second, while calls need the processor every 20 ms: SCHED_BATCH never takes it from them at once. */
static void bound(const struct speech *s, pid_t pid)
{
    const struct rlimit time = {(rlim_t)(s->limit_us / 1000000 + 1), (rlim_t)(s->limit_us / 1000000 + 1)},
                        size = {SOUND_MAX, SOUND_MAX}, core = {0, 0};

    (void)sched_setscheduler(pid, SCHED_BATCH, &(const struct sched_param){0});
    (void)prlimit(pid, RLIMIT_CPU, &time, NULL);
    (void)prlimit(pid, RLIMIT_FSIZE, &size, NULL);
    (void)prlimit(pid, RLIMIT_CORE, &core, NULL);
}

/* Text is spoken: the child runs and is watched; else why not. */
static bool start(struct speech *s, struct child *c, struct item *i, char why[SPEECH_WHY])
{
    const int text = memory_file(i->ssml, i->n_ssml);
    int rc = 0;

    *c = (struct child){.watched = -1, .sound = memory_file("", 0), .words = memory_file("", 0), .item = i};
    if (text < 0 || c->sound < 0 || c->words < 0)
        rc = errno;
    else
        rc = spawn(s, s->voice[i->language], text, c->sound, c->words, &c->pid);
    if (text >= 0)
        (void)close(text);
    if (rc == ENOENT)
        (void)snprintf(
            why, SPEECH_WHY,
            "the program %s is not there; install it (Debian: apt install espeak-ng) or name another by "
            "the channel's option espeak",
            s->program);
    else if (rc)
        (void)snprintf(why, SPEECH_WHY, "%s can't be started: %s", s->program, strerror(rc));
    if (rc) {
        c->pid = 0;
        close_files(c);
        return false;
    }
    bound(s, c->pid);
    c->deadline_us = s->host->mono_us(s->self) + s->limit_us;
    c->watched = pidfd_open(c->pid, 0);
    if (c->watched >= 0 && s->host->watch(s->self, c->watched, HILO_READ) == HILO_OK)
        return true;
    (void)snprintf(why, SPEECH_WHY, "%s can't be watched; raise the limit of open files", s->program);
    (void)kill(-c->pid, SIGKILL);
    if (c->watched >= 0)
        (void)close(c->watched);
    while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    c->pid = 0;
    close_files(c);
    return false;
}

void speech__children_start(struct speech *s)
{
    char why[SPEECH_WHY];
    unsigned k = 0;

    while (s->queued && k < s->children) {
        struct item *i = s->queued;
        struct child *c = &s->child[k];
        if (c->pid) {
            k++;
            continue;
        }
        DL_DELETE(s->queued, i);
        s->n_queued--;
        i->state = ITEM_SPOKEN;
        if (!start(s, c, i, why))
            speech__spoken(s, i, NULL, 0, why);
    }
}

struct child *speech__child_of(struct speech *s, int32_t fd)
{
    unsigned k;

    for (k = 0; k < s->children; k++)
        if (s->child[k].pid && s->child[k].watched == fd)
            return &s->child[k];
    return NULL;
}

/* The last line that it wrote to its standard error: what it ended with. */
static void complaint(const struct child *c, char out[200])
{
    char text[WORDS_MAX];
    const off_t size = lseek(c->words, 0, SEEK_END);
    const ssize_t got = pread(c->words, text, sizeof text, size > WORDS_MAX ? size - WORDS_MAX : 0);
    size_t end = got > 0 ? (size_t)got : 0, from;

    while (end && (text[end - 1] == '\n' || text[end - 1] == '\r'))
        end--;
    for (from = end; from && text[from - 1] != '\n' && end - from < 199; from--)
        ;
    memcpy(out, text + from, end - from);
    out[end - from] = 0;
}

/* Its WAV; NULL: why. */
static char *result(const struct speech *s, const struct child *c, const siginfo_t *info, size_t *n_out,
                    char why[SPEECH_WHY])
{
    char said[200], *sound = NULL;

    complaint(c, said);
    if (c->overdue)
        (void)snprintf(why, SPEECH_WHY, "%s took longer than %u s and was ended", s->program,
                       (unsigned)(s->limit_us / 1000000));
    else if (info->si_code != CLD_EXITED)
        (void)snprintf(why, SPEECH_WHY, "%s was ended by signal %d (%s)%s%s", s->program, info->si_status,
                       strsignal(info->si_status), *said ? ": " : "", said);
    else if (info->si_status != 0)
        (void)snprintf(why, SPEECH_WHY, "%s failed with status %d%s%s", s->program, info->si_status,
                       *said ? ": " : "", said);
    else if (!(sound = speech__read(c->sound, SOUND_MAX, n_out)))
        (void)snprintf(why, SPEECH_WHY, "what %s wrote can't be read: %s", s->program, strerror(errno));
    if (sound && *n_out == 0) {
        (void)snprintf(why, SPEECH_WHY, "%s wrote no sound%s%s", s->program, *said ? ": " : "", said);
        free(sound);
        sound = NULL;
    }
    return sound;
}

void speech__child_ended(struct speech *s, struct child *c)
{
    struct item *i = c->item;
    char why[SPEECH_WHY] = "";
    char *sound = NULL;
    size_t n = 0;
    siginfo_t info = {0};
    int rc;

    do
        rc = waitid(P_PIDFD, (id_t)c->watched, &info, WEXITED | WNOHANG | WNOWAIT);
    while (rc != 0 && errno == EINTR);
    if (rc == 0 && info.si_pid == 0)
        return;                   /* it runs */
    (void)kill(-c->pid, SIGKILL); /* what it has left behind, before the number can be another's */
    while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    (void)s->host->watch(s->self, c->watched, 0);
    (void)close(c->watched);
    if (i && rc != 0)
        (void)snprintf(why, SPEECH_WHY, "how %s ended is not known: %s", s->program, strerror(errno));
    else if (i)
        sound = result(s, c, &info, &n, why);
    close_files(c);
    c->pid = 0;
    c->item = NULL;
    if (i)
        speech__spoken(s, i, sound, n, why);
    speech__children_start(s);
}

int64_t speech__children_overdue(struct speech *s, int64_t now_us)
{
    int64_t next = INT64_MAX;
    unsigned k;

    for (k = 0; k < s->children; k++) {
        struct child *c = &s->child[k];
        if (c->pid && !c->overdue && c->deadline_us <= now_us) {
            c->overdue = true;
            (void)kill(-c->pid, SIGKILL);
        }
        if (c->pid && !c->overdue && c->deadline_us < next)
            next = c->deadline_us;
    }
    return next;
}

void speech__child_drop(struct speech *s, struct item *i)
{
    unsigned k;

    for (k = 0; k < s->children; k++)
        if (s->child[k].pid && s->child[k].item == i) {
            s->child[k].item = NULL;
            (void)kill(-s->child[k].pid, SIGKILL);
        }
}

void speech__children_end(struct speech *s)
{
    unsigned k;

    for (k = 0; k < s->children; k++) {
        struct child *c = &s->child[k];
        if (!c->pid)
            continue;
        c->item = NULL;
        (void)kill(-c->pid, SIGKILL);
        while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
            ;
        (void)s->host->watch(s->self, c->watched, 0);
        (void)close(c->watched);
        close_files(c);
        c->pid = 0;
    }
}
