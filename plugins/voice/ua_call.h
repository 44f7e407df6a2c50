/*
 * Legs among the files that handle them.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VOICE_UA_CALL_H
#define VOICE_UA_CALL_H

#include "ua_int.h"

/* The domain of our own addresses. */
struct hilo_str ua_own_domain(const struct ua *);
/* The URI of whom the plugin calls or leads somebody to: a URI as it is, a user at the registrar, proxy or
 * trunk; *route: where to send a request, if that is not what it says. */
bool ua_invite_uri(const struct ua *, struct hilo_str to, char out[UA_URI_MAX], const char **route);

/* Sets our Contact of a dialog by TLS. Sofia's is a sips: URI, which who called a sip: URI must not be given
 * (RFC 3261 12.1.1) and many telephones cannot call. */
void ua_leg_own(struct ua_leg *, bool tls, bool sips, bool v6);
#define OWN(leg) TAG_IF((leg)->own[0], SIPTAG_CONTACT_STR((leg)->own))

/* ---- ua_refer.c ------------------------------------------------------------------------------- */
/* REFER of ours: to where the order says. */
void ua_refer_out(struct ua_leg *, const struct ua_order *);
/* ua_refer_answer(). */
void ua_refer_in(struct ua_leg *, uint32_t status);
void ua_on_refer(struct ua_leg *, nua_t *, sip_t const *, tagi_t const *tags);
void ua_on_refer_response(struct ua_leg *, nua_t *, int status, char const *phrase, sip_t const *);
void ua_on_notify(struct ua_leg *, sip_t const *, tagi_t const *tags);

#endif
