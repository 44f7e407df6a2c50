/*
 * The operator's voice menu: YAML under the channel's option `menu` (JSON when it gets here), read into nodes
 * and proved: every node exists, every way ends (hang up, transfer, or a message left), in finitely many
 * steps without the caller's doing. Pure. README.md describes the YAML.
 */
#ifndef VOICE_MENU_H
#define VOICE_MENU_H

#include <stdbool.h>
#include <hilo/types.h>

enum menu_do {
    MENU_SAY = 1,  /* speaks, then next */
    MENU_KEYS,     /* speaks, waits for a key: keys[]; no_key, wrong_key after `tries` */
    MENU_IDENTIFY, /* finds the customer: by caller id, else by the number typed; found, unknown */
    MENU_TELL,     /* what is open: appointment, cases; then next */
    MENU_CHOICES,  /* the core's choices content, sent and lifted; then by choice, next */
    MENU_CASE,     /* opens a case (subject) or goes on with the open one; then next */
    MENU_RECORD,   /* records a voice message on the case; then next */
    MENU_TRANSFER, /* to a target; busy, no_answer */
    MENU_HOURS,    /* open, closed, holiday */
    MENU_HANGUP    /* speaks, and ends the call */
};

enum { MENU_NODES_MAX = 256, MENU_KEYS_MAX = 12, MENU_PROMPTS_MAX = 2, MENU_DATES_MAX = 400 };

struct menu_prompt {
    struct hilo_str es, en; /* text or SSML, with places (say.h); or "file:…wav" */
};
struct menu_key {
    char key, spare[3];
    uint32_t to;              /* node */
    struct menu_prompt label; /* "para cambios": spoken as "Para cambios, marque 1" */
    struct hilo_str choice;   /* its id, in the message that is kept of it */
};
struct menu_span { /* of a week day: minutes since midnight */
    uint16_t from, until;
};
struct menu_hours {
    struct menu_span day[7][4]; /* Sunday first; from == until: none */
    struct hilo_str time_zone;
    int32_t holiday[MENU_DATES_MAX]; /* yyyymmdd; yyyy 0: each year */
    uint32_t n_holidays;
};
struct menu_node {
    enum menu_do what;
    struct hilo_str name;
    struct menu_prompt prompt;
    uint32_t next, no_key, wrong_key, found, unknown, busy, no_answer, open,
        closed; /* nodes; UINT32_MAX: not given */
    struct menu_key key[MENU_KEYS_MAX];
    uint32_t n_keys, tries, barge_in;
    int64_t wait_us, max_us, silence_us;
    struct hilo_str target, subject,
        document;         /* SIP target; case's subject; "CO:CC": what a typed number is */
    struct hilo_str line; /* "menu.main": where it stands in the option, for errors */
};
struct menu {
    struct menu_node *node;
    uint32_t n_nodes, start;
    struct menu_hours hours;
};

/* NULL, and *wrong says why in words that begin with the place ("menu.main.keys.1: no such step 'salse'"). */
struct menu *menu_read(struct hilo_str json, char wrong[256]);
void menu_free(struct menu *);
/* Whether the shop is open at this instant. */
enum menu_when { MENU_OPEN, MENU_CLOSED, MENU_HOLIDAY } menu_when(const struct menu_hours *, int64_t now_us);

#endif
