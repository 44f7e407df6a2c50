/*
 * Reading what a SIP message says beyond what sofia's structures have: pure, of texts and of sip_t.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VOICE_UA_READ_H
#define VOICE_UA_READ_H

#include <sofia-sip/sip.h>
#include "ua.h"

/* From, to, Call-ID, withheld or not, diverted, and (trusted only) asserted into the event; texts in home. */
void ua_read_identity(sip_t const *, bool trusted, su_home_t *home, struct ua_event *);
/* The SDP of a message: its body, or the application/sdp part of a multipart body; empty: none. */
struct hilo_str ua_read_sdp(sip_t const *, su_home_t *home);

/* Whether the body of an INVITE or UPDATE can be read, and an answer be given: 0, or 400, 406, 415 to answer.
 */
uint32_t ua_read_body(sip_t const *, su_home_t *home, const char **why);

/* A key press of INFO; false: it is none. */
bool ua_read_digit(sip_t const *, char *digit, uint32_t *duration_ms);
/* The status of a message/sipfrag ("SIP/2.0 180 Ringing"), its phrase; 0: none. */
uint32_t ua_read_sipfrag(struct hilo_str body, struct hilo_str *phrase);
/* Words of why: Reason's text (RFC 3326), else Warning's, else NULL; in home. */
char *ua_read_reason(sip_t const *, su_home_t *home);
/* The cause of a Reason header of protocol Q.850, 1 to 127; 0: none. */
uint32_t ua_read_q850(sip_t const *);

/* The first addr-spec of a header's value, which may be a list of name-addr; empty: none. */
struct hilo_str ua_read_addr(struct hilo_str value);
/* The n-th value (0: first) of a list separated by commas that are in no quotes and no angle brackets. */
bool ua_read_item(struct hilo_str value, uint32_t n, struct hilo_str *item);

#endif
