/*
 * What is asked of the gateway and answered later, each with a function of its own. A function is called
 * exactly once, never from within the call that asked, unless voice_ask_forget() came first. [own] loop.
 *
 * What the link has no room for now (HILO_FULL) waits here, in order, and is asked again.
 */
#ifndef VOICE_ASK_H
#define VOICE_ASK_H

#include "voice.h"

/* The answer of the gateway's API: status 0 if there was none (code says why). Borrowed. */
typedef void voice_api_fn(void *arg, int32_t code, uint32_t status, struct hilo_str body);
/* An answer of host.http. */
typedef void voice_http_fn(void *arg, int32_t code, const struct hilo_http *answer);
typedef void voice_committed_fn(void *arg, int32_t code);
typedef void voice_context_fn(void *arg, int32_t code, struct hilo_str val, uint64_t version);
typedef void voice_media_fn(void *arg, int32_t code, int32_t fd, struct hilo_str mime, uint64_t size);
/* fd is the receiver's to close; -1 unless code is HILO_OK (and of a removal). */
typedef void voice_file_fn(void *arg, int32_t code, int32_t fd, uint64_t size);
typedef void voice_files_fn(void *arg, int32_t code, const struct hilo_str *names, uint64_t n);

/* Each gives a token (never 0) for voice_ask_forget, or 0: no memory, and the function will not be called.
 * Everything given is copied, but the struct of _http, whose descriptors are given away. */
uint64_t voice_ask_api(struct voice *, const char *method, struct hilo_str path, struct hilo_str body,
                       struct hilo_str key, voice_api_fn *, void *arg);
uint64_t voice_ask_http(struct voice *, const struct hilo_http *, voice_http_fn *, void *arg);
uint64_t voice_ask_submit(struct voice *, struct hilo_str message, voice_committed_fn *, void *arg);
uint64_t voice_ask_get(struct voice *, struct hilo_str subject, struct hilo_str key, voice_context_fn *,
                       void *arg);
uint64_t voice_ask_put(struct voice *, struct hilo_str subject, struct hilo_str key, struct hilo_str val,
                       uint64_t if_version, voice_context_fn *, void *arg);
uint64_t voice_ask_media(struct voice *, struct hilo_id, voice_media_fn *, void *arg);
uint64_t voice_ask_file(struct voice *, struct hilo_str name, uint32_t flags, voice_file_fn *, void *arg);
uint64_t voice_ask_file_remove(struct voice *, struct hilo_str name, voice_file_fn *, void *arg);
uint64_t voice_ask_files(struct voice *, voice_files_fn *, void *arg);
/* Its function will not be called; what it asks for still happens (a descriptor is closed here). */
void voice_ask_forget(struct voice *, uint64_t token);

struct voice_asks *voice_asks_new(void); /* NULL: no memory */
void voice_asks_free(struct voice *);
/* The plugin's callbacks. */
void voice_asks_on_http(struct voice *, uint64_t token, int32_t code, const struct hilo_http *);
void voice_asks_on_committed(struct voice *, uint64_t token, int32_t code);
void voice_asks_on_context(struct voice *, uint64_t token, int32_t code, struct hilo_str val,
                           uint64_t version);
void voice_asks_on_media(struct voice *, uint64_t token, int32_t code, int32_t fd, struct hilo_str mime,
                         uint64_t size);
void voice_asks_on_file(struct voice *, uint64_t token, int32_t code, int32_t fd, uint64_t size);
void voice_asks_on_files(struct voice *, uint64_t token, int32_t code, const struct hilo_str *names,
                         uint64_t n);
void voice_asks_woken(struct voice *);

#endif
