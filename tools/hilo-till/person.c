/*
 * What is known of a customer, as lines of a list: cases, appointments, wishes, purchases, visits, and what
 * happened on every channel, newest first. Everything in it came from outside and is shown as text_shown
 * makes it.
 */
#include "ui.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *person__say(bool spanish, const char *en, const char *es)
{
    return spanish ? es : en;
}

/* ---- words for what the gateway names
 * ----------------------------------------------------------------------- */

static const struct {
    const char *name, *en, *es;
} words[] = {
    {"open", "open", "abierto"},
    {"pending", "pending", "pendiente"},
    {"closed", "closed", "cerrado"},
    {"booked", "booked", "agendada"},
    {"confirmed", "confirmed", "confirmada"},
    {"checked_in", "is here", "ya llegó"},
    {"completed", "done", "cumplida"},
    {"canceled", "cancelled", "cancelada"},
    {"no_show", "did not come", "no vino"},
    {"waiting", "waits", "espera"},
    {"offered", "offered", "ofrecido"},
    {"ended", "ended", "terminado"},
    {"bought", "bought", "comprado"},
    {"accepted", "accepted", "aceptado"},
    {"queued", "queued", "en cola"},
    {"in_doubt", "in doubt", "en duda"},
    {"sent", "sent", "enviado"},
    {"failed", "failed", "falló"},
    {"expired", "expired", "caducó"},
    {"suppressed", "not wanted", "no deseado"},
    {"delivered", "delivered", "entregado"},
    {"read", "read", "leído"},
    {"service", "service", "servicio"},
    {"transactional", "transactional", "transaccional"},
    {"promotional", "promotional", "promociones"},
    {"authentication", "authentication", "autenticación"},
};

static const char *person__word(bool spanish, const char *name)
{
    size_t i;

    for (i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(words[i].name, name) == 0)
            return spanish ? words[i].es : words[i].en;
    return name;
}

static void person__state(struct text *t, bool spanish, const char *before, const char *name,
                          const char *after)
{
    text_add(t, before);
    text_shown(t, person__word(spanish, name));
    text_add(t, after);
}

/* ---- one line each
 * --------------------------------------------------------------------------------------------- */

static const cJSON *get(const cJSON *o, const char *member)
{
    return cJSON_GetObjectItemCaseSensitive(o, member);
}

/* What was done here, until the gateway has answered. */
static void person__mark(struct text *t, bool spanish, const cJSON *o)
{
    if (cJSON_IsTrue(get(o, "refused")))
        text_fmt(t, "  (%s)", person__say(spanish, "refused", "rechazado"));
    else if (app_text(o, "queued")[0])
        text_fmt(t, "  (%s)", person__say(spanish, "not sent yet", "sin enviar aún"));
}

static void person__content(struct text *t, bool spanish, const cJSON *content)
{
    const char *type = app_text(content, "type"), *kind = app_text(content, "kind");
    const cJSON *choice;
    const char *text = app_text(content, "text");

    if (strcmp(type, "media") == 0) {
        text_add(t, strcmp(kind, "image") == 0      ? person__say(spanish, "[photo] ", "[foto] ")
                    : strcmp(kind, "document") == 0 ? person__say(spanish, "[document] ", "[documento] ")
                    : strcmp(kind, "video") == 0    ? "[video] "
                    : strcmp(kind, "sticker") == 0  ? "[sticker] "
                                                    : "[audio] ");
        text_shown(t, app_text(content, "filename"));
        if (app_text(content, "filename")[0] && app_text(content, "caption")[0])
            text_add(t, ": ");
        text_shown(t, app_text(content, "caption"));
    } else if (strcmp(type, "choices") == 0) {
        text_shown(t, text);
        text_add(t, " (");
        cJSON_ArrayForEach(choice, get(content, "choices"))
        {
            text_shown(t, app_text(choice, "title"));
            text_add(t, choice->next ? " / " : "");
        }
        text_add(t, ")");
    } else if (strcmp(type, "choice_reply") == 0) {
        text_fmt(t, "%s ", person__say(spanish, "chose:", "eligió:"));
        text_shown(t, app_text(content, "title")[0] ? app_text(content, "title") : text);
    } else if (strcmp(type, "template") == 0) {
        text_fmt(t, "[%s] ", person__say(spanish, "template", "plantilla"));
        text_shown(t, text[0] ? text : app_text(content, "name"));
    } else if (text[0]) {
        text_shown(t, text);
    } else {
        person__state(t, spanish, "[", type[0] ? type : "?", "] ");
        text_shown(t, app_text(content, "name"));
    }
}

/* "[call] ended, 1:05". */
static void person__call(struct text *t, bool spanish, const cJSON *content)
{
    static const char *const came_to[][3] = {{"ringing", "rings", "timbra"},
                                             {"answered", "goes on", "en curso"},
                                             {"offered", "goes on", "en curso"},
                                             {"transferred", "put through", "transferida"},
                                             {"ended", "ended", "terminada"},
                                             {"broken", "was cut off", "se cortó"},
                                             {"moved", "somebody else's", "de otra persona"}};
    const cJSON *ms = get(content, "duration_ms");
    const char *outcome = app_text(content, "outcome");
    size_t i;

    text_add(t, person__say(spanish, "[call] ", "[llamada] "));
    for (i = 0; i < sizeof came_to / sizeof came_to[0]; i++)
        if (strcmp(came_to[i][0], outcome) == 0)
            text_add(t, came_to[i][spanish ? 2 : 1]);
    if (cJSON_IsNumber(ms) && ms->valuedouble >= 1000 && ms->valuedouble < 1e9)
        text_fmt(t, ", %d:%02d", (int)(ms->valuedouble / 60000), (int)(ms->valuedouble / 1000) % 60);
}

static void person__entry(struct text *t, bool spanish, const cJSON *o, int64_t now_s)
{
    const char *kind = app_text(o, "kind"), *channel = app_text(o, "channel");
    const cJSON *content = get(o, "content");
    bool in = strcmp(kind, "inbound") == 0 || strcmp(app_text(content, "leg"), "inbound") == 0;

    text_time(t, spanish, app_text(o, "time"), now_s);
    text_add(t, "  ");
    if (strcmp(kind, "note") == 0 || strcmp(app_text(content, "type"), "note") == 0) {
        text_add(t, person__say(spanish, "note: ", "nota: "));
        text_shown(t, app_text(content, "text")[0] ? app_text(content, "text") : app_text(o, "text"));
    } else {
        text_shown(t, channel[0] ? channel : kind);
        text_add(t, channel[0] ? in ? " \xe2\x86\x90 " : " \xe2\x86\x92 " : " ");
        if (strcmp(app_text(content, "type"), "call") == 0)
            person__call(t, spanish, content);
        else if (content)
            person__content(t, spanish, content);
        else
            text_shown(t, app_text(o, "text"));
        if (app_text(o, "transcript.text")[0]) {
            text_add(t, "\xe2\x80\x9c"); /* what was said, in quotes */
            text_shown(t, app_text(o, "transcript.text"));
            text_add(t, "\xe2\x80\x9d");
        }
        if (channel[0] && !in && app_text(o, "status")[0])
            person__state(t, spanish, "  (", app_text(o, "status"), ")");
    }
    person__mark(t, spanish, o);
}

static void person__things(struct text *t, const cJSON *o)
{
    static const char *const members[] = {"name", "sku", "size", "colour"};
    size_t i;

    for (i = 0; i < sizeof members / sizeof members[0]; i++)
        if (app_text(o, members[i])[0]) {
            text_add(t, t->n && t->p[t->n - 1] != ' ' ? " " : "");
            text_shown(t, app_text(o, members[i]));
        }
}

static void person__line(struct text *t, bool spanish, enum row_kind kind, const cJSON *o, int64_t now_s)
{
    switch (kind) {
    case ROW_CASE:
        text_shown(t, app_text(o, "subject")[0] ? app_text(o, "subject") : app_text(o, "id"));
        person__state(t, spanish, "  [", app_text(o, "status"), "]");
        if (app_text(o, "owner")[0]) {
            text_add(t, "  ");
            text_shown(t, app_text(o, "owner"));
        }
        break;
    case ROW_APPOINTMENT:
        text_time(t, spanish, app_text(o, "starts_at"), now_s);
        text_add(t, "  ");
        text_shown(t, app_text(o, "subject"));
        person__state(t, spanish, "  [", app_text(o, "status"), "]");
        if (app_text(o, "code")[0]) {
            text_add(t, "  ");
            text_shown(t, app_text(o, "code"));
        }
        person__mark(t, spanish, o);
        break;
    case ROW_WISH:
        person__things(t, o);
        if (app_text(o, "status")[0])
            person__state(t, spanish, "  [", app_text(o, "status"), "]");
        person__mark(t, spanish, o);
        break;
    case ROW_SALE:
        text_time(t, spanish, app_text(o, "at"), now_s);
        text_add(t, "  ");
        text_shown(t, app_text(o, "number"));
        text_add(t, "  ");
        text_shown(t, app_text(o, "currency"));
        text_add(t, " ");
        text_shown(t, app_text(o, "total"));
        break;
    case ROW_VISIT:
        text_time(t, spanish, app_text(o, "at"), now_s);
        text_add(t, "  ");
        text_shown(t, app_text(o, "store"));
        text_add(t, "  ");
        text_shown(t, app_text(o, "purpose"));
        break;
    default:
        person__entry(t, spanish, o, now_s);
    }
}

/* ---- all of them
 * --------------------------------------------------------------------------------------------------- */

static void person__add(struct person *p, enum row_kind kind, cJSON *o, bool first, const char *text,
                        size_t n)
{
    if (p->n_rows % 64 == 0) {
        struct row *more = app_alloc((p->n_rows + 64) * sizeof *more);

        if (p->n_rows)
            memcpy(more, p->rows, p->n_rows * sizeof *more);
        free(p->rows);
        p->rows = more;
    }
    p->rows[p->n_rows] = (struct row){kind, o, app_alloc(n + 1), first};
    memcpy(p->rows[p->n_rows++].text, text, n);
}

static void person__rows_done(struct person *p)
{
    size_t i;

    for (i = 0; i < p->n_rows; i++)
        free(p->rows[i].text);
    free(p->rows);
    p->rows = NULL;
    p->n_rows = 0;
}

static void person__section(struct person *p, bool spanish, enum row_kind kind, const char *member,
                            const char *head, int64_t now_s)
{
    cJSON *list = cJSON_GetObjectItemCaseSensitive(p->found, member), *o;
    const char *rest, *next;
    struct text t = {0};
    bool first;
    int lines;

    if (cJSON_GetArraySize(list) == 0)
        return;
    person__add(p, ROW_HEAD, NULL, false, head, strlen(head));
    cJSON_ArrayForEach(o, list)
    {
        text_done(&t);
        person__line(&t, spanish, kind, o, now_s);
        first = true;
        lines = 0;
        for (rest = text_z(&t); (*rest || first) && lines < 4; rest = next, lines++) {
            size_t n = text_line(rest, p->width - (first ? 2 : 4), &next);

            person__add(p, kind, o, first, rest, n);
            first = false;
        }
    }
    text_done(&t);
}

void person_rows(struct person *p, bool spanish, int width, int64_t now_s)
{
    const cJSON *chosen = p->at < p->n_rows ? p->rows[p->at].o : NULL;
    size_t i;

    person__rows_done(p);
    p->width = width > 10 ? width : 10;
    person__section(p, spanish, ROW_CASE, "cases", person__say(spanish, "CASES", "CASOS"), now_s);
    person__section(p, spanish, ROW_APPOINTMENT, "appointments",
                    person__say(spanish, "APPOINTMENTS", "CITAS"), now_s);
    person__section(p, spanish, ROW_WISH, "wishes", person__say(spanish, "WISHES", "DESEOS"), now_s);
    person__section(p, spanish, ROW_ENTRY, "timeline", person__say(spanish, "WHAT HAPPENED", "QUÉ HA PASADO"),
                    now_s);
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(p->found, "timeline_more"))) {
        const char *more = person__say(spanish, "more: Enter", "más: Intro");

        person__add(p, ROW_REST, NULL, true, more, strlen(more));
    }
    person__section(p, spanish, ROW_SALE, "sales", person__say(spanish, "PURCHASES", "COMPRAS"), now_s);
    person__section(p, spanish, ROW_VISIT, "visits", person__say(spanish, "VISITS", "VISITAS"), now_s);
    p->at = 0;
    for (i = 0; i < p->n_rows; i++)
        if (p->rows[i].first && (chosen ? p->rows[i].o == chosen : true)) {
            p->at = i;
            break;
        }
    if (p->at < p->n_rows && !p->rows[p->at].first)
        for (p->at = 0; p->at < p->n_rows && !p->rows[p->at].first; p->at++)
            ;
}

void person_set(struct person *p, cJSON *found, int64_t as_of_s, bool stale)
{
    const char *next = app_text(found, "timeline_next");

    person_done(p);
    p->cursor = next[0] ? app_copy(next) : NULL;
    p->found = found;
    p->as_of_s = as_of_s;
    p->stale = stale;
}

void person_done(struct person *p)
{
    person__rows_done(p);
    cJSON_Delete(p->found);
    free(p->cursor);
    *p = (struct person){0};
}

const char *person_id(const struct person *p)
{
    return app_text(p->found, "customer.id");
}

/* To the next line that can be chosen; the list follows. */
void person_move(struct person *p, int by, int height)
{
    size_t i = p->at, steps = (size_t)abs(by), last = p->at;

    while (steps) {
        if (by > 0 ? i + 1 >= p->n_rows : i == 0)
            break;
        i = by > 0 ? i + 1 : i - 1;
        if (p->rows[i].first) {
            last = i;
            steps--;
        }
    }
    p->at = last;
    if (height < 1)
        return;
    if (p->at < p->top + 1)
        p->top = p->at ? p->at - 1 : 0; /* with its heading */
    if (p->at + 1 >= p->top + (size_t)height)
        p->top = p->at + 2 - (size_t)height;
    if (p->top + (size_t)height > p->n_rows)
        p->top = p->n_rows > (size_t)height ? p->n_rows - (size_t)height : 0;
}

cJSON *person_pick(const struct person *p, enum row_kind kind)
{
    cJSON *only = NULL;
    size_t i;

    if (p->at < p->n_rows && p->rows[p->at].kind == kind)
        return p->rows[p->at].o;
    for (i = 0; i < p->n_rows; i++)
        if (p->rows[i].kind == kind && p->rows[i].first) {
            if (only)
                return NULL;
            only = p->rows[i].o;
        }
    return only;
}

void person_add(struct person *p, const char *kind, const char *text, const char *queued, int64_t now_s)
{
    cJSON *list = cJSON_GetObjectItemCaseSensitive(p->found, "timeline"), *o, *content;
    time_t t = (time_t)now_s;
    struct tm tm;
    char utc[32];

    if (!list)
        list = cJSON_AddArrayToObject(p->found, "timeline");
    o = cJSON_CreateObject();
    strftime(utc, sizeof utc, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
    cJSON_AddStringToObject(o, "time", utc);
    cJSON_AddStringToObject(o, "kind", kind);
    content = cJSON_AddObjectToObject(o, "content");
    cJSON_AddStringToObject(content, "type", "text");
    cJSON_AddStringToObject(content, "text", text);
    cJSON_AddStringToObject(o, "queued", queued);
    cJSON_InsertItemInArray(list, 0, o);
    p->width = 0; /* make the lines again */
}

void person_answered(struct person *p, const char *queued, bool refused)
{
    static const char *const lists[] = {"timeline", "appointments", "wishes"};
    cJSON *o;
    size_t i;

    for (i = 0; i < sizeof lists / sizeof lists[0]; i++)
        cJSON_ArrayForEach(o, cJSON_GetObjectItemCaseSensitive(p->found, lists[i]))
        {
            if (strcmp(app_text(o, "queued"), queued) != 0)
                continue;
            cJSON_DeleteItemFromObjectCaseSensitive(o, "queued");
            if (refused)
                cJSON_AddTrueToObject(o, "refused");
            p->width = 0;
        }
}

const char *person_media(const cJSON *entry, const char **message, const char **mime)
{
    const char *media = app_text(entry, "media");

    *message = app_text(entry, "id");
    *mime = app_text(entry, "content.mime");
    return media[0] ? media : app_text(entry, "content.media");
}
