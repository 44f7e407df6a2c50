/* hilo-till: what the command line says. */
#include "app.h"
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- enrolment ------------------------------------------------------------------------------------------
 */

static void main__enrolled(void *arg, const struct hilotill_error *e)
{
    *(struct hilotill_error *)arg = *e;
}

int app_enroll(const struct app *app, const char *code)
{
    struct hilotill_error e, ended = {1, ""};
    struct hilotill_options o = {.size = sizeof o,
                                 .folder = app->folder,
                                 .host = app->host,
                                 .software = "hilo-till " HILO_VERSION,
                                 .language = app->spanish ? "es" : "en",
                                 .arg = &ended,
                                 .on_enrolled = main__enrolled};
    struct hilotill_status s;
    struct hilotill *t = NULL;
    int rc = EXIT_FAILED;

    if (hilotill_open(&o, &t, &e) != HILOTILL_OK || hilotill_enroll(t, code, &e) != HILOTILL_OK) {
        complain("%s", e.text);
        goto out;
    }
    while (ended.code > 0) {
        struct pollfd p = {hilotill_fd(t), POLLIN, 0};

        if (poll(&p, 1, hilotill_timeout(t)) < 0 && errno != EINTR)
            break;
        hilotill_run(t);
    }
    if (ended.code != HILOTILL_OK) {
        complain("%s", ended.text);
        goto out;
    }
    hilotill_status(t, &s);
    printf(app->spanish ? "Esta caja es ahora %s/%s (en %s).\n" : "This till is %s/%s now (at %s).\n",
           s.store, s.terminal, s.host);
    rc = EXIT_OK;
out:
    hilotill_close(&t);
    return rc;
}

/* ---- the command line
 * ---------------------------------------------------------------------------------------- */

static const char help[] =
    "hilo-till [options]              the clerk's screen\n"
    "hilo-till [options] enroll CODE  make this machine a till, with a code of `hilo pos enroll`\n"
    "hilo-till [options] --json       requests from standard input, answers and pushes on standard output\n"
    "\n"
    "  --state DIR      where the till's identity and its queue are\n"
    "  --host HOST      the gateway, instead of the one of the enrolment: HOST or HOST:PORT\n"
    "  --clerk NAME     who stands at the till\n"
    "  --reason WORDS   why people are looked up, for the audit, when the clerk says nothing else\n"
    "  --lang es|en     the language; LANG's by default\n"
    "  --drain SECONDS  of --json: after the end of input, wait so long for answers (10)\n"
    "  --can METHODS    of --json: pushes to get besides every till's: \"message.show choice.ask print\"\n"
    "  --ack             of --json: acknowledge each push as soon as it was written\n"
    "  --version, --help\n";

/* mkdir -p, as far as it is needed; hilotill_open says what is wrong with the rest. */
static void main__parents(const char *folder)
{
    char path[4096];
    char *slash;

    snprintf(path, sizeof path, "%s", folder);
    for (slash = path + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        mkdir(path, 0700);
        *slash = '/';
    }
}

static const char *main__folder(char out[4096])
{
    const char *state = getenv("HILO_TILL_STATE"), *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

    if (state && state[0])
        return state;
    if (xdg && xdg[0])
        snprintf(out, 4096, "%s/hilo-till", xdg);
    else
        snprintf(out, 4096, "%s/.local/state/hilo-till", home ? home : "");
    return out;
}

static bool main__spanish(void)
{
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    const char *v;
    size_t i;

    for (i = 0; i < sizeof names / sizeof names[0]; i++)
        if ((v = getenv(names[i])) && v[0])
            return strncmp(v, "es", 2) == 0;
    return false;
}

enum { O_STATE = 256, O_HOST, O_CLERK, O_REASON, O_LANG, O_DRAIN, O_ACK, O_CAN, O_JSON, O_VERSION, O_HELP };
static const struct option options[] = {
    {"state", required_argument, NULL, O_STATE}, {"host", required_argument, NULL, O_HOST},
    {"clerk", required_argument, NULL, O_CLERK}, {"reason", required_argument, NULL, O_REASON},
    {"lang", required_argument, NULL, O_LANG},   {"drain", required_argument, NULL, O_DRAIN},
    {"can", required_argument, NULL, O_CAN},     {"ack", no_argument, NULL, O_ACK},
    {"json", no_argument, NULL, O_JSON},         {"version", no_argument, NULL, O_VERSION},
    {"help", no_argument, NULL, O_HELP},         {NULL, 0, NULL, 0},
};

int main(int argc, char **argv)
{
    char folder[4096];
    struct app app = {.drain_ms = 10000};
    bool json = false;
    char *end;
    int c;

    setlocale(LC_ALL, "");
    app.spanish = main__spanish();
    app.folder = main__folder(folder);
    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (c) {
        case O_STATE:
            app.folder = optarg;
            break;
        case O_HOST:
            app.host = optarg;
            break;
        case O_CLERK:
            app.clerk = optarg;
            break;
        case O_REASON:
            app.reason = optarg;
            break;
        case O_LANG:
            if (strcmp(optarg, "es") != 0 && strcmp(optarg, "en") != 0) {
                complain("--lang is es or en, not \"%s\"", optarg);
                return EXIT_USAGE;
            }
            app.spanish = optarg[1] == 's';
            break;
        case O_DRAIN:
            app.drain_ms = strtol(optarg, &end, 10) * 1000;
            if (*end || end == optarg || app.drain_ms < 0) {
                complain("--drain takes seconds, not \"%s\"", optarg);
                return EXIT_USAGE;
            }
            break;
        case O_ACK:
            app.ack = true;
            break;
        case O_CAN:
            app.can = optarg;
            break;
        case O_JSON:
            json = true;
            break;
        case O_VERSION:
            puts("hilo-till " HILO_VERSION);
            return EXIT_OK;
        case 'h':
        case O_HELP:
            fputs(help, stdout);
            return EXIT_OK;
        default:
            fputs("hilo-till --help says what there is\n", stderr);
            return EXIT_USAGE;
        }
    }
    if (optind < argc && (json || strcmp(argv[optind], "enroll") != 0 || optind + 2 != argc)) {
        complain(strcmp(argv[optind], "enroll") == 0
                     ? "enroll takes one code: hilo-till enroll CODE"
                     : "\"%s\" is nothing that it knows; see hilo-till --help",
                 argv[optind]);
        return EXIT_USAGE;
    }
    main__parents(app.folder);
    if (optind < argc)
        return app_enroll(&app, argv[optind + 1]);
    return json ? app_json(&app) : app_screen(&app);
}
