/* hilo webhook …: where events are sent. */
#include "cli.h"
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void webhook__types(const cJSON *w, struct text *out)
{
    const cJSON *types = json_at(w, "types"), *t;
    const char *between = "";

    if (cJSON_GetArraySize(types) == 0)
        text_add(out, "*");
    cJSON_ArrayForEach(t, types)
    {
        text_add(out, between);
        text_add_shown(out, cJSON_IsString(t) ? t->valuestring : "");
        between = " ";
    }
}

/* Why it is disabled or fails; else nothing. */
static void webhook__note(const cJSON *w, struct text *out)
{
    const char *reason = json_text(w, "reason"), *detail = json_text(w, "detail");

    text_add_shown(out, reason);
    if (reason[0] && detail[0])
        text_add(out, ": ");
    text_add_shown(out, detail);
}

static const struct column webhook_columns[] = {
    {.head = {"ID", "ID"}, .member = "id"},
    {.head = {"STATE", "ESTADO"}, .member = "state", .flags = COLUMN_STATUS},
    {.head = {"LAG", "ATRASO"}, .member = "lag.events", .flags = COLUMN_RIGHT},
    {.head = {"WAITING", "EN ESPERA"}, .member = "waiting.events", .flags = COLUMN_RIGHT},
    {.head = {"DELIVERED", "ENTREGADOS"}, .member = "since_start.delivered", .flags = COLUMN_RIGHT},
    {.head = {"TYPES", "TIPOS"}, .cell = webhook__types},
    {.head = {"URL", "URL"}, .member = "url"},
};
static const struct column webhook_details[] = {
    {.head = {"Webhook", "Webhook"}, .member = "id"},
    {.head = {"URL", "URL"}, .member = "url"},
    {.head = {"Secret", "Secreto"}, .member = "secret"},
    {.head = {"Types", "Tipos"}, .cell = webhook__types},
    {.head = {"Description", "Descripción"}, .member = "description"},
    {.head = {"State", "Estado"}, .member = "state", .flags = COLUMN_STATUS},
    {.head = {"Note", "Nota"}, .cell = webhook__note},
    {.head = {"Failing since", "Falla desde"}, .member = "failing_since", .flags = COLUMN_TIME},
    {.head = {"Attempts", "Intentos"}, .member = "attempts"},
    {.head = {"Next attempt", "Próximo intento"}, .member = "next_attempt", .flags = COLUMN_TIME},
    {.head = {"Events behind", "Eventos de atraso"}, .member = "lag.events"},
    {.head = {"Behind since", "Atraso desde"}, .member = "lag.since", .flags = COLUMN_TIME},
    {.head = {"Customers waiting", "Clientes en espera"}, .member = "waiting.customers"},
    {.head = {"Events waiting", "Eventos en espera"}, .member = "waiting.events"},
    {.head = {"Given up", "Abandonados"}, .member = "given_up"},
    {.head = {"Last delivery", "Última entrega"}, .member = "last_delivery", .flags = COLUMN_TIME},
    {.head = {"Last failure", "Última falla"}, .member = "last_failure.time", .flags = COLUMN_TIME},
    {.head = {"", ""}, .member = "last_failure.detail"},
    {.head = {"Old secret until", "Secreto anterior hasta"},
     .member = "old_secret_until",
     .flags = COLUMN_TIME},
    {.head = {"Created", "Creado"}, .member = "created", .flags = COLUMN_TIME},
};
static const struct column failure_columns[] = {
    {.head = {"CUSTOMER", "CLIENTE"}, .member = "customer"},
    {.head = {"EVENTS", "EVENTOS"}, .member = "events", .flags = COLUMN_RIGHT},
    {.head = {"ATTEMPTS", "INTENTOS"}, .member = "attempts", .flags = COLUMN_RIGHT},
    {.head = {"SINCE", "DESDE"}, .member = "since", .flags = COLUMN_TIME},
    {.head = {"NEXT", "PRÓXIMO"}, .member = "next_attempt", .flags = COLUMN_TIME},
    {.head = {"DETAIL", "DETALLE"}, .member = "detail"},
};
static const struct column test_details[] = {
    {.head = {"Delivered", "Entregado"}, .member = "delivered", .flags = COLUMN_FULL},
    {.head = {"Status", "Estado HTTP"}, .member = "status"},
    {.head = {"Detail", "Detalle"}, .member = "detail"},
    {.head = {"Milliseconds", "Milisegundos"}, .member = "milliseconds"},
};

/* /v1/webhooks/{first operand}{rest} */
static void webhook__path(const struct cli *cli, const char *rest, struct text *path)
{
    text_add(path, "/v1/webhooks/");
    text_add_url(path, operand(cli, 0));
    text_add(path, rest);
}

static void webhook__body(const struct cli *cli, cJSON *body)
{
    const char *type;
    cJSON *types = NULL;

    for (size_t i = 0; (type = arg_nth(cli, "type", i)); i++) {
        if (!types)
            types = cJSON_AddArrayToObject(body, "types");
        /* "all" takes a filter away. */
        if (strcmp(type, "all") != 0)
            (void)cJSON_AddItemToArray(types, cJSON_CreateString(type));
    }
    if (arg(cli, "description"))
        (void)cJSON_AddStringToObject(body, "description", arg(cli, "description"));
}

static void webhook__once(struct cli *cli)
{
    static const struct label once = {"Keep the secret: it is shown this once.",
                                      "Guarde el secreto: no se vuelve a mostrar."};

    if (!cli->json && !cli->quiet)
        (void)printf("\n%s\n", say(&cli->screen, once));
}

int cmd_webhook_create(struct cli *cli)
{
    cJSON *body = cJSON_CreateObject();
    struct answer a = {0};
    int rc;

    (void)cJSON_AddStringToObject(body, "url", operand(cli, 0));
    webhook__body(cli, body);
    rc = client_call(cli, "POST", "/v1/webhooks", body, NULL, &a);
    if (rc == EXIT_OK)
        rc = show_object(cli, &a, "secret", webhook_details, COUNT(webhook_details));
    if (rc == EXIT_OK && a.json)
        webhook__once(cli);
    answer_done(&a);
    cJSON_Delete(body);
    return rc;
}

int cmd_webhook_list(struct cli *cli)
{
    struct answer a = {0};
    int rc = client_call(cli, "GET", "/v1/webhooks", NULL, NULL, &a);

    if (rc == EXIT_OK)
        rc = show_list(cli, &a, "webhooks", webhook_columns, COUNT(webhook_columns), false,
                       (struct label){"no webhooks", "sin webhooks"});
    answer_done(&a);
    return rc;
}

/* One call about one endpoint, and what it is afterwards. */
static int webhook__call(struct cli *cli, const char *method, const char *rest, const cJSON *body,
                         const char *quiet, const struct column *columns, size_t n)
{
    struct text path = {0};
    struct answer a = {0};
    int rc;

    webhook__path(cli, rest, &path);
    rc = client_call(cli, method, text_z(&path), body, NULL, &a);
    if (rc == EXIT_OK)
        rc = show_object(cli, &a, quiet, columns, n);
    answer_done(&a);
    text_done(&path);
    return rc;
}

int cmd_webhook_show(struct cli *cli)
{
    return webhook__call(cli, "GET", "", NULL, "state", webhook_details, COUNT(webhook_details));
}

int cmd_webhook_update(struct cli *cli)
{
    cJSON *body = cJSON_CreateObject();
    int rc;

    if (arg(cli, "url"))
        (void)cJSON_AddStringToObject(body, "url", arg(cli, "url"));
    webhook__body(cli, body);
    rc = body->child ? webhook__call(cli, "PATCH", "", body, "state", webhook_details, COUNT(webhook_details))
                     : usage_error(cli, "nothing to change: --url, --type or --description");
    cJSON_Delete(body);
    return rc;
}

static int webhook__enable(struct cli *cli, bool on)
{
    cJSON *body = cJSON_CreateObject();
    int rc;

    (void)cJSON_AddBoolToObject(body, "enabled", on);
    rc = webhook__call(cli, "PATCH", "", body, "state", webhook_details, COUNT(webhook_details));
    cJSON_Delete(body);
    return rc;
}

int cmd_webhook_enable(struct cli *cli)
{
    return webhook__enable(cli, true);
}

int cmd_webhook_disable(struct cli *cli)
{
    return webhook__enable(cli, false);
}

int cmd_webhook_test(struct cli *cli)
{
    struct text path = {0};
    struct answer a = {0};
    int rc;

    webhook__path(cli, "/test", &path);
    rc = client_call(cli, "POST", text_z(&path), NULL, NULL, &a);
    if (rc == EXIT_OK)
        rc = show_object(cli, &a, "delivered", test_details, COUNT(test_details));
    if (rc == EXIT_OK && !cJSON_IsTrue(json_at(a.json, "delivered")))
        rc = EXIT_FOUND;
    answer_done(&a);
    text_done(&path);
    return rc;
}

int cmd_webhook_rotate(struct cli *cli)
{
    cJSON *body = cJSON_CreateObject();
    int rc;

    if (arg(cli, "overlap"))
        (void)cJSON_AddStringToObject(body, "overlap", arg(cli, "overlap"));
    rc = webhook__call(cli, "POST", "/rotate", body, "secret", webhook_details, COUNT(webhook_details));
    if (rc == EXIT_OK)
        webhook__once(cli);
    cJSON_Delete(body);
    return rc;
}

int cmd_webhook_delete(struct cli *cli)
{
    struct text path = {0};
    struct answer a = {0};
    int rc;

    webhook__path(cli, "", &path);
    rc = client_call(cli, "DELETE", text_z(&path), NULL, NULL, &a);
    if (rc == EXIT_OK && cli->json)
        show_json(&a);
    else if (rc == EXIT_OK && cli->quiet)
        (void)puts(operand(cli, 0));
    else if (rc == EXIT_OK)
        (void)printf("%s %s\n", operand(cli, 0),
                     say(&cli->screen, (struct label){"is deleted", "está eliminado"}));
    answer_done(&a);
    text_done(&path);
    return rc;
}

int cmd_webhook_failures(struct cli *cli)
{
    struct text path = {0};
    struct answer a = {0};
    int rc;

    webhook__path(cli, "/failures", &path);
    path_page(cli, &path);
    rc = client_call(cli, "GET", text_z(&path), NULL, NULL, &a);
    if (rc == EXIT_OK)
        rc = show_list(cli, &a, "failures", failure_columns, COUNT(failure_columns), false,
                       (struct label){"no customer's events wait", "no hay eventos en espera"});
    answer_done(&a);
    text_done(&path);
    return rc;
}
