/*
 * hilod: the gateway's daemon. Parses the command line; daemon.c runs it.
 *
 * Exit status: 0 all well, 1 it failed, 2 usage, 3 the configuration has errors,
 * 4 the check found something.
 */
#include "base/str.h"
#include "daemon.h"
#include "restore.h"
#include "store/store.h"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef HILO_SYSCONFDIR
#define HILO_SYSCONFDIR "/etc"
#endif

static const char usage[] =
    "hilod " HILO_VERSION ", the Hilo omnichannel gateway\n"
    "\n"
    "  hilod [-c FILE]              run in the foreground; the log goes to standard error\n"
    "  hilod --check-config [-c FILE]\n"
    "                               check a configuration and its plugins\n"
    "  hilod --check-store DIR      check a data folder that no daemon has open\n"
    "  hilod --check-plugin FILE    check a plugin and print its options\n"
    "  hilod --restore DIR [-c FILE] [--replace]\n"
    "                               put a backup into the configuration's data folder;\n"
    "                               --replace: move aside what is there\n"
    "  hilod --version | --help\n"
    "\n"
    "  -c, --config FILE            default " HILO_SYSCONFDIR "/hilo/hilo.yaml\n"
    "      --ready-fd N             write \"port=NNNN\" there once the gateway listens\n";

enum { CHECK_CONFIG = 256, CHECK_STORE, CHECK_PLUGIN, RESTORE, REPLACE, READY_FD, VERSION };

static int exit_status(int32_t rc, const struct err *e)
{
    if (rc == HILO_OK)
        return 0;
    (void)fprintf(stderr, "hilod: %s\n", e->text);
    return rc == HILO_INVALID ? 3 : 1;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"check-config", no_argument, NULL, CHECK_CONFIG},
                                            {"check-store", required_argument, NULL, CHECK_STORE},
                                            {"check-plugin", required_argument, NULL, CHECK_PLUGIN},
                                            {"restore", required_argument, NULL, RESTORE},
                                            {"replace", no_argument, NULL, REPLACE},
                                            {"ready-fd", required_argument, NULL, READY_FD},
                                            {"version", no_argument, NULL, VERSION},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct daemon_options o = {.config = HILO_SYSCONFDIR "/hilo/hilo.yaml", .ready_fd = -1};
    const char *subject = NULL;
    struct err e = {0};
    bool replace = false;
    uint64_t fd;
    int opt, what = 0;

    while ((opt = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        switch (opt) {
        case 'c':
            o.config = optarg;
            break;
        case READY_FD:
            if (!str_u64(str(optarg), &fd) || fd > 65535) {
                (void)fprintf(stderr, "hilod: --ready-fd takes the number of an open descriptor\n");
                return 2;
            }
            o.ready_fd = (int)fd;
            break;
        case CHECK_CONFIG:
        case CHECK_STORE:
        case CHECK_PLUGIN:
        case RESTORE:
            what = opt;
            subject = optarg;
            break;
        case REPLACE:
            replace = true;
            break;
        case VERSION:
            (void)puts("hilod " HILO_VERSION);
            return 0;
        case 'h':
            (void)fputs(usage, stdout);
            return 0;
        default:
            (void)fputs(usage, stderr);
            return 2;
        }
    }
    if (replace && what != RESTORE) {
        (void)fprintf(stderr, "hilod: --replace belongs to --restore\n");
        return 2;
    }
    if (optind != argc) {
        (void)fprintf(stderr, "hilod: \"%s\" is not expected here\n%s", argv[optind], usage);
        return 2;
    }
    switch (what) {
    case CHECK_CONFIG:
        return exit_status(daemon_check_config(o.config, &e), &e);
    case CHECK_STORE:
        if (store_check(subject, STDOUT_FILENO, &e) != HILO_OK) {
            (void)fprintf(stderr, "hilod: %s\n", e.text);
            return 4;
        }
        (void)printf("%s is good\n", subject);
        return 0;
    case CHECK_PLUGIN:
        return exit_status(daemon_check_plugin(subject, &e), &e);
    case RESTORE:
        return exit_status(restore_run(o.config, subject, replace, &e), &e) ? 1 : 0;
    default:
        return exit_status(daemon_run(&o, &e), &e);
    }
}
