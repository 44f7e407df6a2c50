/*
 * Keys. A keyboard-wedge scanner is a keyboard that types fast and ends with Enter: where a single key does
 * something, a character is held for a moment, and if more come at a scanner's speed they are a code.
 */
#include "ui.h"
#include <ncurses.h>
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

enum { BURST_MS = 40 /* people need twice as long from key to key */ };

static bool is_enter(wint_t c, bool key)
{
    return (!key && (c == '\r' || c == '\n')) || (key && c == KEY_ENTER);
}

/* ---- keys that mean the same everywhere ------------------------------------------------------------------
 */

static bool keys__function(struct ui *ui, wint_t c, bool key)
{
    if (!key)
        return false;
    switch (c) {
    case KEY_F(2):
        act_clerk(ui);
        return true;
    case KEY_F(3):
        act_queue_view(ui);
        return true;
    case KEY_F(4):
        act_reason(ui);
        return true;
    case KEY_F(5):
        if (ui->status.line == HILOTILL_ONLINE)
            act_again(ui);
        else
            hilotill_hurry(ui->t);
        return true;
    case KEY_F(6):
        act_newest_notice(ui);
        return true;
    default:
        return false;
    }
}

/* ---- each view
 * ------------------------------------------------------------------------------------------------ */

static void keys__search(struct ui *ui, wint_t c, bool key)
{
    char *typed;

    if (is_enter(c, key)) {
        typed = text_narrow(ui->search.w, ui->search.n);
        if (typed[0])
            act_find(ui, typed);
        free(typed);
    } else if (!key && c == 27) {
        edit_set(&ui->search, "");
        ui_say(ui, "%s", "");
    } else {
        edit_key(&ui->search, c, key);
    }
}

static void keys__leave(struct ui *ui)
{
    if (ui->view == VIEW_QUEUE && person_id(&ui->person)[0]) {
        ui->view = VIEW_PERSON;
        return;
    }
    ui->view = VIEW_SEARCH;
    person_done(&ui->person);
    ui_say(ui, "%s", "");
}

static void keys__person(struct ui *ui, wint_t c, bool key)
{
    int height = draw_list_height();

    if (is_enter(c, key))
        act_open(ui);
    else if (key && c == KEY_DOWN)
        person_move(&ui->person, 1, height);
    else if (key && c == KEY_UP)
        person_move(&ui->person, -1, height);
    else if (key && c == KEY_NPAGE)
        person_move(&ui->person, height - 2, height);
    else if (key && c == KEY_PPAGE)
        person_move(&ui->person, 2 - height, height);
    else if (!key && (c == 27 || c == '/'))
        keys__leave(ui);
    else if (!key)
        act_key(ui, (wint_t)towlower(c));
}

static void keys__queue(struct ui *ui, wint_t c, bool key)
{
    size_t n = (size_t)cJSON_GetArraySize(ui->items);

    if (key && c == KEY_DOWN && ui->item_at + 1 < n)
        ui->item_at++;
    else if (key && c == KEY_UP && ui->item_at)
        ui->item_at--;
    else if (!key && c == 27)
        keys__leave(ui);
    else if (!key)
        act_queue_key(ui, (wint_t)towlower(c));
}

static void keys__over(struct ui *ui, wint_t c, bool key)
{
    bool leave = is_enter(c, key) || (!key && (c == 27 || c == ' '));

    switch (ui->over) {
    case OVER_FORM:
        form_key(ui, c, key);
        break;
    case OVER_TEXT:
        if (key && c == KEY_DOWN)
            ui->text_top++;
        else if (key && c == KEY_UP)
            ui->text_top -= ui->text_top > 0;
        else if (ui->slip_shown && !key && towlower(c) == 'p')
            slip_print(ui);
        else if (leave)
            ui->over = OVER_NONE;
        break;
    case OVER_SHOW:
        if (leave)
            act_shown_done(ui);
        break;
    case OVER_ASK:
        if (!key && c >= '1' && c <= '9')
            act_choice(ui, c - '1');
        else if (!key && c == 27) /* the customer did not choose */
            act_shown_done(ui);
        break;
    case OVER_NONE:
        break;
    }
    act_show_next(ui);
}

static void keys__view(struct ui *ui, wint_t c, bool key)
{
    if ((!key && c == 17) || (key && c == KEY_F(10))) /* Ctrl-Q */
        ui->quit = true;
    else if (ui->over != OVER_NONE)
        keys__over(ui, c, key);
    else if (keys__function(ui, c, key))
        ;
    else if (ui->view == VIEW_SEARCH)
        keys__search(ui, c, key);
    else if (ui->view == VIEW_PERSON)
        keys__person(ui, c, key);
    else
        keys__queue(ui, c, key);
}

/* ---- the scanner
 * ---------------------------------------------------------------------------------------------------- */

/* Where a single key acts. A line that is typed takes a scanner's characters as it takes anybody's. */
static bool keys__single(const struct ui *ui)
{
    return ui->over == OVER_NONE && ui->view != VIEW_SEARCH;
}

static void keys__flush(struct ui *ui)
{
    wchar_t first = ui->burst[0];
    size_t n = ui->burst_n;

    ui->burst_n = 0;
    ui->burst_until = 0;
    /* Two keys in that time are a quick hand's; the second one may belong to what the first has opened. */
    if (n >= 1)
        keys__view(ui, (wint_t)first, false);
    if (n == 2)
        keys__view(ui, (wint_t)ui->burst[1], false);
}

void keys_take(struct ui *ui, wint_t c, bool key)
{
    char *code;

    if (!keys__single(ui) && !ui->burst_n) {
        keys__view(ui, c, key);
        return;
    }
    if (is_enter(c, key) && ui->burst_n >= 4) {
        code = text_narrow(ui->burst, ui->burst_n);
        ui->burst_n = 0;
        ui->burst_until = 0;
        act_find(ui, code);
        free(code);
        return;
    }
    if (!key && iswprint(c)) {
        if (ui->burst_n < BURST_MAX)
            ui->burst[ui->burst_n++] = (wchar_t)c;
        ui->burst_until = app_now() + BURST_MS;
        return;
    }
    keys__flush(ui);
    keys__view(ui, c, key);
}

void keys_due(struct ui *ui)
{
    if (ui->burst_n && app_now() >= ui->burst_until)
        keys__flush(ui);
}
