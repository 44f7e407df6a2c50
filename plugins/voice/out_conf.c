/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "out_conf.h"

#include "callhours.h"
#include "transcriber.h"

#include <stdio.h>

const char *out_conf_wrong(const struct out_conf *conf, char wrong[OUT_WRONG_MAX])
{
    struct callhours hours;
    char why[CALLHOURS_WRONG];

    if (!callhours_read(conf->hours, &hours, why)) {
        (void)snprintf(wrong, OUT_WRONG_MAX, "out_hours: %s", why);
        return wrong;
    }
    return transcriber_wrong(conf);
}
