/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "options.h"

#include "listen.h"
#include "printer.h"

#define BIT(x) (UINT32_C(1) << (x))

const struct hilo_abilities pos_abilities = {
    .size = sizeof pos_abilities,
    .contents =
        BIT(HILO_CONTENT_TEXT) | BIT(HILO_CONTENT_MEDIA) | BIT(HILO_CONTENT_CHOICES) | BIT(HILO_CONTENT_LINK),
    .media_kinds = BIT(HILO_MEDIA_IMAGE) | BIT(HILO_MEDIA_DOCUMENT) | BIT(HILO_MEDIA_STICKER) |
                   BIT(HILO_MEDIA_VIDEO) | BIT(HILO_MEDIA_AUDIO) | BIT(HILO_MEDIA_VOICE),
    .text_max = 4096,
    .caption_max = 1024,
    .buttons_max = 4,
    .button_title_max = 30,
    .list_max = 20,
    .list_title_max = 40,
    .list_description_max = 80,
    .body_max = 1024,
    .list_body_max = 1024,
    .header_max = 80,
    .footer_max = 80,
    .choice_id_max = 256,
    .flags = HILO_ABLE_MEDIA_FILE,
    .schemes = BIT(HILO_SCHEME_DOCUMENT) | BIT(HILO_SCHEME_PHONE) | BIT(HILO_SCHEME_EMAIL) |
               BIT(HILO_SCHEME_LOYALTY),
};

#define OPTION(field, type) HILO_OPTION(struct pos_conf, field, type)

const struct hilo_option pos_options[POS_OPTIONS] = {
    {OPTION(listen, HILO_OPT_STR), .name = "listen", .def = "7443",
     .help = "Where terminals connect: a port, or addresses with ports (10.0.0.5:7443, [2001:db8::1]:7443).",
     .max = 400},
    {OPTION(names, HILO_OPT_STR), .name = "names",
     .help = "Names and addresses by which terminals know the gateway (pos.tienda.co, 10.0.0.5): for the "
             "certificate that "
             "its own CA makes. Required without tls_cert.",
     .flags = HILO_OPT_RELOADABLE, .max = 1024},
    {OPTION(address, HILO_OPT_STR), .name = "address",
     .help = "The name, or name:port, that enrolment codes carry; else the first of names.",
     .flags = HILO_OPT_RELOADABLE, .max = 260},
    {OPTION(tls_cert, HILO_OPT_STR), .name = "tls_cert",
     .help = "The gateway's own certificate with its chain in PEM (file:), instead of one that its CA makes.",
     .flags = HILO_OPT_SECRET | HILO_OPT_RELOADABLE, .max = 65536},
    {OPTION(tls_key, HILO_OPT_STR), .name = "tls_key", .help = "Its key in PEM (file:).",
     .flags = HILO_OPT_SECRET | HILO_OPT_RELOADABLE, .max = 65536},
    {OPTION(tls_min, HILO_OPT_ENUM), .name = "tls_min", .def = "1.3", .choices = "1.3|1.2",
     .help = "The oldest version of TLS that is spoken."},
    {OPTION(ca_cert, HILO_OPT_STR), .name = "ca_cert",
     .help = "An operator's CA for terminals in PEM (file:), instead of one that the gateway makes at its "
             "first start.",
     .flags = HILO_OPT_SECRET, .max = 65536},
    {OPTION(ca_key, HILO_OPT_STR), .name = "ca_key", .help = "Its key in PEM (file:).",
     .flags = HILO_OPT_SECRET, .max = 65536},
    {OPTION(code_lifetime_us, HILO_OPT_DURATION), .name = "code_lifetime", .def = "1h",
     .help = "How long an enrolment code is good.", .flags = HILO_OPT_RELOADABLE, .min = 60000000,
     .max = 604800000000},
    {OPTION(certificate_lifetime_us, HILO_OPT_DURATION), .name = "certificate_lifetime", .def = "90d",
     .help = "How long a terminal's certificate is good; terminals renew it in its last third.",
     .flags = HILO_OPT_RELOADABLE, .min = 3600000000, .max = 71280000000000},
    {OPTION(connections, HILO_OPT_INT), .name = "connections", .def = "20000",
     .help = "Connections in all; each needs a file descriptor.", .flags = HILO_OPT_RELOADABLE, .min = 1,
     .max = 1000000},
    {OPTION(connections_per_address, HILO_OPT_INT), .name = "connections_per_address", .def = "256",
     .help = "Connections from one address (IPv6: one /64). A whole shop may be behind one.",
     .flags = HILO_OPT_RELOADABLE, .min = 1, .max = 1000000},
    {OPTION(handshake_us, HILO_OPT_DURATION), .name = "handshake_timeout", .def = "10s",
     .help = "How long the TLS handshake and hello may take together.", .flags = HILO_OPT_RELOADABLE,
     .min = 100000, .max = 120000000},
    {OPTION(half_frame_us, HILO_OPT_DURATION), .name = "frame_timeout", .def = "30s",
     .help = "How long a frame that has begun may take.", .flags = HILO_OPT_RELOADABLE, .min = 100000,
     .max = 600000000},
    {OPTION(heartbeat_us, HILO_OPT_DURATION), .name = "heartbeat", .def = "25s",
     .help =
         "After so much silence a terminal is asked whether it is there; after three times that it is gone.",
     .flags = HILO_OPT_RELOADABLE, .min = 1000000, .max = 600000000},
    {OPTION(attend_us, HILO_OPT_DURATION), .name = "attend", .def = "30m",
     .help = "How long a customer who was found or checked in at a terminal counts as attended there.",
     .flags = HILO_OPT_RELOADABLE, .min = 1000000, .max = 86400000000},
    {OPTION(country, HILO_OPT_STR), .name = "country",
     .help = "Country (CO) of documents for which a terminal names none.", .flags = HILO_OPT_RELOADABLE,
     .max = 2},
    {OPTION(origins, HILO_OPT_STR), .name = "origins",
     .help =
         "Origins of web pages that may be tills: \"https://till.tienda.co, https://…\". Others are refused.",
     .flags = HILO_OPT_RELOADABLE, .max = 2048},
    {OPTION(finds_per_terminal, HILO_OPT_INT), .name = "finds_per_terminal", .def = "30",
     .help = "Look-ups of people a minute from one terminal; half of that at once. 0: no limit.",
     .flags = HILO_OPT_RELOADABLE, .min = 0, .max = 1000000},
    {OPTION(finds_per_clerk, HILO_OPT_INT), .name = "finds_per_clerk", .def = "20",
     .help = "The same by one clerk, wherever.", .flags = HILO_OPT_RELOADABLE, .min = 0, .max = 1000000},
    {OPTION(held_max, HILO_OPT_INT), .name = "held", .def = "1000",
     .help = "Messages that may wait here until their customer is attended.", .min = 1, .max = 100000},
    {OPTION(printers, HILO_OPT_STR), .name = "printers",
     .help = "Receipt printers by store or terminal: \"CENTRO=10.0.0.5 CENTRO/3=10.0.0.6:9100/58mm/cp850\" "
             "(printer.h).",
     .max = 16384},
    {OPTION(print_patience_us, HILO_OPT_DURATION), .name = "print_within", .def = "10m",
     .help = "A slip that can't be begun for so long (no paper, no connection) has failed.", .min = 1000000,
     .max = 86400000000},
    {OPTION(time_zone, HILO_OPT_STR), .name = "time_zone",
     .help = "Where dates on slips are read (America/Bogota), if the record has none of its own; else the "
             "gateway's.",
     .max = 64},
};

void pos_options_identity(const struct pos_conf *conf, struct pos_identity_conf *out)
{
    memset(out, 0, sizeof *out);
    out->ca_cert = conf->ca_cert;
    out->ca_key = conf->ca_key;
    out->tls_cert = conf->tls_cert;
    out->tls_key = conf->tls_key;
    out->names = conf->names;
    out->address = conf->address;
    out->port = pos_listen_port(conf->listen);
    out->code_lifetime_us = conf->code_lifetime_us;
    out->certificate_lifetime_us = conf->certificate_lifetime_us;
}

void pos_options_limits(const struct pos_conf *conf, struct pos_limits_conf *out)
{
    const int64_t minute = 60000000;

    memset(out, 0, sizeof *out);
    out->terminal.interval_us = conf->finds_per_terminal ? minute / conf->finds_per_terminal : 0;
    out->terminal.burst = (uint32_t)(conf->finds_per_terminal > 4 ? conf->finds_per_terminal / 2 : 2);
    out->clerk.interval_us = conf->finds_per_clerk ? minute / conf->finds_per_clerk : 0;
    out->clerk.burst = (uint32_t)(conf->finds_per_clerk > 4 ? conf->finds_per_clerk / 2 : 2);
}

const char *pos_options_wrong(const struct pos_conf *conf)
{
    struct pos_identity_conf identity;
    const char *wrong = pos_listen_wrong(conf->listen);
    uint64_t i;

    if (wrong)
        return wrong;
    for (i = 0; i < conf->country.n; i++)
        if (conf->country.p[i] < 'A' || conf->country.p[i] > 'Z' || conf->country.n != 2)
            return "country must be two capital letters (ISO 3166): CO";
    wrong = pos_printers_wrong(conf->printers);
    if (wrong)
        return wrong;
    if (!pos_slip_time_zone_known(conf->time_zone))
        return "time_zone must be a name of the IANA list: America/Bogota";
    pos_options_identity(conf, &identity);
    return pos_identity_wrong_option(&identity);
}

const char *pos_options_check(const void *options, struct hilo_abilities *able)
{
    (void)able;
    return pos_options_wrong(options);
}
