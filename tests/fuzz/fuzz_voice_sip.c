/*
 * A SIP message as a datagram brings it: sofia's parser by our message class (first lines, CSeq, the look at
 * all headers), then everything that the endpoint reads of it, then the message written again. A second time
 * as a stream brings it, in two pieces. What is no message at all goes to the readers of texts.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/voice/ua_int.h"
#include "../../plugins/voice/ua_read.h"

#include <sofia-sip/msg.h>
#include <sofia-sip/msg_addr.h>
#include <sofia-sip/msg_buffer.h>
#include <sofia-sip/msg_parser.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_util.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each octet is looked at: a text that reaches beyond its memory is found. */
static void touch(struct hilo_str s)
{
    volatile char c = 0;

    for (uint64_t i = 0; i < s.n; i++)
        c = (char)(c ^ s.p[i]);
    (void)c;
}

static void read_all(sip_t *sip)
{
    su_home_t home[1] = {SU_HOME_INIT(home)};
    struct ua_event e = {0};
    struct hilo_str phrase = {NULL, 0};
    const char *why = NULL;
    char digit;
    uint32_t ms, status;

    ua_read_identity(sip, true, home, &e);
    touch(e.from), touch(e.from_name), touch(e.to), touch(e.asserted), touch(e.diverted), touch(e.call_id);
    touch(ua_read_sdp(sip, home));
    status = ua_read_body(sip, home, &why);
    if (status && (status < 400 || status > 499 || !why))
        abort();
    if (ua_read_digit(sip, &digit, &ms) && !strchr("0123456789*#ABCD", digit))
        abort();
    if (sip->sip_payload) {
        status =
            ua_read_sipfrag((struct hilo_str){sip->sip_payload->pl_data, sip->sip_payload->pl_len}, &phrase);
        if (status && (status < 100 || status > 699))
            abort();
        touch(phrase);
    }
    touch(ua_str(ua_read_reason(sip, home)));
    su_home_deinit(home);
}

static void message(const struct msg_mclass_s *mc, const uint8_t *data, size_t size, size_t cut)
{
    msg_t *msg = msg_create(mc, 0), *next;
    msg_iovec_t iov[8];
    size_t done = 0;

    while (msg && done < size && !msg_is_complete(msg)) {
        size_t n = done < cut && cut < size ? cut - done : size - done;
        bool last = done + n == size;
        issize_t veclen = msg_recv_iovec(msg, iov, 8, n, last);
        size_t at = 0;

        if (veclen < 0)
            break;
        for (issize_t i = 0; i < veclen && at < n; i++) {
            size_t k = iov[i].mv_len < n - at ? iov[i].mv_len : n - at;

            memcpy(iov[i].mv_base, data + done + at, k);
            at += k;
        }
        if (at == 0)
            break;
        msg_recv_commit(msg, at, last);
        done += at;
        if (msg_extract(msg) < 0)
            break;
    }
    if (msg) {
        sip_t *sip = sip_object(msg);

        if (sip && (sip->sip_request || sip->sip_status)) {
            su_home_t home[1] = {SU_HOME_INIT(home)};
            size_t n = 0;

            read_all(sip);
            (void)msg_as_string(home, msg, NULL, 0, &n);
            su_home_deinit(home);
        }
        next = msg_next(msg); /* of what followed in a stream */
        if (next)
            msg_destroy(next);
        msg_destroy(msg);
    }
}

static void texts(const uint8_t *data, size_t size)
{
    struct hilo_str s = {(const char *)data, size}, item;
    struct ua_target t;
    struct ua_net nets[UA_NETS_MAX];
    struct ua_listen listens[UA_LISTENS_MAX];
    char why[UA_WHY], out[512] = "", hvalue[512] = "", quoted[512] = "";

    touch(ua_read_addr(s));
    for (uint32_t i = 0; i < 64 && ua_read_item(s, i, &item); i++)
        touch(ua_read_addr(item));
    if (ua_target(s, &t))
        touch(t.user), touch(t.host), touch(t.params);
    (void)ua_nets(s, nets, why);
    (void)ua_listens(&(struct ua_conf){.udp = s}, listens, why);
    if (ua_put_user(out, sizeof out, s) && strpbrk(out, " <>@\"\r\n"))
        abort();
    if (ua_put_hvalue(hvalue, sizeof hvalue, s) && strpbrk(hvalue, " <>@\"\r\n;,?&="))
        abort();
    if (ua_put_quoted(quoted, sizeof quoted, s) && strpbrk(quoted, "\r\n"))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct msg_mclass_s *mc = ua_mclass_new();
    uint8_t *copy = size ? malloc(size) : NULL;

    if (copy) {
        memcpy(copy, data, size); /* exactly as long as it is, so that one octet more is seen */
        texts(copy, size);
        message(mc, copy, size, size);
        message(mc, copy, size, size / 2);
    }
    free(copy);
    free(mc);
    return 0;
}
