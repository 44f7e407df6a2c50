/*
 * The neutral slip: what is to stand on a strip of paper, without saying how a printer
 * does it. It travels as JSON (the push `print`, a job in a printer's queue), and becomes
 * bytes of a printer (escpos.h), text or a picture (render.h).
 *
 *   {"title":"…","lines":[{"text":"…","label":"…","bold":true,"align":"center","size":2}],
 *    "qr":"…" | "barcode":"…","cut":"partial"}
 *
 * title   printed first, bold, centred, twice as large; may be absent
 * lines   text: UTF-8 of one paragraph (wrapped where it is printed; a line feed breaks it);
 *         label: stands at the left edge, text then at the right one. align: left (default),
 *         center, right. size: 1 (default) to 4, as many times as wide and high
 * qr      the contents of a QR code below the lines; barcode: of a Code 128, with the contents
 *         in letters below it, and a QR code where the paper is too narrow for the bars. Printable ASCII (of
 *         anything else readers guess the encoding); at most one of both
 * cut     partial (default), full, none
 *
 * Other members are refused, so that a slip that asks for more is not printed with less.
 * All pure; [any] thread.
 */
#ifndef POS_SLIP_H
#define POS_SLIP_H

#include <hilo/types.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    POS_SLIP_JSON_MAX = 16 * 1024, /* bytes of a slip as JSON */
    POS_SLIP_LINES_MAX = 200,
    POS_SLIP_TEXT_MAX = 2000, /* bytes of one text, label or title */
    POS_SLIP_SIZE_MAX = 4,
    POS_SLIP_QR_MAX = 300,     /* bytes; a larger code can't be told apart on 58 mm of paper */
    POS_SLIP_BARCODE_MAX = 48, /* characters */
    POS_SLIP_WORDS = 160
};
enum pos_align { POS_ALIGN_LEFT, POS_ALIGN_CENTER, POS_ALIGN_RIGHT };
enum pos_mark { POS_MARK_NONE, POS_MARK_QR, POS_MARK_BARCODE };
enum pos_cut { POS_CUT_PARTIAL, POS_CUT_FULL, POS_CUT_NONE };

struct pos_slip_line {
    struct hilo_str text, label; /* label may be empty */
    bool bold;
    uint8_t size; /* 1 … POS_SLIP_SIZE_MAX */
    enum pos_align align;
};
/* As pos_slip_parse() and pos_slip_make() give it: one block, freed as a whole. */
struct pos_slip {
    struct hilo_str title;
    const struct pos_slip_line *line;
    size_t n_line;
    enum pos_mark mark;
    struct hilo_str mark_text;
    enum pos_cut cut;
};

/* From JSON of anybody. NULL: refused, or no memory (HILO_INVALID, HILO_NOMEM in *code); why says
 * which member is wrong, in words for who sent it, without its contents. */
struct pos_slip *pos_slip_parse(struct hilo_str json, int32_t *code, char why[POS_SLIP_WORDS]);
/* A copy of one that lies anywhere. NULL: no memory. */
struct pos_slip *pos_slip_copy(const struct pos_slip *);
void pos_slip_free(struct pos_slip **);
/* As JSON, malloc'ed, NUL-ended; NULL: no memory. What it gives, parse takes and reads as the same. */
char *pos_slip_json(const struct pos_slip *, size_t *n_out);

enum pos_slip_kind { POS_SLIP_CASE, POS_SLIP_APPOINTMENT, POS_SLIP_WISH };
/* "case", "appointment", "wish". */
bool pos_slip_kind_parse(struct hilo_str, enum pos_slip_kind *out);

/* How it is said, and from where. */
struct pos_slip_how {
    struct hilo_str locale; /* BCP 47: "es", "es-CO", "en-US"; its language is Spanish or English, its region
                               says how dates and hours are written; empty or another: Spanish */
    enum pos_mark mark;     /* what the number or code is printed as too; NONE: QR */
    /* IANA name of where its dates are read, "America/Bogota"; empty: the gateway's own. */
    struct hilo_str time_zone;
    struct hilo_str store; /* as the customer knows it; printed where the record has none; may be empty */
};
/* Whether dates can be read there, so that a configuration can be checked. */
bool pos_slip_time_zone_known(struct hilo_str name);
/* Of a record as the gateway's API gives it: the answer of GET /v1/cases/{id}, /v1/appointments/{id},
 * or one subscription. NULL as above. */
struct pos_slip *pos_slip_make(enum pos_slip_kind, struct hilo_str record_json, const struct pos_slip_how *,
                               int32_t *code, char why[POS_SLIP_WORDS]);

#endif
