/*
 * Slips of the gateway's records, in the customer's language. What the customer has in hand is
 * short: what it is, when and where, and a number that a till reads.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "slip.h"

#include "slip_date.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

enum { MAKE_LINES = 12, MAKE_LOCALE = 40, MAKE_ROOM = 16 * 1024 };
enum make_language { MAKE_ES, MAKE_EN };

/* Each in Spanish and in English. */
#define WORDS(name, es, en) static const char *const word_##name[] = {[MAKE_ES] = (es), [MAKE_EN] = (en)}
WORDS(case, "Su caso", "Your case");
WORDS(number, "Número", "Number");
WORDS(opened, "Abierto", "Opened");
WORDS(status, "Estado", "Status");
WORDS(open, "abierto", "open");
WORDS(pending, "en espera", "pending");
WORDS(closed, "cerrado", "closed");
WORDS(keep, "Guarde este número: con él no tendrá que repetir nada.",
      "Keep this number: with it you need not repeat anything.");
WORDS(appointment, "Su cita", "Your appointment");
WORDS(canceled, "Cita cancelada", "Appointment canceled");
WORDS(show, "Muestre este código al llegar:", "Show this code when you arrive:");
WORDS(wish, "Le avisaremos", "We will tell you");
WORDS(wish_text, "Cuando llegue, le escribimos.", "As soon as it arrives, we will write to you.");
WORDS(sku, "Referencia", "Item");
WORDS(size, "Talla", "Size");
WORDS(colour, "Color", "Colour");
WORDS(store, "Tienda", "Store");
WORDS(date, "Fecha", "Date");

struct make {
    const struct pos_slip_how *how;
    const cJSON *record;
    enum make_language language;
    char locale[MAKE_LOCALE];
    struct pos_slip slip;
    struct pos_slip_line line[MAKE_LINES];
    char *room; /* texts of its own */
    size_t used;
    char *why;
};

static bool make_refuse(struct make *m, const char *what)
{
    (void)snprintf(m->why, POS_SLIP_WORDS, "%s", what);
    return false;
}

/* ---- texts ------------------------------------------------------------------------------------------- */

/* What is in a record came from people: no control may reach a printer, and no text is endless. */
static struct hilo_str make_text(struct make *m, const char *text)
{
    size_t n = text ? strlen(text) : 0, at = 0, room = MAKE_ROOM - m->used;
    struct hilo_str out = {m->room + m->used, 0};

    if (room > POS_SLIP_TEXT_MAX)
        room = POS_SLIP_TEXT_MAX;
    while (at < n) {
        ucs4_t c;
        size_t step = (size_t)u8_mbtouc(&c, (const uint8_t *)text + at, n - at);
        uint8_t utf8[6];
        int len;

        if ((c < 0x20 && c != '\n') || (c >= 0x7f && c < 0xa0))
            c = ' ';
        len = u8_uctomb(utf8, c, sizeof utf8);
        if (len <= 0 || out.n + (size_t)len > room)
            break;
        memcpy(m->room + m->used + out.n, utf8, (size_t)len);
        out.n += (size_t)len;
        at += step;
    }
    m->used += out.n;
    return out;
}

static const char *make_get(const struct make *m, const char *name)
{
    const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(m->record, name));

    return value && value[0] ? value : NULL;
}

static struct pos_slip_line *make_line(struct make *m, const char *text)
{
    struct pos_slip_line *line = &m->line[m->slip.n_line++];

    *line = (struct pos_slip_line){.text = make_text(m, text), .size = 1};
    return line;
}

static void make_pair(struct make *m, const char *const label[2], const char *text)
{
    if (text)
        make_line(m, text)->label = make_text(m, label[m->language]);
}

static void make_centred(struct make *m, const char *text, bool bold, uint8_t size)
{
    struct pos_slip_line *line;

    if (!text)
        return;
    line = make_line(m, text);
    line->align = POS_ALIGN_CENTER;
    line->bold = bold;
    line->size = size;
}

static void make_mark(struct make *m, const char *text)
{
    m->slip.mark = m->how->mark == POS_MARK_BARCODE ? POS_MARK_BARCODE : POS_MARK_QR;
    m->slip.mark_text = make_text(m, text);
}

static bool make_date(struct make *m, const char *member, enum pos_date_form form, char out[POS_DATE_MAX])
{
    const char *when = make_get(m, member), *own = make_get(m, "time_zone");
    struct hilo_str zone = own ? (struct hilo_str){own, strlen(own)} : m->how->time_zone;
    int64_t us;

    if (!when || !pos_date_parse((struct hilo_str){when, strlen(when)}, &us))
        return make_refuse(m, "the record has no date that can be read");
    return pos_date_say(us, form, m->locale, zone, out) || make_refuse(m, "its time zone is not known");
}

static const char *make_store(const struct make *m)
{
    const char *place = make_get(m, "place");

    return place ? place : make_get(m, "store");
}

/* ---- the three --------------------------------------------------------------------------------------------
 */

static bool make_case(struct make *m)
{
    const char *id = make_get(m, "id"), *subject = make_get(m, "subject"), *status = make_get(m, "status");
    const char *const *said = NULL;
    char date[POS_DATE_MAX];

    if (!id || !make_get(m, "opened"))
        return make_refuse(m, "it is no case");
    if (!make_date(m, "opened", POS_DATE_DAY_YEAR, date))
        return false;
    m->slip.title = make_text(m, word_case[m->language]);
    if (subject)
        make_centred(m, subject, true, 1);
    make_pair(m, word_opened, date);
    said = !status                          ? NULL
           : strcmp(status, "open") == 0    ? word_open
           : strcmp(status, "pending") == 0 ? word_pending
           : strcmp(status, "closed") == 0  ? word_closed
                                            : NULL;
    if (said)
        make_pair(m, word_status, said[m->language]);
    if (m->how->store.n) {
        struct pos_slip_line *line = make_line(m, NULL);

        line->label = make_text(m, word_store[m->language]);
        line->text = m->how->store;
    }
    make_pair(m, word_number, id);
    make_centred(m, word_keep[m->language], false, 1);
    make_mark(m, id);
    return true;
}

static bool make_appointment(struct make *m)
{
    const char *code = make_get(m, "code"), *status = make_get(m, "status"), *store = make_store(m);
    char day[POS_DATE_MAX], hour[POS_DATE_MAX];
    bool canceled = status && strcmp(status, "canceled") == 0;

    if (!make_get(m, "starts_at"))
        return make_refuse(m, "it is no appointment");
    if (!make_date(m, "starts_at", POS_DATE_DAY, day) || !make_date(m, "starts_at", POS_DATE_HOUR, hour))
        return false;
    m->slip.title = make_text(m, (canceled ? word_canceled : word_appointment)[m->language]);
    make_centred(m, day, true, 1);
    make_centred(m, hour, true, 2);
    make_centred(m, store, false, 1);
    if (!store && m->how->store.n) {
        make_centred(m, "", false, 1);
        m->line[m->slip.n_line - 1].text = m->how->store;
    }
    make_centred(m, make_get(m, "subject"), false, 1);
    if (code && !canceled) { /* it opens nothing any more */
        make_centred(m, word_show[m->language], false, 1);
        make_centred(m, code, true, 2);
        make_mark(m, code);
    }
    return true;
}

static bool make_wish(struct make *m)
{
    const char *sku = make_get(m, "sku"), *since = make_get(m, "since") ? "since" : "created";
    char date[POS_DATE_MAX];

    if (!sku)
        return make_refuse(m, "it is no subscription to stock");
    m->slip.title = make_text(m, word_wish[m->language]);
    make_pair(m, word_sku, sku);
    make_pair(m, word_size, make_get(m, "size"));
    make_pair(m, word_colour, make_get(m, "colour"));
    make_pair(m, word_store, make_get(m, "store"));
    if (make_get(m, since)) {
        if (!make_date(m, since, POS_DATE_DAY_YEAR, date))
            return false;
        make_pair(m, word_date, date);
    }
    make_centred(m, word_wish_text[m->language], false, 1);
    if (make_get(m, "id"))
        make_mark(m, make_get(m, "id"));
    return true;
}

/* ---- */

bool pos_slip_kind_parse(struct hilo_str s, enum pos_slip_kind *out)
{
    static const char *const name[] = {
        [POS_SLIP_CASE] = "case", [POS_SLIP_APPOINTMENT] = "appointment", [POS_SLIP_WISH] = "wish"};
    unsigned i;

    for (i = 0; i < sizeof name / sizeof *name; i++)
        if (s.n == strlen(name[i]) && memcmp(s.p, name[i], s.n) == 0) {
            *out = (enum pos_slip_kind)i;
            return true;
        }
    return false;
}

bool pos_slip_time_zone_known(struct hilo_str name)
{
    return pos_date_zone_known(name);
}

/* ICU takes any word for a locale: what it is not given is not looked for. */
static void make_locale(struct make *m)
{
    struct hilo_str s = m->how->locale;
    bool en = s.n >= 2 && (s.p[0] == 'e' || s.p[0] == 'E') && (s.p[1] == 'n' || s.p[1] == 'N') &&
              (s.n == 2 || s.p[2] == '-');
    bool es = s.n >= 2 && (s.p[0] == 'e' || s.p[0] == 'E') && (s.p[1] == 's' || s.p[1] == 'S') &&
              (s.n == 2 || s.p[2] == '-');
    size_t i;

    m->language = en ? MAKE_EN : MAKE_ES;
    (void)snprintf(m->locale, sizeof m->locale, "%s", en ? "en" : "es");
    if ((en || es) && s.n < MAKE_LOCALE) {
        for (i = 2; i < s.n; i++)
            if (!strchr("-ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", s.p[i]) || !s.p[i])
                return;
        for (i = 2; i < s.n; i++)
            m->locale[i] = s.p[i] == '-' ? '_' : s.p[i];
        m->locale[s.n] = 0;
    }
}

struct pos_slip *pos_slip_make(enum pos_slip_kind kind, struct hilo_str record_json,
                               const struct pos_slip_how *how, int32_t *code, char why[POS_SLIP_WORDS])
{
    static bool (*const make[])(struct make *) = {
        [POS_SLIP_CASE] = make_case, [POS_SLIP_APPOINTMENT] = make_appointment, [POS_SLIP_WISH] = make_wish};
    struct make *m = calloc(1, sizeof *m);
    cJSON *root = cJSON_ParseWithLength(record_json.p ? record_json.p : "", record_json.n);
    struct pos_slip *slip = NULL;

    *code = HILO_NOMEM;
    (void)snprintf(why, POS_SLIP_WORDS, "no memory");
    if (m)
        m->room = malloc(MAKE_ROOM);
    if (!m || !m->room)
        goto out;
    m->how = how;
    m->record = root;
    m->slip.line = m->line;
    m->why = why;
    make_locale(m);
    if (!cJSON_IsObject(root)) {
        (void)make_refuse(m, "the record is no object of JSON");
        *code = HILO_INVALID;
    } else if (!make[kind](m)) {
        *code = HILO_INVALID;
    } else {
        slip = pos_slip_copy(&m->slip);
        *code = slip ? HILO_OK : HILO_NOMEM;
    }
out:
    if (m)
        free(m->room);
    free(m);
    cJSON_Delete(root);
    return slip;
}
