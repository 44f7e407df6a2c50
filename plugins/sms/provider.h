/*
 * A driver: who connects this plugin with the mobile networks. What differs between SMPP
 * and the aggregators' HTTP APIs is behind one constant table each, chosen by the option
 * `provider`; the rest of the plugin asks no driver by name. sms_smpp is in smpp.c,
 * sms_infobip in infobip.c, sms_twilio in twilio.c.
 *
 * A function that is NULL is a thing that the driver does not have. None may block. Unless
 * said otherwise each is called, and means, what the one of that name in struct hilo_plugin
 * does, with the driver's own state in place of the instance. [own] loop.
 */
#ifndef SMS_PROVIDER_H
#define SMS_PROVIDER_H

#include <hilo/message.h>
#include <hilo/plugin.h>
#include <hilo/segment.h>
#include <stdbool.h>

/* The choices of options, in the order in which plugin.c names them. */
enum sms_provider { SMS_PROVIDER_SMPP, SMS_PROVIDER_INFOBIP, SMS_PROVIDER_TWILIO };
enum sms_binding { SMS_BIND_AS_TRANSCEIVER, SMS_BIND_AS_PAIR, SMS_BIND_AS_TRANSMITTER, SMS_BIND_AS_RECEIVER };
enum sms_national { SMS_NATIONAL_NONE, SMS_NATIONAL_SPANISH, SMS_NATIONAL_PORTUGUESE };
enum sms_long { SMS_LONG_UDH8, SMS_LONG_UDH16, SMS_LONG_SAR, SMS_LONG_PAYLOAD };
enum sms_receipts { SMS_RECEIPTS_FINAL, SMS_RECEIPTS_FAILURE, SMS_RECEIPTS_NONE };
enum sms_validity { SMS_VALIDITY_RELATIVE, SMS_VALIDITY_ABSOLUTE, SMS_VALIDITY_NONE };
enum sms_priority { SMS_PRIORITY_NONE, SMS_PRIORITY_GSM, SMS_PRIORITY_ANSI136 };
enum sms_message_id { SMS_ID_AUTO, SMS_ID_AS_IS };

/* What the option table of plugin.c fills; one for all drivers. Which of them a driver
 * can't do without its wrong_option() says. Durations are µs. */
struct sms_conf {
    int64_t provider;
    /* text, of every driver */
    struct hilo_str sender;
    int64_t national, segments_max, receipts;
    uint64_t transliterate;
    /* SMPP: the session */
    struct hilo_str host, system_id, password, system_type, address_range;
    int64_t port, bind, binds, window, address_ton, address_npi;
    uint64_t tls, tls_verify;
    struct hilo_str tls_ca, tls_cert, tls_key, tls_name;
    int64_t enquire_link_us, response_timeout_us, connect_timeout_us;
    /* SMPP: how messages are written */
    struct hilo_str service_type, addresses, country;
    int64_t alphabet; /* SMS_ALPHABET_GSM + this */
    int64_t long_messages, validity, priority, message_id;
    uint64_t latin1, flash, intermediate, user_reference;
    /* Infobip and Twilio. webhook_url: the public address of /hooks/{channel}; hook_secret: what follows it
     * in Infobip's; in_flight 0: the driver's own. */
    struct hilo_str base_url, webhook_url, api_key, api_secret, account_sid, auth_token, service_sid;
    struct hilo_str hook_secret, hook_user, hook_password;
    int64_t in_flight, batch, timeout_us;
};

struct sms; /* the instance (sms.h) */

struct sms_driver {
    const char *name; /* as in the option provider */
    /* What is wrong with the options together, in words that begin with an option's name (static, or
     * part of conf); NULL: nothing. Pure. */
    const char *(*wrong_option)(const struct sms_conf *);
    /* Makes the plugin's abilities this channel's. Pure. */
    void (*narrow)(const struct sms_conf *, struct hilo_abilities *);
    /* sms is valid until close(). HILO_OK and *state, or what open() of the plugin gives: why by
     * sms_set_state() before. */
    int32_t (*open)(struct sms *, void **state_out);
    int32_t (*start)(void *state);
    int32_t (*send)(void *state, struct hilo_id, struct hilo_str message);
    void (*revoke)(void *state, struct hilo_id);
    void (*committed)(void *state, uint64_t token, int32_t code);
    void (*on_http)(void *state, uint64_t token, int32_t code, const struct hilo_http *);
    void (*on_request)(void *state, uint64_t request, const struct hilo_http *);
    void (*on_fd)(void *state, int32_t fd, uint32_t events);
    void (*on_timer)(void *state, uint32_t id);
    void (*woken)(void *state);
    /* before is what was used until now, sms->conf what is used from now on. NULL, or anything but
     * HILO_OK: it is opened anew. */
    int32_t (*reconfigure)(void *state, const struct sms_conf *before);
    void (*drain)(void *state, int64_t mono_us);
    void (*close)(void *state);
};

extern const struct sms_driver sms_smpp, sms_infobip, sms_twilio;

#endif
