/*
 * The driver twilio: its options, and the table of its API.
 *
 * Requests are authorized by the account's SID and token, or by an API key; webhooks are signed with the
 * token alone, so that it is needed in any case. SPDX-License-Identifier: Apache-2.0
 */
#include "twilio.h"

#include "http.h"

#include <string.h>

enum { TWILIO_SID = 34, TWILIO_TEXT_MAX = 1600 };

/* Two letters and 32 hexadecimal digits. */
static bool twilio_sid(struct hilo_str s, const char *prefix)
{
    uint64_t i;

    if (s.n != TWILIO_SID || memcmp(s.p, prefix, 2) != 0)
        return false;
    for (i = 2; i < s.n; i++)
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f') ||
              (s.p[i] >= 'A' && s.p[i] <= 'F')))
            return false;
    return true;
}

static const char *twilio_wrong_option(const struct sms_conf *conf)
{
    const char *wrong = sms_api_wrong_option(&sms_api_twilio, conf);

    if (wrong)
        return wrong;
    if (!twilio_sid(conf->account_sid, "AC"))
        return "account_sid is missing, or is not AC and 32 hexadecimal digits";
    if (conf->auth_token.n == 0)
        return "auth_token is missing: Twilio signs its webhooks with it, even where api_key is used to send";
    if ((conf->api_key.n == 0) != (conf->api_secret.n == 0))
        return "api_key and api_secret go together";
    if (conf->api_key.n && !twilio_sid(conf->api_key, "SK"))
        return "api_key is not SK and 32 hexadecimal digits";
    if (conf->service_sid.n && !twilio_sid(conf->service_sid, "MG"))
        return "messaging_service_sid is not MG and 32 hexadecimal digits";
    if (conf->sender.n == 0 && conf->service_sid.n == 0)
        return "sender is missing, and so is messaging_service_sid: one of them says whom messages come from";
    if (conf->webhook_url.n == 0)
        return "webhook_url is missing: the public address of this channel, https://…/hooks/{channel}, which "
               "Twilio's signatures are made of";
    if (conf->national != SMS_NATIONAL_NONE)
        return "national_tables must be none: Twilio has none";
    if (conf->flash)
        return "flash must be false: Twilio has none";
    if (conf->intermediate)
        return "intermediate_receipts must be false: Twilio tells all or none";
    return NULL;
}

static void twilio_narrow(const struct sms_conf *conf, struct hilo_abilities *able)
{
    able->segment = sms_segment_rules(conf);
    sms_api_narrow(conf, able);
    if (able->text_max > TWILIO_TEXT_MAX)
        able->text_max = TWILIO_TEXT_MAX;
    able->flags &= ~(uint32_t)HILO_ABLE_FLASH;
}

static char *twilio_authorization(const struct sms_conf *conf)
{
    return conf->api_key.n ? sms_basic(conf->api_key, conf->api_secret)
                           : sms_basic(conf->account_sid, conf->auth_token);
}

static int32_t twilio_open(struct sms *sms, void **state_out)
{
    return sms_http_open(sms, &sms_api_twilio, state_out);
}

const struct sms_api sms_api_twilio = {
    .title = "Twilio",
    .base_url = "https://api.twilio.com",
    .in_flight = 32,
    .type = "application/x-www-form-urlencoded",
    .taken_type = "text/xml",
    .taken = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response/>",
    .methods = "GET, POST",
    .distrust = "for a missing or wrong X-Twilio-Signature; compare auth_token with the account's, and "
                "webhook_url with the address that Twilio calls",
    .authorization = twilio_authorization,
    .url = sms_tw_url,
    .body = sms_tw_body,
    .answer = sms_tw_answer,
    .caller = sms_tw_caller,
    .read = sms_tw_read,
};

const struct sms_driver sms_twilio = {.name = "twilio",
                                      .wrong_option = twilio_wrong_option,
                                      .narrow = twilio_narrow,
                                      .open = twilio_open,
                                      SMS_HTTP_DRIVER};
