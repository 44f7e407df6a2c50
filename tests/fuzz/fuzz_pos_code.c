/*
 * Enrolment codes: as anybody may send them, and made of any bytes.
 *
 * Beyond not crashing: what is read, written again, reads the same; what can be written reads the same; a
 * text without its last character reads as nothing.
 */
#include "../../plugins/pos/code.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int ok)
{
    if (!ok)
        abort();
}

static void survives(const struct pos_code *c)
{
    char text[POS_CODE_TEXT_MAX];
    struct pos_code back;
    const char *why;
    size_t n;

    must(pos_code_write(c, text) == HILO_OK);
    n = strlen(text);
    must(n < POS_CODE_TEXT_MAX);
    must(pos_code_read((struct hilo_str){text, n}, &back, &why) == HILO_OK &&
         memcmp(&back, c, sizeof back) == 0);
    must(pos_code_read((struct hilo_str){text, n - 1}, &back, &why) == HILO_INVALID);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pos_code c;
    char text[POS_CODE_TEXT_MAX];
    const char *why = NULL;
    size_t fixed = POS_CODE_SECRET + POS_CODE_FINGERPRINT + 2;

    if (pos_code_read((struct hilo_str){(const char *)data, size}, &c, &why) == HILO_OK)
        survives(&c);
    else
        must(why != NULL);
    if (size < fixed || size - fixed > POS_CODE_HOST_MAX)
        return 0;
    memset(&c, 0, sizeof c);
    memcpy(c.secret, data, POS_CODE_SECRET);
    memcpy(c.fingerprint, data + POS_CODE_SECRET, POS_CODE_FINGERPRINT);
    c.port = (uint16_t)(data[fixed - 2] << 8 | data[fixed - 1]);
    memcpy(c.host, data + fixed, size - fixed);
    if (strlen(c.host) == size - fixed && pos_code_write(&c, text) == HILO_OK)
        survives(&c);
    return 0;
}
