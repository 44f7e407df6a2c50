/*
 * Certificate requests of anybody with a code, and certificates that anybody shows.
 *
 * Beyond not crashing: what is signed is a certificate for exactly the store and terminal that we said, of
 * the request's own key; what a certificate says of a terminal are two names of ours.
 */
#include "../../plugins/pos/ca.h"

#include <openssl/pem.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int ok)
{
    if (!ok)
        abort();
}

/* One authority, for all inputs. */
static const struct pos_pair *authority(void)
{
    static struct pos_pair ca;

    if (!ca.cert)
        must(pos_ca_make("fuzz", INT64_C(1764255845000000), &ca) == HILO_OK);
    return &ca;
}

static void request(struct hilo_str pem)
{
    struct pos_issued i = {0};
    const char *why = NULL;
    char store[POS_CA_NAME + 1], terminal[POS_CA_NAME + 1];
    uint8_t key[POS_CA_KEY];
    BIO *bio;
    X509 *x;

    if (pos_ca_sign(authority(), pem, "CENTRO", "3", INT64_C(1764255845000000), INT64_C(86400000000), &i,
                    &why) != HILO_OK) {
        must(why != NULL && i.pem == NULL);
        return;
    }
    bio = BIO_new_mem_buf(i.pem, -1);
    x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    must(x && pos_ca_terminal_of(x, store, terminal) && strcmp(store, "CENTRO") == 0 &&
         strcmp(terminal, "3") == 0);
    must(pos_ca_key_of(x, key) && memcmp(key, i.key, sizeof key) == 0);
    must(X509_check_ca(x) == 0 && X509_verify(x, authority()->key) == 1);
    X509_free(x);
    BIO_free(bio);
    free(i.pem);
}

static void certificate(const uint8_t *data, size_t size)
{
    const unsigned char *at = data;
    X509 *x = d2i_X509(NULL, &at, (long)size);
    char store[POS_CA_NAME + 1], terminal[POS_CA_NAME + 1];
    uint8_t key[POS_CA_KEY];

    if (!x)
        return;
    if (pos_ca_terminal_of(x, store, terminal)) {
        must(pos_ca_terminal_name((struct hilo_str){store, strlen(store)}));
        must(pos_ca_terminal_name((struct hilo_str){terminal, strlen(terminal)}));
    }
    (void)pos_ca_key_of(x, key);
    (void)pos_ca_begins(x);
    (void)pos_ca_ends(x);
    X509_free(x);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *p;
    long n;

    must(bio != NULL);
    request((struct hilo_str){(const char *)data, size});
    /* The same bytes as DER, which a fuzzer finds its way in more easily. */
    if (size > 0 && PEM_write_bio(bio, PEM_STRING_X509_REQ, "", data, (long)size) > 0) {
        n = BIO_get_mem_data(bio, &p);
        request((struct hilo_str){p, (uint64_t)n});
    }
    BIO_free(bio);
    certificate(data, size);
    return 0;
}
