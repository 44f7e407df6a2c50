/*
 * The operator's voice menu: YAML under the channel's option `menu` (JSON when it gets here), read into steps
 * and proved: every step that is named exists and is reached, every way ends, and whoever presses nothing
 * hears the end in finitely many steps. Pure. README.md describes the YAML.
 */
#ifndef VOICE_MENU_H
#define VOICE_MENU_H

#include "hours.h"

#include <stdbool.h>
#include <hilo/types.h>

enum menu_do {
    MENU_SAY = 1,  /* speaks, then next */
    MENU_KEYS,     /* speaks, waits for a key: keys[]; no_key, wrong_key after `tries` */
    MENU_LANGUAGE, /* asks in both languages for the one to go on in; then next */
    MENU_IDENTIFY, /* finds the customer: by caller id, else by the number typed; found, unknown */
    MENU_TELL,     /* what is open: appointment, cases; then next */
    MENU_CHOICES,  /* the core's choices content, sent and lifted; then keys[].to, or no_key */
    MENU_CASE,     /* opens a case (subject) or goes on with the open one; then next */
    MENU_RECORD,   /* records a voice message on the case; then next */
    MENU_TRANSFER, /* to a target; busy, no_answer */
    MENU_HOURS,    /* open, closed, holiday */
    MENU_HANGUP    /* speaks, and ends the call */
};

enum { MENU_STEPS_MAX = 256, MENU_KEYS_MAX = 12, MENU_WRONG = 256 };
enum { MENU_NONE = 0xffffffff }; /* no step */

/* What is spoken: both languages, or a built-in prompt by its name (prompts.h), or nothing. */
struct menu_prompt {
    struct hilo_str es, en; /* text or SSML with places (say.h), or "file:/…wav" */
    struct hilo_str built_in;
};
struct menu_key {
    char key, spare[3];
    uint32_t to;              /* step */
    struct menu_prompt label; /* "cambios": spoken as "Para cambios, marque 1" */
    struct hilo_str choice;   /* its id, in the message that is kept of it */
};
struct menu_step {
    enum menu_do what;
    struct hilo_str name;
    struct menu_prompt prompt;
    uint32_t next, no_key, wrong_key, found, unknown, busy, no_answer, open, closed,
        holiday; /* steps; MENU_NONE: not given */
    struct menu_key key[MENU_KEYS_MAX];
    uint32_t n_keys, tries;
    bool barge_in, caller_id, fresh, review, attended, attended_given;
    int64_t wait_us, max_us, silence_us;
    struct hilo_str target, subject,
        document; /* SIP target; case's subject; "CO:CC": what a typed number is */
};
struct menu {
    struct menu_step *step;
    uint32_t n_steps, start;
    struct hours hours;
    bool has_hours;
    struct cJSON *tree; /* what the texts above point into */
};

/* json: empty for the built-in menu, which transfers to desk if there is one. NULL, and *wrong says why in
 * words that begin with the place ("menu.main.keys.1: there is no step 'salse'"). */
struct menu *menu_read(struct hilo_str json, struct hilo_str desk, char wrong[MENU_WRONG]);
void menu_free(struct menu *);
/* A SIP or tel URI, or a user: letters, digits and what extensions have. */
bool menu_target_good(struct hilo_str);
uint32_t menu_find(const struct menu *, struct hilo_str name);

/* menu_prove.c: false: *wrong says what is. */
bool menu_prove(const struct menu *, char wrong[MENU_WRONG]);
/* menu_default.c: JSON. */
struct hilo_str menu_default(bool desk);

#endif
