/*
 * The first byte chooses: a menu in JSON, as an operator's YAML becomes it, or a caller's URI and a country's
 * code, as anybody sends them.
 *
 * Beyond not crashing: what is wrong begins with its place; a menu that is taken names only steps that it
 * has, and whoever presses nothing comes to an end within as many steps as there are, whatever the gateway
 * finds and agents do; a number is E.164.
 */
#include "../../plugins/voice/caller.h"
#include "../../plugins/voice/menu.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define must(what)                                                                                           \
    do {                                                                                                     \
        if (!(what))                                                                                         \
            abort();                                                                                         \
    } while (0)

/* Each step once, in the order of how far it is from an end: a circle leaves some over. */
static void walks_end(const struct menu *m)
{
    unsigned char done[MENU_STEPS_MAX] = {0};
    bool moved = true;
    uint32_t i, j, left = m->n_steps;

    while (moved) {
        moved = false;
        for (i = 0; i < m->n_steps; i++) {
            const struct menu_step *s = &m->step[i];
            const uint32_t to[] = {s->next,      s->no_key, s->found,  s->unknown, s->busy,
                                   s->no_answer, s->open,   s->closed, s->holiday};
            bool ends = !done[i];

            for (j = 0; j < sizeof to / sizeof *to; j++) {
                must(to[j] == MENU_NONE || to[j] < m->n_steps);
                ends = ends && (to[j] == MENU_NONE || done[to[j]]);
            }
            if (!ends)
                continue;
            done[i] = 1;
            moved = true;
            left--;
        }
    }
    must(left == 0);
}

static void fuzz_menu(struct hilo_str json)
{
    static const struct hilo_str none = {NULL, 0};
    char wrong[MENU_WRONG] = "";
    struct menu *m = menu_read(json, none, wrong);
    uint32_t i, j;

    if (!m) {
        must(strncmp(wrong, "menu", 4) == 0 && strstr(wrong, ": ") && strlen(wrong) < MENU_WRONG);
        return;
    }
    must(m->start < m->n_steps && m->n_steps <= MENU_STEPS_MAX);
    for (i = 0; i < m->n_steps; i++) {
        const struct menu_step *s = &m->step[i];

        must(menu_find(m, s->name) <= i);
        must(s->n_keys <= MENU_KEYS_MAX && s->tries > 0 && s->wait_us > 0);
        must(s->wrong_key == MENU_NONE || s->wrong_key < m->n_steps);
        must(s->what != MENU_TRANSFER || menu_target_good(s->target));
        for (j = 0; j < s->n_keys; j++)
            must(s->key[j].to < m->n_steps && s->key[j].key);
    }
    walks_end(m);
    menu_free(m);
}

static void fuzz_caller(struct hilo_str uri)
{
    static const char *const codes[] = {"", "57", "1", "598"};
    char out[40];
    size_t i, j;

    for (i = 0; i < 4; i++) {
        struct hilo_str code = {codes[i], strlen(codes[i])};

        if (!caller_number(uri, code, out, sizeof out))
            continue;
        must(out[0] == '+' && out[1] >= '1' && out[1] <= '9' && strlen(out) >= 8 && strlen(out) <= 16);
        for (j = 1; out[j]; j++)
            must(out[j] >= '0' && out[j] <= '9');
    }
    (void)menu_target_good(uri);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hilo_str rest = {(const char *)data + 1, size - 1};

    if (size == 0)
        return 0;
    if (data[0] & 1)
        fuzz_caller(rest);
    else
        fuzz_menu(rest);
    return 0;
}
