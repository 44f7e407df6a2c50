/* What the files of the WhatsApp plugin give each other, for the fuzzers that link them. */
#ifndef FUZZ_WHATSAPP_PARTS_H
#define FUZZ_WHATSAPP_PARTS_H

#include "../../plugins/whatsapp/answer.h"
#include "../../plugins/whatsapp/build.h"
#include "../../plugins/whatsapp/date.h"
#include "../../plugins/whatsapp/echo.h"
#include "../../plugins/whatsapp/encode.h"
#include "../../plugins/whatsapp/inbound.h"
#include "../../plugins/whatsapp/infobip.h"
#include "../../plugins/whatsapp/json.h"
#include "../../plugins/whatsapp/meta.h"
#include "../../plugins/whatsapp/party.h"
#include "../../plugins/whatsapp/provider.h"
#include "../../plugins/whatsapp/signature.h"
#include "../../plugins/whatsapp/slots.h"
#include "../../plugins/whatsapp/templates.h"
#include "../../plugins/whatsapp/uploads.h"
#include "../../plugins/whatsapp/webhook.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void must(bool truth)
{
    if (!truth)
        abort();
}

#endif
