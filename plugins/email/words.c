/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "words.h"

#include <stdio.h>

static const struct {
    const char *code, *reason, *es, *en;
} words[] = {
    {".1.1", "no_such_mailbox", "El buzón no existe", "The mailbox does not exist"},
    {".1.2", "no_such_domain", "El dominio de la dirección no existe", "The address's domain does not exist"},
    {".1.10", "no_such_domain", "El dominio no recibe correo", "The domain takes no mail"},
    {".1.3", "invalid_address", "La dirección está mal escrita", "The address is badly formed"},
    {".1.6", "mailbox_moved", "El buzón se mudó sin dejar otra dirección",
     "The mailbox has moved and left no address"},
    {".1.", "invalid_address", "La dirección no sirve", "The address is no good"},
    {".2.1", "mailbox_disabled", "El buzón está cerrado", "The mailbox is closed"},
    {".2.2", "mailbox_full", "El buzón está lleno", "The mailbox is full"},
    {".2.3", "too_large", "El correo es muy grande para ese buzón", "The mail is too large for that mailbox"},
    {".2.", "mailbox", "El buzón no acepta el correo", "The mailbox does not take the mail"},
    {".3.4", "too_large", "El correo es muy grande para ese servidor",
     "The mail is too large for that server"},
    {".3.", "server", "El servidor de destino falla", "The destination's server fails"},
    {".4.7", "expired_there", "No se pudo entregar en el plazo del servidor",
     "It could not be delivered within the server's time"},
    {".4.", "unreachable", "No se llega al servidor de destino", "The destination's server can't be reached"},
    {".5.", "protocol", "El servidor no entendió el envío", "The server did not understand the delivery"},
    {".6.7", "internationalized", "El servidor no acepta direcciones con letras que no son ASCII",
     "The server takes no internationalised addresses"},
    {".6.", "content", "El servidor no acepta este contenido", "The server does not take this content"},
    {".7.1", "refused", "El servidor lo rechazó por sus reglas", "The server refused it by its rules"},
    {".7.", "refused", "El servidor lo rechazó por seguridad o reputación",
     "The server refused it for security or reputation"},
};

/* Without addresses: those are people's. */
static void masked(struct hilo_str line, char *out, size_t n)
{
    size_t i = 0, k = 0, start;

    while (i < line.n && k + 8 < n) {
        unsigned char c = (unsigned char)line.p[i];
        bool address = false;

        if (c <= ' ' || c == 0x7f || c == '<' || c == '>' || c == '(' || c == ')' || c == ',' || c == ';') {
            out[k++] = c < ' ' || c == 0x7f ? ' ' : (char)c;
            i++;
            continue;
        }
        for (start = i; i < line.n && (unsigned char)line.p[i] > ' ' && line.p[i] != 0x7f &&
                        !strchr("<>(),;", line.p[i]);
             i++)
            address |= line.p[i] == '@';
        if (address || i - start > n - k - 8) {
            memcpy(out + k, "…", 3);
            k += 3;
        } else {
            memcpy(out + k, line.p + start, i - start);
            k += i - start;
        }
    }
    out[k] = '\0';
}

void words_of(struct hilo_str enhanced, uint32_t status, struct hilo_str line, int64_t language,
              struct words *out)
{
    const char *es = "El servidor no lo aceptó", *en = "The server did not take it";
    char code[16], said[WORDS_MAX - 100];
    size_t i;

    email_copy(code, sizeof code, enhanced);
    out->reason = "refused";
    if (!code[0] && (status == 552 || status == 452)) {
        out->reason = "too_large";
        es = "El correo es muy grande, o el buzón está lleno";
        en = "The mail is too large, or the mailbox full";
    } else if (!code[0] && status / 100 == 4) {
        out->reason = "deferred";
        es = "El servidor lo recibirá más tarde";
        en = "The server will take it later";
    }
    for (i = 0; code[0] && i < sizeof words / sizeof *words; i++) {
        const char *w = words[i].code;
        size_t n = strlen(w);

        if (strncmp(code + 1, w, n) == 0 && (w[n - 1] == '.' || code[1 + n] == '\0'))
            break;
    }
    if (code[0] && i < sizeof words / sizeof *words) {
        out->reason = words[i].reason;
        es = words[i].es;
        en = words[i].en;
    }
    masked(line, said, sizeof said);
    (void)snprintf(out->text, sizeof out->text, "%s%s%s", language == EMAIL_EN ? en : es, said[0] ? ": " : "",
                   said);
}
