/*
 * hilo events: the gateway's stream of events, a line for each. Server-sent events are taken apart as
 * they come (WHATWG HTML, 9.2.6, for what a Hilo gateway sends: its lines end with one line feed).
 *
 * A connection that is cut is made again, from the last event on that was printed.
 */
#include "cli.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RETRY_MS = 3000, RETRY_MAX_MS = 60000, LINE_MAX_BYTES = 64 << 20 };

struct events {
    struct cli *cli;
    struct text line, data;
    char id[64], last[64]; /* of the present event; of the last that was printed */
    char type[64];
    long retry_ms;
    bool came; /* anything, since the last connection was made */
    bool failed;
};

/* "message.status", without the part that all have. */
static void put_type(const char *type, struct text *out)
{
    text_add_shown(out, strncmp(type, "hilo.", 5) == 0 ? type + 5 : type);
}

static void word(struct text *out, const char *s)
{
    if (!s[0])
        return;
    text_add(out, " ");
    text_add_shown(out, s);
}

/* What is worth saying of any: members that it has, and what a message carries. */
static void put_rest(const cJSON *data, struct text *out)
{
    static const char *const members[] = {"status", "reason", "provider_code", "channel", "subject",
                                          "owner",  "name",   "scheme",        "value",   "mime"};
    const char *kind = json_text(data, "kind");

    if (json_at(data, "content")) {
        word(out, kind);
        word(out, json_text(data, "channel"));
        text_add(out, " ");
        content_cell(data, out);
        return;
    }
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        word(out, json_text(data, members[i]));
}

static void print_event(struct events *e)
{
    cJSON *o = cJSON_ParseWithLength(text_z(&e->data), e->data.n);
    struct text line = {0};

    if (e->cli->json) {
        text_add_n(&line, text_z(&e->data), e->data.n);
    } else if (e->cli->quiet) {
        text_add_shown(&line, e->id);
    } else {
        time_cell(json_text(o, "time"), &line);
        text_add(&line, "  ");
        put_type(e->type, &line);
        text_add(&line, "  ");
        text_add_shown(&line, json_text(o, "subject"));
        text_add(&line, " ");
        put_rest(json_at(o, "data"), &line);
    }
    /* Whoever reads this from a pipe gets it now. */
    if (puts(text_z(&line)) < 0 || fflush(stdout) != 0)
        e->failed = true;
    (void)memcpy(e->last, e->id, sizeof e->last);
    text_done(&line);
    cJSON_Delete(o);
}

static void say_reset(const struct events *e)
{
    cJSON *o = cJSON_ParseWithLength(text_z(&e->data), e->data.n);

    if (strcmp(json_text(o, "reason"), "expired") == 0)
        complain("events are missing here: they are not kept any more; what is still there follows");
    else
        complain("events may be missing here: the gateway does not know the event that came last (was its "
                 "store restored?); what happens from now on follows");
    cJSON_Delete(o);
}

static void end_event(struct events *e)
{
    if (strcmp(e->type, "stream.reset") == 0)
        say_reset(e);
    else if (e->data.n && e->type[0])
        print_event(e);
    text_done(&e->data);
    e->type[0] = 0;
}

static void copy(char to[64], const char *from)
{
    (void)snprintf(to, 64, "%s", from);
}

static void take_line(struct events *e, const char *line)
{
    const char *value = strchr(line, ':');

    if (!line[0]) {
        end_event(e);
        return;
    }
    if (!value || value == line) /* a comment: a sign of life */
        return;
    value += value[1] == ' ' ? 2 : 1;
    if (strncmp(line, "data:", 5) == 0)
        text_add(&e->data, value);
    else if (strncmp(line, "event:", 6) == 0)
        copy(e->type, value);
    else if (strncmp(line, "id:", 3) == 0)
        copy(e->id, value);
    else if (strncmp(line, "retry:", 6) == 0)
        e->retry_ms = strtol(value, NULL, 10);
}

static bool take(void *arg, const char *p, size_t n)
{
    struct events *e = arg;

    e->came = true;
    while (n > 0 && !e->failed) {
        const char *end = memchr(p, '\n', n);
        size_t part = end ? (size_t)(end - p) : n;
        if (e->line.n + part > LINE_MAX_BYTES) {
            complain("the gateway sent a line longer than %d MiB", LINE_MAX_BYTES >> 20);
            e->failed = true;
            break;
        }
        text_add_n(&e->line, p, part);
        if (end) {
            take_line(e, text_z(&e->line));
            text_done(&e->line);
            part++;
        }
        p += part;
        n -= part;
    }
    return !e->failed;
}

static int events_path(struct cli *cli, bool follow, struct text *path)
{
    struct text types = {0};
    const char *limit = arg(cli, "limit"), *after = arg(cli, "after"), *type;

    if (limit && after)
        return usage_error(cli, "--limit and --after say where to begin: give one of them");
    text_add(path, "/v1/events");
    if (!follow)
        path_query(path, "follow", "false");
    path_query(path, "after", after);
    path_query(path, "last", limit ? limit : follow || after ? NULL : "20");
    for (size_t i = 0; (type = arg_nth(cli, "type", i)); i++)
        text_fmt(&types, "%s%s", i ? "," : "", type);
    if (types.n)
        path_query(path, "type", text_z(&types));
    path_query(path, "customer", arg(cli, "customer"));
    path_query(path, "case", arg(cli, "case"));
    path_query(path, "channel", arg(cli, "channel"));
    text_done(&types);
    return EXIT_OK;
}

static void pause_ms(long ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    (void)nanosleep(&t, NULL);
}

int cmd_events(struct cli *cli)
{
    struct events e = {.cli = cli, .retry_ms = RETRY_MS};
    bool follow = arg(cli, "follow") != NULL, was_there = false;
    struct text path = {0};
    long status = 0, wait_ms = 0;
    int rc = events_path(cli, follow, &path);

    while (rc == EXIT_OK) {
        e.came = false;
        rc = client_stream(cli, text_z(&path), e.last[0] ? e.last : NULL, take, &e, &status);
        was_there = was_there || e.came;
        if (e.failed) {
            rc = EXIT_REFUSED;
            break;
        }
        /* Half an event is none: it comes again. */
        text_done(&e.line);
        text_done(&e.data);
        e.type[0] = 0;
        if (!follow || !was_there || (rc == EXIT_REFUSED && status != 503))
            break;
        if (e.retry_ms < 1 || e.retry_ms > RETRY_MAX_MS)
            e.retry_ms = RETRY_MS;
        wait_ms = e.came ? e.retry_ms : 2 * wait_ms < RETRY_MAX_MS ? 2 * wait_ms : RETRY_MAX_MS;
        complain("the stream has ended; trying again in %ld ms", wait_ms);
        pause_ms(wait_ms);
        rc = EXIT_OK;
    }
    text_done(&e.line);
    text_done(&e.data);
    text_done(&path);
    return rc;
}
