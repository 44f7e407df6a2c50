/*
 * Tables and details for people, by tables of columns. Headings are English or Spanish;
 * values stay as the API writes them, so that what one reads is what one may search for.
 */
#include "cli.h"
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { GAP = 2, LAST_MIN = 20, COLUMNS_MAX = 16 };

#define BOLD   "\033[1m"
#define RED    "\033[31m"
#define GREEN  "\033[32m"
#define YELLOW "\033[33m"
#define PLAIN  "\033[0m"

/* The language of messages as POSIX finds it: LC_ALL, LC_MESSAGES, LANG. */
static bool screen__spanish(void)
{
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *v = getenv(names[i]);
        if (v && v[0])
            return strncmp(v, "es", 2) == 0 && (v[2] == 0 || strchr("_.@", v[2]));
    }
    return false;
}

void screen_init(struct screen *s)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    struct winsize size;

    /* For the widths of characters; the output is UTF-8 in any case. */
    if (!setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        (void)setlocale(LC_CTYPE, "C.UTF-8");
    *s = (struct screen){.spanish = screen__spanish()};
    if (!isatty(STDOUT_FILENO))
        return;
    s->colour = !(no && no[0]) && term && strcmp(term, "dumb") != 0;
    s->width = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

const char *say(const struct screen *s, struct label l)
{
    return s->spanish ? l.es : l.en;
}

/* ---- values ---------------------------------------------------------------------------- */

const cJSON *json_at(const cJSON *object, const char *path)
{
    while (object && *path) {
        size_t n = strcspn(path, ".");
        const cJSON *child = cJSON_IsObject(object) ? object->child : NULL;
        while (child && (strncmp(child->string, path, n) != 0 || child->string[n]))
            child = child->next;
        object = child;
        path += n + (path[n] == '.');
    }
    return object;
}

const char *json_text(const cJSON *object, const char *path)
{
    const cJSON *v = json_at(object, path);

    return cJSON_IsString(v) ? v->valuestring : "";
}

static void cell__json(const cJSON *v, struct text *out)
{
    const cJSON *e;
    char *raw;

    if (!v || cJSON_IsNull(v))
        return;
    if (cJSON_IsString(v)) {
        text_add_shown(out, v->valuestring);
    } else if (cJSON_IsArray(v)) {
        cJSON_ArrayForEach(e, v)
        {
            if (e != v->child)
                text_add(out, " ");
            cell__json(e, out);
        }
    } else if ((raw = cJSON_PrintUnformatted(v))) {
        text_add_shown(out, raw);
        cJSON_free(raw);
    }
}

void time_cell(const char *utc, struct text *out)
{
    struct tm tm = {0};
    char local[32];
    time_t t;
    const char *end = strptime(utc, "%Y-%m-%dT%H:%M:%S", &tm);

    if (end && (*end == '.' || *end == 'Z')) {
        t = timegm(&tm);
        if (localtime_r(&t, &tm) && strftime(local, sizeof local, "%Y-%m-%d %H:%M:%S", &tm) > 0) {
            text_add(out, local);
            return;
        }
    }
    text_add_shown(out, utc);
}

static void cell_add(const struct column *c, const cJSON *object, struct text *out)
{
    const cJSON *v = c->cell ? NULL : json_at(object, c->member);

    if (c->cell)
        c->cell(object, out);
    else if ((c->flags & COLUMN_TIME) && cJSON_IsString(v))
        time_cell(v->valuestring, out);
    else
        cell__json(v, out);
}

/* ---- printing --------------------------------------------------------------------------- */

static const char *cell__colour(const struct screen *s, const struct column *c, const char *value)
{
    static const struct {
        const char *value, *colour;
    } colours[] = {{"delivered", GREEN}, {"read", GREEN},      {"up", GREEN},       {"stored", GREEN},
                   {"in_doubt", YELLOW}, {"paused", YELLOW},   {"pending", YELLOW}, {"down", YELLOW},
                   {"starting", YELLOW}, {"draining", YELLOW}, {"failed", RED},     {"expired", RED},
                   {"suppressed", RED},  {"broken", RED},      {"stopped", RED},    {"canceled", YELLOW}};

    if (!s->colour || !(c->flags & COLUMN_STATUS))
        return NULL;
    for (size_t i = 0; i < sizeof colours / sizeof *colours; i++)
        if (strcmp(colours[i].value, value) == 0)
            return colours[i].colour;
    return NULL;
}

static void put__spaces(size_t n)
{
    while (n--)
        (void)putchar(' ');
}

/* Padded to width; the last of a line is not. */
static void put__cell(const char *p, size_t n, size_t width, bool right, bool last, const char *colour)
{
    size_t w = text_width(p, n), pad = w < width ? width - w : 0;

    if (right)
        put__spaces(pad);
    if (colour)
        (void)fputs(colour, stdout);
    (void)fwrite(p, 1, n, stdout);
    if (colour)
        (void)fputs(PLAIN, stdout);
    if (!right && !last)
        put__spaces(pad);
    if (!last)
        put__spaces(GAP);
}

/* The last column goes on below itself; indent is where it begins. */
static void put__rest(const struct screen *s, const char *p, size_t indent, const char *colour)
{
    size_t room = s->width > indent + LAST_MIN ? s->width - indent : LAST_MIN;
    const char *next;

    for (;;) {
        size_t n = s->width ? text_line(p, room, &next) : strlen(p);
        put__cell(p, n, 0, false, true, colour);
        (void)putchar('\n');
        if (!s->width || !*next)
            return;
        put__spaces(indent);
        p = next;
    }
}

static void put__row(const struct screen *s, const struct column *col, size_t n, const size_t *width,
                     const struct text *cell)
{
    size_t indent = 0, end = n;

    while (end > 1 && cell[end - 1].n == 0)
        end--; /* no spaces at the end of a line */
    for (size_t i = 0; i < end; i++) {
        const char *z = text_z(&cell[i]);
        const char *colour = cell__colour(s, &col[i], z);
        bool right = col[i].flags & COLUMN_RIGHT;
        if (i + 1 == n && !right) {
            put__rest(s, z, indent, colour);
            return;
        }
        put__cell(z, cell[i].n, width[i], right, i + 1 == end, colour);
        indent += width[i] + GAP;
    }
    (void)putchar('\n');
}

void table_print(const struct screen *s, const cJSON *array, const struct column *col, size_t n,
                 bool backwards, struct label none)
{
    size_t rows = cJSON_IsArray(array) ? (size_t)cJSON_GetArraySize(array) : 0, r = 0;
    size_t width[COLUMNS_MAX];
    struct text *cell;
    const cJSON *e;

    if (rows == 0) {
        (void)puts(say(s, none));
        return;
    }
    cell = calloc(rows * n, sizeof *cell);
    if (!cell) {
        complain("out of memory");
        exit(EXIT_REFUSED);
    }
    for (size_t i = 0; i < n; i++)
        width[i] = text_width(say(s, col[i].head), strlen(say(s, col[i].head)));
    cJSON_ArrayForEach(e, array)
    {
        size_t at = (backwards ? rows - 1 - r : r) * n;
        for (size_t i = 0; i < n; i++) {
            cell_add(&col[i], e, &cell[at + i]);
            size_t w = text_width(text_z(&cell[at + i]), cell[at + i].n);
            width[i] = w > width[i] ? w : width[i];
        }
        r++;
    }
    for (size_t i = 0; i < n; i++) {
        const char *head = say(s, col[i].head);
        put__cell(head, strlen(head), width[i], col[i].flags & COLUMN_RIGHT, i + 1 == n,
                  s->colour ? BOLD : NULL);
    }
    (void)putchar('\n');
    for (r = 0; r < rows; r++)
        put__row(s, col, n, width, &cell[r * n]);
    for (r = 0; r < rows * n; r++)
        text_done(&cell[r]);
    free(cell);
}

void details_print(const struct screen *s, const cJSON *object, const struct column *col, size_t n)
{
    size_t width = 0;

    for (size_t i = 0; i < n; i++) {
        size_t w = text_width(say(s, col[i].head), strlen(say(s, col[i].head)));
        width = w > width ? w : width;
    }
    for (size_t i = 0; i < n; i++) {
        const char *head = say(s, col[i].head);
        struct text cell = {0};
        cell_add(&col[i], object, &cell);
        if (cell.n || (col[i].flags & COLUMN_FULL)) {
            put__cell(head, strlen(head), width, false, false, s->colour ? BOLD : NULL);
            put__rest(s, text_z(&cell), width + GAP, cell__colour(s, &col[i], text_z(&cell)));
        }
        text_done(&cell);
    }
}
