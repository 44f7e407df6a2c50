/* hilo case: matters, with their messages across channels. */
#include "cli.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct column detail_columns[] = {
    {.head = {"Case", "Caso"}, .member = "id"},
    {.head = {"Status", "Estado"}, .member = "status"},
    {.head = {"Subject", "Asunto"}, .member = "subject"},
    {.head = {"Owner", "Responsable"}, .member = "owner"},
    {.head = {"Customer", "Cliente"}, .member = "customer"},
    {.head = {"Opened", "Abierto"}, .member = "opened", .flags = COLUMN_TIME},
    {.head = {"Changed", "Cambiado"}, .member = "changed", .flags = COLUMN_TIME},
    {.head = {"Messages", "Mensajes"}, .member = "messages"},
};
static const struct column list_columns[] = {
    {.head = {"CASE", "CASO"}, .member = "id"},
    {.head = {"STATUS", "ESTADO"}, .member = "status"},
    {.head = {"CHANGED", "CAMBIADO"}, .member = "changed", .flags = COLUMN_TIME},
    {.head = {"MESSAGES", "MENSAJES"}, .member = "messages", .flags = COLUMN_RIGHT},
    {.head = {"OWNER", "RESPONSABLE"}, .member = "owner"},
    {.head = {"CUSTOMER", "CLIENTE"}, .member = "customer"},
    {.head = {"SUBJECT", "ASUNTO"}, .member = "subject"},
};

/* clear: an empty value takes it away (null). */
static void case__field(struct cli *cli, cJSON *body, const char *name, bool clear)
{
    const char *v = arg(cli, name);

    if (v && clear && !v[0])
        (void)cJSON_AddNullToObject(body, name);
    else if (v)
        (void)cJSON_AddStringToObject(body, name, v);
}

static int case__call(struct cli *cli, const char *method, const char *after, const cJSON *body, bool page,
                      struct answer *a)
{
    struct text path = {0};
    int rc;

    text_add(&path, "/v1/cases/");
    text_add_url(&path, operand(cli, 0));
    text_add(&path, after);
    if (page)
        path_page(cli, &path);
    rc = client_call(cli, method, text_z(&path), body, NULL, a);
    text_done(&path);
    return rc;
}

int cmd_case_open(struct cli *cli)
{
    cJSON *body = cJSON_CreateObject();
    struct answer a = {0};
    struct text customer = {0};
    int rc = who_resolve(cli, arg(cli, "customer"), &customer);

    if (rc != EXIT_OK)
        goto out;
    (void)cJSON_AddStringToObject(body, "customer", text_z(&customer));
    case__field(cli, body, "subject", false);
    case__field(cli, body, "owner", false);
    case__field(cli, body, "status", false);
    rc = client_call(cli, "POST", "/v1/cases", body, arg(cli, "idempotency-key"), &a);
    if (rc == EXIT_OK)
        rc = show_object(cli, &a, "id", detail_columns, COUNT(detail_columns));
out:
    answer_done(&a);
    text_done(&customer);
    cJSON_Delete(body);
    return rc;
}

int cmd_case_list(struct cli *cli)
{
    struct text path = {0};
    struct answer a = {0};
    int rc;

    text_add(&path, "/v1/cases");
    path_query(&path, "status", arg(cli, "status"));
    path_query(&path, "owner", arg(cli, "owner"));
    path_query(&path, "customer", arg(cli, "customer"));
    path_page(cli, &path);
    rc = client_call(cli, "GET", text_z(&path), NULL, NULL, &a);
    if (rc == EXIT_OK)
        rc = show_list(cli, &a, "cases", list_columns, COUNT(list_columns), false,
                       (struct label){"no cases", "sin casos"});
    answer_done(&a);
    text_done(&path);
    return rc;
}

/* For people with its first messages; for programs what GET /v1/cases/{id} says. */
int cmd_case_show(struct cli *cli)
{
    struct answer a = {0}, messages = {0};
    int rc = case__call(cli, "GET", "", NULL, false, &a);

    if (rc == EXIT_OK && !cli->json && !cli->quiet)
        rc = case__call(cli, "GET", "/messages?limit=200", NULL, false, &messages);
    if (rc != EXIT_OK)
        goto out;
    rc = show_object(cli, &a, "id", detail_columns, COUNT(detail_columns));
    if (messages.json) {
        (void)putchar('\n');
        rc = show_list(cli, &messages, "messages", message_columns, n_message_columns, false,
                       (struct label){"no messages", "sin mensajes"});
    }
out:
    answer_done(&a);
    answer_done(&messages);
    return rc;
}

int cmd_case_messages(struct cli *cli)
{
    struct answer a = {0};
    int rc = case__call(cli, "GET", "/messages", NULL, true, &a);

    if (rc == EXIT_OK)
        rc = show_list(cli, &a, "messages", message_columns, n_message_columns, false,
                       (struct label){"no messages", "sin mensajes"});
    answer_done(&a);
    return rc;
}

int cmd_case_update(struct cli *cli)
{
    cJSON *body = cJSON_CreateObject();
    struct answer a = {0};
    int rc = EXIT_OK;

    case__field(cli, body, "subject", true);
    case__field(cli, body, "owner", true);
    case__field(cli, body, "status", false);
    if (!body->child)
        rc = usage_error(cli, "say what to change: --status, --subject or --owner");
    if (rc == EXIT_OK)
        rc = case__call(cli, "PATCH", "", body, false, &a);
    if (rc == EXIT_OK)
        rc = show_object(cli, &a, "id", detail_columns, COUNT(detail_columns));
    answer_done(&a);
    cJSON_Delete(body);
    return rc;
}
