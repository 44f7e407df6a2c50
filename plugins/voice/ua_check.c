/*
 * What sofia's parser lets pass and RFC 3261 does not: a message class of ours, which is sofia's with a look
 * at the whole message before its body is taken.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ua_int.h"

#include <sofia-sip/msg_mclass.h>
#include <sofia-sip/sip_parser.h>
#include <stdlib.h>

struct msg_mclass_s *ua_mclass_new(void)
{
    msg_mclass_t *mc = msg_mclass_clone(sip_default_mclass(), 0, 0);

    if (!mc)
        abort();
    return mc;
}
