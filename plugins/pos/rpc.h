/*
 * JSON-RPC 2.0 as PROTOCOL.md has it: a frame to a request or an answer, and back. Pure. [any]
 */
#ifndef POS_RPC_H
#define POS_RPC_H

#include <cjson/cJSON.h>
#include <hilo/types.h>
#include <stdbool.h>
#include <stddef.h>

enum { POS_FRAME_MAX = 65536, POS_DEPTH_MAX = 16, POS_ID_MAX = 64 };

/* error.code */
enum pos_error {
    POS_E_PARSE = -32700,
    POS_E_REQUEST = -32600,
    POS_E_METHOD = -32601,
    POS_E_PARAMS = -32602,
    POS_E_INTERNAL = -32603,
    POS_E_LATER = -32000,
    POS_E_ROLE = -32001,
    POS_E_NOT_FOUND = -32002,
    POS_E_RATE = -32003,
    POS_E_CARD = -32004,
    POS_E_CONFLICT = -32005,
    POS_E_REFUSED = -32006
};

/* Why something is refused. reason is static; pointer and detail are copies. */
struct pos_fault {
    enum pos_error code;
    const char *reason;
    char pointer[96]; /* into params; empty: none */
    char detail[192]; /* no personal data */
    char api_code[48];
    uint32_t api_status;    /* 0: none */
    int64_t retry_after_ms; /* -1: none */
};
/* Fills f; -1, so that it can be returned. */
int pos_fault(struct pos_fault *f, enum pos_error, const char *reason, const char *pointer,
              const char *format, ...) __attribute__((format(printf, 5, 6)));

struct pos_rpc {
    cJSON *root;             /* all of it; pos_rpc_done frees */
    char id[POS_ID_MAX + 1]; /* empty: the frame's could not be read */
    const char *method;      /* of a request; NULL: an answer to one of ours */
    cJSON *params;           /* of a request: an object, never NULL */
    const cJSON *result;     /* of an answer: one of both */
    const cJSON *error;
};
/* 0, or -1 and what to answer: POS_E_PARSE (the connection is to end) or POS_E_REQUEST. Either way
 * pos_rpc_done. */
int pos_rpc_parse(struct hilo_str frame, struct pos_rpc *out, struct pos_fault *);
void pos_rpc_done(struct pos_rpc *);

/* Frames, malloc'ed, NUL-ended; NULL: no memory. id NULL: null. result is taken (freed) in any case. */
char *pos_rpc_result(const char *id, cJSON *result, size_t *n_out);
char *pos_rpc_error(const char *id, const struct pos_fault *, size_t *n_out);
char *pos_rpc_request(const char *id, const char *method, cJSON *params, size_t *n_out);

#endif
