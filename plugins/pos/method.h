/*
 * The table of methods (method.def), and whether params are what it says. Pure. [any]
 */
#ifndef POS_METHOD_H
#define POS_METHOD_H

#include "rpc.h"

#include <stdint.h>

struct pos_op;

enum pos_method_kind { POS_SESSION, POS_READ, POS_WRITE };
enum pos_param_type {
    POS_STRING,
    POS_TEXT,
    POS_INTEGER,
    POS_BOOLEAN,
    POS_OBJECT,
    POS_ARRAY,
    POS_TIME,
    POS_CUS,
    POS_CAS,
    POS_MSG,
    POS_MED,
    POS_APT,
    POS_WSH
};
enum { POS_PARAM_REQ = 1, POS_PARAM_NUL = 2, POS_PARAM_ANY = 4 };

struct pos_param {
    const char *name;
    enum pos_param_type type;
    uint32_t flags;
    int64_t min, max;
};
struct pos_method {
    const char *name;
    enum pos_method_kind kind;
    bool enrolment; /* on a connection without a certificate, and only there */
    void (*start)(struct pos_op *);
};

extern const struct pos_method pos_methods[];
extern const size_t pos_n_methods;

const struct pos_method *pos_method_find(const char *name); /* NULL: none */
/* Its ith own member, from 0; NULL: there are no more. */
const struct pos_param *pos_method_param(const struct pos_method *, size_t i);
/* Whether these are params for it: known members of the right types and sizes, nothing that looks like a card
 * number. now_us: Unix time, for "at". 0, or -1 and the fault. */
int pos_method_check(const struct pos_method *, const cJSON *params, int64_t now_us, struct pos_fault *);

/* One function a method; they end the op by pos_op_result or pos_op_fail, at once or later. */
#define POS_METHOD(function, name, kind, roles) void pos_do_##function(struct pos_op *);
#include "method.def"

#endif
