/*
 * Texts of a till, as strings and within JSON, looked through for card numbers.
 *
 * Beyond not crashing: what is found lies in the text, begins and ends with a digit, has 13 to 19 of them
 * that are right by Luhn's formula, and is found within JSON too; a text without 13 digits has none.
 */
#include "../../plugins/pos/pan.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int ok)
{
    if (!ok)
        abort();
}

static size_t digits_of(const char *p, size_t n, char *out, size_t cap)
{
    size_t i, k = 0;

    for (i = 0; i < n; i++)
        if (p[i] >= '0' && p[i] <= '9') {
            if (k < cap)
                out[k] = p[i];
            k++;
        }
    return k;
}

static int luhn(const char *d, size_t n)
{
    static const int doubled[] = {0, 2, 4, 6, 8, 1, 3, 5, 7, 9};
    int sum = 0;
    size_t i;

    for (i = 0; i < n; i++)
        sum += (n - i) % 2 ? d[i] - '0' : doubled[d[i] - '0'];
    return sum % 10 == 0;
}

static void json(const uint8_t *data, size_t size)
{
    cJSON *value = cJSON_ParseWithLength((const char *)data, size);
    char pointer[32] = "?";

    if (value && pos_pan_in_json(value, pointer, sizeof pointer))
        must(memchr(pointer, '\0', sizeof pointer) != NULL && (pointer[0] == '\0' || pointer[0] == '/'));
    cJSON_Delete(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), digits[19];
    size_t at = 0, n = 0, k;
    bool found;

    must(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    found = pos_pan_find((struct hilo_str){text, size}, &at, &n);
    if (found) {
        must(at < size && n <= size - at);
        k = digits_of(text + at, n, digits, sizeof digits);
        must(k >= 13 && k <= 19 && luhn(digits, k));
        must(text[at] >= '0' && text[at] <= '9' && text[at + n - 1] >= '0' && text[at + n - 1] <= '9');
    } else {
        /* A text that is one group of a Visa's form is found by its own rule. */
        k = digits_of(text, size, digits, sizeof digits);
        must(!(k == size && k == 16 && digits[0] == '4' && luhn(digits, k)));
    }
    if (strlen(text) == size) {
        cJSON *s = cJSON_CreateString(text);
        char pointer[8];

        must(s != NULL && pos_pan_in_json(s, pointer, sizeof pointer) == found);
        cJSON_Delete(s);
    }
    json(data, size);
    free(text);
    return 0;
}
