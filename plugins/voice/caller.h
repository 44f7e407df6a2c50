/*
 * Who calls, as far as signalling says. Pure.
 */
#ifndef VOICE_CALLER_H
#define VOICE_CALLER_H

#include <stdbool.h>
#include <stddef.h>
#include <hilo/types.h>

/* The telephone number in a SIP or tel URI, as E.164 with its plus sign. country_code: of national numbers
 * ("57"), may be empty. false: it is none (a name, an extension, "anonymous"). */
bool caller_number(struct hilo_str uri, struct hilo_str country_code, char *out, size_t n);

/* What was typed as a document's number, in the core's writing: "CO:CC:1020304050". kind: "CO:CC". false: it
 * does not fit. */
bool caller_document(struct hilo_str kind, const char *digits, char *out, size_t n);

#endif
