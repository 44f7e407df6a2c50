/* hilo-sim-smsc: options, start, one line on stdout when it listens, and an orderly end by a signal. */
#include "sim.h"

#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const char help[] =
    "hilo-sim-smsc: plays a short message service centre that speaks SMPP 3.4, for tests and demos\n"
    "\n"
    "  --port N        the HTTP control API listens on this port of 127.0.0.1; 0 (the default) picks a free "
    "one\n"
    "  --smpp N        the same for SMPP\n"
    "  --tls DIR       SMPP over TLS on one more port, with a new certificate, which is put into "
    "DIR/smsc.pem\n"
    "  --tls-name NAME of that certificate; without it 127.0.0.1\n"
    "  --config JSON   an object as for POST /_sim/config; may come several times\n"
    "  --exit-on-eof   end when standard input closes\n"
    "  --help\n"
    "\n"
    "Prints \"ready port=N smpp=N tls=N\" when it listens. SIGTERM and SIGINT end it. The control API is "
    "under\n"
    "/_sim/: tools/sim/smsc/README.md has it with examples.\n";

static const struct option longs[] = {
    {"port", required_argument, NULL, 'p'},   {"smpp", required_argument, NULL, 's'},
    {"tls", required_argument, NULL, 't'},    {"tls-name", required_argument, NULL, 'n'},
    {"config", required_argument, NULL, 'c'}, {"exit-on-eof", no_argument, NULL, 'e'},
    {"help", no_argument, NULL, 'h'},         {0}};

struct options {
    unsigned port, smpp;
    const char *tls_dir, *tls_name;
    bool eof;
};

static bool take_port(unsigned *out, const char *text)
{
    char *end;
    unsigned long v = strtoul(text, &end, 10);

    *out = (unsigned)v;
    if (*text && !*end && v <= 65535)
        return true;
    fputs("hilo-sim-smsc: a port is a number to 65535\n", stderr);
    return false;
}

static bool take_config(struct sim *s, const char *text)
{
    char why[200] = "not JSON";
    cJSON *json = cJSON_Parse(text);
    bool ok = json && conf_apply(&s->smsc, json, why);

    cJSON_Delete(json);
    if (!ok)
        fprintf(stderr, "hilo-sim-smsc: --config: %s\n", why);
    return ok;
}

/* The exit status when the program is to end now, -1 to go on. */
static int read_options(int argc, char **argv, struct sim *s, struct options *o)
{
    bool ok = true;

    for (int c; ok && (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        switch (c) {
        case 'p':
            ok = take_port(&o->port, optarg);
            break;
        case 's':
            ok = take_port(&o->smpp, optarg);
            break;
        case 't':
            o->tls_dir = optarg;
            break;
        case 'n':
            o->tls_name = optarg;
            break;
        case 'c':
            ok = take_config(s, optarg);
            break;
        case 'e':
            o->eof = true;
            break;
        case 'h':
            fputs(help, stdout);
            return 0;
        default:
            fputs("hilo-sim-smsc: --help lists the options\n", stderr);
            ok = false;
        }
    }
    return ok ? -1 : 2;
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

static void init(struct sim *s)
{
    pthread_condattr_t attr;

    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->changed, &attr);
    smsc_init(&s->smsc);
    clock_set(&s->smsc);
}

int main(int argc, char **argv)
{
    struct sim *s = zeroed(sizeof *s);
    struct options o = {.tls_name = "127.0.0.1"};
    sigset_t set;
    int signals, rc;

    init(s);
    rc = read_options(argc, argv, s, &o);
    if (rc >= 0)
        goto out;
    rc = 1;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL); /* before any thread starts: only the descriptor sees them */
    signal(SIGPIPE, SIG_IGN);
    signals = signalfd(-1, &set, SFD_CLOEXEC);
    if (!net_start(s, o.smpp, o.tls_dir, o.tls_name))
        goto close;
    if (control_start(s, o.port)) {
        printf("ready port=%u smpp=%u tls=%u\n", s->http_port, s->net.port[0], s->net.port[1]);
        fflush(stdout);
        wait_for_the_end(signals, o.eof);
        rc = 0;
    }
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    control_stop(s);
    net_stop(s);
close:
    close(signals);
out:
    smsc_done(&s->smsc);
    free(s);
    return rc;
}
