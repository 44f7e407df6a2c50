/*
 * What is said on a connection: frames to requests, requests to methods, answers back; hello, who is there,
 * silence. All [own] loop.
 */
#ifndef POS_SESSION_H
#define POS_SESSION_H

#include "conn.h"
#include "till.h"

enum { POS_CAN_MESSAGE = 1, POS_CAN_CHOICE = 2, POS_CAN_PRINT = 4 };
enum { POS_STRIKES = 10 };

/* From conn.c. A frame has come; it is borrowed. */
void pos_session_frame(struct pos_conn *, struct hilo_str frame);
/* The connection is about to go. */
void pos_session_closed(struct pos_conn *);

/* Sends a request of ours; params is taken. False: there is no memory. */
bool pos_session_request(struct pos_conn *, const char *id, const char *method, cJSON *params);
/* The heartbeat: a ping of ours, by the framing's or the protocol's own. */
void pos_session_ping(struct pos_conn *);

#endif
