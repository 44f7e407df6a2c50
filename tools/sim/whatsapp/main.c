/* hilo-sim-whatsapp: options, start, one line on stdout when it listens, and an orderly end by a signal. */
#include "sim.h"

#include <curl/curl.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const char help[] =
    "hilo-sim-whatsapp: plays Meta's side of the WhatsApp Cloud API, for tests and the demo\n"
    "\n"
    "  --port N                  listen on this port; 0 (the default) picks a free one\n"
    "  --address A               listen on this IPv4 address (127.0.0.1)\n"
    "  --webhook-url URL         where webhooks go; without it none are sent\n"
    "  --app-secret TEXT         signs webhooks (sim-app-secret)\n"
    "  --token TEXT              the access token that clients must give (sim-token)\n"
    "  --phone-number-id ID      of the business number (106540352242922)\n"
    "  --waba-id ID              of the business account (102290129340398)\n"
    "  --display-phone-number N  the business number itself, digits (15550783881)\n"
    "  --templates FILE          a JSON array of templates\n"
    "  --config FILE             a JSON object as for POST /_sim/config; options given after it win\n"
    "  --faults FILE             a JSON object as for POST /_sim/faults\n"
    "  --connections N           webhooks leave on this many connections (1; one keeps their order)\n"
    "  --batch N                 up to N events in one webhook (1)\n"
    "  --retry-min-ms N          the first back-off of a webhook (100); doubles up to\n"
    "  --retry-max-ms N          … this (2000)\n"
    "  --no-window               send free-form messages outside the 24-hour window too\n"
    "  --keep N                  messages of each direction that stay readable (100000)\n"
    "  --queue N                 webhooks that may wait (1000000)\n"
    "  --media-mb N              all media together (512)\n"
    "  --exit-on-eof             end when standard input closes\n"
    "  --help, --version\n"
    "\n"
    "Prints \"ready port=N\" when it listens. SIGTERM and SIGINT end it. The control API is under /_sim/:\n"
    "tools/sim/whatsapp/README.md has it with examples.\n";

struct options {
    const char *address;
    long port, connections, keep, queue, media_mb;
    bool exit_on_eof;
    cJSON *conf, *faults;
};

enum {
    OPT_ADDRESS = 256,
    OPT_PORT,
    OPT_TEXT,
    OPT_TEMPLATES,
    OPT_CONFIG,
    OPT_FAULTS,
    OPT_CONNECTIONS,
    OPT_NUMBER,
    OPT_NO_WINDOW,
    OPT_KEEP,
    OPT_QUEUE,
    OPT_MEDIA,
    OPT_EOF,
    OPT_HELP,
    OPT_VERSION
};

static const struct option longs[] = {
    {"address", required_argument, NULL, OPT_ADDRESS},
    {"port", required_argument, NULL, OPT_PORT},
    {"webhook-url", required_argument, NULL, OPT_TEXT},
    {"app-secret", required_argument, NULL, OPT_TEXT},
    {"token", required_argument, NULL, OPT_TEXT},
    {"phone-number-id", required_argument, NULL, OPT_TEXT},
    {"waba-id", required_argument, NULL, OPT_TEXT},
    {"display-phone-number", required_argument, NULL, OPT_TEXT},
    {"templates", required_argument, NULL, OPT_TEMPLATES},
    {"config", required_argument, NULL, OPT_CONFIG},
    {"faults", required_argument, NULL, OPT_FAULTS},
    {"connections", required_argument, NULL, OPT_CONNECTIONS},
    {"batch", required_argument, NULL, OPT_NUMBER},
    {"retry-min-ms", required_argument, NULL, OPT_NUMBER},
    {"retry-max-ms", required_argument, NULL, OPT_NUMBER},
    {"no-window", no_argument, NULL, OPT_NO_WINDOW},
    {"keep", required_argument, NULL, OPT_KEEP},
    {"queue", required_argument, NULL, OPT_QUEUE},
    {"media-mb", required_argument, NULL, OPT_MEDIA},
    {"exit-on-eof", no_argument, NULL, OPT_EOF},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {0},
};

static bool number(const char *text, long min, long max, const char *name, long *out)
{
    if (!is_digits(text, 1, 9) || atol(text) < min || atol(text) > max) {
        fprintf(stderr, "hilo-sim-whatsapp: --%s must be a number from %ld to %ld, not \"%s\"\n", name, min,
                max, text);
        return false;
    }
    *out = atol(text);
    return true;
}

static cJSON *read_json(const char *path, const char *option)
{
    struct sbuf b = {0};
    char chunk[8192];
    FILE *f = fopen(path, "rb");
    if (!f) {
        fprintf(stderr, "hilo-sim-whatsapp: --%s %s: %s\n", option, path, strerror(errno));
        return NULL;
    }
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, f)) > 0 && b.n < CONTROL_BODY_MAX;)
        sbuf_add(&b, chunk, n);
    fclose(f);
    cJSON *json = b.p && utf8_valid(b.p, b.n) ? cJSON_ParseWithLengthOpts(b.p, b.n + 1, NULL, true) : NULL;
    if (!json)
        fprintf(stderr, "hilo-sim-whatsapp: --%s %s: not valid JSON in UTF-8\n", option, path);
    sbuf_free(&b);
    return json;
}

/* Sets `key` of the configuration that is being gathered; '-' of an option's name becomes '_'. */
static void gather(struct options *o, const char *option, cJSON *value)
{
    char key[40];
    snprintf(key, sizeof key, "%s", option);
    for (char *p = key; *p; p++)
        *p = *p == '-' ? '_' : *p;
    cJSON_DeleteItemFromObjectCaseSensitive(o->conf, key);
    cJSON_AddItemToObject(o->conf, key, value);
}

static bool take_file(struct options *o, int kind, const char *name, const char *path)
{
    cJSON *json = read_json(path, name);
    if (!json)
        return false;
    if (kind == OPT_TEMPLATES) {
        gather(o, name, json);
    } else if (kind == OPT_FAULTS) {
        cJSON_Delete(o->faults);
        o->faults = json;
    } else if (!cJSON_IsObject(json)) {
        fprintf(stderr, "hilo-sim-whatsapp: --%s %s: must hold an object\n", name, path);
        cJSON_Delete(json);
        return false;
    } else {
        while (json->child) {
            cJSON *v = cJSON_DetachItemViaPointer(json, json->child);
            char *key = xstrdup(v->string);
            gather(o, key, v);
            free(key);
        }
        cJSON_Delete(json);
    }
    return true;
}

/* The exit status when the program is to end now, -1 to go on. */
static int read_options(int argc, char **argv, struct options *o)
{
    int index = 0;
    long n = 0;
    for (int c; (c = getopt_long(argc, argv, "", longs, &index)) != -1;) {
        const char *name = c >= OPT_ADDRESS ? longs[index].name : "";
        bool good = true;
        switch (c) {
        case OPT_ADDRESS:
            o->address = optarg;
            break;
        case OPT_PORT:
            good = number(optarg, 0, 65535, name, &o->port);
            break;
        case OPT_TEXT:
            gather(o, name, cJSON_CreateString(optarg));
            break;
        case OPT_TEMPLATES:
        case OPT_CONFIG:
        case OPT_FAULTS:
            good = take_file(o, c, name, optarg);
            break;
        case OPT_CONNECTIONS:
            good = number(optarg, 1, 64, name, &o->connections);
            break;
        case OPT_NUMBER:
            good = number(optarg, 1, 999999999, name, &n);
            gather(o, name, cJSON_CreateNumber((double)n));
            break;
        case OPT_NO_WINDOW:
            gather(o, "enforce_window", cJSON_CreateFalse());
            break;
        case OPT_KEEP:
            good = number(optarg, 1, 10000000, name, &o->keep);
            break;
        case OPT_QUEUE:
            good = number(optarg, 1, 100000000, name, &o->queue);
            break;
        case OPT_MEDIA:
            good = number(optarg, 1, 100000, name, &o->media_mb);
            break;
        case OPT_EOF:
            o->exit_on_eof = true;
            break;
        case OPT_HELP:
            fputs(help, stdout);
            return 0;
        case OPT_VERSION:
            puts("hilo-sim-whatsapp " HILO_VERSION);
            return 0;
        default:
            fputs("hilo-sim-whatsapp: --help lists the options\n", stderr);
            return 2;
        }
        if (!good)
            return 2;
    }
    if (optind < argc) {
        fprintf(stderr, "hilo-sim-whatsapp: unexpected argument \"%s\"; --help lists the options\n",
                argv[optind]);
        return 2;
    }
    return -1;
}

static void wait_for_the_end(int signals, bool watch_stdin)
{
    struct pollfd fds[] = {{.fd = signals, .events = POLLIN},
                           {.fd = watch_stdin ? STDIN_FILENO : -1, .events = POLLIN}};
    char drained[512];
    for (;;) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return;
        if (fds[0].revents)
            return;
        if (fds[1].revents && read(STDIN_FILENO, drained, sizeof drained) <= 0)
            return;
    }
}

int main(int argc, char **argv)
{
    struct options o = {
        .address = "127.0.0.1", .connections = 1, .keep = 100000, .queue = 1000000, .media_mb = 512};
    struct sim *s = xcalloc(1, sizeof *s);
    char why[300];
    sigset_t set;
    o.conf = cJSON_CreateObject();
    int rc = read_options(argc, argv, &o), signals = -1;
    if (rc >= 0)
        goto out;
    rc = 1;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL); /* before any thread starts, so that only the descriptor sees them */
    signal(SIGPIPE, SIG_IGN);
    signals = signalfd(-1, &set, SFD_CLOEXEC);
    if (signals < 0) {
        perror("hilo-sim-whatsapp: signalfd");
        goto out;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    state_init(s, (size_t)o.keep);
    conf_init(s);
    s->queue_max = (size_t)o.queue;
    s->media_bytes_max = (uint64_t)o.media_mb << 20;
    if (!conf_apply(s, o.conf, why, sizeof why) ||
        (o.faults && !faults_apply(s, o.faults, why, sizeof why)) ||
        !http_start(s, o.address, (uint16_t)o.port, why, sizeof why)) {
        fprintf(stderr, "hilo-sim-whatsapp: %s\n", why);
    } else if (!webhook_start(s, (size_t)o.connections)) {
        fputs("hilo-sim-whatsapp: cannot start the threads for webhooks\n", stderr);
    } else {
        printf("ready port=%u\n", s->port);
        fflush(stdout);
        wait_for_the_end(signals, o.exit_on_eof);
        rc = 0;
    }
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_cond_broadcast(&s->changed);
    pthread_cond_broadcast(&s->work);
    pthread_cond_broadcast(&s->stop);
    pthread_mutex_unlock(&s->lock);
    http_stop(s);
    webhook_stop(s);
    media_free_all(s);
    state_free(s);
    curl_global_cleanup();
    close(signals);
out:
    cJSON_Delete(o.conf);
    cJSON_Delete(o.faults);
    free(s);
    return rc;
}
