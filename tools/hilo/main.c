/* hilo: finds the command, parses its options, runs it, and tells whether what it printed
 * really left. */
#include "cli.h"
#include <errno.h>
#include <string.h>

/* Lists a group's commands: "hilo message" alone, or with a verb that is none. */
static int group_usage(const char *name, const char *verb)
{
    bool any = false, help = verb && (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0);

    for (const struct command *const *c = commands; *c; c++)
        any = any || strcmp((*c)->name, name) == 0;
    if (!any) {
        complain("there is no command \"%s\"\ntry: hilo --help", name);
        return EXIT_USAGE;
    }
    if (verb && verb[0] != '-')
        complain("there is no command \"%s %s\"; there are:", name, verb);
    else if (!help)
        complain("%s what? There are:", name);
    for (const struct command *const *c = commands; *c; c++)
        if (strcmp((*c)->name, name) == 0)
            (void)fprintf(help ? stdout : stderr, "  hilo %s %s %-12s %s\n", name,
                          (*c)->verb ? (*c)->verb : "", (*c)->operands ? (*c)->operands : "", (*c)->summary);
    return help ? EXIT_OK : EXIT_USAGE;
}

/* The command that argv names; *first_out: where its options and operands begin. */
static const struct command *command_find(int argc, char **argv, int *first_out)
{
    const struct command *alone = NULL;

    for (const struct command *const *c = commands; *c; c++) {
        if (strcmp((*c)->name, argv[1]) != 0)
            continue;
        if (!(*c)->verb)
            alone = *c;
        else if (argc > 2 && strcmp((*c)->verb, argv[2]) == 0) {
            *first_out = 3;
            return *c;
        }
    }
    *first_out = 2;
    return alone;
}

static int command_run(const struct command *command, int argc, char **argv, int first)
{
    struct cli cli = {.command = command};
    int rc;

    screen_init(&cli.screen);
    rc = args_parse(&cli, argc, argv, first);
    if (rc == -1) {
        help_command(stdout, command);
        rc = EXIT_OK;
        goto out;
    }
    if (rc == EXIT_OK && !(command->flags & COMMAND_LOCAL))
        rc = client_new(&cli, &cli.client);
    if (rc == EXIT_OK)
        rc = command->run(&cli);
out:
    client_free(&cli.client);
    args_done(&cli);
    return rc;
}

int main(int argc, char **argv)
{
    const struct command *command;
    int rc = EXIT_OK, first = 1;

    if (argc < 2) {
        help_global(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        help_global(stdout);
    } else if (strcmp(argv[1], "--version") == 0) {
        (void)puts("hilo " HILO_VERSION);
    } else if (argv[1][0] == '-') {
        complain("options come after the command, as in: hilo send %s\ntry: hilo --help", argv[1]);
        rc = EXIT_USAGE;
    } else if ((command = command_find(argc, argv, &first))) {
        rc = command_run(command, argc, argv, first);
    } else {
        rc = group_usage(argv[1], argc > 2 ? argv[2] : NULL);
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        complain("can't write to standard output: %s", strerror(errno));
        rc = rc == EXIT_OK ? EXIT_REFUSED : rc;
    }
    return rc;
}
