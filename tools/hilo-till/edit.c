/* One line that is typed. */
#include "ui.h"
#include <ncurses.h>
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

void edit_set(struct edit *e, const char *utf8)
{
    size_t n = mbstowcs(e->w, utf8, EDIT_MAX - 1);

    e->n = e->at = n == (size_t)-1 ? 0 : n;
}

static void edit__remove(struct edit *e, size_t at)
{
    if (at >= e->n)
        return;
    wmemmove(e->w + at, e->w + at + 1, e->n - at - 1);
    e->n--;
}

bool edit_key(struct edit *e, wint_t c, bool key)
{
    size_t max = e->max && e->max < EDIT_MAX ? e->max : EDIT_MAX - 1;

    if ((key && c == KEY_BACKSPACE) || (!key && (c == 127 || c == 8))) {
        if (e->at)
            edit__remove(e, --e->at);
    } else if (key && c == KEY_DC) {
        edit__remove(e, e->at);
    } else if (key && c == KEY_LEFT) {
        e->at -= e->at > 0;
    } else if (key && c == KEY_RIGHT) {
        e->at += e->at < e->n;
    } else if ((key && c == KEY_HOME) || (!key && c == 1)) {
        e->at = 0;
    } else if ((key && c == KEY_END) || (!key && c == 5)) {
        e->at = e->n;
    } else if (!key && c == 21) { /* Ctrl-U */
        e->n = e->at = 0;
    } else if (!key && iswprint(c)) {
        if (e->n < max) {
            wmemmove(e->w + e->at + 1, e->w + e->at, e->n - e->at);
            e->w[e->at++] = (wchar_t)c;
            e->n++;
        }
    } else {
        return false;
    }
    return true;
}
