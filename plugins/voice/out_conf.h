/*
 * What an operator may say of the calls that we make, and of texts of recordings; its options are in
 * out_options.def. [any]
 */
#ifndef VOICE_OUT_CONF_H
#define VOICE_OUT_CONF_H

#include <hilo/types.h>

/* In the order of the option's choices. */
enum out_machine { OUT_MACHINE_HANGUP, OUT_MACHINE_MESSAGE, OUT_MACHINE_SPEAK };

struct out_conf {
    int64_t calls;      /* at once */
    int64_t per_second; /* begun in a second (pace.h) */
    int64_t ring_us;    /* then CANCEL: no answer */
    int64_t attempts;   /* in all, of one message, where it is busy or nobody answers */
    int64_t busy_retry_us, no_answer_retry_us;
    int64_t machine;                        /* enum out_machine */
    int64_t greeting_us;                    /* the longest greeting of a person */
    struct hilo_str hours;                  /* callhours.h; empty: any */
    struct hilo_str caller_id, caller_name; /* From of what we call; empty: user */
    struct hilo_str transcriber;            /* a URL, or a command; empty: none */
    struct hilo_str transcriber_secret;     /* Bearer, of a URL */
    struct hilo_str transcriber_form;       /* of a URL that takes a form; empty: it takes the WAV itself */
    int64_t transcriber_timeout_us, transcriber_jobs;
};

enum { OUT_WRONG_MAX = 300 };
/* What is wrong with it, in words that begin with an option's name, in wrong[] or static; NULL: nothing. */
const char *out_conf_wrong(const struct out_conf *, char wrong[OUT_WRONG_MAX]);

#endif
