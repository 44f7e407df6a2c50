/* hilo customer lookup, audit, stock, case note: what happens at a counter. */
#include "cli.h"
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void field(struct cli *cli, cJSON *body, const char *option)
{
    const char *v = arg(cli, option);

    if (v)
        (void)cJSON_AddStringToObject(body, option, v);
}

static void counter(struct cli *cli, cJSON *body)
{
    field(cli, body, "store");
    field(cli, body, "terminal");
    field(cli, body, "clerk");
}

/* A whole number of an option. EXIT_x. */
static int number(struct cli *cli, cJSON *body, const char *option, const char *member)
{
    const char *v = arg(cli, option);
    char *end;

    if (!v)
        return EXIT_OK;
    const long n = strtol(v, &end, 10);
    if (v[0] < '0' || v[0] > '9' || *end || n > 1000000)
        return usage_error(cli, "--%s wants a number", option);
    (void)cJSON_AddNumberToObject(body, member, (double)n);
    return EXIT_OK;
}

/* ---- looking people up ---- */

static void lookup__identifiers(const cJSON *a, struct text *out)
{
    const cJSON *e, *list = json_at(a, "customer.identifiers");

    cJSON_ArrayForEach(e, list)
    {
        if (e != list->child)
            text_add(out, ", ");
        text_add_shown(out, json_text(e, "scheme"));
        text_add(out, " ");
        text_add_shown(out, json_text(e, "value"));
    }
}

/* One line for each: the member that says most, its status, its id. */
static void lookup__list(const cJSON *a, const char *list, const char *what, const char *status,
                         struct text *out)
{
    const cJSON *e, *all = json_at(a, list);

    cJSON_ArrayForEach(e, all)
    {
        if (e != all->child)
            text_add(out, "; ");
        text_add_shown(out, json_text(e, what));
        text_add(out, " ");
        text_add_shown(out, json_text(e, status));
        text_add(out, " ");
        text_add_shown(out, json_text(e, "id"));
    }
}

static void lookup__cases(const cJSON *a, struct text *out)
{
    lookup__list(a, "cases", "subject", "status", out);
}
static void lookup__appointments(const cJSON *a, struct text *out)
{
    lookup__list(a, "appointments", "starts_at", "status", out);
}
static void lookup__wishes(const cJSON *a, struct text *out)
{
    lookup__list(a, "wishes", "sku", "status", out);
}
static void lookup__sales(const cJSON *a, struct text *out)
{
    lookup__list(a, "sales", "number", "at", out);
}
static void lookup__visits(const cJSON *a, struct text *out)
{
    lookup__list(a, "visits", "purpose", "at", out);
}

static const struct column person_columns[] = {
    {.head = {"Customer", "Cliente"}, .member = "customer.id"},
    {.head = {"Name", "Nombre"}, .member = "customer.name"},
    {.head = {"Language", "Idioma"}, .member = "customer.language"},
    {.head = {"Identifiers", "Identificadores"}, .cell = lookup__identifiers},
    {.head = {"Open cases", "Casos abiertos"}, .cell = lookup__cases},
    {.head = {"Appointments", "Citas"}, .cell = lookup__appointments},
    {.head = {"Waits for", "Espera"}, .cell = lookup__wishes},
    {.head = {"Visits", "Visitas"}, .cell = lookup__visits},
    {.head = {"Sales", "Compras"}, .cell = lookup__sales},
};

int cmd_customer_lookup(struct cli *cli)
{
    static const char *const by[] = {"document", "phone",       "email", "loyalty",
                                     "customer", "appointment", "order", "case"};
    cJSON *body = cJSON_CreateObject(), *how = cJSON_AddObjectToObject(body, "by");
    struct answer a = {0};
    int rc = EXIT_OK;

    for (size_t i = 0; i < COUNT(by); i++)
        field(cli, how, by[i]);
    if (cJSON_GetArraySize(how) != 1)
        rc = usage_error(cli, "say by what, exactly once: --document, --phone, --order …");
    else if (!arg(cli, "reason"))
        rc = usage_error(cli, "say why with --reason; it is kept with the look-up");
    field(cli, body, "reason");
    counter(cli, body);
    if (rc == EXIT_OK)
        rc = number(cli, body, "limit", "timeline");
    if (rc == EXIT_OK)
        rc = client_call(cli, "POST", "/v1/customers/lookup", body, NULL, &a);
    if (rc == EXIT_OK && !cli->json && cJSON_IsNull(json_at(a.json, "customer"))) {
        complain("nobody has it");
        rc = EXIT_REFUSED;
    } else if (rc == EXIT_OK) {
        rc = show_object(cli, &a, "customer.id", person_columns, COUNT(person_columns));
        if (!cli->json && !cli->quiet) {
            (void)putchar('\n');
            table_print(&cli->screen, json_at(a.json, "timeline"), message_columns, n_message_columns, true,
                        (struct label){"no messages", "sin mensajes"});
        }
    }
    answer_done(&a);
    cJSON_Delete(body);
    return rc;
}

static const struct column audit_columns[] = {
    {.head = {"TIME", "HORA"}, .member = "time", .flags = COLUMN_TIME},
    {.head = {"STORE", "TIENDA"}, .member = "store"},
    {.head = {"TERMINAL", "TERMINAL"}, .member = "terminal"},
    {.head = {"CLERK", "DEPENDIENTE"}, .member = "clerk"},
    {.head = {"BY", "POR"}, .member = "by"},
    {.head = {"CUSTOMER", "CLIENTE"}, .member = "customer"},
    {.head = {"REASON", "MOTIVO"}, .member = "reason"},
};

int cmd_audit(struct cli *cli)
{
    static const char *const filters[] = {"customer", "store", "terminal", "clerk", "from", "to"};
    struct text path = {0};
    struct answer a = {0};

    text_add(&path, "/v1/audit");
    for (size_t i = 0; i < COUNT(filters); i++)
        path_query(&path, filters[i], arg(cli, filters[i]));
    path_page(cli, &path);
    int rc = client_call(cli, "GET", text_z(&path), NULL, NULL, &a);
    if (rc == EXIT_OK)
        rc = show_list(cli, &a, "lookups", audit_columns, COUNT(audit_columns), false,
                       (struct label){"no look-ups", "sin consultas"});
    answer_done(&a);
    text_done(&path);
    return rc;
}

/* ---- stock ---- */

static int stock_call(struct cli *cli, const char *method, const char *after, const cJSON *body, bool page,
                      struct answer *a)
{
    struct text path = {0};

    text_add(&path, "/v1/stock/");
    text_add_url(&path, operand(cli, 0));
    text_add(&path, after);
    if (page)
        path_page(cli, &path);
    int rc = client_call(cli, method, text_z(&path), body, arg(cli, "idempotency-key"), a);
    text_done(&path);
    return rc;
}

static void stock__passed(const cJSON *a, struct text *out)
{
    const cJSON *e, *all = json_at(a, "passed_over");

    cJSON_ArrayForEach(e, all)
    {
        if (e != all->child)
            text_add(out, ", ");
        text_add_shown(out, json_text(e, "customer"));
        text_add(out, " ");
        text_add_shown(out, json_text(e, "reason"));
    }
}

static const struct column offered_columns[] = {
    {.head = {"Arrival", "Llegada"}, .member = "id"},
    {.head = {"Told", "Avisados"}, .member = "offered"},
    {.head = {"Still wait", "Siguen esperando"}, .member = "waiting"},
    {.head = {"Passed over", "Sin poder avisar"}, .cell = stock__passed},
};

int cmd_stock_available(struct cli *cli)
{
    static const char *const texts[] = {"size", "colour", "title",   "link",
                                        "text", "hold",   "channel", "category"};
    const char *content = arg(cli, "content");
    cJSON *body = cJSON_CreateObject(), *parsed = NULL;
    struct answer a = {0};
    int rc = number(cli, body, "quantity", "quantity");

    if (rc == EXIT_OK && !arg(cli, "quantity"))
        rc = usage_error(cli, "say how many there are with --quantity");
    if (rc == EXIT_OK)
        rc = number(cli, body, "rate", "rate");
    for (size_t i = 0; i < COUNT(texts); i++)
        field(cli, body, texts[i]);
    counter(cli, body);
    if (rc == EXIT_OK && content) {
        parsed = cJSON_Parse(content);
        if (cJSON_IsObject(parsed))
            (void)cJSON_AddItemToObject(body, "content", parsed);
        else
            rc = usage_error(cli, "--content: a content in JSON is expected, as POST /v1/messages takes it");
        if (rc != EXIT_OK)
            cJSON_Delete(parsed);
    }
    if (rc == EXIT_OK)
        rc = stock_call(cli, "POST", "/available", body, false, &a);
    if (rc == EXIT_OK)
        rc = show_object(cli, &a, "id", offered_columns, COUNT(offered_columns));
    answer_done(&a);
    cJSON_Delete(body);
    return rc;
}

static const struct column wish_columns[] = {
    {.head = {"Subscription", "Espera"}, .member = "id"},
    {.head = {"Status", "Estado"}, .member = "status"},
    {.head = {"SKU", "SKU"}, .member = "sku"},
    {.head = {"Size", "Talla"}, .member = "size"},
    {.head = {"Colour", "Color"}, .member = "colour"},
    {.head = {"Store", "Tienda"}, .member = "store"},
    {.head = {"Customer", "Cliente"}, .member = "customer"},
    {.head = {"Since", "Desde"}, .member = "since", .flags = COLUMN_TIME},
};
static const struct column waiting_columns[] = {
    {.head = {"SUBSCRIPTION", "ESPERA"}, .member = "id"},
    {.head = {"SINCE", "DESDE"}, .member = "since", .flags = COLUMN_TIME},
    {.head = {"STATUS", "ESTADO"}, .member = "status"},
    {.head = {"UNTIL", "HASTA"}, .member = "until", .flags = COLUMN_TIME},
    {.head = {"SIZE", "TALLA"}, .member = "size"},
    {.head = {"COLOUR", "COLOR"}, .member = "colour"},
    {.head = {"STORE", "TIENDA"}, .member = "store"},
    {.head = {"CUSTOMER", "CLIENTE"}, .member = "customer"},
    {.head = {"PASSED OVER", "SIN PODER AVISAR"}, .member = "passed_over.reason"},
};

int cmd_stock_subscribe(struct cli *cli)
{
    static const char *const texts[] = {"customer", "size", "colour", "link", "channel", "case"};
    cJSON *body = cJSON_CreateObject(), *to;
    struct answer a = {0};
    int rc = EXIT_OK;
    size_t n;

    to = who_object(cli, &n);
    if (n + (arg(cli, "customer") != NULL) != 1)
        rc = usage_error(cli, "say for whom, exactly once: --customer, --phone, --document …");
    if (n)
        (void)cJSON_AddItemToObject(body, "to", to);
    else
        cJSON_Delete(to);
    for (size_t i = 0; i < COUNT(texts); i++)
        field(cli, body, texts[i]);
    counter(cli, body);
    if (rc == EXIT_OK)
        rc = stock_call(cli, "POST", "/subscriptions", body, false, &a);
    if (rc == EXIT_OK)
        rc = show_object(cli, &a, "id", wish_columns, COUNT(wish_columns));
    answer_done(&a);
    cJSON_Delete(body);
    return rc;
}

int cmd_stock_list(struct cli *cli)
{
    struct answer a = {0};
    int rc = stock_call(cli, "GET", "/subscriptions", NULL, true, &a);

    if (rc == EXIT_OK)
        rc = show_list(cli, &a, "subscriptions", waiting_columns, COUNT(waiting_columns), false,
                       (struct label){"nobody waits", "nadie espera"});
    answer_done(&a);
    return rc;
}

int cmd_stock_unsubscribe(struct cli *cli)
{
    struct text path = {0};
    struct answer a = {0};

    text_add(&path, "/v1/subscriptions/");
    text_add_url(&path, operand(cli, 0));
    int rc = client_call(cli, "DELETE", text_z(&path), NULL, NULL, &a);
    answer_done(&a);
    text_done(&path);
    return rc;
}

/* ---- notes ---- */

static const struct column note_columns[] = {
    {.head = {"Note", "Nota"}, .member = "id"},
    {.head = {"Case", "Caso"}, .member = "case"},
    {.head = {"By", "De"}, .member = "sender"},
    {.head = {"Text", "Texto"}, .member = "content.text"},
};

int cmd_case_note(struct cli *cli)
{
    cJSON *body = cJSON_CreateObject();
    struct text path = {0};
    struct answer a = {0};

    (void)cJSON_AddStringToObject(body, "text", operand(cli, 1));
    counter(cli, body);
    text_add(&path, "/v1/cases/");
    text_add_url(&path, operand(cli, 0));
    text_add(&path, "/notes");
    int rc = client_call(cli, "POST", text_z(&path), body, arg(cli, "idempotency-key"), &a);
    if (rc == EXIT_OK)
        rc = show_object(cli, &a, "id", note_columns, COUNT(note_columns));
    answer_done(&a);
    text_done(&path);
    cJSON_Delete(body);
    return rc;
}
