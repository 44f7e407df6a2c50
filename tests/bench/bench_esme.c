/*
 * How fast the bench's SMSC is by itself: a client that keeps a window of submit_sm open and
 * does nothing else, so that the bench can say how far the SMSC is from being what it measures.
 *
 *   bench_esme PORT MESSAGES WINDOW RECEIPTS(0|1)
 *
 * Prints "messages=… us=… rate=…": until each is answered, and has its receipt if it asked for one.
 */
#include "net.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROOM = 1 << 17, PDU = 256 };

static void put32(char *p, uint32_t v)
{
    v = htonl(v);
    memcpy(p, &v, 4);
}

static uint32_t get32(const char *p)
{
    uint32_t v;

    memcpy(&v, p, 4);
    return ntohl(v);
}

/* A submit_sm, number i, at p; its length. */
static size_t submit(char *p, uint32_t i, bool receipts)
{
    static const char text[] =
        " Su pedido sale hoy de la bodega y llega entre las dos y las seis de la tarde";
    char *at = p + 16;
    int n;

    memcpy(at, "\0\5\0Tienda\0\1\1", 12); // service_type, source TON and NPI and address, destination's
    at += 12;
    at += snprintf(at, 32, "57300%07u", i % 10000) + 1;
    memset(at, 0,
           9); // esm_class, protocol_id, priority, schedule, validity, registered, replace, coding, default
    at[5] = receipts;
    at += 9;
    n = snprintf(at + 1, 160, "%016llu%09u%s", (unsigned long long)now_us(), i, text);
    at[0] = (char)n;
    at += 1 + n;
    put32(p, (uint32_t)(at - p));
    put32(p + 4, 0x04);
    put32(p + 8, 0);
    put32(p + 12, i + 2);
    return (size_t)(at - p);
}

static bool put_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        p += sent;
        n -= (size_t)sent;
    }
    return true;
}

int main(int argc, char **argv)
{
    static char in[ROOM], out[ROOM * 4];
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    static const char bind_pdu[] = "\0\0\0\x19\0\0\0\x09\0\0\0\0\0\0\0\1b\0p\0\0\x34\0\0\0";
    uint32_t sent = 0, messages, window, answered = 0, received = 0;
    uint64_t began, took;
    bool receipts;
    size_t n = 0;
    int fd;

    if (argc != 5) {
        fprintf(stderr, "Usage: bench_esme PORT MESSAGES WINDOW RECEIPTS(0|1)\n");
        return 2;
    }
    at.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
    messages = (uint32_t)strtoul(argv[2], NULL, 10);
    window = (uint32_t)strtoul(argv[3], NULL, 10);
    receipts = argv[4][0] == '1';
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || window < 1 || window > ROOM * 3 / PDU ||
        connect(fd, (struct sockaddr *)&at, sizeof at) != 0 || !put_all(fd, bind_pdu, 25) ||
        recv(fd, in, 16, MSG_WAITALL) != 16 || recv(fd, in + 16, get32(in) - 16, MSG_WAITALL) <= 0) {
        perror("bench_esme: no bind");
        return 1;
    }
    net_option(fd, TCP_NODELAY);
    began = now_us();
    while (answered < messages || (receipts && received < messages)) {
        size_t used = 0, n_out = 0, length;
        ssize_t got;

        while (sent < messages && sent - answered < window)
            n_out += submit(out + n_out, sent++, receipts);
        if (n_out && !put_all(fd, out, n_out))
            break;
        got = recv(fd, in + n, sizeof in - n, 0);
        if (got <= 0)
            break;
        n += (size_t)got;
        n_out = 0;
        while (n - used >= 16 && n - used >= (length = get32(in + used))) {
            uint32_t command = get32(in + used + 4);
            answered += command == 0x80000004;
            if (command == 0x05) {
                received++;
                put32(out + n_out, 17);
                put32(out + n_out + 4, 0x80000005);
                put32(out + n_out + 8, 0);
                memcpy(out + n_out + 12, in + used + 12, 4);
                out[n_out + 16] = 0;
                n_out += 17;
            }
            used += length;
        }
        n -= used;
        memmove(in, in + used, n);
        if (n_out && !put_all(fd, out, n_out))
            break;
    }
    took = now_us() - began;
    (void)close(fd);
    if (answered < messages || (receipts && received < messages)) {
        fprintf(stderr, "bench_esme: the connection ended after %u answers\n", answered);
        return 1;
    }
    printf("messages=%u us=%llu rate=%.0f\n", messages, (unsigned long long)took,
           (double)messages * 1e6 / (double)took);
    return 0;
}
