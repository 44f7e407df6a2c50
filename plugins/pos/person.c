/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "person.h"

#include "document.h"
#include "json.h"
#include "pos.h"
#include "rpc.h"
#include "text.h"

#include <stdlib.h>

/* ---- asking ----------------------------------------------------------------------------------------------
 */

int pos_person_document(const cJSON *d, const char *country, const char *pointer, char *out,
                        struct pos_fault *f)
{
    const char *of = pos_json_text(d, "country"), *type = pos_json_text(d, "type"),
               *number = pos_json_text(d, "number"), *why;
    const cJSON *m;

    if (!cJSON_IsObject(d))
        return pos_fault(f, POS_E_PARAMS, "type", pointer, "a document is {country, type, number}");
    cJSON_ArrayForEach(m, d) if (strcmp(m->string, "country") != 0 && strcmp(m->string, "type") != 0 &&
                                 strcmp(m->string, "number") !=
                                     0) return pos_fault(f, POS_E_PARAMS, "unknown_member", pointer,
                                                         "a document is {country, type, number}");
    if (!of)
        of = country;
    if (!number || !*of)
        return pos_fault(f, POS_E_PARAMS, "missing", pointer, "a document needs its number%s",
                         *of ? "" : ", and here its country too");
    if (pos_document(pos_str(of), pos_str(type), pos_str(number), out, &why) != HILO_OK)
        return pos_fault(f, POS_E_PARAMS, strcmp(why, "pattern") == 0 ? "partial" : "document", pointer,
                         "%s: %s", why, pos_document_words(why, false));
    return 0;
}

/* Exact or not at all. */
static int whole(const char *text, const char *pointer, struct pos_fault *f)
{
    return strpbrk(text, "*%?")
               ? pos_fault(f, POS_E_PARAMS, "partial", pointer, "only whole values are looked up")
               : 0;
}

cJSON *pos_person_by(const cJSON *by, const char *country, struct pos_fault *f)
{
    static const char *const known[] = {"phone",       "email",    "loyalty", "order",
                                        "appointment", "customer", "case"};
    const cJSON *v = by->child;
    char document[POS_DOCUMENT_MAX];
    const char *value = document;
    cJSON *o;
    size_t i;

    if (strcmp(v->string, "document") == 0) {
        if (pos_person_document(v, country, "/by/document", document, f) != 0)
            return NULL;
    } else {
        for (i = 0; i < sizeof known / sizeof *known && strcmp(known[i], v->string) != 0; i++)
            ;
        if (i == sizeof known / sizeof *known) {
            (void)pos_fault(
                f, POS_E_PARAMS, "unknown_member", "/by",
                "by is one of document, phone, email, loyalty, order, appointment, customer, case");
            return NULL;
        }
        if (!cJSON_IsString(v) || !*v->valuestring || strlen(v->valuestring) > 254) {
            (void)pos_fault(f, POS_E_PARAMS, "type", "/by", "it must be a string of 1 to 254 bytes");
            return NULL;
        }
        if (whole(v->valuestring, "/by", f) != 0)
            return NULL;
        value = v->valuestring;
    }
    o = cJSON_CreateObject();
    if (o && cJSON_AddStringToObject(o, v->string, value))
        return o;
    cJSON_Delete(o);
    (void)pos_fault(f, POS_E_LATER, "try_later", NULL, "no memory");
    return NULL;
}

cJSON *pos_person_identifier(const cJSON *i, const char *country, struct pos_fault *f)
{
    const char *scheme = pos_json_text(i, "scheme"), *value = pos_json_text(i, "value");
    char document[POS_DOCUMENT_MAX];
    cJSON *o;

    if (scheme && strcmp(scheme, "document") == 0) {
        if (pos_person_document(pos_json_get(i, "document"), country, "/identifiers", document, f) != 0)
            return NULL;
        value = document;
    } else if (!scheme || !value || cJSON_GetArraySize(i) != 2) {
        (void)pos_fault(f, POS_E_PARAMS, "value", "/identifiers",
                        "an identifier is {scheme, value}, or {\"scheme\":\"document\", document}");
        return NULL;
    }
    o = cJSON_CreateObject();
    if (o && cJSON_AddStringToObject(o, "scheme", scheme) && cJSON_AddStringToObject(o, "value", value))
        return o;
    cJSON_Delete(o);
    (void)pos_fault(f, POS_E_LATER, "try_later", NULL, "no memory");
    return NULL;
}

/* ---- answering
 * --------------------------------------------------------------------------------------------- */

/* What stays of a message of the API: the members of its look-up's entries. What a later gateway adds is not
 * shown by accident. */
static bool entry_member(const char *name)
{
    static const char *const stays[] = {"id",       "kind",        "time",     "case",   "channel",
                                        "category", "status",      "reason",   "edited", "deleted",
                                        "media",    "appointment", "reply_to", "sender", "content"};
    size_t i;

    for (i = 0; i < sizeof stays / sizeof *stays; i++)
        if (strcmp(stays[i], name) == 0)
            return true;
    return false;
}

/* 1: it was cut; 0: it was not; -1: no memory. */
static int cut_text(cJSON *content, const char *name)
{
    const char *text = pos_json_text(content, name);
    struct hilo_str short_one;
    char copy[POS_PERSON_TEXT + 4];
    cJSON *s;

    if (!text || strlen(text) <= POS_PERSON_TEXT)
        return 0;
    short_one = pos_text_cut(pos_str(text), POS_PERSON_TEXT - 3);
    memcpy(copy, short_one.p, short_one.n);
    memcpy(copy + short_one.n, "…", sizeof "…");
    s = cJSON_CreateString(copy);
    return s && cJSON_ReplaceItemInObjectCaseSensitive(content, name, s) ? 1 : -1;
}

static bool entry_cut(cJSON *e)
{
    static const char *const long_ones[] = {"text", "caption", "footer", "header", "data", "raw"};
    cJSON *content = cJSON_GetObjectItemCaseSensitive(e, "content");
    bool cut = false;
    size_t i;
    int rc;

    for (i = 0; i < sizeof long_ones / sizeof *long_ones; i++) {
        rc = cut_text(content, long_ones[i]);
        if (rc < 0)
            return false;
        cut = cut || rc > 0;
    }
    return !cut || cJSON_AddTrueToObject(e, "cut");
}

bool pos_person_entries(cJSON *messages)
{
    cJSON *e, *m, *next;

    cJSON_ArrayForEach(e, messages)
    {
        if (!pos_json_get(e, "time") && !pos_json_copy(e, e, "arrived", "time"))
            return false;
        for (m = e->child; m; m = next) {
            next = m->next;
            if (!entry_member(m->string))
                cJSON_Delete(cJSON_DetachItemViaPointer(e, m));
        }
        if (!entry_cut(e))
            return false;
    }
    return true;
}

static long printed(const cJSON *o)
{
    char *text = cJSON_PrintUnformatted(o);
    long n = text ? (long)strlen(text) : -1;

    free(text);
    return n;
}

int pos_person_fit(cJSON *o, cJSON *entries)
{
    long n = printed(o), one;
    int taken = 0, last;

    while (n > POS_PERSON_ROOM && (last = cJSON_GetArraySize(entries)) > 0) {
        cJSON *e = cJSON_DetachItemFromArray(entries, last - 1);

        one = printed(e);
        cJSON_Delete(e);
        if (one < 0)
            return -1;
        n -= one + 1;
        taken++;
    }
    return n < 0 || n > POS_PERSON_ROOM ? -1 : taken;
}
