/* What a clerk types or scans, and what a gateway says of a person, as lines of a screen. */
#include "ui.h"
#include <locale.h>
#include <stdlib.h>
#include <string.h>

static void require(int ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    setlocale(LC_CTYPE, "C.UTF-8");
    return 0;
}

static void typed(const char *text)
{
    static const char *const countries[] = {"", "CO", "MX", "PE", "CL", "AR", "BR", "ES"};
    size_t i;
    cJSON *by;

    for (i = 0; i < sizeof countries / sizeof countries[0]; i++) {
        by = by_read(text, countries[i]);
        require(!by || cJSON_GetArraySize(by) == 1);
        cJSON_Delete(by);
    }
}

static void shown(const char *text, int width)
{
    struct person p = {0};
    cJSON *found = cJSON_Parse(text);
    const char *c;
    size_t i;
    int by;

    if (!cJSON_IsObject(found)) {
        cJSON_Delete(found);
        return;
    }
    person_set(&p, found, 0, false);
    person_rows(&p, width % 2, width, 1764275162);
    for (i = 0; i < p.n_rows; i++) {
        for (c = p.rows[i].text; *c; c++)
            require((unsigned char)*c >= 0x20 && *c != 0x7f);
        require(p.rows[i].kind == ROW_HEAD || text_width(p.rows[i].text) <= p.width);
    }
    for (by = -3; by <= 3; by++)
        person_move(&p, by * 7, 9);
    require(!p.n_rows || p.at < p.n_rows);
    person_pick(&p, ROW_CASE);
    person_done(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *text = app_alloc(n + 1);

    memcpy(text, data, n);
    typed(text);
    shown(text, 20 + (int)(n % 100));
    free(text);
    return 0;
}
