/*
 * One till on one connection asks three things in turn, each when the one before was answered: customer.find
 * by the document of one of the customers who have a timeline; the same by a document that nobody has, which
 * commits one audit record and has nothing to read; ping.
 *
 *   bench_pos_find POS_PORT HTTP_PORT API_KEY ROUNDS CUSTOMERS_WITH_A_TIMELINE
 *
 * Prints a line for each: name, p50, p99 (µs), how many, and the bytes of a mean answer.
 */
#include "bench_pos.h"

static struct hist hist[3];
static uint64_t bytes[3];

int main(int argc, char **argv)
{
    static const char *const name[] = {"find", "echo", "ping"};
    EVP_PKEY *key = EVP_EC_gen("P-256");
    uint64_t random = 42;
    unsigned long rounds, sample;
    char ask[512];
    SSL_CTX *ctx;
    X509 *cert;
    SSL *ssl;
    int fd;

    if (argc != 6)
        die("usage: bench_pos_find POS_PORT HTTP_PORT API_KEY ROUNDS CUSTOMERS_WITH_A_TIMELINE");
    rounds = strtoul(argv[4], NULL, 10);
    sample = strtoul(argv[5], NULL, 10);
    ctx = pos_context();
    cert = pos_enroll(ctx, atoi(argv[1]), atoi(argv[2]), argv[3], "BENCH", 1, key);
    if (SSL_CTX_use_certificate(ctx, cert) != 1 || SSL_CTX_use_PrivateKey(ctx, key) != 1)
        die("the certificate");
    fd = pos_connect(atoi(argv[1]));
    ssl = pos_ssl(ctx, fd, "hilo-pos/1");
    (void)snprintf(ask, sizeof ask,
                   "{\"jsonrpc\":\"2.0\",\"id\":\"h\",\"method\":\"hello\",\"params\":{\"protocol\":1}}\n");
    if (fd < 0 || SSL_connect(ssl) != 1 || SSL_write(ssl, ask, (int)strlen(ask)) <= 0 || !pos_line(ssl))
        die("no hello");
    for (unsigned long i = 0; i < 3 * rounds; i++) {
        unsigned kind = (unsigned)(i % 3);
        uint64_t began;
        const char *line;
        int n;

        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        if (kind == 2)
            n = snprintf(ask, sizeof ask, "{\"jsonrpc\":\"2.0\",\"id\":\"q%lu\",\"method\":\"ping\"}\n", i);
        else
            n = snprintf(
                ask, sizeof ask,
                "{\"jsonrpc\":\"2.0\",\"id\":\"q%lu\",\"method\":\"customer.find\",\"params\":{\"by\":{"
                "\"document\":{\"country\":\"CO\",\"type\":\"CC\",\"number\":\"%lu\"}},\"reason\":\"claim\","
                "\"clerk\":\"ana\"}}\n",
                i, (kind == 0 ? 1000000000ul : 1900000000ul) + (unsigned long)(random >> 33) % sample);
        began = now_us();
        if (SSL_write(ssl, ask, n) != n || !(line = pos_line(ssl)))
            die("the line has ended");
        if (i >= 3 * rounds / 10) /* the first tenth warms */
            hist_add(&hist[kind], now_us() - began);
        bytes[kind] += strlen(line);
        if (!strstr(line, "\"result\":") || (kind == 0 && strstr(line, "\"customer\":null")) ||
            (kind == 1 && !strstr(line, "\"customer\":null")))
            die(line);
    }
    for (unsigned k = 0; k < 3; k++)
        printf("%s p50=%lu p99=%lu n=%lu bytes=%lu\n", name[k], (unsigned long)hist_percentile(&hist[k], 50),
               (unsigned long)hist_percentile(&hist[k], 99), (unsigned long)hist[k].n,
               (unsigned long)(bytes[k] / rounds));
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    X509_free(cert);
    EVP_PKEY_free(key);
    return 0;
}
