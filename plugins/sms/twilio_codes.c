/*
 * Twilio's error codes: those of answers to a send, and those of status callbacks, which share numbers. What
 * is not here is decided by the answer's HTTP status; in a callback it is undeliverable.
 *
 * CONFIG stops the channel until an operator acts.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "twilio.h"

enum { ONE = HILO_SCOPE_MESSAGE, ALL = HILO_SCOPE_CHANNEL };

static const struct sms_code twilio_codes[] = {
    {14107, HILO_AGAIN, ALL, 1, "rate_limited"},
    {20003, HILO_CONFIG, ALL, 0, "token_invalid"},
    {20005, HILO_CONFIG, ALL, 0, "account_suspended"},
    {20006, HILO_CONFIG, ALL, 0, "permission_denied"},
    {20404, HILO_CONFIG, ALL, 0, "account_unknown"},
    {20429, HILO_AGAIN, ALL, 1, "rate_limited"},
    {20503, HILO_TEMP, ONE, 0, "provider_unavailable"},
    {21211, HILO_PERM, ONE, 0, "invalid_recipient"},
    {21212, HILO_CONFIG, ALL, 0, "sender_rejected"},
    {21408, HILO_PERM, ONE, 0, "region_not_allowed"},
    {21602, HILO_PERM, ONE, 0, "invalid_parameter"},
    {21603, HILO_CONFIG, ALL, 0, "sender_rejected"},
    {21604, HILO_PERM, ONE, 0, "invalid_recipient"},
    {21605, HILO_PERM, ONE, 0, "too_long"},
    {21606, HILO_CONFIG, ALL, 0, "sender_rejected"},
    {21608, HILO_PERM, ONE, 0, "recipient_not_allowed"}, /* of a trial account */
    {21609, HILO_CONFIG, ALL, 0, "webhook_rejected"},
    {21610, HILO_PERM, ONE, 0, "opted_out"},
    {21611, HILO_AGAIN, ALL, 10, "queue_full"},
    {21612, HILO_PERM, ONE, 0, "undeliverable"},
    {21614, HILO_PERM, ONE, 0, "not_mobile"},
    {21617, HILO_PERM, ONE, 0, "too_long"},
    {21659, HILO_CONFIG, ALL, 0, "sender_rejected"},
    {21660, HILO_CONFIG, ALL, 0, "sender_rejected"},
    {21701, HILO_CONFIG, ALL, 0, "service_unknown"},
    {21703, HILO_CONFIG, ALL, 0, "sender_rejected"}, /* the messaging service has no number */
    {21704, HILO_CONFIG, ALL, 0, "sender_rejected"},
    {30001, HILO_PERM, ONE, 0, "queue_full"},
    {30002, HILO_CONFIG, ALL, 0, "account_suspended"},
    {30003, HILO_PERM, ONE, 0, "unreachable"},
    {30004, HILO_PERM, ONE, 0, "recipient_blocked"},
    {30005, HILO_PERM, ONE, 0, "unknown_recipient"},
    {30006, HILO_PERM, ONE, 0, "not_mobile"},
    {30007, HILO_PERM, ONE, 0, "content_blocked"},
    {30008, HILO_PERM, ONE, 0, "undeliverable"},
    {30010, HILO_PERM, ONE, 0, "price_exceeded"},
    {30017, HILO_PERM, ONE, 0, "network_congested"},
    {30018, HILO_PERM, ONE, 0, "sender_rejected"}, /* in that country */
    {30032, HILO_PERM, ONE, 0, "sender_rejected"},
    {30034, HILO_PERM, ONE, 0, "sender_rejected"},
    {30036, HILO_PERM, ONE, 0, "expired"},
    {63038, HILO_AGAIN, ALL, 3600, "daily_limit"},
    {0, 0, 0, 0, NULL}};

const struct sms_code *sms_tw_code(int64_t id)
{
    return sms_code_find(twilio_codes, id);
}
