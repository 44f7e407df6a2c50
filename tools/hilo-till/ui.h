/*
 * The clerk's screen. One struct ui, one thread, one loop (screen.c): keys and what the library tells change
 * it, then all of it is drawn again; ncurses sends only what differs.
 */
#ifndef UI_H
#define UI_H

#include "app.h"
#include <wchar.h>

enum { EDIT_MAX = 400, FORM_FIELDS = 6, NOTICES = 16, SHOWN = 8, BURST_MAX = 256 };

/* A literal of two languages. */
#define SAY(ui, en, es) ((ui)->app->spanish ? (es) : (en))

/* ---- text.c: text as it may stand on a screen ------------------------------------------------------- */

/* Text that grows; the end of the program without memory. */
struct text {
    char *p;
    size_t n, cap;
};
void text_add(struct text *, const char *s);
__attribute__((format(printf, 2, 3))) void text_fmt(struct text *, const char *fmt, ...);
/* What came from outside: no control characters, none that turn the direction of writing, no bytes that are
 * no UTF-8; line ends become spaces. */
void text_shown(struct text *, const char *s);
const char *text_z(const struct text *); /* never NULL */
void text_done(struct text *);
/* Columns that it takes. */
int text_width(const char *s);
/* Bytes of the next line of at most width columns, broken at a space where there is one; *next: where to go
 * on. */
size_t text_line(const char *s, int width, const char **next);
/* "14:05" of today, "27/11 14:05" or "Nov 27 14:05" of another day, from RFC 3339; "" of anything else. */
void text_time(struct text *, bool spanish, const char *utc, int64_t now_s);
/* A UTF-8 copy of wide characters. */
char *text_narrow(const wchar_t *w, size_t n);

/* ---- by.c: what was typed or scanned; pure ------------------------------------------------------------ */

/*
 * Whom it means: the "by" of customer.find. country: of documents that name none ("CO"), or "". NULL: it is
 * nothing to find anybody by.
 */
cJSON *by_read(const char *typed, const char *country);

/* ---- edit.c: one line that is typed -----------------------------------------------------------------------
 */

struct edit {
    wchar_t w[EDIT_MAX];
    size_t n, at, max; /* max: 0: EDIT_MAX */
};
void edit_set(struct edit *, const char *utf8);
/* A character, or a key of ncurses if key. false: it is nothing for a line. */
bool edit_key(struct edit *, wint_t c, bool key);

/* ---- form.c
 * -------------------------------------------------------------------------------------------------- */

struct ui;
struct form_choice {
    const char *value, *en, *es;
};
struct form_field {
    const char *label;
    const struct form_choice *choices; /* NULL value ends; NULL: a line to type */
    unsigned choice;
    bool optional;
    struct edit edit;
};
struct form {
    const char *title;
    struct form_field field[FORM_FIELDS];
    unsigned n, at;
    char about[80], more[80]; /* ids that done needs */
    /* false: something is wrong with it (said by ui_say); it stays open. */
    bool (*done)(struct ui *, const struct form *);
};
struct form_field *form_field(struct form *, const char *label, size_t max, bool optional);
/* The value of a field, allocated; "" if nothing was typed. */
char *form_value(const struct form *, unsigned i);
void form_key(struct ui *, wint_t c, bool key);

/* ---- person.c: what is known of a customer, as lines
 * ----------------------------------------------------------- */

enum row_kind {
    ROW_HEAD,
    ROW_CASE,
    ROW_APPOINTMENT,
    ROW_WISH,
    ROW_SALE,
    ROW_VISIT,
    ROW_ENTRY,
    ROW_REST,
    ROW_NONE
};
struct row {
    enum row_kind kind;
    cJSON *o; /* of the person; NULL of a heading */
    char *text;
    bool first; /* of what takes several lines: the one that is chosen */
};
struct person {
    cJSON *found; /* customer.find's result, with what was done since; NULL: nobody on the screen */
    int64_t as_of_s;
    bool stale;   /* from what was kept, without a line */
    char *cursor; /* of what happened before what is here; NULL: from the front, with what is here already */
    struct row *rows;
    size_t n_rows;
    size_t at, top; /* chosen row, first on the screen */
    int width;      /* that rows were made for */
};
void person_set(struct person *, cJSON *found, int64_t as_of_s, bool stale);
void person_done(struct person *);
void person_rows(struct person *, bool spanish, int width, int64_t now_s);
void person_move(struct person *, int by, int height);
const char *person_id(const struct person *); /* "" */
/* Of the chosen row, or the only one there is of that kind; NULL: which one must be chosen. */
cJSON *person_pick(const struct person *, enum row_kind);
/* Something that was done here, at the top of what happened; queued: its id in the queue, until it is
 * answered. */
void person_add(struct person *, const char *kind, const char *text, const char *queued, int64_t now_s);
/* The one of the queue with this id was answered: whatever carries it is not marked any more, or as refused.
 */
void person_answered(struct person *, const char *queued, bool refused);
/* The media of a row's entry: *message and *mime of it; "" when there is none. */
const char *person_media(const cJSON *entry, const char **message, const char **mime);

/* ---- the screen
 * --------------------------------------------------------------------------------------------------- */

enum view { VIEW_SEARCH, VIEW_PERSON, VIEW_QUEUE };
enum over { OVER_NONE, OVER_FORM, OVER_TEXT, OVER_SHOW, OVER_ASK };

struct notice {
    char *text;
    char by[16], value[80]; /* to find whom it is about */
};
struct shown {
    char id[65]; /* of the push */
    cJSON *params;
    bool ask;
};

struct ui {
    const struct app *app;
    struct hilotill *t;
    struct hilotill_status status; /* its strings are the library's: read it again in each turn */
    bool quit, ended;
    enum view view;
    enum over over;

    struct edit search;
    struct person person;
    char queued_id[HILOTILL_ID]; /* of the write that was queued last */
    char find_id[HILOTILL_ID], more_id[HILOTILL_ID], slip_id[HILOTILL_ID];
    char *find_params;
    char clerk[65], reason[101];
    unsigned reason_at;

    struct form form;
    char *text; /* of OVER_TEXT */
    const char *text_title;
    size_t text_top;
    cJSON *slip;     /* params of slip.print of the slip that was asked for last; NULL: none */
    bool slip_shown; /* it is the text of OVER_TEXT */
    char print_id[HILOTILL_ID];

    struct notice notices[NOTICES];
    unsigned n_notices;
    struct shown shown[SHOWN]; /* to be shown to the customer; [0] is on the screen */
    unsigned n_shown;

    char *said; /* the last message to the clerk */
    bool said_bad;

    cJSON *items; /* of VIEW_QUEUE */
    size_t item_at, item_top;

    struct fetch *fetch; /* media.c */

    /* What comes faster than people type is a scanner's. */
    wchar_t burst[BURST_MAX];
    size_t burst_n;
    int64_t burst_until;
};

/* screen.c */
__attribute__((format(printf, 2, 3))) void ui_say(struct ui *, const char *fmt, ...);
__attribute__((format(printf, 2, 3))) void ui_complain(struct ui *, const char *fmt, ...);
int64_t ui_unix_s(void);
void ui_show_text(struct ui *, const char *title, char *text); /* text is taken over */

/* keys.c */
void keys_take(struct ui *, wint_t c, bool key);
void keys_due(struct ui *); /* the burst's time is over */

/* draw.c */
void draw(struct ui *);
int draw_list_height(void);

/* actions.c */
void act_find(struct ui *, const char *typed);
void act_find_by(struct ui *, cJSON *by); /* takes it over */
void act_again(struct ui *);
void act_newest_notice(struct ui *);
void act_key(struct ui *, wint_t c); /* a single key on a person */
void act_open(struct ui *);          /* Enter on a row */
void act_clerk(struct ui *);
void act_reason(struct ui *);
void act_choice(struct ui *, unsigned i);
void act_shown_done(struct ui *);
void act_answer(struct ui *, const struct hilotill_answer *);
void act_push(struct ui *, const struct hilotill_push *);
void act_show_next(struct ui *);
void act_queue_view(struct ui *);
void act_queue_key(struct ui *, wint_t c);

/* slip.c: the slip on the screen, printed at the store's printer */
void slip_print(struct ui *);
bool slip_answer(struct ui *, const struct hilotill_answer *); /* true: it was for it */
void slip_status(struct ui *, const cJSON *params);            /* of print.status */

/* media.c: a photo or an invoice, fetched by pieces, saved, opened */
void media_fetch(struct ui *, const char *media, const char *message, const char *mime);
bool media_answer(struct ui *, const struct hilotill_answer *); /* true: it was for it */
void media_done(struct ui *);                                   /* deletes what was saved */

#endif
