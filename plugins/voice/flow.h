/*
 * The dialogue with who calls us: answers, finds out who it is, goes through the menu, and leaves the case
 * and the call right wherever she hangs up. What node comes next is menu.h's; what each does is here. [own]
 * loop.
 */
#ifndef VOICE_FLOW_H
#define VOICE_FLOW_H

#include "calls.h"

/* Reads the menu. NULL: no memory, or why[] says what is wrong with it. */
struct flow *flow_new(struct voice *, char why[MENU_WRONG]);
/* An INVITE came; the call has this side from now on. */
void flow_incoming(struct voice_call *);
/* true: the customer is in a call here, and code is what send() answers: it is spoken to her, and flow
 * reports. false: nobody of that name is. */
bool flow_send(struct voice *, struct hilo_id, struct hilo_str message, int32_t *code);
bool flow_revoke(struct voice *, struct hilo_id); /* true: it was flow's */
/* Calls that are may go on until shortly before this instant; then they end in words. */
void flow_drain(struct voice *, int64_t mono_us);
void flow_free(struct flow *); /* NULL is fine */

#endif
