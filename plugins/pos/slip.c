/*
 * Neutral slips from JSON and back. A slip is one block: the struct, its lines, its texts.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "slip.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

static const char *const slip_align[] = {
    [POS_ALIGN_LEFT] = "left", [POS_ALIGN_CENTER] = "center", [POS_ALIGN_RIGHT] = "right"};
static const char *const slip_cut[] = {
    [POS_CUT_PARTIAL] = "partial", [POS_CUT_FULL] = "full", [POS_CUT_NONE] = "none"};

/* ---- JSON in ------------------------------------------------------------------------------------ */

/* What is wrong, and where. */
static bool slip_refuse(char why[POS_SLIP_WORDS], const char *where, const char *what)
{
    (void)snprintf(why, POS_SLIP_WORDS, "%s: %s", where, what);
    return false;
}

/* A code stands for a command in a printer, so no text may have one. */
static bool slip_has_controls(const char *p, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];

        if ((c < 0x20 && c != '\n') || c == 0x7f ||
            (c == 0xc2 && i + 1 < n && (unsigned char)p[i + 1] < 0xa0))
            return true;
    }
    return false;
}

static bool slip_text(const cJSON *value, size_t min, size_t max, struct hilo_str *out, const char *where,
                      char why[POS_SLIP_WORDS])
{
    const char *p = cJSON_GetStringValue(value);
    char what[64];
    size_t n;

    if (!p)
        return slip_refuse(why, where, "a string is expected");
    n = strlen(p);
    if (n < min || n > max) {
        (void)snprintf(what, sizeof what, "%zu to %zu bytes are expected", min, max);
        return slip_refuse(why, where, what);
    }
    if (u8_check((const uint8_t *)p, n))
        return slip_refuse(why, where, "it is not UTF-8");
    if (slip_has_controls(p, n))
        return slip_refuse(why, where, "it holds a control character");
    *out = (struct hilo_str){p, n};
    return true;
}

static bool slip_word(const cJSON *value, const char *const *word, unsigned n, unsigned *out,
                      const char *where, char why[POS_SLIP_WORDS])
{
    const char *p = cJSON_GetStringValue(value);
    char what[64];
    unsigned i;

    for (i = 0; p && i < n; i++)
        if (strcmp(p, word[i]) == 0) {
            *out = i;
            return true;
        }
    (void)snprintf(what, sizeof what, "%s, %s or %s is expected", word[0], word[1], word[2]);
    return slip_refuse(why, where, what);
}

static bool slip_line(const cJSON *object, size_t index, struct pos_slip_line *line, char why[POS_SLIP_WORDS])
{
    bool has_text = false, ok = true;
    const cJSON *member;
    char where[64];
    unsigned word;

    *line = (struct pos_slip_line){.size = 1};
    (void)snprintf(where, sizeof where, "lines/%zu", index);
    if (!cJSON_IsObject(object))
        return slip_refuse(why, where, "an object is expected");
    cJSON_ArrayForEach(member, object)
    {
        (void)snprintf(where, sizeof where, "lines/%zu/%.20s", index, member->string);
        if (strcmp(member->string, "text") == 0) {
            ok = has_text = slip_text(member, 0, POS_SLIP_TEXT_MAX, &line->text, where, why);
        } else if (strcmp(member->string, "label") == 0) {
            ok = slip_text(member, 0, POS_SLIP_TEXT_MAX, &line->label, where, why);
        } else if (strcmp(member->string, "bold") == 0) {
            ok = cJSON_IsBool(member) || slip_refuse(why, where, "true or false is expected");
            line->bold = cJSON_IsTrue(member);
        } else if (strcmp(member->string, "align") == 0) {
            ok = slip_word(member, slip_align, 3, &word, where, why);
            if (ok)
                line->align = (enum pos_align)word;
        } else if (strcmp(member->string, "size") == 0) {
            double size = cJSON_IsNumber(member) ? member->valuedouble : 0;

            ok = size == 1 || size == 2 || size == 3 || size == 4 ||
                 slip_refuse(why, where, "1, 2, 3 or 4 is expected");
            if (ok)
                line->size = (uint8_t)size;
        } else {
            (void)snprintf(where, sizeof where, "lines/%zu", index);
            ok = slip_refuse(why, where, "text, label, bold, align and size are known, no other member");
        }
        if (!ok)
            return false;
    }
    (void)snprintf(where, sizeof where, "lines/%zu/text", index);
    return has_text || slip_refuse(why, where, "it is required");
}

/* Of anything else readers of QR codes guess the encoding, each its own, and Code 128 has none. */
static bool slip_ascii(struct hilo_str text, const char *where, char why[POS_SLIP_WORDS])
{
    uint64_t i;

    for (i = 0; i < text.n; i++)
        if (text.p[i] < 0x20 || text.p[i] > 0x7e)
            return slip_refuse(why, where, "printable ASCII is expected");
    return true;
}

static bool slip_members(const cJSON *root, struct pos_slip *slip, const cJSON **lines,
                         char why[POS_SLIP_WORDS])
{
    const cJSON *member;
    unsigned word;
    bool ok = true;

    cJSON_ArrayForEach(member, root)
    {
        bool qr = strcmp(member->string, "qr") == 0, barcode = strcmp(member->string, "barcode") == 0;

        if (qr || barcode) {
            if (slip->mark != POS_MARK_NONE)
                return slip_refuse(why, "qr, barcode", "one of both at most, once");
            slip->mark = qr ? POS_MARK_QR : POS_MARK_BARCODE;
            ok = slip_text(member, 1, qr ? POS_SLIP_QR_MAX : POS_SLIP_BARCODE_MAX, &slip->mark_text,
                           member->string, why) &&
                 slip_ascii(slip->mark_text, member->string, why);
        } else if (strcmp(member->string, "title") == 0) {
            ok = slip_text(member, 0, POS_SLIP_TEXT_MAX, &slip->title, "title", why);
        } else if (strcmp(member->string, "cut") == 0) {
            ok = slip_word(member, slip_cut, 3, &word, "cut", why);
            if (ok)
                slip->cut = (enum pos_cut)word;
        } else if (strcmp(member->string, "lines") == 0) {
            if (!cJSON_IsArray(member) || *lines)
                return slip_refuse(why, "lines", "an array is expected, once");
            *lines = member;
        } else {
            return slip_refuse(why, "slip", "title, lines, qr, barcode and cut are known, no other member");
        }
        if (!ok)
            return false;
    }
    return true;
}

/* ---- one block -------------------------------------------------------------------------------------- */

static struct hilo_str slip_keep(char **at, struct hilo_str s)
{
    struct hilo_str kept = {*at, s.n};

    if (s.n)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return kept;
}

struct pos_slip *pos_slip_copy(const struct pos_slip *from)
{
    size_t n = from->title.n + from->mark_text.n, i;
    struct pos_slip_line *line;
    struct pos_slip *slip;
    char *text;

    for (i = 0; i < from->n_line; i++)
        n += from->line[i].text.n + from->line[i].label.n;
    slip = malloc(sizeof *slip + from->n_line * sizeof *line + n);
    if (!slip)
        return NULL;
    *slip = *from;
    line = (struct pos_slip_line *)(void *)(slip + 1);
    text = (char *)(line + from->n_line);
    for (i = 0; i < from->n_line; i++) {
        line[i] = from->line[i];
        line[i].text = slip_keep(&text, from->line[i].text);
        line[i].label = slip_keep(&text, from->line[i].label);
    }
    slip->line = line;
    slip->title = slip_keep(&text, from->title);
    slip->mark_text = slip_keep(&text, from->mark_text);
    return slip;
}

struct pos_slip *pos_slip_parse(struct hilo_str json, int32_t *code, char why[POS_SLIP_WORDS])
{
    struct pos_slip_line *line = NULL;
    const cJSON *lines = NULL, *item;
    struct pos_slip slip = {0}, *out = NULL;
    cJSON *root = NULL;
    bool ok = true;
    size_t i = 0;

    *code = HILO_INVALID;
    if (json.n > POS_SLIP_JSON_MAX) {
        (void)slip_refuse(why, "slip", "it is longer than 16 KiB");
        return NULL;
    }
    /* cJSON ends a text at an escaped NUL. */
    if (memmem(json.p ? json.p : "", json.n, "\\u0000", 6)) {
        (void)slip_refuse(why, "slip", "it holds a control character");
        return NULL;
    }
    root = cJSON_ParseWithLength(json.p ? json.p : "", json.n);
    if (!cJSON_IsObject(root)) {
        (void)slip_refuse(why, "slip", "an object of JSON is expected");
        goto out;
    }
    if (!slip_members(root, &slip, &lines, why))
        goto out;
    slip.n_line = lines ? (size_t)cJSON_GetArraySize(lines) : 0;
    if (slip.n_line > POS_SLIP_LINES_MAX) {
        (void)slip_refuse(why, "lines", "200 at most are taken");
        goto out;
    }
    if (slip.n_line + slip.title.n + slip.mark_text.n == 0) {
        (void)slip_refuse(why, "slip", "there is nothing to print in it");
        goto out;
    }
    line = calloc(slip.n_line + 1, sizeof *line);
    slip.line = line;
    if (line) {
        cJSON_ArrayForEach(item, lines) ok = ok && slip_line(item, i, &line[i], why), i++;
        out = ok ? pos_slip_copy(&slip) : NULL;
    }
    *code = out ? HILO_OK : ok ? HILO_NOMEM : HILO_INVALID;
    if (ok && !out)
        (void)slip_refuse(why, "slip", "no memory");
out:
    free(line);
    cJSON_Delete(root);
    return out;
}

void pos_slip_free(struct pos_slip **at)
{
    free(*at);
    *at = NULL;
}

/* ---- JSON out ----------------------------------------------------------------------------------------- */

static bool slip_add(cJSON *object, const char *name, struct hilo_str s)
{
    char *text = strndup(s.n ? s.p : "", s.n);
    bool ok = text && cJSON_AddStringToObject(object, name, text);

    free(text);
    return ok;
}

static bool slip_add_line(cJSON *lines, const struct pos_slip_line *line)
{
    cJSON *object = cJSON_CreateObject();

    if (!object || !cJSON_AddItemToArray(lines, object)) {
        cJSON_Delete(object);
        return false;
    }
    return slip_add(object, "text", line->text) &&
           (!line->label.n || slip_add(object, "label", line->label)) &&
           (!line->bold || cJSON_AddTrueToObject(object, "bold")) &&
           (line->align == POS_ALIGN_LEFT ||
            cJSON_AddStringToObject(object, "align", slip_align[line->align])) &&
           (line->size == 1 || cJSON_AddNumberToObject(object, "size", line->size));
}

char *pos_slip_json(const struct pos_slip *slip, size_t *n_out)
{
    cJSON *root = cJSON_CreateObject(), *lines;
    char *text = NULL;
    bool ok = root && (!slip->title.n || slip_add(root, "title", slip->title));
    size_t i;

    lines = ok ? cJSON_AddArrayToObject(root, "lines") : NULL;
    ok = lines != NULL;
    for (i = 0; ok && i < slip->n_line; i++)
        ok = slip_add_line(lines, &slip->line[i]);
    if (ok && slip->mark != POS_MARK_NONE)
        ok = slip_add(root, slip->mark == POS_MARK_QR ? "qr" : "barcode", slip->mark_text);
    if (ok && slip->cut != POS_CUT_PARTIAL)
        ok = cJSON_AddStringToObject(root, "cut", slip_cut[slip->cut]) != NULL;
    if (ok)
        text = cJSON_PrintUnformatted(root);
    cJSON_Delete(root);
    if (text)
        *n_out = strlen(text);
    return text;
}
