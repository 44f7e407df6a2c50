/*
 * POST /v1/media: the body goes to a file as it comes; a helper thread hashes and syncs
 * it when it is whole, for that may take a second. Internal to api. [core]
 */
#ifndef API_UPLOAD_H
#define API_UPLOAD_H

#include "api/http.h"
#include "store/media.h"

struct upload_result {
    struct media_stored stored;
    struct hilo_str mime, filename; /* in the request's arena */
};

/* The helper thread, made with the first upload. */
int32_t uploads_new(struct api *, struct err *, struct uploads **out);
/* Ends the thread when it has done what it was given. */
void uploads_free(struct uploads **);

int upload_begin(struct request *, struct fault *);
int upload_add(struct request *, const char *p, size_t n, struct fault *);
/* The body is whole: hands the file over. 0: rq is ELSEWHERE. */
int upload_end(struct request *, struct fault *);
/* Afterwards. */
int upload_result(struct request *, struct upload_result *out, struct fault *);
void upload_abort(struct request *);

#endif
