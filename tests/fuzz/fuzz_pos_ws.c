/* A WebSocket's request and what follows it, and the head of a picture: the upgrade is answered or refused,
 * and messages are whole, not too long, and UTF-8. */
#include "../../plugins/pos/frame_ws.h"
#include "../../plugins/pos/picture_head.h"
#include "../../plugins/pos/rpc.h"
#include "../../plugins/pos/upgrade.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void message(void *arg, struct hilo_str text)
{
    (void)arg;
    if (text.n > POS_FRAME_MAX || u8_check((const uint8_t *)text.p, text.n))
        abort();
}

static bool out(void *arg, const void *p, size_t n)
{
    *(size_t *)arg += n;
    return p || n == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct pos_ws_events on = {message, out};
    static const char origins[] = "https://till.example, https://other.example";
    struct hilo_str text = {(const char *)data, size};
    struct pos_picture_head head;
    struct pos_upgrade up;
    struct pos_ws *ws;
    size_t sent = 0, at = 0, n;
    const char *why = NULL;

    if (size == 0)
        return 0;
    (void)pos_picture_head(text, &head);
    if (pos_upgrade(text, (struct hilo_str){origins, sizeof origins - 1}, &up) == 1) {
        if (up.used > size || strncmp(up.answer, "HTTP/1.1 ", 9) != 0)
            abort();
        if (!up.reason)
            at = up.used;
    }
    ws = pos_ws_new(&on, &sent);
    for (; ws && at < size && !why; at += n) {
        n = size - at < 7 ? size - at : 7;
        why = pos_ws_feed(ws, data + at, n);
    }
    pos_ws_free(&ws);
    return 0;
}
