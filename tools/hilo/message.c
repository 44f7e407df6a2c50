/* hilo message, hilo timeline: messages, one and many. */
#include "cli.h"
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* When it came or was accepted. */
static void message__time(const cJSON *m, struct text *out)
{
    static const char *const members[] = {"arrived", "time", "status_time"};

    for (size_t i = 0; i < COUNT(members); i++) {
        if (json_text(m, members[i])[0]) {
            time_cell(json_text(m, members[i]), out);
            return;
        }
    }
}

static void message__direction(const cJSON *m, struct text *out)
{
    text_add(out, strcmp(json_text(m, "kind"), "inbound") == 0 ? "←" : "→");
}

/* "phone +57300…, whatsapp CO.15…" */
static void message__party(const cJSON *m, struct text *out)
{
    const cJSON *e, *party = json_at(m, "party");

    cJSON_ArrayForEach(e, party)
    {
        if (e != party->child)
            text_add(out, ", ");
        text_add_shown(out, json_text(e, "scheme"));
        text_add(out, " ");
        text_add_shown(out, json_text(e, "value"));
    }
}

void segments_cell(const cJSON *m, struct text *out)
{
    const cJSON *s = json_at(m, "segments");

    if (s)
        text_fmt(out, "%d (%s)", json_at(s, "count") ? json_at(s, "count")->valueint : 0,
                 json_text(s, "encoding"));
}

const struct column message_columns[] = {
    {.head = {"TIME", "HORA"}, .cell = message__time},
    {.head = {"", ""}, .cell = message__direction},
    {.head = {"CHANNEL", "CANAL"}, .member = "channel"},
    {.head = {"STATUS", "ESTADO"}, .member = "status", .flags = COLUMN_STATUS},
    {.head = {"MESSAGE", "MENSAJE"}, .cell = content_cell},
};
const size_t n_message_columns = COUNT(message_columns);

static const struct column detail_columns[] = {
    {.head = {"Message", "Mensaje"}, .member = "id"},
    {.head = {"Kind", "Sentido"}, .member = "kind"},
    {.head = {"Status", "Estado"}, .member = "status", .flags = COLUMN_STATUS},
    {.head = {"Reason", "Motivo"}, .member = "reason"},
    {.head = {"Provider's code", "Código del proveedor"}, .member = "provider_code"},
    {.head = {"Detail", "Detalle"}, .member = "detail"},
    {.head = {"Content", "Contenido"}, .cell = content_cell},
    {.head = {"Segments", "Segmentos"}, .cell = segments_cell},
    {.head = {"Parts missing", "Partes que faltan"}, .member = "missing_parts"},
    {.head = {"Customer", "Cliente"}, .member = "customer"},
    {.head = {"Address", "Dirección"}, .cell = message__party},
    {.head = {"Case", "Caso"}, .member = "case"},
    {.head = {"Channel", "Canal"}, .member = "channel"},
    {.head = {"Category", "Categoría"}, .member = "category"},
    {.head = {"Answers", "Responde a"}, .member = "reply_to"},
    {.head = {"Provider's id", "Id del proveedor"}, .member = "provider_id"},
    {.head = {"Time", "Hora"}, .cell = message__time},
    {.head = {"Due", "Previsto"}, .member = "due", .flags = COLUMN_TIME},
    {.head = {"Expires", "Caduca"}, .member = "expires", .flags = COLUMN_TIME},
    {.head = {"Attempts", "Intentos"}, .member = "attempts"},
};
/* The first only of a message that was sent as several. */
static const struct column history_columns[] = {
    {.head = {"SEGMENT", "SEGMENTO"}, .member = "segment", .flags = COLUMN_RIGHT},
    {.head = {"TIME", "HORA"}, .member = "time", .flags = COLUMN_TIME},
    {.head = {"STATUS", "ESTADO"}, .member = "status", .flags = COLUMN_STATUS},
    {.head = {"ATTEMPT", "INTENTO"}, .member = "attempt", .flags = COLUMN_RIGHT},
    {.head = {"REASON", "MOTIVO"}, .member = "reason"},
    {.head = {"DETAIL", "DETALLE"}, .member = "detail"},
};

static int message__call(struct cli *cli, const char *method, const char *after, const char *idempotency,
                         struct answer *a)
{
    struct text path = {0};
    int rc;

    text_add(&path, "/v1/messages/");
    text_add_url(&path, operand(cli, 0));
    text_add(&path, after);
    rc = client_call(cli, method, text_z(&path), NULL, idempotency, a);
    text_done(&path);
    return rc;
}

static bool any_has(const cJSON *array, const char *member)
{
    const cJSON *e;

    cJSON_ArrayForEach(e, array)
    {
        if (cJSON_GetObjectItemCaseSensitive(e, member))
            return true;
    }
    return false;
}

int cmd_message_show(struct cli *cli)
{
    struct answer a = {0};
    int rc = message__call(cli, "GET", "", NULL, &a);

    if (rc != EXIT_OK)
        return rc;
    (void)show_object(cli, &a, "id", detail_columns, COUNT(detail_columns));
    const cJSON *history = json_at(a.json, "history");
    if (!cli->json && !cli->quiet && cJSON_GetArraySize(history) > 0) {
        (void)putchar('\n');
        size_t skip = !any_has(history, "segment");
        table_print(&cli->screen, history, history_columns + skip, COUNT(history_columns) - skip, false,
                    (struct label){"", ""});
    }
    answer_done(&a);
    return EXIT_OK;
}

int cmd_message_cancel(struct cli *cli)
{
    struct answer a = {0};
    int rc = message__call(cli, "DELETE", "", NULL, &a);

    if (rc == EXIT_OK)
        rc = show_object(cli, &a, "id", detail_columns, COUNT(detail_columns));
    answer_done(&a);
    return rc;
}

static int message__signal(struct cli *cli, const char *verb)
{
    struct answer a = {0};
    int rc = message__call(cli, "POST", verb, arg(cli, "idempotency-key"), &a);

    if (rc == EXIT_OK)
        rc = show_object(cli, &a, "id", detail_columns, COUNT(detail_columns));
    answer_done(&a);
    return rc;
}

int cmd_message_read(struct cli *cli)
{
    return message__signal(cli, "/read");
}

int cmd_message_typing(struct cli *cli)
{
    return message__signal(cli, "/typing");
}

int cmd_timeline(struct cli *cli)
{
    struct text path = {0};
    struct answer a = {0};
    struct text id = {0};
    int rc = who_resolve(cli, operand(cli, 0), &id);

    if (rc != EXIT_OK)
        goto out;
    text_add(&path, "/v1/customers/");
    text_add_url(&path, text_z(&id));
    text_add(&path, "/timeline");
    path_page(cli, &path);
    rc = client_call(cli, "GET", text_z(&path), NULL, NULL, &a);
    if (rc == EXIT_OK)
        rc = show_list(cli, &a, "messages", message_columns, n_message_columns, true,
                       (struct label){"no messages", "sin mensajes"});
out:
    answer_done(&a);
    text_done(&path);
    text_done(&id);
    return rc;
}
