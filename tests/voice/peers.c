/* See peers.h. */
#include "peers.h"
#include "lab.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

static const char sipp_program[] = "/usr/bin/sipp";

/* text with each `word` replaced; free() it. */
static char *replaced(const char *text, const char *word, const char *by)
{
    size_t n = strlen(text), each = strlen(by), len = 0;
    char *out = malloc(n + 16 * each + 1);
    const char *p;

    assert_non_null(out);
    for (; (p = strstr(text, word)) != NULL; text = p + strlen(word)) {
        memcpy(out + len, text, (size_t)(p - text));
        len += (size_t)(p - text);
        memcpy(out + len, by, each);
        len += each;
    }
    (void)strcpy(out + len, text);
    return out;
}

void kamailio_up(struct kamailio *k, struct scratch *s)
{
    static const char tail[] = "/usr/sbin/kamailio";
    const char *unpack[] = {"/bin/sh", "tests/voice/kamailio.sh", NULL};
    char config[256], run[256], program[256], root[256], libraries[700], by[400], *one, *two;
    const char *argv[] = {"/usr/bin/env", libraries, program, "-f", config, "-DD", "-E",
                          "-m",           "32",      "-M",    "8",  "-Y",   run,   NULL};
    struct process *p = process_start(unpack);
    size_t n;

    one = process_output(p);
    n = strcspn(one, "\n");
    if (process_wait(p) || n <= strlen(tail) || n >= sizeof program)
        fail_msg("Kamailio is not there: %s", one);
    process_free(&p);
    (void)snprintf(program, sizeof program, "%.*s", (int)n, one);
    (void)snprintf(root, sizeof root, "%.*s", (int)(n - strlen(tail)), one);
    free(one);
    (void)snprintf(libraries, sizeof libraries,
                   "LD_LIBRARY_PATH=%s/usr/lib/" HILO_MULTIARCH ":%s/usr/lib/" HILO_MULTIARCH "/kamailio",
                   root, root);
    k->port = free_port();
    one = file_read("tests/voice/kamailio.cfg", NULL);
    (void)snprintf(by, sizeof by, "127.0.0.1:%d\n", k->port);
    two = replaced(one, "LISTEN\n", by);
    free(one);
    (void)snprintf(by, sizeof by, "\"%s/usr/lib/" HILO_MULTIARCH "/kamailio/modules\"", root);
    one = replaced(two, "\"MODULES\"", by);
    free(two);
    (void)snprintf(config, sizeof config, "%s/kamailio.cfg", s->dir);
    file_write(config, one);
    free(one);
    (void)snprintf(run, sizeof run, "%s/kamailio", s->dir);
    assert_int_equal(mkdir(run, 0700), 0);
    k->process = process_start(argv);
    sip_awake(k->port, k->process);
}

void kamailio_down(struct kamailio *k)
{
    if (!k->process)
        return;
    process_signal(k->process, SIGTERM); /* its children end with it, as by SIGKILL they would not */
    (void)process_wait(k->process);
    process_free(&k->process);
}

static void sipp_start(struct sipp *p, struct scratch *s, const char *const *first, const char *scenario,
                       const char *const *more)
{
    static unsigned number;
    const char *argv[48] = {sipp_program};
    char file[128], errors[300], name[32], port[16], media[16];
    unsigned n = 1;

    p->port = free_port();
    (void)snprintf(name, sizeof name, "sipp%u.trace", ++number);
    (void)snprintf(p->trace, sizeof p->trace, "%s", scratch_path(s, name));
    (void)snprintf(errors, sizeof errors, "%s.errors", p->trace);
    (void)snprintf(file, sizeof file, "tests/voice/sipp/%s.xml", scenario);
    (void)snprintf(port, sizeof port, "%d", p->port);
    p->media = 2 * (free_port() / 2);
    (void)snprintf(media, sizeof media, "%d", p->media);
    const char *const fixed[] = {"-sf",
                                 file,
                                 "-i",
                                 "127.0.0.1",
                                 "-p",
                                 port,
                                 "-mp",
                                 media,
                                 "-m",
                                 "1",
                                 "-nostdin",
                                 "-trace_msg",
                                 "-message_file",
                                 p->trace,
                                 "-trace_err",
                                 "-error_file",
                                 errors,
                                 "-timeout",
                                 "120s",
                                 "-timeout_error",
                                 NULL};
    for (unsigned i = 0; first && first[i]; i++)
        argv[n++] = first[i];
    for (unsigned i = 0; fixed[i]; i++)
        argv[n++] = fixed[i];
    for (unsigned i = 0; more && more[i]; i++)
        argv[n++] = more[i];
    assert_true(n < 48);
    p->process = process_start(argv);
}

void sipp_serve(struct sipp *p, struct scratch *s, const char *scenario, const char *const *more)
{
    sipp_start(p, s, NULL, scenario, more);
}

void sipp_call(struct sipp *p, struct scratch *s, const char *scenario, const char *user, int port,
               const char *const *more)
{
    char at[64];
    const char *first[] = {at, "-s", user, NULL};

    (void)snprintf(at, sizeof at, "127.0.0.1:%d", port);
    sipp_start(p, s, first, scenario, more);
}

static void show_file(const char *path)
{
    FILE *f = fopen(path, "r");
    char line[512];

    while (f && fgets(line, sizeof line, f))
        print_message("  | %s", line);
    if (f)
        (void)fclose(f);
}

void sipp_done(struct sipp *p)
{
    char errors[264];
    int status = process_wait(p->process);

    if (status) {
        (void)snprintf(errors, sizeof errors, "%s.errors", p->trace);
        show_file(p->trace);
        show_file(errors);
    }
    assert_int_equal(status, 0);
    process_free(&p->process);
}

void sipp_saw(struct sipp *p, const char *text)
{
    char dir[256];
    struct watch *w;
    bool is = false;

    (void)snprintf(dir, sizeof dir, "%.*s", (int)(strrchr(p->trace, '/') - p->trace), p->trace);
    w = watch_new(dir);
    for (unsigned i = 0; i < DEADLINE_S && !is; i++) {
        if (access(p->trace, R_OK) == 0) {
            char *all = file_read(p->trace, NULL);
            is = strstr(all, text) != NULL;
            free(all);
        }
        if (!is)
            watch_wait(w, 1000);
    }
    watch_free(&w);
    if (!is)
        show_file(p->trace);
    assert_true(is);
}

void sipp_kill(struct sipp *p)
{
    process_free(&p->process);
}
