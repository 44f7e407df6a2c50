/*
 * A person's records of the API as a terminal gets them: less, and never more than a frame holds. Pure. [any]
 */
#ifndef POS_PERSON_H
#define POS_PERSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

enum { POS_PERSON_TEXT = 2000, POS_PERSON_ROOM = 64000 /* bytes of a result, so that its frame is one */ };

/* {by} of customer.find as the API takes it. NULL: f says why (a document that can't be one, something
 * partial), or that there is no memory. */
struct pos_fault;
cJSON *pos_person_by(const cJSON *by, const char *country, struct pos_fault *);
/* An identifier {scheme, value | document} as the API takes it. */
cJSON *pos_person_identifier(const cJSON *identifier, const char *country, struct pos_fault *);
/* A document {country, type, number} as the API takes it, "CO:CC:1020304050", into out of POS_DOCUMENT_MAX
 * bytes. */
int pos_person_document(const cJSON *document, const char *country, const char *pointer, char *out,
                        struct pos_fault *);

/* Messages of the API become entries: what a counter needs, long texts cut. False: no memory. */
bool pos_person_entries(cJSON *messages);
/* Entries are taken off the end until all of o has at most POS_PERSON_ROOM bytes; how many; -1: no memory, or
 * it has too many without any. */
int pos_person_fit(cJSON *o, cJSON *entries);

#endif
