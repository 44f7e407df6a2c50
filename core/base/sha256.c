/*
 * OpenSSL 3's own SHA256() looks its algorithm up by name, takes locks and allocates a
 * context at each call: 2 to 3 microseconds before the first byte, and a request needs five
 * digests. The functions below it have no such cost and no state but the context on the
 * stack, and run the same assembly. They are marked deprecated in favour of EVP, whose
 * cheap form would need a context kept by somebody and not shared by threads.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/sha256.h"
#include "base/check.h"
#include <openssl/crypto.h>
#include <openssl/sha.h>

void sha256_parts(const struct hilo_str *parts, unsigned n, uint8_t out[SHA256_BYTES])
{
    SHA256_CTX c;

    CHECK(SHA256_Init(&c) == 1);
    for (unsigned i = 0; i < n; i++)
        CHECK(SHA256_Update(&c, parts[i].n ? parts[i].p : "", (size_t)parts[i].n) == 1);
    CHECK(SHA256_Final(out, &c) == 1);
    OPENSSL_cleanse(&c, sizeof c); /* what is hashed may be a secret */
}

void sha256(const void *p, size_t n, uint8_t out[SHA256_BYTES])
{
    const struct hilo_str whole = {p, n};

    sha256_parts(&whole, 1, out);
}
