/* hilo-sim-twilio: options, start, one line on stdout when it listens, and an orderly end by a signal. */
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
    "hilo-sim-twilio: plays Twilio's Messages API, for tests and demos\n"
    "\n"
    "  --port N        listen on this port of 127.0.0.1; 0 (the default) picks a free one\n"
    "  --config JSON   an object as for POST /_sim/config; may come several times\n"
    "  --exit-on-eof   end when standard input closes\n"
    "  --help\n"
    "\n"
    "Prints \"ready port=N\" when it listens. SIGTERM and SIGINT end it. The control API is under /_sim/:\n"
    "tools/sim/twilio/README.md has it with examples.\n";

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
        fprintf(stderr, "hilo-sim-twilio: --config: %s\n", why);
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
                fputs("hilo-sim-twilio: --port must be a number to 65535\n", stderr);
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
            fputs("hilo-sim-twilio: --help lists the options\n", stderr);
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

static int run(struct sim *s, unsigned port, bool eof)
{
    sigset_t set;
    int signals, rc = 1;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL); /* before any thread starts: only the descriptor sees them */
    signal(SIGPIPE, SIG_IGN);
    signals = signalfd(-1, &set, SFD_CLOEXEC);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    if (!http_start(s, port)) {
        fprintf(stderr, "hilo-sim-twilio: cannot listen on 127.0.0.1:%u\n", port);
    } else if (!webhook_start(s)) {
        fputs("hilo-sim-twilio: cannot start a thread\n", stderr);
        MHD_stop_daemon(s->daemon);
    } else {
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
    }
    curl_global_cleanup();
    close(signals);
    return rc;
}

int main(int argc, char **argv)
{
    struct sim *s = must(calloc(1, sizeof *s));
    pthread_condattr_t attr;
    struct message *m;
    unsigned port = 0;
    bool eof = false;
    int rc;

    s->conf = (struct conf){.account_sid = "AC00000000000000000000000000000001",
                            .auth_token = "sim-token",
                            .service_sid = "MG00000000000000000000000000000001",
                            .retry_min_ms = 100,
                            .retry_max_ms = 2000,
                            .timeout_ms = 15000};
    s->faults = (struct faults){.statuses = {"queued", "sent", "delivered"},
                                .n_statuses = 3,
                                .error_code = 30008,
                                .error = 20001,
                                .error_status = 400};
    s->last = &s->messages;
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->changed, &attr);
    rc = read_options(argc, argv, s, &port, &eof);
    if (rc < 0)
        rc = run(s, port, eof);
    while ((m = s->messages)) {
        s->messages = m->next;
        cJSON_Delete(m->form);
        free(m);
    }
    free(s);
    return rc;
}
