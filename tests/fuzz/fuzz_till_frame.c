/* What a gateway sends to a till, and what an application gives to send. */
#include "till.h"
#include <stdlib.h>
#include <string.h>

static void require(int ok)
{
    if (!ok)
        abort();
}

static void incoming(const char *p, size_t n)
{
    struct till_frame f;

    till_frame_read(p, n, &f);
    switch (f.kind) {
    case TILL_FRAME_BAD:
        break;
    case TILL_FRAME_REQUEST:
        require(f.method && (!f.params || cJSON_IsObject(f.params)));
        break;
    case TILL_FRAME_ANSWER:
        require(!f.error == (f.code == 0) && !f.result == (f.code != 0) && f.message && (f.id || f.error));
        break;
    }
    require(f.kind == TILL_FRAME_BAD || till_utf8(p, n));
    till_frame_done(&f);
}

static void outgoing(const char *text)
{
    struct till_buf b = {0};
    struct till_frame f;
    char *params = NULL, *again = NULL;

    if (till_params(false, text, "ana", "2026-11-27T20:26:02.123Z", &params, NULL) != HILOTILL_OK)
        return;
    require(till_frame_request(&b, "5f0c1b52-7a53-4d0e-9d2c-0a1b2c3d4e5f", "case.note", params));
    require(b.n <= TILL_FRAME_MAX && memchr(b.p, '\n', b.n) == b.p + b.n - 1);
    till_frame_read(b.p, b.n - 1, &f);
    require(f.kind == TILL_FRAME_REQUEST && cJSON_HasObjectItem(f.params, "clerk"));
    till_frame_done(&f);
    /* What is queued is read and written again when an id is filled in. */
    require(till_params(false, params, NULL, NULL, &again, NULL) == HILOTILL_OK &&
            strlen(again) == strlen(params));
    till_buf_done(&b);
    cJSON_free(params);
    cJSON_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *text = malloc(n + 1), host[254];
    uint16_t port = 7443;
    int64_t ms;

    memcpy(text, data, n);
    text[n] = 0;
    incoming(text, n);
    outgoing(text);
    if (till_host_read(text, host, &port))
        require(host[0] && port);
    till_time_read(text, &ms);
    free(text);
    return 0;
}
