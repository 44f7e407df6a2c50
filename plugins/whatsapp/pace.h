/* How long to leave a recipient alone after Meta's pair rate was met (131056):
 * 4 s, 16 s, 64 s … for each refusal in a row. Not thread-safe; zeroed is empty. */
#ifndef WHATSAPP_PACE_H
#define WHATSAPP_PACE_H

#include <stdint.h>

enum { WA_PACE_ENTRIES = 256, WA_PACE_MAX_S = 1024 };

struct wa_pace {
    struct {
        uint64_t recipient; /* hash; 0: free */
        int64_t forget_us;
        int64_t wait_s;
    } v[WA_PACE_ENTRIES];
};

uint64_t wa_pace_hash(const char *recipient);
/* Another refusal: how long to wait, in µs. */
int64_t wa_pace_refused(struct wa_pace *, uint64_t recipient, int64_t now_us);
/* A message was taken: the next refusal starts at 4 s again. */
void wa_pace_taken(struct wa_pace *, uint64_t recipient);

#endif
