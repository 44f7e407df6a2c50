/*
 * The driver infobip: its options, and the table of its API.
 *
 * What Infobip proves of itself is what its subscription is configured to: here a secret at the end of the
 * webhook's path, Basic authentication, or both.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "infobip.h"

#include "http.h"

#include <stdio.h>
#include <stdlib.h>

enum { INFOBIP_SECRET_MIN = 16 };

/* Characters that stand in a path as they are (RFC 3986, unreserved). */
static bool infobip_plain(struct hilo_str s)
{
    uint64_t i;
    char c;

    for (i = 0; i < s.n; i++) {
        c = s.p[i];
        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
              c == '.' || c == '_' || c == '~'))
            return false;
    }
    return true;
}

static const char *infobip_wrong_option(const struct sms_conf *conf)
{
    const char *wrong = sms_api_wrong_option(&sms_api_infobip, conf);

    if (wrong)
        return wrong;
    if (conf->api_key.n == 0)
        return "api_key is missing: Infobip's API key, with the scope sms:message:send";
    if (conf->sender.n == 0)
        return "sender is missing: the number, short code or name that messages come from";
    if (conf->hook_secret.n == 0 && conf->hook_user.n == 0)
        return "webhook_secret is missing, and so are webhook_user and webhook_password: without one of "
               "them anybody could post messages";
    if ((conf->hook_user.n == 0) != (conf->hook_password.n == 0))
        return "webhook_user and webhook_password go together";
    if (conf->hook_user.n && memchr(conf->hook_user.p, ':', (size_t)conf->hook_user.n))
        return "webhook_user must not hold a colon";
    if (conf->hook_secret.n && conf->hook_secret.n < INFOBIP_SECRET_MIN)
        return "webhook_secret must have at least 16 characters: openssl rand -hex 16 makes one";
    if (!infobip_plain(conf->hook_secret))
        return "webhook_secret must be letters, digits and - . _ ~, as it is part of a path";
    if (conf->intermediate && conf->webhook_url.n == 0)
        return "intermediate_receipts need webhook_url, as they are asked for with each message";
    return NULL;
}

static void infobip_narrow(const struct sms_conf *conf, struct hilo_abilities *able)
{
    able->segment = sms_segment_rules(conf);
    sms_api_narrow(conf, able);
}

static char *infobip_authorization(const struct sms_conf *conf)
{
    static const char scheme[] = "App ";
    size_t n = sizeof scheme + (size_t)conf->api_key.n;
    char *value = malloc(n);

    if (value)
        (void)snprintf(value, n, "%s%.*s", scheme, (int)conf->api_key.n, conf->api_key.p);
    return value;
}

static int32_t infobip_open(struct sms *sms, void **state_out)
{
    return sms_http_open(sms, &sms_api_infobip, state_out);
}

const struct sms_api sms_api_infobip = {
    .title = "Infobip",
    .in_flight = 400,
    .requests = 4,
    .type = "application/json",
    .taken_type = "text/plain",
    .taken = "",
    .methods = "POST",
    .distrust = "for a missing or wrong Authorization; compare the options webhook_user and webhook_password "
                "with those of Infobip's subscription",
    .authorization = infobip_authorization,
    .url = sms_ib_url,
    .body = sms_ib_body,
    .answer = sms_ib_answer,
    .caller = sms_ib_caller,
    .read = sms_ib_read,
};

const struct sms_driver sms_infobip = {.name = "infobip",
                                       .wrong_option = infobip_wrong_option,
                                       .narrow = infobip_narrow,
                                       .open = infobip_open,
                                       SMS_HTTP_DRIVER};
