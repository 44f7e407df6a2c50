/* hilod --restore: reads where the data folder is, and tells people what happens. */
#include "restore.h"
#include "base/clock.h"
#include "base/str.h"
#include "conf/settings.h"
#include "store/restore.h"
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static void on_progress(void *arg, uint64_t bytes, uint64_t total)
{
    (void)arg;
    (void)fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " MiB", bytes >> 20, (total >> 20) + 1);
    if (bytes >= total)
        (void)fputs("\n", stderr);
}

static int32_t into(const char *data_dir, const char *backup, bool replace, struct err *e)
{
    const struct restore_options o = {.backup = backup,
                                      .data_dir = data_dir,
                                      .replace = replace,
                                      .progress = isatty(STDERR_FILENO) ? on_progress : NULL};
    char aside[64], made[CLOCK_TEXT];
    struct manifest m;
    int32_t rc = store_restore(&o, &m, aside, e);

    if (rc == HILO_OK) {
        clock_format(m.made_us, made);
        (void)printf("%s holds the backup of %s now: %" PRIu64 " events, %" PRIu64 " files, %" PRIu64
                     " bytes\n",
                     data_dir, made, m.seq, m.files, m.bytes);
    }
    if (aside[0])
        (void)printf("what was there is in %s/%s; remove it when you need it no more\n", data_dir, aside);
    return rc;
}

int32_t restore_run(const char *config, const char *backup, bool replace, struct err *e)
{
    struct conf *conf = NULL;
    struct settings s;
    int32_t rc = conf_load(config, e, &conf);

    if (rc == HILO_OK || (rc == HILO_INVALID && conf->root)) {
        settings_read(conf, &s);
        rc = HILO_OK;
    }
    if (conf && conf->n_errors) {
        conf_print_errors(conf, STDERR_FILENO);
        rc = err_set(e, HILO_INVALID, "%s has errors; nothing was restored", config);
    }
    if (rc == HILO_OK)
        rc = into(s.gateway.data_dir.p, backup, replace, e);
    conf_free(&conf);
    return rc;
}
