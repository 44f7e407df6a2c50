/*
 * SipHash (Aumasson and Bernstein, 2012): a keyed hash of short strings. Keys of the
 * pending table hold what strangers choose, such as a mail's Message-ID, and with an
 * unkeyed hash they could choose all of one bucket. The library at hand reaches
 * it only through set-up of several hundred nanoseconds a hash. Never stored.
 */
#ifndef STORE_PENDING_HASH_H
#define STORE_PENDING_HASH_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct pending_hash_key {
    uint64_t k0, k1;
};

static inline uint64_t pending__rotl(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

static inline void pending__sip_rounds(uint64_t v[4], unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = pending__rotl(v[1], 13) ^ v[0];
        v[3] = pending__rotl(v[3], 16) ^ v[2];
        v[0] = pending__rotl(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = pending__rotl(v[1], 17) ^ v[2];
        v[3] = pending__rotl(v[3], 21) ^ v[0];
        v[2] = pending__rotl(v[2], 32);
    }
}

/* c rounds a word and d at the end: the paper's is 2, 4; 1, 3 is what hash tables
 * commonly take. */
static inline uint64_t pending_hash(struct pending_hash_key key, const char *p, size_t n, unsigned c,
                                    unsigned d)
{
    uint64_t v[4] = {key.k0 ^ 0x736f6d6570736575, key.k1 ^ 0x646f72616e646f6d, key.k0 ^ 0x6c7967656e657261,
                     key.k1 ^ 0x7465646279746573};
    uint64_t word;
    size_t at = 0;
    for (; at + 8 <= n; at += 8) {
        memcpy(&word, p + at, 8);
        word = le64toh(word);
        v[3] ^= word;
        pending__sip_rounds(v, c);
        v[0] ^= word;
    }
    word = (uint64_t)(n & 0xff) << 56;
    for (unsigned shift = 0; at < n; at++, shift += 8)
        word |= (uint64_t)(uint8_t)p[at] << shift;
    v[3] ^= word;
    pending__sip_rounds(v, c);
    v[0] ^= word;
    v[2] ^= 0xff;
    pending__sip_rounds(v, d);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

#endif
