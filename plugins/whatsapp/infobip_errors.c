/*
 * Infobip's statuses and errors, by their ids: what they mean to the core. A status
 * comes at once, in the answer to a send that was not refused by HTTP, and in
 * delivery reports; an error only in these. What is not here is decided by the
 * status's group and by whether the error is permanent.
 *
 * CONFIG stops the channel until an operator acts, so that an empty account does not
 * turn a whole queue into failures.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "infobip.h"

static const struct wa_ib_code ib_status_table[] = {
    {10, HILO_PERM, WA_SCOPE_RECIPIENT, 0, "opted_out"},
    {11, HILO_CONFIG, WA_SCOPE_ACCOUNT, 0, "sender_rejected"},
    {12, HILO_CONFIG, WA_SCOPE_ACCOUNT, 0, "billing"},
    {13, HILO_CONFIG, WA_SCOPE_ACCOUNT, 0, "sender_rejected"},
    {14, HILO_PERM, WA_SCOPE_RECIPIENT, 0, "recipient_blocked"},
    {15, HILO_PERM, WA_SCOPE_MESSAGE, 0, "expired"},
    {17, HILO_CONFIG, WA_SCOPE_ACCOUNT, 0, "billing"},
    {18, HILO_PERM, WA_SCOPE_RECIPIENT, 0, "recipient_not_allowed"},
    {20, HILO_AGAIN, WA_SCOPE_RECIPIENT, 60, "pair_rate_limited"},
    {21, HILO_TEMP, WA_SCOPE_MESSAGE, 0, "provider_error"},
    /* our id is there already: an earlier try was taken, whatever its answer was */
    {23, HILO_OK, WA_SCOPE_MESSAGE, 0, "duplicate"},
    {29, HILO_PERM, WA_SCOPE_MESSAGE, 0, "expired"},
};

static const struct wa_ib_code ib_error_table[] = {
    {7002, HILO_PERM, WA_SCOPE_RECIPIENT, 0, "undeliverable"},
    {7003, HILO_PERM, WA_SCOPE_RECIPIENT, 0, "recipient_blocked"},
    {7008, HILO_PERM, WA_SCOPE_TEMPLATE, 0, "template_parameters"},
    {7009, HILO_PERM, WA_SCOPE_TEMPLATE, 0, "template_missing"},
    {7010, HILO_PERM, WA_SCOPE_RECIPIENT, 0, "window_closed"},
    {7013, HILO_PERM, WA_SCOPE_MESSAGE, 0, "media_download_failed"},
    {7014, HILO_PERM, WA_SCOPE_MESSAGE, 0, "media_upload_failed"},
    {7015, HILO_PERM, WA_SCOPE_MESSAGE, 0, "media_upload_failed"},
    {7016, HILO_PERM, WA_SCOPE_ACCOUNT, 0, "spam_rate_limited"},
    {7017, HILO_PERM, WA_SCOPE_ACCOUNT, 0, "rate_limited"},
    {7019, HILO_CONFIG, WA_SCOPE_ACCOUNT, 0, "billing"},
    {7022, HILO_PERM, WA_SCOPE_MESSAGE, 0, "unsupported_type"},
    {7025, HILO_PERM, WA_SCOPE_RECIPIENT, 0, "undeliverable"},
    {7027, HILO_PERM, WA_SCOPE_MESSAGE, 0, "content_blocked"},
    {7030, HILO_PERM, WA_SCOPE_RECIPIENT, 0, "opted_out"},
    {7031, HILO_PERM, WA_SCOPE_MESSAGE, 0, "flow_blocked"},
    {7032, HILO_PERM, WA_SCOPE_RECIPIENT, 0, "marketing_limited"},
    {7033, HILO_PERM, WA_SCOPE_RECIPIENT, 0, "opted_out"},
    {7034, HILO_CONFIG, WA_SCOPE_ACCOUNT, 0, "registration"},
    {7036, HILO_PERM, WA_SCOPE_TEMPLATE, 0, "template_missing"},
    {7037, HILO_PERM, WA_SCOPE_TEMPLATE, 0, "template_missing"},
};

static const struct wa_ib_code *ib_code_find(const struct wa_ib_code *table, size_t n, uint64_t id)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (id == (uint64_t)table[i].id)
            return &table[i];
    return NULL;
}

const struct wa_ib_code *wa_ib_status(uint64_t id)
{
    return ib_code_find(ib_status_table, sizeof ib_status_table / sizeof *ib_status_table, id);
}

const struct wa_ib_code *wa_ib_error(uint64_t id)
{
    return ib_code_find(ib_error_table, sizeof ib_error_table / sizeof *ib_error_table, id);
}
