/* The pages that links in messages open: what stands in them, by kind and language. Internal to api. */
#ifndef API_PAGES_H
#define API_PAGES_H

#include "base/buf.h"
#include <hilo/types.h>
#include <stdbool.h>

enum page {
    PAGE_CHOOSE,        /* asks whether this is her answer */
    PAGE_CHOSEN,        /* thanks */
    PAGE_CHOSEN_BEFORE, /* it was taken already */
    PAGE_UNSUBSCRIBE,   /* asks */
    PAGE_UNSUBSCRIBED,  /* done, or was before */
    PAGE_UNCLEAR,       /* a POST that doesn't say what it wants */
    PAGE_UNKNOWN,       /* no such link */
    PAGE_EXPIRED,
    PAGE_OFTEN, /* too often: later */
    PAGE_BUSY,  /* the gateway can't write now */
    PAGE__END
};

struct page_words {
    bool spanish;
    struct hilo_str name;     /* of the gateway; may be empty */
    struct hilo_str question; /* may be empty */
    struct hilo_str title;    /* of the choice */
};

/* The whole document; everything that is not ours is escaped. HILO_OK or HILO_NOMEM. */
int32_t page_write(struct buf *, enum page, const struct page_words *);
/* What belongs into Content-Security-Policy with it. */
extern const char page_policy[];

#endif
