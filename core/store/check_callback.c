/* store_check: callbacks that wait to be made. */
#include "store/check.h"

void check__callback(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    const struct rec_callback *r = rec;
    const struct key message = key_of_id(r->message);
    struct rec_message m;

    (void)val;
    if (!check__get(ck, TABLE_MESSAGE, &message, &rec_desc_message, &m))
        check__found(ck, "CALLBACK", key, "its MESSAGE does not exist");
    else if (!(m.asked >> CALLBACK_TOLD & r->kind))
        check__found(ck, "CALLBACK", key, "its MESSAGE has not come to that");
    if (key_tail_u64(key, 1) > ck->reached)
        check__found(ck, "CALLBACK", key, "the event is beyond the last one");
    if (!r->url.n)
        check__found(ck, "CALLBACK", key, "it has no address");
}
