/*
 * Offers and answers (RFC 3264) for one audio stream: G.711, telephone-event (RFC 4733), comfort noise,
 * SRTP by SDES (RFC 4568). Pure functions over texts that anybody may have sent, read by desc.h.
 */
#ifndef VOICE_NEGOTIATE_H
#define VOICE_NEGOTIATE_H

#include <stdbool.h>
#include <stddef.h>
#include <hilo/types.h>
#include <sys/socket.h>

enum neg_codec { NEG_PCMU = 0, NEG_PCMA = 8 };
enum { NEG_CN = 13 };                                 /* static payload type of comfort noise */
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
    struct neg_crypto crypto; /* our key, all of it random and made anew for each call; suite of an offer
                                 (an answer takes the first of theirs that we can) */
    uint32_t direction;       /* what we want: NEG_SEND | NEG_RECV */
    uint32_t spare;
    struct hilo_str before; /* the text that we sent last in this call, offer or answer; empty: this is the
                               first. An offer keeps its m= lines in their places (RFC 3264 8) */
};

/* What was agreed. */
struct neg_agreed {
    struct sockaddr_storage addr; /* where to send RTP */
    uint16_t rtcp_port;           /* a=rtcp, or the next port */
    uint16_t spare;
    enum neg_codec codec;
    int32_t codec_type;     /* payload type to send and await the codec in; usually the codec's own number */
    int32_t dtmf_type;      /* payload type to send telephone-event in; -1: none */
    int32_t dtmf_recv_type; /* and to await it in: the same, unless their answer gave it another number */
    int32_t cn_type;        /* comfort noise; -1: none */
    uint32_t ptime_ms;      /* what they ask for, 10 to 60 and a multiple of 10; 20 if nothing */
    uint32_t direction;     /* NEG_SEND, NEG_RECV: hold is neither, or receive only */
    uint32_t spare2;
    struct neg_crypto remote, local; /* suite NONE: plain RTP */
};

/* Octets of master key and salt: 30 or 46; 0 of NEG_SUITE_NONE. */
size_t neg_key_octets(enum neg_suite);

/* The offer in out, NUL-ended; its length, 0: does not fit. With NEG_SRTP_MUST it offers RTP/SAVP, else
 * RTP/AVP (SDES shows the key to whoever reads the text: signalling over TLS is the caller's care). */
size_t neg_offer(const struct neg_local *, char out[NEG_TEXT_MAX]);
/* Our answer to their offer, with as many m= lines (all but one refused), in out, NUL-ended, and what was
 * agreed. 0, or the SIP status that refuses it, with why (static words): 400 (no SDP), 488 (nothing in
 * common, SRTP lacking); then nothing is in out and agreed. */
uint32_t neg_answer(const struct neg_local *, struct hilo_str offer, char out[NEG_TEXT_MAX], size_t *n,
                    struct neg_agreed *, const char **why);
/* Their answer to our offer. 0 or 488 as above. */
uint32_t neg_agree(const struct neg_local *, struct hilo_str answer, struct neg_agreed *, const char **why);

#endif
