/*
 * The command line `hilo`: what its parts share. One process, one thread, one command;
 * memory is freed at the end of what used it, so that a leak checker stays useful.
 */
#ifndef HILO_CLI_H
#define HILO_CLI_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Exit statuses; documented in hilo(1). */
enum { EXIT_OK = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_UNREACHABLE = 3, EXIT_FOUND = 4 };

/* ---- text.c: text that grows, and how it looks on a terminal ------------------------ */

/* NUL-ended when p is not NULL. Running out of memory ends the program. */
struct text {
    char *p;
    size_t n, cap;
};
void text_add(struct text *, const char *s);
void text_add_n(struct text *, const char *p, size_t n);
__attribute__((format(printf, 2, 3))) void text_fmt(struct text *, const char *fmt, ...);
/* Percent-encoded, for a part of a path or of a query. */
void text_add_url(struct text *, const char *s);
const char *text_z(const struct text *); /* never NULL */
void text_done(struct text *);

/*
 * Text that came from outside as it may stand in a terminal: bytes that are no UTF-8,
 * control characters (escape sequences with them) and those that turn the direction of
 * writing become U+FFFD; line ends and tabs a space.
 */
void text_add_shown(struct text *, const char *s);
/* Columns that text takes on a terminal; what text_add_shown made, any UTF-8. */
size_t text_width(const char *s, size_t n);
/* Bytes of the next line of at most width columns, cut at a space where there is one, and
 * where to go on. At least one character is taken. */
size_t text_line(const char *s, size_t width, const char **next_out);

/* ---- table.c: what people see -------------------------------------------------------- */

struct label {
    const char *en, *es;
};
/* Prints something of an object that is not one member as it is. */
typedef void cell_fn(const cJSON *object, struct text *out);

enum column_flags {
    COLUMN_RIGHT = 1,  /* numbers */
    COLUMN_TIME = 2,   /* RFC 3339 in UTC; shown in local time */
    COLUMN_STATUS = 4, /* coloured by what it says */
    COLUMN_FULL = 8    /* of details only: shown when empty, too */
};
struct column {
    struct label head;
    const char *member; /* "since_start.sent"; an array is shown as a list of words */
    unsigned flags;
    cell_fn *cell; /* instead of member */
};

struct screen {
    bool spanish, colour;
    size_t width; /* columns; 0: no terminal, nothing is cut */
};
/* Looks at standard output, the locale, NO_COLOR and TERM. */
void screen_init(struct screen *);
const char *say(const struct screen *, struct label);

/* An array of objects, one a line. The last column takes what is left of the terminal's
 * width and goes on below itself. backwards: the last element first. none: said when
 * there are no elements. */
void table_print(const struct screen *, const cJSON *array, const struct column *, size_t n, bool backwards,
                 struct label none);
/* One object, a member a line. */
void details_print(const struct screen *, const cJSON *object, const struct column *, size_t n);
/* "2026-11-25T01:05:44.123Z" as local time without fractions; anything else as it is. */
void time_cell(const char *utc, struct text *out);
/* The member at a path of names joined by dots; NULL if it is not there. */
const cJSON *json_at(const cJSON *object, const char *path);
/* A string member; "" if it is not there. */
const char *json_text(const cJSON *object, const char *path);

/* ---- args.c: options ----------------------------------------------------------------- */

struct option_row {
    const char *name, *value; /* value: what it takes, for help ("ID"); NULL: nothing */
    char letter;              /* 0: none */
    bool many;                /* may be given more than once */
    const char *help;
};
enum command_flags { COMMAND_LOCAL = 1 /* runs hilod; speaks to no gateway */ };

struct cli;
struct command {
    const char *name, *verb; /* verb NULL: the command has none */
    const char *operands;    /* for help: "ID", "[TEXT]"; NULL: none */
    int operands_min, operands_max;
    const struct option_row *options; /* ends with a NULL name; NULL: none */
    const char *summary;              /* one line */
    const char *help;                 /* more lines, or NULL */
    const char *examples;             /* lines, each one command */
    unsigned flags;
    int (*run)(struct cli *);
};

struct given {
    const char *name, *value;
};
struct cli {
    const struct command *command;
    struct screen screen;
    struct given *given; /* options in their order */
    size_t n_given;
    char **operand;
    int n_operands;
    bool json, quiet;
    struct client *client; /* NULL when the command is local */
};

/* EXIT_OK, EXIT_USAGE after saying why, or -1 when help was asked for. Options of the
 * command, and those that every command takes. argv[first] is the first word after the
 * command's name. */
int args_parse(struct cli *, int argc, char **argv, int first);
void args_done(struct cli *);
/* The value of an option, the last one given; NULL if it was not. A flag's value is "". */
const char *arg(const struct cli *, const char *name);
/* The values of an option in their order: i is 0, 1, … until NULL. */
const char *arg_nth(const struct cli *, const char *name, size_t i);
const char *operand(const struct cli *, int i); /* NULL: not given */
void help_command(FILE *, const struct command *);
void help_global(FILE *);
/* "hilo: …" on standard error, with a hint at --help. EXIT_USAGE. */
__attribute__((format(printf, 2, 3))) int usage_error(const struct cli *, const char *fmt, ...);
/* "hilo: …" on standard error. */
__attribute__((format(printf, 1, 2))) void complain(const char *fmt, ...);

/* ---- client.c: the gateway's HTTP API ------------------------------------------------- */

struct client; /* opaque */
struct answer {
    long status;
    struct text body;
    cJSON *json; /* of the body, if it is JSON */
};
struct upload {
    FILE *file;
    long long bytes;
    const char *type;
};

/* Where to: --url, --control, HILO_URL, HILO_CONTROL, the default. EXIT_x. */
int client_new(const struct cli *, struct client **out);
void client_free(struct client **);
/*
 * One request. path: with its query, encoded. body: JSON, or NULL. idempotency: a key, or
 * NULL. EXIT_OK with an answer of the class 2xx; else it was said why on standard error
 * (with --json a refusal is printed on standard output, too) and answer is empty.
 */
int client_call(struct cli *, const char *method, const char *path, const cJSON *body,
                const char *idempotency, struct answer *out);
/* A GET whose answer comes for as long as it likes: its bytes are given to take, until that says false.
 * last_event: a header Last-Event-ID, or NULL. EXIT_OK: it ended, or take had enough; *status_out: of the
 * answer, 0 without one. */
int client_stream(struct cli *, const char *path, const char *last_event,
                  bool (*take)(void *arg, const char *p, size_t n), void *arg, long *status_out);
int client_upload(struct cli *, const char *path, const struct upload *, const char *idempotency,
                  struct answer *out);
/* GET of a file's bytes into out; nothing is written unless the gateway agrees. */
int client_download(struct cli *, const char *path, FILE *out);
void answer_done(struct answer *);

/* ---- commands ------------------------------------------------------------------------- */

extern const struct command *const commands[]; /* ends with NULL; commands.c */

/* Options that say who a person is; put them into a command's table. */
#define WHO_OPTIONS                                                                                          \
    {"phone", "+NUMBER", 0, false, "by telephone number, E.164 (+573001112233)"},                            \
        {"email", "ADDRESS", 0, false, "by email address"},                                                  \
        {"document", "CC:TYPE:N", 0, false, "by identity document (CO:CC:1020304050)"},                      \
        {"whatsapp", "ID", 0, false, "by WhatsApp's own user id"},                                           \
        {"loyalty", "ID", 0, false, "by loyalty number"},                                                    \
    {                                                                                                        \
        "web-visitor", "ID", 0, false, "by a visitor's id of the web site"                                   \
    }
#define PAGE_OPTIONS                                                                                         \
    {"limit", "N", 'n', false, "at most so many (50; 200 at most)"},                                         \
    {                                                                                                        \
        "cursor", "CURSOR", 0, false, "go on after a page: what \"next\" said"                               \
    }

/* The identifiers given: {"phone":"+57…"}, as many as there are. */
cJSON *who_object(const struct cli *, size_t *n_out);
/* A customer's id from an option or operand (may be NULL) or by searching for the
 * identifiers given. Exactly one customer, or it is said why. EXIT_x. */
int who_resolve(struct cli *, const char *id, struct text *id_out);

/* Prints an answer: as it came with --json, the member of -q alone, or by columns. */
int show_object(struct cli *, const struct answer *, const char *quiet_member, const struct column *,
                size_t n);
int show_list(struct cli *, const struct answer *, const char *list, const struct column *, size_t n,
              bool backwards, struct label none);
/* Prints an answer as it came. */
void show_json(const struct answer *);
/* "?limit=…&cursor=…" as given, after what is there. */
void path_page(const struct cli *, struct text *path);
void path_query(struct text *path, const char *name, const char *value);

/* One line about what a message carries. */
cell_fn content_cell;
/* "2 (gsm7)" of a message, or nothing. */
void segments_cell(const cJSON *m, struct text *out);
extern const struct column message_columns[];
extern const size_t n_message_columns;
/* EXIT_x. Uploads a file; the id of the media. */
int media_upload(struct cli *, const char *file, const char *type, const char *filename,
                 const char *idempotency, struct answer *out);
const char *media_type(const char *file); /* by its name */

/* Runs hilod with these words (NULL-ended); bad: the status when it fails. EXIT_x. */
int hilod_run(const char *const *words, int bad);
/* "1.5 GiB"; backup.c */
void bytes_text(double n, struct text *out);

int cmd_send(struct cli *);
int cmd_message_show(struct cli *);
int cmd_message_cancel(struct cli *);
int cmd_message_read(struct cli *);
int cmd_message_typing(struct cli *);
int cmd_customer_create(struct cli *);
int cmd_customer_find(struct cli *);
int cmd_customer_show(struct cli *);
int cmd_customer_consent(struct cli *);
int cmd_customer_update(struct cli *);
int cmd_case_open(struct cli *);
int cmd_case_list(struct cli *);
int cmd_case_show(struct cli *);
int cmd_case_messages(struct cli *);
int cmd_case_update(struct cli *);
int cmd_appointment_book(struct cli *);
int cmd_appointment_list(struct cli *);
int cmd_appointment_show(struct cli *);
int cmd_call_list(struct cli *);
int cmd_call_show(struct cli *);
int cmd_appointment_move(struct cli *);
int cmd_appointment_cancel(struct cli *);
int cmd_appointment_update(struct cli *);
int cmd_appointment_checkin(struct cli *);
int cmd_case_note(struct cli *);
int cmd_customer_lookup(struct cli *);
int cmd_audit(struct cli *);
int cmd_stock_available(struct cli *);
int cmd_stock_subscribe(struct cli *);
int cmd_stock_list(struct cli *);
int cmd_stock_unsubscribe(struct cli *);
int cmd_timeline(struct cli *);
int cmd_events(struct cli *);
int cmd_channels(struct cli *);
int cmd_channels_pause(struct cli *);
int cmd_channels_templates(struct cli *);
int cmd_channels_resume(struct cli *);
int cmd_key_create(struct cli *);
int cmd_key_list(struct cli *);
int cmd_key_revoke(struct cli *);
int cmd_webhook_create(struct cli *);
int cmd_webhook_list(struct cli *);
int cmd_webhook_show(struct cli *);
int cmd_webhook_update(struct cli *);
int cmd_webhook_test(struct cli *);
int cmd_webhook_enable(struct cli *);
int cmd_webhook_disable(struct cli *);
int cmd_webhook_rotate(struct cli *);
int cmd_webhook_delete(struct cli *);
int cmd_webhook_failures(struct cli *);
int cmd_pos_enroll(struct cli *);
int cmd_pos_codes(struct cli *);
int cmd_pos_withdraw(struct cli *);
int cmd_pos_list(struct cli *);
int cmd_pos_show(struct cli *);
int cmd_pos_rotate(struct cli *);
int cmd_pos_revoke(struct cli *);
int cmd_pos_role(struct cli *);
int cmd_pos_remove(struct cli *);
int cmd_pos_ca(struct cli *);
int cmd_media_put(struct cli *);
int cmd_media_get(struct cli *);
int cmd_config_check(struct cli *);
int cmd_config_reload(struct cli *);
int cmd_store_check(struct cli *);
int cmd_store_stats(struct cli *);
int cmd_plugin_check(struct cli *);
int cmd_kannel_convert(struct cli *);
int cmd_backup(struct cli *);
int cmd_restore(struct cli *);

#endif
