/* Enrolment codes, as typed and scanned. */
#include "till.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *text = malloc(n + 1);
    struct till_code code, again;
    struct hilotill_error e;

    memcpy(text, data, n);
    text[n] = 0;
    if (till_code_read(true, text, &code, &e) == HILOTILL_OK) {
        if (!code.host[0] || !code.port || till_code_read(true, code.text, &again, &e) != HILOTILL_OK ||
            strcmp(code.host, again.host) != 0 || strcmp(code.text, again.text) != 0)
            abort();
    } else if (e.code != HILOTILL_EARG || !e.text[0]) {
        abort();
    }
    free(text);
    return 0;
}
