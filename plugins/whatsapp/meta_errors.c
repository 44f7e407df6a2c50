/*
 * The table of Meta's error codes. The same codes come at once, in an answer to a
 * send, and later, in a status; both are read with it. It goes by the code alone:
 * the HTTP status of a code has changed before (130429 was 400 and is 429).
 *
 * CONFIG stops the channel until an operator acts, so that one expired token does
 * not turn a whole queue into failures. AGAIN costs no attempt.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "meta.h"

#include <stddef.h>

#define ONE(n) (n), (n)

static const struct wa_meta_error error_table[] = {
    /* token and permissions: an operator must act */
    {ONE(0), HILO_CONFIG, WA_SCOPE_ACCOUNT, 0, "token_invalid"},
    {ONE(3), HILO_CONFIG, WA_SCOPE_ACCOUNT, 0, "permission_denied"},
    {ONE(10), HILO_CONFIG, WA_SCOPE_ACCOUNT, 0, "permission_denied"},
    {ONE(190), HILO_CONFIG, WA_SCOPE_ACCOUNT, 0, "token_invalid"},
    {200, 299, HILO_CONFIG, WA_SCOPE_ACCOUNT, 0, "permission_denied"},
    {ONE(131005), HILO_CONFIG, WA_SCOPE_ACCOUNT, 0, "permission_denied"},
    /* policy */
    {ONE(368), HILO_CONFIG, WA_SCOPE_ACCOUNT, 0, "account_blocked"},
    {ONE(131031), HILO_CONFIG, WA_SCOPE_ACCOUNT, 0, "account_locked"},
    {ONE(130497), HILO_CONFIG, WA_SCOPE_ACCOUNT, 0, "country_restricted"},
    /* billing */
    {ONE(131042), HILO_CONFIG, WA_SCOPE_ACCOUNT, 0, "billing"},
    /* throttling */
    {ONE(4), HILO_AGAIN, WA_SCOPE_ACCOUNT, 60, "rate_limited"},
    {ONE(80007), HILO_AGAIN, WA_SCOPE_ACCOUNT, 60, "rate_limited"},
    {ONE(130429), HILO_AGAIN, WA_SCOPE_ACCOUNT, 1, "rate_limited"},
    {ONE(131048), HILO_AGAIN, WA_SCOPE_ACCOUNT, 900, "spam_rate_limited"},
    {ONE(131056), HILO_AGAIN, WA_SCOPE_RECIPIENT, 6, "pair_rate_limited"},
    {ONE(133016), HILO_AGAIN, WA_SCOPE_ACCOUNT, 3600, "rate_limited"},
    /* transient */
    {ONE(1), HILO_TEMP, WA_SCOPE_MESSAGE, 0, "provider_error"},
    {ONE(2), HILO_TEMP, WA_SCOPE_MESSAGE, 0, "provider_unavailable"},
    {ONE(131000), HILO_TEMP, WA_SCOPE_MESSAGE, 0, "provider_error"},
    {ONE(131016), HILO_TEMP, WA_SCOPE_MESSAGE, 0, "provider_unavailable"},
    {ONE(131057), HILO_TEMP, WA_SCOPE_ACCOUNT, 0, "account_maintenance"},
    {ONE(133004), HILO_TEMP, WA_SCOPE_ACCOUNT, 0, "provider_unavailable"},
    /* the request is wrong and stays so */
    {ONE(33), HILO_PERM, WA_SCOPE_MESSAGE, 0, "not_found"},
    {ONE(100), HILO_PERM, WA_SCOPE_MESSAGE, 0, "invalid_parameter"},
    {ONE(131008), HILO_PERM, WA_SCOPE_MESSAGE, 0, "missing_parameter"},
    {ONE(131009), HILO_PERM, WA_SCOPE_MESSAGE, 0, "invalid_parameter"},
    {ONE(131021), HILO_PERM, WA_SCOPE_RECIPIENT, 0, "recipient_is_sender"},
    {ONE(131030), HILO_PERM, WA_SCOPE_RECIPIENT, 0, "recipient_not_allowed"},
    {ONE(131045), HILO_PERM, WA_SCOPE_ACCOUNT, 0, "certificate_invalid"},
    {ONE(131051), HILO_PERM, WA_SCOPE_MESSAGE, 0, "unsupported_type"},
    {ONE(131052), HILO_PERM, WA_SCOPE_MESSAGE, 0, "media_download_failed"},
    {ONE(131053), HILO_PERM, WA_SCOPE_MESSAGE, 0, "media_upload_failed"},
    /* window, recipient */
    {ONE(131047), HILO_PERM, WA_SCOPE_RECIPIENT, 0, "window_closed"},
    {ONE(131026), HILO_PERM, WA_SCOPE_RECIPIENT, 0, "undeliverable"},
    {ONE(131049), HILO_PERM, WA_SCOPE_RECIPIENT, 0, "marketing_limited"},
    {ONE(130472), HILO_PERM, WA_SCOPE_RECIPIENT, 0, "marketing_experiment"},
    {ONE(131050), HILO_PERM, WA_SCOPE_RECIPIENT, 0, "opted_out"},
    /* template */
    {ONE(132000), HILO_PERM, WA_SCOPE_TEMPLATE, 0, "template_parameters"},
    {ONE(132001), HILO_PERM, WA_SCOPE_TEMPLATE, 0, "template_missing"},
    {ONE(132005), HILO_PERM, WA_SCOPE_TEMPLATE, 0, "template_too_long"},
    {ONE(132007), HILO_PERM, WA_SCOPE_TEMPLATE, 0, "template_policy"},
    {ONE(132012), HILO_PERM, WA_SCOPE_TEMPLATE, 0, "template_format"},
    {ONE(132015), HILO_PERM, WA_SCOPE_TEMPLATE, 0, "template_paused"},
    {ONE(132016), HILO_PERM, WA_SCOPE_TEMPLATE, 0, "template_disabled"},
    {ONE(132068), HILO_PERM, WA_SCOPE_TEMPLATE, 0, "flow_blocked"},
    {ONE(132069), HILO_PERM, WA_SCOPE_TEMPLATE, 0, "flow_throttled"},
    /* registration of the number: an operator must act */
    {ONE(133000), HILO_CONFIG, WA_SCOPE_ACCOUNT, 0, "registration"},
    {133005, 133006, HILO_CONFIG, WA_SCOPE_ACCOUNT, 0, "registration"},
    {133008, 133010, HILO_CONFIG, WA_SCOPE_ACCOUNT, 0, "registration"},
    {ONE(133015), HILO_CONFIG, WA_SCOPE_ACCOUNT, 0, "registration"},
};

const struct wa_meta_error *wa_meta_error_find(int64_t code)
{
    size_t i;

    for (i = 0; i < sizeof error_table / sizeof *error_table; i++)
        if (code >= error_table[i].first && code <= error_table[i].last)
            return &error_table[i];
    return NULL;
}
