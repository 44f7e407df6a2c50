/*
 * An enrolment's code: "HILO1-" and, in Crockford's base32, the secret (12 bytes), the CA's fingerprint (16),
 * the gateway's port (2) and host (the rest), and a check (3, of the SHA-256 of "HILO1" and all before). It
 * is typed by people and by scanners: case, dashes and spaces mean nothing, I and L are 1, O is 0.
 */
#include "till.h"
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { CODE_SECRET = 12, CODE_FINGERPRINT = 16, CODE_PORT = 2, CODE_CHECK = 3, CODE_BYTES = 400 };

bool till_host_read(const char *text, char host[254], uint16_t *port)
{
    const char *colon = strrchr(text, ':'), *end = text + strlen(text);
    unsigned long number;
    char *rest;

    if (text[0] == '[') { /* [2001:db8::1]:7443 */
        text++;
        end = strchr(text, ']');
        if (!end || (end[1] && end[1] != ':'))
            return false;
        colon = end[1] ? end + 1 : NULL;
    } else if (colon && strchr(text, ':') != colon) {
        colon = NULL; /* an IPv6 address alone */
    } else if (colon) {
        end = colon;
    }
    if (colon) {
        number = colon[1] >= '0' && colon[1] <= '9' ? strtoul(colon + 1, &rest, 10) : 0;
        if (number == 0 || number > 65535 || *rest)
            return false;
        *port = (uint16_t)number;
    }
    if (end == text || end - text > 253 ||
        (size_t)(end - text) != strspn(text, "abcdefghijklmnopqrstuvwxyz"
                                             "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-") -
                                    (size_t)(end == colon ? strlen(colon) : 0))
        return false;
    snprintf(host, 254, "%.*s", (int)(end - text), text);
    return true;
}

static int code__value(char c)
{
    static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    const char *at;

    if (c >= 'a' && c <= 'z')
        c = (char)(c - 'a' + 'A');
    c = (char)(c == 'I' || c == 'L' ? '1' : c == 'O' ? '0' : c);
    at = c ? strchr(alphabet, c) : NULL;
    return at ? (int)(at - alphabet) : -1;
}

static bool code__check(const unsigned char *p, size_t n)
{
    unsigned char text[5 + CODE_BYTES], digest[32];

    memcpy(text, "HILO1", 5);
    memcpy(text + 5, p, n);
    return EVP_Digest(text, 5 + n, digest, NULL, EVP_sha256(), NULL) == 1 &&
           memcmp(digest, p + n, CODE_CHECK) == 0;
}

int till_code_read(bool spanish, const char *text, struct till_code *out, struct hilotill_error *e)
{
    /* The prefix may have been typed as it looks. */
    static const char prefix[] = "H1101";
    unsigned char bytes[CODE_BYTES + 1];
    struct till_code code = {0};
    size_t n = 0, at = 0, chars = 0;
    uint32_t bits = 0;
    unsigned have = 0;
    int v;

    for (; *text; text++) {
        if (strchr(" -\t\r\n", *text))
            continue;
        v = code__value(*text);
        if (v < 0 || at + 2 >= sizeof code.text || n >= CODE_BYTES)
            goto bad;
        if (chars < 5) {
            if (v != code__value(prefix[chars]))
                goto bad;
            code.text[at++] = "HILO1"[chars++];
            if (chars == 5)
                code.text[at++] = '-';
            continue;
        }
        code.text[at++] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[v];
        bits = bits << 5 | (uint32_t)v;
        have += 5;
        if (have >= 8) {
            have -= 8;
            bytes[n++] = (unsigned char)(bits >> have);
            bits &= (1u << have) - 1;
        }
    }
    if (n < CODE_SECRET + CODE_FINGERPRINT + CODE_PORT + 1 + CODE_CHECK || bits || have >= 5 ||
        !code__check(bytes, n - CODE_CHECK))
        goto bad;
    n -= CODE_CHECK;
    bytes[n] = 0;
    memcpy(code.fingerprint, bytes + CODE_SECRET, CODE_FINGERPRINT);
    code.port =
        (uint16_t)(bytes[CODE_SECRET + CODE_FINGERPRINT] << 8 | bytes[CODE_SECRET + CODE_FINGERPRINT + 1]);
    at = CODE_SECRET + CODE_FINGERPRINT + CODE_PORT;
    if (code.port == 0 || n - at > 253 || strlen((char *)bytes + at) != n - at ||
        strspn((char *)bytes + at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-") !=
            n - at)
        goto bad;
    memcpy(code.host, bytes + at, n - at + 1);
    *out = code;
    return HILOTILL_OK;
bad:
    return till_fail(e, HILOTILL_EARG,
                     TILL_SAY(spanish, "this is no enrolment code, or it is mistyped: it begins with HILO1",
                              "esto no es un código de inscripción, o tiene un error: comienza por HILO1"));
}
