/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "options.h"

#define BIT(x) (UINT32_C(1) << (x))

/* A letter has room for all of it. */
const struct hilo_abilities email_abilities = {
    .size = sizeof email_abilities,
    .contents = BIT(HILO_CONTENT_TEXT) | BIT(HILO_CONTENT_MEDIA) | BIT(HILO_CONTENT_CHOICES) |
                BIT(HILO_CONTENT_LINK) | BIT(HILO_CONTENT_APPOINTMENT),
    .media_kinds = BIT(HILO_MEDIA_IMAGE) | BIT(HILO_MEDIA_AUDIO) | BIT(HILO_MEDIA_VOICE) |
                   BIT(HILO_MEDIA_VIDEO) | BIT(HILO_MEDIA_DOCUMENT) | BIT(HILO_MEDIA_STICKER),
    .text_max = 100000,
    .caption_max = 100000,
    .buttons_max = 50,
    .button_title_max = 200,
    .list_max = 50,
    .list_title_max = 200,
    .list_description_max = 500,
    .body_max = 100000,
    .list_body_max = 100000,
    .header_max = 200,
    .footer_max = 500,
    .choice_id_max = 256,
    .flags = HILO_ABLE_QUOTE | HILO_ABLE_MEDIA_FILE | HILO_ABLE_RECEIPTS | HILO_ABLE_SUBJECT |
             HILO_ABLE_ATTACHMENTS | HILO_ABLE_CHOICE_LINKS | HILO_ABLE_UNSUBSCRIBE | HILO_ABLE_HTML,
    .schemes = BIT(HILO_SCHEME_EMAIL),
};

#define OPTION(field, type) HILO_OPTION(struct email_conf, field, type)
#define SECOND              INT64_C(1000000)
#define MINUTE              (60 * SECOND)
#define MEGA                (INT64_C(1) << 20)
#define SECRET              HILO_OPT_SECRET

const struct hilo_option email_options[EMAIL_OPTIONS] = {
    /* who we are */
    {OPTION(address, HILO_OPT_STR), .name = "address", .flags = HILO_OPT_REQUIRED,
     .help = "The address that mails are from, and that answers come to: soporte@tienda.example.", .min = 3,
     .max = 190},
    {OPTION(name, HILO_OPT_STR), .name = "name", .help = "The name beside it: Tienda Ejemplo.", .max = 100},
    {OPTION(aliases, HILO_OPT_STR), .name = "aliases",
     .help = "More addresses whose mails are taken, with blanks between.", .max = 2000},
    {OPTION(separator, HILO_OPT_STR), .name = "separator", .def = "+",
     .help = "What the mail server cuts an address at (Postfix: recipient_delimiter), for tokens in reply "
             "addresses.",
     .min = 1, .max = 1},
    {OPTION(reply_domain, HILO_OPT_STR), .name = "reply_domain",
     .help = "A domain of which every address comes here, for reply addresses; then separator is not used "
             "there.",
     .max = 190},
    {OPTION(subject, HILO_OPT_STR), .name = "subject",
     .help = "The subject of a mail that answers none and has none; empty: name.", .max = 200},
    {OPTION(language, HILO_OPT_ENUM), .name = "language", .def = "es", .choices = "es|en",
     .help = "Of what is said to operators about mails, and of mails whose language is not known."},
    {OPTION(automatic, HILO_OPT_ENUM), .name = "automatic_mail", .def = "keep", .choices = "keep|drop",
     .help = "Whether mails that a machine wrote (absences, lists) are taken, marked as such, or dropped."},
    {OPTION(workers, HILO_OPT_INT), .name = "workers", .def = "4",
     .help = "Threads that read, write and compose mails.", .min = 1, .max = 64},
    /* out */
    {OPTION(relays, HILO_OPT_STR), .name = "relay",
     .help = "The mail servers that take our mails, the first that can be reached: \"smtp://localhost:25\", "
             "\"smtp://mail.example:587 smtps://other.example:465\". Empty: nothing is sent.",
     .max = 2000},
    {OPTION(relay_user, HILO_OPT_STR), .name = "relay_user", .help = "Our name there (AUTH).", .max = 255},
    {OPTION(relay_password, HILO_OPT_STR), .name = "relay_password",
     .help = "The password, or the bearer token of XOAUTH2.", .flags = SECRET, .max = 8192},
    {OPTION(relay_auth, HILO_OPT_STR), .name = "relay_auth",
     .help = "The mechanism: PLAIN, LOGIN, XOAUTH2; empty: what both can.", .max = 32},
    {OPTION(relay_tls, HILO_OPT_ENUM), .name = "relay_tls", .def = "required",
     .choices = "required|may|never",
     .help = "STARTTLS of smtp:// relays. may: without it where the server has none."},
    {OPTION(relay_ca, HILO_OPT_STR), .name = "relay_ca",
     .help = "Who vouches for the relay, in PEM (file:); empty: the system's authorities.", .flags = SECRET,
     .max = 262144},
    {OPTION(relay_cert, HILO_OPT_STR), .name = "relay_cert", .help = "Our certificate there, in PEM (file:).",
     .flags = SECRET, .max = 65536},
    {OPTION(relay_key, HILO_OPT_STR), .name = "relay_key", .help = "Its key, in PEM (file:).",
     .flags = SECRET, .max = 65536},
    {OPTION(relay_connections, HILO_OPT_INT), .name = "relay_connections", .def = "5",
     .help = "Connections to each relay at once.", .min = 1, .max = 100},
    {OPTION(relay_size, HILO_OPT_BYTES), .name = "relay_size", .def = "25M",
     .help =
         "The largest mail that the relays take, as it is on the wire; what they say themselves counts if "
         "it is less.",
     .min = MEGA / 4, .max = 500 * MEGA},
    {OPTION(helo, HILO_OPT_STR), .name = "hostname",
     .help = "How we name ourselves to mail servers; empty: the domain of address.", .max = 190},
    {OPTION(dkim_domain, HILO_OPT_STR), .name = "dkim_domain",
     .help = "The domain that signs (DKIM), where no mail server behind does.", .max = 190},
    {OPTION(dkim_selector, HILO_OPT_STR), .name = "dkim_selector", .help = "The selector of dkim_key.",
     .max = 63},
    {OPTION(dkim_key, HILO_OPT_STR), .name = "dkim_key", .help = "The key in PEM (file:): RSA, or Ed25519.",
     .flags = SECRET, .max = 16384},
    {OPTION(dkim_selector2, HILO_OPT_STR), .name = "dkim_selector2",
     .help = "The selector of dkim_key2, for a second signature (RFC 8463: Ed25519 beside RSA).", .max = 63},
    {OPTION(dkim_key2, HILO_OPT_STR), .name = "dkim_key2", .help = "The second key in PEM (file:).",
     .flags = SECRET, .max = 16384},
    /* in */
    {OPTION(lmtp, HILO_OPT_STR), .name = "lmtp",
     .help = "Where mails come in by LMTP: \"unix:/run/hilo/lmtp.sock\", \"127.0.0.1:2424\". Empty: not so.",
     .max = 200},
    {OPTION(lmtp_connections, HILO_OPT_INT), .name = "lmtp_connections", .def = "50",
     .help = "LMTP connections at once.", .min = 1, .max = 1000},
    {OPTION(lmtp_recipients, HILO_OPT_INT), .name = "lmtp_recipients", .def = "100",
     .help = "Recipients of one mail.", .min = 1, .max = 1000},
    {OPTION(lmtp_idle_us, HILO_OPT_DURATION), .name = "lmtp_idle", .def = "5m",
     .help = "How long a mail server may be silent.", .min = SECOND, .max = 60 * MINUTE},
    {OPTION(size_max, HILO_OPT_BYTES), .name = "size_max", .def = "25M",
     .help = "The largest mail that is taken.", .min = MEGA / 16, .max = 500 * MEGA},
    {OPTION(imap, HILO_OPT_STR), .name = "imap",
     .help = "The mailbox that mails are fetched from: \"imaps://mail.example:993/INBOX\". Empty: not so.",
     .max = 500},
    {OPTION(imap_user, HILO_OPT_STR), .name = "imap_user", .help = "Our name there.", .max = 255},
    {OPTION(imap_password, HILO_OPT_STR), .name = "imap_password",
     .help = "The password, or with imap_oauth the bearer token.", .flags = SECRET, .max = 8192},
    {OPTION(imap_oauth, HILO_OPT_BOOL), .name = "imap_oauth", .def = "false",
     .help = "Whether it is a token of OAuth 2 (XOAUTH2)."},
    {OPTION(imap_tls, HILO_OPT_ENUM), .name = "imap_tls", .def = "required", .choices = "required|may|never",
     .help = "STARTTLS of imap:// mailboxes."},
    {OPTION(imap_ca, HILO_OPT_STR), .name = "imap_ca",
     .help = "Who vouches for the server, in PEM (file:); empty: the system's authorities.", .flags = SECRET,
     .max = 262144},
    {OPTION(imap_move_to, HILO_OPT_STR), .name = "imap_move_to",
     .help = "The folder that taken mails are moved to; empty: they stay, marked as seen.", .max = 255},
    {OPTION(imap_poll_us, HILO_OPT_DURATION), .name = "imap_poll", .def = "30s",
     .help = "How often is looked for mails where the server does not tell (IDLE).", .min = SECOND,
     .max = 60 * MINUTE},
};

/* ---- relays -------------------------------------------------------------------------------------- */

size_t email_options_relays(const struct email_conf *c, struct smtp_relay out[SMTP_RELAYS_MAX])
{
    struct hilo_str rest = c->relays, one;
    size_t n = 0;

    while (rest.n) {
        one = (struct hilo_str){rest.p, 0};
        while (one.n < rest.n && one.p[one.n] != ' ' && one.p[one.n] != '\n')
            one.n++;
        rest.p += one.n < rest.n ? one.n + 1 : one.n;
        rest.n -= one.n < rest.n ? one.n + 1 : one.n;
        if (!one.n)
            continue;
        if (n < SMTP_RELAYS_MAX)
            out[n] = (struct smtp_relay){.url = one,
                                         .user = c->relay_user,
                                         .secret = c->relay_password,
                                         .mechanism = c->relay_auth,
                                         .client_cert = c->relay_cert,
                                         .client_key = c->relay_key,
                                         .ca = c->relay_ca,
                                         .tls = (uint32_t)c->relay_tls,
                                         .connections = (uint32_t)c->relay_connections};
        n++;
    }
    return n;
}

/* ---- what is wrong -------------------------------------------------------------------------------- */

static bool begins(struct hilo_str s, const char *head)
{
    return s.n > strlen(head) && memcmp(s.p, head, strlen(head)) == 0;
}

/* One @, no blanks, something on both sides. */
static bool address_good(struct hilo_str s)
{
    const char *at = s.n ? memchr(s.p, '@', (size_t)s.n) : NULL;
    uint64_t i;

    for (i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f || s.p[i] == '<' || s.p[i] == '>')
            return false;
    return at && at > s.p && at + 1 < s.p + s.n && !memchr(at + 1, '@', (size_t)(s.p + s.n - at - 1));
}

static const char *wrong_names(const struct email_conf *c)
{
    struct hilo_str rest = c->aliases, one;
    uint64_t i;

    if (!address_good(c->address))
        return "address must be an email address: soporte@tienda.example";
    while (rest.n) {
        for (one = rest, one.n = 0; one.n < rest.n && one.p[one.n] != ' '; one.n++)
            ;
        if (one.n && !address_good(one))
            return "aliases must be email addresses with blanks between";
        rest.p += one.n < rest.n ? one.n + 1 : one.n;
        rest.n -= one.n < rest.n ? one.n + 1 : one.n;
    }
    if (!strchr("+-=._", c->separator.p[0]))
        return "separator must be one of + - = . _";
    for (i = 0; i < c->reply_domain.n; i++)
        if ((unsigned char)c->reply_domain.p[i] <= ' ' || c->reply_domain.p[i] == '@')
            return "reply_domain must be a domain: respuestas.tienda.example";
    for (i = 0; i < c->name.n; i++)
        if ((unsigned char)c->name.p[i] < ' ')
            return "name must be one line";
    for (i = 0; i < c->subject.n; i++)
        if ((unsigned char)c->subject.p[i] < ' ')
            return "subject must be one line";
    return NULL;
}

static const char *wrong_out(const struct email_conf *c)
{
    struct smtp_relay relay[SMTP_RELAYS_MAX];
    size_t n = email_options_relays(c, relay), i;

    if (n > SMTP_RELAYS_MAX)
        return "relay has more than 8 servers";
    for (i = 0; i < n; i++)
        if (!begins(relay[i].url, "smtp://") && !begins(relay[i].url, "smtps://"))
            return "relay must be URLs that begin with smtp:// or smtps://";
    if (c->relay_cert.n && !c->relay_key.n)
        return "relay_cert needs relay_key";
    if (c->relay_user.n && !c->relay_password.n)
        return "relay_user needs relay_password";
    if (c->relay_user.n && c->relay_tls == SMTP_TLS_NEVER)
        return "relay_tls must not be never where a password is given: it would be read on the way";
    if (c->dkim_key.n && (!c->dkim_domain.n || !c->dkim_selector.n))
        return "dkim_key needs dkim_domain and dkim_selector";
    if (c->dkim_key2.n && (!c->dkim_key.n || !c->dkim_selector2.n))
        return "dkim_key2 needs dkim_key and dkim_selector2";
    return NULL;
}

static const char *wrong_in(const struct email_conf *c)
{
    if (c->lmtp.n && !begins(c->lmtp, "unix:/") && !memchr(c->lmtp.p, ':', (size_t)c->lmtp.n))
        return "lmtp must be unix:/path or address:port";
    if (c->imap.n && !begins(c->imap, "imap://") && !begins(c->imap, "imaps://"))
        return "imap must be a URL that begins with imap:// or imaps://";
    if (c->imap.n && (!c->imap_user.n || !c->imap_password.n))
        return "imap needs imap_user and imap_password";
    return NULL;
}

const char *email_options_check(const void *options, struct hilo_abilities *able)
{
    const struct email_conf *c = options;
    const char *why = wrong_names(c);

    if (!why)
        why = wrong_out(c);
    if (!why)
        why = wrong_in(c);
    if (!why && !c->relays.n && !c->lmtp.n && !c->imap.n)
        why = "relay, lmtp or imap must say how mails go out or come in";
    if (!why && able && !c->relays.n)
        able->contents = 0; /* nothing goes out, and whoever tries is told so */
    /* Base64 makes 4 bytes of 3, with a line end for each 76; and the text wants room. */
    if (!why && able && c->relay_size > 0)
        able->media_max[0] = (uint64_t)(c->relay_size - MEGA / 8) / 78 * 57;
    return why;
}
