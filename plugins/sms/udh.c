/* User data headers: elements are walked by their lengths. SPDX-License-Identifier: Apache-2.0 */
#include "udh.h"

#include <string.h>

/* Information elements (TS 23.040, 9.2.3.24). */
enum { CONCAT_8 = 0x00, PORTS_8 = 0x04, PORTS_16 = 0x05, CONCAT_16 = 0x08, SINGLE = 0x24, LOCKING = 0x25 };
enum { SPANISH = 2, PORTUGUESE = 3 };

static void read_concat(const uint8_t *p, uint8_t ref_octets, struct sms_udh *out)
{
    uint8_t total = p[ref_octets], index = p[ref_octets + 1];

    if (index == 0 || index > total)
        return;
    out->ref = (uint16_t)(ref_octets == 2 ? p[0] << 8 | p[1] : p[0]);
    out->ref_octets = ref_octets;
    out->total = total;
    out->index = index;
}

static void read_element(uint8_t id, const uint8_t *p, uint8_t n, struct sms_udh *out)
{
    if (id == CONCAT_8 && n == 3) {
        read_concat(p, 1, out);
    } else if (id == CONCAT_16 && n == 4) {
        read_concat(p, 2, out);
    } else if (id == PORTS_8 && n == 2) {
        out->has_ports = 1;
        out->destination_port = p[0];
        out->source_port = p[1];
    } else if (id == PORTS_16 && n == 4) {
        out->has_ports = 1;
        out->destination_port = (uint16_t)(p[0] << 8 | p[1]);
        out->source_port = (uint16_t)(p[2] << 8 | p[3]);
    } else if (id == SINGLE && n == 1) {
        out->single_shift = p[0];
    } else if (id == LOCKING && n == 1) {
        out->locking_shift = p[0];
    }
}

int32_t sms_udh_read(struct hilo_str octets, struct sms_udh *out)
{
    const uint8_t *p = (const uint8_t *)octets.p;
    uint32_t at = 1, end;

    memset(out, 0, sizeof *out);
    if (octets.n == 0 || (uint64_t)p[0] + 1 > octets.n)
        return HILO_INVALID;
    end = out->octets = p[0] + 1u;
    while (at < end) {
        if (end - at < 2 || p[at + 1] > end - at - 2) {
            out->faults = 1;
            break;
        }
        read_element(p[at], p + at + 2, p[at + 1], out);
        at += 2u + p[at + 1];
    }
    return HILO_OK;
}

/* Appends an element and returns where the next one goes. */
static unsigned add(uint8_t out[SMS_UDH_MAX], unsigned at, uint8_t id, const uint8_t *p, uint8_t n)
{
    out[at] = id;
    out[at + 1] = n;
    memcpy(out + at + 2, p, n);
    return at + 2u + n;
}

unsigned sms_udh_write(const struct sms_udh *u, uint8_t out[SMS_UDH_MAX])
{
    const uint8_t ref_high = (uint8_t)(u->ref >> 8), ref = (uint8_t)u->ref;
    unsigned at = 1;

    if (u->ref_octets == 1)
        at = add(out, at, CONCAT_8, (const uint8_t[]){ref, u->total, u->index}, 3);
    else if (u->ref_octets == 2)
        at = add(out, at, CONCAT_16, (const uint8_t[]){ref_high, ref, u->total, u->index}, 4);
    if (u->has_ports) {
        const uint8_t ports[4] = {(uint8_t)(u->destination_port >> 8), (uint8_t)u->destination_port,
                                  (uint8_t)(u->source_port >> 8), (uint8_t)u->source_port};

        at = add(out, at, PORTS_16, ports, 4);
    }
    if (u->single_shift)
        at = add(out, at, SINGLE, &u->single_shift, 1);
    if (u->locking_shift)
        at = add(out, at, LOCKING, &u->locking_shift, 1);
    if (at == 1)
        return 0;
    out[0] = (uint8_t)(at - 1);
    return at;
}

uint32_t sms_udh_tables(const struct sms_udh *u, bool *unknown)
{
    uint32_t tables = u->single_shift == SPANISH      ? HILO_GSM_ES_SINGLE
                      : u->single_shift == PORTUGUESE ? HILO_GSM_PT_SINGLE
                                                      : 0;

    if (u->locking_shift == PORTUGUESE)
        tables |= HILO_GSM_PT_LOCKING;
    *unknown = (u->single_shift && !(tables & (HILO_GSM_ES_SINGLE | HILO_GSM_PT_SINGLE))) ||
               (u->locking_shift && !(tables & HILO_GSM_PT_LOCKING));
    return tables;
}

void sms_udh_set_tables(struct sms_udh *u, uint32_t tables)
{
    u->single_shift = tables & HILO_GSM_ES_SINGLE ? SPANISH : tables & HILO_GSM_PT_SINGLE ? PORTUGUESE : 0;
    u->locking_shift = tables & HILO_GSM_PT_LOCKING ? PORTUGUESE : 0;
}
