/* hilo customer: people and their identifiers. */
#include "cli.h"
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void customer__identifiers(const cJSON *c, struct text *out)
{
    const cJSON *e, *list = json_at(c, "identifiers");

    cJSON_ArrayForEach(e, list)
    {
        if (e != list->child)
            text_add(out, ", ");
        text_add_shown(out, json_text(e, "scheme"));
        text_add(out, " ");
        text_add_shown(out, json_text(e, "value"));
        if (cJSON_IsTrue(json_at(e, "verified")))
            text_add(out, " ✓");
    }
}

/* An empty object says nothing. */
static void customer__attributes(const cJSON *c, struct text *out)
{
    const cJSON *o = json_at(c, "attributes");
    char *raw = o && o->child ? cJSON_PrintUnformatted(o) : NULL;

    if (raw)
        text_add_shown(out, raw);
    cJSON_free(raw);
}

static const struct column detail_columns[] = {
    {.head = {"Customer", "Cliente"}, .member = "id"},
    {.head = {"Name", "Nombre"}, .member = "name"},
    {.head = {"Language", "Idioma"}, .member = "language"},
    {.head = {"Time zone", "Zona horaria"}, .member = "time_zone"},
    {.head = {"Identifiers", "Identificadores"}, .cell = customer__identifiers},
    {.head = {"Attributes", "Atributos"}, .cell = customer__attributes},
    {.head = {"Created", "Creado"}, .member = "created", .flags = COLUMN_TIME},
    {.head = {"Changed", "Cambiado"}, .member = "changed", .flags = COLUMN_TIME},
};
static const struct column list_columns[] = {
    {.head = {"CUSTOMER", "CLIENTE"}, .member = "id"},
    {.head = {"NAME", "NOMBRE"}, .member = "name"},
    {.head = {"IDENTIFIERS", "IDENTIFICADORES"}, .cell = customer__identifiers},
};

/* name, language, time_zone, attributes as given; an empty value takes it away. */
static int customer__fields(struct cli *cli, cJSON *body, bool change)
{
    static const struct {
        const char *option, *member;
    } fields[] = {{"name", "name"}, {"language", "language"}, {"time-zone", "time_zone"}};
    const char *attributes = arg(cli, "attributes");

    for (size_t i = 0; i < COUNT(fields); i++) {
        const char *v = arg(cli, fields[i].option);
        if (v && (v[0] || !change))
            (void)cJSON_AddStringToObject(body, fields[i].member, v);
        else if (v)
            (void)cJSON_AddNullToObject(body, fields[i].member);
    }
    if (!attributes)
        return EXIT_OK;
    /* Checked here, sent as it is: a number keeps its digits. */
    cJSON *parsed = cJSON_ParseWithOpts(attributes, NULL, true);
    bool ok = cJSON_IsObject(parsed);
    cJSON_Delete(parsed);
    if (!ok)
        return usage_error(cli, "--attributes wants a JSON object, such as '{\"size\":\"M\"}'");
    (void)cJSON_AddRawToObject(body, "attributes", attributes);
    return EXIT_OK;
}

/* "SCHEME=VALUE" of an option, as elements of an array of the body. */
static int customer__identifier_list(struct cli *cli, cJSON *body, const char *option, const char *member)
{
    cJSON *array = NULL, *o;
    const char *v, *eq;

    for (size_t i = 0; (v = arg_nth(cli, option, i)); i++) {
        struct text scheme = {0};
        eq = strchr(v, '=');
        if (!eq || eq == v || !eq[1])
            return usage_error(cli, "--%s wants SCHEME=VALUE, such as phone=+573001112233", option);
        if (!array)
            array = cJSON_AddArrayToObject(body, member);
        o = cJSON_CreateObject();
        text_add_n(&scheme, v, (size_t)(eq - v));
        (void)cJSON_AddStringToObject(o, "scheme", text_z(&scheme));
        (void)cJSON_AddStringToObject(o, "value", eq + 1);
        if (arg(cli, "verified") && strcmp(option, "remove") != 0)
            (void)cJSON_AddTrueToObject(o, "verified");
        (void)cJSON_AddItemToArray(array, o);
        text_done(&scheme);
    }
    return EXIT_OK;
}

int cmd_customer_create(struct cli *cli)
{
    cJSON *body = cJSON_CreateObject(), *who, *id, *array, *o;
    struct answer a = {0};
    size_t n;
    int rc = customer__fields(cli, body, false);

    if (rc != EXIT_OK)
        goto out;
    who = who_object(cli, &n);
    array = n ? cJSON_AddArrayToObject(body, "identifiers") : NULL;
    cJSON_ArrayForEach(id, who)
    {
        o = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(o, "scheme", id->string);
        (void)cJSON_AddStringToObject(o, "value", id->valuestring);
        if (arg(cli, "verified"))
            (void)cJSON_AddTrueToObject(o, "verified");
        (void)cJSON_AddItemToArray(array, o);
    }
    cJSON_Delete(who);
    rc = client_call(cli, "POST", "/v1/customers", body, arg(cli, "idempotency-key"), &a);
    if (rc == EXIT_OK)
        rc = show_object(cli, &a, "id", detail_columns, COUNT(detail_columns));
out:
    answer_done(&a);
    cJSON_Delete(body);
    return rc;
}

int cmd_customer_find(struct cli *cli)
{
    struct answer a = {0};
    size_t n;
    cJSON *who = who_object(cli, &n);
    int rc;

    if (n == 0)
        rc = usage_error(cli,
                         "say by what: --phone, --email, --document, --whatsapp, --loyalty, --web-visitor");
    else
        rc = client_call(cli, "POST", "/v1/customers/search", who, NULL, &a);
    if (rc == EXIT_OK)
        rc = show_list(cli, &a, "customers", list_columns, COUNT(list_columns), false,
                       (struct label){"no customer", "ningún cliente"});
    answer_done(&a);
    cJSON_Delete(who);
    return rc;
}

static int customer__one(struct cli *cli, const char *method, const cJSON *body)
{
    struct text path = {0};
    struct answer a = {0};
    int rc;

    text_add(&path, "/v1/customers/");
    text_add_url(&path, operand(cli, 0));
    rc = client_call(cli, method, text_z(&path), body, NULL, &a);
    if (rc == EXIT_OK)
        rc = show_object(cli, &a, "id", detail_columns, COUNT(detail_columns));
    answer_done(&a);
    text_done(&path);
    return rc;
}

int cmd_customer_show(struct cli *cli)
{
    return customer__one(cli, "GET", NULL);
}

int cmd_customer_update(struct cli *cli)
{
    cJSON *body = cJSON_CreateObject();
    int rc = customer__fields(cli, body, true);

    if (rc == EXIT_OK)
        rc = customer__identifier_list(cli, body, "add", "add_identifiers");
    if (rc == EXIT_OK)
        rc = customer__identifier_list(cli, body, "remove", "remove_identifiers");
    if (rc == EXIT_OK && !body->child)
        rc = usage_error(cli, "say what to change");
    if (rc == EXIT_OK)
        rc = customer__one(cli, "PATCH", body);
    cJSON_Delete(body);
    return rc;
}

/* ---- consents ---- */

/* Where it holds: an address on a channel, a channel, a type of channel, everywhere. */
static void consent__where(const cJSON *c, struct text *out)
{
    const cJSON *address = json_at(c, "address");
    const char *channel = json_text(c, "channel"), *type = json_text(c, "channel_type");

    if (address) {
        text_add_shown(out, json_text(address, "value"));
        text_add(out, " · ");
    }
    if (channel && channel[0])
        text_add_shown(out, channel);
    else if (type && type[0]) {
        text_add(out, "type ");
        text_add_shown(out, type);
    } else {
        text_add(out, "*");
    }
}

static const struct column consent_columns[] = {
    {.head = {"CATEGORY", "CATEGORÍA"}, .member = "category"},
    {.head = {"CONSENT", "CONSENTIMIENTO"}, .member = "state"},
    {.head = {"WHERE", "DÓNDE"}, .cell = consent__where},
    {.head = {"SINCE", "DESDE"}, .member = "since", .flags = COLUMN_TIME},
    {.head = {"HOW", "CÓMO"}, .member = "how"},
    {.head = {"PROOF", "PRUEBA"}, .member = "proof"},
};

/* Without a category it shows what is known; with one it records it. */
int cmd_customer_consent(struct cli *cli)
{
    static const struct {
        const char *option, *member;
    } fields[] = {{"channel", "channel"}, {"channel-type", "channel_type"}, {"proof", "proof"}};
    const char *category = operand(cli, 1), *state = operand(cli, 2);
    cJSON *body = category ? cJSON_CreateObject() : NULL;
    struct text path = {0};
    struct answer a = {0};
    int rc = EXIT_OK;

    if (category && !state)
        rc = usage_error(cli, "say granted or denied after the category");
    if (rc == EXIT_OK && state)
        (void)cJSON_AddStringToObject(body, "state", state);
    for (size_t i = 0; i < COUNT(fields) && rc == EXIT_OK; i++) {
        const char *v = arg(cli, fields[i].option);
        if (v && !category)
            rc = usage_error(cli, "--%s needs a category, and granted or denied", fields[i].option);
        else if (v)
            (void)cJSON_AddStringToObject(body, fields[i].member, v);
    }
    text_add(&path, "/v1/customers/");
    text_add_url(&path, operand(cli, 0));
    text_add(&path, "/consents");
    if (category) {
        text_add(&path, "/");
        text_add_url(&path, category);
    }
    if (rc == EXIT_OK)
        rc = client_call(cli, category ? "PUT" : "GET", text_z(&path), body, NULL, &a);
    if (rc == EXIT_OK)
        rc = show_list(cli, &a, "consents", consent_columns, COUNT(consent_columns), false,
                       (struct label){"nothing was said", "nada se ha dicho"});
    answer_done(&a);
    text_done(&path);
    cJSON_Delete(body);
    return rc;
}
