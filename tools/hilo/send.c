/*
 * hilo send: the body of POST /v1/messages from options. Exactly one kind of content:
 * a text, --template, --media, --choices, or --content with the JSON of any other.
 *
 * Each call has an Idempotency-Key, a random one if none is given, so that what is said
 * when an answer is lost can be acted upon.
 */
#include "cli.h"
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { HTML_MAX = 512 << 10 }; /* bytes; the gateway's limit is of characters */

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct column sent_columns[] = {
    {.head = {"Message", "Mensaje"}, .member = "id"},
    {.head = {"Status", "Estado"}, .member = "status", .flags = COLUMN_STATUS},
    {.head = {"Channel", "Canal"}, .member = "channel"},
    {.head = {"Customer", "Cliente"}, .member = "customer"},
    {.head = {"Due", "Previsto"}, .member = "due", .flags = COLUMN_TIME},
    {.head = {"Made to fit", "Adaptado"}, .member = "lowered"},
    {.head = {"Segments", "Segmentos"}, .cell = segments_cell},
};

static void put(cJSON *o, const char *member, const char *value)
{
    if (value)
        (void)cJSON_AddStringToObject(o, member, value);
}

/* Options that have a meaning with some contents only. */
static int send__only(struct cli *cli, const char *kind, const char *const *allowed)
{
    static const char *const all[] = {"language", "body", "header",  "footer", "button", "caption", "kind",
                                      "text",     "type", "subject", "attach", "html",   NULL};
    size_t i, k;

    for (i = 0; all[i]; i++) {
        for (k = 0; allowed[k] && strcmp(allowed[k], all[i]) != 0; k++)
            ;
        if (!allowed[k] && arg(cli, all[i]))
            return usage_error(cli, "--%s has no meaning with %s", all[i], kind);
    }
    return EXIT_OK;
}

/* ---- contents ----------------------------------------------------------------------------- */

static int send__text(struct cli *cli, cJSON *c, const char *text)
{
    static const char *const allowed[] = {"text", "language", "subject", "attach", "html", NULL};

    put(c, "type", "text");
    put(c, "text", text);
    return send__only(cli, "a text", allowed);
}

static void send__parameters(struct cli *cli, cJSON *parameters, const char *option)
{
    cJSON *array = NULL;
    const char *v;

    for (size_t i = 0; (v = arg_nth(cli, option, i)); i++) {
        if (!array)
            array = cJSON_AddArrayToObject(parameters, option);
        (void)cJSON_AddItemToArray(array, cJSON_CreateString(v));
    }
}

static int send__template(struct cli *cli, cJSON *c, const char *text)
{
    static const char *const allowed[] = {"text", "language", "body", "header", "subject", NULL};

    if (!arg(cli, "language"))
        return usage_error(cli, "a template needs its --language, as it was approved (es, es_CO)");
    put(c, "type", "template");
    put(c, "name", arg(cli, "template"));
    put(c, "language", arg(cli, "language"));
    put(c, "text", text);
    if (arg(cli, "header") || arg(cli, "body")) {
        cJSON *parameters = cJSON_AddObjectToObject(c, "parameters");
        send__parameters(cli, parameters, "header");
        send__parameters(cli, parameters, "body");
    }
    return send__only(cli, "--template", allowed);
}

static const char *send__kind(const char *type)
{
    static const struct {
        const char *prefix, *kind;
    } kinds[] = {{"image/webp", "sticker"}, {"image/", "image"}, {"audio/", "audio"}, {"video/", "video"}};

    for (size_t i = 0; i < COUNT(kinds); i++)
        if (strncmp(type, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
            return kinds[i].kind;
    return "document";
}

/* A file is uploaded under the message's key and its place there, so that the same command repeated names
 * the same media and is known again. type NULL: as its name tells. */
static int send__file(struct cli *cli, cJSON *c, const char *file, const char *as_type,
                      const char *idempotency, const char *place)
{
    const char *type = as_type ? as_type : media_type(file);
    const char *name = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
    struct text key = {0};
    struct answer a = {0};
    int rc;

    text_fmt(&key, "%s.%s", idempotency, place);
    rc = media_upload(cli, file, type, name, text_z(&key), &a);
    if (rc == EXIT_OK) {
        put(c, "kind", arg(cli, "kind") ? arg(cli, "kind") : send__kind(type));
        put(c, "media", json_text(a.json, "id"));
    }
    text_done(&key);
    answer_done(&a);
    return rc;
}

static bool is_url(const char *s)
{
    return strncmp(s, "https://", 8) == 0 || strncmp(s, "http://", 7) == 0;
}

static bool is_media(const char *s)
{
    return strncmp(s, "med_", 4) == 0 && strlen(s) == 30;
}

/* --attach, each a file, a media's id or a URL. */
static int send__attachments(struct cli *cli, cJSON *c, const char *idempotency)
{
    cJSON *array = NULL;
    const char *one;
    int rc = EXIT_OK;

    for (size_t i = 0; rc == EXIT_OK && (one = arg_nth(cli, "attach", i)); i++) {
        struct text place = {0};
        cJSON *o = cJSON_CreateObject();

        if (!array)
            array = cJSON_AddArrayToObject(c, "attachments");
        (void)cJSON_AddItemToArray(array, o);
        text_fmt(&place, "attach.%zu", i);
        if (is_url(one) || is_media(one))
            put(o, is_url(one) ? "url" : "media", one);
        else
            rc = send__file(cli, o, one, NULL, idempotency, text_z(&place));
        text_done(&place);
    }
    return rc;
}

static int send__media(struct cli *cli, cJSON *c, const char *text, const char *idempotency)
{
    static const char *const allowed[] = {"caption", "kind", "type", "subject", NULL};
    const char *media = arg(cli, "media");
    bool url = is_url(media), id = is_media(media);
    int rc = send__only(cli, "--media", allowed);

    if (rc != EXIT_OK)
        return rc;
    if (text)
        return usage_error(cli, "a text that goes with a media is its --caption");
    if ((url || id) && !arg(cli, "kind"))
        return usage_error(cli, "--kind is needed: image, audio, voice, video, document or sticker");
    if ((url || id) && arg(cli, "type"))
        return usage_error(cli, "--type is that of a file");
    put(c, "type", "media");
    if (url || id) {
        put(c, "kind", arg(cli, "kind"));
        put(c, url ? "url" : "media", media);
    } else {
        rc = send__file(cli, c, media, arg(cli, "type"), idempotency, "media");
    }
    put(c, "caption", arg(cli, "caption"));
    return rc;
}

/* "ID=TITLE" of n bytes. */
static int send__choice(struct cli *cli, cJSON *array, const char *p, size_t n)
{
    const char *eq = memchr(p, '=', n);
    struct text id = {0}, title = {0};
    cJSON *o;

    if (!eq || eq == p || eq + 1 == p + n)
        return usage_error(cli, "\"%.*s\": a choice is ID=TITLE, such as exchange=Cambio", (int)n, p);
    text_add_n(&id, p, (size_t)(eq - p));
    text_add_n(&title, eq + 1, n - (size_t)(eq + 1 - p));
    o = cJSON_CreateObject();
    put(o, "id", text_z(&id));
    put(o, "title", text_z(&title));
    (void)cJSON_AddItemToArray(array, o);
    text_done(&id);
    text_done(&title);
    return EXIT_OK;
}

static int send__choices(struct cli *cli, cJSON *c, const char *text)
{
    static const char *const allowed[] = {"text",     "header",  "footer", "button",
                                          "language", "subject", "attach", NULL};
    const char *list = arg(cli, "choices"), *one;
    cJSON *array;
    int rc = send__only(cli, "choices", allowed);

    if (rc == EXIT_OK && !text)
        rc = usage_error(cli, "choices need their question: --text");
    if (rc != EXIT_OK)
        return rc;
    put(c, "type", "choices");
    put(c, "text", text);
    put(c, "header", arg(cli, "header"));
    put(c, "footer", arg(cli, "footer"));
    put(c, "button", arg(cli, "button"));
    array = cJSON_AddArrayToObject(c, "choices");
    while (rc == EXIT_OK && list) {
        size_t n = strcspn(list, ",");
        while (n && *list == ' ') {
            list++;
            n--;
        }
        rc = send__choice(cli, array, list, n);
        list = list[n] ? list + n + 1 : NULL;
    }
    for (size_t i = 0; rc == EXIT_OK && (one = arg_nth(cli, "choice", i)); i++)
        rc = send__choice(cli, array, one, strlen(one));
    return rc;
}

/* Any other content: checked to be an object, sent as it is. */
static int send__raw(struct cli *cli, cJSON *body, const char *text)
{
    static const char *const allowed[] = {"language", NULL};
    cJSON *parsed = cJSON_ParseWithOpts(arg(cli, "content"), NULL, true);
    bool ok = cJSON_IsObject(parsed);

    cJSON_Delete(parsed);
    if (text || !ok)
        return usage_error(cli, "--content wants a JSON object and no text beside it, such as "
                                "'{\"type\":\"location\",\"latitude\":4.65,\"longitude\":-74.05}'");
    (void)cJSON_AddRawToObject(body, "content", arg(cli, "content"));
    return send__only(cli, "--content", allowed);
}

/* --html, a file. */
static int send__html(struct cli *cli, cJSON *c)
{
    const char *file = arg(cli, "html");
    struct text html = {0};
    FILE *f;
    size_t n;
    char piece[4096];

    if (!file)
        return EXIT_OK;
    f = fopen(file, "re");
    if (!f) {
        complain("%s: %s", file, strerror(errno));
        return EXIT_REFUSED;
    }
    while (html.n <= HTML_MAX && (n = fread(piece, 1, sizeof piece, f)) > 0)
        text_add_n(&html, piece, n);
    const bool bad = ferror(f) != 0, long_one = html.n > HTML_MAX;
    (void)fclose(f);
    if (bad || long_one)
        complain(bad ? "%s can't be read" : "%s is longer than a message may be (512 KiB)", file);
    else
        put(c, "html", text_z(&html));
    text_done(&html);
    return bad || long_one ? EXIT_REFUSED : EXIT_OK;
}

/* ---- the whole -------------------------------------------------------------------------------- */

static int send__content(struct cli *cli, cJSON *body, const char *idempotency)
{
    const char *text = arg(cli, "text") ? arg(cli, "text") : operand(cli, 0);
    bool template = arg(cli, "template"), media = arg(cli, "media"), raw = arg(cli, "content"),
         choices = arg(cli, "choices") || arg(cli, "choice");
    cJSON *c;
    int rc;

    if (arg(cli, "text") && operand(cli, 0))
        return usage_error(cli, "the text is given twice: by --text and as \"%s\"", operand(cli, 0));
    if (template + media + raw + choices > 1)
        return usage_error(cli,
                           "one message carries one of: a text, --template, --media, --choices, --content");
    if (template + media + raw + choices == 0 && !text)
        return usage_error(cli, "say what to send: a text, --template, --media, --choices or --content");
    /* What is not the content's own language is that of the gateway's words in it. */
    if (!template)
        put(body, "language", arg(cli, "language"));
    if (raw)
        return send__raw(cli, body, text);
    c = cJSON_AddObjectToObject(body, "content");
    put(c, "subject", arg(cli, "subject"));
    rc = template  ? send__template(cli, c, text)
         : media   ? send__media(cli, c, text, idempotency)
         : choices ? send__choices(cli, c, text)
                   : send__text(cli, c, text);
    if (rc == EXIT_OK)
        rc = send__html(cli, c);
    return rc == EXIT_OK ? send__attachments(cli, c, idempotency) : rc;
}

static int send__to(struct cli *cli, cJSON *body)
{
    size_t n;
    cJSON *to = who_object(cli, &n);
    const char *customer = arg(cli, "customer");

    (void)cJSON_AddItemToObject(body, "to", to);
    put(to, "customer", customer);
    if (n + (customer != NULL) == 1)
        return EXIT_OK;
    return usage_error(cli, "say to whom by exactly one of: --phone, --email, --document, --whatsapp, "
                            "--loyalty, --web-visitor, --customer");
}

static int random_key(struct text *out)
{
    uint8_t b[16];

    if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b) {
        complain("no random bytes for an Idempotency-Key; give one by --idempotency-key");
        return EXIT_REFUSED;
    }
    text_add(out, "cli-");
    for (size_t i = 0; i < sizeof b; i++)
        text_fmt(out, "%02x", b[i]);
    return EXIT_OK;
}

static void plan__status(const cJSON *plan, struct text *out)
{
    text_add(out, cJSON_IsTrue(json_at(plan, "accepted")) ? "accepted" : "refused");
}

static const struct column plan_columns[] = {
    {.head = {"Would be", "Sería"}, .cell = plan__status, .flags = COLUMN_STATUS},
    {.head = {"Why not", "Por qué no"}, .member = "problem.detail"},
    {.head = {"Code", "Código"}, .member = "problem.code"},
    {.head = {"Channel", "Canal"}, .member = "channel"},
    {.head = {"Category", "Categoría"}, .member = "category"},
    {.head = {"Customer", "Cliente"}, .member = "customer"},
    {.head = {"Case", "Caso"}, .member = "case"},
    {.head = {"Window until", "Ventana hasta"}, .member = "window.open_until", .flags = COLUMN_TIME},
    {.head = {"Lowered", "Adaptado"}, .member = "lowered"},
    {.head = {"Segments", "Segmentos"}, .cell = segments_cell},
    {.head = {"Due", "Previsto"}, .member = "due", .flags = COLUMN_TIME},
    {.head = {"Waits", "Espera"}, .member = "waits"},
};

/* What would happen; EXIT_REFUSED if it would be refused. */
static int send__plan(struct cli *cli, const cJSON *body)
{
    struct answer a = {0};
    int rc = client_call(cli, "POST", "/v1/messages/plan", body, NULL, &a);

    if (rc == EXIT_OK)
        rc = show_object(cli, &a, "channel", plan_columns, COUNT(plan_columns));
    if (rc == EXIT_OK && !cJSON_IsTrue(json_at(a.json, "accepted")))
        rc = EXIT_REFUSED;
    answer_done(&a);
    return rc;
}

int cmd_send(struct cli *cli)
{
    static const struct {
        const char *option, *member;
    } plain[] = {{"channel", "channel"},    {"category", "category"}, {"case", "case"},
                 {"expires", "expires_in"}, {"reply-to", "reply_to"}, {"priority", "priority"},
                 {"at", "send_at"},         {"sender", "sender"}};
    cJSON *body = cJSON_CreateObject();
    struct answer a = {0};
    struct text key = {0};
    int rc = send__to(cli, body);

    if (rc != EXIT_OK)
        goto out;
    for (size_t i = 0; i < COUNT(plain); i++)
        put(body, plain[i].member, arg(cli, plain[i].option));
    if (arg(cli, "flash"))
        (void)cJSON_AddTrueToObject(body, "flash");
    if (arg(cli, "idempotency-key"))
        text_add(&key, arg(cli, "idempotency-key"));
    else
        rc = random_key(&key);
    if (rc == EXIT_OK)
        rc = send__content(cli, body, text_z(&key));
    if (rc == EXIT_OK && arg(cli, "plan")) {
        rc = send__plan(cli, body);
        goto out;
    }
    if (rc == EXIT_OK)
        rc = client_call(cli, "POST", "/v1/messages", body, text_z(&key), &a);
    if (rc == EXIT_OK)
        rc = show_object(cli, &a, "id", sent_columns, COUNT(sent_columns));
out:
    answer_done(&a);
    text_done(&key);
    cJSON_Delete(body);
    return rc;
}
