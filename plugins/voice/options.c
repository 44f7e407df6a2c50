/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "options.h"

#include "script.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#define BIT(x) (UINT32_C(1) << (x))

/* Texts are spoken; sound is played. Numbers are dialled. */
const struct hilo_abilities voice_abilities = {
    .size = sizeof voice_abilities,
    .contents = BIT(HILO_CONTENT_TEXT) | BIT(HILO_CONTENT_MEDIA),
    .media_kinds = BIT(HILO_MEDIA_AUDIO) | BIT(HILO_MEDIA_VOICE),
    .text_max = 2000,
    .flags =
        HILO_ABLE_SPOKEN | HILO_ABLE_MEDIA_FILE | HILO_ABLE_RECEIPTS | HILO_ABLE_RECONCILE | HILO_ABLE_KEEPS,
    .schemes = BIT(HILO_SCHEME_PHONE),
    .rate = 0,
};

#define OPTION(field, type) HILO_OPTION(struct voice_conf, field, type)
#define SECOND              INT64_C(1000000)
#define MINUTE              (60 * SECOND)
#define HOUR                (60 * MINUTE)
#define LIVE                HILO_OPT_RELOADABLE

const struct hilo_option voice_options[VOICE_OPTIONS] = {
    /* signalling */
    {OPTION(udp, HILO_OPT_STR), .name = "udp", .def = "0.0.0.0:5060",
     .help = "Where SIP listens over UDP: \"0.0.0.0:5060 [::]:5060\"; empty: not over UDP.", .max = 400},
    {OPTION(tcp, HILO_OPT_STR), .name = "tcp", .help = "The same over TCP.", .max = 400},
    {OPTION(tls, HILO_OPT_STR), .name = "tls", .help = "The same over TLS: \"0.0.0.0:5061\".", .max = 400},
    {OPTION(tls_cert, HILO_OPT_STR), .name = "tls_cert",
     .help = "Our certificate with its chain in PEM (file:), for tls.", .flags = HILO_OPT_SECRET,
     .max = 65536},
    {OPTION(tls_key, HILO_OPT_STR), .name = "tls_key", .help = "Its key in PEM (file:).",
     .flags = HILO_OPT_SECRET, .max = 65536},
    {OPTION(tls_ca, HILO_OPT_STR), .name = "tls_ca",
     .help = "The CA that the peer's certificate must be of, in PEM (file:).", .flags = HILO_OPT_SECRET,
     .max = 65536},
    {OPTION(public_host, HILO_OPT_STR), .name = "public_host",
     .help = "The address by which peers reach us, where that is not the one we listen at (NAT).",
     .max = 255},
    {OPTION(registrar, HILO_OPT_STR), .name = "registrar",
     .help = "Where to register: \"sip:pbx.example:5060;transport=tcp\". Empty: a trunk by addresses.",
     .max = 255},
    {OPTION(user, HILO_OPT_STR), .name = "user",
     .help = "Our user at the registrar, and the caller id without one.", .max = 64},
    {OPTION(auth_user, HILO_OPT_STR), .name = "auth_user", .help = "The name for digest, if it is not user.",
     .max = 64},
    {OPTION(secret, HILO_OPT_STR), .name = "secret", .help = "The password for digest.",
     .flags = HILO_OPT_SECRET, .max = 255},
    {OPTION(domain, HILO_OPT_STR), .name = "domain",
     .help = "The domain of our address, if it is not the registrar's host.", .max = 255},
    {OPTION(proxy, HILO_OPT_STR), .name = "proxy",
     .help = "An outbound proxy: every request goes there first.", .max = 255},
    {OPTION(trunk, HILO_OPT_STR), .name = "trunk",
     .help = "Addresses and networks that may call: \"10.0.0.5 2001:db8::/32\"; their P-Asserted-Identity is "
             "believed. Empty with a registrar: it alone.",
     .max = 1000},
    {OPTION(register_expires_us, HILO_OPT_DURATION), .name = "register_expires", .def = "10m",
     .help = "How long a registration is asked to be good.", .min = MINUTE, .max = 24 * HOUR},
    {OPTION(session_expires_us, HILO_OPT_DURATION), .name = "session_expires", .def = "30m",
     .help = "Session timer (RFC 4028); 0s: none of ours.", .min = 0, .max = 24 * HOUR},
    {OPTION(min_se_us, HILO_OPT_DURATION), .name = "min_se", .def = "90s",
     .help = "The shortest session timer that is accepted.", .min = 90 * SECOND, .max = 24 * HOUR},
    {OPTION(options_us, HILO_OPT_DURATION), .name = "keep_alive", .def = "30s",
     .help = "How often OPTIONS asks whether the registrar or trunk is there; 0s: never.", .min = 0,
     .max = HOUR},
    {OPTION(require_100rel, HILO_OPT_BOOL), .name = "require_100rel", .def = "false",
     .help = "Whether calls that we make need reliable provisional answers (RFC 3262)."},
    {OPTION(calls_max, HILO_OPT_INT), .name = "calls", .def = "300",
     .help = "Calls at once, in and out; the next one is answered 503.", .min = 1, .max = 10000},
    {OPTION(invites_per_s, HILO_OPT_INT), .name = "calls_per_second", .def = "100",
     .help = "New calls taken in a second from one address; 0: no limit.", .min = 0, .max = 10000},
    /* media */
    {OPTION(rtp, HILO_OPT_STR), .name = "rtp", .def = "0.0.0.0",
     .help = "The address where sound is received; one for each family: \"0.0.0.0 ::\".", .max = 200},
    {OPTION(rtp_public, HILO_OPT_STR), .name = "rtp_public",
     .help = "The address that peers send sound to, where that is not the one above (NAT).", .max = 64},
    {OPTION(rtp_port_min, HILO_OPT_INT), .name = "rtp_port_min", .def = "16384",
     .help = "The first port of sound; each call has two.", .min = 1024, .max = 65534},
    {OPTION(rtp_port_max, HILO_OPT_INT), .name = "rtp_port_max", .def = "32767", .help = "The last.",
     .min = 1025, .max = 65535},
    {OPTION(codecs, HILO_OPT_STR), .name = "codecs", .def = "pcma pcmu",
     .help = "In the order that is preferred: pcma, pcmu.", .max = 16},
    {OPTION(srtp, HILO_OPT_ENUM), .name = "srtp", .def = "may", .choices = "never|may|must",
     .help = "Encrypted sound (SRTP, SDES): when the peer asks, or always."},
    {OPTION(jitter_min_us, HILO_OPT_DURATION), .name = "jitter_min", .def = "40ms",
     .help = "The jitter buffer's least delay.", .min = 0, .max = SECOND},
    {OPTION(jitter_max_us, HILO_OPT_DURATION), .name = "jitter_max", .def = "200ms", .help = "And its most.",
     .min = 20000, .max = 2 * SECOND},
    {OPTION(rtp_timeout_us, HILO_OPT_DURATION), .name = "rtp_timeout", .def = "30s",
     .help = "A call without any sound from the peer for so long is ended; 0s: never.", .min = 0,
     .max = HOUR},
    {OPTION(inband_dtmf, HILO_OPT_BOOL), .name = "inband_dtmf", .def = "true",
     .help = "Whether keys are heard as tones too, where the peer has no telephone-event."},
    /* speech */
    {OPTION(espeak, HILO_OPT_STR), .name = "espeak", .def = "espeak-ng", .help = "The program that speaks.",
     .max = 255},
    {OPTION(voice_es, HILO_OPT_STR), .name = "voice_es", .def = "es-419", .help = "Its voice for Spanish.",
     .max = 64},
    {OPTION(voice_en, HILO_OPT_STR), .name = "voice_en", .def = "en-us", .help = "Its voice for English.",
     .max = 64},
    {OPTION(words_per_minute, HILO_OPT_INT), .name = "words_per_minute", .def = "150",
     .help = "How fast it speaks.", .min = 80, .max = 400},
    {OPTION(speech_children, HILO_OPT_INT), .name = "speech_children", .def = "2",
     .help = "How many of it run at once.", .min = 1, .max = SPEECH_CHILDREN_MAX},
    {OPTION(prompt_cache, HILO_OPT_BYTES), .name = "prompt_cache", .def = "32M",
     .help = "Memory for what was spoken before.", .min = 65536, .max = INT64_C(1) << 32},
    /* the dialogue */
    {OPTION(menu, HILO_OPT_TREE), .name = "menu",
     .help = "The voice menu (plugins/voice/README.md); none: the built-in one.", .max = 262144},
    {OPTION(prompts, HILO_OPT_TREE), .name = "prompts",
     .help = "Your own words for built-in prompts, by name: {greeting: {es: …, en: …}}.", .max = 65536},
    {OPTION(business, HILO_OPT_STR), .name = "business", .help = "Your name as callers hear it.",
     .flags = LIVE, .max = 100},
    {OPTION(language, HILO_OPT_ENUM), .name = "language", .def = "es", .choices = "es|en",
     .help = "The language of callers of whom nothing is known.", .flags = LIVE},
    {OPTION(country, HILO_OPT_STR), .name = "country", .def = "CO",
     .help = "Country (CO) of the ID numbers that callers type.", .flags = LIVE, .max = 2},
    {OPTION(document_type, HILO_OPT_STR), .name = "document_type", .def = "CC",
     .help = "The kind of document that they are of, where the menu does not say: CC, DNI, CURP.",
     .flags = LIVE, .max = 8},
    {OPTION(country_code, HILO_OPT_STR), .name = "country_code",
     .help = "The country's telephone code (57), for caller ids without it; empty: they are none.",
     .flags = LIVE, .max = 4},
    {OPTION(time_zone, HILO_OPT_STR), .name = "time_zone", .def = "UTC",
     .help = "Where opening hours and spoken dates are read: America/Bogota.", .flags = LIVE, .max = 64},
    {OPTION(desk, HILO_OPT_STR), .name = "desk",
     .help = "Whom a caller gets when nothing else goes: a SIP target (sip:600@pbx.example, 600).",
     .max = 200},
    {OPTION(hold_music, HILO_OPT_STR), .name = "hold_music", .help = "A WAV file for those who wait.",
     .flags = LIVE, .max = 1000},
    {OPTION(consent, HILO_OPT_ENUM), .name = "recording_consent", .def = "announce",
     .choices = "none|announce|ask",
     .help = "What a caller hears before anything is recorded: nothing, that it is, or the question whether.",
     .flags = LIVE},
    {OPTION(record_call, HILO_OPT_BOOL), .name = "record_calls", .def = "false",
     .help = "Whether whole calls are recorded, not only what callers leave.", .flags = LIVE},
    {OPTION(record_legs, HILO_OPT_ENUM), .name = "record_legs", .def = "both", .choices = "caller|both",
     .help = "Of whole calls: the caller alone, or both sides.", .flags = LIVE},
    {OPTION(attended, HILO_OPT_BOOL), .name = "attended_transfer", .def = "false",
     .help = "Whether a transfer calls the agent first and hands over when she answers.", .flags = LIVE},
    {OPTION(agent_ring_us, HILO_OPT_DURATION), .name = "agent_ring", .def = "30s",
     .help = "How long an agent's phone rings.", .flags = LIVE, .min = 3 * SECOND, .max = 5 * MINUTE},
    {OPTION(gateway_us, HILO_OPT_DURATION), .name = "patience", .def = "5s",
     .help = "How long a caller waits for the gateway before she hears that something is wrong.",
     .flags = LIVE, .min = 500000, .max = MINUTE},
    {OPTION(call_us, HILO_OPT_DURATION), .name = "longest_call", .def = "1h",
     .help = "A call is ended after this.", .flags = LIVE, .min = MINUTE, .max = 24 * HOUR},
    {OPTION(key_us, HILO_OPT_DURATION), .name = "key_wait", .def = "5s",
     .help = "How long to wait for the next key of a number.", .flags = LIVE, .min = SECOND, .max = MINUTE},
/* whom we call */
#include "out_options.def"
};

/* ---- what is wrong ------------------------------------------------------------------------------ */

static const char *wrong_signalling(const struct voice_conf *c)
{
    if (!c->udp.n && !c->tcp.n && !c->tls.n)
        return "udp, tcp or tls must say where SIP listens";
    if (c->tls.n && (!c->tls_cert.n || !c->tls_key.n))
        return "tls needs tls_cert and tls_key";
    if (!c->registrar.n && !c->trunk.n)
        return "registrar or trunk must say who calls: a PBX to register at, or addresses that may call";
    if (c->registrar.n && !c->user.n)
        return "registrar needs user: who we are there";
    if (c->session_expires_us && c->session_expires_us < c->min_se_us)
        return "session_expires must not be shorter than min_se";
    return NULL;
}

static const char *wrong_media(const struct voice_conf *c)
{
    unsigned char address[16];

    if (c->rtp_port_max <= c->rtp_port_min)
        return "rtp_port_max must be beyond rtp_port_min";
    if (c->jitter_max_us < c->jitter_min_us)
        return "jitter_max must not be less than jitter_min";
    if (!voice_str_is(c->codecs, "pcma pcmu") && !voice_str_is(c->codecs, "pcmu pcma") &&
        !voice_str_is(c->codecs, "pcma") && !voice_str_is(c->codecs, "pcmu"))
        return "codecs must be pcma, pcmu, or both in order: \"pcma pcmu\"";
    if (c->rtp_public.n && inet_pton(AF_INET, c->rtp_public.p, address) != 1 &&
        inet_pton(AF_INET6, c->rtp_public.p, address) != 1)
        return "rtp_public must be an address in digits";
    return NULL;
}

static bool capitals(struct hilo_str s, uint64_t least, uint64_t most)
{
    uint64_t i;

    for (i = 0; i < s.n; i++)
        if (s.p[i] < 'A' || s.p[i] > 'Z')
            return false;
    return s.n >= least && s.n <= most;
}

static const char *wrong_dialogue(const struct voice_conf *c)
{
    uint64_t i;

    if (!capitals(c->country, 2, 2))
        return "country must be two capital letters (ISO 3166): CO";
    if (!capitals(c->document_type, 1, 8))
        return "document_type must be capital letters: CC";
    for (i = 0; i < c->country_code.n; i++)
        if (c->country_code.p[i] < '0' || c->country_code.p[i] > '9')
            return "country_code must be digits: 57";
    if (!hours_zone_known(c->time_zone))
        return "time_zone must be a name of the IANA list: America/Bogota";
    if (c->desk.n && !menu_target_good(c->desk))
        return "desk must be a SIP target: sip:600@pbx.example, or 600";
    if (c->hold_music.n && c->hold_music.p[0] != '/')
        return "hold_music must be a path that begins with a slash";
    return NULL;
}

const char *voice_options_check(const void *options, struct hilo_abilities *able)
{
    /* The words are made of the menu's; the host copies them before it asks again on this thread. */
    static _Thread_local char wrong[OUT_WRONG_MAX + MENU_WRONG];
    const struct voice_conf *c = options;
    const char *why = wrong_signalling(c);
    struct words *words;
    struct menu *menu;

    (void)able;
    if (!why)
        why = wrong_media(c);
    if (!why)
        why = wrong_dialogue(c);
    if (why)
        return why;
    menu = menu_read(c->menu, c->desk, wrong);
    if (!menu)
        return wrong;
    menu_free(menu);
    words = words_read(c->prompts, wrong);
    if (!words)
        return wrong;
    words_free(words);
    return out_conf_wrong(&c->out, wrong);
}

/* ---- copies ------------------------------------------------------------------------------------- */

static struct hilo_str *text_of(struct voice_conf *c, uint32_t i)
{
    uint32_t type = voice_options[i].type;

    return type == HILO_OPT_STR || type == HILO_OPT_URL || type == HILO_OPT_TREE
               ? (struct hilo_str *)(void *)((char *)c + voice_options[i].offset)
               : NULL;
}

bool voice_options_copy(const struct voice_conf *c, struct voice_conf *out)
{
    struct hilo_str *s;
    char *copy;
    uint32_t i;
    bool good = true;

    *out = *c;
    for (i = 0; i < VOICE_OPTIONS; i++) {
        s = text_of(out, i);
        if (!s)
            continue;
        copy = malloc((size_t)s->n + 1);
        if (copy && s->n)
            memcpy(copy, s->p, (size_t)s->n);
        if (copy)
            copy[s->n] = 0;
        else
            good = false;
        s->p = copy;
        s->n = copy ? s->n : 0;
    }
    return good;
}

void voice_options_free(struct voice_conf *c)
{
    struct hilo_str *s;
    uint32_t i;

    for (i = 0; i < VOICE_OPTIONS; i++) {
        s = text_of(c, i);
        if (s)
            free((void *)(uintptr_t)s->p);
    }
}

/* ---- for the parts ------------------------------------------------------------------------------ */

void voice_options_ua(const struct voice_conf *c, struct ua_conf *out)
{
    *out = (struct ua_conf){.udp = c->udp,
                            .tcp = c->tcp,
                            .tls = c->tls,
                            .public_host = c->public_host,
                            .tls_cert = c->tls_cert,
                            .tls_key = c->tls_key,
                            .tls_ca = c->tls_ca,
                            .registrar = c->registrar,
                            .user = c->user,
                            .auth_user = c->auth_user,
                            .secret = c->secret,
                            .domain = c->domain,
                            .proxy = c->proxy,
                            .trunk = c->trunk,
                            .register_expires_us = c->register_expires_us,
                            .session_expires_us = c->session_expires_us,
                            .min_se_us = c->min_se_us,
                            .options_us = c->options_us,
                            .require_100rel = c->require_100rel,
                            .calls_max = (uint32_t)c->calls_max,
                            .invites_per_s = (uint32_t)c->invites_per_s,
                            .user_agent = {"Hilo/" HILO_VERSION, sizeof "Hilo/" HILO_VERSION - 1}};
}

void voice_options_media(const struct voice_conf *c, struct media_conf *out)
{
    *out = (struct media_conf){.listen = c->rtp,
                               .port_min = (uint32_t)c->rtp_port_min,
                               .port_max = (uint32_t)c->rtp_port_max,
                               .jitter_min_us = c->jitter_min_us,
                               .jitter_max_us = c->jitter_max_us,
                               .silent_us = c->rtp_timeout_us,
                               .inband_dtmf = (uint32_t)c->inband_dtmf};
}

void voice_options_speech(const struct voice_conf *c, struct speech_conf *out)
{
    *out = (struct speech_conf){.program = c->espeak,
                                .voice_es = c->voice_es,
                                .voice_en = c->voice_en,
                                .currency = say_currency_of(c->country),
                                .words_per_minute = (uint32_t)c->words_per_minute,
                                .children = (uint32_t)c->speech_children,
                                .cache_bytes = c->prompt_cache};
}
