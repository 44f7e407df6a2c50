/*
 * Where a call's media comes from (symmetric RTP): the address that was agreed, or behind a NAT another that
 * proves itself by packets in a row. Once known it is kept: it changes for a new agreement, for the agreed
 * address itself, or when it has fallen silent and a successor proves itself who is the same host or the
 * same sender. Who merely sends to our port can't take a call over that has begun. Pure.
 */
#ifndef VOICE_LATCH_H
#define VOICE_LATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct latch {
    struct sockaddr_storage agreed, from; /* from: where it comes from, so where we send; at first agreed */
    bool known;                           /* from has sent */
    uint32_t ssrc;                        /* of from's last packet */
    int64_t last_us;                      /* when that came */
    struct {
        struct sockaddr_storage addr;
        uint32_t ssrc, n;
        uint16_t seq; /* the next */
    } other;          /* who is proving itself */
    uint64_t refused; /* packets of others */
};

bool latch_nowhere(const struct sockaddr_storage *); /* 0.0.0.0, :: */
bool latch_same(const struct sockaddr_storage *, const struct sockaddr_storage *);
bool latch_same_host(const struct sockaddr_storage *, const struct sockaddr_storage *);
/* What was agreed; the same address again changes nothing. */
void latch_agree(struct latch *, const struct sockaddr_storage *);
/* Whether a packet counts. sealed: SRTP has proved who sent it. */
bool latch_take(struct latch *, const struct sockaddr_storage *, uint32_t ssrc, uint16_t seq, bool sealed,
                int64_t now_us);

#endif
