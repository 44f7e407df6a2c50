/*
 * Options by tables, parsed by getopt_long; help printed from the same tables.
 *
 * An option that is given twice where that has no meaning is an error: a script that
 * builds its line wrongly should hear of it.
 */
#include "cli.h"
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX = 64, OPTION_FIRST = 256 };

static const struct option_row common_rows[] = {
    {"help", NULL, 'h', true, "this text"},
    {NULL, NULL, 0, false, NULL},
};
static const struct option_row gateway_rows[] = {
    {"json", NULL, 0, true, "print the API's JSON, for programs"},
    {"quiet", NULL, 'q', true, "print the id alone (key create: the key)"},
    {"control", "PATH", 0, false, "the gateway's control socket"},
    {"url", "URL", 0, false, "a gateway elsewhere, with --key or HILO_KEY"},
    {"key", "KEY", 0, false, "API key; HILO_KEY hides it from ps"},
    {NULL, NULL, 0, false, NULL},
};

void complain(const char *fmt, ...)
{
    va_list ap;

    (void)fputs("hilo: ", stderr);
    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void)fputc('\n', stderr);
}

static const char *command_title(const struct command *c, char title[64])
{
    (void)snprintf(title, 64, "%s%s%s", c->name, c->verb ? " " : "", c->verb ? c->verb : "");
    return title;
}

int usage_error(const struct cli *cli, const char *fmt, ...)
{
    char title[64];
    va_list ap;

    (void)fputs("hilo: ", stderr);
    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void)fprintf(stderr, "\ntry: hilo %s --help\n", command_title(cli->command, title));
    return EXIT_USAGE;
}

/* ---- parsing ----------------------------------------------------------------------------- */

struct rows {
    const struct option_row *row[ROWS_MAX];
    struct option option[ROWS_MAX + 1];
    char letters[2 * ROWS_MAX + 2];
    size_t n, n_letters;
};

static void rows_add(struct rows *r, const struct option_row *row)
{
    for (; row && row->name; row++, r->n++) {
        if (r->n == ROWS_MAX)
            abort(); /* a command with more options than there is room for: a fault of the tables */
        r->row[r->n] = row;
        r->option[r->n] = (struct option){.name = row->name,
                                          .has_arg = row->value ? required_argument : no_argument,
                                          .val = OPTION_FIRST + (int)r->n};
        if (row->letter) {
            r->letters[r->n_letters++] = row->letter;
            if (row->value)
                r->letters[r->n_letters++] = ':';
        }
    }
}

static const struct option_row *rows_find(const struct rows *r, int opt)
{
    if (opt >= OPTION_FIRST)
        return r->row[opt - OPTION_FIRST];
    for (size_t i = 0; i < r->n; i++)
        if (r->row[i]->letter == opt)
            return r->row[i];
    return NULL;
}

static void rows_of(const struct command *c, struct rows *r)
{
    *r = (struct rows){0};
    r->letters[r->n_letters++] = ':'; /* errors are ours to word */
    rows_add(r, c->options);
    if (!(c->flags & COMMAND_LOCAL))
        rows_add(r, gateway_rows);
    rows_add(r, common_rows);
}

int args_parse(struct cli *cli, int argc, char **argv, int first)
{
    struct rows rows;
    int opt;

    rows_of(cli->command, &rows);
    cli->given = calloc((size_t)argc, sizeof *cli->given);
    if (!cli->given) {
        complain("out of memory");
        return EXIT_REFUSED;
    }
    /* getopt permutes argv, so operands may stand among options; what follows "--" is an
     * operand whatever it looks like. 0 makes glibc start anew. */
    argc -= first - 1;
    argv += first - 1;
    optind = 0;
    opterr = 0;
    while ((opt = getopt_long(argc, argv, rows.letters, rows.option, NULL)) != -1) {
        if (opt == '?' && optopt && optopt < OPTION_FIRST)
            return usage_error(cli, "there is no option -%c here", optopt);
        if (opt == '?' && optopt)
            return usage_error(cli, "the option --%s takes no value", rows_find(&rows, optopt)->name);
        if (opt == '?')
            return usage_error(cli, "there is no option %s here", argv[optind - 1]);
        if (opt == ':')
            return usage_error(cli, "the option --%s needs a value", rows_find(&rows, optopt)->name);
        const struct option_row *row = rows_find(&rows, opt);
        if (strcmp(row->name, "help") == 0)
            return -1;
        if (!row->many && arg(cli, row->name))
            return usage_error(cli, "the option --%s is given twice", row->name);
        cli->given[cli->n_given++] = (struct given){row->name, row->value ? optarg : ""};
    }
    cli->operand = argv + optind;
    cli->n_operands = argc - optind;
    cli->json = arg(cli, "json") != NULL;
    cli->quiet = arg(cli, "quiet") != NULL;
    if (cli->n_operands < cli->command->operands_min)
        return usage_error(cli, "%s is missing", cli->command->operands);
    if (cli->n_operands > cli->command->operands_max)
        return usage_error(cli, "\"%s\" is not expected here", cli->operand[cli->command->operands_max]);
    return EXIT_OK;
}

void args_done(struct cli *cli)
{
    free(cli->given);
    cli->given = NULL;
    cli->n_given = 0;
}

const char *arg_nth(const struct cli *cli, const char *name, size_t i)
{
    for (size_t g = 0; g < cli->n_given; g++)
        if (strcmp(cli->given[g].name, name) == 0 && i-- == 0)
            return cli->given[g].value;
    return NULL;
}

const char *arg(const struct cli *cli, const char *name)
{
    return arg_nth(cli, name, 0);
}

const char *operand(const struct cli *cli, int i)
{
    return i < cli->n_operands ? cli->operand[i] : NULL;
}

/* ---- help ---------------------------------------------------------------------------------- */

static void help_rows(FILE *f, const struct option_row *row)
{
    char left[48], letter[8];

    for (; row && row->name; row++) {
        (void)snprintf(letter, sizeof letter, row->letter ? "-%c, " : "    ", row->letter);
        (void)snprintf(left, sizeof left, "%s--%s%s%s", letter, row->name, row->value ? " " : "",
                       row->value ? row->value : "");
        /* By columns, not by bytes: "…" has three. */
        size_t width = text_width(left, strlen(left));
        (void)fprintf(f, "  %s%*s %s%s\n", left, width < 26 ? (int)(26 - width) : 0, "", row->help,
                      row->many && row->value ? "; may be repeated" : "");
    }
}

void help_command(FILE *f, const struct command *c)
{
    char title[64];

    (void)fprintf(f, "hilo %s [options]%s%s\n\n%s\n", command_title(c, title), c->operands ? " " : "",
                  c->operands ? c->operands : "", c->summary);
    if (c->help)
        (void)fprintf(f, "%s\n", c->help);
    if (c->options) {
        (void)fputs("\nOptions\n", f);
        help_rows(f, c->options);
    }
    (void)fputs(c->flags & COMMAND_LOCAL ? "\n" : "\nOptions of every command\n", f);
    if (!(c->flags & COMMAND_LOCAL))
        help_rows(f, gateway_rows);
    help_rows(f, common_rows);
    (void)fprintf(f, "\nExamples\n%s", c->examples);
}

void help_global(FILE *f)
{
    char title[64], left[80];

    (void)fputs("hilo " HILO_VERSION ", the command line of the Hilo gateway\n\n"
                "  hilo COMMAND [options] [operands]\n\n",
                f);
    for (const struct command *const *c = commands; *c; c++) {
        (void)snprintf(left, sizeof left, "%s %s", command_title(*c, title),
                       (*c)->operands ? (*c)->operands : "");
        (void)fprintf(f, "  %-28s %s\n", left, (*c)->summary);
    }
    (void)fputs("\n"
                "hilo COMMAND --help tells a command's options, with examples. All of it: man hilo.\n\n"
                "The gateway is reached by its control socket: --control, HILO_CONTROL or\n"
                "/var/lib/hilo/control.sock; one elsewhere by --url and --key (HILO_URL, HILO_KEY).\n\n"
                "Exit status: 0 done, 1 refused or failed, 2 usage, 3 no answer from the gateway,\n"
                "4 a check found something.\n",
                f);
}
