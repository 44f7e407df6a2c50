/*
 * What is asked of the gateway and answered later, each with a function of its own, which is called exactly
 * once and never from within the call that asked. [own] loop.
 *
 * What the link has no room for now (HILO_FULL) waits here, in order, and is asked again.
 */
#ifndef EMAIL_ASK_H
#define EMAIL_ASK_H

#include "email.h"

/* status 0: there was no answer (code says why). Borrowed, all of them. */
typedef void email_api_fn(void *arg, int32_t code, uint32_t status, struct hilo_str body);
typedef void email_committed_fn(void *arg, int32_t code);
typedef void email_context_fn(void *arg, int32_t code, struct hilo_str val, uint64_t version);
/* fd is the receiver's to close; -1 unless code is HILO_OK (and of a removal). */
typedef void email_file_fn(void *arg, int32_t code, int32_t fd, uint64_t size);
typedef void email_media_fn(void *arg, int32_t code, int32_t fd, struct hilo_str mime,
                            struct hilo_str filename, uint64_t size);
typedef void email_files_fn(void *arg, int32_t code, const struct hilo_str *names, uint64_t n);

/* false: no memory, and the function will not be called. Everything given is copied. */
bool email_ask_api(struct email *, const char *method, const char *path, const char *body, const char *key,
                   email_api_fn *, void *arg);
bool email_ask_submit(struct email *, struct hilo_str message, email_committed_fn *, void *arg);
bool email_ask_get(struct email *, struct hilo_str subject, const char *key, email_context_fn *, void *arg);
bool email_ask_put(struct email *, struct hilo_str subject, const char *key, struct hilo_str val,
                   uint64_t if_version, email_context_fn *, void *arg);
bool email_ask_media(struct email *, struct hilo_id, email_media_fn *, void *arg);
bool email_ask_file(struct email *, const char *name, uint32_t flags, email_file_fn *, void *arg);
bool email_ask_file_remove(struct email *, const char *name, email_file_fn *, void *arg);
bool email_ask_files(struct email *, email_files_fn *, void *arg);

struct email_asks *email_asks_new(void); /* NULL: no memory */
/* No function is called any more. */
void email_asks_free(struct email *);
/* The plugin's callbacks. */
void email_asks_on_http(struct email *, uint64_t token, int32_t code, const struct hilo_http *);
void email_asks_on_committed(struct email *, uint64_t token, int32_t code);
void email_asks_on_context(struct email *, uint64_t token, int32_t code, struct hilo_str val,
                           uint64_t version);
void email_asks_on_media(struct email *, uint64_t token, int32_t code, int32_t fd, struct hilo_str mime,
                         struct hilo_str filename, uint64_t size);
void email_asks_on_file(struct email *, uint64_t token, int32_t code, int32_t fd, uint64_t size);
void email_asks_on_files(struct email *, uint64_t token, int32_t code, const struct hilo_str *names,
                         uint64_t n);
void email_asks_woken(struct email *);
bool email_asks_on_timer(struct email *, uint32_t id);

#endif
