/*
 * A session description (SDP, RFC 4566) as it lies in its text: its media, and the lines of each. Nothing is
 * copied and nothing allocated; the text, which anybody may have sent, must outlive it. Pure.
 *
 * sofia-sip's parser is not used: Debian's (1.12.11) never comes back from an m= line with a character that
 * no format has, and takes all memory meanwhile; one INVITE would be enough.
 */
#ifndef VOICE_DESC_H
#define VOICE_DESC_H

#include <stdbool.h>
#include <hilo/types.h>

enum { DESC_TEXT_MAX = 65536, DESC_MEDIA_MAX = 64 };
enum { DESC_SENDS = 1, DESC_RECEIVES = 2 }; /* who wrote it */

struct desc_media {
    struct hilo_str kind, proto; /* "audio", "RTP/AVP": as they stand */
    struct hilo_str formats;     /* the rest of the line; may be empty */
    struct hilo_str connection; /* c= of this medium, else of the session: "IN IP4 192.0.2.1"; may be empty */
    struct hilo_str lines;      /* behind it, up to the next */
    uint32_t port;              /* 0: refused; above 65,535: none that there is */
    uint32_t mode;              /* DESC_SENDS | DESC_RECEIVES */
};
struct desc {
    struct desc_media media[DESC_MEDIA_MAX];
    uint32_t n;
};

/* NULL, or why not in static words. */
const char *desc_read(struct hilo_str text, struct desc *out);
/* The next a=name of a medium behind *at (at first NULL), its value without what is before the colon. */
bool desc_attribute(const struct desc_media *, const char *name, const char **at, struct hilo_str *value);

/* Small reading: the next word of *rest, up to a space or to stop (0: none), which is passed over; n 0: there
 * is none. */
struct hilo_str desc_word(struct hilo_str *rest, char stop);
/* All of it is a number, at most max (most of uint32_t fits); false: it is not. */
bool desc_number(struct hilo_str, uint32_t max, uint32_t *out);
bool desc_is(struct hilo_str, const char *word); /* whatever the case of its letters */

#endif
