/*
 * Infobip's statuses and errors by their ids, as they mean something of their own; the others go by
 * the status's group. A status comes with the answer to a send and in reports, an error in
 * reports only.
 *
 * CONFIG stops the channel until an operator acts, so that an empty account does not make failures of a
 * whole queue.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "infobip.h"

enum { ONE = HILO_SCOPE_MESSAGE, PAIR = HILO_SCOPE_CONVERSATION, ALL = HILO_SCOPE_CHANNEL };

static const struct sms_code infobip_statuses[] = {
    {6, HILO_PERM, ONE, 0, "network_not_allowed"},
    {8, HILO_PERM, ONE, 0, "invalid_recipient"}, /* no country code */
    {10, HILO_PERM, ONE, 0, "opted_out"},        /* do not disturb */
    {11, HILO_CONFIG, ALL, 0, "sender_rejected"},
    {12, HILO_CONFIG, ALL, 0, "billing"},
    {13, HILO_CONFIG, ALL, 0, "sender_rejected"},
    {14, HILO_PERM, ONE, 0, "recipient_blocked"},
    {15, HILO_PERM, ONE, 0, "expired"},
    {17, HILO_CONFIG, ALL, 0, "billing"},
    {18, HILO_PERM, ONE, 0, "recipient_not_allowed"},
    {20, HILO_AGAIN, PAIR, 60, "pair_rate_limited"},
    {21, HILO_TEMP, ONE, 0, "provider_error"},
    /* our id is there already: an earlier try was taken, whatever its answer was */
    {23, HILO_OK, ONE, 0, "duplicate"},
    {25, HILO_PERM, ONE, 0, "too_long"},
    {29, HILO_PERM, ONE, 0, "expired"},
    {51, HILO_PERM, ONE, 0, "invalid_recipient"},
    {52, HILO_PERM, ONE, 0, "invalid_recipient"},
    {0, 0, 0, 0, NULL}};

/* GSM's own (MAP), as Infobip numbers them. */
static const struct sms_code infobip_errors[] = {
    {1, HILO_PERM, ONE, 0, "unknown_recipient"},
    {5, HILO_PERM, ONE, 0, "unknown_recipient"},
    {6, HILO_PERM, ONE, 0, "unreachable"},
    {9, HILO_PERM, ONE, 0, "unknown_recipient"},
    {10, HILO_PERM, ONE, 0, "not_mobile"}, /* no bearer service for it */
    {11, HILO_PERM, ONE, 0, "not_mobile"},
    {13, HILO_PERM, ONE, 0, "recipient_blocked"},
    {27, HILO_PERM, ONE, 0, "unreachable"},
    {31, HILO_PERM, ONE, 0, "unreachable"},
    {32, HILO_PERM, ONE, 0, "undeliverable"},
    {33, HILO_PERM, ONE, 0, "unreachable"},
    {0, 0, 0, 0, NULL}};

const struct sms_code *sms_ib_status(int64_t id)
{
    return sms_code_find(infobip_statuses, id);
}

const struct sms_code *sms_ib_error(int64_t id)
{
    return sms_code_find(infobip_errors, id);
}

const char *sms_ib_group_reason(int64_t group)
{
    return group == SMS_IB_UNDELIVERABLE ? "undeliverable" : group == SMS_IB_EXPIRED ? "expired" : "rejected";
}
