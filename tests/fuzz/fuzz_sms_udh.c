/*
 * A user data header, as a customer's telephone or anybody writes it.
 *
 * Beyond not crashing: a part's number is within its total; what is known, written again,
 * reads the same.
 */
#include "sms_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t out[SMS_UDH_MAX], *copy = malloc(size + 1);
    struct sms_udh u, again;
    bool unknown;
    unsigned n;

    must(copy != NULL);
    if (size)
        memcpy(copy, data, size);
    if (sms_udh_read((struct hilo_str){(const char *)copy, size}, &u) == HILO_OK) {
        must(u.octets >= 1 && u.octets <= size);
        must(u.ref_octets <= 2 && (u.ref_octets == 0 || (u.index >= 1 && u.index <= u.total)));
        must((sms_udh_tables(&u, &unknown) & ~(uint32_t)HILO_GSM_NATIONAL) == 0);
        n = sms_udh_write(&u, out);
        must(n <= sizeof out);
        if (n) {
            must(sms_udh_read((struct hilo_str){(const char *)out, n}, &again) == HILO_OK);
            must(again.octets == n && again.faults == 0);
            again.octets = u.octets;
            again.faults = u.faults;
            must(memcmp(&again, &u, sizeof u) == 0);
        } else {
            must(u.ref_octets == 0 && !u.has_ports && !u.single_shift && !u.locking_shift);
        }
    }
    free(copy);
    return 0;
}
