/* What the files of the SMS plugin give each other, for the targets that link them. */
#ifndef SMS_PARTS_H
#define SMS_PARTS_H

#include "../../plugins/sms/address.h"
#include "../../plugins/sms/date.h"
#include "../../plugins/sms/gsm.h"
#include "../../plugins/sms/pdu.h"
#include "../../plugins/sms/receipt_text.h"
#include "../../plugins/sms/status.h"
#include "../../plugins/sms/udh.h"

#include <hilo/segment.h>
#include <stdlib.h>
#include <string.h>

/* What must hold; a crash names the line. */
#define must(condition) ((condition) ? (void)0 : __builtin_trap())

/* A string that a reader handed out lies in the bytes that it read. */
static inline void must_lie_in(struct hilo_str s, struct hilo_str bytes)
{
    must(s.n == 0 || (s.p >= bytes.p && s.p + s.n <= bytes.p + bytes.n));
}

static inline bool same(struct hilo_str a, struct hilo_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

#endif
