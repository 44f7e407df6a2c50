/*
 * Offers and answers (RFC 3264) for one audio stream: G.711, telephone-event (RFC 4733), comfort noise,
 * SRTP by SDES (RFC 4568). Pure functions over texts that anybody may have sent; parsed by sofia-sip's sdp.
 */
#ifndef VOICE_NEGOTIATE_H
#define VOICE_NEGOTIATE_H

#include <stdbool.h>
#include <hilo/types.h>
#include <sys/socket.h>

enum neg_codec { NEG_PCMU = 0, NEG_PCMA = 8 };
enum { NEG_SEND = 1, NEG_RECV = 2 };                  /* from our side */
enum { NEG_SRTP_NEVER, NEG_SRTP_MAY, NEG_SRTP_MUST }; /* what the operator allows; MAY: when they ask */
enum { NEG_KEY_MAX = 46, NEG_TEXT_MAX = 4096 };       /* master key and salt of the longest suite, octets */

/* AES_CM_128_HMAC_SHA1_80, AES_CM_128_HMAC_SHA1_32, AES_256_CM_HMAC_SHA1_80 (RFC 4568, 6188). */
enum neg_suite { NEG_SUITE_NONE, NEG_AES_CM_128_80, NEG_AES_CM_128_32, NEG_AES_256_80 };
struct neg_crypto {
    enum neg_suite suite;
    uint32_t tag;
    unsigned char key[NEG_KEY_MAX];
};

/* Our end. */
struct neg_local {
    struct sockaddr_storage addr; /* where RTP is awaited; as the peer should see it (public address) */
    uint64_t session, version;    /* o=: version rises with each text that differs */
    enum neg_codec prefer[2];
    uint32_t n_prefer;
    uint32_t srtp;            /* NEG_SRTP_x */
    struct neg_crypto crypto; /* our key, made anew for each call; suite of an offer */
    uint32_t direction;       /* what we want: NEG_SEND | NEG_RECV */
};

/* What was agreed. */
struct neg_agreed {
    struct sockaddr_storage addr; /* where to send RTP */
    uint16_t rtcp_port;           /* a=rtcp, or the next port */
    uint16_t spare;
    enum neg_codec codec;
    int32_t dtmf_type;               /* payload type to send and await telephone-event in; -1: none */
    int32_t cn_type;                 /* comfort noise; -1: none */
    uint32_t ptime_ms;               /* what they ask for; 20 if nothing */
    uint32_t direction;              /* NEG_SEND, NEG_RECV: hold is neither, or receive only */
    struct neg_crypto remote, local; /* suite NONE: plain RTP */
};

/* The offer in out; its length, 0: does not fit. */
size_t neg_offer(const struct neg_local *, char out[NEG_TEXT_MAX]);
/* Our answer to their offer, with as many m= lines (all but one refused), in out, and what was agreed.
 * 0, or the SIP status that refuses it, with why: 400 (no SDP), 488 (nothing in common, SRTP lacking). */
uint32_t neg_answer(const struct neg_local *, struct hilo_str offer, char out[NEG_TEXT_MAX], size_t *n,
                    struct neg_agreed *, const char **why);
/* Their answer to our offer. 0 or 488 as above. */
uint32_t neg_agree(const struct neg_local *, struct hilo_str answer, struct neg_agreed *, const char **why);

#endif
