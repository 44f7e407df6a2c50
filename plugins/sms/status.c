/* The table of status.def, by code. SPDX-License-Identifier: Apache-2.0 */
#include "status.h"

const struct sms_status *sms_status(uint32_t command_status)
{
    static const struct sms_status other = {
        UINT32_MAX,      HILO_PERM,
        HILO_DOWN,       "a code of the provider's own",
        "provider_code", "the centre answered with a code of its own: its provider says what it means"};

    switch (command_status) {
#define SMS_STATUS(name, value, message, bind, reason, text)                                                 \
    case (value): {                                                                                          \
        static const struct sms_status row = {(value), (message), (bind), "ESME_" #name, (reason), (text)};  \
        return &row;                                                                                         \
    }
#include "status.def"
    default:
        return &other;
    }
}
