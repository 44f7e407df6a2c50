/* hilo channels, hilo key, hilo config reload: what operators do. */
#include "cli.h"
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A channel that an operator paused is up, and sends nothing. */
static void channel__state(const cJSON *c, struct text *out)
{
    if (cJSON_IsTrue(json_at(c, "paused")) && strcmp(json_text(c, "state"), "up") == 0)
        text_add(out, "paused");
    else
        text_add_shown(out, json_text(c, "state"));
}

/* Why it is not sending: an operator's reason, or the plugin's words. */
static void channel__text(const cJSON *c, struct text *out)
{
    text_add_shown(out, json_text(c, json_text(c, "why")[0] ? "why" : "text"));
}

static const struct column channel_columns[] = {
    {.head = {"CHANNEL", "CANAL"}, .member = "name"},
    {.head = {"TYPE", "TIPO"}, .member = "type"},
    {.head = {"STATE", "ESTADO"}, .cell = channel__state, .flags = COLUMN_STATUS},
    {.head = {"QUEUED", "EN COLA"}, .member = "queued", .flags = COLUMN_RIGHT},
    {.head = {"IN FLIGHT", "EN VUELO"}, .member = "in_flight", .flags = COLUMN_RIGHT},
    {.head = {"SENT", "ENVIADOS"}, .member = "since_start.sent", .flags = COLUMN_RIGHT},
    {.head = {"FAILED", "FALLIDOS"}, .member = "since_start.failed", .flags = COLUMN_RIGHT},
    {.head = {"IN DOUBT", "EN DUDA"}, .member = "since_start.in_doubt", .flags = COLUMN_RIGHT},
    {.head = {"RECEIVED", "RECIBIDOS"}, .member = "since_start.received", .flags = COLUMN_RIGHT},
    {.head = {"PID", "PID"}, .member = "pid", .flags = COLUMN_RIGHT}, /* of one on a thread: none */
    {.head = {"RESTARTS", "REINICIOS"}, .member = "since_start.restarts", .flags = COLUMN_RIGHT},
    {.head = {"NOTE", "NOTA"}, .cell = channel__text},
};
static const struct column channel_details[] = {
    {.head = {"Channel", "Canal"}, .member = "name"},
    {.head = {"Type", "Tipo"}, .member = "type"},
    {.head = {"State", "Estado"}, .cell = channel__state, .flags = COLUMN_STATUS},
    {.head = {"Note", "Nota"}, .cell = channel__text},
    {.head = {"Queued", "En cola"}, .member = "queued"},
    {.head = {"In flight", "En vuelo"}, .member = "in_flight"},
    {.head = {"Scopes", "Permisos"}, .member = "scopes"},
};

int cmd_channels(struct cli *cli)
{
    struct answer a = {0};
    int rc = client_call(cli, "GET", "/v1/channels", NULL, NULL, &a);

    if (rc == EXIT_OK)
        rc = show_list(cli, &a, "channels", channel_columns, COUNT(channel_columns), false,
                       (struct label){"no channels", "sin canales"});
    answer_done(&a);
    return rc;
}

static int channel__change(struct cli *cli, const char *verb, const char *reason)
{
    cJSON *body = cJSON_CreateObject();
    struct text path = {0};
    struct answer a = {0};
    int rc;

    text_add(&path, "/v1/channels/");
    text_add_url(&path, operand(cli, 0));
    text_add(&path, verb);
    if (reason)
        (void)cJSON_AddStringToObject(body, "reason", reason);
    rc = client_call(cli, "POST", text_z(&path), body, NULL, &a);
    if (rc == EXIT_OK)
        rc = show_object(cli, &a, "name", channel_details, COUNT(channel_details));
    answer_done(&a);
    text_done(&path);
    cJSON_Delete(body);
    return rc;
}

int cmd_channels_pause(struct cli *cli)
{
    return channel__change(cli, "/pause", arg(cli, "reason"));
}

int cmd_channels_resume(struct cli *cli)
{
    return channel__change(cli, "/resume", NULL);
}

/* "[image] Hola {{1}}" and what its buttons say. */
static void template__text(const cJSON *t, struct text *out)
{
    const char *header = json_text(t, "header");
    const cJSON *b;

    if (header[0] && strcmp(header, "text") != 0)
        text_fmt(out, "[%s] ", header);
    if (json_text(t, "header_text")[0]) {
        text_add_shown(out, json_text(t, "header_text"));
        text_add(out, " / ");
    }
    text_add_shown(out, json_text(t, "text"));
    cJSON_ArrayForEach(b, json_at(t, "buttons"))
    {
        text_add(out, " [");
        text_add_shown(out, json_text(b, "text"));
        text_add(out, "]");
    }
}

static const struct column template_columns[] = {
    {.head = {"TEMPLATE", "PLANTILLA"}, .member = "name"},
    {.head = {"LANGUAGE", "IDIOMA"}, .member = "language"},
    {.head = {"STATUS", "ESTADO"}, .member = "status", .flags = COLUMN_STATUS},
    {.head = {"CATEGORY", "CATEGORÍA"}, .member = "category"},
    {.head = {"PARAMETERS", "PARÁMETROS"}, .member = "body_parameters"},
    {.head = {"TEXT", "TEXTO"}, .cell = template__text},
};

int cmd_channels_templates(struct cli *cli)
{
    struct text path = {0};
    struct answer a = {0};
    int rc;

    text_add(&path, "/v1/channels/");
    text_add_url(&path, operand(cli, 0));
    text_add(&path, "/templates");
    path_page(cli, &path);
    rc = client_call(cli, "GET", text_z(&path), NULL, NULL, &a);
    if (rc == EXIT_OK)
        rc = show_list(
            cli, &a, "templates", template_columns, COUNT(template_columns), false,
            (struct label){"the channel has published no templates", "el canal no ha publicado plantillas"});
    answer_done(&a);
    text_done(&path);
    return rc;
}

/* ---- keys ----------------------------------------------------------------------------------- */

static const struct column key_details[] = {
    {.head = {"Key", "Clave"}, .member = "key"},
    {.head = {"Id", "Id"}, .member = "id"},
    {.head = {"Name", "Nombre"}, .member = "name"},
    {.head = {"Scopes", "Permisos"}, .member = "scopes"},
};
static const struct column key_columns[] = {
    {.head = {"ID", "ID"}, .member = "id"},
    {.head = {"NAME", "NOMBRE"}, .member = "name"},
    {.head = {"CREATED", "CREADA"}, .member = "created", .flags = COLUMN_TIME},
    {.head = {"REVOKED", "REVOCADA"}, .member = "revoked", .flags = COLUMN_TIME},
    {.head = {"SCOPES", "PERMISOS"}, .member = "scopes"},
};

/* Words between spaces or commas. */
static void key__scopes(cJSON *array, const char *words)
{
    while (*words) {
        size_t n = strcspn(words, " ,");
        struct text word = {0};
        text_add_n(&word, words, n);
        if (n)
            (void)cJSON_AddItemToArray(array, cJSON_CreateString(text_z(&word)));
        text_done(&word);
        words += n + (words[n] != 0);
    }
}

int cmd_key_create(struct cli *cli)
{
    static const struct label once = {"Keep the key: it is shown this once.",
                                      "Guarde la clave: no se vuelve a mostrar."};
    cJSON *body = cJSON_CreateObject(), *scopes;
    struct answer a = {0};
    const char *words;
    int rc;

    if (!arg(cli, "name") || !arg(cli, "scopes")) {
        rc = usage_error(cli, "--name and --scopes are needed");
        goto out;
    }
    (void)cJSON_AddStringToObject(body, "name", arg(cli, "name"));
    scopes = cJSON_AddArrayToObject(body, "scopes");
    for (size_t i = 0; (words = arg_nth(cli, "scopes", i)); i++)
        key__scopes(scopes, words);
    rc = client_call(cli, "POST", "/v1/keys", body, NULL, &a);
    if (rc != EXIT_OK)
        goto out;
    rc = show_object(cli, &a, "key", key_details, COUNT(key_details));
    if (!cli->json && !cli->quiet)
        (void)printf("\n%s\n", say(&cli->screen, once));
out:
    answer_done(&a);
    cJSON_Delete(body);
    return rc;
}

int cmd_key_list(struct cli *cli)
{
    struct answer a = {0};
    int rc = client_call(cli, "GET", "/v1/keys", NULL, NULL, &a);

    if (rc == EXIT_OK)
        rc = show_list(cli, &a, "keys", key_columns, COUNT(key_columns), false,
                       (struct label){"no keys", "sin claves"});
    answer_done(&a);
    return rc;
}

int cmd_key_revoke(struct cli *cli)
{
    struct text path = {0};
    struct answer a = {0};
    int rc;

    text_add(&path, "/v1/keys/");
    text_add_url(&path, operand(cli, 0));
    rc = client_call(cli, "DELETE", text_z(&path), NULL, NULL, &a);
    if (rc == EXIT_OK && cli->json)
        show_json(&a);
    else if (rc == EXIT_OK && cli->quiet)
        (void)puts(operand(cli, 0));
    else if (rc == EXIT_OK)
        (void)printf("%s %s\n", operand(cli, 0),
                     say(&cli->screen, (struct label){"is revoked", "está revocada"}));
    answer_done(&a);
    text_done(&path);
    return rc;
}

/* ---- the configuration ---------------------------------------------------------------------- */

static const struct column reload_columns[] = {
    {.head = {"CHANNEL", "CANAL"}, .member = "name"},
    {.head = {"CHANGE", "CAMBIO"}, .member = "change"},
    {.head = {"QUEUED", "EN COLA"}, .member = "queued", .flags = COLUMN_RIGHT},
    {.head = {"OPTIONS", "OPCIONES"}, .member = "options"},
};
static const struct column reload_details[] = {
    {.head = {"File", "Archivo"}, .member = "file"},
    {.head = {"Taken over", "Aplicado"}, .member = "changed"},
    {.head = {"Needs a restart", "Requiere reiniciar"}, .member = "needs_restart"},
    {.head = {"Channels untouched", "Canales intactos"}, .member = "untouched", .flags = COLUMN_FULL},
};

int cmd_config_reload(struct cli *cli)
{
    struct answer a = {0};
    int rc = client_call(cli, "POST", "/v1/config/reload", NULL, NULL, &a);

    if (rc != EXIT_OK)
        return rc;
    rc = show_object(cli, &a, "untouched", reload_details, COUNT(reload_details));
    if (!cli->json && !cli->quiet && cJSON_GetArraySize(json_at(a.json, "channels")) > 0) {
        (void)putchar('\n');
        table_print(&cli->screen, json_at(a.json, "channels"), reload_columns, COUNT(reload_columns), false,
                    (struct label){"", ""});
    }
    answer_done(&a);
    return rc;
}
