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

void sha256(const void *p, size_t n, uint8_t out[SHA256_BYTES])
{
    SHA256_CTX c;

    CHECK(SHA256_Init(&c) == 1 && SHA256_Update(&c, n ? p : "", n) == 1 && SHA256_Final(out, &c) == 1);
    OPENSSL_cleanse(&c, sizeof c); /* what is hashed may be a secret */
}
