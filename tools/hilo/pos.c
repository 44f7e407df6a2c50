/* hilo pos …: terminals of shop counters, by the channel's own requests (plugins/pos/README.md). */
#include "cli.h"
#include <qrencode.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct column terminal_columns[] = {
    {.head = {"STORE", "TIENDA"}, .member = "store"},
    {.head = {"TERMINAL", "TERMINAL"}, .member = "terminal"},
    {.head = {"ROLE", "ROL"}, .member = "role"},
    {.head = {"STATE", "ESTADO"}, .member = "state", .flags = COLUMN_STATUS},
    {.head = {"CONNECTED", "CONECTADA"}, .member = "connected"},
    {.head = {"SEEN", "VISTA"}, .member = "seen", .flags = COLUMN_TIME},
    {.head = {"EXPIRES", "VENCE"}, .member = "expires", .flags = COLUMN_TIME},
};
static const struct column terminal_details[] = {
    {.head = {"Store", "Tienda"}, .member = "store"},
    {.head = {"Terminal", "Terminal"}, .member = "terminal"},
    {.head = {"Role", "Rol"}, .member = "role"},
    {.head = {"State", "Estado"}, .member = "state", .flags = COLUMN_STATUS},
    {.head = {"Connected", "Conectada"}, .member = "connected"},
    {.head = {"Since", "Desde"}, .member = "since", .flags = COLUMN_TIME},
    {.head = {"Software", "Programa"}, .member = "software"},
    {.head = {"Last handshake", "Última conexión"}, .member = "seen", .flags = COLUMN_TIME},
    {.head = {"Serial", "Serie"}, .member = "serial"},
    {.head = {"Key (SHA-256)", "Clave (SHA-256)"}, .member = "spki_sha256"},
    {.head = {"Issued", "Emitido"}, .member = "issued", .flags = COLUMN_TIME},
    {.head = {"Expires", "Vence"}, .member = "expires", .flags = COLUMN_TIME},
    {.head = {"Renewed, not used yet", "Renovado, sin usar"}, .member = "renewed", .flags = COLUMN_TIME},
    {.head = {"Asked to renew", "Debe renovar"}, .member = "rotate"},
    {.head = {"Enrolled", "Inscrita"}, .member = "enrolled", .flags = COLUMN_TIME},
    {.head = {"Changed", "Cambiada"}, .member = "changed", .flags = COLUMN_TIME},
    {.head = {"By", "Por"}, .member = "changed_by"},
};
static const struct column code_columns[] = {
    {.head = {"ID", "ID"}, .member = "id"},
    {.head = {"STORE", "TIENDA"}, .member = "store"},
    {.head = {"TERMINAL", "TERMINAL"}, .member = "terminal"},
    {.head = {"ROLE", "ROL"}, .member = "role"},
    {.head = {"STATE", "ESTADO"}, .member = "state", .flags = COLUMN_STATUS},
    {.head = {"EXPIRES", "VENCE"}, .member = "expires", .flags = COLUMN_TIME},
    {.head = {"BY", "POR"}, .member = "created_by"},
};
static const struct column code_details[] = {
    {.head = {"Store", "Tienda"}, .member = "store"},
    {.head = {"Terminal", "Terminal"}, .member = "terminal"},
    {.head = {"Role", "Rol"}, .member = "role"},
    {.head = {"Good until", "Sirve hasta"}, .member = "expires", .flags = COLUMN_TIME},
    {.head = {"Withdraw with", "Se anula con"}, .member = "id"},
};
static const struct column ca_details[] = {
    {.head = {"CA", "CA"}, .member = "kind"},
    {.head = {"Key (SHA-256)", "Clave (SHA-256)"}, .member = "spki_sha256"},
    {.head = {"Expires", "Vence"}, .member = "expires", .flags = COLUMN_TIME},
    {.head = {"Terminals", "Terminales"}, .member = "terminals"},
    {.head = {"Server's certificate", "Certificado del servidor"}, .member = "server.kind"},
    {.head = {"Expires", "Vence"}, .member = "server.expires", .flags = COLUMN_TIME},
    {.head = {"Host", "Servidor"}, .member = "server.host"},
    {.head = {"Port", "Puerto"}, .member = "server.port"},
};

/* ---- the channel ---------------------------------------------------------------------------------- */

/* Which: --channel, or the only one of type pos. EXIT_x. */
static int pos__path(struct cli *cli, struct text *path)
{
    const char *name = arg(cli, "channel");
    struct answer a = {0};
    const cJSON *c;
    unsigned n = 0;
    int rc = EXIT_OK;

    if (!name) {
        rc = client_call(cli, "GET", "/v1/channels", NULL, NULL, &a);
        cJSON_ArrayForEach(c, json_at(a.json, "channels"))
        {
            if (strcmp(json_text(c, "type"), "pos") == 0 && n++ == 0)
                name = json_text(c, "name");
        }
        if (rc == EXIT_OK && n != 1) {
            complain(
                n ? "there are several channels of type pos; say which by --channel"
                  : "the gateway has no channel of type pos; its configuration says how (conf/pos.yaml)");
            rc = EXIT_REFUSED;
        }
    }
    if (rc == EXIT_OK) {
        text_add(path, "/v1/channels/");
        text_add_url(path, name);
        text_add(path, "/admin");
    }
    answer_done(&a);
    return rc;
}

/* /terminals/{operands}{rest} of it. */
static int pos__terminal(struct cli *cli, const char *rest, struct text *path)
{
    int rc = pos__path(cli, path);

    text_add(path, "/terminals/");
    text_add_url(path, operand(cli, 0));
    text_add(path, "/");
    text_add_url(path, operand(cli, 1));
    text_add(path, rest);
    return rc;
}

/* ---- codes ------------------------------------------------------------------------------------------ */

/* Two modules a character, one above the other. With colours it is dark on light, as readers want it,
 * whatever the terminal's are; without, light is taken to be what is written, as on most. */
static void pos__qr(const char *code, bool colour)
{
    static const char *const blocks[] = {" ", "\u2584", "\u2580",
                                         "\u2588"}; /* bit 1: the upper one, bit 0: the lower */
    QRcode *qr = QRcode_encodeString(code, 0, QR_ECLEVEL_M, QR_MODE_8, 1);
    int margin = 2, x, y, half;

    if (!qr)
        return;
    for (y = -margin; y < qr->width + margin; y += 2) {
        if (colour)
            (void)fputs("\033[38;5;16;48;5;231m", stdout);
        for (x = -margin; x < qr->width + margin; x++) {
            unsigned dark = 0;

            for (half = 0; half < 2; half++)
                if (x >= 0 && x < qr->width && y + half >= 0 && y + half < qr->width)
                    dark |= (qr->data[(y + half) * qr->width + x] & 1U) << (1 - half);
            (void)fputs(blocks[colour ? dark : 3 - dark], stdout);
        }
        (void)puts(colour ? "\033[0m" : "");
    }
    QRcode_free(qr);
}

/* "90s", "30m", "1h", "2d" in seconds; 0: it is none. */
static long pos__seconds(const char *text)
{
    char *end = NULL;
    long n = strtol(text, &end, 10), unit;

    if (end == text || n <= 0 || n > 604800 || end[0] == '\0' || end[1] != '\0')
        return 0;
    unit = *end == 's' ? 1 : *end == 'm' ? 60 : *end == 'h' ? 3600 : *end == 'd' ? 86400 : 0;
    return n * unit;
}

static int pos__enroll_body(struct cli *cli, cJSON *body)
{
    const char *lifetime = arg(cli, "lifetime");
    long seconds = lifetime ? pos__seconds(lifetime) : 1;

    if (!arg(cli, "store") || !arg(cli, "terminal"))
        return usage_error(cli, "say which terminal: --store CENTRO --terminal 3");
    if (seconds == 0)
        return usage_error(cli, "--lifetime is a number with s, m, h or d, as in 30m");
    (void)cJSON_AddStringToObject(body, "store", arg(cli, "store"));
    (void)cJSON_AddStringToObject(body, "terminal", arg(cli, "terminal"));
    if (arg(cli, "role"))
        (void)cJSON_AddStringToObject(body, "role", arg(cli, "role"));
    if (lifetime)
        (void)cJSON_AddNumberToObject(body, "lifetime_s", (double)seconds);
    return EXIT_OK;
}

int cmd_pos_enroll(struct cli *cli)
{
    static const struct label how = {
        "At the terminal: hilo-till enroll CODE, or scan this. It is shown this once.",
        "En la terminal: hilo-till enroll CÓDIGO, o escanee esto. No se vuelve a mostrar."};
    cJSON *body = cJSON_CreateObject();
    struct text path = {0};
    struct answer a = {0};
    int rc = pos__enroll_body(cli, body);

    if (rc == EXIT_OK)
        rc = pos__path(cli, &path);
    text_add(&path, "/enrollments");
    if (rc == EXIT_OK)
        rc = client_call(cli, "POST", text_z(&path), body, NULL, &a);
    if (rc == EXIT_OK && (cli->json || cli->quiet)) {
        rc = show_object(cli, &a, "code", NULL, 0);
    } else if (rc == EXIT_OK) {
        struct text code = {0};

        text_add_shown(&code, json_text(a.json, "code"));
        details_print(&cli->screen, a.json, code_details, COUNT(code_details));
        (void)printf("\n%s\n\n%s\n", say(&cli->screen, how), text_z(&code));
        if (cli->screen.width > 0 && !arg(cli, "no-qr")) {
            (void)putchar('\n');
            pos__qr(text_z(&code), cli->screen.colour);
        }
        text_done(&code);
    }
    answer_done(&a);
    text_done(&path);
    cJSON_Delete(body);
    return rc;
}

int cmd_pos_codes(struct cli *cli)
{
    struct text path = {0};
    struct answer a = {0};
    int rc = pos__path(cli, &path);

    text_add(&path, "/enrollments");
    if (rc == EXIT_OK)
        rc = client_call(cli, "GET", text_z(&path), NULL, NULL, &a);
    if (rc == EXIT_OK)
        rc = show_list(cli, &a, "enrollments", code_columns, COUNT(code_columns), false,
                       (struct label){"no codes", "sin códigos"});
    answer_done(&a);
    text_done(&path);
    return rc;
}

/* A DELETE, and a line about it. */
static int pos__delete(struct cli *cli, const struct text *path, const char *what, struct label done)
{
    struct answer a = {0};
    int rc = client_call(cli, "DELETE", text_z(path), NULL, NULL, &a);

    if (rc == EXIT_OK && cli->json)
        show_json(&a);
    else if (rc == EXIT_OK && cli->quiet)
        (void)puts(what);
    else if (rc == EXIT_OK)
        (void)printf("%s %s\n", what, say(&cli->screen, done));
    answer_done(&a);
    return rc;
}

int cmd_pos_withdraw(struct cli *cli)
{
    struct text path = {0};
    int rc = pos__path(cli, &path);

    text_add(&path, "/enrollments/");
    text_add_url(&path, operand(cli, 0));
    if (rc == EXIT_OK)
        rc = pos__delete(cli, &path, operand(cli, 0), (struct label){"is withdrawn", "está anulado"});
    text_done(&path);
    return rc;
}

/* ---- terminals ---------------------------------------------------------------------------------------- */

int cmd_pos_list(struct cli *cli)
{
    struct text path = {0};
    struct answer a = {0};
    const cJSON *t;
    int rc = pos__path(cli, &path);

    text_add(&path, "/terminals");
    path_query(&path, "store", arg(cli, "store"));
    path_query(&path, "state", arg(cli, "state"));
    path_page(cli, &path);
    if (rc == EXIT_OK)
        rc = client_call(cli, "GET", text_z(&path), NULL, NULL, &a);
    if (rc == EXIT_OK && cli->quiet && !cli->json) {
        cJSON_ArrayForEach(t, json_at(a.json, "terminals"))
        {
            struct text line = {0};

            text_add_shown(&line, json_text(t, "store"));
            text_add(&line, " ");
            text_add_shown(&line, json_text(t, "terminal"));
            (void)puts(text_z(&line));
            text_done(&line);
        }
    } else if (rc == EXIT_OK) {
        rc = show_list(cli, &a, "terminals", terminal_columns, COUNT(terminal_columns), false,
                       (struct label){"no terminals", "sin terminales"});
    }
    answer_done(&a);
    text_done(&path);
    return rc;
}

/* One call about one terminal, and what it is afterwards. */
static int pos__call(struct cli *cli, const char *method, const char *rest, const cJSON *body)
{
    struct text path = {0};
    struct answer a = {0};
    int rc = pos__terminal(cli, rest, &path);

    if (rc == EXIT_OK)
        rc = client_call(cli, method, text_z(&path), body, NULL, &a);
    if (rc == EXIT_OK)
        rc = show_object(cli, &a, "state", terminal_details, COUNT(terminal_details));
    answer_done(&a);
    text_done(&path);
    return rc;
}

int cmd_pos_show(struct cli *cli)
{
    return pos__call(cli, "GET", "", NULL);
}

int cmd_pos_rotate(struct cli *cli)
{
    return pos__call(cli, "POST", "/rotate", NULL);
}

int cmd_pos_revoke(struct cli *cli)
{
    return pos__call(cli, "POST", "/revoke", NULL);
}

int cmd_pos_role(struct cli *cli)
{
    cJSON *body = cJSON_CreateObject();
    int rc;

    (void)cJSON_AddStringToObject(body, "role", operand(cli, 2));
    rc = pos__call(cli, "PATCH", "", body);
    cJSON_Delete(body);
    return rc;
}

int cmd_pos_remove(struct cli *cli)
{
    struct text path = {0}, what = {0};
    int rc = pos__terminal(cli, "", &path);

    text_fmt(&what, "%s %s", operand(cli, 0), operand(cli, 1));
    if (rc == EXIT_OK)
        rc = pos__delete(cli, &path, text_z(&what), (struct label){"is removed", "está eliminada"});
    text_done(&path);
    text_done(&what);
    return rc;
}

int cmd_pos_ca(struct cli *cli)
{
    struct text path = {0};
    struct answer a = {0};
    int rc = pos__path(cli, &path);

    text_add(&path, "/ca");
    if (rc == EXIT_OK)
        rc = client_call(cli, "GET", text_z(&path), NULL, NULL, &a);
    if (rc == EXIT_OK && arg(cli, "pem"))
        (void)fputs(json_text(a.json, "certificates"), stdout);
    else if (rc == EXIT_OK)
        rc = show_object(cli, &a, "spki_sha256", ca_details, COUNT(ca_details));
    answer_done(&a);
    text_done(&path);
    return rc;
}
