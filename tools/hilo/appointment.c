/* hilo appointment: book, see, move, cancel and check in appointments. */
#include "cli.h"
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* "confirmation msg_…", "reminder PT24H opted_out", one behind the other. */
static void appointment__messages(const cJSON *a, struct text *out)
{
    static const char *const members[] = {"kind", "before", "id", "code"};
    const cJSON *m, *list = json_at(a, "messages");
    const char *between = "";

    cJSON_ArrayForEach(m, list)
    {
        text_add(out, between);
        for (size_t i = 0; i < COUNT(members); i++) {
            const char *v = json_text(m, members[i]);
            if (v[0] && i)
                text_add(out, " ");
            text_add_shown(out, v);
        }
        between = ", ";
    }
}

static const struct column detail_columns[] = {
    {.head = {"Appointment", "Cita"}, .member = "id"},
    {.head = {"Code", "Código"}, .member = "code"},
    {.head = {"Status", "Estado"}, .member = "status"},
    {.head = {"Begins", "Empieza"}, .member = "starts_at", .flags = COLUMN_TIME},
    {.head = {"Ends", "Termina"}, .member = "ends_at", .flags = COLUMN_TIME},
    {.head = {"Store", "Tienda"}, .member = "store"},
    {.head = {"Place", "Lugar"}, .member = "place"},
    {.head = {"Subject", "Asunto"}, .member = "subject"},
    {.head = {"Customer", "Cliente"}, .member = "customer"},
    {.head = {"Case", "Caso"}, .member = "case"},
    {.head = {"Answer", "Respuesta"}, .member = "answer"},
    {.head = {"Checked in", "Llegada"}, .member = "checked_in", .flags = COLUMN_TIME},
    {.head = {"Messages", "Mensajes"}, .cell = appointment__messages},
};
static const struct column list_columns[] = {
    {.head = {"APPOINTMENT", "CITA"}, .member = "id"},
    {.head = {"CODE", "CÓDIGO"}, .member = "code"},
    {.head = {"BEGINS", "EMPIEZA"}, .member = "starts_at", .flags = COLUMN_TIME},
    {.head = {"STATUS", "ESTADO"}, .member = "status"},
    {.head = {"STORE", "TIENDA"}, .member = "store"},
    {.head = {"CUSTOMER", "CLIENTE"}, .member = "customer"},
    {.head = {"SUBJECT", "ASUNTO"}, .member = "subject"},
};

static void field(struct cli *cli, cJSON *body, const char *option, const char *member)
{
    const char *v = arg(cli, option);

    if (v)
        (void)cJSON_AddStringToObject(body, member, v);
}

/* The same, where an empty value takes it away. */
static void field_or_null(struct cli *cli, cJSON *body, const char *option, const char *member)
{
    const char *v = arg(cli, option);

    if (v && !v[0])
        (void)cJSON_AddNullToObject(body, member);
    else
        field(cli, body, option, member);
}

/* A content as JSON. EXIT_x. */
static int content(struct cli *cli, cJSON *body, const char *option)
{
    const char *v = arg(cli, option);
    cJSON *json = v ? cJSON_Parse(v) : NULL;

    if (v && !cJSON_IsObject(json)) {
        cJSON_Delete(json);
        return usage_error(cli, "--%s: a content in JSON is expected, as POST /v1/messages takes it", option);
    }
    if (json)
        (void)cJSON_AddItemToObject(body, option, json);
    return EXIT_OK;
}

static int contents(struct cli *cli, cJSON *body)
{
    int rc = content(cli, body, "confirmation");

    return rc == EXIT_OK ? content(cli, body, "reminder") : rc;
}

static void origin(struct cli *cli, cJSON *body)
{
    field(cli, body, "terminal", "terminal");
    field(cli, body, "clerk", "clerk");
}

/* Who it is for: one identifier, or a customer's id. EXIT_x. */
static int whose(struct cli *cli, cJSON *body)
{
    const char *customer = arg(cli, "customer");
    size_t n;
    cJSON *to = who_object(cli, &n);

    if (n + (customer != NULL) != 1) {
        cJSON_Delete(to);
        return usage_error(cli, "say for whom, exactly once: --customer, --phone, --document …");
    }
    if (n)
        (void)cJSON_AddItemToObject(body, "to", to);
    else
        cJSON_Delete(to);
    field(cli, body, "customer", "customer");
    return EXIT_OK;
}

/* --remind PT24H --remind PT2H; none: not at all. */
static void remind(struct cli *cli, cJSON *body)
{
    const char *v;
    cJSON *list = NULL;

    for (size_t i = 0; (v = arg_nth(cli, "remind", i)) != NULL; i++) {
        if (!list)
            list = cJSON_AddArrayToObject(body, "remind_before");
        if (strcmp(v, "none") != 0)
            (void)cJSON_AddItemToArray(list, cJSON_CreateString(v));
    }
}

static int show(struct cli *cli, const struct answer *a)
{
    return show_object(cli, a, "id", detail_columns, COUNT(detail_columns));
}

static int call(struct cli *cli, const char *method, const char *after, const cJSON *body)
{
    struct answer a = {0};
    struct text path = {0};

    text_add(&path, "/v1/appointments/");
    text_add_url(&path, operand(cli, 0));
    text_add(&path, after);
    int rc = client_call(cli, method, text_z(&path), body, NULL, &a);
    if (rc == EXIT_OK)
        rc = show(cli, &a);
    answer_done(&a);
    text_done(&path);
    return rc;
}

int cmd_appointment_book(struct cli *cli)
{
    cJSON *body = cJSON_CreateObject();
    struct answer a = {0};
    int rc = whose(cli, body);

    field(cli, body, "store", "store");
    field(cli, body, "at", "starts_at");
    field(cli, body, "until", "ends_at");
    field(cli, body, "subject", "subject");
    field(cli, body, "place", "place");
    field(cli, body, "case", "case");
    field(cli, body, "channel", "channel");
    field(cli, body, "time-zone", "time_zone");
    if (arg(cli, "no-confirm"))
        (void)cJSON_AddFalseToObject(body, "confirm");
    remind(cli, body);
    origin(cli, body);
    if (rc == EXIT_OK && (!arg(cli, "store") || !arg(cli, "at")))
        rc = usage_error(cli, "say where and when: --store and --at");
    if (rc == EXIT_OK)
        rc = contents(cli, body);
    if (rc == EXIT_OK)
        rc = client_call(cli, "POST", "/v1/appointments", body, arg(cli, "idempotency-key"), &a);
    if (rc == EXIT_OK)
        rc = show(cli, &a);
    answer_done(&a);
    cJSON_Delete(body);
    return rc;
}

int cmd_appointment_list(struct cli *cli)
{
    struct text path = {0};
    struct answer a = {0};

    text_add(&path, "/v1/appointments");
    path_query(&path, "customer", arg(cli, "customer"));
    path_query(&path, "store", arg(cli, "store"));
    path_query(&path, "status", arg(cli, "status"));
    path_query(&path, "from", arg(cli, "from"));
    path_query(&path, "to", arg(cli, "to"));
    path_page(cli, &path);
    int rc = client_call(cli, "GET", text_z(&path), NULL, NULL, &a);
    if (rc == EXIT_OK)
        rc = show_list(cli, &a, "appointments", list_columns, COUNT(list_columns), false,
                       (struct label){"no appointments", "sin citas"});
    answer_done(&a);
    text_done(&path);
    return rc;
}

int cmd_appointment_show(struct cli *cli)
{
    return call(cli, "GET", "", NULL);
}

int cmd_appointment_move(struct cli *cli)
{
    cJSON *body = cJSON_CreateObject();
    int rc = EXIT_OK;

    field(cli, body, "at", "starts_at");
    field_or_null(cli, body, "until", "ends_at");
    if (arg(cli, "no-confirm"))
        (void)cJSON_AddFalseToObject(body, "confirm");
    origin(cli, body);
    if (!arg(cli, "at"))
        rc = usage_error(cli, "say when it is from now on: --at");
    if (rc == EXIT_OK)
        rc = contents(cli, body);
    if (rc == EXIT_OK)
        rc = call(cli, "PATCH", "", body);
    cJSON_Delete(body);
    return rc;
}

int cmd_appointment_cancel(struct cli *cli)
{
    cJSON *body = cJSON_CreateObject();

    (void)cJSON_AddStringToObject(body, "status", "canceled");
    if (arg(cli, "tell"))
        (void)cJSON_AddTrueToObject(body, "confirm");
    origin(cli, body);
    int rc = content(cli, body, "confirmation");
    if (rc == EXIT_OK)
        rc = call(cli, "PATCH", "", body);
    cJSON_Delete(body);
    return rc;
}

int cmd_appointment_update(struct cli *cli)
{
    cJSON *body = cJSON_CreateObject();
    int rc = EXIT_OK;

    field(cli, body, "status", "status");
    field(cli, body, "store", "store");
    field_or_null(cli, body, "place", "place");
    field_or_null(cli, body, "subject", "subject");
    field_or_null(cli, body, "channel", "channel");
    field_or_null(cli, body, "case", "case");
    if (!body->child)
        rc = usage_error(cli, "say what to change: --status, --store, --place, --subject, --channel, --case");
    origin(cli, body);
    if (rc == EXIT_OK)
        rc = call(cli, "PATCH", "", body);
    cJSON_Delete(body);
    return rc;
}

int cmd_appointment_checkin(struct cli *cli)
{
    cJSON *body = cJSON_CreateObject();

    field(cli, body, "store", "store");
    origin(cli, body);
    int rc = call(cli, "POST", "/checkin", body);
    cJSON_Delete(body);
    return rc;
}
