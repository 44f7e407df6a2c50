/*
 * Tables: a method's roles, and the members of answers that a role sees. Whatever stands in neither is
 * refused, and taken out. SPDX-License-Identifier: Apache-2.0
 */
#include "roles.h"

#include <string.h>

/* As method.def has them. */
enum { NONE = 0, CLERK = 1 << POS_ROLE_CLERK, CASHIER = 1 << POS_ROLE_CASHIER, KIOSK = 1 << POS_ROLE_KIOSK };
#define EVERYBODY (CLERK | CASHIER | KIOSK)

struct role_row {
    const char *name;
    int roles;
};
static const struct role_row role_methods[] = {
#define POS_METHOD(function, name, kind, roles) {name, (roles) ? CLERK | (roles) : 0},
#include "method.def"
};
static const struct role_row role_finds[] = {
    {"document", CLERK | CASHIER}, {"phone", CLERK | CASHIER}, {"email", CLERK | CASHIER},
    {"loyalty", CLERK | CASHIER},  {"order", CLERK | CASHIER}, {"appointment", EVERYBODY},
    {"customer", CLERK},           {"case", CLERK | CASHIER},
};
#define COUNT(a) (sizeof(a) / sizeof *(a))

static bool text_is(struct hilo_str s, const char *word)
{
    size_t n = strlen(word);

    return s.n == n && memcmp(s.p, word, n) == 0;
}

static bool row_has(const struct role_row *rows, size_t n, struct hilo_str name, enum pos_role role)
{
    size_t i;

    for (i = 0; i < n && !text_is(name, rows[i].name); i++)
        ;
    return role != POS_ROLE_NONE && i < n && (rows[i].roles >> role & 1);
}

enum pos_role pos_role_of(struct hilo_str name)
{
    int r;

    for (r = POS_ROLE_CLERK; r <= POS_ROLE_KIOSK; r++)
        if (text_is(name, pos_role_name((enum pos_role)r)))
            return (enum pos_role)r;
    return POS_ROLE_NONE;
}

const char *pos_role_name(enum pos_role role)
{
    static const char *const names[] = {"", "clerk", "cashier", "kiosk"};

    return (unsigned)role < COUNT(names) ? names[role] : "";
}

bool pos_role_may(enum pos_role role, struct hilo_str method)
{
    return row_has(role_methods, COUNT(role_methods), method, role);
}

bool pos_role_may_find_by(enum pos_role role, struct hilo_str by)
{
    return row_has(role_finds, COUNT(role_finds), by, role);
}

/* ---- what is shown --------------------------------------------------------------------------------- */

/* Takes out every member that is not among these (NULL-ended). */
static void keep(cJSON *object, const char *const *names)
{
    cJSON *child = object ? object->child : NULL, *next;
    size_t i;

    for (; child; child = next) {
        next = child->next;
        for (i = 0; names[i] && (!child->string || strcmp(names[i], child->string) != 0); i++)
            ;
        if (!names[i])
            cJSON_Delete(cJSON_DetachItemViaPointer(object, child));
    }
}

static bool first_word(cJSON *value)
{
    const char *s = cJSON_GetStringValue(value);
    char text[64];
    size_t n;

    if (!s)
        return true;
    n = strcspn(s, " \t");
    if (n >= sizeof text)
        n = 0;
    memcpy(text, s, n);
    text[n] = '\0';
    return cJSON_SetValuestring(value, text) != NULL;
}

bool pos_role_prune_appointment(enum pos_role role, cJSON *appointment)
{
    static const char *const kiosk[] = {"id", "status", "store", "starts_at", "ends_at", "subject", NULL};

    if (role == POS_ROLE_KIOSK)
        keep(appointment, kiosk);
    return role != POS_ROLE_NONE;
}

bool pos_role_prune_lookup(enum pos_role role, cJSON *lookup)
{
    static const char *const top[] = {"as_of", "customer", "appointments", NULL};
    static const char *const cashier[] = {"id", "name", "language", NULL};
    static const char *const kiosk[] = {"name", NULL};
    cJSON *customer, *one;

    if (role == POS_ROLE_CLERK)
        return true;
    if (role == POS_ROLE_NONE)
        return false;
    keep(lookup, top);
    cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(lookup, "appointments"))
    {
        if (!pos_role_prune_appointment(role, one))
            return false;
    }
    customer = cJSON_GetObjectItemCaseSensitive(lookup, "customer");
    if (cJSON_IsObject(customer)) {
        keep(customer, role == POS_ROLE_KIOSK ? kiosk : cashier);
        if (role == POS_ROLE_KIOSK && !first_word(cJSON_GetObjectItemCaseSensitive(customer, "name")))
            return false;
    }
    return cJSON_AddTrueToObject(lookup, "minimal") != NULL;
}
