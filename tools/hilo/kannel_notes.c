/*
 * What Kannel's directives that have no counterpart mean here, in the words that `hilo kannel
 * convert` says. A directive that is in no table is one that Kannel 1.4.5 doesn't know either.
 */
#include "kannel.h"
#include <stddef.h>
#include <string.h>

static const struct kannel_note core_notes[] = {
    {"admin-port", "there is no admin page: hilo channels shows each channel, hilo channels pause and "
                   "resume, and GET /v1/channels do the rest"},
    {"admin-port-ssl", "put a proxy with TLS in front of http.listen"},
    {"admin-interface", "http.listen has the address"},
    {"admin-password", "not taken: make a key with hilo key create"},
    {"status-password", "not taken: hilo key create NAME --scope with what the status page was for; /healthz "
                        "and /readyz need no key"},
    {"admin-deny-ip", "keys and scopes decide who may do what; addresses are a firewall's matter"},
    {"admin-allow-ip", "keys and scopes decide who may do what; addresses are a firewall's matter"},
    {"smsbox-port", NULL},
    {"smsbox-port-ssl", NULL},
    {"smsbox-interface", NULL},
    {"smsbox-max-pending", NULL},
    {"box-deny-ip", NULL},
    {"box-allow-ip", NULL},
    {"wapbox-port", "there is no WAP gateway"},
    {"wapbox-port-ssl", "there is no WAP gateway"},
    {"udp-deny-ip", "there is no WAP gateway"},
    {"udp-allow-ip", "there is no WAP gateway"},
    {"wdp-interface-name", "there is no WAP gateway"},
    {"log-file", "the log goes to standard error, where systemd's journal takes it"},
    {"syslog-level",
     "the log goes to standard error, where systemd's journal takes it; log.level says how much"},
    {"syslog-facility", "the log goes to standard error, where systemd's journal takes it"},
    {"access-log",
     "every message's history is in the store: hilo timeline, GET /v1/messages/{id}, GET /v1/events"},
    {"access-log-time", NULL},
    {"access-log-format", NULL},
    {"access-log-clean", NULL},
    {"store-file", "what Kannel still has in its store is not taken over: let its queue run empty first"},
    {"store-type", NULL},
    {"store-location", "what Kannel still has in its store is not taken over: let its queue run empty first"},
    {"store-dump-freq", NULL},
    {"unified-prefix", "numbers are taken in international form only (+573001112233, or the digits without "
                       "+); have the applications send those"},
    {"white-list", "not converted: who may be written to is a matter of consents (hilo customer consent)"},
    {"white-list-regex",
     "not converted: who may be written to is a matter of consents (hilo customer consent)"},
    {"black-list", "not converted: revoke the consent of each of its numbers (hilo customer consent); "
                   "nothing leaves to them then"},
    {"black-list-regex", "not converted: revoke the consent of each number (hilo customer consent)"},
    {"http-proxy-host", "callbacks are made directly; let the firewall pass them, or give addresses that are "
                        "reached without a proxy"},
    {"http-proxy-port", NULL},
    {"http-proxy-ssl", NULL},
    {"http-proxy-exceptions", NULL},
    {"http-proxy-exceptions-regex", NULL},
    {"http-proxy-username", NULL},
    {"http-proxy-password", NULL},
    {"ssl-certkey-file", "put a proxy with TLS in front of http.listen"},
    {"ssl-client-certkey-file",
     "a client's certificate is an option of each channel: hilo plugin check sms.so lists them"},
    {"ssl-server-cert-file", "put a proxy with TLS in front of http.listen"},
    {"ssl-server-key-file", "put a proxy with TLS in front of http.listen"},
    {"ssl-trusted-ca-file", "the authorities whose certificates are believed are an option of each channel: "
                            "hilo plugin check sms.so lists them"},
    {"dlr-storage", NULL},
    {"dlr-spool", NULL},
    {"sms-incoming-queue-limit", NULL},
    {"sms-combine-concatenated-mo", "parts of a long message are always joined before anybody hears of it"},
    {"sms-combine-concatenated-mo-timeout", "parts of a long message are always joined; an incomplete one is "
                                            "delivered when its time is over, marked as such"},
    {"http-timeout", NULL},
    {NULL, NULL},
};

static const struct kannel_note smsbox_notes[] = {
    {"smsbox-id", NULL},
    {"bearerbox-host", NULL},
    {"bearerbox-port", NULL},
    {"bearerbox-port-ssl", NULL},
    {"sendsms-port-ssl", "put a proxy with TLS in front of http.listen"},
    {"sendsms-url", "the path is /cgi-bin/sendsms; let a proxy rewrite another one"},
    {"sendota-url", "there is no OTA configuration"},
    {"xmlrpc-url", "there is no XML-RPC: applications use /cgi-bin/sendsms or POST /v1/messages"},
    {"sendsms-chars", "numbers may have digits, spaces, hyphens and a leading +"},
    {"log-file", "the log goes to standard error, where systemd's journal takes it"},
    {"log-level", NULL},
    {"syslog-level", NULL},
    {"syslog-facility", NULL},
    {"access-log",
     "every message's history is in the store: hilo timeline, GET /v1/messages/{id}, GET /v1/events"},
    {"access-log-time", NULL},
    {"access-log-clean", NULL},
    {"sms-length", "segments have 140 bytes, as GSM says"},
    {"reply-couldnotfetch", "inbound messages go out as webhooks, which are tried again; no text is sent to "
                            "the customer when one fails"},
    {"reply-couldnotrepresent",
     "a webhook's answer is not sent to the customer: the application sends its reply itself"},
    {"reply-requestfailed", "inbound messages go out as webhooks, which are tried again; no text is sent to "
                            "the customer when one fails"},
    {"reply-emptymessage",
     "a webhook's answer is not sent to the customer: the application sends its reply itself"},
    {"allowed-prefix", "not converted: which senders are let in is not decided by their prefix"},
    {"denied-prefix", "not converted: which senders are let in is not decided by their prefix"},
    {"white-list", "not converted: who may be written to is a matter of consents (hilo customer consent)"},
    {"white-list-regex",
     "not converted: who may be written to is a matter of consents (hilo customer consent)"},
    {"black-list", "not converted: revoke the consent of each of its numbers (hilo customer consent)"},
    {"black-list-regex", "not converted: revoke the consent of each number (hilo customer consent)"},
    {"mo-recode", "inbound texts are always UTF-8"},
    {"http-request-retry", "callbacks are tried again by themselves, for about a day"},
    {"http-queue-delay", "callbacks are tried again by themselves, for about a day"},
    {"http-timeout", NULL},
    {"immediate-sendsms-reply", "an answer always comes at once, and always after the message is on disk"},
    {"max-pending-requests", NULL},
    {NULL, NULL},
};

static const struct kannel_note smsc_notes[] = {
    {"smsc-admin-id", "a channel has one name"},
    {"allowed-smsc-id",
     "not converted: a message goes to the channel that it names (smsc=), or to the first route that fits"},
    {"denied-smsc-id",
     "not converted: a message goes to the channel that it names (smsc=), or to the first route that fits"},
    {"preferred-smsc-id",
     "not converted: a message goes to the channel that it names (smsc=), or to the first route that fits"},
    {"allowed-smsc-id-regex",
     "not converted: a message goes to the channel that it names (smsc=), or to the first route that fits"},
    {"denied-smsc-id-regex",
     "not converted: a message goes to the channel that it names (smsc=), or to the first route that fits"},
    {"preferred-smsc-id-regex",
     "not converted: a message goes to the channel that it names (smsc=), or to the first route that fits"},
    {"allowed-prefix",
     "not converted: routes don't look at a number's prefix; name the channel in each request (smsc=)"},
    {"denied-prefix",
     "not converted: routes don't look at a number's prefix; name the channel in each request (smsc=)"},
    {"preferred-prefix",
     "not converted: routes don't look at a number's prefix; name the channel in each request (smsc=)"},
    {"allowed-prefix-regex",
     "not converted: routes don't look at a number's prefix; name the channel in each request (smsc=)"},
    {"denied-prefix-regex",
     "not converted: routes don't look at a number's prefix; name the channel in each request (smsc=)"},
    {"preferred-prefix-regex",
     "not converted: routes don't look at a number's prefix; name the channel in each request (smsc=)"},
    {"unified-prefix",
     "numbers are taken in international form only (+573001112233, or the digits without +)"},
    {"reroute", "an inbound message goes to the applications; one of them may send it on"},
    {"reroute-smsc-id", "an inbound message goes to the applications; one of them may send it on"},
    {"reroute-receiver", "an inbound message goes to the applications; one of them may send it on"},
    {"reroute-dlr", "an inbound message goes to the applications; one of them may send it on"},
    {"log-file", "one log has all channels, each line with its channel's name"},
    {"log-level", NULL},
    {"our-host", "the address that connections come from is the system's matter (ip route)"},
    {"our-port", "the port that connections come from is the system's matter"},
    {"our-receiver-port", "the port that connections come from is the system's matter"},
    {"alt-host", "one host a channel: give a name that has several addresses, all of them are tried"},
    {"alt-port", "one port a channel"},
    {"alt-dcs", "flash messages have the data coding that GSM 03.38 says"},
    {"alt-addr-charset", "alphanumeric senders are ASCII"},
    {"max-sms-octets", "segments have 140 bytes, as GSM says"},
    {"keepalive", NULL},
    {"my-number", "an inbound message names the number that it came to"},
    {"reconnect-delay", "a lost connection is made again after 1 s, doubling to a minute"},
    {"connection-timeout", NULL},
    {"validityperiod", "gateway.expires_in says how long a message is worth delivering that does not say "
                       "itself; the SMSC is told"},
    {"dead-start", NULL},
    {"priority", "a message's own priority counts"},
    {"esm-class", "messages are stored and forwarded by the SMSC (esm_class 3's other bits are set as each "
                  "message needs)"},
    {"interface-version", NULL},
    {"msg-id-type",
     "ids are found in decimal and in hexadecimal, with and without leading zeros: no setting is needed"},
    {"wait-ack-expire", "a message without an answer is in doubt, and never sent again blindly: "
                        "channels.NAME.in_doubt says what becomes of it"},
    {"max-error-count", "what the SMSC refuses for now is tried again until it expires, or max_attempts"},
    {"notification-pid", "not converted"},
    {"notification-addr", "not converted"},
    {"no-dlr", NULL},
    {"ssl-client-certkey-file",
     "give certificate and key by the channel's options: hilo plugin check sms.so lists them"},
    {NULL, NULL},
};

static const struct kannel_note user_notes[] = {
    {"name", NULL},
    {"concatenation", "long messages are always sent as concatenated segments"},
    {"split-chars", "long messages are always sent as concatenated segments"},
    {"split-suffix", "long messages are always sent as concatenated segments"},
    {"omit-empty", "an empty message is refused"},
    {"header", "not converted: have the application put it before the text"},
    {"footer", "not converted: have the application put it behind the text"},
    {"max-messages", "a long message is sent whole, in as many segments as it needs: it is never cut off"},
    {"allowed-prefix", "not converted: a user may write to any number"},
    {"denied-prefix", "not converted: a user may write to any number"},
    {"allowed-prefix-regex", "not converted: a user may write to any number"},
    {"denied-prefix-regex", "not converted: a user may write to any number"},
    {"white-list", "not converted: who may be written to is a matter of consents (hilo customer consent)"},
    {"white-list-regex",
     "not converted: who may be written to is a matter of consents (hilo customer consent)"},
    {"black-list", "not converted: revoke the consent of each of its numbers (hilo customer consent)"},
    {"black-list-regex", "not converted: revoke the consent of each number (hilo customer consent)"},
    {NULL, NULL},
};

static const struct kannel_note service_notes[] = {
    {"get-url", NULL},
    {"post-url", NULL},
    {"post-xml", NULL},
    {"url", NULL},
    {"keyword", NULL},
    {"name", NULL},
    {"catch-all", NULL},
    {"omit-empty", NULL},
    {"max-messages", NULL},
    {"accepted-smsc", NULL},
    {"concatenation", NULL},
    {"assume-plain-text", NULL},
    {"strip-keyword", NULL},
    {"send-sender", NULL},
    {"text", "the fixed answer is not sent: let an application answer the webhook's message"},
    {"file", "the fixed answer is not sent: let an application answer the webhook's message"},
    {"exec", "no program is run: let an application take the webhook"},
    {NULL, NULL},
};

static const struct kannel_group_note group_notes[] = {
    {"core", core_notes, NULL},
    {"smsbox", smsbox_notes, NULL},
    {"smsc", smsc_notes, NULL},
    {"sendsms-user", user_notes, NULL},
    {"sms-service", service_notes, NULL},
    {"smsbox-route", NULL,
     "there are no boxes: every application may have a webhook of its own, with a filter by channel"},
    {"wapbox", NULL, "there is no WAP gateway"},
    {"wap-url-map", NULL, "there is no WAP gateway"},
    {"wap-user-map", NULL, "there is no WAP gateway"},
    {"wtls", NULL, "there is no WAP gateway"},
    {"ppg", NULL, "there is no WAP gateway"},
    {"wap-push-user", NULL, "there is no WAP gateway"},
    {"radius-acct", NULL, "there is no WAP gateway"},
    {"ota-setting", NULL, "there is no OTA configuration"},
    {"ota-bookmark", NULL, "there is no OTA configuration"},
    {"modems", NULL, "GSM modems are not supported"},
    {"smpp-tlv", NULL, "TLVs of an operator's own are not sent"},
    {"dlr-db", NULL,
     "receipts are matched in the store, no database is needed; those that Kannel still waits for are not "
     "taken over"},
    {"mssql-connection", NULL, ""},
    {"mysql-connection", NULL, ""},
    {"oracle-connection", NULL, ""},
    {"pgsql-connection", NULL, ""},
    {"sdb-connection", NULL, ""},
    {"sqlite-connection", NULL, ""},
    {"sqlite3-connection", NULL, ""},
    {"redis-connection", NULL, ""},
    {"cass-connection", NULL, ""},
    {"test-ppg", NULL, ""},
    {"configuration", NULL, ""},
    {NULL, NULL, NULL},
};

const struct kannel_group_note *kannel_group_note(const char *group)
{
    for (const struct kannel_group_note *g = group_notes; g->group; g++)
        if (strcmp(g->group, group) == 0)
            return g;
    return NULL;
}

const struct kannel_note *kannel_note(const char *group, const char *name)
{
    const struct kannel_group_note *g = kannel_group_note(group);

    for (const struct kannel_note *n = g ? g->notes : NULL; n && n->name; n++)
        if (strcmp(n->name, name) == 0)
            return n;
    return NULL;
}
