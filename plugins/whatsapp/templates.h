/* The list of templates, as it is being fetched and when it is next. */
#ifndef WHATSAPP_TEMPLATES_H
#define WHATSAPP_TEMPLATES_H

#include <hilo/message.h>
#include <stdbool.h>

struct wa_templates {
    bool asking; /* a page is under way */
    bool again;  /* it changed meanwhile: once more when this list is whole */
    unsigned page, n, left_out;
    int64_t due_us;          /* mono; 0: never */
    int64_t retry_us;        /* the wait after the next failure */
    char after[1024];        /* cursor of the page under way */
    struct hilo_writer list; /* those of the pages before, each a field */
};

#endif
