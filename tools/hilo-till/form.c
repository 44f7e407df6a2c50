/* A few lines to fill in, over whatever is on the screen. Enter goes on, and at the last one it is done. */
#include "ui.h"
#include <ncurses.h>
#include <stdlib.h>
#include <string.h>

struct form_field *form_field(struct form *f, const char *label, size_t max, bool optional)
{
    struct form_field *field = &f->field[f->n++];

    *field = (struct form_field){.label = label, .optional = optional};
    field->edit.max = max;
    return field;
}

char *form_value(const struct form *f, unsigned i)
{
    const struct form_field *field = &f->field[i];

    if (field->choices)
        return app_copy(field->choices[field->choice].value);
    return text_narrow(field->edit.w, field->edit.n);
}

static void form__choose(struct form_field *field, bool back)
{
    unsigned n = 0;

    while (field->choices[n].value)
        n++;
    field->choice = (field->choice + (back ? n - 1 : 1)) % n;
}

static bool form__missing(const struct form *f, unsigned *i)
{
    for (*i = 0; *i < f->n; ++*i)
        if (!f->field[*i].choices && !f->field[*i].optional && f->field[*i].edit.n == 0)
            return true;
    return false;
}

static void form__enter(struct ui *ui)
{
    struct form *f = &ui->form;
    unsigned missing;

    if (f->at + 1 < f->n) {
        f->at++;
        return;
    }
    if (form__missing(f, &missing)) {
        f->at = missing;
        ui_complain(ui, "%s: %s", f->field[missing].label, SAY(ui, "is missing", "falta"));
        return;
    }
    if (f->done(ui, f) && ui->over == OVER_FORM)
        ui->over = OVER_NONE;
}

void form_key(struct ui *ui, wint_t c, bool key)
{
    struct form *f = &ui->form;
    struct form_field *field = &f->field[f->at];

    if (!key && c == 27)
        ui->over = OVER_NONE;
    else if ((!key && (c == '\r' || c == '\n')) || (key && c == KEY_ENTER))
        form__enter(ui);
    else if ((!key && c == '\t') || (key && c == KEY_DOWN))
        f->at = (f->at + 1) % f->n;
    else if (key && (c == KEY_UP || c == KEY_BTAB))
        f->at = (f->at + f->n - 1) % f->n;
    else if (field->choices && ((!key && c == ' ') || (key && (c == KEY_RIGHT || c == KEY_LEFT))))
        form__choose(field, key && c == KEY_LEFT);
    else if (!field->choices)
        edit_key(&field->edit, c, key);
}
