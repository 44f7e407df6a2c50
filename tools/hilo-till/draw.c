/*
 * All of the screen, drawn again each time: title, what is looked at, what lies over it, the bar, the keys.
 * ncurses compares with what the terminal has and sends the difference, so nothing flickers.
 */
#include "ui.h"
#include <ncurses.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DRAW_TOP = 5 /* the first line of a person's list */ };

/* ---- pieces
 * ------------------------------------------------------------------------------------------------- */

/* Text in a line from a column on, cut to width columns; how many it took. Whatever it is, it can't act on
 * the terminal. */
static int put(int y, int x, int width, attr_t attr, const char *s)
{
    wchar_t w[1024];
    struct text t = {0};
    size_t n, i;
    int used = 0, c;

    if (width <= 0 || y < 0 || y >= LINES)
        return 0;
    text_shown(&t, s);
    n = mbstowcs(w, text_z(&t), 1023);
    text_done(&t);
    if (n == (size_t)-1)
        return 0;
    for (i = 0; i < n; i++) {
        c = wcwidth(w[i]);
        c = c < 0 ? 1 : c;
        if (used + c > width)
            break;
        used += c;
    }
    attrset(attr);
    mvaddnwstr(y, x, w, (int)i);
    attrset(A_NORMAL);
    return used;
}

static void fill(int y, attr_t attr)
{
    attrset(attr);
    mvhline(y, 0, ' ', COLS);
    attrset(A_NORMAL);
}

static void put_right(int y, int left, attr_t attr, const char *s)
{
    int w = text_width(s), x = COLS - w;

    put(y, x > left ? x : left, COLS - left, attr, s);
}

int draw_list_height(void)
{
    return LINES - DRAW_TOP - 2;
}

/* A line that is typed; its end is in sight. The terminal's cursor stands in it. */
static void draw__edit(const struct edit *e, int y, int x, int width, int *cy, int *cx)
{
    size_t from = 0;
    char *s, *before;
    int w;

    before = text_narrow(e->w, e->at);
    while (text_width(before) >= width) {
        free(before);
        from++;
        before = text_narrow(e->w + from, e->at - from);
    }
    w = text_width(before);
    s = text_narrow(e->w + from, e->n - from);
    attrset(A_UNDERLINE);
    mvhline(y, x, ' ', width);
    put(y, x, width, A_UNDERLINE, s);
    *cy = y;
    *cx = x + w;
    free(before);
    free(s);
}

/* ---- top and bottom
 * ---------------------------------------------------------------------------------------------- */

static void draw__title(struct ui *ui)
{
    time_t now = time(NULL);
    struct text t = {0};
    struct tm tm;

    fill(0, A_REVERSE);
    text_add(&t, " Hilo  ");
    if (ui->status.store[0]) {
        text_shown(&t, ui->status.store);
        text_add(&t, "/");
        text_shown(&t, ui->status.terminal);
    }
    put(0, 0, COLS, A_REVERSE | A_BOLD, text_z(&t));
    text_done(&t);
    localtime_r(&now, &tm);
    text_shown(&t, ui->clerk[0] ? ui->clerk : SAY(ui, "(nobody)", "(nadie)"));
    text_fmt(&t, "  %02d:%02d ", tm.tm_hour, tm.tm_min);
    put_right(0, 24, A_REVERSE, text_z(&t));
    text_done(&t);
}

static attr_t draw__line_words(struct ui *ui, struct text *t)
{
    const struct hilotill_status *s = &ui->status;

    switch (s->line) {
    case HILOTILL_ONLINE:
        text_add(t, SAY(ui, "online", "en línea"));
        return COLOR_PAIR(2) | A_BOLD;
    case HILOTILL_REVOKED:
        text_add(t, SAY(ui, "REVOKED", "REVOCADA"));
        return COLOR_PAIR(1) | A_BOLD;
    case HILOTILL_WAITING:
        text_fmt(t, "%s %d s", SAY(ui, "OFFLINE, again in", "SIN LÍNEA, reintento en"),
                 (int)((s->retry_in_ms + 999) / 1000));
        return COLOR_PAIR(1) | A_BOLD;
    case HILOTILL_CONNECTING:
        text_add(t, SAY(ui, "OFFLINE, connecting", "SIN LÍNEA, conectando"));
        return COLOR_PAIR(3) | A_BOLD;
    default:
        text_add(t, SAY(ui, "OFFLINE", "SIN LÍNEA"));
        return COLOR_PAIR(1) | A_BOLD;
    }
}

/* Online or not, what waits; and the last word to the clerk, or why there is no line. */
static void draw__bar(struct ui *ui)
{
    const struct hilotill_status *s = &ui->status;
    struct text t = {0};
    attr_t attr;
    int x;

    fill(LINES - 2, A_REVERSE);
    text_add(&t, " ");
    attr = draw__line_words(ui, &t);
    if (s->waiting)
        text_fmt(&t, "  %u %s", s->waiting, SAY(ui, "waiting", s->waiting == 1 ? "espera" : "esperan"));
    if (s->refused)
        text_fmt(&t, "  %u %s", s->refused,
                 SAY(ui, "refused (F3)", s->refused == 1 ? "rechazada (F3)" : "rechazadas (F3)"));
    x = put(LINES - 2, 0, COLS, attr | A_REVERSE, text_z(&t)) + 2;
    text_done(&t);
    if (ui->said && ui->said[0])
        text_shown(&t, ui->said);
    else if (s->line == HILOTILL_ONLINE && (s->clock_behind_ms > 60000 || s->clock_behind_ms < -60000))
        text_fmt(&t, "%s (%lld s)",
                 SAY(ui, "this machine's clock is wrong", "el reloj de este equipo está mal"),
                 (long long)(s->clock_behind_ms / 1000));
    else
        text_shown(&t, s->reason);
    put(LINES - 2, x, COLS - x, A_REVERSE | (ui->said_bad ? A_BOLD : A_NORMAL), text_z(&t));
    text_done(&t);
}

static const char *draw__keys_words(struct ui *ui)
{
    if (ui->over == OVER_FORM)
        return SAY(ui, "Enter next  Space changes a choice  Esc leave",
                   "Intro sigue  Espacio cambia la opción  Esc deja");
    if (ui->over == OVER_ASK)
        return SAY(ui, "1-9 the customer chooses  Esc no answer", "1-9 elige el cliente  Esc sin respuesta");
    if (ui->over == OVER_TEXT && ui->slip_shown)
        return SAY(ui, "p print it at the store's printer  Enter goes on",
                   "p lo imprime en la impresora de la tienda  Intro sigue");
    if (ui->over != OVER_NONE)
        return SAY(ui, "Enter goes on", "Intro sigue");
    if (ui->view == VIEW_SEARCH)
        return SAY(ui, "Enter find  F2 clerk  F3 queue  F4 reason  F6 newest notice  F10 end",
                   "Intro busca  F2 quién  F3 cola  F4 motivo  F6 último aviso  F10 salir");
    if (ui->view == VIEW_QUEUE)
        return SAY(ui, "d dismiss  a send again  Esc back", "d descarta  a reenvía  Esc vuelve");
    return SAY(ui, "n note o case c here w wish s sale v visit m msg k consent t slip x close Esc",
               "n nota o caso c llegó w deseo s venta v visita m msj k permiso t tiquete x fin");
}

/* ---- views
 * ---------------------------------------------------------------------------------------------------------------
 */

static void draw__search(struct ui *ui, int *cy, int *cx)
{
    const char *label = SAY(ui, "Customer: ", "Cliente: ");
    struct text t = {0};
    unsigned i;
    int x = put(2, 1, COLS - 2, A_BOLD, label) + 1;

    draw__edit(&ui->search, 2, x, COLS - x - 1, cy, cx);
    put(3, 1, COLS - 2, A_DIM,
        SAY(ui, "document, telephone, e-mail, order, or an appointment's code; or scan it",
            "documento, teléfono, correo, pedido o código de cita; o escanéelo"));
    text_fmt(&t, "%s %s (F4)", SAY(ui, "reason:", "motivo:"), ui->reason);
    put(4, 1, COLS - 2, A_DIM, text_z(&t));
    text_done(&t);
    for (i = 0; i < ui->n_notices && (int)i + 7 < LINES - 2; i++)
        put(6 + (int)i, 1, COLS - 2, i ? A_NORMAL : A_BOLD, ui->notices[i].text);
}

static void draw__consents(struct ui *ui, struct text *t)
{
    static const struct form_choice kinds[] = {{"service", "service", "servicio"},
                                               {"transactional", "transactional", "transaccional"},
                                               {"promotional", "promotional", "promociones"}};
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(ui->person.found, "consents"), *o;
    size_t i;

    text_fmt(t, "%s", SAY(ui, "Messages:", "Mensajes:"));
    for (i = 0; i < 3; i++) {
        const char *mark = "?";

        cJSON_ArrayForEach(o, list)
        {
            if (strcmp(app_text(o, "category"), kinds[i].value) == 0) {
                mark = strcmp(app_text(o, "state"), "granted") == 0 ? SAY(ui, "yes", "sí") : "no";
                break;
            }
        }
        text_fmt(t, "  %s %s", SAY(ui, kinds[i].en, kinds[i].es), mark);
    }
}

static void draw__head(struct ui *ui)
{
    const cJSON *who = cJSON_GetObjectItemCaseSensitive(ui->person.found, "customer"), *id;
    struct text t = {0};
    int x;

    text_shown(&t, app_text(who, "name")[0] ? app_text(who, "name") : SAY(ui, "(no name)", "(sin nombre)"));
    x = put(1, 1, COLS - 2, A_BOLD, text_z(&t)) + 3;
    text_done(&t);
    cJSON_ArrayForEach(id, cJSON_GetObjectItemCaseSensitive(who, "identifiers"))
    {
        text_shown(&t, app_text(id, "value"));
        text_add(&t, "  ");
    }
    put(1, x, COLS - x - 1, A_NORMAL, text_z(&t));
    text_done(&t);
    draw__consents(ui, &t);
    put(2, 1, COLS - 2, A_NORMAL, text_z(&t));
    text_done(&t);
    if (ui->person.stale) {
        time_t as_of = (time_t)ui->person.as_of_s;
        struct tm tm;
        char utc[32];

        strftime(utc, sizeof utc, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&as_of, &tm));
        text_add(&t, SAY(ui, "NO LINE: as it was at ", "SIN LÍNEA: como estaba a las "));
        text_time(&t, ui->app->spanish, utc, ui_unix_s());
        put(3, 1, COLS - 2, A_BOLD | COLOR_PAIR(1), text_z(&t));
        text_done(&t);
    } else if (ui->n_notices) {
        put(3, 1, COLS - 2, A_BOLD | COLOR_PAIR(3), ui->notices[0].text);
    }
    mvhline(4, 0, ACS_HLINE, COLS);
}

static void draw__person(struct ui *ui)
{
    struct person *p = &ui->person;
    int height = draw_list_height(), i;

    draw__head(ui);
    if (p->width != COLS - 2) {
        person_rows(p, ui->app->spanish, COLS - 2, ui_unix_s());
        person_move(p, 0, height);
    }
    for (i = 0; i < height && p->top + (size_t)i < p->n_rows; i++) {
        const struct row *row = &p->rows[p->top + (size_t)i];
        bool chosen = p->top + (size_t)i == p->at;

        if (row->kind == ROW_HEAD)
            put(DRAW_TOP + i, 1, COLS - 2, A_BOLD | COLOR_PAIR(3), row->text);
        else if (chosen)
            fill(DRAW_TOP + i, A_REVERSE);
        if (row->kind != ROW_HEAD)
            put(DRAW_TOP + i, row->first ? 2 : 4, COLS - 4, chosen ? A_REVERSE : A_NORMAL, row->text);
        if (chosen)
            put(DRAW_TOP + i, 0, 2, A_REVERSE, ">");
    }
    if (!p->n_rows)
        put(DRAW_TOP, 2, COLS - 4, A_DIM, SAY(ui, "nothing yet", "nada todavía"));
}

static void draw__queue(struct ui *ui)
{
    int height = LINES - 5, n = cJSON_GetArraySize(ui->items), i;
    struct text t = {0};

    put(1, 1, COLS - 2, A_BOLD,
        SAY(ui, "What waits to be sent, and what was refused", "Lo que espera envío y lo rechazado"));
    if (ui->item_at < ui->item_top)
        ui->item_top = ui->item_at;
    if (ui->item_at >= ui->item_top + (size_t)height)
        ui->item_top = ui->item_at + 1 - (size_t)height;
    for (i = 0; i < height && (int)ui->item_top + i < n; i++) {
        const cJSON *o = cJSON_GetArrayItem(ui->items, (int)ui->item_top + i);
        bool chosen = ui->item_top + (size_t)i == ui->item_at, refused = app_text(o, "error")[0];

        text_done(&t);
        text_add(&t, chosen ? "> " : "  ");
        text_time(&t, ui->app->spanish, app_text(o, "params.at"), ui_unix_s());
        text_add(&t, "  ");
        text_shown(&t, app_text(o, "method"));
        text_add(&t, "  ");
        text_shown(&t, app_text(o, "params.text")[0] ? app_text(o, "params.text")
                                                     : app_text(o, "params.subject"));
        if (refused) {
            text_fmt(&t, "  %s: ", SAY(ui, "refused", "rechazada"));
            text_shown(&t, app_text(o, "error"));
        }
        if (chosen)
            fill(3 + i, A_REVERSE);
        put(3 + i, 0, COLS, (chosen ? A_REVERSE : A_NORMAL) | (refused ? COLOR_PAIR(1) : 0), text_z(&t));
    }
    if (!n)
        put(3, 2, COLS - 4, A_DIM, SAY(ui, "nothing", "nada"));
    text_done(&t);
}

/* ---- what lies over
 * ------------------------------------------------------------------------------------------------------- */

/* An empty box in the middle; where its inside begins and how wide it is. */
static int draw__box(int lines, const char *title, int *x, int *width)
{
    int w = COLS > 76 ? 72 : COLS - 4, h = lines + 2 > LINES - 3 ? LINES - 3 : lines + 2;
    int y = (LINES - 2 - h) / 2 > 0 ? (LINES - 2 - h) / 2 : 1, left = (COLS - w) / 2, i;

    for (i = 0; i < h; i++) {
        mvhline(y + i, left, ' ', w);
        mvaddch(y + i, left, ACS_VLINE);
        mvaddch(y + i, left + w - 1, ACS_VLINE);
    }
    mvhline(y, left + 1, ACS_HLINE, w - 2);
    mvhline(y + h - 1, left + 1, ACS_HLINE, w - 2);
    mvaddch(y, left, ACS_ULCORNER);
    mvaddch(y, left + w - 1, ACS_URCORNER);
    mvaddch(y + h - 1, left, ACS_LLCORNER);
    mvaddch(y + h - 1, left + w - 1, ACS_LRCORNER);
    put(y, left + 2, w - 4, A_BOLD, title);
    *x = left + 2;
    *width = w - 4;
    return y + 1;
}

static void draw__form(struct ui *ui, int *cy, int *cx)
{
    const struct form *f = &ui->form;
    int x, width, y = draw__box((int)f->n * 2, f->title, &x, &width), label = 0;
    unsigned i;

    for (i = 0; i < f->n; i++)
        if (text_width(f->field[i].label) > label)
            label = text_width(f->field[i].label);
    for (i = 0; i < f->n; i++) {
        const struct form_field *field = &f->field[i];
        int at = y + (int)i * 2, from = x + label + 2, w = width - label - 2;

        put(at, x, label + 1, i == f->at ? A_BOLD : A_NORMAL, field->label);
        if (field->choices) {
            const struct form_choice *c = &field->choices[field->choice];

            put(at, from, w, i == f->at ? A_REVERSE : A_UNDERLINE, SAY(ui, c->en, c->es));
            if (i == f->at) {
                *cy = at;
                *cx = from;
            }
        } else {
            int ey, ex;

            draw__edit(&field->edit, at, from, w, &ey, &ex);
            if (i == f->at) {
                *cy = ey;
                *cx = ex;
            }
        }
    }
}

/* A text of several lines, from line top on; whether all of it was to be seen. */
static bool draw__text(int y, int x, int width, int height, size_t top, const char *s)
{
    struct text t = {0};
    const char *next;
    char *line;
    size_t n, i = 0;

    for (; *s; s = next) {
        n = text_line(s, width, &next);
        if (i++ < top)
            continue;
        if (i - top > (size_t)height)
            return false;
        line = app_alloc(n + 1);
        memcpy(line, s, n);
        text_done(&t);
        text_shown(&t, line);
        put(y + (int)(i - top) - 1, x, width, A_NORMAL, text_z(&t));
        free(line);
    }
    text_done(&t);
    return true;
}

static void draw__over_text(struct ui *ui)
{
    int x, width, height = LINES - 8, y = draw__box(height, ui->text_title, &x, &width);

    if (draw__text(y, x, width, height, ui->text_top, ui->text) && ui->text_top > 1000)
        ui->text_top = 0;
}

/* What the customer is to read: large, and nothing else on the screen. */
static void draw__show(struct ui *ui)
{
    const cJSON *p = ui->shown[0].params, *choice;
    const char *text = app_text(p, "text")[0] ? app_text(p, "text") : app_text(p, "content.text");
    int x, width, y = draw__box(LINES - 6, SAY(ui, "For the customer", "Para el cliente"), &x, &width), i = 0,
                  row;
    struct text t = {0};

    put(y, x, width, A_BOLD, app_text(p, "header"));
    draw__text(y + 1, x, width, LINES - 10, 0, text[0] ? text : app_text(p, "content.caption"));
    for (row = y + 2; text[0]; row++) {
        const char *next;

        text_line(text, width, &next);
        text = next;
    }
    cJSON_ArrayForEach(choice, cJSON_GetObjectItemCaseSensitive(p, "choices"))
    {
        text_done(&t);
        text_fmt(&t, "%d  ", ++i);
        text_shown(&t, app_text(choice, "title"));
        if (app_text(choice, "description")[0]) {
            text_add(&t, " - ");
            text_shown(&t, app_text(choice, "description"));
        }
        if (row < LINES - 4)
            put(row++, x + 2, width - 2, A_BOLD, text_z(&t));
    }
    text_done(&t);
}

void draw(struct ui *ui)
{
    int cy = LINES - 1, cx = 0;

    erase();
    if (LINES < 8 || COLS < 30) {
        put(0, 0, COLS, A_NORMAL, SAY(ui, "The window is too small", "La ventana es muy pequeña"));
        refresh();
        return;
    }
    draw__title(ui);
    if (ui->view == VIEW_SEARCH)
        draw__search(ui, &cy, &cx);
    else if (ui->view == VIEW_PERSON)
        draw__person(ui);
    else
        draw__queue(ui);
    draw__bar(ui);
    put(LINES - 1, 0, COLS - 1, A_NORMAL, draw__keys_words(ui));
    if (ui->over == OVER_FORM)
        draw__form(ui, &cy, &cx);
    else if (ui->over == OVER_TEXT)
        draw__over_text(ui);
    else if (ui->over != OVER_NONE)
        draw__show(ui);
    curs_set(ui->over == OVER_FORM || (ui->over == OVER_NONE && ui->view == VIEW_SEARCH));
    move(cy, cx < COLS ? cx : COLS - 1);
    refresh();
}
