/*
 * Private to this plugin: one instance, and what every driver needs of it. All [own] loop.
 */
#ifndef SMS_H
#define SMS_H

#include "provider.h"

enum { SMS_MAGIC = 0x736d7331 };

struct sms {
    uint32_t magic;
    int32_t state;         /* the code last given to host.state */
    struct hilo_host host; /* a copy, as long as the host's */
    struct hilo_self *self;
    struct sms_conf conf;
    const struct sms_driver *driver;
    void *of; /* the driver's state */
};

/* plugin.c */
/* One line, what can't be printed replaced; no personal data. */
void sms_log(struct sms *, int32_t level, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* host.state; HILO_OK only when it was not before. */
void sms_set_state(struct sms *, int32_t code, const char *text);
/* The rules by which the text of this channel is cut, as in its abilities. */
struct hilo_segment_rules sms_segment_rules(const struct sms_conf *);

static inline struct hilo_str sms_str(const char *s)
{
    struct hilo_str r = {s, strlen(s)};
    return r;
}
static inline struct hilo_str sms_none(void)
{
    struct hilo_str r = {NULL, 0};
    return r;
}

#endif
