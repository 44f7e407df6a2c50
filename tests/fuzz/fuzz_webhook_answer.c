/* What an endpoint of webhooks answers: in one piece and in small ones it is the same answer, and nothing
 * of it is read beyond its limits. The first byte is the size of the pieces. */
#include "services/outbox_answer.h"
#include "services/outbox_time.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outbox_answer whole = {0}, pieces = {0};
    size_t piece, at;

    if (size < 2)
        return 0;
    piece = data[0] % 32u + 1;
    data++;
    size--;
    (void)outbox_answer_read(&whole, (const char *)data, size);
    for (at = 0; at < size; at += piece) {
        /* From memory of its own, so that a byte too far is seen. */
        size_t n = piece < size - at ? piece : size - at;
        char *copy = malloc(n);
        if (!copy)
            abort();
        memcpy(copy, data + at, n);
        (void)outbox_answer_read(&pieces, copy, n);
        free(copy);
    }
    if (whole.state != pieces.state || whole.status != pieces.status || whole.keep != pieces.keep ||
        strcmp(whole.retry_after, pieces.retry_after) != 0 || whole.head_bytes > OUTBOX_HEAD_MAX + 1)
        abort();
    if (whole.state == OUTBOX_ANSWER_DONE && (whole.status < 200 || whole.status > 999))
        abort();
    int64_t us = outbox_retry_after_us(whole.retry_after, INT64_C(1790000000000000));
    if (us < -1 || us > INT64_C(86400000000))
        abort();
    (void)outbox_answer_end(&whole);
    if (whole.state == OUTBOX_ANSWER_MORE)
        abort();
    return 0;
}
