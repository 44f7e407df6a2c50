/* The WhatsApp plugin's sources, all in one: for its tests and its fuzzer. */
#ifndef WHATSAPP_SOURCES_H
#define WHATSAPP_SOURCES_H

#include "../../plugins/whatsapp/answer.c"
#include "../../plugins/whatsapp/build.c"
#include "../../plugins/whatsapp/date.c"
#include "../../plugins/whatsapp/echo.c"
#include "../../plugins/whatsapp/encode.c"
#include "../../plugins/whatsapp/hook.c"
#include "../../plugins/whatsapp/inbound.c"
#include "../../plugins/whatsapp/json.c"
#include "../../plugins/whatsapp/json_check.c"
#include "../../plugins/whatsapp/media.c"
#include "../../plugins/whatsapp/meta.c"
#include "../../plugins/whatsapp/meta_answer.c"
#include "../../plugins/whatsapp/meta_encode.c"
#include "../../plugins/whatsapp/meta_errors.c"
#include "../../plugins/whatsapp/meta_inbound.c"
#include "../../plugins/whatsapp/meta_template.c"
#include "../../plugins/whatsapp/meta_webhook.c"
#include "../../plugins/whatsapp/pace.c"
#include "../../plugins/whatsapp/party.c"
#include "../../plugins/whatsapp/plugin.c"
#include "../../plugins/whatsapp/send.c"
#include "../../plugins/whatsapp/signature.c"
#include "../../plugins/whatsapp/slots.c"
#include "../../plugins/whatsapp/uploads.c"
#include "../../plugins/whatsapp/url.c"

#endif
