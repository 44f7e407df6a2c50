/*
 * A request's JSON object into a struct, by a table, in one pass: unknown members are
 * refused with the nearest name, wrong types and lengths with a JSON pointer. [any]
 */
#ifndef API_FIELDS_H
#define API_FIELDS_H

#include "api/request.h"
#include <cjson/cJSON.h>

enum field_type {
    FIELD_STR = 1,  /* struct hilo_str; at most max characters, at least min */
    FIELD_ID,       /* struct hilo_id; prefix */
    FIELD_U64,      /* uint64_t; from min to max */
    FIELD_BOOL,     /* bool */
    FIELD_DURATION, /* int64_t, µs; ISO 8601; from min to max */
    FIELD_TIME,     /* int64_t, Unix time in µs; RFC 3339 */
    FIELD_OBJECT,   /* const cJSON * */
    FIELD_ARRAY,    /* const cJSON *; at most max elements */
    FIELD_ANY       /* const cJSON * */
};
enum { FIELD_REQUIRED = 1, FIELD_NULL = 2 /* null is allowed and leaves the zero value */ };

struct field {
    const char *name;
    const char *prefix;
    uint32_t type, flags;
    size_t offset;
    uint64_t min, max;
};

/* present_out (may be NULL): bit i for table[i]. dst is zeroed by the caller. Strings
 * point into the tree. at: the object's pointer, "" for the document. */
int fields_read(const cJSON *object, const char *at, const struct field *table, unsigned n, void *dst,
                uint64_t *present_out, struct fault *);

/* The request's body as an object; the tree lives as long as the request. 415, 400. */
int fields_body(struct request *, const cJSON **out, struct fault *);

/* A fault from an error whose text may begin with a JSON pointer. at is put before it. */
int fields_fault(struct fault *, uint32_t status, const char *code, const char *at, const struct err *);

#endif
