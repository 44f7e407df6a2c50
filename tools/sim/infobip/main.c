/* hilo-sim-infobip: options, start, one line on stdout when it listens, and an orderly end by a signal. */
#include "sim.h"

#include <curl/curl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const char help[] =
    "hilo-sim-infobip: plays Infobip's side of WhatsApp and SMS, for tests and demos\n"
    "\n"
    "  --port N        listen on this port of 127.0.0.1; 0 (the default) picks a free one\n"
    "  --config JSON   an object as for POST /_sim/config; may come several times\n"
    "  --exit-on-eof   end when standard input closes\n"
    "  --help\n"
    "\n"
    "Prints \"ready port=N\" when it listens. SIGTERM and SIGINT end it. The control API is under /_sim/:\n"
    "tools/sim/infobip/README.md has it with examples.\n";

static const struct option longs[] = {{"port", required_argument, NULL, 'p'},
                                      {"config", required_argument, NULL, 'c'},
                                      {"exit-on-eof", no_argument, NULL, 'e'},
                                      {"help", no_argument, NULL, 'h'},
                                      {0}};

static bool take_config(struct sim *s, const char *text)
{
    char why[200] = "not JSON";
    cJSON *json = cJSON_Parse(text);
    bool ok = json && conf_apply_locked(s, json, why);

    cJSON_Delete(json);
    if (!ok)
        fprintf(stderr, "hilo-sim-infobip: --config: %s\n", why);
    return ok;
}

/* The exit status when the program is to end now, -1 to go on. */
static int read_options(int argc, char **argv, struct sim *s, unsigned *port, bool *eof)
{
    char *end;

    for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        switch (c) {
        case 'p':
            *port = (unsigned)strtoul(optarg, &end, 10);
            if (*end || *port > 65535) {
                fputs("hilo-sim-infobip: --port must be a number to 65535\n", stderr);
                return 2;
            }
            break;
        case 'c':
            if (!take_config(s, optarg))
                return 2;
            break;
        case 'e':
            *eof = true;
            break;
        case 'h':
            fputs(help, stdout);
            return 0;
        default:
            fputs("hilo-sim-infobip: --help lists the options\n", stderr);
            return 2;
        }
    }
    return -1;
}

static void wait_for_the_end(int signals, bool watch_stdin)
{
    struct pollfd fds[] = {{.fd = signals, .events = POLLIN},
                           {.fd = watch_stdin ? STDIN_FILENO : -1, .events = POLLIN}};
    char drained[512];

    while (poll(fds, 2, -1) < 0 || !fds[0].revents)
        if (fds[1].revents && read(STDIN_FILENO, drained, sizeof drained) <= 0)
            return;
}

static void state_free(struct sim *s)
{
    struct message *m, *m2;
    struct customer *c, *c2;
    struct inbound *i, *i2;
    struct media *f, *f2;

    HASH_ITER(hh, s->messages, m, m2)
    {
        HASH_DEL(s->messages, m);
        cJSON_Delete(m->body);
        cJSON_Delete(m->media);
        free(m);
    }
    HASH_ITER(hh, s->customers, c, c2)
    {
        HASH_DEL(s->customers, c);
        free(c);
    }
    HASH_ITER(hh, s->inbound, i, i2)
    {
        HASH_DEL(s->inbound, i);
        free(i);
    }
    HASH_ITER(hh, s->media, f, f2)
    {
        HASH_DEL(s->media, f);
        free(f->p);
        free(f);
    }
    cJSON_Delete(s->conf.templates);
    free(s->error);
    free(s);
}

int main(int argc, char **argv)
{
    struct sim *s = must(calloc(1, sizeof *s));
    pthread_condattr_t attr;
    unsigned port = 0;
    bool eof = false;
    sigset_t set;
    int signals, rc;

    s->conf = (struct conf){.api_key = "sim-key",
                            .sender = "573000000000",
                            .templates = must(cJSON_CreateArray()),
                            .old_errors = true,
                            .fetch_media = true,
                            .enforce_window = true,
                            .batch = 1,
                            .retry_min_ms = 100,
                            .retry_max_ms = 2000,
                            .timeout_ms = 10000,
                            .window_s = 86400};
    s->faults = (struct faults){
        .reports = {"DELIVERED_TO_HANDSET", "SEEN"}, .n_reports = 2, .error = "EC_UNKNOWN_USER"};
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->changed, &attr);
    rc = read_options(argc, argv, s, &port, &eof);
    if (rc >= 0)
        goto out;
    rc = 1;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL); /* before any thread starts: only the descriptor sees them */
    signal(SIGPIPE, SIG_IGN);
    signals = signalfd(-1, &set, SFD_CLOEXEC);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    pthread_mutex_lock(&s->lock); /* requests wait until all is there */
    if (!http_start(s, port)) {
        pthread_mutex_unlock(&s->lock);
        fprintf(stderr, "hilo-sim-infobip: cannot listen on 127.0.0.1:%u\n", port);
        goto stop;
    }
    if (!s->conf.public_url[0])
        snprintf(s->conf.public_url, sizeof s->conf.public_url, "http://127.0.0.1:%u", s->port);
    pthread_mutex_unlock(&s->lock);
    if (!webhook_start(s)) {
        fputs("hilo-sim-infobip: cannot start a thread\n", stderr);
        MHD_stop_daemon(s->daemon);
        goto stop;
    }
    printf("ready port=%u\n", s->port);
    fflush(stdout);
    wait_for_the_end(signals, eof);
    rc = 0;
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    MHD_stop_daemon(s->daemon);
    webhook_stop(s);
stop:
    curl_global_cleanup();
    close(signals);
out:
    state_free(s);
    return rc;
}
