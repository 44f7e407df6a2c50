/*
 * Two hash tables, terminals by "store/terminal" and stores by name; lists are sorted when they are asked
 * for, which is for people. A page of stores is written whole when a store is added to it: pages end at a
 * size that a context value holds. SPDX-License-Identifier: Apache-2.0
 */
#include "terminals.h"
#include "json.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME = 2 * POS_CA_NAME + 2 };

struct terminal_slot {
    char name[NAME]; /* "store/terminal" */
    struct pos_terminal t;
    UT_hash_handle hh;
};

struct pos_terminals {
    struct terminal_slot *terminals;
    struct pos_store_of *stores;
};

struct pos_terminals *pos_terminals_new(void)
{
    return calloc(1, sizeof(struct pos_terminals));
}

void pos_terminals_free(struct pos_terminals **at)
{
    struct terminal_slot *t, *next_t;
    struct pos_store_of *s, *next_s;

    if (!*at)
        return;
    HASH_ITER(hh, (*at)->terminals, t, next_t)
    {
        HASH_DELETE(hh, (*at)->terminals, t);
        free(t);
    }
    HASH_ITER(hh, (*at)->stores, s, next_s)
    {
        HASH_DELETE(hh, (*at)->stores, s);
        free(s);
    }
    free(*at);
    *at = NULL;
}

static struct terminal_slot *slot_find(struct pos_terminals *r, const char *store, const char *terminal)
{
    struct terminal_slot *found;
    char name[NAME];

    if ((size_t)snprintf(name, sizeof name, "%s/%s", store, terminal) >= sizeof name)
        return NULL;
    HASH_FIND_STR(r->terminals, name, found);
    return found;
}

struct pos_terminal *pos_terminals_find(struct pos_terminals *r, const char *store, const char *terminal)
{
    struct terminal_slot *found = slot_find(r, store, terminal);

    return found ? &found->t : NULL;
}

struct pos_store_of *pos_terminals_store(struct pos_terminals *r, const char *name)
{
    struct pos_store_of *found;

    HASH_FIND_STR(r->stores, name, found);
    return found;
}

bool pos_terminals_add_store(struct pos_terminals *r, const char *name, unsigned page)
{
    struct pos_store_of *s = pos_terminals_store(r, name);

    if (s)
        return true;
    s = calloc(1, sizeof *s);
    if (!s)
        return false;
    (void)snprintf(s->name, sizeof s->name, "%s", name);
    s->page = page;
    HASH_ADD_STR(r->stores, name, s);
    return true;
}

unsigned pos_terminals_page(const struct pos_terminals *r)
{
    const struct pos_store_of *s;
    unsigned last = 1, on_it = 0;

    for (s = r->stores; s; s = s->hh.next) {
        if (s->page > last) {
            last = s->page;
            on_it = 0;
        }
        on_it += s->page == last;
    }
    return on_it < POS_STORES_PAGE ? last : last + 1;
}

bool pos_terminals_set(struct pos_terminals *r, const struct pos_terminal *t)
{
    struct terminal_slot *slot = slot_find(r, t->store, t->terminal);
    struct pos_store_of *s = pos_terminals_store(r, t->store);

    if (slot) {
        slot->t = *t;
        return true;
    }
    slot = calloc(1, sizeof *slot);
    if (!slot || (!s && !pos_terminals_add_store(r, t->store, pos_terminals_page(r)))) {
        free(slot);
        return false;
    }
    (void)snprintf(slot->name, sizeof slot->name, "%s/%s", t->store, t->terminal);
    slot->t = *t;
    HASH_ADD_STR(r->terminals, name, slot);
    pos_terminals_store(r, t->store)->terminals++;
    return true;
}

void pos_terminals_remove(struct pos_terminals *r, const char *store, const char *terminal)
{
    struct terminal_slot *slot = slot_find(r, store, terminal);

    if (slot) {
        HASH_DELETE(hh, r->terminals, slot);
        free(slot);
        pos_terminals_store(r, store)->terminals--;
    }
}

unsigned pos_terminals_count(const struct pos_terminals *r)
{
    return HASH_COUNT(r->terminals);
}

static int by_name(const void *a, const void *b)
{
    const struct pos_terminal *const *x = a, *const *y = b;
    int order = strcmp((*x)->store, (*y)->store);

    return order ? order : strcmp((*x)->terminal, (*y)->terminal);
}

void pos_terminals_each(struct pos_terminals *r, const char *store,
                        bool (*fn)(void *arg, struct pos_terminal *), void *arg)
{
    size_t n = HASH_COUNT(r->terminals), i, k = 0;
    struct pos_terminal **sorted = n ? calloc(n, sizeof(struct pos_terminal *)) : NULL;
    struct terminal_slot *slot;

    if (!sorted)
        return;
    for (slot = r->terminals; slot; slot = slot->hh.next)
        if (!store || strcmp(slot->t.store, store) == 0)
            sorted[k++] = &slot->t;
    qsort(sorted, k, sizeof(struct pos_terminal *), by_name);
    for (i = 0; i < k && fn(arg, sorted[i]); i++)
        ;
    free(sorted);
}

/* ---- in keys
 * ------------------------------------------------------------------------------------------------ */

static char *json_text(cJSON *json, bool whole)
{
    char *text = json && whole ? cJSON_PrintUnformatted(json) : NULL;

    cJSON_Delete(json);
    return text;
}

static bool add_name(cJSON *names, const char *name)
{
    cJSON *s = cJSON_CreateString(name);

    return s && cJSON_AddItemToArray(names, s);
}

char *pos_terminals_write_stores(struct pos_terminals *r, unsigned page, const char *more)
{
    cJSON *json = cJSON_CreateObject(), *names = cJSON_AddArrayToObject(json, "names");
    struct pos_store_of *s;
    bool whole = names != NULL;

    for (s = r->stores; s && whole; s = s->hh.next)
        if (s->page == page)
            whole = add_name(names, s->name);
    if (whole && more)
        whole = add_name(names, more);
    return json_text(json, whole);
}

char *pos_terminals_write_store(struct pos_terminals *r, const char *store, const char *more, const char *but)
{
    cJSON *json = cJSON_CreateObject(), *names = cJSON_AddArrayToObject(json, "names");
    struct terminal_slot *slot;
    bool whole = names != NULL;

    for (slot = r->terminals; slot && whole; slot = slot->hh.next)
        if (strcmp(slot->t.store, store) == 0 && (!but || strcmp(slot->t.terminal, but) != 0))
            whole = add_name(names, slot->t.terminal);
    if (whole && more)
        whole = add_name(names, more);
    return json_text(json, whole);
}

bool pos_terminals_read_names(struct hilo_str text, bool (*fn)(void *arg, const char *name), void *arg)
{
    cJSON *json = cJSON_ParseWithLength(text.p, text.n);
    const cJSON *names = pos_json_get(json, "names"), *one;
    bool ok = cJSON_IsArray(names);

    cJSON_ArrayForEach(one, names)
    {
        const char *name = cJSON_GetStringValue(one);

        ok = ok && name && pos_ca_terminal_name((struct hilo_str){name, strlen(name)}) && fn(arg, name);
    }
    cJSON_Delete(json);
    return ok;
}

static bool add_number(cJSON *to, const char *name, int64_t v)
{
    return cJSON_AddNumberToObject(to, name, (double)v) != NULL;
}

static bool write_certificate(cJSON *to, const struct pos_certificate *c)
{
    char key[2 * POS_CA_KEY + 1];

    pos_ca_hex(c->key, POS_CA_KEY, key);
    return cJSON_AddStringToObject(to, "spki_sha256", key) &&
           cJSON_AddStringToObject(to, "serial", c->serial) && add_number(to, "issued", c->issued_us) &&
           add_number(to, "expires", c->expires_us);
}

char *pos_terminal_write(const struct pos_terminal *t)
{
    cJSON *json = cJSON_CreateObject(), *next;
    bool whole = json && cJSON_AddStringToObject(json, "state", t->revoked ? "revoked" : "active") &&
                 cJSON_AddStringToObject(json, "role", pos_role_name(t->role)) &&
                 write_certificate(json, &t->now) && add_number(json, "enrolled", t->enrolled_us) &&
                 add_number(json, "changed", t->changed_us) &&
                 cJSON_AddStringToObject(json, "changed_by", t->changed_by) &&
                 cJSON_AddBoolToObject(json, "rotate", t->rotate);

    if (whole && t->next.expires_us) {
        next = cJSON_AddObjectToObject(json, "next");
        whole = next && write_certificate(next, &t->next);
    }
    return json_text(json, whole);
}

static bool read_hex(const char *s, uint8_t *out, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    size_t i;

    if (!s || strlen(s) != 2 * n)
        return false;
    for (i = 0; i < n; i++) {
        const char *high = strchr(digits, s[2 * i]), *low = strchr(digits, s[2 * i + 1]);

        if (!high || !low)
            return false;
        out[i] = (uint8_t)((high - digits) << 4 | (low - digits));
    }
    return true;
}

static bool read_certificate(const cJSON *from, struct pos_certificate *c)
{
    const char *serial = pos_json_text(from, "serial");

    if (!serial || strlen(serial) >= sizeof c->serial ||
        !read_hex(pos_json_text(from, "spki_sha256"), c->key, POS_CA_KEY) ||
        !pos_json_int(from, "issued", &c->issued_us) || !pos_json_int(from, "expires", &c->expires_us))
        return false;
    strcpy(c->serial, serial);
    return true;
}

bool pos_terminal_read(struct hilo_str text, const char *store, const char *terminal,
                       struct pos_terminal *out)
{
    cJSON *json = cJSON_ParseWithLength(text.p, text.n);
    const char *state = pos_json_text(json, "state"), *role = pos_json_text(json, "role"),
               *by = pos_json_text(json, "changed_by");
    const cJSON *next = pos_json_get(json, "next");
    struct pos_terminal t = {.rotate = cJSON_IsTrue(pos_json_get(json, "rotate"))};
    bool ok = state && role && by && (strcmp(state, "active") == 0 || strcmp(state, "revoked") == 0) &&
              read_certificate(json, &t.now) && pos_json_int(json, "enrolled", &t.enrolled_us) &&
              pos_json_int(json, "changed", &t.changed_us) && (!next || read_certificate(next, &t.next));

    if (ok) {
        t.revoked = strcmp(state, "revoked") == 0;
        t.role = pos_role_of((struct hilo_str){role, strlen(role)});
        (void)snprintf(t.changed_by, sizeof t.changed_by, "%s", by);
        (void)snprintf(t.store, sizeof t.store, "%s", store);
        (void)snprintf(t.terminal, sizeof t.terminal, "%s", terminal);
        *out = t;
    }
    cJSON_Delete(json);
    return ok;
}

static bool add_time(cJSON *to, const char *name, int64_t us)
{
    char text[POS_TEXT_TIME];

    pos_text_of_time(text, us);
    return cJSON_AddStringToObject(to, name, text) != NULL;
}

cJSON *pos_terminal_shape(const struct pos_terminal *t, int64_t now_us)
{
    cJSON *json = cJSON_CreateObject();
    const char *state = t->revoked ? "revoked" : now_us >= t->now.expires_us ? "expired" : "active";
    char key[2 * POS_CA_KEY + 1];

    pos_ca_hex(t->now.key, POS_CA_KEY, key);
    if (json && cJSON_AddStringToObject(json, "store", t->store) &&
        cJSON_AddStringToObject(json, "terminal", t->terminal) &&
        cJSON_AddStringToObject(json, "state", state) &&
        cJSON_AddStringToObject(json, "role", pos_role_name(t->role)) &&
        cJSON_AddStringToObject(json, "serial", t->now.serial) &&
        cJSON_AddStringToObject(json, "spki_sha256", key) && add_time(json, "issued", t->now.issued_us) &&
        add_time(json, "expires", t->now.expires_us) && add_time(json, "enrolled", t->enrolled_us) &&
        add_time(json, "changed", t->changed_us) &&
        cJSON_AddStringToObject(json, "changed_by", t->changed_by) &&
        (!t->rotate || cJSON_AddTrueToObject(json, "rotate")) &&
        (!t->next.expires_us || add_time(json, "renewed", t->next.issued_us)) &&
        (!t->seen_us || add_time(json, "seen", t->seen_us)))
        return json;
    cJSON_Delete(json);
    return NULL;
}
