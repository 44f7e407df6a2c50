/* hilo call: see the calls of telephone channels. */
#include "cli.h"
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* "1:02:05", "2:05". */
static void call__length(const cJSON *c, struct text *out)
{
    const cJSON *ms = json_at(c, "duration_ms");
    const long s = ms ? (long)(ms->valuedouble / 1000) : 0;

    if (s >= 3600)
        text_fmt(out, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    else if (ms)
        text_fmt(out, "%ld:%02ld", s / 60, s % 60);
}

static void call__party(const cJSON *c, struct text *out)
{
    text_add_shown(out, json_text(c, "party/value"));
}

/* "486 busy: Busy here". */
static void call__cause(const cJSON *c, struct text *out)
{
    const cJSON *sip = json_at(c, "cause/sip");
    const char *reason = json_text(c, "cause/reason"), *words = json_text(c, "cause/text");

    if (sip)
        text_fmt(out, "%d%s", sip->valueint, reason[0] || words[0] ? " " : "");
    text_add_shown(out, reason);
    if (reason[0] && words[0])
        text_add(out, ": ");
    text_add_shown(out, words);
}

static const struct column detail_columns[] = {
    {.head = {"Call", "Llamada"}, .member = "id"},
    {.head = {"Direction", "Sentido"}, .member = "direction"},
    {.head = {"Status", "Estado"}, .member = "status"},
    {.head = {"Channel", "Canal"}, .member = "channel"},
    {.head = {"Number", "Número"}, .cell = call__party},
    {.head = {"Customer", "Cliente"}, .member = "customer"},
    {.head = {"Case", "Caso"}, .member = "case"},
    {.head = {"Message", "Mensaje"}, .member = "message"},
    {.head = {"Started", "Empezó"}, .member = "started", .flags = COLUMN_TIME},
    {.head = {"Answered", "Contestada"}, .member = "answered", .flags = COLUMN_TIME},
    {.head = {"Offered", "Ofrecida"}, .member = "offered", .flags = COLUMN_TIME},
    {.head = {"Transferred", "Transferida"}, .member = "transferred", .flags = COLUMN_TIME},
    {.head = {"Ended", "Terminó"}, .member = "ended", .flags = COLUMN_TIME},
    {.head = {"Length", "Duración"}, .cell = call__length},
    {.head = {"To", "A"}, .member = "to"},
    {.head = {"Keys", "Teclas"}, .member = "digits"},
    {.head = {"Cause", "Causa"}, .cell = call__cause},
    {.head = {"Recording", "Grabación"}, .member = "recording_consent"},
    {.head = {"Provider's id", "Id del proveedor"}, .member = "provider_id"},
};
static const struct column list_columns[] = {
    {.head = {"CALL", "LLAMADA"}, .member = "id"},
    {.head = {"STARTED", "EMPEZÓ"}, .member = "started", .flags = COLUMN_TIME},
    {.head = {"DIRECTION", "SENTIDO"}, .member = "direction"},
    {.head = {"STATUS", "ESTADO"}, .member = "status"},
    {.head = {"CHANNEL", "CANAL"}, .member = "channel"},
    {.head = {"NUMBER", "NÚMERO"}, .cell = call__party},
    {.head = {"LENGTH", "DURACIÓN"}, .cell = call__length},
    {.head = {"CUSTOMER", "CLIENTE"}, .member = "customer"},
};

int cmd_call_list(struct cli *cli)
{
    struct text path = {0};
    struct answer a = {0};

    text_add(&path, "/v1/calls");
    path_query(&path, "channel", arg(cli, "channel"));
    path_query(&path, "status", arg(cli, "status"));
    path_query(&path, "customer", arg(cli, "customer"));
    path_page(cli, &path);
    int rc = client_call(cli, "GET", text_z(&path), NULL, NULL, &a);
    if (rc == EXIT_OK)
        rc = show_list(cli, &a, "calls", list_columns, COUNT(list_columns), false,
                       (struct label){"no calls", "sin llamadas"});
    answer_done(&a);
    text_done(&path);
    return rc;
}

int cmd_call_show(struct cli *cli)
{
    struct answer a = {0};
    struct text path = {0};

    text_add(&path, "/v1/calls/");
    text_add_url(&path, operand(cli, 0));
    int rc = client_call(cli, "GET", text_z(&path), NULL, NULL, &a);
    if (rc == EXIT_OK)
        rc = show_object(cli, &a, "id", detail_columns, COUNT(detail_columns));
    answer_done(&a);
    text_done(&path);
    return rc;
}
